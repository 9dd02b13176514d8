"""Definitions and registries that are for a ledger: kept with their keys first, then written, then finished.

So no keys are lost of what a ledger has, and what could not be written, or was not endorsed yet, is tried again as it
is, also after a restart. ACA-Py keeps what waits under the id of a job, in the state "wait".
"""

from typing import Final

from acapy_agent.anoncreds.base import AnonCredsObjectNotFound, AnonCredsRegistrationError
from acapy_agent.anoncreds.constants import CATEGORY_CRED_DEF, CATEGORY_REV_REG_DEF
from acapy_agent.anoncreds.models.credential_definition import CredDef
from acapy_agent.anoncreds.models.revocation import RevRegDef
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.profile import Profile

from wanderbuch.governance.facts.indy import IndyDid
from wanderbuch.store.entries import fetch_entries

KEEP_FIRST: Final = "wanderbuch_keep_first"
"""Option of a registration: keep it under a job's id, and write nothing yet."""
_MAX_TAGS: Final = 16
_WAITS: Final = "wait"  # ACA-Py's word for a registration that has begun


async def waiting_definition(profile: Profile, issuer_id: str, schema_id: str) -> str | None:
    """Return the job of a credential definition that is not written yet; None if there is none."""
    wanted = {"issuer_id": issuer_id, "schema_id": schema_id, "state": _WAITS}
    async with profile.session() as session:
        entries = await fetch_entries(session, CATEGORY_CRED_DEF, wanted)
    return entries[0].name if entries else None


async def free_tag(profile: Profile, did: str, schema_id: str, tag: str) -> str:
    """Return a tag under which there is no definition on the ledger yet: `tag`, or it with a number.

    One that is there and not in the wallet is of a wallet that is lost: nobody can sign with it any more.

    Raises:
        BaseAnonCredsError: the ledger did not say, or there are too many.
    """
    registry = profile.inject(AnonCredsRegistry)
    number = int((await registry.get_schema(profile, schema_id)).schema_metadata["seqNo"])
    for candidate in (tag, *(f"{tag}-{more}" for more in range(2, _MAX_TAGS + 1))):
        try:
            await registry.get_credential_definition(profile, IndyDid.parse(did).cred_def(number, candidate).text)
        except AnonCredsObjectNotFound:
            return candidate
    raise AnonCredsRegistrationError(f"there are {_MAX_TAGS} definitions of {did} on {schema_id} already")


async def write_definition(profile: Profile, job_id: str) -> str:
    """Write a credential definition that waits; return its id.

    Raises:
        BaseAnonCredsError: it could not be written; it waits further.
    """
    async with profile.session() as session:
        entry = await session.handle.fetch(CATEGORY_CRED_DEF, job_id)
    definition = CredDef.deserialize(entry.value_json)
    registry = profile.inject(AnonCredsRegistry)
    schema = await registry.get_schema(profile, definition.schema_id)
    written = await registry.register_credential_definition(profile, schema, definition)
    return str(written.credential_definition_state.credential_definition_id)


async def waiting_registries(profile: Profile, cred_def_id: str) -> list[str]:
    """Return the jobs of registries of a credential definition that are not written yet."""
    async with profile.session() as session:
        entries = await fetch_entries(session, CATEGORY_REV_REG_DEF, {"cred_def_id": cred_def_id, "state": _WAITS})
    return [entry.name for entry in entries]


async def write_registry(profile: Profile, job_id: str) -> str:
    """Write a registry definition that waits; return its id. Errors as with `write_definition`."""
    async with profile.session() as session:
        entry = await session.handle.fetch(CATEGORY_REV_REG_DEF, job_id)
    registry = profile.inject(AnonCredsRegistry)
    written = await registry.register_revocation_registry_definition(profile, RevRegDef.deserialize(entry.value_json))
    return str(written.rev_reg_def_id)
