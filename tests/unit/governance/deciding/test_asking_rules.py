"""What a verifier may ask, by the verification statements of the holder's governance file."""

from copy import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.unit.governance.conftest import NOW, fresh

from wanderbuch.governance.deciding.asking_rules import may_ask
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Purpose, Reason, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.governance.facts.statements import Division, Part, VerifierAuthorization

EMPLOYER = Did("did:webvh:employer:employer.test:org")
STRANGER = Did("did:webvh:stranger:stranger.test:org")


def verification(number: str, **changes: Any) -> VerifierAuthorization:
    verifier_authorization = VerifierAuthorization(
        id=number,
        verifier=EMPLOYER,
        credential_type="qualification/1.0",
        attributes=frozenset({"occupation_isco08", "award_year", "eqf_min_3"}),
        predicates=frozenset({"eqf_level"}),
        purposes=(Purpose.EMPLOYMENT,),
        jurisdictions=("MLT",),
        intervals=(DateSpan(date(2020, 1, 1), date(2026, 12, 31)),),
        legal_basis="https://x.test",
        redress=f"https://x.test/{number}",
    )
    return replace(verifier_authorization, **changes)


@pytest.fixture
def snapshot(ecosystem: GovernanceFile) -> GovernanceSnapshot:
    verifications = (
        verification("V-2", purposes=(Purpose.STUDY,), attributes=frozenset({"family_name"}), predicates=frozenset()),
        verification("V-1"),
        verification("V-3", credential_type="attendance/1.0", intervals=(DateSpan(date(2027, 1, 1), OPEN_END),)),
    )
    return fresh(replace(ecosystem, verifications=verifications))


def asked(snapshot: GovernanceSnapshot | None, at: datetime = NOW, **changes: Any) -> Any:
    question: dict[str, Any] = {
        "verifier": EMPLOYER,
        "credential_type": "qualification/1.0",
        "revealed": ["occupation_isco08", "award_year"],
        "predicates": ["eqf_level"],
        "purpose": Purpose.EMPLOYMENT,
    } | changes
    return may_ask(snapshot, at=at, **question)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"revealed": []}, None),
        ({"revealed": ["occupation_isco08", "family_name"]}, "verification.attributes"),
        ({"predicates": ["award_year"]}, None),  # it may be revealed, which says more
        ({"predicates": ["birth_date"]}, "verification.predicates"),
        ({"revealed": ["eqf_level"]}, "verification.attributes"),  # a predicate only
        ({"purpose": Purpose.STUDY, "revealed": ["family_name"], "predicates": []}, None),
        ({"purpose": Purpose.STUDY}, "verification.attributes"),  # two statements are not added up
        ({"purpose": Purpose.REGULATED_PROFESSION}, "verification.purpose"),
        ({"credential_type": "other/1.0"}, "verification.credential_type"),
        ({"credential_type": "attendance/1.0"}, "verification.not_in_force"),
    ],
)
def test_may_ask(snapshot: GovernanceSnapshot, change: dict[str, Any], code: str | None) -> None:
    decision = asked(snapshot, **change)
    assert decision.governance == snapshot.ref
    assert decision.redress
    if code is None:
        assert decision.verdict is Verdict.TRUSTED
        assert decision.reasons[0].code == "verifier.may_ask"
    else:
        assert decision.verdict is Verdict.NOT_TRUSTED
        assert decision.reasons[0].code == code


def test_names_what_is_asked_beyond_the_nearest_statement(snapshot: GovernanceSnapshot) -> None:
    decision = asked(snapshot, revealed=["occupation_isco08", "family_name", "birth_date"])
    assert decision.reasons[0].text == "The verifier may not ask to see birth_date, family_name."
    assert decision.redress == ("https://x.test/V-1",)


def test_of_an_unlisted_verifier_nothing_is_known(snapshot: GovernanceSnapshot) -> None:
    decision = asked(snapshot, verifier=STRANGER, revealed=[], predicates=[])
    assert decision.verdict is Verdict.UNKNOWN
    assert decision.reasons[0].code == "verifier.not_listed"


def test_of_a_verifier_in_a_part_that_was_not_read_nothing_is_known(snapshot: GovernanceSnapshot) -> None:
    parts = tuple(Part("sha256:" + "0" * 64, 2) for _ in range(2))
    bare = replace(snapshot.file, division=Division(1, parts), loaded=frozenset(), verifications=())
    decision = asked(replace(snapshot, file=bare))
    assert decision.verdict is Verdict.UNKNOWN
    assert decision.reasons[0].code == "governance.part_missing"


def test_in_force_on_the_last_day_and_not_after(snapshot: GovernanceSnapshot) -> None:
    def at(instant: datetime) -> Verdict:
        verdict: Verdict = asked(replace(snapshot, fresh_until=instant + timedelta(hours=1)), at=instant).verdict
        return verdict

    assert at(datetime(2027, 1, 1, 11, 59, 59, tzinfo=UTC)) is Verdict.TRUSTED  # still 31 December in UTC-12
    assert at(datetime(2027, 1, 1, 12, 0, tzinfo=UTC)) is Verdict.NOT_TRUSTED


def test_nothing_is_known_without_a_fresh_file(snapshot: GovernanceSnapshot) -> None:
    assert asked(None).verdict is Verdict.UNKNOWN
    assert asked(snapshot, at=NOW + timedelta(days=1)).verdict is Verdict.STALE


def test_carries_the_notes_of_the_snapshot(snapshot: GovernanceSnapshot) -> None:
    note = Reason("governance.rollback", "An older file was offered and refused.")
    assert asked(replace(snapshot, notes=(note,))).reasons[-1] == note
