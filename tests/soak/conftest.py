"""What soak tests share: their marks, a seed that can be given again, and a summary that is printed."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.soak)
            item.add_marker(pytest.mark.agents)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Chooses the moments of power cuts; WANDERBUCH_SOAK_SEED repeats a run as far as timing lets it."""
    seed = int(os.environ.get("WANDERBUCH_SOAK_SEED") or random.SystemRandom().randrange(1 << 32))
    request.node.user_properties.append(("seed", seed))
    print(f"seed {seed}: WANDERBUCH_SOAK_SEED={seed} repeats it")
    return random.Random(seed)  # noqa: S311  (moments, no secrets)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Say what was found, also when the test passes."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n{request.node.name}: {text}")

    return say
