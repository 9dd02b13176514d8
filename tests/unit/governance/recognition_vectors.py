"""Reads the recognition vectors into the types of the domain."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

from tests.unit.governance.decision_vectors import Json

from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.question import Purpose, Requirement
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.validation import parse_file

FOLDER = Path(__file__).parents[2] / "vectors" / "recognition"


def topics() -> Iterator[Json]:
    """Yield each vector file."""
    for path in sorted(FOLDER.glob("[0-9]*.json")):
        yield json.loads(path.read_bytes())


def cases() -> Iterator[tuple[str, Json]]:
    """Yield each case with a name."""
    for topic in topics():
        for case in (topic["accepted"], *topic["refused"]):
            yield f"{topic['name']}: {case['name']}", case


@cache
def file(name: str) -> GovernanceFile:
    return parse_file((FOLDER / "files" / name).read_bytes())


def snapshot(name: str, until: str) -> GovernanceSnapshot:
    return GovernanceSnapshot(file(name), f"sha256:{name}", datetime.fromisoformat(until))


def snapshot_of(case: Json) -> GovernanceSnapshot:
    others = [snapshot(name, until) for name, until in case["recognised"].items()]
    home = snapshot(case["governance"], case["fresh_until"])
    return replace(home, recognised={other.file.author: other for other in others})


def requirement_of(case: Json) -> Requirement:
    asked = dict(case["requirement"])
    return Requirement(**asked | {"purpose": Purpose(asked["purpose"])})
