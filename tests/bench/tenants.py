"""What a thousand tenants cost: memory each, the time to open one, and what they add to a message for one of them.

Run in a process of its own (`python -m tests.bench.tenants --tenants 1000 --folder DIR`), a real verifier with its
store, its sites and ACA-Py; prints the figures as JSON:

- `tenants_1000_rss_kb_each` (at most 60): what the process grows by for each tenant that is open, with its DID, after
  one message each, in KiB;
- `tenant_open_ms` (at most 30): the median time to open a tenant whose DID is there;
- `tenant_1000_over_1` (at most 1.1): CPU time of a message to a tenant among all of them (opened, let in by the gate,
  kept, handled and answered for: the part of a verification that could depend on how many there are) over the same with
  one tenant; medians of blocks.
"""

import argparse
import asyncio
import gc
import itertools
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from aries_askar import Key, KeyAlg
from tests.unit.runtime.correspondents import Correspondent, connect

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.tenant_desk import NewTenant
from wanderbuch.agents.verifier.role import VerifierRole

_AUTHOR: Final = "did:webvh:QmZiyaPNtfWPaFz7oF3NcAyM85zq7yx6oNrrrzSRxqVnPj:authority.wanderbuch.test:org"
_WARM: Final = 20  # tenants before anything is counted
_BLOCKS: Final = 15
_IN_A_BLOCK: Final = 40
_FRIENDS: Final = 40


@dataclass(frozen=True, slots=True)
class _Written:
    """A tenant that some have a connection with: each of them has a budget of messages."""

    id: str
    friends: Iterator[Correspondent]


def measure_tenants(folder: Path, tenants: int = 1000) -> dict[str, Any]:
    """Return the figures, measured in a process of its own.

    Raises:
        subprocess.CalledProcessError: it failed; its standard error says why.
    """
    command = (sys.executable, "-m", "tests.bench.tenants", "--tenants", str(tenants), "--folder", str(folder))
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


async def _measure(folder: Path, tenants: int) -> dict[str, Any]:
    machine, role = LocalMachine(folder), VerifierRole()
    handle = machine.add("verifier", "Everybody", "all.wanderbuch.test")
    handle.configure(governance={"url": "https://authority.wanderbuch.test/governance/x", "author": _AUTHOR})
    machine.reach("authority.wanderbuch.test", "127.0.0.1:9")
    handle.write_config()
    agent = await start(load_config(handle.config_path, {}, role=role), role)
    try:
        await agent.wait_ready()
        for task in [each for each in agent._tasks if each.get_name() == "sweeper"]:
            task.cancel()  # it comes once a minute, and would fall into one of the two measurements
        first = await _make(agent, "first", friends=_FRIENDS)
        for _ in range(2 * _FRIENDS):
            await _message(agent, first)
        alone = await _blocks(agent, first)
        for number in range(_WARM):
            await _make(agent, f"warm-{number}")
        before = _rss_kib()
        made = [await _make(agent, f"tenant-{number}") for number in range(tenants)]
        after = _rss_kib()
        among = await _blocks(agent, first)
        opening = [await _reopened_ms(agent, each.id) for each in made[: min(tenants, 300)]]
    finally:
        await agent.stop()
    return {
        "tenants_1000_rss_kb_each": round((after - before) / tenants, 1),
        "tenant_open_ms": round(median(opening), 2),
        "tenant_1000_over_1": round(median(among) / median(alone), 3),
        "tenants": tenants,
        "message_cpu_ms": {"one": round(median(alone), 2), "among all": round(median(among), 2)},
    }


async def _make(agent: RunningAgent, tenant_id: str, *, friends: int = 1) -> _Written:
    """Make a tenant, open it with its DID, and have it handle one message."""
    await agent.tenant_desk.make(NewTenant(tenant_id, f"Centre {tenant_id}", {"verifier": {}}))
    tenant = await agent.tenants.enter(tenant_id)
    made = []
    for _ in range(friends):
        key = Key.generate(KeyAlg.ED25519)
        recipient, connection_id = await connect(tenant.profile, key)
        made.append(Correspondent(agent, recipient, connection_id, key))
    written = _Written(tenant_id, itertools.cycle(made))
    await _message(agent, written)
    return written


async def _message(agent: RunningAgent, to: _Written) -> None:
    """Send one and wait until its handling has ended."""
    discovery = {"@type": "https://didcomm.org/discover-features/2.0/queries", "@id": "1", "queries": []}
    answer = await agent._transport.receive(
        next(to.friends).envelope({**discovery, "~transport": {"return_route": "all"}})
    )
    if answer.status != 200:
        raise RuntimeError(f"a message was answered with {answer.status}")
    while agent._transport.in_flight:  # noqa: ASYNC110
        await asyncio.sleep(0.001)


async def _blocks(agent: RunningAgent, to: _Written) -> list[float]:
    """Return the CPU milliseconds of a message, all threads, block by block."""
    found = []
    for _ in range(_BLOCKS):
        began = time.process_time()
        for _ in range(_IN_A_BLOCK):
            await _message(agent, to)
        found.append(1e3 * (time.process_time() - began) / _IN_A_BLOCK)
    return found


async def _reopened_ms(agent: RunningAgent, tenant_id: str) -> float:
    await agent.tenants.shut(tenant_id)
    began = time.perf_counter()
    await agent.tenants.enter(tenant_id)
    return 1e3 * (time.perf_counter() - began)


def _rss_kib() -> int:
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tenants")
    parser.add_argument("--tenants", type=int, default=1000)
    parser.add_argument("--folder", type=Path, required=True)
    told = parser.parse_args()
    logging.disable(logging.ERROR)
    with asyncio.Runner() as runner:
        print(json.dumps(runner.run(_measure(told.folder, told.tenants))))


if __name__ == "__main__":
    main()
