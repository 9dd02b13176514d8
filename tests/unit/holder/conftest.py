"""A holder process for the tests that cut it off or ask it twice; a credential definition takes seconds to make."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.holder.process import HolderProcess
from tests.unit.power import Power, power
from tests.unit.trust.ecosystem import Authority, Issuer, webvh

from wanderbuch.agents.runtime.config import AgentConfig

__all__ = ["power"]


@pytest.fixture(scope="session")
def training_centre() -> Issuer:
    return Issuer(webvh("centre"))


@pytest.fixture
async def process(
    agent_config: AgentConfig,
    training_centre: Issuer,
    power: Power,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[HolderProcess]:
    """A running holder with a connection to its issuer."""
    monkeypatch.setenv("HOME", str(tmp_path))
    made = HolderProcess(agent_config, training_centre, Authority(), power)
    await made.start()
    made.place_tails()
    await made.connect()
    yield made
    await made.stop()
