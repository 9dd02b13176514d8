import contextlib
import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from tests.unit.governance.conftest import EXAMPLE, Json
from tests.unit.governance.statements import NEIGHBOUR, NEIGHBOUR_FILE, recognition, verification

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance import trqp
from wanderbuch.governance.model import PROFILE_STATEMENTS
from wanderbuch.governance.snapshot import GovernanceSnapshot
from wanderbuch.governance.trqp import (
    LONGEST_CACHE,
    MAX_QUERY_BYTES,
    Answered,
    NotRecognizedError,
    QueryError,
    answer_authorization,
    parse_query,
)
from wanderbuch.governance.trqp_resource import ResourceError, parse_qualification, parse_question
from wanderbuch.governance.validation import parse_file

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
        _named(document, "shipyard"): {"verifications": [verification()]}
    }
    return document


def _named(document: Json, name: str) -> str:
    descriptions = next(iter(document["participants"]["entries"].values()))
    return next(did for did in descriptions if f":{name}." in did)


DOCUMENT = _file()
AUTHORITY = DOCUMENT["author"]
CENTRE, GALLE, SHIPYARD = (_named(DOCUMENT, name) for name in ("centre", "galle", "shipyard"))
FILE = parse_file(json.dumps(DOCUMENT).encode())
SNAPSHOT = GovernanceSnapshot(
    FILE, "sha256:" + "a" * 64, NOW + timedelta(hours=1), fresh_from=NOW - timedelta(minutes=1)
)


def asked(**members: Any) -> bytes:
    query = {"entity_id": CENTRE, "authority_id": AUTHORITY, "action": "issue", "resource": WELDER} | members
    return json.dumps({name: value for name, value in query.items() if value is not None}).encode()


def answer(snapshot: GovernanceSnapshot = SNAPSHOT, kind: str = "authorization", **members: Any) -> Json:
    answered: Answered[Any] = getattr(trqp, f"answer_{kind}")(parse_query(asked(**members)), snapshot, at=NOW)
    found: Json = json.loads(msgspec.json.encode(answered.answer))
    schema = json.loads(
        files("wanderbuch.governance.schemas").joinpath("trqp", f"{kind}-response.schema.json").read_bytes()
    )
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(found)
    return found


def test_an_accredited_issuer_is_authorized_and_the_answer_says_what_it_rests_on() -> None:
    found = answer()
    assert found["authorized"] is True
    assert (found["entity_id"], found["authority_id"], found["action"], found["resource"]) == (
        CENTRE,
        AUTHORITY,
        "issue",
        WELDER,
    )
    assert found["time_evaluated"] == "2026-11-22T12:00:00Z"
    assert "time_requested" not in found
    assert "TA-2018-0142" in found["message"]
    assert found["context"] == {
        "verdict": "TRUSTED",
        "reasons": "issuer.accredited",
        "governance_id": FILE.id,
        "governance_version": "1",
        "governance_digest": SNAPSHOT.digest,
        "governance_fresh_until": "2026-11-22T13:00:00Z",
        "redress": "https://authority.wanderbuch.test/appeals",
    }


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        ("occupation=C7213;place=MLT", "occupation.excluded"),
        ("occupation=C5120;place=MLT", "occupation.not_covered"),
        ("occupation=C7212;place=FRA", "jurisdiction.not_covered"),
        ("occupation=C7212;place=MLT;eqf=6", "level.not_covered"),
        ("occupation=C7212;place=MLT;type=other/1.0", "credential_type.not_listed"),
    ],
)
def test_what_the_file_does_not_say_is_not_authorized(resource: str, reason: str) -> None:
    found = answer(resource=resource)
    assert found["authorized"] is False
    assert reason in found["context"]["reasons"].split()
    assert found["context"]["verdict"] == "NOT_TRUSTED"


@pytest.mark.parametrize(
    ("time", "authorized"),
    [
        ("2020-12-31T23:59:59Z", True),
        ("2021-01-01T00:00:00Z", False),
        ("2022-06-30T12:00:00Z", False),
        ("2022-07-01T00:00:00.5Z", True),
        ("2020-12-31T23:59:60Z", True),
        ("", True),
    ],
)
def test_the_time_asked_for_is_the_day_of_the_award(time: str, authorized: bool) -> None:
    found = answer(context={"time": time})
    assert found["authorized"] is authorized
    assert found.get("time_requested", "") == time
    assert found["context"].get("time", "") == time
    assert found["time_evaluated"] == "2026-11-22T12:00:00Z"


