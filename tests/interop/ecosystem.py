"""Real agents for others to meet: an authority, a training centre and an employer, each a process of its own."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.interop.credo_wallet import CredoWallet, Endpoint, credo_wallet
from tests.prepared import start_prepared

from wanderbuch.agents.demo.example import example_claim, example_payload
from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.ports import free_port

ECOSYSTEM = "sri-lanka"
WALLETS = 24

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ecosystem:
    """The agents, with a governance file in force that accredits the centre for metal trades, NVQ 2 to 5.

    Args:
        worker: a holder's agent of ours, if one is wanted.
        payload: the version of the governance file that is in force.
        endpoints: of wallets, by their folder.
        idle: processes of wallets that were stopped: the next wallets are quickly there.
    """

    machine: LocalMachine
    authority: AgentHandle
    centre: AgentHandle
    employer: AgentHandle
    worker: AgentHandle | None
    wallet_ports: Iterator[tuple[str, int]]
    payload: Json
    endpoints: dict[Path, Endpoint] = field(default_factory=dict)
    idle: list[CredoWallet] = field(default_factory=list)

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

    async def accredit(self, did: str, cred_def_id: str) -> None:
        """Publish the next version of the governance file, in which another issuer may do what the centre may."""
        standing = await self.centre.get("/standing")
        changed = copy.deepcopy(self.payload)
        changed["version"] += 1
        before = changed["current_version"]
        changed["current_version"] = before.replace("/versions/1.jws", f"/versions/{changed['version']}.jws")
        changed["previous_versions"] = [{"version": self.payload["version"], "uri": before}]
        for statements in changed["participants"]["entries"].values():
            if standing["did"] in statements:
                text = json.dumps(statements[standing["did"]]).replace("TA-", "TB-")
                text = text.replace(standing["cred_def_id"], cred_def_id).replace(standing["did"], did)
                statements[did] = json.loads(text)
        await self.authority.post("/versions", {"payload": changed})
        followers = [agent for agent in (self.centre, self.employer, self.worker) if agent]
        await asyncio.gather(*(agent.post("/governance/refresh") for agent in followers))

    @asynccontextmanager
    async def wallet(
        self, folder: Path, *, listens: bool = True, mediator: Mapping[str, str] | None = None
    ) -> AsyncIterator[CredoWallet]:
        """Run a Credo wallet in this world; in a folder of before, the same wallet at the same address.

        Args:
            folder: where it keeps its files.
            listens: for messages, as a phone does behind its mediator; else it gets what it asks for, on its own calls.
            mediator: its mediator, if it has one: as with `credo_wallet`; then it does not listen.
        """
        endpoint = self._wallet_endpoint(folder) if listens and mediator is None else None
        connect = dict(line.split("=") for line in self.machine.connections())
        async with credo_wallet(
            folder,
            ca_file=self.machine.ca_file,
            connect=connect,
            endpoint=endpoint,
            mediator=mediator,
            idle=None if mediator else self.idle,  # who has a mediator tries to reach it for some time, stopped or not
        ) as wallet:
            yield wallet

    def _wallet_endpoint(self, folder: Path) -> Endpoint:
        if folder in self.endpoints:
            return self.endpoints[folder]
        host, port = next(self.wallet_ports)
        certificate, key = self.machine.folder / f"{host}.crt", self.machine.folder / f"{host}.key"
        self.machine.authority.write_server(host, certificate, key)
        self.endpoints[folder] = Endpoint(f"https://{host}/", port, certificate, key)
        return self.endpoints[folder]


type Front = Callable[[LocalMachine], AbstractAsyncContextManager[object]]


@asynccontextmanager
async def running_ecosystem(
    folder: Path,
    *,
    worker: bool = False,
    others: Sequence[tuple[str, int]] = (),
    front: Front | None = None,
    further: Callable[[LocalMachine], object] = lambda _: None,
    authority_options: Mapping[str, object] = MappingProxyType({}),
) -> AsyncIterator[Ecosystem]:
    """Start the agents, publish the governance file, and stop them at the end.

    Args:
        folder: where everything is written.
        worker: whether there is a holder's agent.
        others: name and port of whom the agents must be able to reach beside the wallets.
        front: what stands before the agents of a machine; it is there before the first of them starts.
        further: adds agents that the caller starts; all of them are stopped at the end.
        authority_options: further ones of its table.
    """
    machine = LocalMachine(folder, start_child=start_prepared)
    for host, port in others:
        machine.reach(host, f"127.0.0.1:{port}")
    authority = machine.add(
        "authority",
        "Training Authority of Sri Lanka (example)",
        "authority.wanderbuch.test",
        authority={"ecosystem": ECOSYSTEM, "four_eyes": False, **authority_options},
    )
    centre = machine.add(
        "issuer", "Colombo Welding Centre (example)", "centre.wanderbuch.test", issuer={"registry_size": 32}
    )
    employer = machine.add("verifier", "Valletta Shipyard (example employer)", "shipyard.wanderbuch.test")
    holder = machine.add("holder", "A worker", "worker.wanderbuch.test") if worker else None
    further(machine)
    wallet_ports = [(f"wallet-{number}.wanderbuch.test", free_port()) for number in range(WALLETS)]
    for host, port in wallet_ports:
        machine.reach(host, f"127.0.0.1:{port}")
    async with AsyncExitStack() as running:
        if front is not None:
            await running.enter_async_context(front(machine))
        running.push_async_callback(machine.stop)
        await authority.start()
        view = await authority.get("/identity")
        schema_id = view["schemas"]["qualification/1.0"]
        governance = {"url": view["governance_url"], "author": view["did"]}
        centre.configure(governance=governance, issuer={"registry_size": 32, "schema_id": schema_id})
        followers = [employer, holder] if holder else [employer]
        for agent in followers:
            agent.configure(governance=governance)
        await asyncio.gather(centre.start(), *(agent.start() for agent in followers))
        standing = await _standing(centre)
        payload = example_payload(
            {authority.host: view["did"], centre.host: standing["did"]},
            {centre.host: standing["cred_def_id"]},
            schema_id,
        )
        await authority.post("/versions", {"payload": payload})
        await asyncio.gather(*(agent.post("/governance/refresh") for agent in (centre, *followers)))
        ecosystem = Ecosystem(machine, authority, centre, employer, holder, iter(wallet_ports), payload)
        try:
            yield ecosystem
        finally:
            await asyncio.gather(*(wallet.end() for wallet in ecosystem.idle))


async def _standing(issuer: AgentHandle) -> Json:
    """Wait until the issuer has its credential definition and a registry."""
    async with asyncio.timeout(120):
        while True:
            standing: Json = await issuer.get("/standing")
            if standing["ready"]:
                return standing
            await asyncio.sleep(0.1)
