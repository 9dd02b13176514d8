"""Strangers who hold thousands of connections, on an agent that may open 1,024 files: others hardly notice."""

import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from tests.flow.test_agent_runs import TINY, connected
from tests.soak.crowd import KINDS

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.children import start_child

FILES = 1024
SECONDS = 20.0
CROWDS = {"idle": 3000, "half_handshake": 3000, "slow_headers": 600, "slow_body": 300, "slow_reader": 300}
HEALTH_S = 1.0
ROUNDS = 12
MAX_MORE_MIB = 300
NOTHING_S = 0.05  # below this, a difference is the machine's

LIMITED = (
    "import os, resource, sys\n"
    f"resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES}))\n"
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])\n"
)


@pytest.fixture
async def pair(machine: LocalMachine) -> tuple[AgentHandle, AgentHandle, str]:
    """An agent with few descriptors, an honest one, and the honest one's connection with it."""
    command = (sys.executable, "-c", LIMITED, *TINY[1:])
    here = machine.add("tiny", "here", "here.wanderbuch.test", command=command)
    honest = machine.add("tiny", "honest", "honest.wanderbuch.test", command=TINY)
    await machine.start()
    return here, honest, await connected(honest, here)


async def exchange_s(honest: AgentHandle, connection: str) -> float:
    """How long it takes until a ping is answered: two messages, one to the agent and one back."""
    answered = (await honest.get("/pings"))["answered"]
    began = time.perf_counter()
    await honest.post(f"/connections/{connection}/ping")
    async with asyncio.timeout(30):
        while (await honest.get("/pings"))["answered"] <= answered:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return time.perf_counter() - began


async def exchanges_s(honest: AgentHandle, connection: str) -> float:
    taken = []
    for _ in range(ROUNDS):
        taken.append(await exchange_s(honest, connection))
        await asyncio.sleep(0.2)
    return statistics.median(taken)


async def slowest_health_s(here: AgentHandle) -> float:
    slowest = 0.0
    for _ in range(ROUNDS):
        async with aiohttp.ClientSession() as session:  # a connection of its own each time, as a watchdog's
            began = time.perf_counter()
            async with session.get(f"{here.app_url}/health") as response:
                assert response.status == 200
            slowest = max(slowest, time.perf_counter() - began)
        await asyncio.sleep(0.2)
    return slowest


def memory_mib(agent: AgentHandle) -> int:
    assert agent.process is not None
    lines = Path(f"/proc/{agent.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // 1024


def open_files(agent: AgentHandle) -> int:
    assert agent.process is not None
    try:
        return len(list(Path(f"/proc/{agent.process.pid}/fd").iterdir()))
    except PermissionError:  # the process is not dumpable, so only root sees this
        return 0


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_a_crowd_of_strangers_keeps_nobody_out(
    pair: tuple[AgentHandle, AgentHandle, str], kind: str, tell: Callable[[str], None]
) -> None:
    here, honest, connection = pair
    quiet, quiet_memory = await exchanges_s(honest, connection), memory_mib(here)
    port, number = str(here.public_port), CROWDS[kind]
    crowd = await start_child(
        (sys.executable, "-m", "tests.soak.crowd", kind, port, str(number), str(SECONDS)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert crowd.stdout is not None
    try:
        assert await crowd.stdout.readline() == b"begun\n"
        await asyncio.sleep(4)
        crowded = await exchanges_s(honest, connection)
        health = await slowest_health_s(here)
        files, memory = open_files(here), memory_mib(here)
        made = int(await crowd.stdout.readline())
    finally:
        if crowd.returncode is None:
            crowd.kill()
        await crowd.wait()
    tell(
        f"{number} strangers made {made} connections; "
        f"an exchange took {quiet * 1000:.0f} ms, then {crowded * 1000:.0f}; "
        f"/health at most {health * 1000:.0f} ms; {files} files, {memory} MiB"
    )
    assert made >= number
    assert files < FILES - 100
    assert memory - quiet_memory < MAX_MORE_MIB
    assert health < HEALTH_S
    assert crowded < 2 * quiet + NOTHING_S
    assert here.process is not None
    assert here.process.returncode is None
