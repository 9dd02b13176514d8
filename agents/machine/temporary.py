"""Temporary folders with keys in them: removed at the end, and by the next start where the end was a kill -9.

Such a folder holds a file `lock`, which its process has locked as long as it lives; so do the data folders of the
agents below. What nobody has locked any more was left behind. A folder without that file is not ours to remove.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

_LOCK: Final = "lock"
_LOGS: Final = "*.log"


class TemporaryFolder:
    """A new folder that only this user can enter.

    Args:
        kind: beginning of its name; what is left of earlier ones of this kind is removed.
    """

    def __init__(self, kind: str) -> None:
        remove_left_behind(kind)
        self._kind = kind
        self.path, self._lock = _make(kind)

    def remove(self) -> None:
        """Remove it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()

    def remove_but_logs(self) -> Path:
        """Remove it, and return the folder to which the logs below it were moved, each under the path it had.

        They hold identifiers and states, no key and no claim.
        """
        logs = Path(tempfile.mkdtemp(prefix=f"{self._kind}-logs-"))
        for log in sorted(self.path.rglob(_LOGS)):
            kept = logs / log.relative_to(self.path)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(log, kept)
        self.remove()
        return logs


def _make(kind: str) -> tuple[Path, IO[str]]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=f"{kind}-"))
        lock = (path / _LOCK).open("x")
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if (path / _LOCK).exists():  # else somebody took it for left behind before it was locked
                return path, lock
        lock.close()


def remove_left_behind(kind: str) -> list[Path]:
    """Remove what processes that are gone have left of this kind, and return where it was."""
    folders = [path for path in Path(tempfile.gettempdir()).glob(f"{kind}-*") if _is_left_behind(path)]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return folders


def _is_left_behind(folder: Path) -> bool:
    """Tell whether a folder is this user's own, was made here, and nobody works in it."""
    try:
        status = folder.lstat()
        mine = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
        return mine and (folder / _LOCK).exists() and not any(_is_locked(path) for path in folder.rglob(_LOCK))
    except OSError:
        return False


def _is_locked(file: Path) -> bool:
    with suppress(IsADirectoryError), file.open("r+") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
