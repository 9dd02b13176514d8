"""What several judgements come to as a whole: the rules alone, without proofs."""

from copy import replace
from datetime import UTC, datetime

import pytest
from tests.unit.trust.ecosystem import digest, webvh

from wanderbuch.governance.facts.anoncreds_ids import CredDefId
from wanderbuch.governance.facts.question import (
    DateSpan,
    Evidence,
    Reason,
    Requirement,
    Subject,
    TrustDecision,
    Verdict,
)
from wanderbuch.governance.facts.sources import AnonCredsSource, Binding
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerFact, AnswerGrounds, FactKind, FactOutcome
from wanderbuch.plugins.trust.verifying.answer_terms import AnswerCategory
from wanderbuch.plugins.trust.verifying.asked import AskedGroup, AwardPrecision
from wanderbuch.plugins.trust.verifying.judgement import Judgement, judge
from wanderbuch.plugins.trust.verifying.proof import Proven
from wanderbuch.plugins.trust.verifying.several import as_a_whole

AT = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
CENTRE = webvh("centre")
EVIDENCE = Evidence(
    issuer=CENTRE,
    source=AnonCredsSource.of(CredDefId.of(CENTRE, digest())),
    credential_type="qualification/1.0",
    occupation="C7212",
    proven_eqf_level=None,
    framework="LK-NVQ",
    crosswalk_version=None,
    awarded=DateSpan.of_year(2024),
    expires_on=None,
    binding=Binding.LINK_SECRET,
)
GENUINE = AnswerGrounds((AnswerFact(FactKind.GENUINE, FactOutcome.HOLDS),))


def group(name: str, subject: Subject = Subject.NONE) -> AskedGroup:
    return AskedGroup(name, Requirement("C7212", "MLT", subject=subject), AwardPrecision.YEAR, (), (), (), ())


def part(verdict: Verdict, *codes: str) -> Judgement:
    reasons = tuple(Reason(code, "…") for code in codes or ("issuer.accredited",))
    return Judgement(TrustDecision(verdict, reasons, None, AT), None, grounds=GENUINE)


def named(family_name: str, verdict: Verdict, *codes: str, given_names: str = "Nimal") -> Judgement:
    """Return the judgement of a credential that is proven, and says who its holder is."""
    shown = {"family_name": family_name, "given_names": given_names}
    requirement = Requirement("C7212", "MLT", subject=Subject.NAME)
    judged = judge(Proven(EVIDENCE, shown), requirement, None, at=AT)
    return replace(part(verdict, *codes), presentation=judged.presentation)


def one_person(whole: Judgement) -> FactOutcome:
    return together(whole)[FactKind.ONE_PERSON]


def together(whole: Judgement) -> dict[FactKind, FactOutcome]:
    """Return what is said of all credentials together, in the order of the judgement."""
    about_all = [fact for fact in whole.grounds.facts if not fact.part]
    assert [fact.kind for fact in about_all] == [FactKind.ONE_WALLET, FactKind.ONE_PERSON]
    return {fact.kind: fact.outcome for fact in about_all}


TWO = (group("trade"), group("work"))
TWO_NAMED = (group("trade", Subject.NAME), group("work", Subject.NAME))


@pytest.mark.parametrize("is_first", [True, False])
def test_what_was_refused_is_no_question_of_a_missing_day(is_first: bool) -> None:
    parts = [part(Verdict.NOT_TRUSTED, "award.date_needed"), part(Verdict.NOT_TRUSTED, "credential.expired")]
    whole = as_a_whole(TWO, parts if is_first else parts[::-1])
    assert AnswerCategory.of(whole.decision) is AnswerCategory.REFUSED
    assert [reason.code for reason in whole.decision.reasons] == ["credential.expired"]


def test_where_only_a_day_is_missing_the_whole_is_not_refused() -> None:
    parts = [part(Verdict.NOT_TRUSTED, "award.date_needed"), part(Verdict.UNKNOWN, "revocation.unchecked")]
    whole = as_a_whole(TWO, parts)
    assert AnswerCategory.of(whole.decision) is AnswerCategory.NOT_CHECKED
    assert [reason.code for reason in whole.decision.reasons] == ["award.date_needed"]


def test_two_people_are_refused_whatever_day_is_missing() -> None:
    parts = [named("Perera", Verdict.NOT_TRUSTED, "award.date_needed"), named("Silva", Verdict.TRUSTED)]
    whole = as_a_whole(TWO_NAMED, parts)
    assert AnswerCategory.of(whole.decision) is AnswerCategory.REFUSED
    assert [reason.code for reason in whole.decision.reasons] == ["subject.differs"]
    assert one_person(whole) is FactOutcome.FAILS


def test_one_person_is_said_only_of_names_that_were_compared() -> None:
    known = named("Perera", Verdict.TRUSTED)
    assert one_person(as_a_whole(TWO_NAMED, [known, named("PERERA", Verdict.TRUSTED)])) is FactOutcome.HOLDS
    unproven = part(Verdict.NOT_TRUSTED, "credential.expired")
    assert one_person(as_a_whole(TWO_NAMED, [known, unproven])) is FactOutcome.NOT_LOOKED_AT
    told = together(as_a_whole(TWO, [part(Verdict.TRUSTED), unproven]))
    assert told == {FactKind.ONE_WALLET: FactOutcome.HOLDS, FactKind.ONE_PERSON: FactOutcome.NOT_ASKED}


def test_two_wallets_are_no_word_about_people() -> None:
    two_wallets = [part(Verdict.NOT_TRUSTED, "presentation.several_holders")] * 2
    told = together(as_a_whole(TWO, two_wallets))
    assert told == {FactKind.ONE_WALLET: FactOutcome.FAILS, FactKind.ONE_PERSON: FactOutcome.NOT_ASKED}
    told = together(as_a_whole(TWO_NAMED, two_wallets))
    assert told == {FactKind.ONE_WALLET: FactOutcome.FAILS, FactKind.ONE_PERSON: FactOutcome.NOT_LOOKED_AT}


@pytest.mark.parametrize(
    ("family_name", "given_names", "is_one"),
    [
        ("ONEILL", "Seán Óg", True),
        ("O Neill", "Sean-Og", True),
        ("Óg O'Neill", "Seán", True),
        ("Seán Óg", "O’Neill", True),
        ("O'Neil", "Seán Óg", False),
        ("O'Neill", "Seán", False),
        ("O'Neill", "Seán Gó", False),
        ("", "", False),
    ],
)
def test_a_name_is_one_however_issuers_write_it(family_name: str, given_names: str, is_one: bool) -> None:
    one = named("O'Neill", Verdict.TRUSTED, given_names="Seán Óg")
    other = named(family_name, Verdict.TRUSTED, given_names=given_names)
    whole = as_a_whole(TWO_NAMED, [one, other])
    assert (whole.decision.verdict is Verdict.TRUSTED) is is_one