def test_a_suspended_issuer_is_not_authorized_from_that_day_on() -> None:
    wanted = {"entity_id": GALLE, "resource": "occupation=C7126;place=MLT"}
    assert answer(**wanted, context={"time": "2026-08-31T00:00:00Z"})["authorized"] is True
    assert answer(**wanted, context={"time": "2026-09-01T00:00:00Z"})["authorized"] is False


def test_nobody_knows_the_future() -> None:
    assert answer(context={"time": "2026-11-22T12:05:00Z"})["authorized"] is True
    found = answer(context={"time": "2026-11-24T00:00:00Z"})
    assert (found["authorized"], found["context"]["reasons"]) == (False, "time.in_future")


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:60.9Z", "0001-01-01T00:00:00Z"])
@pytest.mark.parametrize("entity", [CENTRE, SHIPYARD, NEIGHBOUR])
def test_the_ends_of_time_are_no_and_break_nothing(time: str, entity: str) -> None:
    for kind, action, resource in (
        ("authorization", "issue", WELDER),
        ("authorization", "verify", "reveal=occupation_isco08"),
        ("recognition", "govern", WELDER),
    ):
        found = answer(kind=kind, entity_id=entity, action=action, resource=resource, context={"time": time})
        assert found.get("authorized", found.get("recognized")) is False


@pytest.mark.parametrize("entity", ["did:example:nobody", "urn:centre", "centre"])
def test_an_unknown_entity_is_not_authorized(entity: str) -> None:
    assert answer(entity_id=entity)["authorized"] is False


def test_an_old_file_authorizes_nobody_and_is_not_called_a_no() -> None:
    stale = GovernanceSnapshot(FILE, SNAPSHOT.digest, NOW)
    found = answer(stale)
    assert (found["authorized"], found["context"]["verdict"]) == (False, "STALE")


# What a verifier may ask


@pytest.mark.parametrize(
    ("resource", "authorized"),
    [
        ("reveal=occupation_isco08,award_year;prove=eqf_level", True),
        ("prove=award_year", True),  # may be shown, so may be proven
        ("reveal=occupation_isco08,family_name", False),
        ("reveal=occupation_isco08;purpose=study", False),
        ("reveal=occupation_isco08;type=other/1.0", False),
    ],
)
def test_a_verifier_may_ask_what_is_listed(resource: str, authorized: bool) -> None:
    assert answer(entity_id=SHIPYARD, action="verify", resource=resource)["authorized"] is authorized


def test_a_verifier_of_whom_the_file_says_nothing_is_not_authorized_but_unknown() -> None:
    found = answer(entity_id=CENTRE, action="verify", resource="reveal=award_year")
    assert (found["authorized"], found["context"]["verdict"]) == (False, "UNKNOWN")


def test_a_verifier_is_judged_by_the_time_asked_for() -> None:
    wanted = {"entity_id": SHIPYARD, "action": "verify", "resource": "reveal=award_year"}
    assert answer(**wanted, context={"time": "2025-01-01T12:00:00Z"})["authorized"] is True
    assert answer(**wanted, context={"time": "2024-12-31T12:00:00Z"})["authorized"] is False
    stale = GovernanceSnapshot(FILE, SNAPSHOT.digest, NOW)
    assert answer(stale, **wanted, context={"time": "2025-01-01T12:00:00Z"})["context"]["verdict"] == "STALE"


# Recognition


@pytest.mark.parametrize("action", ["issue", "recognize", "govern"])
def test_a_recognised_authority_is_recognized(action: str) -> None:
    wanted = {"kind": "recognition", "entity_id": NEIGHBOUR, "action": action}
    assert answer(**wanted, resource="occupation=C7212;place=MLT;eqf=3")["recognized"] is True
    assert answer(**wanted, resource="occupation=C7212;place=FRA;eqf=3")["recognized"] is False
    assert answer(**wanted, resource="occupation=C2221;place=MLT;eqf=3")["recognized"] is False
    assert (
        answer(**wanted, resource="occupation=C7212;place=MLT;eqf=3;purpose=regulated-profession")["recognized"]
        is False
    )


