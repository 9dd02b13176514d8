"""The scope of a statement as a JSON Schema over the attributes of a credential: who checks it checks the scope too.

Values are taken as AnonCreds signs them: integers and days (20240531) are numbers, all else is text.

The schema travels inside a `data:` URL (RFC 2397), so there is nothing to fetch and nothing to exchange (threats T11
and T15 of W3C Recognized Entities); its multihash stands beside it.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import rfc8785

from wanderbuch.governance.facts.file import EQF, Accreditation, GovernanceFile
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.schemas.languages import CEFR, cefr_rank

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_UNIT_GROUP = "(?=C[0-9]{4}$)"  # what a credential names: of a group, a part could be excluded
_SHA2_256 = b"\x12\x20"  # multihash: sha2-256, 32 bytes


def output_validation(schema: dict[str, Any]) -> dict[str, str]:
    """Return an `outputValidation` of W3C Recognized Entities that carries `schema` itself."""
    content = rfc8785.dumps(schema)
    return {
        "id": "data:application/schema+json;base64," + base64.b64encode(content).decode(),
        "type": "JsonSchema",
        "digestMultibase": digest_multibase(content),
    }


def digest_multibase(content: bytes) -> str:
    """Return the sha2-256 multihash of `content` in multibase base64url ("u"; VCDM 2.0 §5.3)."""
    multihash = _SHA2_256 + hashlib.sha256(content).digest()
    return "u" + base64.urlsafe_b64encode(multihash).rstrip(b"=").decode()


def issuing_schema(
    file: GovernanceFile, given: Accreditation, excluded: Iterable[str], span: DateSpan
) -> dict[str, Any]:
    """Return the schema of the attributes that this issuer may sign under this accreditation.

    Args:
        file: for the order of levels.
        given: the accreditation.
        excluded: what the issuer may never attest, whichever accreditation says so.
        span: the award dates that count.
    """
    refused = sorted(excluded)
    days: dict[str, Any] = {"type": "integer", "minimum": _number(span.first)}
    if span.last != OPEN_END:
        days["maximum"] = _number(span.last)
    levels = _levels(file, given)
    about, scope = _scope(given, refused)
    return {
        "$schema": _DRAFT,
        "title": f"What may be attested under accreditation {given.id}",
        "$comment": f"counts in {', '.join(given.jurisdictions)}; signed with {', '.join(given.sources)}",
        "type": "object",
        "properties": {
            about: scope,
            **levels,
            "awarded_on": days,
        },
        "required": [about, *levels, "awarded_on"],
    }


def asking_schema(attributes: Iterable[str]) -> dict[str, Any]:
    """Return the schema of what a verifier may ask to be shown: these attributes and no other."""
    return {
        "$schema": _DRAFT,
        "title": "What may be asked to be shown",
        "type": "object",
        "properties": {name: {} for name in sorted(attributes)},
        "additionalProperties": False,
    }


def _scope(given: Accreditation, refused: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Return the attribute that says what a credential is about, and which values of it are in scope."""
    if given.level_range.framework == CEFR:
        return "language", {"enum": sorted(set(given.occupations).difference(refused))}
    but_not = f"^(?!{'|'.join(refused)})" if refused else "^"
    pattern = f"{but_not}{_UNIT_GROUP}({'|'.join(sorted(given.occupations))})"
    return "occupation_isco08", {"type": "string", "pattern": pattern}


def _levels(file: GovernanceFile, given: Accreditation) -> dict[str, Any]:
    levels = given.level_range
    if levels.framework == EQF:
        low, high = int(levels.lowest), int(levels.highest)
        return {"eqf_level": {"type": "integer", "minimum": low, "maximum": high}}
    if levels.framework == CEFR:
        low, high = cefr_rank(levels.lowest), cefr_rank(levels.highest)
        return {"cefr_rank": {"type": "integer", "minimum": low, "maximum": high}}
    reached = {
        level
        for crosswalk in file.crosswalks
        if crosswalk.framework == levels.framework
        for level in crosswalk.within(levels)
    }
    return {
        "framework": {"const": levels.framework},
        "framework_level": {"enum": sorted(reached) or [levels.lowest, levels.highest]},
    }


def _number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day
