"""A welder of Colombo as the tests know one: what is claimed, and the governance file by which it counts."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from wanderbuch.governance.form.cte_model import CTE_CONTEXT
from wanderbuch.governance.form.model import CROSSWALK

CLAIM: dict[str, Any] = {
    "credential_id": "CWC-2024-0001",
    "family_name": "Perera",
    "given_names": "Nimal",
    "birth_date": "1995-03-12",
    "occupation_isco08": "C7212",
    "qualification_title": "National Certificate, Welder",
    "awarding_body": "Colombo Welding Centre",
    "framework": "LK-NVQ",
    "framework_level": "4",
    "learning_setting": "formal",
    "awarded_on": "2024-06-10",
    "country_of_award": "LKA",
}


def certificate(base: Mapping[str, Any] = CLAIM, **changed: Any) -> dict[str, Any]:
    """Return a claim with changes; another certificate than the one without them, so its number is another one."""
    if not changed or "credential_id" in changed:
        return {**base, **changed}
    mark = hashlib.sha256(json.dumps(changed, sort_keys=True, default=str).encode()).hexdigest()[:8]
    return {**base, **changed, "credential_id": f"{base['credential_id']}-{mark}"}


LEVELS = {"eqf_level": 4, "crosswalk_version": "lk-nvq-2023"}
"""What the crosswalk of `governance_file` makes of the claim's level."""


def accreditation(cred_defs: Sequence[str], **changed: Any) -> dict[str, Any]:
    """Return an accreditation for welders, from 2020 on, EQF 1 to 5, in Malta and Sri Lanka."""
    return {
        "id": "acc-1",
        "credential_types": ["qualification/1.0"],
        "sources": [f"anoncreds:{cred_def}" for cred_def in cred_defs],
        "occupations": ["C72"],
        "level_range": {"framework": "EQF", "min": "1", "max": "5"},
        "jurisdictions": ["MLT", "LKA"],
        "intervals": [{"start": "2020-01-01"}],
        "accreditingAgent": {"name": "Training Authority"},
        "decision": "https://authority.wanderbuch.test/decisions/1",
        "redress": "https://authority.wanderbuch.test/redress",
        **changed,
    }


def governance_file(
    author: str, schema_id: str, entries: Mapping[str, Any], *, version: int = 1, updated: str = "2024-01-01T00:00:00Z"
) -> dict[str, Any]:
    """Return a governance file as JSON, with a crosswalk of the Sri Lankan levels.

    Args:
        author: the authority's DID.
        schema_id: of qualifications.
        entries: of its participants, by kind and by DID.
        version: its number.
        updated: when it says that it was last changed.
    """
    crosswalk = {
        "version": "lk-nvq-2023",
        "framework": "LK-NVQ",
        "valid_from": "2015-01-01",
        "levels": [{"level": str(n), "eqf": n} for n in range(1, 8)],
        "source": "an example",
    }
    return {
        "@context": [CTE_CONTEXT],
        "id": "2f9b3a52-6a51-4f0b-9a63-3a6cbb6ef3a1",
        "name": "Skills",
        "version": version,
        "format": "1.0",
        "last_updated": updated,
        "author": author,
        "schemas": [{"id": schema_id, "name": "qualification/1.0"}],
        "roles": {"issuer": {"issue": [schema_id]}},
        "participants": {
            "id": "participants-1",
            "author": author,
            "created": updated,
            "version": version,
            "entries": {**entries, CROSSWALK: {author: {"crosswalks": [crosswalk]}}},
        },
    }