def test_a_recognition_counts_from_its_day_on() -> None:
    wanted = {"kind": "recognition", "entity_id": NEIGHBOUR, "action": "recognize", "resource": WELDER}
    assert answer(**wanted, context={"time": "2025-01-01T00:00:00Z"})["recognized"] is True
    assert answer(**wanted, context={"time": "2024-12-31T00:00:00Z"})["recognized"] is False


def test_an_issuer_is_no_recognized_authority() -> None:
    assert answer(kind="recognition", entity_id=CENTRE, action="recognize")["recognized"] is False


# What is no question


@pytest.mark.parametrize(
    "members",
    [
        {"entity_id": None},
        {"authority_id": None},
        {"action": None},
        {"resource": None},
        {"entity_id": ""},
        {"entity_id": 7},
        {"entity_id": "did:example:with space"},
        {"entity_id": "did:example:%zz"},
        {"action": "issue\n"},
        {"resource": ""},
        {"resource": "x" * 2000},
        {"context": []},
        {"context": {"time": 1}},
        {"context": {"other": {"nested": True}}},
        {"context": {"time": "2026-06-30"}},
        {"context": {"time": "2026-06-30T00:00:00+00:00"}},
        {"context": {"time": "2026-06-30T00:00:00"}},
        {"context": {"time": "2026-06-30 00:00:00Z"}},
        {"context": {"time": "2026-02-30T00:00:00Z"}},
        {"context": {"time": "0000-01-01T00:00:00Z"}},
        {"context": {str(number): "x" for number in range(40)}},
    ],
)
def test_refuses_a_malformed_query(members: Json) -> None:
    with pytest.raises(QueryError):
        parse_query(asked(**members))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b'{"entity_id":"\xff"}', b"[" * 10_000, b'"x"', b"\xef\xbb\xbf{}"]
)
def test_refuses_what_is_no_json_object(body: bytes) -> None:
    with pytest.raises(QueryError):
        parse_query(body)


def test_refuses_what_is_no_utf_8_also_where_it_is_ignored() -> None:
    assert parse_query(asked(more="é")) == parse_query(asked())
    with pytest.raises(QueryError):
        parse_query(asked(more="@").replace(b"@", b"\xff"))


def test_refuses_more_bytes_than_allowed() -> None:
    body = asked()
    assert parse_query(body.ljust(MAX_QUERY_BYTES))
    with pytest.raises(QueryError, match="at most"):
        parse_query(body.ljust(MAX_QUERY_BYTES + 1))


def test_ignores_what_the_specification_does_not_name() -> None:
    extended = asked(context={"locator": "x", "channel": "y"}, further={"a": [1]})
    assert answer_authorization(parse_query(extended), SNAPSHOT, at=NOW).answer.authorized
    assert "channel" not in answer(context={"channel": "y"})["context"]


@pytest.mark.parametrize(
    "members",
    [{"authority_id": CENTRE}, {"action": "govern"}, {"action": "Issue"}, {"resource": "engineer-license"}],
)
def test_what_this_registry_does_not_know_is_not_found(members: Json) -> None:
    with pytest.raises(WanderbuchError) as found:
        answer(**members)
    assert isinstance(found.value, NotRecognizedError | ResourceError)
    assert found.value.code == "not-found"


@pytest.mark.parametrize(
    "resource",
    [
        "occupation=C7212",
        "place=MLT",
        "occupation=7212;place=MLT",
        "occupation=C72123;place=MLT",
        "occupation=C7212;place=mlt",
        "occupation=C7212;place=MLT;eqf=9",
        "occupation=C7212;place=MLT;eqf=",
        "occupation=C7212;place=MLT;occupation=C7213",
        "occupation=C7212;place=MLT;colour=red",
        "occupation=C7212;place=MLT;",
        "occupation=C7212;place=MLT;purpose=fun",
        "occupation=C7212;place=MLT;type=qualification",
        "occupation=C7212&place=MLT",
        "occupation=C٧212;place=MLT",
    ],
)
def test_refuses_a_resource_that_breaks_a_rule(resource: str) -> None:
    assert parse_qualification("place=MLT;occupation=C7212").eqf_level is None
    with pytest.raises(ResourceError):
        parse_qualification(resource)


