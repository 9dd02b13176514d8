"""An assessment centre on each engine, as one process after the other opens it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from tests.postgresql import ENGINES
from tests.unit.power import power
from tests.unit.store.opening import Processes

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.store.tables import tables_of

from .assessments import Assessments, Clock

__all__ = ["power"]


@dataclass
class Centre:
    """One centre, and a clock that all its processes have."""

    processes: Processes
    profile: WalletProfile
    clock: Clock = field(default_factory=lambda: Clock(datetime(2026, 11, 27, 9, 0, tzinfo=UTC)))

    def assessments(self, *, four_eyes: bool = True, approvals: int = 2) -> Assessments:
        """Return the assessments as a freshly started process has them."""
        return Assessments(self.profile, self.clock, four_eyes=four_eyes, approvals=approvals)

    async def end_leases(self) -> None:
        """Let the time pass after which nobody waits any more for a process that died in the middle."""
        await tables_of(self.profile).engine.run("UPDATE lease SET until = store_now() - 1")

    async def elsewhere(self) -> Assessments:
        """Return the assessments as another process has them; where nobody shares the store, as this one has."""
        if self.processes.database is None:
            return self.assessments()
        return Assessments(await self.processes.another(), self.clock)


@pytest.fixture(params=ENGINES)
async def centre(request: pytest.FixtureRequest, agent_config: AgentConfig) -> AsyncIterator[Centre]:
    database = None if request.param == "sqlite" else request.getfixturevalue("database_with_store")
    processes = Processes(agent_config, database)
    yield Centre(processes, await processes.another())
    await processes.end()
