"""Issuing and presenting with everybody's store on one PostgreSQL server, a database for each."""

import asyncio
from typing import Any

import pytest
from tests.abuse.town import Town
from tests.postgresql import Database, PostgresServer
from tests.welders import CLAIM as WELDER
from tests.welders import LEVELS

pytestmark = [pytest.mark.agents, pytest.mark.needs("postgresql")]


async def presented(town: Town, shipyard: Any, credential: str) -> str:
    worker = town.people["worker"]
    asked = await shipyard.post("/requests", {"requirement": {"occupation": "C7212", "jurisdiction": "MLT"}})
    opened = await worker.post("/invitations", {"url": asked["short_url"]})
    await worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
    ended = await shipyard.wait_for(f"/requests/{asked['id']}", "state", "DECIDED", "DECLINED", "NO_ANSWER")
    return str(ended["decision"]["verdict"])


async def test_a_credential_is_issued_and_presented_and_survives_a_restart_of_the_server(
    tmp_path_factory: pytest.TempPathFactory, postgresql_server: PostgresServer
) -> None:
    town = Town(tmp_path_factory.mktemp("town"), holders=("worker",))
    shipyard = town.machine.add("verifier", "Malta Shipyard", "shipyard.wanderbuch.test")
    databases: list[Database] = []
    for agent in town.machine.agents:
        databases.append(await asyncio.to_thread(postgresql_server.create_database))
        agent.use_store(databases[-1].url, databases[-1].password)
    try:
        await town.open()
        shipyard.configure(governance=town.governance)
        await shipyard.start()
        worker = town.people["worker"]
        made = await town.centre.post("/offers", {"claim": WELDER, **LEVELS})
        opened = await worker.post("/invitations", {"url": made["invitation_url"]})
        await worker.post(f"/offers/{opened['id']}/accept")
        done = await worker.wait_for(f"/offers/{opened['id']}", "state", "RECEIVED")
        assert await presented(town, shipyard, done["credential_id"]) == "TRUSTED"
        await asyncio.to_thread(postgresql_server.restart)
        assert await presented(town, shipyard, done["credential_id"]) == "TRUSTED"
        for agent in town.machine.agents:  # nothing is kept beside the database
            assert not list(agent.data.rglob("wallet.db"))
            log = agent.log_path.read_text()
            assert not [database for database in databases if database.password in log]
    finally:
        await town.machine.stop()
        for database in databases:
            await asyncio.to_thread(postgresql_server.drop_database, database)
