"""An issuer's tenant, opened on a store whose agent does not run: its people, or its machine, are gone.

No sockets, no sweeps: nothing happens but what a command does. No process of the agent can start meanwhile.
"""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.event_bus import EventBus
from acapy_agent.resolver.did_resolver import DIDResolver
from acapy_agent.wallet.did_method import DIDMethods
from acapy_agent.wallet.key_type import KeyTypes

from wanderbuch.agents.cli.store.places import opened_store, place_of
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.batches.claiming import SlipDesk
from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.desk import OfferDesk
from wanderbuch.agents.issuer.holding.superseding import Superseding
from wanderbuch.agents.issuer.older_records import OLDER_RECORDS
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.agents.issuer.role import ROLE
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.network import make_edge
from wanderbuch.agents.runtime.public_place import public_files
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.roles import further_roles
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.agents.runtime.tenant_config import TenantConfig, default_tenant
from wanderbuch.agents.runtime.tenant_records import TenantRecord, TenantState
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.webvh.did_resolver import CheckedWebvhResolver
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.memory import WalletLogMemory
from wanderbuch.plugins.webvh.objects import AttestedObjects
from wanderbuch.plugins.webvh.own import OwnDid, own_did_at
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.plugins.webvh.registry import WebvhRegistry
from wanderbuch.store.records import RecordStore
from wanderbuch.store.tables import DEFAULT_TENANT, bind_tables, open_tables
from wanderbuch.store.upgrading import upgrade_records

_SENDING_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class StoppedIssuer:
    """What commands work on.

    Args:
        tenant: what it was told.
        profile: its profile, in which all is bound that publishing needs.
        own: its DID.
        documents: resolves DIDs.
        publisher: of its host.
        sending: the way out to wallets.
        standing: what the authority says.
        desk: its offers.
        revocations: what is to be revoked; published only by who says so.
    """

    tenant: TenantConfig
    profile: WalletProfile
    own: OwnDid
    documents: WebvhDocuments
    publisher: Publisher
    sending: Sending
    standing: Standing
    desk: OfferDesk
    revocations: Revocations

    @property
    def config(self) -> IssuerConfig:
        """Return the table `[issuer]`."""
        return self.tenant.settings(IssuerConfig)


def batch_desk_of(issuer: StoppedIssuer) -> BatchDesk:
    """Return the batches of an issuer."""
    lifetime = timedelta(seconds=issuer.config.offer_deadline_s)
    ends = Superseding(issuer.profile, issuer.desk, issuer.revocations).end_of
    slips = SlipDesk(issuer.profile, issuer.desk, issuer.revocations, lifetime=lifetime, end_successors=ends)
    return BatchDesk(issuer.profile, slips)


@asynccontextmanager
async def opened_issuer(config: AgentConfig, tenant_id: str) -> AsyncIterator[StoppedIssuer]:
    """Open an issuer's tenant on the store of an agent that does not run.

    Args:
        config: the agent's.
        tenant_id: which of its tenants; "default" is the agent's own.

    Raises:
        ConfigurationError: the store is not there, or is used; the tenant is none, no issuer, or has no DID.
    """
    async with opened_store(config, alone=True) as root:
        tables = await open_tables(await open_engine(config), root)
        try:
            bind_tables(root, tables)
            tenant = await _tenant(config, root, tenant_id)
            if tenant.governance is None:
                raise ConfigurationError("an issuer needs the table [governance]: whose word its accreditation is")
            profile = root
            if tenant.id != DEFAULT_TENANT:
                profile = WalletProfile(root.opened, root.context.copy(), root.guard, tenant.id)
            await tables.rebuild.ensure_keys(profile, tenant.id)
            await upgrade_records(profile, tenant.id, tables.rebuild, OLDER_RECORDS)
            async with make_edge(config.network, tenant.governance) as edge:
                memory = WalletLogMemory()
                memory.attach(root)
                documents = WebvhDocuments(edge, memory)
                source = GovernanceSource(
                    GovernanceSourceConfig(url=tenant.governance.url, author=Did.parse(tenant.governance.author)),
                    edge=edge,
                    resolve_key=documents.assertion_key,
                )
                await source.attach(root)
                issuer = await _issuer(config, tenant, profile, edge, documents, memory, source)
                try:
                    yield issuer
                finally:
                    await issuer.sending.stop(wait_s=_SENDING_S)  # wallets are told that their offers are withdrawn
        finally:
            await tables.close()


async def _tenant(config: AgentConfig, root: WalletProfile, tenant_id: str) -> TenantConfig:
    """Return what a tenant was told."""
    own: Role = importlib.import_module(f"wanderbuch.agents.{config.role}.role").ROLE
    roles = {role.name: role for role in (own, *further_roles(config, own))}
    if tenant_id == DEFAULT_TENANT:
        told = default_tenant(config)
    else:
        record = await RecordStore(root, TenantRecord).get_or_none(tenant_id)
        if record is None or record.state in (TenantState.REMOVING, TenantState.REMOVED):
            raise ConfigurationError(f"the store at {place_of(config)} has no tenant {tenant_id[:64]!r}")
        told = record.config(config, roles)
    if ROLE.name not in told.roles:
        raise ConfigurationError(f"the tenant {told.id} is no issuer: it has no batches", hint="name one with --tenant")
    return told


async def _issuer(
    agent: AgentConfig,
    tenant: TenantConfig,
    profile: WalletProfile,
    edge: HttpEdge,
    documents: WebvhDocuments,
    memory: WalletLogMemory,
    source: GovernanceSource,
) -> StoppedIssuer:
    own = await own_did_at(profile, tenant.place.host, tenant.place.path)
    if own is None:
        raise ConfigurationError(
            f"the tenant {tenant.id} has no DID at {tenant.place.base_url}",
            hint="set [public] host and path as its agent had them",
        )
    host = tenant.place.host
    publisher = public_files(agent).publisher(None if host == agent.public.host else host)
    registry = WebvhRegistry(AttestedObjects(edge, documents, memory), publisher)
    bound: dict[type, object] = {
        DIDMethods: DIDMethods(),
        KeyTypes: KeyTypes(),
        EventBus: EventBus(),
        Publisher: publisher,
        WebvhRegistry: registry,
        AnonCredsRegistry: AnonCredsRegistry([registry]),
        DIDResolver: DIDResolver([CheckedWebvhResolver(documents)]),
    }
    for kind, instance in bound.items():
        profile.context.injector.bind_instance(kind, instance)
    profile.context.update_settings({"tails_server_base_url": f"{tenant.place.base_url}/tails"})
    config, sending = tenant.settings(IssuerConfig), Sending(edge, KeyRing())
    standing = Standing(
        config,
        profile=profile,
        did=Did(config.indy_did) if config.indy_did else own.did,
        source=source,
        on_wanted=_not_now,
    )
    desk = OfferDesk(
        profile,
        standing,
        did=own.did,
        label=tenant.name,
        base_url=tenant.place.didcomm_endpoint,
        shorten=_no_offers,
        sending=sending,
    )
    revocations = Revocations(profile, desk.book, sending, on_wanted=_not_now)
    return StoppedIssuer(tenant, profile, own, documents, publisher, sending, standing, desk, revocations)


def _not_now() -> None:
    """Do nothing: no agent runs that would do it beside."""


async def _no_offers(*_: object) -> str:
    raise ConfigurationError("nothing is offered from a store whose agent does not run")
