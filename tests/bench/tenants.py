"""What a thousand tenants cost: memory each, the time to open one, and what they add to a verification at one of them.

Run in a process of its own (`python -m tests.bench.tenants --tenants 1000 --folder DIR`): real verifiers and issuers
with their store, their sites and ACA-Py; prints the figures as JSON:

- `tenants_1000_rss_kb_each` (at most 60): what the process grows by for each verifying tenant that is open, with its
  DID, after one message each, in KiB; `issuer` beside it is the same for a fifth as many issuing tenants;
- `tenant_open_ms` (at most 30): the median time to open a tenant whose DID is there;
- `tenant_1000_over_1` (at most 1.1): CPU time of a whole verification at one of all of them (asked, answered with a
  real anoncreds proof, let in by the gate, kept, judged, told) over the same at a process that has one tenant: medians
  of blocks that take turns. The wallet's own work, making the proof, is not counted.
"""

import argparse
import asyncio
import ctypes
import gc
import itertools
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final, cast
from uuid import uuid4

from acapy_agent.anoncreds.registry import AnonCredsRegistry
from aries_askar import Key, KeyAlg
from tests.bench.memory import resident_kib
from tests.bench.ratios import median_of_ratios
from tests.unit.runtime.correspondents import Correspondent, connect
from tests.unit.trust.ecosystem import (
    AUTHORITY,
    WELDER,
    WELDER_VALUES,
    Authority,
    FileHost,
    Held,
    Issuer,
    Registry,
    Worker,
    message,
    payload,
    webvh,
)
from tests.welders import accreditation

from wanderbuch.agents.issuer.role import IssuerRole
from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.runtime.tenant_desk import NewTenant
from wanderbuch.agents.verifier.role import VerifierRole
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.trust.verifying.asked import ONLY_GROUP, AskedCredential
from wanderbuch.plugins.trust.verifying.verifier import Asker, VerificationDesk

_GOVERNANCE: Final = "https://authority.wanderbuch.test/governance/x"
_WARM: Final = 20  # tenants before anything is counted
_WARM_MESSAGES: Final = 30  # to each of these: what a process takes once, it has taken then
_BLOCKS: Final = 15
_IN_A_BLOCK: Final = 6
_MALLINFO: Final = [
    "arena",
    "ordblks",
    "smblks",
    "hblks",
    "hblkhd",
    "usmblks",
    "fsmblks",
    "uordblks",
    "fordblks",
    "keepcost",
]
_ISSUERS: Final = 5  # one issuing tenant for so many verifying ones


@dataclass(frozen=True, slots=True)
class _Town:
    """Who is needed for a verification beside the verifier: an authority, an issuer, a wallet with a credential."""

    authority: Authority
    registry: Registry
    worker: Worker
    credential: Held

    @classmethod
    def founded(cls) -> "_Town":
        issuer, worker = Issuer(webvh("centre")), Worker()
        return cls(Authority(), Registry(issuer), worker, issuer.issue(worker.link_secret, WELDER_VALUES))

    async def governance(self) -> GovernanceSource:
        """Return the governance, as if the authority's host answered."""
        issuer = self.credential.issuer
        signed = await self.authority.file(payload({issuer.did: [accreditation([issuer.cred_def_id])]}))
        statement = await self.authority.statement(signed, at=datetime.now(UTC))
        return GovernanceSource(
            GovernanceSourceConfig(url=_GOVERNANCE, author=AUTHORITY),
            edge=cast(HttpEdge, FileHost({"current.jws": signed.jws, "freshness.jws": statement})),
            resolve_key=self.authority.resolve_key,
        )


@dataclass(frozen=True, slots=True)
class _Written:
    """A tenant that somebody has a connection with."""

    tenant: Tenant
    friend: Correspondent


