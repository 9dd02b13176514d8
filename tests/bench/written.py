"""What an issuance hands to the store, on either side: `issuer_kb_written` and `holder_kb_written`."""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from tests.bench.agents import Agents
from tests.bench.errors import BenchError
from tests.bench.figures import Figures

from wanderbuch.agents.machine import AgentHandle

_ISSUANCES: Final = 8
_ANSWER_S: Final = 20.0
_SETTLED_S: Final = 2.0
_TOLD: Final = 12


async def measure_written(agents: Agents, folder: Path, figures: Figures) -> None:
    """Start issuer and holder again with their writes counted, issue, and leave them as they were.

    Raises:
        BenchError: an agent does not tell.
    """
    folder.mkdir()  # noqa: ASYNC240 (nobody waits)
    watched = {"issuer": agents.issuer, "holder": agents.holder}
    commands = {name: agent.command for name, agent in watched.items()}
    try:
        for agent in watched.values():
            await start_with(agent, watched_command(folder, agent.command))
        await agents.issue()
        before = await _told(watched, folder)
        for _ in range(_ISSUANCES):
            await agents.issue()
        await asyncio.sleep(_SETTLED_S)
        after = await _told(watched, folder)
    finally:
        for name, agent in watched.items():
            await start_with(agent, commands[name])
    for name in watched:
        written = _an_issuance(before[name], after[name])
        figures.take(f"{name}_kb_written", written["kb"])
        figures.details.setdefault("written", {})[name] = written


def watched_command(folder: Path, command: tuple[str, ...]) -> tuple[str, ...]:
    """Return what runs an agent with its writes counted.

    Args:
        folder: where it tells what it counted.
        command: what runs it else: `<python> -m <module> …`.
    """
    python, minus_m, *rest = command
    return python, minus_m, "tests.bench.watched", str(folder), *rest


async def signalled(pid: int, number: signal.Signals, file: Path) -> None:
    """Send a signal, and wait until the file that it asks for is written anew.

    Raises:
        BenchError: it is not.
    """
    file.unlink(missing_ok=True)  # noqa: ASYNC240 (nobody waits)
    os.kill(pid, number)
    deadline = time.monotonic() + _ANSWER_S
    while not file.exists():  # noqa: ASYNC240 (another process writes it)
        if time.monotonic() > deadline:
            raise BenchError(f"process {pid} does not tell what it counted")
        await asyncio.sleep(0.05)


async def start_with(agent: AgentHandle, command: tuple[str, ...]) -> None:
    """Start an agent again by another command."""
    await agent.stop()
    agent.command = command
    await agent.start()


async def _told(watched: dict[str, AgentHandle], folder: Path) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for name, agent in watched.items():
        if agent.process is None:
            raise BenchError(f"the {name} does not run")
        file = folder / f"{agent.process.pid}.json"
        await signalled(agent.process.pid, signal.SIGUSR1, file)
        written[name] = json.loads(file.read_text())
    return written


def _an_issuance(before: Any, after: Any) -> dict[str, Any]:
    size = Counter(after["bytes"])
    size.subtract(before["bytes"])
    writes = Counter(after["writes"])
    writes.subtract(before["writes"])
    return {
        "kb": sum(size.values()) / _ISSUANCES / 1e3,
        "writes": sum(writes.values()) / _ISSUANCES,
        "kb_by_category": {
            name: round(bytes_written / _ISSUANCES / 1e3, 2)
            for name, bytes_written in size.most_common(_TOLD)
            if bytes_written
        },
        "writes_by_category": {name: round(count / _ISSUANCES, 2) for name, count in writes.items() if count},
    }
