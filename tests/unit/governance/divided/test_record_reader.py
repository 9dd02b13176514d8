"""The fast reader of parts and the author's validation are two readers of one language."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import fields
from pydantic import BaseModel
from tests.thorough import IS_THOROUGH, examples
from tests.unit.governance import statements
from tests.unit.governance.conftest import EXAMPLE
from tests.unit.governance.divided_files import Json, accreditation, in_form_10, issuer, part_of, record

from wanderbuch.governance.divided.division import divide
from wanderbuch.governance.divided.record_form import (
    ReceivedAccreditation,
    ReceivedAgent,
    ReceivedDescription,
    ReceivedInterval,
    ReceivedLevelRange,
    ReceivedRecord,
    ReceivedStatusChange,
    RecordError,
    received_records,
)
from wanderbuch.governance.divided.record_reader import RecordReader
from wanderbuch.governance.facts.file import Accreditation, Participant
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.form.cte_model import DescriptionJson
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.form.model import (
    AccreditationJson,
    AccreditationJson10,
    AgentJson,
    IntervalJson,
    LevelRangeJson,
    StatusChangeJson,
    StatusChangeJson10,
)
from wanderbuch.governance.form.records import LISTED_MEMBERS, RECORD_MEMBERS, join, split
from wanderbuch.governance.form.validation import parse_file, validate_records

type Said = tuple[set[Accreditation], Participant]

WHOLE: Json = json.loads(EXAMPLE.read_bytes())
DEFINITION = "/resources/zQmCredDef".ljust(57, "1")


def decision(status: str, day: str) -> Json:
    return {"status": status, "decided_on": day, "effective_from": "2024-01-01"}


_BEGIN = "2019-01-01T00:00:00Z"
# What may stand anywhere, by its kind: right here, wrong there.
VALUES: list[Any] = [
    None, True, 0, 3, "", " ", "x", "C72", "C7212", "C99", "C", "C72123", "LKA", "XXX", "MLT", "lka",
    "qualification/1.0", "attendance/1.0", "2024-01-31", "2024-02-30", "2026-11-02", "2026-11-03", "2026-11-04",
    "20240131", "2017-01-01", "active", "suspended", "withdrawn", "LK-NVQ", "EQF", "1", "2", "7", "8", "9", "4.5",
    "none", "TA 1", "TA-1", "x" * 129, "https://example.org/", "http://x", "https://", "javascript:alert(1)",
    "mailto:a@b.example", "urn:x", "tel:+1", "https://a b", "https://" + "x" * 1993, "https://" + "x" * 2000,
    "https://é.example", "a\u202eb", "a\nb", "é", "\u0000", "x" * 2001, "x" * 1999, str(issuer(1)), str(issuer(2)),
    "did:web:example.org", "did:x", issuer(1) + DEFINITION, issuer(2) + DEFINITION, issuer(1) + DEFINITION + "1",
    issuer(1) + "/resources/zQmshort", "anoncreds:" + issuer(1) + DEFINITION, "anoncreds:" + issuer(2) + DEFINITION,
    "anoncreds:x", "sdjwt:https://example.org/q|" + issuer(1), "sdjwt:q|" + issuer(2), "mdoc:q|x509:abcdefghijkl",
    "statuslist:https://example.org/1", "statuslist:http://x", ["anoncreds:" + issuer(1) + DEFINITION],
    ["anoncreds:" + issuer(2) + DEFINITION], ["sdjwt:q|did:web:example.org"], ["mdoc:q|x509:abcdefghijkl"],
    ["statuslist:https://example.org/1"], "key", ["key"], ["none", "link-secret"], ["nothing"],
    "issue_qualification", "verify_qualification", "nobody", _BEGIN,
    "2018-01-01T00:00:00+05:30", "2019-01-01T00:00:00", "2019-01-01 00:00:00Z", [], {}, ["C72"], ["C72", "C72"],
    ["LKA"], ["lka"], ["qualification/1.0"], [issuer(1) + DEFINITION], [issuer(2) + DEFINITION],
    [{"start": "2019-01-01"}], [{"start": "2019-01-01", "end": "2018-01-01"}], [{"start": "2019-01-01", "end": None}],
    [{"start": "2020-01-01"}, {"start": "2019-01-01"}], {"framework": "EQF", "min": "3", "max": "2"},
    {"framework": "LK-NVQ", "min": "1", "max": "7"}, {"framework": "IN-NSQF", "min": "1", "max": "2"}, {"name": "x"},
    {"name": "x", "did": None}, {"name": "x", "more": 1}, [decision("withdrawn", "2024-01-01")],
    [decision("withdrawn", "2024-01-01"), decision("active", "2024-01-02")], [decision("active", "2024-01-02")] * 2,
    [decision("suspended", "2024-01-03"), decision("active", "2024-01-02")],
    [{"role": "issue_qualification", "start": _BEGIN, "end": _BEGIN}],
    [{"role": "issue_qualification", "start": _BEGIN, "end": "2019-01-01T00:00:01Z", "more": True}],
]  # fmt: skip


def full_record() -> Json:
    """Return a record with every member that an accreditation, a description or a role can have."""
    one = accreditation(1, quality_assurance="https://example.org/quality", bindings=["link-secret"])
    one["accreditingAgent"]["did"] = WHOLE["author"]
    one["status"][0]["decision"] = "https://example.org/decision"
    other = accreditation(1, id="TA-2", status=[], level_range={"framework": "EQF", "min": "2", "max": "4"})
    full = record(1, one, other, alias={"alias_dids": ["did:web:example.org"]})
    full["description"]["email"] = "office@example.org"
    full["roles"][0]["end"] = "2029-01-01T00:00:00Z"
    return full


def old_record() -> Json:
    """Return the record as profile 1.0 wrote it."""
    present = full_record()
    del present["accreditations"][0]["bindings"]
    return in_form_10(present)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for step, member in inner for place in places(member, (*path, step)))]


PLACES = [
    path
    for path in places(full_record())
    if path and path != ("did",) and (path[:2] != ("accreditations", 1) or "level_range" in path)
]
# What profile 1.0 wrote otherwise.
OLD_PLACES = [
    path
    for path in places(old_record())
    if {"cred_def_ids", "status"} & set(path) and path[:2] != ("accreditations", 1)
]
ROOT, _ = divide(WHOLE, 1)
FILE = parse_file(json.dumps(ROOT).encode())
WITHOUT_RECORDS, _ = split(WHOLE)
READER = RecordReader(FILE)  # one for all, so that what it remembers is tested too


def read_fast(changed: Json) -> Said | None:
    try:
        (read,) = READER.read(received_records(part_of([changed])))
    except RecordError:
        return None
    return set(read.accreditations), read.participant


def read_by_the_author(changed: Json) -> Said | None:
    if any(problem.severity is Severity.ERROR for problem in validate_records(ROOT, [changed])):
        return None
    file = parse_file(json.dumps(join(WITHOUT_RECORDS, {changed["did"]: changed})).encode())
    return set(file.accreditations), file.index.participants[Did.parse(changed["did"])]


def agree(changed: Json) -> bool:
    """Whether both readers accept, and understand, or both refuse; return whether they accept."""
    fast, slow = read_fast(changed), read_by_the_author(changed)
    assert fast == slow, json.dumps(changed)
    return fast is not None


def test_both_read_every_member() -> None:
    assert agree(full_record())


def put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = deepcopy(new)  # a second change may go inside the first, which others use again


def share_of_values(number: int) -> list[Any]:
    """Return every third value, others at the next place; all unless it is to be quick."""
    return VALUES if IS_THOROUGH else VALUES[number % 3 :: 3]


@pytest.mark.parametrize("path", PLACES, ids=lambda path: "/".join(map(str, path)))
def test_both_accept_or_refuse_every_value_in_every_place(path: tuple[Any, ...]) -> None:
    accepted = refused = 0
    for value in share_of_values(PLACES.index(path)):
        changed = full_record()
        put(changed, path, value)
        if agree(changed):
            accepted += 1
        else:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("path", OLD_PLACES, ids=lambda path: "/".join(map(str, path)))
def test_both_accept_or_refuse_every_value_in_the_form_of_profile_1_0(path: tuple[Any, ...]) -> None:
    values = share_of_values(OLD_PLACES.index(path))
    accepted = 0
    for value in values:
        changed = old_record()
        put(changed, path, value)
        accepted += agree(changed)
    assert accepted < len(values)


@pytest.mark.parametrize(
    ("place", "member", "value"),
    [
        (("accreditations", 0), "sources", ["anoncreds:" + issuer(1) + DEFINITION]),
        (("accreditations", 0), "bindings", ["key"]),
        (("accreditations", 0, "status", 0), "statuses", []),
    ],
)
def test_both_refuse_an_accreditation_in_two_forms(place: tuple[Any, ...], member: str, value: Any) -> None:
    changed = old_record()
    assert agree(changed)
    put(changed, (*place, member), value)
    assert not agree(changed)


def test_both_refuse_registries_in_the_present_form() -> None:
    changed = full_record()
    put(changed, ("accreditations", 0, "status", 0, "registries"), [])
    assert not agree(changed)


def test_both_forms_mean_the_same() -> None:
    present = full_record()
    del present["accreditations"][0]["bindings"]
    assert read_fast(present) is not None
    assert read_fast(present) == read_fast(in_form_10(present))


@pytest.mark.parametrize("path", PLACES, ids=lambda path: "/".join(map(str, path)))
def test_both_agree_on_what_may_be_left_out_and_on_strangers(path: tuple[Any, ...]) -> None:
    changed = full_record()
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    agree(changed)
    changed = full_record()
    holder = changed
    for step in path:
        holder = holder[step]
    if isinstance(holder, dict):
        holder["stranger"] = 1
        agree(changed)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(VALUES)), min_size=1, max_size=3))
def test_both_agree_on_several_changes_at_once(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    changed = full_record()
    for path, value in changes:
        try:
            put(changed, path, deepcopy(value))  # the same object twice could come to hold itself
        except (KeyError, IndexError, TypeError):
            return
    agree(changed)


@settings(max_examples=examples(100), deadline=None)
@given(
    st.sampled_from([path for path in PLACES if path[-1] in ("title", "name", "decision", "id", "reason", "redress")]),
    st.text(),
)
def test_both_agree_on_texts(path: tuple[Any, ...], text: str) -> None:
    changed = full_record()
    put(changed, path, text)
    agree(changed)


@pytest.mark.parametrize(
    ("form", "model"),
    [
        (ReceivedAgent, AgentJson),
        (ReceivedLevelRange, LevelRangeJson),
        (ReceivedInterval, IntervalJson),
        (ReceivedDescription, DescriptionJson),
    ],
)
def test_both_know_the_same_members(form: type[Any], model: type[BaseModel]) -> None:
    required = {field.encode_name: field.required for field in fields(form)}
    assert required == {field.alias or name: field.is_required() for name, field in model.model_fields.items()}


@pytest.mark.parametrize(
    ("form", "models"),
    [
        (ReceivedAccreditation, (AccreditationJson, AccreditationJson10)),
        (ReceivedStatusChange, (StatusChangeJson, StatusChangeJson10)),
    ],
)
def test_both_know_the_members_of_both_forms(form: type[Any], models: tuple[type[BaseModel], ...]) -> None:
    known: dict[str, set[bool]] = {}
    for model in models:
        for name, field in model.model_fields.items():
            known.setdefault(field.alias or name, set()).add(field.is_required())
    assert {field.encode_name for field in fields(form)} == set(known)
    in_both = set(models[0].model_fields) & set(models[1].model_fields)
    required = {field.encode_name: field.required for field in fields(form)}
    for name in in_both:
        assert {required[models[0].model_fields[name].alias or name]} == known[
            models[0].model_fields[name].alias or name
        ]


@pytest.mark.parametrize("form", [ReceivedAccreditation, ReceivedRecord, ReceivedStatusChange, ReceivedDescription])
def test_members_stand_in_canonical_order(form: type[Any]) -> None:
    names = [field.encode_name for field in fields(form)]
    assert names == sorted(names)


def test_a_record_has_the_members_of_records() -> None:
    assert {field.encode_name for field in fields(ReceivedRecord)} == RECORD_MEMBERS | LISTED_MEMBERS
    assert isinstance(ReceivedRecord(did="x").alias, Raw)


@pytest.mark.parametrize("kind", ["programmes", "refusals"])
def test_an_occupation_that_does_not_exist_is_refused_in_every_statement(kind: str) -> None:
    statement = statements.programme() if kind == "programmes" else statements.refusal()
    member = "occupation" if kind == "programmes" else "occupations"
    known, unknown = statement, {**statement, member: "C7299" if kind == "programmes" else ["C7299"]}
    assert READER.read(received_records(part_of([{**full_record(), kind: [known]}])))
    with pytest.raises(RecordError, match="a code of ISCO-08"):
        READER.read(received_records(part_of([{**full_record(), kind: [unknown]}])))
