"""Install SICPA's `didcomm` into a virtual environment of its own, `build/interop/didcomm`, once for each lock file.

It cannot live beside ACA-Py: the two want different versions of pydantic.
"""

import fcntl
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parent / "didcomm_v2"
TARGET = Path(__file__).parents[2] / "build" / "interop" / "didcomm"
UV = Path(__file__).parents[2] / ".tools" / "bin" / "uv"
_TIMEOUT_S = 300


def install() -> tuple[Path, Path]:
    """Bring the environment up to date and give its Python and the program; safe from several processes at once."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    python, requirements = TARGET / "bin" / "python", SOURCE / "requirements.txt"
    with (TARGET.parent / "didcomm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = requirements.read_bytes()
        done = TARGET / ".installed"
        if not done.exists() or done.read_bytes() != wanted:
            _uv("venv", "--clear", "--python", sys.executable, str(TARGET))
            _uv("pip", "install", "--python", str(python), "--no-deps", "--require-hashes", "-r", str(requirements))
            done.write_bytes(wanted)
    return python, SOURCE / "peer.py"


def _uv(*arguments: str) -> None:
    subprocess.run([UV, "--quiet", *arguments], check=True, capture_output=True, timeout=_TIMEOUT_S)


if __name__ == "__main__":
    print(install())
