"""A real agent: it starts, answers, keeps what it acknowledged, stops, and says in one line what is wrong."""

import asyncio
import json
import sqlite3
import sys
from typing import Any

import aiohttp
import pytest

from wanderbuch.agents.machine import AgentHandle, AppError, LocalMachine

pytestmark = [pytest.mark.agents, pytest.mark.system]

TINY = (sys.executable, "-m", "tests.flow.tiny_role")


def tiny(machine: LocalMachine, name: str, **tables: Any) -> AgentHandle:
    return machine.add("tiny", name, f"{name}.wanderbuch.test", command=TINY, **tables)


async def connected(one: AgentHandle, other: AgentHandle) -> str:
    """Connect `one` to `other` and return the connection's id with `one`."""
    link = (await other.post("/invitations"))["text"]
    connection = (await one.post("/connections", {"text": link}))["text"]
    await one.wait_for(f"/connections/{connection}", "text", "active", "completed")
    return str(connection)


async def counted(agent: AgentHandle, key: str, number: int, timeout_s: float = 120) -> None:
    async with asyncio.timeout(timeout_s):
        while (await agent.get("/pings"))[key] < number:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def told(agent: AgentHandle) -> str:
    """The last line on the agent's standard output and error: what a person reads."""
    return agent.log_path.read_text().splitlines()[-1]


async def test_two_agents_talk_and_stop_cleanly(machine: LocalMachine) -> None:
    one, other = tiny(machine, "one"), tiny(machine, "other")
    await machine.start()
    connection = await connected(one, other)
    await one.post(f"/connections/{connection}/ping")
    await counted(one, "answered", 1)
    assert (await other.get("/pings"))["received"] == 1
    ready = [json.loads(line) for line in one.log_path.read_text().splitlines() if '"ready": true' in line]
    assert ready[0]["did"].startswith("did:webvh:")
    assert (await one.stop(), await other.stop()) == (0, 0)
    assert '"drained": true' in told(one)


async def test_a_message_acknowledged_before_a_kill_is_processed_after_it(machine: LocalMachine) -> None:
    """Trap 22: ACA-Py answers 200 and then processes; a kill in between loses the message."""
    gate = machine.folder / "gate"
    one, other = tiny(machine, "one"), tiny(machine, "other")
    await machine.start()
    connection = await connected(one, other)
    await other.stop()
    other.configure(tiny={"needs_file": str(gate)})
    await other.start(wait=False)
    await _listening(other)
    await one.post(f"/connections/{connection}/ping")
    await _logged(other, "didcomm.waiting")  # kept and acknowledged, not processed
    await other.kill()
    gate.touch()
    await other.start()
    await counted(other, "received", 1)
    await counted(one, "answered", 1)


async def test_a_locked_store_ends_the_process_and_nothing_is_acknowledged(machine: LocalMachine) -> None:
    """Trap 12: after "database is locked" ACA-Py goes on, and later writes answer OK without being stored."""
    one = tiny(machine, "one")
    other = tiny(machine, "other", wallet={"key_file": "wallet.key", "busy_timeout_ms": 200})
    await machine.start()
    connection = await connected(one, other)
    thief = sqlite3.connect(other.data / "wallet" / "wallet.db")
    thief.execute("BEGIN IMMEDIATE")
    await one.post(f"/connections/{connection}/ping")
    assert other.process is not None
    async with asyncio.timeout(120):
        code = await other.process.wait()
    thief.rollback()
    thief.close()
    assert code == 75
    assert "database is locked" in told(other)
    await other.start()
    await counted(other, "received", 1)  # not acknowledged, so the sender tried again


async def test_a_full_disk_ends_the_process_and_what_was_answered_is_there(machine: LocalMachine) -> None:
    """A file size limit stands in for a full disk: SQLite gets the same failing write."""
    limited = ("bash", "-c", 'ulimit -f 1500; exec "$@"', "limited", *TINY)
    one = machine.add("tiny", "one", "one.wanderbuch.test", command=limited)
    await one.start()
    links: list[str] = []

    async def invite_for_ever() -> None:
        while True:
            links.append((await one.post("/invitations"))["text"])

    with pytest.raises((AppError, aiohttp.ClientError)):
        await invite_for_ever()
    assert one.process is not None
    async with asyncio.timeout(120):
        code = await one.process.wait()
    assert code == 75
    assert "full" in told(one)
    one.command = TINY
    await one.start()
    assert links
    for link in links:
        assert (await one.get(f"/links/{link.rpartition('/')[2]}"))["text"].startswith("https://one.wanderbuch.test")


async def _listening(agent: AgentHandle) -> None:
    await _logged(agent, "agent.waiting")


async def _logged(agent: AgentHandle, event: str) -> None:
    async with asyncio.timeout(120):
        while f'"event": "{event}"' not in agent.log_path.read_text():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
