"""Processes of one agent that publish into different folders are told so."""

import logging

import pytest
from tests.postgresql import Database
from tests.unit.runtime.test_agent_on_postgresql import processes, run

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime.public_files import FolderFiles
from wanderbuch.agents.runtime.public_folder import SharedFolder
from wanderbuch.errors import ConfigurationError
from wanderbuch.store.sqlite import open_sqlite
from wanderbuch.store.tables import tables_of

pytestmark = pytest.mark.needs("postgresql")


def apart(handle: AgentHandle, host: str) -> None:
    """Let a process have a public folder of its own."""
    handle.configure(public={"host": host, "folder": str(handle.data / "public")})
    handle.write_config()


async def test_a_process_with_a_folder_of_its_own_is_refused(machine: LocalMachine, database: Database) -> None:
    first, second = processes(machine, database, 2)
    agent = await run(first)
    apart(second, first.host)
    with pytest.raises(ConfigurationError, match="not the one that the other processes") as refused:
        await run(second)
    assert "share" in str(refused.value.hint)
    await agent.stop()
    agent = await run(second)  # the only one: the agent has another folder now
    await agent.stop()
    apart(first, first.host)
    assert await agent_runs(first)


async def agent_runs(handle: AgentHandle) -> bool:
    agent = await run(handle)
    await agent.stop()
    return True


async def test_who_runs_on_with_the_folder_of_before_says_so(
    machine: LocalMachine, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    first = processes(machine, database, 1)[0]
    agent = await run(first)
    folder = agent._shared_folder
    assert await folder.look()
    await tables_of(agent.profile).engine.run("UPDATE meta SET value = 'another' WHERE name = 'public-folder'")
    with caplog.at_level(logging.ERROR):
        assert not await folder.look()
    assert "set [public] folder or objects to one place" in caplog.text
    await agent.stop()


async def test_a_process_alone_needs_no_mark(machine: LocalMachine) -> None:
    engine = open_sqlite(None)
    folder = SharedFolder(FolderFiles(machine.folder / "public"), engine)
    await folder.claim(0)
    assert await folder.look()
    assert not (machine.folder / "public").exists()
    await engine.close()
