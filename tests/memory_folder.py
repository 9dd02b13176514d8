"""Temporary folders of tests in memory, where the machine has room: what waits for a disk there is a third as quick.

Every wallet of a test writes to SQLite, and each commit waits until the disk has it. Killed processes lose nothing in
memory that they would keep on a disk, so no test says less. Soak tests stay on the disk: what they measure is that.
"""

import os
import tempfile
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path("/dev/shm")  # noqa: S108 (folders in it are made for their owner alone)
_ROOM: Final = 4 * 1024**3
_SOAK: Final = "soak"


def use_memory(config: pytest.Config) -> None:
    """Let this process, and those it starts, make their temporary folders in memory, unless somebody said where."""
    if "TMPDIR" not in os.environ and not is_soak(config) and _has_room():
        os.environ["TMPDIR"] = str(FOLDER)
        tempfile.tempdir = None  # asked anew


def is_soak(config: pytest.Config) -> bool:
    """Return whether soak tests are asked for."""
    return any(_SOAK in text for text in (config.option.markexpr, *config.args))


def _has_room() -> bool:
    """Return whether a folder in memory is there that runs programs, and whether it and the machine have room."""
    try:
        room = os.statvfs(FOLDER)
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return False
    runs_programs = not room.f_flag & os.ST_NOEXEC
    return runs_programs and os.access(FOLDER, os.W_OK) and min(room.f_bavail * room.f_frsize, free) >= _ROOM
