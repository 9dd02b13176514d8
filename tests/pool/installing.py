"""Unmodified indy-node 1.13.2 in a venv of its own, `build/indy-node`, made once for each version of its requirements.

It runs on Python 3.8 or 3.9 and no newer one, which no registry of packages offers: one must be on the machine. Which
is looked for: the one that the environment names as INDY_PYTHON, those on the path, those of pyenv and of uv.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_REQUIREMENTS: Final = Path(__file__).parent / "node" / "requirements.txt"
_BUILD_TOOLS: Final = ("setuptools", "wheel")
VARIABLE: Final = "INDY_PYTHON"
HOW_TO_INSTALL: Final = f"pyenv install 3.9, or uv python install 3.9; or name one in the environment as {VARIABLE}"


def old_python() -> Path | None:
    """Return a Python 3.9 or 3.8 that runs, or None."""
    return next((path for path in _candidates() if _version_of(path) in ("3.9", "3.8")), None)


def why_there_is_no_pool() -> str | None:
    """Return what this machine lacks for a pool, and how to get it; None if a pool can be made."""
    if not shutil.which("gcc"):
        return "a C compiler (Debian: apt-get install gcc libc6-dev)"
    return None if old_python() else f"Python 3.8 or 3.9, which indy-node runs on ({HOW_TO_INSTALL})"


def nodes_python() -> Path:
    """Return the Python that has indy-node, after installing it if need be (15 s, from the usual package registry).

    Raises:
        RuntimeError: it cannot be installed; says what failed.
    """
    build = _ROOT / "build"
    build.mkdir(exist_ok=True)
    with (build / "indy-node.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes of tests may begin at once
        folder, digest = build / "indy-node", hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()
        made = folder / "made-from"
        if not (made.exists() and made.read_text() == digest):
            _install(folder)
            made.write_text(digest)
    return folder / "bin" / "python"


def _install(folder: Path) -> None:
    if lacking := why_there_is_no_pool():
        raise RuntimeError(f"an Indy pool needs {lacking}")
    python = folder / "bin" / "python"
    _uv("venv", "--quiet", "--clear", "--python", old_python() or "", folder)
    install = ("pip", "install", "--quiet", "--python", python, "--no-deps", "--require-hashes")
    # What has no wheel is built with old tools: theirs came before the new forms of metadata.
    tools = folder / "build-tools.txt"
    blocks = _REQUIREMENTS.read_text().replace("\\\n", " ").splitlines()
    tools.write_text("\n".join(line for line in blocks if line.split("==")[0] in _BUILD_TOOLS))
    _uv(*install, "-r", tools)
    _uv(*install, "--compile-bytecode", "--no-build-isolation", "-r", _REQUIREMENTS)  # nodes start often
    packages = next(folder.glob("lib/python3.*/site-packages"))
    sodium = next(packages.glob("pyzmq.libs/libsodium-*.so*"))
    (packages / "libnacl" / "libsodium.so").symlink_to(sodium)


def _uv(*arguments: str | Path) -> None:
    done = subprocess.run([_ROOT / ".tools/bin/uv", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"indy-node cannot be installed: uv {arguments[0]} says {done.stderr[-2000:]}")


def _candidates() -> Iterator[Path]:
    if named := os.environ.get(VARIABLE):
        yield Path(named)
        return
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local/share/uv/python"))
    for version in ("3.9", "3.8"):
        if on_path := shutil.which(f"python{version}"):
            yield Path(on_path)
        yield from pyenv.glob(f"{version}.*/bin/python{version}")
        yield from uv.glob(f"cpython-{version}.*/bin/python{version}")


def _version_of(python: Path) -> str | None:
    """Return what it says of itself: a shim on the path may lead to nothing."""
    code = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"
    try:
        printed = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False, timeout=20)
    except OSError:
        return None
    return printed.stdout.strip()


if __name__ == "__main__":
    print(nodes_python())
