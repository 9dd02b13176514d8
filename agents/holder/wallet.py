"""The holder's credentials, as the wallet store has them, with what is known of their revocation."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from acapy_agent.anoncreds.holder import CATEGORY_CREDENTIAL
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from aries_askar import Entry

from wanderbuch.agents.holder.fitting import HeldCredential, Revocation
from wanderbuch.agents.runtime.at_once import each_at_once
from wanderbuch.errors import CredentialError, ResolutionError
from wanderbuch.schemas.attribute_names import by_common_name
from wanderbuch.schemas.credential_type import CredentialType, load_credential_type
from wanderbuch.schemas.encoding import parse_revealed
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.records import NotFoundError

_LOOK_UP_S: Final = 20.0


async def list_credentials(profile: Profile, *, check_revocation: bool) -> tuple[HeldCredential, ...]:
    """Return every credential in the wallet.

    Args:
        profile: whose wallet.
        check_revocation: look each registry's newest status list up; else revocable ones are UNCHECKED.
    """
    async with profile.session() as session:
        entries = await fetch_entries(session, CATEGORY_CREDENTIAL)
    return await _with_revocation(profile, entries, check_revocation=check_revocation)


async def get_credential(profile: Profile, credential_id: str) -> HeldCredential:
    """Return one credential, its revocation checked.

    Raises:
        NotFoundError: the wallet has none with this id.
    """
    async with profile.session() as session:
        entry = await session.handle.fetch(CATEGORY_CREDENTIAL, credential_id)
    if entry is None:
        raise NotFoundError(f"there is no credential with the id {credential_id[:64]!r}")
    (credential,) = await _with_revocation(profile, [entry], check_revocation=True)
    return credential


def type_of(credential: HeldCredential) -> CredentialType | None:
    """Return the credential's type, None if it is none of ours."""
    try:
        return load_credential_type(f"{credential.schema_name}/{credential.schema_version}")
    except CredentialError:
        return None


async def _with_revocation(
    profile: Profile, entries: Iterable[Entry], *, check_revocation: bool
) -> tuple[HeldCredential, ...]:
    read: list[tuple[Entry, Mapping[str, object]]] = [(entry, json.loads(entry.value)) for entry in entries]
    registries = {str(signed["rev_reg_id"]) for _, signed in read if isinstance(signed.get("rev_reg_id"), str)}
    revoked = await _revoked_by(profile, registries) if check_revocation else {}
    held: list[HeldCredential] = []
    for entry, signed in read:
        registry, index = signed.get("rev_reg_id"), _registry_index(signed)
        if not isinstance(registry, str) or index is None:
            revocation = Revocation.NOT_REVOCABLE
        elif not check_revocation:
            revocation = Revocation.UNCHECKED
        else:
            known = revoked.get(registry)
            if known is None:
                revocation = Revocation.UNCHECKED
            else:
                revocation = Revocation.REVOKED if index in known else Revocation.VALID
        held.append(_held(entry, signed, revocation))
    return tuple(held)


async def _revoked_by(profile: Profile, registries: Iterable[str]) -> Mapping[str, frozenset[int] | None]:
    """Return the revoked places of each registry, all looked up at once; what does not come in time is missing."""
    found: dict[str, frozenset[int] | None] = {}

    async def look_up(registry: str) -> None:
        found[registry] = await _revoked_indexes(profile, registry)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_UP_S):
            await each_at_once(sorted(registries), look_up)
    return found


async def _revoked_indexes(profile: Profile, registry: str) -> frozenset[int] | None:
    """Return the revoked places of a registry by its newest status list; None if it could not be checked."""
    resolver = profile.inject(AnonCredsRegistry)
    try:
        result = await resolver.get_revocation_list(profile, registry, timestamp_from=0, timestamp_to=int(time.time()))
    except (BaseError, ResolutionError):
        return None
    return frozenset(index for index, state in enumerate(result.revocation_list.revocation_list) if state != 0)


def _registry_index(signed: Mapping[str, object]) -> int | None:
    """Return the credential's place in its registry (AnonCreds: `signature.r_credential.i`)."""
    signature = signed.get("signature")
    part = signature.get("r_credential") if isinstance(signature, dict) else None
    index = part.get("i") if isinstance(part, dict) else None
    return index if isinstance(index, int) else None


def _held(entry: Entry, signed: Mapping[str, object], revocation: Revocation) -> HeldCredential:
    tags: Mapping[str, str] = entry.tags
    values = signed["values"]
    registry = signed.get("rev_reg_id")
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
        revocation=revocation,
        expires_on=_expiry(tags, raw_values),
    )


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
