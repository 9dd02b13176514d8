"""The holder's credentials, as the wallet store has them, with what is known of their revocation.

What is signed never changes, so each credential is read once and what can be said of it is kept at hand. Whether any
came or went since, in whichever process, two questions tell: how many there are, and which is the newest. Where no
other process has the store they are asked only after a credential was written. So to look what fits costs the same with
one credential as with hundreds. What is signed is at hand too of those that were kept or used last.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from weakref import WeakKeyDictionary

from acapy_agent.anoncreds.holder import CATEGORY_CREDENTIAL
from acapy_agent.core.profile import Profile, ProfileSession
from aries_askar import Entry
from cachetools import LRUCache

from wanderbuch.agents.holder.fitting import HeldCredential, Revocation
from wanderbuch.agents.holder.revocation_notices import noted_revoked
from wanderbuch.agents.runtime.at_once import each_at_once
from wanderbuch.errors import CredentialError, ResolutionError
from wanderbuch.plugins.exchange.anoncreds.objects import LoadedStatusList, Objects
from wanderbuch.schemas.attribute_names import by_common_name
from wanderbuch.schemas.credential_type import CredentialType, load_credential_type
from wanderbuch.schemas.encoding import parse_revealed
from wanderbuch.store.category_writes import writes_of
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.records import NotFoundError
from wanderbuch.store.tables import tenant_of

_LOOK_UP_S: Final = 20.0
_FEW: Final = 16  # read on the spot; more are read in another thread
_MOST_AT_HAND: Final = 20_000  # of all open wallets
_MOST_SIGNED: Final = 16  # of all open wallets
_MOST_SIGNED_BYTES: Final = 64 * 1024


async def list_credentials(profile: Profile, *, check_revocation: bool) -> tuple[HeldCredential, ...]:
    """Return every credential in the wallet, oldest first.

    Args:
        profile: whose wallet.
        check_revocation: look each registry's newest status list up; else revocable ones are UNCHECKED, but for those
            whose revocation was seen already, after a notice of their issuer.
    """
    held_credentials = await credentials_at_hand(profile)
    if not check_revocation:
        noted = await noted_revoked(
            profile,
            [held_credential.id for held_credential in held_credentials if held_credential.rev_index is not None],
        )
        return tuple(
            replace(held_credential, revocation=Revocation.REVOKED) if held_credential.id in noted else held_credential
            for held_credential in held_credentials
        )
    lists = await newest_lists(profile, held_credentials)
    return tuple(with_revocation(held_credential, lists) for held_credential in held_credentials)


async def get_credential(profile: Profile, credential_id: str) -> HeldCredential:
    """Return one credential, its revocation checked.

    Raises:
        NotFoundError: the wallet has none with this id.
    """
    async with profile.session() as session:
        held_credential, _ = await fetch_credential(session, profile, credential_id)
    return with_revocation(held_credential, await newest_lists(profile, [held_credential]))


async def fetch_credential(
    session: ProfileSession, profile: Profile, credential_id: str
) -> tuple[HeldCredential, bytes]:
    """Return one credential, its revocation not looked up, and what is signed, in a session that is open.

    Raises:
        NotFoundError: the wallet has none with this id.
    """
    known, since = _at_hand(profile), writes_of(profile, CATEGORY_CREDENTIAL)
    held_credential = known.by_id.get(credential_id)
    if held_credential is not None and since is not None and known.as_of == since:
        signed = _signed_at_hand(profile, credential_id, as_of=since)
        if signed is not None:
            return held_credential, signed
    entry = await session.handle.fetch(CATEGORY_CREDENTIAL, credential_id)
    if entry is None:
        raise NotFoundError(f"there is no credential with the id {credential_id[:64]!r}")
    signed = bytes(entry.raw_value)
    have_signed_at_hand(profile, credential_id, signed, since=since)
    return held_credential or _held(entry), signed


async def credentials_at_hand(profile: Profile) -> tuple[HeldCredential, ...]:
    """Return every credential in the wallet, oldest first, those that can be revoked being UNCHECKED."""
    known, since = _at_hand(profile), writes_of(profile, CATEGORY_CREDENTIAL)
    if since is not None and known.as_of == since:
        return known.credentials
    async with profile.session() as session:
        count = int(await session.handle.count(CATEGORY_CREDENTIAL))
        new = count - len(known.credentials)
        if known.credentials and 0 <= new < _FEW:
            entries = await fetch_entries(session, CATEGORY_CREDENTIAL, limit=new + 1, order_by="id", newest_first=True)
            if len(entries) == new + 1 and entries[-1].name == known.credentials[-1].id:
                return _keep(profile, (*known.credentials, *map(_held, reversed(entries[:-1]))), since)
        if count == 0:
            return _keep(profile, (), since)
        entries = await fetch_entries(session, CATEGORY_CREDENTIAL, order_by="id")
    read = map(_held, entries)
    return _keep(profile, tuple(read) if len(entries) <= _FEW else await asyncio.to_thread(tuple, read), since)


async def newest_lists(profile: Profile, credentials: Iterable[HeldCredential]) -> Mapping[str, LoadedStatusList]:
    """Return the newest status list of each registry of some credentials, all looked up at once.

    What could not be had, or did not come in time, is missing.
    """
    lists: dict[str, LoadedStatusList] = {}
    objects = profile.inject(Objects)

    async def look_up(registry: str) -> None:
        with contextlib.suppress(ResolutionError):
            lists[registry] = await objects.status_list(profile, registry)

    registries = sorted(
        {held_credential.rev_reg_id for held_credential in credentials if held_credential.rev_reg_id is not None}
    )
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_UP_S):
            await each_at_once(registries, look_up)
    return lists


def revocation_in(lists: Mapping[str, LoadedStatusList], credential: HeldCredential) -> Revocation:
    """Return what the newest status list of its registry says of a credential."""
    if credential.rev_reg_id is None or credential.rev_index is None:
        return credential.revocation
    status = lists.get(credential.rev_reg_id)
    if status is None:
        return Revocation.UNCHECKED
    return Revocation.REVOKED if status.is_revoked(credential.rev_index) else Revocation.VALID


def with_revocation(credential: HeldCredential, lists: Mapping[str, LoadedStatusList]) -> HeldCredential:
    """Return a credential with what the newest status list of its registry says of it."""
    revocation = revocation_in(lists, credential)
    return credential if revocation is credential.revocation else replace(credential, revocation=revocation)


def type_of(credential: HeldCredential) -> CredentialType | None:
    """Return the credential's type, None if it is none of ours."""
    try:
        return load_credential_type(f"{credential.schema_name}/{credential.schema_version}")
    except CredentialError:
        return None


