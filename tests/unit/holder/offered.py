"""A wallet to which an issuer offers credentials, on our own path: real store, keys, envelopes and credentials; no
network.

What leaves is opened with the issuer's key and kept in `sent`; what comes is given to the handlers, as the gate does.
"""

import asyncio
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import anoncreds
import base58
from acapy_agent.anoncreds.holder import AnonCredsHolder
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.anoncreds.util import indy_client_dir
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.profile import Profile
from aries_askar import Key, KeyAlg
from tests.unit.power import Power, PowerCutError
from tests.unit.trust.ecosystem import (
    AUTHORITY,
    WELDER_VALUES,
    Authority,
    FileHost,
    Issuer,
    Registry,
    payload,
)
from tests.welders import accreditation

from wanderbuch.agents.holder import offers
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.ending_offers import learn_telling
from wanderbuch.agents.holder.held_offer import HeldOffer, held_offers
from wanderbuch.agents.holder.peers import Origin
from wanderbuch.agents.holder.receiving import take_credential, take_offer, take_report
from wanderbuch.agents.holder.requesting import own_request
from wanderbuch.agents.holder.sweeping_offers import OfferSweep
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.gate.envelope import decrypt, identify, read_envelope
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager
from wanderbuch.plugins.exchange.anoncreds.objects import Objects
from wanderbuch.plugins.exchange.credential_messages import ISSUE, PROBLEM, issue_message, offer_message
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.packing import PREFIX
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import UnreachableError
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.store.sqlite import open_sqlite
from wanderbuch.store.tables import bind_tables, open_tables, tables_of

CONFIG = HolderConfig(offer_deadline_s=6000, request_deadline_s=6000, keep_ended_days=1)
ENDPOINT = "https://centre.wanderbuch.test/didcomm"
CONNECTION_ID = "1a9f1cd4-5f8c-4d3c-8d0b-0a8ac1d6f001"


def base58_key(key: Key) -> str:
    return str(base58.b58encode(key.get_public_bytes()), "ascii")


class Post:
    """Delivers to the issuer: opens each envelope with the issuer's key, and keeps the message."""

    def __init__(self, key: Key, power: Power | None) -> None:
        self.key = key
        self.power = power
        self.sent: list[dict[str, Any]] = []
        self.is_down = False

    async def deliver(self, url: str, body: bytes, **_: Any) -> bytes:
        if self.power is not None:
            self.power.look()
        if self.is_down:
            raise UnreachableError(f"nobody is at {url}")
        assert url == ENDPOINT
        envelope = read_envelope(body, max_bytes=1_000_000)
        opened = identify(envelope.recipients[0], self.key)
        assert opened.sender is not None
        self.sent.append(json.loads(decrypt(envelope, opened)))
        if self.power is not None:
            self.power.step()
        return b""


class ReplyRoute:
    """The way back of a sender that waits."""

    is_open = True

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def offer(self, packed: bytes) -> bool:
        self.taken.append(packed)
        return True


class NoRoute:
    is_open = False

    def offer(self, packed: bytes) -> bool:
        return False


