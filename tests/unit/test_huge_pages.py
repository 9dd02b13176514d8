"""Memory that is in use goes into huge pages; memory that is not stays as it is."""

import ctypes
import mmap
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.prepared.running import run_prepared
from tests.thorough import IS_THOROUGH

from wanderbuch import huge_pages

_HUGE = 2 << 20
_MAPS = """\
7f0000100000-7f0000700000 rw-p 00000000 00:00 0
7f0000700000-7f0000900000 r--p 00000000 00:00 0
7f0000a00000-7f0000e00000 rw-p 00000000 fe:00 123                        /usr/lib/x.so
7f0001000000-7f0001100000 rw-p 00000000 00:00 0
555500000000-555500200000 rw-p 00000000 00:00 0                          [heap]
7ffc00000000-7ffc00800000 rw-p 00000000 00:00 0                          [stack]
"""


@pytest.fixture
def memory() -> Iterator[mmap.mmap]:
    with mmap.mmap(-1, 4 * _HUGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as area:
        yield area


def _address(area: mmap.mmap) -> int:
    """Return where the first huge page of an area begins."""
    first = ctypes.addressof(ctypes.c_char.from_buffer(area))
    return -(-first // _HUGE) * _HUGE


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


def _needs_huge_pages() -> None:
    if huge_pages._page_size() != _HUGE:
        pytest.skip("this machine has no huge pages of 2 MiB, or its operator wants none")


def test_finds_what_python_and_malloc_have_and_nothing_else() -> None:
    areas = list(huge_pages._areas(_MAPS.splitlines(), _HUGE))

    assert areas == [0x7F0000200000, 0x7F0000400000, 0x555500000000]


def test_memory_in_use_goes_into_a_huge_page_as_it_is(memory: mmap.mmap) -> None:
    _needs_huge_pages()
    written = bytes(range(256)) * (len(memory) // 256)
    memory[:] = written

    collapsed = huge_pages._collapsed(_address(memory), _HUGE)

    if not collapsed:
        pytest.skip("this kernel makes none (before 6.1), or there was no memory in one piece")
    assert memory[:] == written


def test_memory_that_is_hardly_in_use_does_not_grow(memory: mmap.mmap) -> None:
    _needs_huge_pages()
    offset = _address(memory) - ctypes.addressof(ctypes.c_char.from_buffer(memory))
    memory[offset : offset + _HUGE // 2] = bytes(_HUGE // 2)
    before = _resident()

    assert not huge_pages._collapsed(_address(memory), _HUGE)
    assert _resident() - before < _HUGE // 4


@pytest.mark.skipif(IS_THOROUGH, reason="in a thorough run agents do all that they do")
async def test_an_agent_of_a_test_makes_none_which_would_cost_more_than_it_lives() -> None:
    _needs_huge_pages()
    code, output, told = await run_prepared("tests.unit.told_pages")

    assert (code, output, told) == (0, "0\n", "")


@pytest.mark.parametrize("setting", ["always madvise [never]\n", None])
def test_leaves_all_as_it_is_where_nobody_wants_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str | None
) -> None:
    file = tmp_path / "enabled"
    if setting is not None:
        file.write_text(setting)
    monkeypatch.setattr(huge_pages, "_SETTING", file)

    def refused(*_: int) -> bool:
        raise AssertionError("a huge page was asked for")

    monkeypatch.setattr(huge_pages, "_collapsed", refused)

    assert huge_pages.use_huge_pages() == 0
