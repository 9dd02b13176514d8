"""A governance file that TRQP is asked about, questions, and answers checked by their schema."""

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, FormatChecker
from tests.unit.governance.conftest import EXAMPLE, Json
from tests.unit.governance.statements import NEIGHBOUR, NEIGHBOUR_FILE, recognition, verification

from wanderbuch.governance.deciding import trqp
from wanderbuch.governance.deciding.trqp import (
    Answered,
    parse_query,
)
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.model import PROFILE_STATEMENTS
from wanderbuch.governance.form.validation import parse_file

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WELDER = "occupation=C7212;place=MLT;eqf=4"


def _file() -> Json:
    document: Json = json.loads(EXAMPLE.read_bytes())
    entries = document["participants"]["entries"]
    document["trusted_governance"] = [NEIGHBOUR_FILE]
    entries[f"{PROFILE_STATEMENTS}recognition.json"] = {
        NEIGHBOUR: {"recognitions": [recognition(jurisdictions=["LKA", "MLT"])]}
    }
    entries[f"{PROFILE_STATEMENTS}verification.json"] = {
        named_in(document, "shipyard"): {"verifications": [verification()]}
    }
    return document


def named_in(document: Json, name: str) -> str:
    descriptions = next(iter(document["participants"]["entries"].values()))
    return next(did for did in descriptions if f":{name}." in did)


DOCUMENT = _file()
AUTHORITY = DOCUMENT["author"]
CENTRE, GALLE, SHIPYARD = (named_in(DOCUMENT, name) for name in ("centre", "galle", "shipyard"))
FILE = parse_file(json.dumps(DOCUMENT).encode())
SNAPSHOT = GovernanceSnapshot(
    FILE, "sha256:" + "a" * 64, NOW + timedelta(hours=1), fresh_from=NOW - timedelta(minutes=1)
)


def asked(**members: Any) -> bytes:
    query = {"entity_id": CENTRE, "authority_id": AUTHORITY, "action": "issue", "resource": WELDER} | members
    return json.dumps({name: value for name, value in query.items() if value is not None}).encode()


def answer(snapshot: GovernanceSnapshot = SNAPSHOT, kind: str = "authorization", **members: Any) -> Json:
    answered: Answered[Any] = getattr(trqp, f"answer_{kind}")(parse_query(asked(**members)), snapshot, at=NOW)
    document: Json = json.loads(msgspec.json.encode(answered.answer))
    schema = json.loads(
        files("wanderbuch.governance.schemas").joinpath("trqp", f"{kind}-response.schema.json").read_bytes()
    )
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(document)
    return document
