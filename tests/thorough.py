"""How much of what is left to chance, or walked through step by step, a run of the tests takes.

`make test` and `make system` take enough to see that what is tested holds; `make soak` sets WANDERBUCH_THOROUGH and
takes all of it, in the whole Chromium (`tests.needs`).

    for number in range(examples(300)): ...
    @settings(max_examples=examples(400), deadline=None)
    @pytest.mark.parametrize(("language", "size"), share_of(LOOKS, at=1))
    @pytest.mark.thorough
    chance = drawn(request.node.nodeid)

What is `drawn` is drawn by the commit: anew for each, so that one after the other all of it is seen, and
the same whenever a commit's tests run again, for what failed must fail again. WANDERBUCH_DRAW draws otherwise.
"""

import os
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from random import Random
from subprocess import SubprocessError, run
from typing import Any, Final

import pytest

IS_THOROUGH: Final = bool(os.environ.get("WANDERBUCH_THOROUGH"))
DRAW: Final = "WANDERBUCH_DRAW"
_SHARE: Final = 4
_LEAST: Final = 25
_ENGINE_SHARE: Final = 3
_ON_POSTGRESQL: Final = re.compile(r"(?<=[\[-])postgresql(?=[\]-])")
_STORE: Final = "tests/unit/store/"


def examples(all_of_them: int) -> int:
    """Return how many of so many examples this run takes: a quarter, or 25 if that is more, but for thorough ones."""
    return all_of_them if IS_THOROUGH else min(all_of_them, max(_LEAST, all_of_them // _SHARE))


def share_of[Case](cases: Sequence[Case], *at: int) -> Sequence[Case]:
    """Return those of the cases that stand at these places, counted from 0; all of them in a thorough run."""
    return cases if IS_THOROUGH else [cases[place] for place in at]


def drawn(of: str) -> Random:
    """Return what draws the share of a test, by its name."""
    return Random(f"{draw()} {of}")  # noqa: S311


@cache
def draw() -> str:
    """Return what this run's shares are drawn by: the commit, unless the environment says otherwise."""
    if given := os.environ.get(DRAW):
        return given
    folder = Path(__file__).parents[1]
    try:
        named = run(("git", "rev-parse", "HEAD"), cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, SubprocessError):  # files without their history
        return "no commit"
    return named.stdout.strip()


def leave_to_soak(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what is marked `thorough` and what comes twice, once on each engine, unless this run is thorough."""
    if IS_THOROUGH:
        return
    twice = _power_cuts_on_both_engines(items) | _not_drawn_on_postgresql(items)
    left = [item for item in items if item.get_closest_marker("thorough") or item in twice]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def _not_drawn_on_postgresql(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """Return two of three cases on PostgreSQL that run on SQLite too, others for each commit.

    The store's own tests, of what differs between the two, run whole, and so does what runs on PostgreSQL alone.
    """
    names = {item.nodeid for item in items}
    return {
        item
        for item in items
        if not item.nodeid.startswith(_STORE)
        and "power" not in getattr(item, "fixturenames", ())
        and _ON_POSTGRESQL.search(item.nodeid)
        and _ON_POSTGRESQL.sub("sqlite", item.nodeid) in names
        and drawn(item.nodeid).randrange(_ENGINE_SHARE)
    }


def _power_cuts_on_both_engines(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """Return the second and further cases on PostgreSQL of each test of power cuts.

    Every case runs on SQLite, and one of them on PostgreSQL, where the same steps are done. The store's own tests, of
    what differs between the two, run whole.
    """
    seen, twice = set[str](), set[pytest.Item]()
    for item in items:
        callspec: Any = getattr(item, "callspec", None)
        if callspec is None or item.nodeid.startswith(_STORE) or "power" not in getattr(item, "fixturenames", ()):
            continue
        if "postgresql" in callspec.params.values():
            test = item.nodeid.partition("[")[0]
            if test in seen:
                twice.add(item)
            seen.add(test)
    return twice
