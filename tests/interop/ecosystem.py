"""Real agents for the wallet to meet: an authority, a training centre and an employer, each a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.credo_wallet import CredoWallet, Endpoint, credo_wallet

from wanderbuch.agents.demo.example import example_claim, example_payload
from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.ports import free_port

ECOSYSTEM = "sri-lanka"
WALLETS = 12

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ecosystem:
    """The agents, with a governance file in force that accredits the centre for metal trades, NVQ 2 to 5."""

    machine: LocalMachine
    authority: AgentHandle
    centre: AgentHandle
    employer: AgentHandle
    wallet_ports: Iterator[tuple[str, int]]

    async def offer(self, changes: Mapping[str, str] | None = None, *, deadline_s: int = 300) -> Json:
        """Let the centre offer a qualification: a welder's, NVQ 4, unless `changes` say otherwise."""
        claim = example_claim(**changes or {})
        offer: Json = await self.centre.post("/offers", {"claim": claim, "deadline_s": deadline_s})
        return offer

    async def ask(self, *, deadline_s: int = 120, **requirement: object) -> Json:
        """Let the employer ask for a welder's qualification that counts in Malta."""
        wanted = {"occupation": "C7212", "jurisdiction": "MLT", **requirement}
        request: Json = await self.employer.post("/requests", {"requirement": wanted, "deadline_s": deadline_s})
        return request

    async def outcome(self, request: Json, *, timeout_s: float = 60) -> Json:
        """Wait for the end of a request of the employer."""
        end: Json = await self.employer.wait_for(
            f"/requests/{request['id']}", "state", "DECIDED", "DECLINED", "NO_ANSWER", timeout_s=timeout_s
        )
        return end

    @asynccontextmanager
    async def wallet(self, folder: Path) -> AsyncIterator[CredoWallet]:
        """Run a Credo wallet in this world; it listens for messages, as a phone does behind its mediator."""
        endpoint = self._wallet_endpoint()
        connect = dict(line.split("=") for line in self.machine.connections())
        async with credo_wallet(folder, ca_file=self.machine.ca_file, connect=connect, endpoint=endpoint) as wallet:
            yield wallet

    def _wallet_endpoint(self) -> Endpoint:
        host, port = next(self.wallet_ports)
        certificate, key = self.machine.folder / f"{host}.crt", self.machine.folder / f"{host}.key"
        self.machine.authority.write_server(host, certificate, key)
        return Endpoint(f"https://{host}/", port, certificate, key)


@asynccontextmanager
async def running_ecosystem(folder: Path) -> AsyncIterator[Ecosystem]:
    """Start the agents, publish the governance file, and stop them at the end."""
    machine = LocalMachine(folder)
    authority = machine.add(
        "authority",
        "Training Authority of Sri Lanka (example)",
        "authority.wanderbuch.test",
        authority={"ecosystem": ECOSYSTEM, "four_eyes": False},
    )
    centre = machine.add(
        "issuer", "Colombo Welding Centre (example)", "centre.wanderbuch.test", issuer={"registry_size": 32}
    )
    employer = machine.add("verifier", "Valletta Shipyard (example employer)", "shipyard.wanderbuch.test")
    wallet_ports = [(f"wallet-{number}.wanderbuch.test", free_port()) for number in range(WALLETS)]
    for host, port in wallet_ports:
        machine.reach(host, f"127.0.0.1:{port}")
    try:
        await authority.start()
        view = await authority.get("/identity")
        schema_id = view["schemas"]["qualification/1.0"]
        governance = {"url": view["governance_url"], "author": view["did"]}
        centre.configure(governance=governance, issuer={"registry_size": 32, "schema_id": schema_id})
        employer.configure(governance=governance)
        await asyncio.gather(centre.start(), employer.start())
        standing = await _standing(centre)
        payload = example_payload(
            {authority.host: view["did"], centre.host: standing["did"]},
            {centre.host: standing["cred_def_id"]},
            schema_id,
        )
        await authority.post("/versions", {"payload": payload})
        await asyncio.gather(centre.post("/governance/refresh"), employer.post("/governance/refresh"))
        yield Ecosystem(machine, authority, centre, employer, iter(wallet_ports))
    finally:
        await machine.stop()


async def _standing(issuer: AgentHandle) -> Json:
    """Wait until the issuer has its credential definition and a registry."""
    async with asyncio.timeout(120):
        while True:
            standing: Json = await issuer.get("/standing")
            if standing["ready"]:
                return standing
            await asyncio.sleep(0.1)