class OfferedWallet:
    """A holder's process, and an issuer at the other end of its one connection.

    Args:
        config: of the agent.
        issuers: who can be resolved; the first is the one at the other end.
        authority: whose word counts.
        power: may fail.
        given: the wallet, open; None: the one in the agent's folder is opened at each start.
    """

    def __init__(
        self,
        config: AgentConfig,
        issuers: tuple[Issuer, ...],
        authority: Authority,
        power: Power | None = None,
        given: Profile | None = None,
        issuer_key: Key | None = None,
    ) -> None:
        self.issuers, self.issuer = issuers, issuers[0]
        self.power = power
        self.now = datetime.now(UTC)
        self.version = 0
        self._config, self._authority, self._given = config, authority, given
        self.accredited: dict[Any, Any] = {self.issuer.did: [accreditation([self.issuer.cred_def_id])]}
        self.post = Post(issuer_key or Key.generate(KeyAlg.ED25519), power)
        self.own_key = ""
        self.profile: Profile
        self.issued: dict[str, dict[str, Any]] = {}

    async def start(self) -> None:
        """Open the wallet and do what an agent does at its start."""
        settings = {"ledger.disabled": True, "wallet.type": "askar-anoncreds"}
        manager = WalletManager(self._config, StoreGuard(lambda _: None))
        self.profile = self._given or await manager.open(InjectionContext(settings=settings), {})
        if self._given is None:  # a file, as an agent has: what a crash leaves in it is there after the start
            bind_tables(self.profile, await open_tables(open_sqlite(self._config.data / "tables.sqlite"), self.profile))
        self.host, self.registry = FileHost(), Registry(*self.issuers)
        self.sending = Sending(cast(HttpEdge, self.post), KeyRing())
        source = GovernanceSource(
            GovernanceSourceConfig(url="https://authority.wanderbuch.test/g", author=AUTHORITY),
            edge=cast(HttpEdge, self.host),
            resolve_key=self._authority.resolve_key,
            clock=lambda: self.now,
        )
        for kind, instance in {
            AnonCredsRegistry: AnonCredsRegistry([self.registry]),
            GovernanceSource: source,
            HttpEdge: self.host,
            Objects: Objects(),
            Sending: self.sending,
        }.items():
            self.profile.context.injector.bind_instance(kind, instance)
        learn_telling(self.profile)
        await self.publish()
        self.began = datetime.now(UTC)
        self.sweeper = OfferSweep(self.profile, began=self.began)

    async def stop(self) -> None:
        """Close the wallet; nothing of this process goes on."""
        if self.profile.opened is None:
            return
        await self.sending.stop(wait_s=2)
        await self.sweeper.stop()
        tables = tables_of(self.profile)
        await self.profile.close()
        if self._given is None:
            await tables.close()

    async def restart(self) -> None:
        """Start again after a cut, and sweep as every start does."""
        await self.stop()
        await self.start()
        await self.sweep()

    def copied(self, folder: Path) -> "OfferedWallet":
        """Return a stopped process on a copy of this one's data, this one being stopped too."""
        shutil.copytree(self._config.data, folder)
        config = self._config.model_copy(update={"data": folder})
        made = OfferedWallet(config, self.issuers, self._authority, self.power, issuer_key=self.post.key)
        made.own_key = self.own_key
        return made

    async def connect(self) -> None:
        """Have a key of a connection with the issuer."""
        key = Key.generate(KeyAlg.ED25519)
        self.own_key = base58_key(key)
        async with self.profile.session() as session:
            await session.handle.insert_key(self.own_key, key)

    async def publish(self, *, accredited: bool = True, refresh: bool = True) -> None:
        """Publish the next version of the governance file, with or without any accreditation."""
        self.version += 1
        who = self.accredited if accredited else dict.fromkeys(self.accredited, ())
        signed = await self._authority.file(payload(who, version=self.version))
        self.host.files = {
            "current.jws": signed.jws,
            "freshness.jws": await self._authority.statement(signed, at=self.now),
        }
        if refresh:
            await self.profile.inject(GovernanceSource).refresh()

    def place_tails(self) -> None:
        """Put the tails file where a download would put it."""
        folder = Path(indy_client_dir("tails", create=True))
        shutil.copy(self.issuer.registry.tails_location, folder / self.issuer.registry.tails_hash)

    @property
    def origin(self) -> Origin:
        return Origin(
            own_key=self.own_key,
            their_key=base58_key(self.post.key),
            endpoint=ENDPOINT,
            connection_id=CONNECTION_ID,
            unverified_label="centre",
        )

    @property
    def sent(self) -> list[dict[str, Any]]:
        return self.post.sent

    def kinds(self) -> list[str]:
        """Return the kinds of what was sent, in order."""
        return [str(message["@type"]).rsplit("/", 1)[-1] for message in self.sent]

    async def settled(self) -> None:
        """Wait until what goes out beside is out."""
        while self.sending.beside:  # noqa: ASYNC110 (nothing tells it)
            await asyncio.sleep(0.001)

    def offer(
        self,
        claim: Mapping[str, str] = WELDER_VALUES,
        *,
        issuer: Issuer | None = None,
        thread: str | None = None,
        raw: Any = None,
    ) -> dict[str, Any]:
        """Return an offer with a fresh nonce; `raw`: something else instead of the AnonCreds offer."""
        by = issuer or self.issuer
        made = anoncreds.CredentialOffer.create(by.schema_id, by.cred_def_id, by._proof).to_json()
        return offer_message(
            message_id=str(uuid4()),
            invitation_id=None,
            values=claim,
            offer_json=made if raw is None else json.dumps(raw),
            thread_id=thread,
        )

    async def receive_offer(self, message: Mapping[str, Any], *, origin: Origin | None = None) -> HeldOffer:
        """Have an offer come over the connection, and return it as it is kept."""
        offer_id = await take_offer(self.profile, CONFIG, message, origin or self.origin)
        return await held_offers(self.profile).merged(offer_id)

    async def receive(self, message: Mapping[str, Any], *, sender: str | None = None, waits: Any = None) -> bool:
        """Have a message of the issuer handled; return whether it was taken."""
        kind = str(message["@type"]).removeprefix(PREFIX)
        incoming = Incoming(
            profile=self.profile,
            kind=kind,
            id=message["@id"],
            thread_id=message["~thread"]["thid"],
            parent_thread_id=None,
            members=message,
            sender=sender or base58_key(self.post.key),
            recipient=self.own_key,
            way_back=waits or NoRoute(),
        )
        taken = await {ISSUE: take_credential, PROBLEM: take_report}[kind](cast(Any, self), incoming)
        await self.settled()
        return taken

    @property
    def config(self) -> HolderConfig:
        return CONFIG

    async def accepted(self, message: Mapping[str, Any] | None = None) -> HeldOffer:
        """Return an offer that was accepted."""
        offer = await self.receive_offer(message or self.offer())
        await offers.accept(self.profile, CONFIG, offer.id)
        await self.settled()
        return await self.kept_offer(offer.id)

    async def received(self) -> HeldOffer:
        """Return an offer whose credential is in the wallet."""
        offer = await self.accepted()
        await self.receive(await self.credential(offer))
        return await self.kept_offer(offer.id)

    async def kept_offer(self, offer_id: str) -> HeldOffer:
        return await held_offers(self.profile).merged(offer_id)

    async def every(self) -> list[HeldOffer]:
        return [offer async for offer in held_offers(self.profile).every()]

    async def credential(
        self, offer: HeldOffer, claim: Mapping[str, str] = WELDER_VALUES, *, change: Any = None
    ) -> dict[str, Any]:
        """Return the credential for the request that the wallet made, over any values."""
        text = await offers.get_text(self.profile, offer.id)
        own = await own_request(self.profile, offer.id)
        assert text is not None
        assert own is not None
        return self.signed(offer.thread_id, text.offer_json, own.request, claim, change=change)

    def signed(
        self,
        thread_id: str,
        offer_json: str,
        request_json: str,
        claim: Mapping[str, str] = WELDER_VALUES,
        *,
        change: Any = None,
    ) -> dict[str, Any]:
        """Return a credential of the issuer; `change` works on its JSON."""
        issuer = self.issuer
        issuer._next = issuer._next % 30 + 1
        made = anoncreds.Credential.create(
            issuer.cred_def,
            issuer._private,
            anoncreds.CredentialOffer.load(offer_json),
            anoncreds.CredentialRequest.load(request_json),
            dict(claim),
            None,
            anoncreds.CredentialRevocationConfig(
                issuer.registry, issuer._registry_private, issuer.list_in_force, issuer._next
            ),
        ).to_json()
        if change is not None:
            content = json.loads(made)
            change(content)
            made = json.dumps(content)
        return issue_message(thread_id=thread_id, credential_json=made)

    def report(self, offer: HeldOffer, text: str = "sorry") -> dict[str, Any]:
        """Return the issuer's word that an offer is over."""
        return problem_report(PROBLEM, thread_id=offer.thread_id, code="issuance-abandoned", text=text)

    async def claims_end(self) -> None:
        """Let the time pass after which what a dead process had claimed is anybody's."""
        await tables_of(self.profile).engine.run("UPDATE row SET until = 0")

    async def sweep(self, now: datetime | None = None) -> None:
        """Sweep as the role does."""
        await self.sweeper.sweep(now or datetime.now(UTC))
        await self.settled()


def after(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


__all__ = ["CONFIG", "OfferedWallet", "Post", "PowerCutError", "ReplyRoute", "after"]


async def credentials(wallet: OfferedWallet) -> list[dict[str, Any]]:
    """What ACA-Py's own holder finds."""
    credentials: list[dict[str, Any]] = await AnonCredsHolder(wallet.profile).get_credentials(
        offset=0, limit=10, wql={}
    )
    return credentials
