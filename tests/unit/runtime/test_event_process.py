"""What a process removes that nobody needs any more."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from acapy_agent.core.profile import Profile
from tests.postgresql import Database
from tests.unit.store.conftest import HASHES

from wanderbuch.agents.runtime.event_process import ProcessEvents
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.event_kinds import EventKind
from wanderbuch.store.postgresql import open_postgresql
from wanderbuch.store.tables import Tables, tables_on

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)

pytestmark = pytest.mark.needs("postgresql")


@pytest.fixture
async def tables(database: Database) -> AsyncIterator[Tables]:
    engine = await open_postgresql(database.dsn, connections=2)
    yield tables_on(engine, HASHES)
    await engine.close()


async def nobody(tenant: str) -> Profile:
    raise NotFoundError(tenant)


async def test_ended_leases_old_events_and_ended_work_go_every_hour(tables: Tables) -> None:
    events = ProcessEvents(tables, HttpEdge(), nobody)

    async def left() -> list[int]:
        return [
            (await tables.engine.run(f"SELECT count(*) FROM {name}"))[0][0]  # noqa: S608
            for name in ("lease", "event", "work")
        ]

    async def make() -> None:
        async with tables.leases.hold("default/step"):
            pass
        await tables.events.append("default", EventKind.OFFER_ENDED, "offer", {"state": "DECLINED"})
        await tables.works.start("default", "letters", "one")
        await tables.works.cancel("default", "letters", "one")
        for name, column in (("event", "at"), ("work", "ended")):
            await tables.engine.run(f"UPDATE {name} SET {column} = {column} - 31 * 86400.0")  # noqa: S608

    await make()
    assert await left() == [1, 1, 1]
    await events.sweep(NOW)
    assert await left() == [0, 0, 0]
    await make()
    await events.sweep(NOW + timedelta(minutes=59))
    assert await left() == [1, 1, 1]
    await events.sweep(NOW + timedelta(minutes=61))
    assert await left() == [0, 0, 0]
