"""TRQP: what is no question is refused in our own words, whatever it is."""

import contextlib
import json
from importlib.resources import files

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from tests.unit.governance.conftest import Json
from tests.unit.governance.deciding.trqp_world import AUTHORITY, CENTRE, NOW, SNAPSHOT, WELDER, answer, asked

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.deciding import trqp
from wanderbuch.governance.deciding.trqp import (
    MAX_QUERY_BYTES,
    NotRecognizedError,
    QueryError,
    answer_authorization,
    parse_query,
)
from wanderbuch.governance.deciding.trqp_resource import TrqpResourceError, parse_qualification, parse_question

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
        {"context": {"time": "2026-06-30T00:00:00-00:00"}},
        {"context": {"time": "2026-06-30T00:00:00+05:30"}},
        {"context": {"time": "2026-06-30T12:30:60Z"}},  # no leap second
        {"context": {"time": "2026-06-29T23:59:60Z"}},
        {"context": {"time": "2026-06-30T23:59:61Z"}},
        {"context": {"time": "2026-06-30T24:00:00Z"}},
        {"context": {"time": "2026-06-30T00:00Z"}},
        {"context": {"time": "2026-06-30T00:00:00.Z"}},
        {"context": {"time": "2026-06-30T00:00:00,5Z"}},
        {"context": {"time": "20260630T000000Z"}},
        {"context": {"time": " 2026-06-30T00:00:00Z"}},
        {"context": {"time": "2026-06-30T00:00:00Z\n"}},
        {"context": {"time": "٢٠٢٦-06-30T00:00:00Z"}},
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
    [
        {"authority_id": CENTRE},
        {"action": "govern"},
        {"resource": "engineer-license"},
        {"resource": "occupation=C7299;place=MLT"},
        {"resource": "occupation=C7212;place=XXX"},
        {"resource": "occupation=C7212;place=MLT;colour=red"},
        {"resource": "place=MLT"},
    ],
)
def test_what_this_registry_does_not_know_is_not_found(members: Json) -> None:
    with pytest.raises(WanderbuchError) as error:
        answer(**members)
    assert isinstance(error.value, NotRecognizedError | TrqpResourceError)
    assert error.value.code == "not-found"


@pytest.mark.parametrize("action", ["Issue", "ISSUE", "issue+", "%69ssue", "issue%20", "verif%79"])
def test_an_action_in_another_spelling_is_malformed(action: str) -> None:
    with pytest.raises(QueryError, match="another spelling"):
        answer(action=action)


@pytest.mark.parametrize(
    "resource",
    [
        "occupation=c7212;place=MLT",
        "occupation=7212;place=MLT",
        "occupation=C72123;place=MLT",
        "occupation=%43721;place=MLT",
        "Occupation=C7212;place=MLT",
        "%6Fccupation=C7212;place=MLT",
        "occupation=C7212;place=mlt",
        "occupation=C7212;place=MLT;",
        "occupation=C7212;place=MLT;place=MLT",
        "occupation=C7212;place=MLT;eqf=04",
        "occupation=C7212;place=MLT;awarded=2024",
        "occupation=C7212;place=MLT;awarded=2023-02-29",
        "occupation=C7212;place=MLT;purpose=Employment",
        "occupation=C7212;place=MLT;type=qualification/01.0",
        "occupation=C7212;place=MLT;type=qualification/1.00",
        "occupation=C7212;place=MLT;type=Qualification/1.0",
    ],
)
def test_a_resource_in_another_spelling_is_malformed(resource: str) -> None:
    with pytest.raises(TrqpResourceError) as error:
        parse_qualification(resource)
    assert error.value.code == "malformed"


def test_an_occupation_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(TrqpResourceError, match="found C7299") as error:
        parse_qualification("occupation=C7299;place=MLT")
    assert "C7234 (Bicycle and related repairers)" in str(error.value.hint)
    with pytest.raises(TrqpResourceError) as lost_letter:
        parse_qualification("occupation=7212;place=MLT")
    assert "C7212 (Welders and flamecutters)" in str(lost_letter.value.hint)


def test_a_group_is_authorized_only_as_a_whole() -> None:
    assert answer(resource="occupation=C722;place=MLT")["authorized"] is True
    for group in ("C721", "C72"):
        reply = answer(resource=f"occupation={group};place=MLT")
        assert (reply["authorized"], reply["context"]["reasons"]) == (False, "occupation.excluded")
        assert "C7213 (Sheet-metal workers)" in reply["message"]


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
    with pytest.raises(TrqpResourceError):
        parse_qualification(resource)


@pytest.mark.parametrize(
    "resource", ["", "type=qualification/1.0", "reveal=", "reveal=A", "reveal=a,,b", "prove=a;eqf=3"]
)
def test_refuses_a_question_that_breaks_a_rule(resource: str) -> None:
    assert parse_question("reveal=a,b").revealed == {"a", "b"}
    with pytest.raises(TrqpResourceError):
        parse_question(resource)


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
            trqp_answer = getattr(trqp, f"answer_{kind}")(parse_query(body), SNAPSHOT, at=NOW).answer
        except (QueryError, NotRecognizedError, TrqpResourceError):
            continue
        assert msgspec.json.decode(msgspec.json.encode(trqp_answer))["authority_id"] == AUTHORITY


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
    document = json.loads(body)
    twice = body.rstrip()[:-1] + f', "{member}": {json.dumps(document[member])}}}'.encode()
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
