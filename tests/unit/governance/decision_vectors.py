"""Reads the decision vectors into the types of the domain."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from wanderbuch.governance.file import GovernanceFile
from wanderbuch.governance.identifiers import CredDefId, Did, RevRegDefId
from wanderbuch.governance.question import DateSpan, Evidence, Requirement
from wanderbuch.governance.snapshot import GovernanceSnapshot

FOLDER = Path(__file__).parents[2] / "vectors" / "decision"

type Json = dict[str, Any]


def topics() -> Iterator[Json]:
    """Yield each vector file but the ecosystem itself."""
    for path in sorted(FOLDER.glob("[0-9]*.json")):
        yield json.loads(path.read_bytes())


def cases() -> Iterator[tuple[str, Json]]:
    """Yield each case with a name."""
    for topic in topics():
        for case in (topic["accepted"], *topic["refused"]):
            yield f"{topic['name']}: {case['name']}", case


def requirement_of(case: Json) -> Requirement:
    return Requirement(**case["requirement"])


def evidence_of(case: Json) -> Evidence:
    shown = dict(case["evidence"])
    shown["issuer"] = Did.parse(shown["issuer"])
    shown["cred_def_id"] = CredDefId.parse(shown["cred_def_id"])
    shown["awarded"] = DateSpan(*(date.fromisoformat(shown["awarded"][end]) for end in ("first", "last")))
    shown["expires_on"] = shown["expires_on"] and date.fromisoformat(shown["expires_on"])
    shown["registry"] = shown["registry"] and RevRegDefId.parse(shown["registry"])
    return Evidence(**shown)


def snapshot_of(case: Json, ecosystem: GovernanceFile) -> GovernanceSnapshot | None:
    if case["governance"] is None:
        return None
    until = case["fresh_until"] and datetime.fromisoformat(case["fresh_until"])
    return GovernanceSnapshot(ecosystem, "sha256:" + "0" * 64, until)


def at_of(case: Json) -> datetime:
    return datetime.fromisoformat(case["at"])
