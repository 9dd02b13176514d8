"""The agents that are measured: the four roles, each a process of its own, and a governance file in force."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.process_clock import NoClockError, ProcessClocks

from wanderbuch.agents.demo.example import example_claim, example_payload
from wanderbuch.agents.machine import AgentHandle, LocalMachine

ECOSYSTEM = "sri-lanka"
# Published once: what is measured is the work of an exchange, not of a refresh.
_FRESH_S = 6 * 3600
_STEP_TIMEOUT_S = 120.0
_HELD_TIMEOUT_S = 60.0
REQUIREMENT = {"occupation": "C7212", "min_eqf_level": 3, "jurisdiction": "MLT"}


class BenchError(Exception):
    """An agent did not do its part."""


@dataclass(frozen=True, slots=True)
class Agents:
    """The four agents.

    Args:
        registry_size: places in a revocation registry.
        values: what the issuer signs for the bench's claim, attribute by attribute.
        start_cpu_s: what each process had used when it said that it was ready; empty where that can not be read.
    """

    authority: AgentHandle
    issuer: AgentHandle
    holder: AgentHandle
    verifier: AgentHandle
    registry_size: int
    values: dict[str, str]
    start_cpu_s: dict[str, float]

    @property
    def pids(self) -> dict[str, int]:
        """The processes by role."""
        agents = {"authority": self.authority, "issuer": self.issuer, "holder": self.holder, "verifier": self.verifier}
        return {name: agent.process.pid for name, agent in agents.items() if agent.process is not None}

    async def offer(self) -> dict[str, Any]:
        """Have the issuer offer the credential."""
        offer: dict[str, Any] = await self.issuer.post("/offers", {"claim": example_claim(), "deadline_s": 900})
        return offer

    async def open(self, invitation_url: str) -> str:
        """Have the holder open an invitation; return the id of what it brought."""
        return str((await self.holder.post("/invitations", {"url": invitation_url}))["id"])

    async def received(self, offer_id: str) -> str:
        """Return the id of the credential once the holder has it."""
        path = f"/offers/{offer_id}"
        held = await self.holder.wait_for(path, "state", "RECEIVED", timeout_s=_HELD_TIMEOUT_S)
        return str(held["credential_id"])

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
async def running_agents(folder: Path, registry_size: int) -> AsyncIterator[Agents]:
    """Start the agents, publish the example governance file with their names in it, and stop them at the end."""
    machine = LocalMachine(folder)
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
    issuer = machine.add("issuer", "Colombo Welding Centre (example)", "centre.wanderbuch.test")
    holder = machine.add("holder", "Nimal's wallet", "wallet.wanderbuch.test")
    verifier = machine.add("verifier", "Valletta Shipyard (example employer)", "shipyard.wanderbuch.test")
    try:
        await authority.start(timeout_s=_STEP_TIMEOUT_S)
        about = await authority.get("/identity")
        schema_id = about["schemas"]["qualification/1.0"]
        for agent in (issuer, holder, verifier):
            agent.configure(governance={"url": about["governance_url"], "author": about["did"]})
        issuer.configure(issuer={"schema_id": schema_id, "registry_size": registry_size})
        await asyncio.gather(*(agent.start(timeout_s=_STEP_TIMEOUT_S) for agent in (issuer, holder, verifier)))
        agents = Agents(authority, issuer, holder, verifier, registry_size, {}, {})
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
        await _warm_up(agents, offer)
        yield agents
    finally:
        await machine.stop()


def _cpu_s(agents: Agents) -> dict[str, float]:
    try:
        return {name: round(used, 2) for name, used in ProcessClocks(agents.pids).read().cpu_s.items()}
    except NoClockError:
        return {}


async def _warm_up(agents: Agents, offer: dict[str, Any]) -> None:
    """Go the whole way once: what an agent fetches once (governance, definitions, tails) is not measured."""
    opened = await agents.open(offer["invitation_url"])
    await agents.holder.post(f"/offers/{opened}/accept")
    credential = await agents.received(opened)
    asked = await agents.ask()
    request = await agents.open(asked["invitation_url"])
    await agents.holder.post(f"/requests/{request}/present", {"credential_id": credential})
    ended = await agents.verifier.wait_for(f"/requests/{asked['id']}", "state", "DECIDED", timeout_s=_HELD_TIMEOUT_S)
    if ended["decision"]["verdict"] != "TRUSTED":
        raise BenchError(f"expected TRUSTED, found {ended['decision']}")
