"""What stays for as long as the process is not looked through; what comes later is collected."""

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from wanderbuch.agents.runtime import collecting


class _Circle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def test_collects_but_the_youngest_while_it_starts() -> None:
    collecting.hold()
    first, many = ref(_Circle()), 2 * gc.get_threshold()[0]
    kept = [[number] for number in range(10 * many)]
    later = ref(_Circle())
    kept += [[number] for number in range(many)]

    assert gc.get_count()[2] == 0
    assert (first(), later()) == (None, None)
    assert len(kept) == 11 * many


def test_never_looks_again_at_what_was_imported() -> None:
    imported = ref(_Circle())
    collecting.hold()

    collecting.settle()
    gc.collect()

    assert imported() is not None


def test_collects_what_a_start_left_behind() -> None:
    collecting.hold()
    left = ref(_Circle())

    collecting.settle()

    assert left() is None


def test_collects_what_comes_later() -> None:
    collecting.hold()
    collecting.settle()
    comes_later = ref(_Circle())

    kept = [[] for _ in range(2 * gc.get_threshold()[0])]

    assert comes_later() is None
    assert kept
