"""Memory that a process has for long, in huge pages: its addresses take less looking up.

What one message needs lies all over some 60 MB, and what a decision needs anywhere in a governance file of 500. For
each page of 4 KiB the processor looks up where it is, and in a virtual machine each look-up is many reads. In pages of
2 MiB there are a few dozen to look up: our own code takes a tenth to a quarter less, a decision a third (ADR 60).

Linux makes huge pages of what is there already when asked to (madvise(2), `MADV_COLLAPSE`, since 6.1). It is asked for
areas that are in use, so that the process grows by next to nothing. All stays as it is where the operator wants no huge
pages (`never` in `/sys/kernel/mm/transparent_hugepage/enabled`), where the kernel is older, and where it finds no
memory in one piece.
"""

import ctypes
import mmap
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_SETTING: Final = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_SIZE: Final = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
_MAPS: Final = Path("/proc/self/maps")
_COLLAPSE: Final = 25  # MADV_COLLAPSE of linux/mman.h
# Of Python and malloc: private, to be written, of no file. Stacks of threads look alike and are mostly not in use.
_OURS: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0\s*(\[heap\])?$")
_IN_USE: Final = 0.9

WORTHWHILE_BYTES: Final = 16 << 20
"""Data that came in so many bytes, and stays, is worth looking through the process again."""


def use_huge_pages() -> int:
    """Put what is in use of Python's and malloc's memory into huge pages, and return how many there are then.

    It takes 5 ms of a thread for each, other threads go on. The process grows by a tenth of them at most.
    """
    try:
        size = _page_size()
        maps = _MAPS.read_text().splitlines() if size else ()
    except (OSError, ValueError):  # a kernel without them, or a container that hides it
        return 0
    return sum(_collapsed(address, size) for address in _areas(maps, size))


def _page_size() -> int:
    """Return the bytes of a huge page; 0 where there are none, or nobody wants any."""
    if sys.platform != "linux":
        return 0
    return 0 if "[never]" in _SETTING.read_text() else int(_SIZE.read_text())


def _areas(maps: Iterable[str], size: int) -> Iterator[int]:
    """Yield the addresses at which a huge page fits into memory of ours.

    Args:
        maps: lines of /proc/self/maps, see proc_pid_maps(5).
        size: of a huge page, in bytes.
    """
    for line in maps:
        if area := _OURS.fullmatch(line.rstrip()):
            first, end = int(area[1], 16), int(area[2], 16)
            yield from range(-(-first // size) * size, end - size + 1, size)


def _collapsed(address: int, size: int) -> bool:
    """Return whether there is a huge page now; what is hardly in use, or was given back meanwhile, stays as it is."""
    libc, place, length = ctypes.CDLL(None), ctypes.c_void_p(address), ctypes.c_size_t(size)
    pages = (ctypes.c_ubyte * (size // mmap.PAGESIZE))()
    if libc.mincore(place, length, pages) != 0 or sum(pages) < _IN_USE * len(pages):
        return False
    return bool(libc.madvise(place, length, _COLLAPSE) == 0)