def measure_tenants(folder: Path, tenants: int = 1000) -> dict[str, Any]:
    """Return the figures; verifying and issuing tenants are measured in a process of their own each.

    Raises:
        subprocess.CalledProcessError: one failed; its standard error says why.
    """
    verifying = _measured("verifier", folder / "verifier", tenants)
    issuing = _measured("issuer", folder / "issuer", max(1, tenants // _ISSUERS))
    return verifying | {
        "tenants": tenants,
        "rss_kb_each": {"verifier": verifying["tenants_1000_rss_kb_each"], "issuer": issuing["rss_kb_each"]},
        "memory": {"verifier": verifying["memory"], "issuer": issuing["memory"]},
    }


def _measured(role: str, folder: Path, tenants: int) -> dict[str, Any]:
    command = (sys.executable, "-m", "tests.bench.tenants", role, "--tenants", str(tenants), "--folder", str(folder))
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    document: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return document


async def _measure_issuing(folder: Path, tenants: int) -> dict[str, Any]:
    machine, town = LocalMachine(folder), _Town.founded()
    machine.reach("authority.wanderbuch.test", "127.0.0.1:9")
    async with _running(machine, IssuerRole(), "issuers", town) as issuing:
        grown, _ = await _grown_by(issuing, tenants)
    return {"rss_kb_each": grown.kib_each, "memory": grown.as_json()}


async def _measure(folder: Path, tenants: int) -> dict[str, Any]:
    machine, town = LocalMachine(folder), _Town.founded()
    machine.reach("authority.wanderbuch.test", "127.0.0.1:9")
    async with _running(machine, VerifierRole(), "many", town) as large:
        grown, made = await _grown_by(large, tenants)  # before another agent is in this process
        async with _running(machine, VerifierRole(), "one", town) as small:
            places = (small, await _make(small, "only")), (large, made[tenants // 2])
            for _, to in places:
                to.tenant.bind(AnonCredsRegistry, AnonCredsRegistry([town.registry]))
            blocks: list[list[float]] = [[], []]
            for number in range(_BLOCKS + 1):
                for (agent, to), times in zip(places, blocks, strict=True):
                    taken = await _block_ms(agent, to, town)
                    if number:  # the first warms up
                        times.append(taken)
        ratio = median_of_ratios(blocks[1], blocks[0])
        opening = [await _reopened_ms(large, place.tenant.id) for place in made[: min(tenants, 300)]]
    return {
        "tenants_1000_rss_kb_each": grown.kib_each,
        "tenant_open_ms": round(median(opening), 2),
        "tenant_1000_over_1": round(ratio.value, 3),
        "memory": grown.as_json(),
        "verification_cpu": ratio.as_json("among_all", "one"),
    }


@asynccontextmanager
async def _running(machine: LocalMachine, role: Role, name: str, town: _Town) -> AsyncIterator[RunningAgent]:
    handle = machine.add(role.name, name, f"{name}.wanderbuch.test")
    handle.configure(
        governance={"url": _GOVERNANCE, "author": str(AUTHORITY)},
        tenants={"messages_per_s": 10_000.0},  # all is sent to one of them here
    )
    handle.write_config()
    agent = RunningAgent(load_config(handle.config_path, {}, role=role), role)
    agent.library._sources[_GOVERNANCE, str(AUTHORITY)] = await town.governance()
    try:
        await agent._start()
        await agent.wait_ready()
        for task in [task for task in agent._tasks if task.get_name() == "sweeper"]:
            task.cancel()  # it comes once a minute, and would fall into one of the measurements
        yield agent
    finally:
        await agent.stop()


@dataclass(frozen=True, slots=True)
class _Grown:
    """What a process had in KiB after each tenth of the tenants, and what malloc (C, Rust, large objects) had of it."""

    tenants: tuple[int, ...]
    resident: tuple[float, ...]
    in_malloc: tuple[float, ...]

    @property
    def kib_each(self) -> float:
        """The median slope of every pair of readings: one jump of an allocator does not count for all."""
        return round(_slope(self.tenants, self.resident), 1)

    def as_json(self) -> dict[str, Any]:
        in_malloc = _slope(self.tenants, self.in_malloc)
        return {
            "kib_each": self.kib_each,
            "malloc_kib_each": round(in_malloc, 1),
            "python_and_rest_kib_each": round(self.kib_each - in_malloc, 1),
            "tenants": self.tenants,
            "resident_kib": self.resident,
        }


def _slope(at: Sequence[int], values: Sequence[float]) -> float:
    pairs = itertools.combinations(zip(at, values, strict=True), 2)
    return median((later - earlier) / (more - less) for (less, earlier), (more, later) in pairs)


async def _grown_by(agent: RunningAgent, tenants: int) -> tuple[_Grown, list[_Written]]:
    """Make tenants, each open and written to; return how the process grew, and the tenants."""
    for number in range(_WARM):
        warm = await _make(agent, f"warm-{number}")
        for _ in range(_WARM_MESSAGES):
            await _greet(agent, warm)
    readings = [(0, *_memory_kib())]
    made: list[_Written] = []
    for number in range(tenants):
        made.append(await _make(agent, f"tenant-{number}"))
        if (number + 1) % max(1, tenants // 10) == 0:
            readings.append((number + 1, *_memory_kib()))
    counted, resident, in_malloc = zip(*readings, strict=True)
    return _Grown(counted, resident, in_malloc), made


async def _make(agent: RunningAgent, tenant_id: str) -> _Written:
    """Make a tenant, open it with its DID, and have it handle one message."""
    await agent.tenant_desk.make(NewTenant(tenant_id, f"Centre {tenant_id}", {agent.role.name: {}}))
    tenant = await agent.tenants.enter(tenant_id)
    key = Key.generate(KeyAlg.ED25519)
    recipient, connection_id = await connect(tenant.profile, key)
    written = _Written(tenant, Correspondent(agent, recipient, connection_id, key))
    await _greet(agent, written)
    return written


async def _greet(agent: RunningAgent, to: _Written) -> None:
    discovery = {"@type": "https://didcomm.org/discover-features/2.0/queries", "@id": "1", "queries": []}
    await _send(agent, to, {**discovery, "~transport": {"return_route": "all"}})


async def _send(agent: RunningAgent, to: _Written, told: dict[str, Any]) -> None:
    """Send a message and wait until its handling has ended."""
    answer = await agent._transport.receive(to.friend.envelope(told))
    if answer.status != 200:
        raise RuntimeError(f"a message was answered with {answer.status}")
    while agent._transport.in_flight:  # noqa: ASYNC110
        await asyncio.sleep(0.001)


async def _block_ms(agent: RunningAgent, to: _Written, town: _Town) -> float:
    """Return the CPU milliseconds of a verification, all threads, without the wallet's own."""
    desk, profile, spent = to.tenant.profile.inject(VerificationDesk), to.tenant.profile, 0.0
    asker = Asker(to.tenant.did, "Bench", to.tenant.place.url)
    for _ in range(_IN_A_BLOCK):
        began = time.process_time()
        asked = await desk.ask(
            profile, AskedCredential(ONLY_GROUP, WELDER), asker=asker, answer_in=timedelta(minutes=10)
        )
        spent += time.process_time() - began
        proof = town.worker.present(asked.proof_request, town.credential)
        presentation = {
            "@type": "https://didcomm.org/present-proof/2.0/presentation",
            "@id": str(uuid4()),
            "~thread": {"thid": asked.id},
            **message(proof),
        }
        began = time.process_time()
        await _send(agent, to, presentation)
        ended = await desk.status(profile, asked.id)
        spent += time.process_time() - began
        if ended.decision is None or ended.decision.verdict is not Verdict.TRUSTED:
            raise RuntimeError(f"expected TRUSTED, found {ended.state} {ended.decision}")
    return 1e3 * spent / _IN_A_BLOCK


async def _reopened_ms(agent: RunningAgent, tenant_id: str) -> float:
    await agent.tenants.shut(tenant_id)
    began = time.perf_counter()
    await agent.tenants.enter(tenant_id)
    return 1e3 * (time.perf_counter() - began)


class _Mallinfo(ctypes.Structure):
    """What glibc's mallinfo2(3) returns."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in _MALLINFO)


def _memory_kib() -> tuple[float, float]:
    """Return what is resident, and what malloc has given out, in KiB; freed memory is handed back first."""
    gc.collect()
    library = ctypes.CDLL(None)
    library.malloc_trim(0)
    library.mallinfo2.restype = _Mallinfo
    told = library.mallinfo2()
    return resident_kib(os.getpid()), (told.uordblks + told.hblkhd) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tenants")
    parser.add_argument("role", choices=("verifier", "issuer"))
    parser.add_argument("--tenants", type=int, default=1000)
    parser.add_argument("--folder", type=Path, required=True)
    told = parser.parse_args()
    logging.disable(logging.ERROR)
    with asyncio.Runner() as runner:
        measure = _measure if told.role == "verifier" else _measure_issuing
        print(json.dumps(runner.run(measure(told.folder, told.tenants))))


if __name__ == "__main__":
    main()
