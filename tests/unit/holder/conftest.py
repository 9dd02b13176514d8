"""A holder process for the tests that cut it off or ask it twice.

A credential definition takes seconds to make, so issuers live for the session; each test has them as they were made,
since what one revokes would be revoked for the next.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.holder.asked_wallet import AskedWallet
from tests.unit.holder.offered import OfferedWallet
from tests.unit.power import Power, power
from tests.unit.trust.ecosystem import Authority, Issuer, webvh
from tests.welders import accreditation

from wanderbuch.agents.runtime.config import AgentConfig

__all__ = ["power"]


@pytest.fixture(scope="session")
def made_issuers() -> tuple[Issuer, Issuer]:
    return Issuer(webvh("centre")), Issuer(webvh("cooks"))


@pytest.fixture
def training_centre(made_issuers: tuple[Issuer, Issuer]) -> Issuer:
    return made_issuers[0].as_made()


@pytest.fixture
def cooking_school(made_issuers: tuple[Issuer, Issuer]) -> Issuer:
    """Accredited for cooks."""
    return made_issuers[1].as_made()


@pytest.fixture
async def offered(
    agent_config: AgentConfig,
    training_centre: Issuer,
    cooking_school: Issuer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[OfferedWallet]:
    """A wallet that has a connection with an issuer of welders; a school for cooks is accredited too."""
    monkeypatch.setenv("HOME", str(tmp_path))
    made = OfferedWallet(agent_config, (training_centre, cooking_school), Authority())
    made.accredited[cooking_school.did] = [
        accreditation([cooking_school.cred_def_id], id="acc-2", occupations=["C512"])
    ]
    await made.start()
    await made.connect()
    await made.sweep()  # as at every start
    yield made
    await made.stop()


@pytest.fixture
async def asked(
    agent_config: AgentConfig, training_centre: Issuer, power: Power, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AskedWallet]:
    """A wallet that has a connection with an issuer of welders, and that a verifier asks."""
    monkeypatch.setenv("HOME", str(tmp_path))
    made = AskedWallet(agent_config, (training_centre,), Authority(), power)
    await made.start()
    made.place_tails()
    await made.connect()
    await made.sweep()  # as at every start
    yield made
    await made.stop()
