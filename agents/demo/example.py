"""The example ecosystem of `governance/files/`, with DIDs of agents that really run in place of its placeholders."""

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.resources import files
from typing import Any

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.format_ids import ANONCREDS
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.schemas.credential_type import load_credential_type

EXAMPLE = "sri-lanka.example.json"
_ACCREDITATION = "https://w3id.org/wanderbuch/governance/1.0/accreditation.json"


def example_payload(dids: Mapping[str, str], cred_defs: Mapping[str, str], schema_id: str) -> dict[str, Any]:
    """Return version 1 of the example file, unsigned, for agents that run.

    Args:
        dids: host in the example -> DID of the agent that plays the part.
        cred_defs: host in the example -> credential definition of that agent.
        schema_id: the authority's schema.

    Raises:
        ConfigurationError: the example has no such part.
    """
    text = files("wanderbuch.governance").joinpath("files", EXAMPLE).read_text(encoding="utf-8")
    placeholders = _placeholders(json.loads(text))
    substitutes = placeholders[0]
    text = text.replace(placeholders[1], schema_id)
    for host, cred_def_id in cred_defs.items():
        text = text.replace(placeholders[2][host], cred_def_id)
    for host, did in dids.items():
        if host not in substitutes:
            raise ConfigurationError(f"the example governance file names no {host}")
        text = text.replace(substitutes[host], did)
    payload: dict[str, Any] = json.loads(text)
    return payload


def suspend(
    payload: Mapping[str, Any], did: str, *, registries: Sequence[str], effective_from: date, decided_on: date
) -> dict[str, Any]:
    """Return the next version of a payload, in which every accreditation of `did` is suspended.

    Args:
        payload: the version in force.
        did: whose accreditations.
        registries: the revocation registries that exist; what was awarded before the day, from these, still counts.
        effective_from: the day.
        decided_on: when that was decided.
    """
    changed = next_version(payload)
    for accreditation in changed["participants"]["entries"][_ACCREDITATION][did]["accreditations"]:
        accreditation["status"] = [
            *accreditation.get("status", []),
            {
                "status": "suspended",
                "decided_on": decided_on.isoformat(),
                "effective_from": effective_from.isoformat(),
                "statuses": [str(StatusId.written(registry)) for registry in registries],
                "reason": "Example: assessments were not supervised.",
            },
        ]
    return changed


def next_version(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a governance file with the number of the next version, and nothing else changed."""
    changed = copy.deepcopy(dict(payload))
    changed["version"] += 1
    changed["current_version"] = changed["current_version"].replace(
        f"/versions/{payload['version']}.jws", f"/versions/{changed['version']}.jws"
    )
    changed["previous_versions"] = [
        *payload["previous_versions"],
        {"version": payload["version"], "uri": payload["current_version"]},
    ]
    return changed


def example_claim(**changes: str) -> dict[str, str]:
    """Return a claim of qualification/1.0 made of the type's own examples, with changes and a number of its own."""
    credential_type = load_credential_type("qualification/1.0")
    examples = {attribute.name: str(attribute.example) for attribute in credential_type.claimed}
    if "awarded_on" in changes:
        examples["award_year"] = changes["awarded_on"][:4]
    if changes and "credential_id" not in changes:  # a centre gives no number twice
        mark = hashlib.sha256(json.dumps(changes, sort_keys=True).encode()).hexdigest()[:8]
        examples["credential_id"] += f"-{mark}"
    return {name: value for name, value in (examples | changes).items() if value}


def _placeholders(document: dict[str, Any]) -> tuple[dict[str, str], str, dict[str, str]]:
    """Return the example's DIDs by host, its schema id, and its credential definitions by host."""
    entries = document["participants"]["entries"]
    dids = {did.split(":")[3]: did for statements in entries.values() for did in statements}
    definitions = {
        did.split(":")[3]: entry["accreditations"][0]["sources"][0].removeprefix(ANONCREDS)
        for did, entry in entries[_ACCREDITATION].items()
    }
    return dids, document["schemas"][0]["id"], definitions
