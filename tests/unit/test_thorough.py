"""What a run takes a share of is drawn by its commit: again the same, another time something else, in the end all."""

from itertools import takewhile
from random import Random

import pytest
from tests import thorough
from tests.unit.power import Power, Share

_STEPS = 40


def cuts_of(chance: Random, every: int = 8) -> list[int]:
    return list(takewhile(lambda step: step <= _STEPS, Power(Share(every, chance)).cuts()))


def test_all_cuts_are_made_thoroughly() -> None:
    assert list(takewhile(lambda step: step <= _STEPS, Power().cuts())) == list(range(_STEPS + 1))


@pytest.mark.parametrize("every", [8, 16])
def test_each_step_is_cut_after_in_some_run_and_few_in_each(every: int) -> None:
    runs = [cuts_of(Random(f"commit {number}"), every) for number in range(400)]  # noqa: S311
    assert {step for run in runs for step in run} == set(range(1, _STEPS + 1))
    assert all(run[0] <= every // 3 for run in runs)
    assert sum(map(len, runs)) / len(runs) < 2 + _STEPS / every


def test_a_run_of_the_same_commit_draws_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(thorough.DRAW, "one")
    thorough.draw.cache_clear()
    first = cuts_of(thorough.drawn("a test"))
    assert cuts_of(thorough.drawn("a test")) == first
    assert cuts_of(thorough.drawn("another test")) != first
    monkeypatch.setenv(thorough.DRAW, "two")
    thorough.draw.cache_clear()
    assert cuts_of(thorough.drawn("a test")) != first
    monkeypatch.delenv(thorough.DRAW)
    thorough.draw.cache_clear()
    assert thorough.draw() not in ("one", "two")
