"""The agents that are measured: the four roles, each a process of its own, and a governance file in force."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.errors import BenchError
from tests.bench.process_clock import NoClockError, ProcessClocks

from wanderbuch.agents.demo.example import example_claim, example_payload
from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.postgresql import Database
from wanderbuch.agents.runtime.process import HUGE_PAGES

ECOSYSTEM = "sri-lanka"
# Published once: what is measured is the work of an exchange, not of a refresh.
_FRESH_S = 6 * 3600
_STEP_TIMEOUT_S = 120.0
_HELD_TIMEOUT_S = 60.0
_NUMBERS = itertools.count(1)
REQUIREMENT = {"occupation": "C7212", "min_eqf_level": 3, "jurisdiction": "MLT"}


@dataclass(frozen=True, slots=True)
class Agents:
    """The four agents.

    Args:
        other: a second holder, not started yet.
        wallets: the first holder, and further ones for load.
        registry_size: places in a revocation registry.
        values: what the issuer signs for the bench's claim, attribute by attribute.
        start_cpu_s: what each process had used when it said that it was ready; empty where that cannot be read.
    """

    machine: LocalMachine
    authority: AgentHandle
    issuer: AgentHandle
    holder: AgentHandle
    verifier: AgentHandle
    other: AgentHandle
    wallets: tuple[AgentHandle, ...]
    registry_size: int
    values: dict[str, str]
    start_cpu_s: dict[str, float]

    @property
    def pids(self) -> dict[str, int]:
        """The processes by role."""
        agents = {"authority": self.authority, "issuer": self.issuer, "holder": self.holder, "verifier": self.verifier}
        return {name: agent.process.pid for name, agent in agents.items() if agent.process is not None}

    async def offer(self) -> dict[str, Any]:
        """Have the issuer offer a certificate with a number of its own, as certificates have."""
        claim = example_claim() | {"credential_id": f"CWC-{next(_NUMBERS):06}"}
        offer: dict[str, Any] = await self.issuer.post("/offers", {"claim": claim, "deadline_s": 900})
        return offer

    async def open(self, invitation_url: str, holder: AgentHandle | None = None) -> str:
        """Have the holder, or another one, open an invitation; return the id of what it brought."""
        return str((await (holder or self.holder).post("/invitations", {"url": invitation_url}))["id"])

    async def received(self, offer_id: str, holder: AgentHandle | None = None) -> str:
        """Return the id of the credential once the holder, or another one, has it."""
        path = f"/offers/{offer_id}"
        credential = await (holder or self.holder).wait_for(path, "state", "RECEIVED", timeout_s=_HELD_TIMEOUT_S)
        return str(credential["credential_id"])

    async def issue(self, holder: AgentHandle | None = None) -> str:
        """Go the whole way of an offer; return the id of the credential that the holder, or another one, has."""
        holder = holder or self.holder
        opened = await self.open((await self.offer())["invitation_url"], holder)
        await holder.post(f"/offers/{opened}/accept")
        return await self.received(opened, holder)

    async def has_received(self, offer_id: str) -> bool:
        """Return whether the holder has the credential of an offer."""
        return bool((await self.holder.get(f"/offers/{offer_id}"))["state"] == "RECEIVED")

    async def ask(self, *, deadline_s: int = 600) -> dict[str, Any]:
        """Have the verifier ask for a welder of EQF 3 or more."""
        body = {"requirement": REQUIREMENT, "deadline_s": deadline_s}
        asked: dict[str, Any] = await self.verifier.post("/requests", body)
        return asked

    async def has_decided(self, request_id: str) -> bool:
        """Return whether a question has come to an end."""
        return bool((await self.verifier.get(f"/requests/{request_id}"))["state"] != "OPEN")

    async def verdict(self, request_id: str) -> str:
        """Return the verdict, or the state of a question that has none."""
        ended = await self.verifier.get(f"/requests/{request_id}")
        decision = ended["decision"]
        return str(decision["verdict"] if decision else ended["state"])


@asynccontextmanager
async def running_agents(
    folder: Path,
    registry_size: int,
    *,
    databases: Sequence[Database] = (),
    wallets: int = 0,
    issuer_command: Sequence[str] | None = None,
) -> AsyncIterator[Agents]:
    """Start the agents, publish the example governance file with their names in it, and stop them at the end.

    Args:
        folder: where everything is written.
        registry_size: places in a revocation registry.
        databases: two, where issuer and verifier have two processes each, on one of them.
        wallets: further holders, for load.
        issuer_command: what runs the issuer, without `--config`, where it is not `wanderbuch issuer run`.
    """
    machine, processes = LocalMachine(folder), 2 if databases else 1
    authority = machine.add(
        "authority",
        "Training Authority of Sri Lanka (example)",
        "authority.wanderbuch.test",
        authority={
            "ecosystem": ECOSYSTEM,
            "four_eyes": False,
            "freshness_lifetime_s": _FRESH_S,
            "reissue_every_s": _FRESH_S // 2,
        },
    )
    issuer = machine.add(
        "issuer",
        "Colombo Welding Centre (example)",
        "centre.wanderbuch.test",
        command=issuer_command,
        processes=processes,
    )
    holder = machine.add("holder", "Nimal's wallet", "wallet.wanderbuch.test")
    verifier = machine.add(
        "verifier", "Valletta Shipyard (example employer)", "shipyard.wanderbuch.test", processes=processes
    )
    other = machine.add("holder", "A full wallet", "full.wanderbuch.test")
    further = [
        machine.add("holder", f"Wallet {number}", f"wallet-{number}.wanderbuch.test") for number in range(wallets)
    ]
    for agent, database in zip((issuer, verifier), databases, strict=False):
        agent.use_store(database.url, database.password)
    try:
        await authority.start(timeout_s=_STEP_TIMEOUT_S)
        about = await authority.get("/identity")
        schema_id = about["schemas"]["qualification/1.0"]
        for agent in (issuer, holder, verifier, other, *further):
            agent.configure(governance={"url": about["governance_url"], "author": about["did"]})
        issuer.configure(issuer={"schema_id": schema_id, "registry_size": registry_size})
        await asyncio.gather(
            *(agent.start(timeout_s=_STEP_TIMEOUT_S) for agent in (issuer, holder, verifier, *further))
        )
        agents = Agents(machine, authority, issuer, holder, verifier, other, (holder, *further), registry_size, {}, {})
        agents.start_cpu_s.update(_cpu_s(agents))
        centre = await issuer.wait_for("/standing", "ready", True, timeout_s=_STEP_TIMEOUT_S)
        payload = example_payload(
            dids={
                "authority.wanderbuch.test": about["did"],
                "centre.wanderbuch.test": centre["did"],
                "shipyard.wanderbuch.test": (await verifier.get("/identity"))["did"],
            },
            cred_defs={"centre.wanderbuch.test": centre["cred_def_id"]},
            schema_id=schema_id,
        )
        await authority.post("/versions", {"payload": payload})
        for agent in (issuer, verifier):
            await agent.post("/governance/refresh")
        offer = await agents.offer()
        agents.values.update(offer["values"])
        await _warm_up(agents)
        await settled(authority, issuer, verifier, *agents.wallets)
        yield agents
    finally:
        await machine.stop()


def _cpu_s(agents: Agents) -> dict[str, float]:
    try:
        return {name: round(used, 2) for name, used in ProcessClocks(agents.pids).read().cpu_s.items()}
    except NoClockError:
        return {}


async def settled(*agents: AgentHandle) -> None:
    """Wait until each agent has put its memory in order, once, as it does when it has been ready for a while."""
    async with asyncio.timeout(_STEP_TIMEOUT_S):
        for agent in agents:
            while HUGE_PAGES not in agent.log_path.read_text(encoding="utf-8"):  # noqa: ASYNC110
                await asyncio.sleep(1)


async def _warm_up(agents: Agents) -> None:
    """Go the whole way once: what an agent fetches once (governance, definitions, tails) is not measured."""
    credential = await agents.issue()
    asked = await agents.ask()
    request = await agents.open(asked["invitation_url"])
    await agents.holder.post(f"/requests/{request}/present", {"credential_id": credential})
    ended = await agents.verifier.wait_for(f"/requests/{asked['id']}", "state", "DECIDED", timeout_s=_HELD_TIMEOUT_S)
    if ended["decision"]["verdict"] != "TRUSTED":
        raise BenchError(f"expected TRUSTED, found {ended['decision']}")
