"""The stage: every agent of the demo started, named in a published governance file, and ready to play.

The four services of `compose/compose.yaml` play themselves, each in several processes if that is wanted. Beside them:
its mediator and its wallet host, where whoever looks around finds a wallet in the page; the destination's authority and
an employer who trusts that one only; and, from `rogues/`, an issuer that signs anything, a wallet that lies, a mirror
that stands between an employer and the authority, and that employer.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wanderbuch.agents.demo.abroad import ECOSYSTEM as ECOSYSTEM_ABROAD
from wanderbuch.agents.demo.abroad import abroad_payload
from wanderbuch.agents.demo.example import example_claim, example_payload, suspend
from wanderbuch.agents.demo.ground import Elsewhere, Ground, give_store
from wanderbuch.agents.demo.household import PROVE, open_walk_in, register_verifier
from wanderbuch.agents.demo.services import Service, read_services
from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.app_client import AppClient
from wanderbuch.agents.machine.children import StartChild, start_child
from wanderbuch.agents.machine.containers import in_container
from wanderbuch.agents.machine.local import LOOPBACK
from wanderbuch.agents.machine.postgresql import PostgresServer
from wanderbuch.agents.runtime.secret_files import write_secret
from wanderbuch.errors import ConfigurationError, WanderbuchError
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig

ECOSYSTEM = "sri-lanka"
FRESHNESS_LIFETIME_S = 15
REISSUE_EVERY_S = 4
REGISTRY_SIZE = 100
ROGUES = ("rogues.rogue_issuer", "rogues.lying_wallet", "rogues.hostile_mirror")
"""The programs of those that cheat."""
_STEP_TIMEOUT_S = 180.0
_PAUSE_S = 0.25
_NAMES = {
    "authority": "Training Authority of Sri Lanka (example)",
    "issuer": "Colombo Welding Centre (example)",
    "holder": "Nimal's wallet",
    "verifier": "Valletta Shipyard (example employer)",
}
MEDIATOR = "Mediator of Lanka (example)"
WALLET_HOST = "Wallets of Lanka (example)"
# Names of the example file that differ from the service's own.
_HOSTS = {"issuer": "centre.wanderbuch.test", "verifier": "shipyard.wanderbuch.test"}

type Progress = Callable[[str], None]


class DemoError(WanderbuchError):
    """An agent of the demo did not do its part."""

    code = "demo"


def visitor_token(agent: AgentHandle) -> Path:
    """Return where the token of a visitor to an agent's desk lies."""
    return agent.folder / "visitor.token"


