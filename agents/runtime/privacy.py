"""What a process of ours leaves behind for others on the machine: nothing.

- What it writes is its owner's alone (umask 077); public files are given their modes by whoever publishes them.
- No core dump: it would hold the wallet key. On Linux the process is not "dumpable" either, so that no other process of
  the same user can read its memory, and a crash handler that the kernel pipes dumps to gets none.
- A data folder that others could read, or write to, is tightened at start.
"""

import contextlib
import ctypes
import logging
import os
import resource
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wanderbuch.agents.runtime.logs import log_event

_LOG = logging.getLogger(__name__)
_UMASK: Final = 0o077
_PR_SET_DUMPABLE: Final = 4  # prctl(2), linux/prctl.h
_OTHERS: Final = 0o077
# A web server of another user passes through the data folder to the public one, and can list neither it nor its rest.
_PASSAGE: Final = 0o711
_PUBLIC_FOLDER: Final = 0o755
_PUBLIC_FILE: Final = 0o644


def keep_private() -> None:
    """Let this process, and what it starts, leave nothing for others."""
    os.umask(_UMASK)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # a C library without it
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def make_data_folder(folder: Path) -> None:
    """Make an agent's data folder; one that is there stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(_PASSAGE)


def tighten(data: Path, public: Path) -> None:
    """Take away from others what is theirs neither to read nor to write in a data folder, and say so in the log.

    Args:
        data: the folder, which exists.
        public: the folder in it that the world may read.
    """
    mended = refused = 0
    for path in (data, *_below(data)):
        try:
            status = path.lstat()
            mode = stat.S_IMODE(status.st_mode)
            wanted = _wanted(path, status.st_mode, data, public)
            if not stat.S_ISLNK(status.st_mode) and mode != wanted:
                path.chmod(wanted)
                mended += 1
        except FileNotFoundError:
            continue
        except OSError:
            refused += 1
    if mended:
        log_event(_LOG, logging.WARNING, "data.tightened", folder=str(data), entries=mended)
    if refused:
        hint = f"as their owner, run: chmod -R go-rwx {data}, or mount the folder for this user alone"
        log_event(_LOG, logging.WARNING, "data.open_to_others", folder=str(data), entries=refused, hint=hint)


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(parent, name)


def _wanted(path: Path, mode: int, data: Path, public: Path) -> int:
    """Return the mode that an entry should have, from the one that it has."""
    if path == public or public in path.parents:
        return _PUBLIC_FOLDER if stat.S_ISDIR(mode) else _PUBLIC_FILE
    return stat.S_IMODE(mode) & (_PASSAGE if path == data else ~_OTHERS)
