"""For which day an answer holds, until when it is good, and what it is in one word."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pydantic import TypeAdapter

from wanderbuch.agents.verifier.answers import AskAgain, ReasonedAnswerOut
from wanderbuch.governance.facts.question import Reason, TrustDecision, Verdict
from wanderbuch.plugins.trust.verifying.answer_facts import (
    AnswerFact,
    AnswerGrounds,
    AnswerSource,
    FactKind,
    FactOutcome,
    SourceKind,
)
from wanderbuch.plugins.trust.verifying.answer_terms import AnswerCategory, EndsWith, good_until, not_checked

AT = datetime(2026, 11, 27, 22, 30, tzinfo=UTC)


def decision(verdict: Verdict, code: str = "issuer.accredited", at: datetime = AT) -> TrustDecision:
    return TrustDecision(verdict, (Reason(code, "…"),), None, at, redress=("https://authority.wanderbuch.test/",))


def lasting(until: datetime | None) -> AnswerGrounds:
    return AnswerGrounds(sources=(AnswerSource(SourceKind.GOVERNANCE, "malta", AT - timedelta(hours=1), until),))


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (AT + timedelta(minutes=30), (AT + timedelta(minutes=30), EndsWith.SOURCES)),
        (AT + timedelta(hours=30), (datetime(2026, 11, 28, tzinfo=UTC), EndsWith.DAY)),
        (None, (datetime(2026, 11, 28, tzinfo=UTC), EndsWith.DAY)),
    ],
)
def test_a_good_answer_ends_with_its_day_or_with_its_sources(
    until: datetime | None, expected: tuple[datetime, EndsWith]
) -> None:
    assert good_until(decision(Verdict.TRUSTED), lasting(until)) == expected


@pytest.mark.parametrize("verdict", [Verdict.NOT_TRUSTED, Verdict.UNKNOWN, Verdict.STALE])
def test_any_other_answer_is_good_for_nothing(verdict: Verdict) -> None:
    assert good_until(decision(verdict), lasting(AT + timedelta(hours=1))) is None


def test_the_day_is_that_of_utc_wherever_the_clock_stands() -> None:
    there = AT.astimezone(timezone(timedelta(hours=5)))
    assert there.date() == date(2026, 11, 28)
    assert ReasonedAnswerOut.of(decision(Verdict.TRUSTED, at=there), None).holds_on == date(2026, 11, 27)


@pytest.mark.parametrize(
    ("verdict", "code", "category"),
    [
        (Verdict.TRUSTED, "issuer.accredited", AnswerCategory.ACCEPTED),
        (Verdict.NOT_TRUSTED, "proof.invalid", AnswerCategory.REFUSED),
        (Verdict.NOT_TRUSTED, "award.date_needed", AnswerCategory.NOT_CHECKED),
        (Verdict.UNKNOWN, "proof.unresolved", AnswerCategory.NOT_CHECKED),
        (Verdict.STALE, "governance.stale", AnswerCategory.TOO_OLD),
    ],
)
def test_what_could_not_be_checked_is_never_refused(verdict: Verdict, code: str, category: AnswerCategory) -> None:
    assert AnswerCategory.of(decision(verdict, code)) is category


def test_a_good_answer_offers_to_ask_again_and_says_whom_to_turn_to() -> None:
    shown = ReasonedAnswerOut.of(decision(Verdict.TRUSTED), lasting(AT + timedelta(days=2)))
    assert shown.ask_again is AskAgain.LATER
    assert shown.redress == ["https://authority.wanderbuch.test/"]
    assert [source.age_s for source in shown.sources] == [3600]


def test_names_what_nothing_follows_about() -> None:
    facts = [
        AnswerFact(FactKind.GENUINE, FactOutcome.HOLDS),
        AnswerFact(FactKind.NOT_REVOKED, FactOutcome.COULD_NOT_CHECK),
        AnswerFact(FactKind.LEVEL, FactOutcome.NOT_LOOKED_AT),
        AnswerFact(FactKind.HOLDER_NAMED, FactOutcome.NOT_ASKED),
    ]
    assert not_checked(facts) == [FactKind.NOT_REVOKED, FactKind.LEVEL]


def test_a_decision_from_before_facts_were_kept_is_still_shown() -> None:
    shown = ReasonedAnswerOut.of(decision(Verdict.TRUSTED), None)
    assert (shown.facts, shown.sources, shown.category) == ([], [], AnswerCategory.ACCEPTED)


def test_grounds_survive_their_json_form() -> None:
    kept = AnswerGrounds((AnswerFact(FactKind.NOT_REVOKED, FactOutcome.HOLDS, {"registry": "r"}, AT),))
    adapter = TypeAdapter(AnswerGrounds)
    assert adapter.validate_json(adapter.dump_json(kept)) == kept