@dataclass(frozen=True, slots=True)
class _AtHand:
    """The credentials of a wallet, oldest first.

    Args:
        as_of: how often credentials had been written before they were read; None: nobody knows.
    """

    credentials: tuple[HeldCredential, ...]
    by_id: Mapping[str, HeldCredential]
    as_of: int | None


_NOTHING: Final = _AtHand((), {}, None)
_AT_HAND: WeakKeyDictionary[object, dict[str, _AtHand]] = WeakKeyDictionary()
"""By Askar's store, and by tenant."""


def _at_hand(profile: Profile) -> _AtHand:
    return _AT_HAND.get(profile.store, {}).get(tenant_of(profile), _NOTHING)


def _keep(
    profile: Profile, held_credentials: tuple[HeldCredential, ...], as_of: int | None
) -> tuple[HeldCredential, ...]:
    wallets = _AT_HAND.setdefault(profile.store, {})
    by_id = {held_credential.id: held_credential for held_credential in held_credentials}
    wallets[tenant_of(profile)] = _AtHand(held_credentials, by_id, as_of)
    if sum(len(wallet.credentials) for wallet in wallets.values()) > _MOST_AT_HAND:
        wallets.clear()  # the wallets that are used next are read again
    return held_credentials


type _Signed = LRUCache[tuple[str, str], tuple[bytes, int]]

_SIGNED: WeakKeyDictionary[object, _Signed] = WeakKeyDictionary()
"""By Askar's store; by tenant and credential: what is signed, and how often credentials had been written then."""


def have_signed_at_hand(profile: Profile, credential_id: str, signed: bytes, *, since: int | None) -> None:
    """Have what is signed of a credential at hand, until any credential of the wallet is written.

    Args:
        profile: whose wallet.
        credential_id: of which one.
        signed: as it is kept.
        since: how often credentials had been written before it was read, or since it was kept; None: nobody knows.
    """
    if since is not None and len(signed) <= _MOST_SIGNED_BYTES:
        _SIGNED.setdefault(profile.store, LRUCache(_MOST_SIGNED))[tenant_of(profile), credential_id] = signed, since


def _signed_at_hand(profile: Profile, credential_id: str, *, as_of: int) -> bytes | None:
    signed = _SIGNED.get(profile.store)
    entry = None if signed is None else signed.get((tenant_of(profile), credential_id))
    return None if entry is None or entry[1] != as_of else entry[0]


def _held(entry: Entry) -> HeldCredential:
    signed: Mapping[str, object] = json.loads(entry.value)
    tags: Mapping[str, str] = entry.tags
    values = signed["values"]
    registry, index = signed.get("rev_reg_id"), _registry_index(signed)
    is_revocable = isinstance(registry, str) and index is not None
    raw_values = _raw_values(values) if isinstance(values, dict) else {}
    return HeldCredential(
        id=entry.name,
        schema_id=tags["schema_id"],
        cred_def_id=tags["cred_def_id"],
        issuer_did=tags["issuer_did"],
        schema_issuer_did=tags["schema_issuer_did"],
        schema_name=tags["schema_name"],
        schema_version=tags["schema_version"],
        rev_reg_id=registry if isinstance(registry, str) else None,
        values=raw_values,
        revocation=Revocation.UNCHECKED if is_revocable else Revocation.NOT_REVOCABLE,
        expires_on=_expiry(tags, raw_values),
        rev_index=index,
    )


def _registry_index(signed: Mapping[str, object]) -> int | None:
    """Return the credential's place in its registry (AnonCreds: `signature.r_credential.i`)."""
    signature = signed.get("signature")
    part = signature.get("r_credential") if isinstance(signature, dict) else None
    index = part.get("i") if isinstance(part, dict) else None
    return index if isinstance(index, int) else None


def _raw_values(values: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Return the raw values by the attributes' common names; none where one attribute is there in two spellings."""
    try:
        return by_common_name({name: str(value["raw"]) for name, value in values.items()})
    except CredentialError:
        return {}


def _expiry(tags: Mapping[str, str], values: Mapping[str, str]) -> date | None:
    """Return the last day of validity; None if it does not expire or its type says nothing of it."""
    try:
        credential_type = load_credential_type(f"{tags['schema_name']}/{tags['schema_version']}")
        expires_on = parse_revealed(credential_type, "expires_on", values.get("expires_on"))
    except CredentialError:
        return None
    return expires_on if isinstance(expires_on, date) else None
