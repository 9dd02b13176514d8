"""Presentations as a cheating wallet makes them: built with the anoncreds library itself, none of ACA-Py's care.

Everything here is real cryptography on real credentials; only the choices are dishonest.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from acapy_agent.anoncreds.holder import CATEGORY_CREDENTIAL, AnonCredsHolder
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.profile import Profile
from anoncreds import Credential, CredentialRevocationState, Presentation, PresentCredentials

from wanderbuch.plugins.webvh.tails import ensure_tails


@dataclass(frozen=True, slots=True)
class Forgery:
    """The dishonest choices.

    Args:
        credentials: referent -> the credential that answers it, whatever the restrictions say.
        status_list_before: prove non-revocation from the status list that was the newest at this instant (seconds since
            1970); None = the newest of all.
        leave_out_non_revocation: prove nothing about revocation although it is asked.
        state_a_time: write the time of the newest status list beside such a proof of nothing.
        raw: attribute name -> what to write over its revealed raw text once the proof is made.
    """

    credentials: Mapping[str, str]
    status_list_before: int | None = None
    leave_out_non_revocation: bool = False
    state_a_time: bool = False
    raw: Mapping[str, str] = field(default_factory=dict)


async def forge(profile: Profile, proof_request: Mapping[str, Any], forgery: Forgery) -> dict[str, Any]:
    """Return a presentation for the request, as JSON."""
    credentials = {name: await _load(profile, name) for name in set(forgery.credentials.values())}
    registry = profile.inject(AnonCredsRegistry)
    schemas, definitions = {}, {}
    for credential in credentials.values():
        schema = (await registry.get_schema(profile, credential.schema_id)).schema
        definition = (await registry.get_credential_definition(profile, credential.cred_def_id)).credential_definition
        schemas[credential.schema_id] = schema.to_native()
        definitions[credential.cred_def_id] = definition.to_native()
    states = {
        name: await _revocation_state(profile, credential, forgery.status_list_before)
        for name, credential in credentials.items()
        if credential.rev_reg_index is not None
        and _wants_non_revocation(proof_request)
        and not forgery.leave_out_non_revocation
    }
    chosen = PresentCredentials()
    for referent, name in forgery.credentials.items():
        timestamp, state = states.get(name, (None, None))
        if referent in proof_request["requested_predicates"]:
            chosen.add_predicates(credentials[name], referent, timestamp=timestamp, rev_state=state)
        else:
            chosen.add_attributes(credentials[name], referent, reveal=True, timestamp=timestamp, rev_state=state)
    secret = await AnonCredsHolder(profile).get_master_secret()
    presentation = await asyncio.to_thread(
        Presentation.create, json.dumps(proof_request), chosen, {}, secret, schemas, definitions
    )
    made: dict[str, Any] = json.loads(presentation.to_json())
    if forgery.state_a_time:
        await _state_times(registry, profile, made)
    return overwrite_raw(made, forgery.raw)


async def _state_times(registry: AnonCredsRegistry, profile: Profile, presentation: dict[str, Any]) -> None:
    for identifier in presentation["identifiers"]:
        if identifier["rev_reg_id"] is not None:
            newest = await registry.get_revocation_list(
                profile, identifier["rev_reg_id"], timestamp_from=0, timestamp_to=int(time.time())
            )
            identifier["timestamp"] = newest.revocation_list.timestamp


def overwrite_raw(presentation: dict[str, Any], raw: Mapping[str, str]) -> dict[str, Any]:
    """Write other raw texts beside the proven encoded values."""
    proof = presentation["requested_proof"]
    for group in proof.get("revealed_attr_groups", {}).values():
        for name in raw.keys() & group["values"].keys():
            group["values"][name]["raw"] = raw[name]
    return presentation


async def _load(profile: Profile, name: str) -> Credential:
    async with profile.session() as session:
        entry = await session.handle.fetch(CATEGORY_CREDENTIAL, name)
    if entry is None:
        raise LookupError(f"no credential {name!r}")
    return Credential.load(entry.raw_value)


async def _revocation_state(profile: Profile, credential: Credential, before: int | None) -> tuple[int, Any]:
    registry = profile.inject(AnonCredsRegistry)
    registry_id = credential.rev_reg_id
    definition = (await registry.get_revocation_registry_definition(profile, registry_id)).revocation_registry
    revocation_list = await registry.get_revocation_list(
        profile, registry_id, timestamp_from=0, timestamp_to=before if before is not None else int(time.time())
    )
    tails = await ensure_tails(profile, definition)
    state = await asyncio.to_thread(
        CredentialRevocationState.create,
        definition.to_native(),
        revocation_list.revocation_list.to_native(),
        credential.rev_reg_index,
        str(tails),
    )
    return revocation_list.revocation_list.timestamp, state


def _wants_non_revocation(proof_request: Mapping[str, Any]) -> bool:
    parts = [*proof_request["requested_attributes"].values(), *proof_request["requested_predicates"].values()]
    return any(part.get("non_revoked") for part in [proof_request, *parts])
