"""Reads the decision vectors into the types of the domain."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Evidence, Requirement
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import Binding, SourceId
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.governance.form.validation import parse_file

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
    shown["source"] = SourceId.parse(shown["source"])
    shown["awarded"] = DateSpan(*(date.fromisoformat(shown["awarded"][end]) for end in ("first", "last")))
    shown["expires_on"] = shown["expires_on"] and date.fromisoformat(shown["expires_on"])
    shown["status"] = shown["status"] and StatusId.parse(shown["status"])
    shown["binding"] = Binding(shown["binding"])
    return Evidence(**shown)


def snapshot_of(case: Json, ecosystem: GovernanceFile) -> GovernanceSnapshot | None:
    if case["governance"] is None:
        return None
    if case["governance"] != "ecosystem.json":
        ecosystem = _file(case["governance"])
    until = case["fresh_until"] and datetime.fromisoformat(case["fresh_until"])
    return GovernanceSnapshot(ecosystem, "sha256:" + "0" * 64, until)


@cache
def _file(name: str) -> GovernanceFile:
    return parse_file((FOLDER / name).read_bytes())


def at_of(case: Json) -> datetime:
    return datetime.fromisoformat(case["at"])
