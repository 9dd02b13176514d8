"""A requirement becomes a proof request that asks the least and cannot be answered by mixing."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.unit.governance import recognition_vectors as vectors
from tests.unit.governance.conftest import NOW
from tests.unit.trust.ecosystem import SCHEMA_ID, WELDER, Authority, Issuer, payload
from tests.vectors.recognition_cases import case
from tests.vectors.recognition_world import CENTRE
from tests.welders import accreditation

from wanderbuch.errors import CredentialError, PresentationError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId
from wanderbuch.governance.facts.question import LevelProof, Purpose, Requirement, Subject
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.signed.freshness import FreshnessStatement, snapshot_of
from wanderbuch.plugins.trust.verifying.anoncreds.request import (
    CompiledRequest,
    compile_request,
)
from wanderbuch.plugins.trust.verifying.asked import ONLY_GROUP, AskedCredential, AwardPrecision, NobodyCountsError


def compiled(
    requirement: Requirement,
    snapshot: GovernanceSnapshot,
    at: datetime,
    precision: AwardPrecision = AwardPrecision.YEAR,
) -> CompiledRequest:
    return compile_request(
        [AskedCredential(ONLY_GROUP, requirement, precision)],
        snapshot,
        at=at,
        answer_by=at + timedelta(minutes=10),
        name="Employer",
        nonce="1234567890",
    )


def test_asks_everything_in_one_group_without_a_predicate(snapshot: GovernanceSnapshot, now: datetime) -> None:
    request = compiled(WELDER, snapshot, now).proof_request
    assert list(request["requested_attributes"]) == ["qualification"]
    assert request["requested_predicates"] == {}


def test_names_the_definitions_that_count_the_occupation_and_the_level(
    snapshot: GovernanceSnapshot, now: datetime, training_centre: Issuer
) -> None:
    asked = compiled(WELDER, snapshot, now).proof_request["requested_attributes"]["qualification"]
    assert asked["restrictions"] == [
        {
            "cred_def_id": training_centre.cred_def_id,
            "attr::occupation_isco08::value": "C7212",
            "attr::eqf_min_3::value": "1",
        }
    ]


def test_every_restricted_value_is_among_the_names(snapshot: GovernanceSnapshot, now: datetime) -> None:
    asked = compiled(WELDER, snapshot, now).proof_request["requested_attributes"]["qualification"]
    restricted = {key.split("::")[1] for one in asked["restrictions"] for key in one if key.startswith("attr::")}
    assert restricted <= set(asked["names"])


def test_does_not_ask_for_the_level_itself(snapshot: GovernanceSnapshot, now: datetime) -> None:
    request = compiled(WELDER, snapshot, now)
    assert {"eqf_level", "framework_level", "family_name", "awarded_on", "credential_id"} <= set(
        request.groups[0].hidden
    )
    assert not set(request.groups[0].hidden) & set(request.groups[0].names)


def test_asks_for_no_crosswalk_where_no_level_is_asked(snapshot: GovernanceSnapshot, now: datetime) -> None:
    names = compiled(replace(WELDER, min_eqf_level=None), snapshot, now).groups[0].names
    assert "crosswalk_version" not in names
    assert not any(name.startswith("eqf_") for name in names)


@pytest.mark.parametrize(
    ("subject", "extra"),
    [
        (Subject.NONE, set()),
        (Subject.NAME, {"family_name", "given_names"}),
        (Subject.NAME_AND_BIRTH_DATE, {"family_name", "given_names", "birth_date"}),
    ],
)
def test_asks_who_the_holder_is_only_as_far_as_wished(
    snapshot: GovernanceSnapshot, now: datetime, subject: Subject, extra: set[str]
) -> None:
    names = set(compiled(replace(WELDER, subject=subject), snapshot, now).groups[0].names)
    assert names - set(compiled(WELDER, snapshot, now).groups[0].names) == extra


def test_asks_the_day_of_the_award_instead_of_the_year_where_it_is_needed(
    snapshot: GovernanceSnapshot, now: datetime
) -> None:
    names = compiled(WELDER, snapshot, now, AwardPrecision.DAY).groups[0].names
    assert "awarded_on" in names
    assert "award_year" not in names


def test_a_predicate_carries_the_restrictions_of_the_group(snapshot: GovernanceSnapshot, now: datetime) -> None:
    request = compiled(replace(WELDER, level_proof=LevelProof.PREDICATE), snapshot, now).proof_request
    group = request["requested_attributes"]["qualification"]
    predicate = request["requested_predicates"]["level"]
    assert (predicate["name"], predicate["p_type"], predicate["p_value"]) == ("eqf_level", ">=", 3)
    assert predicate["restrictions"] == group["restrictions"]
    assert "attr::occupation_isco08::value" in predicate["restrictions"][0]


def test_non_revocation_has_no_from_and_reaches_to_the_deadline(snapshot: GovernanceSnapshot, now: datetime) -> None:
    interval = compiled(WELDER, snapshot, now).proof_request["non_revoked"]
    assert interval == {"to": int((now + timedelta(minutes=10, seconds=60)).timestamp())}


def test_asks_for_no_non_revocation_where_it_is_not_required(snapshot: GovernanceSnapshot, now: datetime) -> None:
    assert "non_revoked" not in compiled(replace(WELDER, not_revoked=False), snapshot, now).proof_request


def test_asks_nobody_anything_where_nobody_counts(snapshot: GovernanceSnapshot, now: datetime) -> None:
    with pytest.raises(NobodyCountsError, match="C7212"):
        compiled(replace(WELDER, jurisdiction="FRA"), snapshot, now)


def test_asks_by_schema_where_too_many_definitions_could_count(
    authority: Authority, training_centre: Issuer, now: datetime
) -> None:
    import asyncio

    from tests.unit.trust.ecosystem import digest

    def signed(count: int) -> GovernanceSnapshot:
        ids = [CredDefId.of(training_centre.did, digest()) for _ in range(count)]
        file = asyncio.run(authority.file(payload({training_centre.did: [accreditation(ids)]})))
        return snapshot_of(file, None)

    def restrictions(count: int) -> list[dict[str, str]]:
        request = compiled(WELDER, signed(count), now).proof_request
        return list(request["requested_attributes"]["qualification"]["restrictions"])

    assert len(restrictions(50)) == 50
    assert [one["schema_id"] for one in restrictions(51)] == [SCHEMA_ID]


def malta() -> GovernanceSnapshot:
    """Malta, which accredits nobody itself and recognises Sri Lanka, among others (see tests/vectors)."""
    return vectors.snapshot_of(case(CENTRE, "a welder", ["M-1"]))


def test_names_definitions_of_issuers_that_recognised_authorities_accredit() -> None:
    request = compiled(replace(WELDER, purpose=Purpose.STUDY), malta(), NOW)
    asked = request.proof_request["requested_attributes"]["qualification"]
    hosts = {one["cred_def_id"].split(":")[3].split(".")[0] for one in asked["restrictions"]}
    assert hosts == {
        "centre", "withdrawn", "suspended", "barred", "school", "valley", "pune", "hanoi", "harare",
    }  # fmt: skip
    assert {one["cred_def_id"] for one in asked["restrictions"]} == set(request.groups[0].eligible)
    assert len(request.groups[0].schemas) == 7  # of every file that counts


def test_asks_nobody_in_vain_where_no_recognition_lets_anybody_in() -> None:
    with pytest.raises(NobodyCountsError):
        compiled(replace(WELDER, purpose=Purpose.REGULATED_PROFESSION), malta(), NOW)


def test_refuses_a_group_of_occupations(snapshot: GovernanceSnapshot, now: datetime) -> None:
    with pytest.raises(PresentationError, match="unit group"):
        compiled(replace(WELDER, occupation="C72"), snapshot, now)


@pytest.mark.parametrize("changed", [{"min_eqf_level": 9}, {"occupation": "7212"}, {"credential_type": "x/1.0"}])
def test_refuses_what_does_not_exist(snapshot: GovernanceSnapshot, now: datetime, changed: dict[str, object]) -> None:
    with pytest.raises(CredentialError):
        compiled(replace(WELDER, **changed), snapshot, now)  # type: ignore[arg-type]


def test_says_in_words_what_is_asked_and_what_is_not(snapshot: GovernanceSnapshot, now: datetime) -> None:
    words = " ".join(compiled(WELDER, snapshot, now).words)
    assert "Welders and flamecutters (C7212)" in words
    assert "EQF level 3 or more. The level itself stays hidden." in words
    assert "Nobody's name is asked." in words


async def _listing(authority: Authority, issuer: Issuer, now: datetime, *sources: str) -> GovernanceSnapshot:
    signed = await authority.file(payload({issuer.did: [accreditation([], sources=list(sources))]}))
    return snapshot_of(signed, FreshnessStatement.for_file(signed.ref, at=now, lifetime=timedelta(hours=1)))


async def test_names_only_definitions_of_anoncreds_among_the_sources_that_count(
    authority: Authority, training_centre: Issuer, now: datetime
) -> None:
    other = f"sdjwt:https://wanderbuch.test/qualification|{training_centre.did}"
    snapshot = await _listing(authority, training_centre, now, other, f"anoncreds:{training_centre.cred_def_id}")
    request = compiled(WELDER, snapshot, now)
    asked = request.proof_request["requested_attributes"]["qualification"]["restrictions"]
    assert [one["cred_def_id"] for one in asked] == [training_centre.cred_def_id]
    assert set(request.groups[0].eligible) == {training_centre.cred_def_id}


async def test_asks_nobody_where_those_who_count_sign_in_other_formats(
    authority: Authority, training_centre: Issuer, now: datetime
) -> None:
    other = f"sdjwt:https://wanderbuch.test/qualification|{training_centre.did}"
    with pytest.raises(NobodyCountsError):
        compiled(WELDER, await _listing(authority, training_centre, now, other), now)
