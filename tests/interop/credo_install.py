"""Install the Credo wallet of `credo/` with npm into `build/interop/credo`, once for each lock file."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from tests.needs import node_is_missing

SOURCE = Path(__file__).parent / "credo"
TARGET = Path(__file__).parents[2] / "build" / "interop" / "credo"
MANIFESTS = ("package.json", "package-lock.json")
# Two packages hold native code that is compiled here. No other package's install script runs: those of the
# AnonCreds, Askar and Indy wrappers would download a library, and the Python wheels bring the same libraries.
COMPILED = ("@2060.io/ffi-napi", "@2060.io/ref-napi")
INSTALL_TIMEOUT_S = 420


class NodeIsMissingError(Exception):
    """There is no usable Node.js."""


def require_node() -> str:
    """Give the path of Node.js.

    Raises:
        NodeIsMissingError: node or npm is not there, or node is too old.
    """
    if lacking := node_is_missing():
        raise NodeIsMissingError(f"expected {lacking}")
    return str(shutil.which("node"))


def install() -> Path:
    """Bring `build/interop/credo` up to date and give the path of the wallet program in it.

    Idempotent, and safe from several processes at once: packages are installed again only when a manifest or
    the version of Node.js has changed.
    """
    node = require_node()
    TARGET.mkdir(parents=True, exist_ok=True)
    with (TARGET.parent / "credo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = _fingerprint(node)
        done = TARGET / ".installed"
        if not done.exists() or done.read_text() != wanted:
            done.unlink(missing_ok=True)
            for name in MANIFESTS:
                shutil.copyfile(SOURCE / name, TARGET / name)
            _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
            _npm("rebuild", *COMPILED)
            done.write_text(wanted)
        # Node.js looks for packages beside the file that imports them, so the program stands beside them.
        for program in SOURCE.glob("*.mjs"):
            _copy_if_changed(program, TARGET / program.name)
    return TARGET / "wallet.mjs"


def native_libraries() -> dict[str, str]:
    """Give the environment that points Credo at the native libraries of the Python wheels."""
    return {
        "LIB_ASKAR_PATH": _folder_of("aries_askar"),
        "LIB_ANONCREDS_PATH": _folder_of("anoncreds"),
        "LIB_INDY_VDR_PATH": _folder_of("indy_vdr"),
    }


def _folder_of(package: str) -> str:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(package)
    return str(Path(spec.origin).parent)


def _fingerprint(node: str) -> str:
    digest = hashlib.sha256()
    for name in MANIFESTS:
        digest.update((SOURCE / name).read_bytes())
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{digest.hexdigest()} {version}"


def _npm(*arguments: str) -> None:
    environment = {**os.environ, "npm_config_update_notifier": "false"}
    prefix = Path(require_node()).resolve().parent.parent
    if (prefix / "include" / "node" / "node.h").exists():
        # Else the compiler's driver would download the headers that lie there.
        environment["npm_config_nodedir"] = str(prefix)
    done = subprocess.run(
        ["npm", *arguments],
        cwd=TARGET,
        env=environment,
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"npm {' '.join(arguments)} failed in {TARGET}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )


def _copy_if_changed(source: Path, target: Path) -> None:
    content = source.read_bytes()
    if not target.exists() or target.read_bytes() != content:
        part = target.with_suffix(".part")
        part.write_bytes(content)
        part.replace(target)


if __name__ == "__main__":
    print(install())
