"""TRQP: what is answered, and for how long an answer may be kept."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.governance.deciding.trqp_world import (
    AUTHORITY,
    CENTRE,
    DOCUMENT,
    FILE,
    GALLE,
    NOW,
    SHIPYARD,
    SNAPSHOT,
    WELDER,
    answer,
    asked,
    named_in,
)
from tests.unit.governance.statements import NEIGHBOUR

from wanderbuch.governance.deciding.trqp import (
    LONGEST_CACHE,
    QueryError,
    answer_authorization,
    parse_query,
)
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.validation import parse_file


def test_an_accredited_issuer_is_authorized_and_the_answer_says_what_it_rests_on() -> None:
    reply = answer()
    assert reply["authorized"] is True
    assert (reply["entity_id"], reply["authority_id"], reply["action"], reply["resource"]) == (
        CENTRE,
        AUTHORITY,
        "issue",
        WELDER,
    )
    assert reply["time_evaluated"] == "2026-11-22T12:00:00Z"
    assert "time_requested" not in reply
    assert "TA-2018-0142" in reply["message"]
    assert reply["context"] == {
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
    reply = answer(resource=resource)
    assert reply["authorized"] is False
    assert reason in reply["context"]["reasons"].split()
    assert reply["context"]["verdict"] == "NOT_TRUSTED"


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
    reply = answer(context={"time": time})
    assert reply["authorized"] is authorized
    assert reply.get("time_requested", "") == time
    assert reply["context"].get("time", "") == time
    assert reply["time_evaluated"] == "2026-11-22T12:00:00Z"


def test_a_suspended_issuer_is_not_authorized_from_that_day_on() -> None:
    wanted = {"entity_id": GALLE, "resource": "occupation=C7126;place=MLT"}
    assert answer(**wanted, context={"time": "2026-08-31T09:59:59Z"})["authorized"] is True
    for time in ("2026-08-31T10:00:00Z", "2026-08-31T20:00:00Z", "2026-09-01T00:00:00Z", "2026-09-02T12:00:00Z"):
        reply = answer(**wanted, context={"time": time})
        assert (reply["authorized"], reply["context"]["reasons"].split()[0]) == (False, "status.suspended")


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
    reply = answer(context={"time": "2026-11-24T00:00:00Z"})
    assert (reply["authorized"], reply["context"]["reasons"]) == (False, "time.in_future")


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:60.9Z", "0001-01-01T00:00:00Z"])
@pytest.mark.parametrize("entity", [CENTRE, SHIPYARD, NEIGHBOUR])
def test_the_ends_of_time_are_no_and_break_nothing(time: str, entity: str) -> None:
    for kind, action, resource in (
        ("authorization", "issue", WELDER),
        ("authorization", "verify", "reveal=occupation_isco08"),
        ("recognition", "govern", WELDER),
    ):
        reply = answer(kind=kind, entity_id=entity, action=action, resource=resource, context={"time": time})
        assert reply.get("authorized", reply.get("recognized")) is False


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
        with pytest.raises(QueryError) as error:
            answer(kind=kind, action=action, resource=resource, entity_id=entity)
        assert error.value.code == "malformed"


@pytest.mark.parametrize("authority", other_spellings(AUTHORITY))
def test_an_authority_in_another_spelling_is_malformed(authority: str) -> None:
    with pytest.raises(QueryError):
        answer(authority_id=authority)


def test_an_unusual_spelling_that_the_file_itself_has_is_answered() -> None:
    document = json.loads(json.dumps(DOCUMENT).replace("shipyard.wanderbuch.test", "Shipyard.wanderbuch.test%3a8443"))
    odd = named_in(document, "Shipyard")
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
    named = named_in(document, written)
    snapshot = GovernanceSnapshot(parse_file(json.dumps(document).encode()), SNAPSHOT.digest, SNAPSHOT.fresh_until)
    wanted = {"action": "verify", "resource": "reveal=award_year"}
    assert answer(snapshot, entity_id=named, **wanted)["authorized"] is True
    with pytest.raises(QueryError):
        answer(snapshot, entity_id=named.replace(written, asked_as), **wanted)
    other = named.replace(written, "k%C3%B6ln")
    assert answer(snapshot, entity_id=other, **wanted)["authorized"] is False


def test_a_malformed_entity_is_answered_with_what_to_write() -> None:
    with pytest.raises(QueryError, match="entity_id: expected a DID") as error:
        answer(entity_id=f"{CENTRE}#key-1")
    assert "leave out what follows the DID" in str(error.value.hint)


def test_an_old_file_authorizes_nobody_and_is_not_called_a_no() -> None:
    stale = GovernanceSnapshot(FILE, SNAPSHOT.digest, NOW)
    reply = answer(stale)
    assert (reply["authorized"], reply["context"]["verdict"]) == (False, "STALE")


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
    reply = answer(entity_id=CENTRE, action="verify", resource="reveal=award_year")
    assert (reply["authorized"], reply["context"]["verdict"]) == (False, "UNKNOWN")


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


# How long an answer may be kept


def test_an_answer_is_kept_a_minute_and_never_longer_than_the_file_is_fresh() -> None:
    query = parse_query(asked())
    assert answer_authorization(query, SNAPSHOT, at=NOW).keep_until == NOW + LONGEST_CACHE
    soon = GovernanceSnapshot(FILE, SNAPSHOT.digest, NOW + timedelta(seconds=5))
    assert answer_authorization(query, soon, at=NOW).keep_until == NOW + timedelta(seconds=5)
    assert answer_authorization(query, GovernanceSnapshot(FILE, SNAPSHOT.digest, NOW), at=NOW).keep_until is None