class Stage:
    """The agents, and what a scene needs of them.

    Args:
        checkout: the project's folder, with `compose/` and `rogues/`.
        folder: where the agents live; must be empty.
        progress: is told each step in a few words.
        ground: what the four services stand on.
        server: where their stores are; None for SQLite.
        start_child: how processes are started.
        elsewhere: where the four services run, if it is not here.
    """

    def __init__(
        self,
        checkout: Path,
        folder: Path,
        progress: Progress,
        ground: Ground | None = None,
        server: PostgresServer | None = None,
        *,
        start_child: StartChild = start_child,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        services = read_services(checkout / "compose" / "compose.yaml")
        if not (checkout / "rogues" / "lying_wallet.py").exists():
            raise ConfigurationError(
                f"there are no rogue agents in {checkout}",
                hint="run the demo from a checkout of the project: make demo",
            )
        address = LOOPBACK if elsewhere is None else elsewhere.address
        self.machine = LocalMachine(folder, start_child=start_child, address=address)
        self.progress = progress
        self._image = None if ground is None else ground.image
        processes = (ground or Ground()).processes
        self.authority, self.issuer, self.holder, self.verifier = (
            elsewhere.serve(self.machine, services[role], name)
            if elsewhere is not None
            else self._serve(services[role], name, processes=processes)
            for role, name in _NAMES.items()
        )
        self.services = (self.authority, self.issuer, self.holder, self.verifier)
        for service in self.services:
            give_store(service, server)
        self.rogue_issuer = self._cheat("rogue_issuer", "Kandy Hotel School (example)", "kandy.wanderbuch.test")
        self.lying_wallet = self._cheat("lying_wallet", "A wallet that lies", "liar.wanderbuch.test")
        self.mirror = self._cheat("hostile_mirror", "A mirror that lies", "mirror.wanderbuch.test")
        self.misled = self._serve(services["verifier"], "An employer behind the mirror", host="misled.wanderbuch.test")
        self.authority_abroad = self._serve(
            services["authority"], "Qualifications Authority of Malta (example)", host="malta.wanderbuch.test"
        )
        self.employer_abroad = self._serve(
            services["verifier"], "An employer who trusts Malta's authority only", host="mdina.wanderbuch.test"
        )
        self.mediator = self._serve(services["mediator"], MEDIATOR)
        self.phone = self._serve(services["holder"], "Kamala's phone", host="phone.wanderbuch.test")
        self.wallet_host = self._serve(services["wallet_host"], WALLET_HOST)
        self.payload: dict[str, Any] = {}
        self._misled_start: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start all agents and publish the first governance file."""
        self.progress("The authority, a lying wallet and a lying mirror start")
        for agent, ecosystem in ((self.authority, ECOSYSTEM), (self.authority_abroad, ECOSYSTEM_ABROAD)):
            agent.configure(
                authority={
                    "ecosystem": ecosystem,
                    "four_eyes": False,  # the demonstration sends whole files
                    "freshness_lifetime_s": FRESHNESS_LIFETIME_S,
                    "reissue_every_s": REISSUE_EVERY_S,
                    **({"prove_url": f"{agent.public_url}{PROVE}"} if agent is self.authority else {}),
                }
            )
        self.authority.configure(tenants={"roles": ["verifier"]})
        # What a wallet in the page reads of others it reads by the mediator, so that they do not see where it is.
        read = [agent.host for agent in (self.authority, self.authority_abroad, self.issuer, self.verifier)]
        self.mediator.configure(mediator={"egress": True, "egress_hosts": read})
        for agent in (self.authority, self.issuer, self.verifier):
            agent.configure(public={"wallets": [self.wallet_host.public_url]})
        self._put_mirror_before(self.misled)
        early = (
            self.authority,
            self.authority_abroad,
            self.lying_wallet,
            self.mirror,
            self.mediator,
        )  # those that need not know the authority's DID
        await asyncio.gather(*(agent.start() for agent in early))
        about = await self.authority.get("/identity")
        schema_id = about["schemas"]["qualification/1.0"]
        governance = {"url": about["governance_url"], "author": about["did"]}
        self.progress("Training centre, wallet and employer start, and a school that cheats")
        self.issuer.configure(governance=governance, issuer={"schema_id": schema_id, "registry_size": REGISTRY_SIZE})
        self.rogue_issuer.configure(rogue_issuer={"schema_id": schema_id, "registry_size": REGISTRY_SIZE})
        for agent in (self.holder, self.verifier, self.misled):
            agent.configure(governance=governance)
        self.holder.configure(holder={"invitation_wait_s": 120})
        # Without an address of its own: no name, no certificate, no socket for anybody.
        invitation = f"{self.mediator.public_url}/mediator"
        by_mediator = {"invitation_wait_s": 120, "mediator": invitation}
        self.phone.configure(governance=governance, public=None, holder=by_mediator)
        self.wallet_host.configure(governance=governance, wallet_host={"mediator": invitation})
        abroad = await self.authority_abroad.get("/identity")
        self.employer_abroad.configure(governance={"url": abroad["governance_url"], "author": abroad["did"]})
        late = (
            self.issuer,
            self.rogue_issuer,
            self.holder,
            self.phone,
            self.verifier,
            self.employer_abroad,
            self.wallet_host,
        )
        await asyncio.gather(*(agent.start() for agent in late))
        self.progress("The training centre makes its credential definition and registry")
        centres = (
            process.app.wait_for("/standing", "ready", True, timeout_s=_STEP_TIMEOUT_S)
            for process in self.issuer.processes
        )
        centre = (await asyncio.gather(*centres))[0]
        school, employer = await self.rogue_issuer.get("/standing"), await self.verifier.get("/identity")
        own_verifier = await open_walk_in(self.authority, governance)
        self.progress("The authority signs and publishes who counts for what")
        self.payload = example_payload(
            dids={
                "authority.wanderbuch.test": about["did"],
                "centre.wanderbuch.test": centre["did"],
                "kandy.wanderbuch.test": school["did"],
                "shipyard.wanderbuch.test": employer["did"],
            },
            cred_defs={
                "centre.wanderbuch.test": centre["cred_def_id"],
                "kandy.wanderbuch.test": school["cred_def_id"],
            },
            schema_id=schema_id,
        )
        redress = f"{self.authority.public_url}/appeals"
        register_verifier(self.payload, own_verifier, self.authority.name, redress)
        await self.publish(self.payload)
        await self._open_abroad(governance)
        await self._let_mirror_copy()
        await self.follow(self.employer_abroad, recognising=about["did"])
        self._misled_start = asyncio.create_task(self._start_misled())

    async def close(self) -> None:
        """Stop all agents."""
        if self._misled_start is not None:
            self._misled_start.cancel()
            with contextlib.suppress(asyncio.CancelledError, WanderbuchError):
                await self._misled_start
        await self.machine.stop()

    async def admit_visitors(self) -> None:
        """Let whoever wants to look in at the desks, also of the centre; the token lies in the folder."""
        for authority in (self.authority, self.authority_abroad):
            visitor = {"id": "visitor", "name": "A visitor", "roles": ["editor"]}
            added = await authority.post("/officials", visitor)
            write_secret(visitor_token(authority), added["token"].encode())
        for employer in (self.verifier, self.employer_abroad):
            asker = {"id": "visitor", "name": "A visitor", "roles": ["asker", "auditor", "administrator"]}
            added = await employer.post("/people", asker)
            write_secret(visitor_token(employer), added["token"].encode())
        clerk = {"id": "visitor", "name": "A visitor", "roles": ["clerk", "administrator"]}
        added = await self.issuer.post("/people", clerk)
        write_secret(visitor_token(self.issuer), added["token"].encode())

    def carried(self) -> dict[str, tuple[int, ...]]:
        """Return how many connections each process of a service took from the proxies; empty with one process."""
        return {service.role: service.carried() for service in self.services if service.proxies}

    async def publish(self, payload: Mapping[str, Any]) -> None:
        """Publish a governance file as of now, and wait until everybody who decides on it has it."""
        self.payload = {**payload, "last_updated": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        await self.authority.post("/versions", {"payload": self.payload})
        version = int(self.payload["version"])
        await asyncio.gather(
            *(self.follow(agent, version=version) for agent in (self.verifier, self.holder, self.phone))
        )

    async def follow(self, agent: AgentHandle, *, version: int | None = None, recognising: str | None = None) -> None:
        """Wait until an agent holds a fresh governance file.

        Args:
            agent: a holder or verifier; of several processes each must hold it.
            version: of the file, if it matters.
            recognising: the DID of another authority whose file it must hold, fresh, too.

        Raises:
            DemoError: it did not come in time.
        """
        await asyncio.gather(*(self._follow(process.app, agent, version, recognising) for process in agent.processes))

    async def _follow(
        self, process: AppClient, agent: AgentHandle, version: int | None, recognising: str | None
    ) -> None:
        deadline = asyncio.get_running_loop().time() + _STEP_TIMEOUT_S
        while True:
            followed = await process.post("/governance/refresh")
            others = {
                authority["authority"] for authority in followed["recognised"] if authority["freshness"] == "FRESH"
            }
            current = followed["current"]
            is_there = bool(current) and followed["is_fresh"] and version in (None, current["version"])
            if is_there and (recognising is None or recognising in others):
                return
            if asyncio.get_running_loop().time() > deadline:
                notes = " ".join(note["text"] for note in followed["notes"])
                raise DemoError(f"{agent.name} did not get the governance file within {_STEP_TIMEOUT_S:g} s: {notes}")
            await asyncio.sleep(_PAUSE_S)

    async def suspend_hotel_school(self) -> None:
        """Publish the next version, in which the hotel school is suspended since last month."""
        today = datetime.now(UTC).date()
        school = await self.rogue_issuer.get("/standing")
        suspended = suspend(
            self.payload,
            school["did"],
            registries=[school["registry_id"]],
            effective_from=today - timedelta(days=30),
            decided_on=today - timedelta(days=1),
        )
        await self.publish(suspended)

    async def give(self, wallet: AgentHandle, **claim: str) -> tuple[str, str]:
        """Have the training centre issue to a wallet.

        Returns:
            The id of the offer at the issuer, and of the credential in the wallet.
        """
        offer = await self.issuer.post("/offers", {"claim": example_claim(**claim), "deadline_s": 600})
        return offer["id"], await self._take(wallet, offer["invitation_url"])

    async def give_rogue(self, wallet: AgentHandle, *, eqf_level: int, **claim: str) -> str:
        """Have the rogue issuer sign for a wallet that takes anything; return the credential's id in the wallet."""
        return await self._take(wallet, await self.offer_rogue(eqf_level=eqf_level, **claim))

    async def offer_rogue(self, *, eqf_level: int, **claim: str) -> str:
        """Have the rogue issuer offer anything; return its invitation."""
        body = {
            "claim": example_claim(**claim),
            "eqf_level": eqf_level,
            "crosswalk_version": self.crosswalk_version,
        }
        return str((await self.rogue_issuer.post("/offers", body))["invitation_url"])

    @property
    def crosswalk_version(self) -> str:
        """The crosswalk of the published file."""
        entries = self.payload["participants"]["entries"]
        statements = next(value for key, value in entries.items() if key.endswith("/crosswalk.json"))
        return str(next(iter(statements.values()))["crosswalks"][0]["version"])

    async def ready_misled(self) -> AgentHandle:
        """Return the employer behind the mirror once it runs."""
        if self._misled_start is not None:
            await self._misled_start
        return self.misled

    async def _take(self, wallet: AgentHandle, invitation_url: str) -> str:
        before = {credential["id"] for credential in (await wallet.get("/credentials"))["items"]}
        opened = await wallet.post("/invitations", {"url": invitation_url})
        if wallet is not self.lying_wallet:
            await wallet.post(f"/offers/{opened['id']}/accept")
        deadline = asyncio.get_running_loop().time() + _STEP_TIMEOUT_S
        while True:
            fresh = {credential["id"] for credential in (await wallet.get("/credentials"))["items"]} - before
            if fresh:
                return str(fresh.pop())
            if asyncio.get_running_loop().time() > deadline:
                raise DemoError(f"{wallet.name} did not receive its credential within {_STEP_TIMEOUT_S:g} s")
            await asyncio.sleep(0.05)

    async def _open_abroad(self, recognised: Mapping[str, str]) -> None:
        """Publish the destination's file, which recognises the authority at home."""
        about = await self.authority_abroad.get("/identity")
        payload = abroad_payload(
            author=about["did"],
            schema_id=about["schemas"]["qualification/1.0"],
            recognised=recognised["author"],
            recognised_url=recognised["url"],
        )
        payload["last_updated"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        await self.authority_abroad.post("/versions", {"payload": payload})

    async def _let_mirror_copy(self) -> None:
        """Have the mirror pass the published files on once, so that it has something to falsify."""
        config = HttpEdgeConfig(
            connect=ConnectionMap.parse([f"{self.authority.host}:443={self.mirror.target}"]),
            ca_file=self.machine.ca_file,
        )
        edge = HttpEdge(config)
        try:
            for name in ("current.jws", "freshness.jws"):
                await edge.get(
                    f"{self.authority.public_url}/governance/{ECOSYSTEM}/{name}", max_bytes=1 << 20, timeout_s=60
                )
        finally:
            await edge.close()

    async def _start_misled(self) -> None:
        """Start the second employer while the mirror serves a file with one word changed."""
        await self.mirror.post("/mode", {"mode": "ALTERED", "find": '"C5120"', "replace": '"C7212"'})
        await self.misled.start()

    def _serve(self, service: Service, name: str, *, host: str | None = None, processes: int = 1) -> AgentHandle:
        host = host or _HOSTS.get(service.name, service.host)
        command = service.run_command
        if self._image is not None:
            command = in_container(self._image, service.image_command, folder=self.machine.folder)
        return self.machine.add(service.role, name, host, command=command, processes=processes)

    def _cheat(self, program: str, name: str, host: str) -> AgentHandle:
        return self.machine.add(program, name, host, command=(sys.executable, "-m", f"rogues.{program}"))

    def _put_mirror_before(self, agent: AgentHandle) -> None:
        """Make `agent` reach the mirror where it means the authority, as somebody who controls a name would."""
        certificate, key = self.mirror.folder / "impersonated.crt", self.mirror.folder / "impersonated.key"
        self.machine.authority.write_server(self.authority.host, certificate, key)
        self.mirror.configure(
            hostile_mirror={
                "impersonates": self.authority.host,
                "upstream": self.authority.target,
                "certificate": str(certificate),
                "key": str(key),
            }
        )
        authority = f"{self.authority.host}:443="
        connections = [connection for connection in self.machine.connections() if not connection.startswith(authority)]
        agent.configure(
            network={
                "ca_file": str(self.machine.ca_file),
                "connect": [*connections, f"{authority}{self.mirror.target}"],
            }
        )
