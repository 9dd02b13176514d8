"""The last step of a restore: what was done after the backup, and cannot be undone, is taken up or left room for.

The plain tables first, since all else goes by them. Then by tenant: what is published of its DIDs and registries, what
is an issuer's, what is an authority's. Every step may be done again.
"""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from acapy_agent.askar.store import AskarStoreConfig
from acapy_agent.config.injection_context import InjectionContext
from aries_askar import Store

from wanderbuch.agents.authority.after_restore import take_up_authority
from wanderbuch.agents.authority.config import AuthorityConfig
from wanderbuch.agents.authority.versions import PublicationPlace
from wanderbuch.agents.cli.backup.restore_note import RestoreNote
from wanderbuch.agents.issuer.after_restore import take_up_issuer
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.public_place import public_files
from wanderbuch.agents.runtime.store import OpenWallet, StoreGuard, WalletManager, WalletProfile
from wanderbuch.agents.runtime.store_postgresql import HALF_COPIED, open_store
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.agents.runtime.tenant_config import Place
from wanderbuch.agents.runtime.tenant_records import TenantRecord, TenantState
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.facts.identifiers import DidUrl, WebvhDid
from wanderbuch.governance.signed.jws import KeyResolver
from wanderbuch.plugins.webvh.document import DidDocument
from wanderbuch.plugins.webvh.own import OwnDid, own_did_at
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.plugins.webvh.taking_up import take_up_published
from wanderbuch.store.hashing import hash_of
from wanderbuch.store.records import RecordStore
from wanderbuch.store.restored import take_up_tables
from wanderbuch.store.tables import DEFAULT_TENANT, bind_tables, tables_on

type Roles = dict[str, dict[str, object]]


async def catch_up(config: AgentConfig, *, made_at: float, say: Callable[[str], None]) -> list[RestoreNote]:
    """Make a restored store, which still carries the mark of a half copy, fit to go on; return what was done.

    Raises:
        ConfigurationError: what is published cannot be taken up: the one line says what to restore instead.
    """
    told: list[RestoreNote] = []
    async with _opened(config) as profile:
        tables = tables_on(await open_engine(config), await hash_of(profile))
        try:
            bind_tables(profile, tables)
            skipped = await take_up_tables(tables, made_at=made_at, name=f"restore-{secrets.token_hex(8)}")
            for tenant, numbers in skipped.items():
                told.append(
                    RestoreNote(tenant, "events", f"{numbers} event numbers are left out, and store.restored is told")
                )
            tenants = [tenant async for tenant in RecordStore(profile, TenantRecord).every()]
            places: list[tuple[str, WalletProfile, Place, bool, str]] = [
                (DEFAULT_TENANT, profile, _default_place(config), config.role == "authority", _ecosystem(config, {})),
                *(
                    (
                        tenant.id,
                        _profile_of(profile, tenant.id),
                        tenant.place(config.public),
                        "authority" in tenant.roles,
                        _ecosystem(config, tenant.roles),
                    )
                    for tenant in tenants
                    if tenant.state not in (TenantState.REMOVING, TenantState.REMOVED)
                ),
            ]
            for tenant, opened, place, is_authority, ecosystem in places:
                say(f"tenant {tenant}")
                told += await _catch_up(config, tenant, opened, place, ecosystem if is_authority else None)
        finally:
            await tables.engine.close()
    return told


async def _catch_up(
    config: AgentConfig, tenant: str, profile: WalletProfile, place: Place, ecosystem: str | None
) -> list[RestoreNote]:
    told: list[RestoreNote] = []
    for taken in await take_up_published(profile, lambda did: _publisher(config, did)):
        if taken.entries:
            told.append(RestoreNote(tenant, "did", f"{taken.entries} log entries of {taken.did} are taken up"))
        if taken.is_frozen:
            told.append(
                RestoreNote(
                    tenant,
                    "did-frozen",
                    f"{taken.did} can be used and not changed any more: the key for its next entry is younger than the"
                    " backup; restore a later one before its configuration, keys or witnesses change",
                )
            )
        for registry, lists in taken.lists.items():
            told.append(RestoreNote(tenant, "status-lists", f"{lists} status lists of {registry} are taken up"))
    issuer = await take_up_issuer(profile)
    told.extend(
        RestoreNote(tenant, "registry", f"{closed.burned} places of {closed.registry} are given to nobody any more")
        for closed in issuer.closed
    )
    if issuer.revoked:
        told.append(RestoreNote(tenant, "revoked", f"{issuer.revoked} credentials are revoked in public, and now here"))
    if issuer.signed_anew:
        told.append(
            RestoreNote(tenant, "signed", f"{issuer.signed_anew} signed credentials had not left, and are signed anew")
        )
    own = await own_did_at(profile, place.host, place.path)
    if ecosystem is not None and own is not None:
        folder = f"governance/{ecosystem}"
        at = PublicationPlace(author=own.did, folder=place.published(folder), url=f"{place.site_url}/{folder}")
        authority = await take_up_authority(profile, at, _publisher(config, own.did), _keys_of(own))
        if authority.entries:
            told.append(RestoreNote(tenant, "history", f"{authority.entries} entries of the history are taken up"))
        told.extend(RestoreNote(tenant, "version", f"version {version} is taken up") for version in authority.versions)
        if authority.sent_back:
            text = f"{authority.sent_back} approved drafts go back to their editors: look whether they are done"
            told.append(RestoreNote(tenant, "drafts", text))
    return told


@asynccontextmanager
async def _opened(config: AgentConfig) -> AsyncIterator[WalletProfile]:
    """Open a store that carries the mark, which no agent would."""
    guard = StoreGuard(lambda _: None)
    if config.store.is_shared:
        store, connections = await open_store(config), config.store.connections
    else:
        uri = WalletManager(config, guard).uri
        store, connections = await Store.open(uri, "raw", config.wallet_key.get_secret_value()), None
    opened = OpenWallet(AskarStoreConfig({}), False, store, connections)
    profile = WalletProfile(opened, InjectionContext(settings={"ledger.disabled": True}), guard)
    try:
        yield profile
    finally:
        await profile.close()


def _profile_of(profile: WalletProfile, tenant: str) -> WalletProfile:
    return WalletProfile(profile.opened, InjectionContext(settings={}), profile.guard, tenant)


async def remove_mark(config: AgentConfig) -> None:
    """Say that the store is whole: agents open it from now on."""
    async with _opened(config) as profile:
        await profile.store.remove_profile(HALF_COPIED)


def _publisher(config: AgentConfig, did: WebvhDid) -> Publisher:
    return public_files(config).publisher(None if did.host == config.public.host else did.host)


def _keys_of(own: OwnDid) -> KeyResolver:
    keys = DidDocument.of(own.did, own.version_id, own.document).assertion_keys

    async def resolve(kid: DidUrl) -> bytes:
        if kid not in keys:
            raise ResolutionError(f"{kid} does not stand in the document of {own.did}")
        return keys[kid]

    return resolve


def _default_place(config: AgentConfig) -> Place:
    public = config.public
    return Place(public.host, public.path, "", public.didcomm_endpoint)


def _ecosystem(config: AgentConfig, roles: Roles) -> str:
    told = roles.get("authority", {}).get("ecosystem")
    if told is not None:
        return str(told)
    return config.role_settings.ecosystem if isinstance(config.role_settings, AuthorityConfig) else ""
