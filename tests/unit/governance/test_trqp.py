import contextlib
import json
from dataclasses import replace
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
        ("2021-01-01T11:59:59Z", True),  # still 31 December in UTC-12
        ("2021-01-01T11:59:59.999999999Z", True),
        ("2021-01-01T12:00:00Z", False),
        ("2022-06-30T09:59:59Z", False),
        ("2022-06-30T10:00:00Z", True),  # 1 July in UTC+14
        ("2022-06-30T20:00:00Z", True),  # 1 July in Colombo
        ("2022-06-30t20:00:00z", True),  # RFC 3339 §5.6
        ("2022-07-01T00:00:00.5Z", True),
        ("2020-12-31T23:59:60Z", True),
        ("2022-06-30T23:59:60.25z", True),
        ("", True),
    ],
)
def test_a_mandate_counts_if_the_time_asked_for_is_one_of_its_days_anywhere(time: str, authorized: bool) -> None:
    found = answer(context={"time": time})
    assert found["authorized"] is authorized
    assert found.get("time_requested", "") == time
    assert found["context"].get("time", "") == time
    assert found["time_evaluated"] == "2026-11-22T12:00:00Z"


def test_a_suspended_issuer_is_not_authorized_from_that_day_on() -> None:
    wanted = {"entity_id": GALLE, "resource": "occupation=C7126;place=MLT"}
    assert answer(**wanted, context={"time": "2026-08-31T09:59:59Z"})["authorized"] is True
    for time in ("2026-08-31T10:00:00Z", "2026-08-31T20:00:00Z", "2026-09-01T00:00:00Z", "2026-09-02T12:00:00Z"):
        found = answer(**wanted, context={"time": time})
        assert (found["authorized"], found["context"]["reasons"].split()[0]) == (False, "status.suspended")


@pytest.mark.parametrize(
    ("awarded", "authorized"),
    [("2020-12-31", True), ("2021-01-01", False), ("2022-06-30", False), ("2022-07-01", True), ("2026-11-24", False)],
)
def test_an_award_day_that_the_resource_names_is_compared_as_written(awarded: str, authorized: bool) -> None:
    assert answer(resource=f"{WELDER};awarded={awarded}")["authorized"] is authorized
    wanted = {"kind": "recognition", "entity_id": NEIGHBOUR, "action": "recognize"}
    assert answer(**wanted, resource=f"{WELDER};awarded=2025-01-01")["recognized"] is True
    assert answer(**wanted, resource=f"{WELDER};awarded=2024-12-31")["recognized"] is False


def test_an_award_day_and_a_time_are_not_asked_together() -> None:
    with pytest.raises(QueryError, match="found both"):
        answer(resource=f"{WELDER};awarded=2024-07-01", context={"time": "2024-07-01T12:00:00Z"})


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


def test_an_unknown_entity_is_not_authorized() -> None:
    assert answer(entity_id="did:example:nobody")["authorized"] is False


def other_spellings(did: str) -> list[str]:
    """Return texts that mean a DID, or a part of what it names, and are not the DID."""
    scheme, method, scid, host, path = did.split(":")
    return [
        f"{did}#key-1", f"{did}?versionId=1", f"{did}/resources/x", f"{did}/", f"{did}:", f"{did}#",
        f"DID:{method}:{scid}:{host}:{path}", f"{scheme}:WEBVH:{scid}:{host}:{path}",
        f"{scheme}:{method}:{scid}:{host.upper()}:{path}", f"{scheme}:{method}:{scid}:{host}.:{path}",
        f"{scheme}:{method}:{scid}:{host}%3A443:{path}", f"{scheme}:{method}:{scid}:{host}%3a8443:{path}",
        f"{scheme}:{method}:{scid}:{host}%3A0443:{path}", f"{scheme}:{method}:{scid}:{host}%3A08443:{path}",
        f"{scheme}:{method}:{scid}:{host.replace('.', '%E3%80%82')}:{path}",
        f"{scheme}:{method}:{scid}:%EF%BD%83{host[1:]}:{path}",
        f"{scheme}:{method}:{scid}:{host[0]}%C2%AD{host[1:]}:{path}",
        f"{scheme}:{method}:{scid}:{host}:%6F{path[1:]}", f"{scheme}:{method}:{scid}:%63{host[1:]}:{path}",
        f"{scheme}%3A{method}%3A{scid}%3A{host}%3A{path}", f"{scheme}:{method}:{scid}:{host}::{path}",
        f"https://{host}/{path}", f"//{host}/{path}", f"urn:{did}", "centre", f" {did}", f"{did} ", f"{did}\u200b",
        f"{scheme}:{method}:{scid}:{host.replace('e', chr(0x435), 1)}:{path}", f"{did}%",
    ]  # fmt: skip


