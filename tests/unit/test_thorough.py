"""What a run takes a share of is drawn by its commit: again the same, another time something else, in the end all."""

import os
from itertools import takewhile
from pathlib import Path
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


UNUSED = ("cacheprovider", "asyncio", "schemathesis", "anyio")
QUIETLY = ("--collect-only", "-qq", "--import-mode=importlib", *(f"-pno:{name}" for name in UNUSED), "-c", os.devnull)
ON_BOTH = """
import pytest

@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request): return request.param

@pytest.mark.parametrize("number", range(60))
def test_both(engine, number): pass

@pytest.mark.parametrize("engine", ["postgresql"])
def test_alone(engine): pass
"""


@pytest.mark.parametrize("is_thorough", [False, True])
def test_a_third_runs_on_both_engines_and_thoroughly_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_thorough: bool
) -> None:
    (tmp_path / "test_engines.py").write_text(ON_BOTH)
    monkeypatch.setattr(thorough, "IS_THOROUGH", is_thorough)

    class Collected:
        def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
            thorough.leave_to_soak(config, items)
            self.names = [item.name for item in items]

    drawn = set()
    for commit in ("one", "two"):
        monkeypatch.setenv(thorough.DRAW, commit)
        thorough.draw.cache_clear()
        kept = Collected()
        pytest.main([*QUIETLY, str(tmp_path)], [kept])
        on_postgresql = frozenset(name for name in kept.names if name.startswith("test_both[postgresql"))
        drawn.add(on_postgresql)
        assert len([name for name in kept.names if name.startswith("test_both[sqlite")]) == 60
        assert "test_alone[postgresql]" in kept.names
        assert len(on_postgresql) == 60 if is_thorough else 8 < len(on_postgresql) < 35
    thorough.draw.cache_clear()
    assert len(drawn) == (1 if is_thorough else 2)