@pytest.mark.parametrize(
    "resource", ["", "type=qualification/1.0", "reveal=", "reveal=A", "reveal=a,,b", "prove=a;eqf=3"]
)
def test_refuses_a_question_that_breaks_a_rule(resource: str) -> None:
    assert parse_question("reveal=a,b").revealed == {"a", "b"}
    with pytest.raises(ResourceError):
        parse_question(resource)


# How long an answer may be kept


def test_an_answer_is_kept_a_minute_and_never_longer_than_the_file_is_fresh() -> None:
    query = parse_query(asked())
    assert answer_authorization(query, SNAPSHOT, at=NOW).keep_until == NOW + LONGEST_CACHE
    soon = GovernanceSnapshot(FILE, SNAPSHOT.digest, NOW + timedelta(seconds=5))
    assert answer_authorization(query, soon, at=NOW).keep_until == NOW + timedelta(seconds=5)
    assert answer_authorization(query, GovernanceSnapshot(FILE, SNAPSHOT.digest, NOW), at=NOW).keep_until is None


# Anything at all


_TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from([CENTRE, AUTHORITY, "issue", "verify", WELDER, "reveal=a", "2026-06-30T00:00:00Z"]),
)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.fixed_dictionaries(
            dict.fromkeys(("entity_id", "authority_id", "action", "resource"), _TEXTS),
            optional={"context": st.dictionaries(_TEXTS, _TEXTS, max_size=3)},
        ).map(lambda query: json.dumps(query).encode()),
        st.dictionaries(_TEXTS, st.recursive(_TEXTS | st.none() | st.floats(), st.lists), max_size=4).map(
            lambda query: json.dumps(query).encode()
        ),
    )
)
def test_any_input_is_answered_or_refused_on_purpose(body: bytes) -> None:
    for kind in ("authorization", "recognition"):
        try:
            found = getattr(trqp, f"answer_{kind}")(parse_query(body), SNAPSHOT, at=NOW).answer
        except (QueryError, NotRecognizedError, ResourceError):
            continue
        assert msgspec.json.decode(msgspec.json.encode(found))["authority_id"] == AUTHORITY


def test_our_request_schemas_accept_what_we_accept() -> None:
    for kind in ("authorization", "recognition"):
        source = files("wanderbuch.governance.schemas").joinpath("trqp", f"{kind}-request.schema.json")
        schema = json.loads(source.read_bytes())
        Draft202012Validator.check_schema(schema)
        accepts = Draft202012Validator(schema, format_checker=FormatChecker()).is_valid
        assert accepts(json.loads(asked(context={"time": "2026-06-30T00:00:00Z", "x": "y"}, more=1)))
        assert accepts(json.loads(asked(context={"time": ""})))
        assert not accepts(json.loads(asked(resource=None)))
        assert not accepts(json.loads(asked(context={"time": "2026-06-30T00:00:00+01:00"})))
        assert not accepts(json.loads(asked(context={"x": 1})))


@pytest.mark.parametrize("member", ["entity_id", "authority_id", "action", "resource", "context", "other"])
def test_refuses_a_question_that_says_something_twice(member: str) -> None:
    body = asked(other="x", context={"a": "b"})
    said = json.loads(body)
    twice = body.rstrip()[:-1] + f', "{member}": {json.dumps(said[member])}}}'.encode()
    with pytest.raises(QueryError, match="twice"):
        parse_query(twice)


def test_refuses_a_context_that_says_something_twice() -> None:
    body = asked(context={"time": "2026-06-30T00:00:00Z"})
    twice = body.replace(b'{"time":', b'{"time": "2020-01-01T00:00:00Z", "time":')
    assert twice != body
    with pytest.raises(QueryError, match="twice"):
        parse_query(twice)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=6,
)


@given(
    changed=st.dictionaries(
        st.sampled_from(["entity_id", "authority_id", "action", "resource", "context", "other"]),
        JSON_VALUES,
        max_size=3,
    ),
    cut=st.integers(0, 400),
)
def test_whatever_is_asked_is_a_question_or_refused_in_our_own_words(changed: Json, cut: int) -> None:
    body = asked(**changed)
    for received in (body, body[:cut], body + b"}", body.replace(b'"', b"'", 1)):
        with contextlib.suppress(QueryError):
            parse_query(received)
