"""Build the wallet of `wallet/` for the tests: npm brings what its lock file names, tsc checks types and compiles."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

WALLET: Final = Path(__file__).parents[1] / "wallet"
BUILT: Final = WALLET / "build"
_MANIFESTS: Final = ("package.json", "package-lock.json")
_TIMEOUT_S: Final = 300


class WalletToolError(Exception):
    """npm or tsc failed; the message has what it said."""


def build() -> Path:
    """Compile the sources, if they changed since; give the folder of the JavaScript. Safe from several processes."""
    with _locked():
        _install()
        stamp = BUILT / ".built"
        sources = [*sorted((WALLET / "src").rglob("*.ts")), WALLET / "tsconfig.json", WALLET / "package-lock.json"]
        wanted = _digest(sources)
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(BUILT, ignore_errors=True)
            _run("node_modules/.bin/tsc")
            stamp.write_text(wanted)
    return BUILT


def _install() -> None:
    stamp = WALLET / "node_modules" / ".installed"
    wanted = _digest([WALLET / name for name in _MANIFESTS])
    if not stamp.exists() or stamp.read_text() != wanted:
        stamp.unlink(missing_ok=True)
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        stamp.write_text(wanted)


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(WALLET)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=WALLET, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise WalletToolError(f"{' '.join(command)} in wallet/:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


@contextmanager
def _locked() -> Iterator[None]:
    """One process at a time."""
    with (WALLET / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