@pytest.mark.parametrize("entity", other_spellings(CENTRE))
def test_an_entity_in_another_spelling_is_malformed_and_never_a_no(entity: str) -> None:
    for kind, action, resource in (
        ("authorization", "issue", WELDER),
        ("authorization", "verify", "reveal=award_year"),
        ("recognition", "govern", WELDER),
    ):
        with pytest.raises(QueryError) as found:
            answer(kind=kind, action=action, resource=resource, entity_id=entity)
        assert found.value.code == "malformed"


@pytest.mark.parametrize("authority", other_spellings(AUTHORITY))
def test_an_authority_in_another_spelling_is_malformed(authority: str) -> None:
    with pytest.raises(QueryError):
        answer(authority_id=authority)


def test_an_unusual_spelling_that_the_file_itself_has_is_answered() -> None:
    document = json.loads(json.dumps(DOCUMENT).replace("shipyard.wanderbuch.test", "Shipyard.wanderbuch.test%3a8443"))
    odd = _named(document, "Shipyard")
    snapshot = GovernanceSnapshot(parse_file(json.dumps(document).encode()), SNAPSHOT.digest, SNAPSHOT.fresh_until)
    wanted = {"action": "verify", "resource": "reveal=award_year"}
    assert answer(snapshot, entity_id=odd, **wanted)["authorized"] is True
    with pytest.raises(QueryError, match="as it is usually written"):
        answer(snapshot, entity_id=odd.replace("Shipyard", "SHIPYARD"), **wanted)


def test_an_unusual_spelling_that_a_recognised_authority_has_is_answered() -> None:
    document = json.loads(json.dumps(DOCUMENT).replace("centre.wanderbuch.test", "Centre.wanderbuch.test"))
    neighbour = GovernanceSnapshot(parse_file(json.dumps(document).encode()), SNAPSHOT.digest, SNAPSHOT.fresh_until)
    snapshot = replace(SNAPSHOT, recognised={NEIGHBOUR: neighbour})
    odd = CENTRE.replace("centre", "Centre")
    assert answer(snapshot, entity_id=odd, resource="occupation=C7212;place=MLT;eqf=3")["authorized"]
    with pytest.raises(QueryError, match="as it is usually written"):
        answer(SNAPSHOT, entity_id=odd)


@pytest.mark.parametrize(
    ("written", "asked_as"),
    [("xn--mnchen-3ya", "m%C3%BCnchen"), ("m%C3%BCnchen", "xn--mnchen-3ya"), ("m%C3%BCnchen", "mu%CC%88nchen")],
)
def test_a_host_in_another_script_than_the_file_has_is_malformed_and_never_a_no(written: str, asked_as: str) -> None:
    document = json.loads(json.dumps(DOCUMENT).replace("shipyard.wanderbuch.test", f"{written}.wanderbuch.test"))
    named = _named(document, written)
    snapshot = GovernanceSnapshot(parse_file(json.dumps(document).encode()), SNAPSHOT.digest, SNAPSHOT.fresh_until)
    wanted = {"action": "verify", "resource": "reveal=award_year"}
    assert answer(snapshot, entity_id=named, **wanted)["authorized"] is True
    with pytest.raises(QueryError):
        answer(snapshot, entity_id=named.replace(written, asked_as), **wanted)
    other = named.replace(written, "k%C3%B6ln")
    assert answer(snapshot, entity_id=other, **wanted)["authorized"] is False


def test_a_malformed_entity_is_answered_with_what_to_write() -> None:
    with pytest.raises(QueryError, match="entity_id: expected a DID") as found:
        answer(entity_id=f"{CENTRE}#key-1")
    assert "leave out what follows the DID" in str(found.value.hint)


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
    assert answer(**wanted, context={"time": "2024-12-31T10:00:00Z"})["authorized"] is True
    assert answer(**wanted, context={"time": "2024-12-31T09:59:59Z"})["authorized"] is False
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
    with pytest.raises(WanderbuchError) as found:
        answer(**members)
    assert isinstance(found.value, NotRecognizedError | ResourceError)
    assert found.value.code == "not-found"


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
    with pytest.raises(ResourceError) as found:
        parse_qualification(resource)
    assert found.value.code == "malformed"


def test_an_occupation_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(ResourceError, match="found C7299") as found:
        parse_qualification("occupation=C7299;place=MLT")
    assert "C7234 (Bicycle and related repairers)" in str(found.value.hint)
    with pytest.raises(ResourceError) as lost_letter:
        parse_qualification("occupation=7212;place=MLT")
    assert "C7212 (Welders and flamecutters)" in str(lost_letter.value.hint)


def test_a_group_is_authorized_only_as_a_whole() -> None:
    assert answer(resource="occupation=C722;place=MLT")["authorized"] is True
    for group in ("C721", "C72"):
        found = answer(resource=f"occupation={group};place=MLT")
        assert (found["authorized"], found["context"]["reasons"]) == (False, "occupation.excluded")
        assert "C7213 (Sheet-metal workers)" in found["message"]


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
