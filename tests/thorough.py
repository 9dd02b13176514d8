"""How much of what is left to chance, or walked through step by step, a run of the tests takes.

`make test` takes enough to see that what is tested holds; `make soak` sets WANDERBUCH_THOROUGH and takes all of it.

    for number in range(examples(300)): ...
    @settings(max_examples=examples(400), deadline=None)
    @pytest.mark.parametrize(("language", "size"), share_of(LOOKS, at=1))
    @pytest.mark.thorough
"""

import os
from collections.abc import Sequence
from typing import Final

import pytest

IS_THOROUGH: Final = bool(os.environ.get("WANDERBUCH_THOROUGH"))
_SHARE: Final = 4
_LEAST: Final = 25


def examples(all_of_them: int) -> int:
    """Return how many of so many examples this run takes: a quarter, or 25 if that is more, but for thorough ones."""
    return all_of_them if IS_THOROUGH else min(all_of_them, max(_LEAST, all_of_them // _SHARE))


def share_of[Case](cases: Sequence[Case], *at: int) -> Sequence[Case]:
    """Return those of the cases that stand at these places, counted from 0; all of them in a thorough run."""
    return cases if IS_THOROUGH else [cases[place] for place in at]


def leave_to_soak(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what is marked `thorough`, unless this run is."""
    left = [] if IS_THOROUGH else [item for item in items if item.get_closest_marker("thorough")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
