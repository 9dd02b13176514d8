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
import gc
import json
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final, cast
from uuid import uuid4

from acapy_agent.anoncreds.registry import AnonCredsRegistry
from aries_askar import Key, KeyAlg
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
    accreditation,
    message,
    payload,
    webvh,
)

from wanderbuch.agents.issuer.role import IssuerRole
from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.runtime.tenant_desk import NewTenant
from wanderbuch.agents.verifier.role import VerifierRole
from wanderbuch.governance.question import Verdict
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.trust.verifier import VerificationDesk

_GOVERNANCE: Final = "https://authority.wanderbuch.test/governance/x"
_WARM: Final = 20  # tenants before anything is counted
_WARM_MESSAGES: Final = 30  # to each of these: what a process takes once, it has taken then
_BLOCKS: Final = 15
_IN_A_BLOCK: Final = 6
_ISSUERS: Final = 5  # one issuing tenant for so many verifying ones


@dataclass(frozen=True, slots=True)
class _Town:
    """Who is needed for a verification beside the verifier: an authority, an issuer, a wallet with a credential."""

    authority: Authority
    registry: Registry
    worker: Worker
    held: Held

    @classmethod
    def founded(cls) -> "_Town":
        issuer, worker = Issuer(webvh("centre")), Worker()
        return cls(Authority(), Registry(issuer), worker, issuer.issue(worker.link_secret, WELDER_VALUES))

    async def governance(self) -> GovernanceSource:
        """Return the governance, as if the authority's host answered."""
        issuer = self.held.issuer
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
    """Return the figures, measured in a process of its own.

    Raises:
        subprocess.CalledProcessError: it failed; its standard error says why.
    """
    command = (sys.executable, "-m", "tests.bench.tenants", "--tenants", str(tenants), "--folder", str(folder))
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


async def _measure(folder: Path, tenants: int) -> dict[str, Any]:
    machine, town = LocalMachine(folder), _Town.founded()
    machine.reach("authority.wanderbuch.test", "127.0.0.1:9")
    async with (
        _running(machine, VerifierRole(), "one", town) as small,
        _running(machine, VerifierRole(), "many", town) as large,
        _running(machine, IssuerRole(), "issuers", town) as issuing,
    ):
        verifying_kib, made = await _grown_by(large, tenants)
        issuing_kib, _ = await _grown_by(issuing, max(1, tenants // _ISSUERS))
        places = (small, await _make(small, "only")), (large, made[tenants // 2])
        for _, to in places:
            to.tenant.bind(AnonCredsRegistry, AnonCredsRegistry([town.registry]))
        blocks: list[list[float]] = [[], []]
        for number in range(_BLOCKS + 1):
            for (agent, to), found in zip(places, blocks, strict=True):
                taken = await _block_ms(agent, to, town)
                if number:  # the first warms up
                    found.append(taken)
        one, among = (median(each) for each in blocks)
        opening = [await _reopened_ms(large, each.tenant.id) for each in made[: min(tenants, 300)]]
    return {
        "tenants_1000_rss_kb_each": verifying_kib,
        "tenant_open_ms": round(median(opening), 2),
        "tenant_1000_over_1": round(among / one, 3),
        "tenants": tenants,
        "rss_kb_each": {"verifier": verifying_kib, "issuer": issuing_kib},
        "verification_cpu_ms": {"one": round(one, 2), "among all": round(among, 2)},
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
        for task in [each for each in agent._tasks if each.get_name() == "sweeper"]:
            task.cancel()  # it comes once a minute, and would fall into one of the measurements
        yield agent
    finally:
        await agent.stop()


async def _grown_by(agent: RunningAgent, tenants: int) -> tuple[float, list[_Written]]:
    """Make tenants, each open and written to; return how many KiB the process grew by for each, and the tenants."""
    for number in range(_WARM):
        warm = await _make(agent, f"warm-{number}")
        for _ in range(_WARM_MESSAGES):
            await _greet(agent, warm)
    before = _rss_kib()
    made = [await _make(agent, f"tenant-{number}") for number in range(tenants)]
    return round((_rss_kib() - before) / tenants, 1), made


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
    for _ in range(_IN_A_BLOCK):
        began = time.process_time()
        asked = await desk.ask(profile, WELDER, did=to.tenant.did, answer_in=timedelta(minutes=10), title="Bench")
        spent += time.process_time() - began
        proof = town.worker.present(asked.proof_request, town.held)
        presentation = {
            "@type": "https://didcomm.org/present-proof/2.0/presentation",
            "@id": str(uuid4()),
            "~thread": {"thid": asked.thread_id},
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
