"""Install the OpenID provider of `openid/` with npm into `build/interop/openid`, once for each lock file."""

import fcntl
import shutil
import subprocess
from pathlib import Path

from tests.interop.credo_install import MANIFESTS, require_node

SOURCE = Path(__file__).parent / "openid"
TARGET = Path(__file__).parents[2] / "build" / "interop" / "openid"
_TIMEOUT_S = 300


def install() -> Path:
    """Bring `build/interop/openid` up to date and give the path of the program in it; safe from several processes."""
    require_node()
    TARGET.mkdir(parents=True, exist_ok=True)
    with (TARGET.parent / "openid.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (SOURCE / "package-lock.json").read_bytes()
        done = TARGET / ".installed"
        if not done.exists() or done.read_bytes() != wanted:
            done.unlink(missing_ok=True)
            for name in MANIFESTS:
                shutil.copyfile(SOURCE / name, TARGET / name)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=TARGET, check=True, capture_output=True, timeout=_TIMEOUT_S)
            done.write_bytes(wanted)
        # Node.js looks for packages beside the file that imports them, so the program stands beside them.
        shutil.copyfile(SOURCE / "provider.mjs", TARGET / "provider.mjs")
    return TARGET / "provider.mjs"


if __name__ == "__main__":
    print(install())
