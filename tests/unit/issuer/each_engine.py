"""A workshop of its own on each engine, and the time that others wait for a process that is gone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.postgresql import ENGINES
from tests.two_processes import two_processes
from tests.unit.issuer.workshop import Workshop
from tests.unit.power import marks_end

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.store.postgresql import PostgresqlEngine
from wanderbuch.store.tables import tables_of


@pytest.fixture(params=ENGINES)
async def workshop(
    request: pytest.FixtureRequest, agent_config: AgentConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Workshop]:
    """A workshop of its own on each engine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    if request.param == "sqlite":
        made = Workshop(tmp_path)
        await made.open()
        yield made
        await made.sending.stop(wait_s=5)
        await made.profile.close()
        return
    async with two_processes(agent_config, request.getfixturevalue("database_with_store")) as two:
        made = Workshop(tmp_path, two.first)
        await made.open()
        yield made
        await made.sending.stop(wait_s=5)


async def leases_end(workshop: Workshop) -> None:
    """Let the half minute pass for which a step of the process that is gone is its own, on PostgreSQL."""
    engine = tables_of(workshop.profile).engine
    if isinstance(engine, PostgresqlEngine):
        await engine.run("UPDATE lease SET until = store_now() - 1")


async def a_minute_passes(workshop: Workshop) -> None:
    """Let what a process had claimed, or was in the middle of, end by itself."""
    await marks_end(workshop.profile)
    await tables_of(workshop.profile).engine.run("UPDATE row SET until = 0")
