"""Statuses: what each format writes is read, and a neighbour that differs in one point is not."""

import pytest
from pydantic import BaseModel, ValidationError
from tests.unit.governance.facts.test_sources import CENTRE, DIGEST, INDY, NYM

from wanderbuch.governance.facts.anoncreds_ids import RevRegDefId
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.governance.facts.sources import SdJwtSource, SourceId
from wanderbuch.governance.facts.statuses import AnonCredsStatus, ListedStatus, StatusId


@pytest.mark.parametrize(
    ("text", "kind", "owner"),
    [
        (f"anoncreds:{CENTRE}/resources/{DIGEST}", AnonCredsStatus, CENTRE),
        (f"anoncreds:{INDY}/anoncreds/v0/REV_REG_DEF/104/npdb/TAG1", AnonCredsStatus, INDY),
        (f"anoncreds:{NYM}:4:{NYM}:3:CL:12:npdb:CL_ACCUM:TAG1", AnonCredsStatus, f"did:sov:{NYM}"),
        ("statuslist:https://centre.example.org/status/7", ListedStatus, None),
    ],
)
def test_reads_a_status_of_each_kind(text: str, kind: type[StatusId], owner: str | None) -> None:
    status = StatusId.parse(text)
    assert (type(status), str(status), status.owner) == (kind, text, owner)
    assert status.is_of_another(Did("did:web:stranger.example.org")) is (owner is not None)


@pytest.mark.parametrize(
    "text",
    [
        f"{CENTRE}/resources/{DIGEST}",
        f"anoncreds:{INDY}/anoncreds/v0/CLAIM_DEF/12/npdb",
        f"anoncreds:{NYM}:3:CL:12:npdb",
        "statuslist:http://centre.example.org/status/7",
        "statuslist:https://centre.example.org",
        "statuslist:https://centre.example.org/a;b",
        "https://centre.example.org/status/7",
        None,
    ],
)
def test_refuses_what_is_no_status(text: object) -> None:
    with pytest.raises(IdentifierError, match="expected"):
        StatusId.parse(text)


def test_names_the_registry_that_the_adapter_of_anoncreds_needs() -> None:
    registry = RevRegDefId.of(CENTRE, DIGEST)
    assert AnonCredsStatus.of(registry).registry == registry


class _Kept(BaseModel):
    source: SourceId
    status: StatusId | None = None


def test_a_record_keeps_them_as_texts_and_parses_them_again() -> None:
    kept = _Kept(source=SourceId.parse(f"sdjwt:q|{CENTRE}"), status=StatusId.parse("statuslist:https://x.example/1"))
    again = _Kept.model_validate_json(kept.model_dump_json())
    assert (again, type(again.source), type(again.status)) == (kept, SdJwtSource, ListedStatus)
    with pytest.raises(ValidationError):
        _Kept.model_validate({"source": "q"})
