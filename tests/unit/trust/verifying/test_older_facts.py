"""Facts that were kept until ADR 133, when one fact was said of one wallet and of one person: read in today's words."""

from collections.abc import Sequence
from copy import replace
from itertools import product

import pytest
from pydantic import TypeAdapter
from tests.unit.trust.verifying.test_several_as_a_whole import AT, EVIDENCE

from wanderbuch.governance.facts.question import Reason, Requirement, Subject, TrustDecision, Verdict, plain
from wanderbuch.plugins.trust.verifying.answer_facts import (
    AnswerFact,
    AnswerGrounds,
    FactKind,
    FactOutcome,
    in_present_words,
)
from wanderbuch.plugins.trust.verifying.answer_grounds import grounds_of
from wanderbuch.plugins.trust.verifying.asked import NAME_LEFT_OUT, AskedGroup, AwardPrecision, subject_names
from wanderbuch.plugins.trust.verifying.judgement import Judgement, judge
from wanderbuch.plugins.trust.verifying.proof import Proven, Unproven
from wanderbuch.plugins.trust.verifying.several import as_a_whole

NAMELESS = Requirement("C7212", "MLT")
NAMED = Requirement("C7212", "MLT", subject=Subject.NAME)
NAMED_IF_WANTED = replace(NAMED, least_subject=Subject.NONE)
TOGETHER = (FactKind.ONE_WALLET, FactKind.ONE_PERSON)


def of(family_name: str) -> Proven:
    return Proven(EVIDENCE, {"family_name": family_name, "given_names": "Nimal"})


def not_proven(verdict: Verdict, code: str) -> Unproven:
    return Unproven(verdict, (Reason(code, "…"),))


NOBODYS = Proven(EVIDENCE, {})
PERERA, SILVA = of("Perera"), of("Silva")
FORGED = not_proven(Verdict.NOT_TRUSTED, "proof.invalid")
EXPIRED = not_proven(Verdict.NOT_TRUSTED, "credential.expired")
UNCHECKED = not_proven(Verdict.UNKNOWN, "revocation.unchecked")
TWO_WALLETS = not_proven(Verdict.NOT_TRUSTED, "presentation.several_holders")
REFUSED = (FORGED, EXPIRED, UNCHECKED)
ANSWERS = [
    *((NAMELESS, pair) for pair in product((NOBODYS, *REFUSED), repeat=2)),
    *((NAMED, pair) for pair in product((PERERA, SILVA, of(""), *REFUSED), repeat=2)),
    *((NAMED_IF_WANTED, pair) for pair in product((NOBODYS, *REFUSED), repeat=2)),
    *((NAMED_IF_WANTED, pair) for pair in product((PERERA, SILVA, *REFUSED), repeat=2)),
    *((requirement, (TWO_WALLETS, TWO_WALLETS)) for requirement in (NAMELESS, NAMED, NAMED_IF_WANTED)),
]


def judged(
    requirement: Requirement, proofs: Sequence[Proven | Unproven]
) -> tuple[list[AskedGroup], list[Judgement], Judgement]:
    groups = [AskedGroup(name, requirement, AwardPrecision.YEAR, (), (), (), ()) for name in ("trade", "work")]
    parts = []
    for proof in proofs:
        part = judge(proof, requirement, None, at=AT)
        parts.append(replace(part, grounds=grounds_of(proof, requirement, part.decision, None, at=AT)))
    return groups, parts, as_a_whole(groups, parts)


def told_before(groups: Sequence[AskedGroup], parts: Sequence[Judgement], whole: TrustDecision) -> FactOutcome:
    """Return what `one_person` was until ADR 133, as the code said it then."""
    two_people = {"subject.differs", "subject.nameless", "presentation.several_holders"}
    if any(reason.code in two_people for reason in whole.reasons):
        return FactOutcome.FAILS
    if any(reason.code == NAME_LEFT_OUT for part in parts for reason in part.decision.reasons):
        return FactOutcome.LEFT_OUT
    genuine = [fact for part in parts for fact in part.grounds.facts if fact.kind is FactKind.GENUINE]
    is_named = bool(subject_names(groups[0].requirement.subject))
    is_looked_at = all(fact.outcome is FactOutcome.HOLDS for fact in genuine) and not (
        is_named and any(part.presentation is None for part in parts)
    )
    return FactOutcome.HOLDS if is_looked_at else FactOutcome.NOT_LOOKED_AT


@pytest.mark.parametrize(("requirement", "proofs"), ANSWERS)
def test_what_one_fact_said_is_told_apart(requirement: Requirement, proofs: Sequence[Proven | Unproven]) -> None:
    groups, parts, whole = judged(requirement, proofs)
    today = whole.grounds.facts
    own = tuple(fact for fact in today if fact.kind not in TOGETHER)
    before = (*own, AnswerFact(FactKind.ONE_PERSON, told_before(groups, parts, whole.decision)))
    assert in_present_words(before) == today


def test_today_s_facts_are_what_they_are_and_one_certificate_has_none_of_these() -> None:
    _, parts, whole = judged(NAMED, (PERERA, PERERA))
    assert in_present_words(whole.grounds.facts) is whole.grounds.facts
    assert in_present_words(parts[0].grounds.facts) is parts[0].grounds.facts


def test_what_was_kept_is_read_so_and_written_as_it_reads() -> None:
    kept = TypeAdapter(AnswerGrounds)
    _, _, whole = judged(NAMELESS, (NOBODYS, NOBODYS))
    own = [fact for fact in plain(whole.grounds)["facts"] if fact["kind"] not in ("one_wallet", "one_person")]
    older = plain(whole.grounds) | {"facts": [*own, {"kind": "one_person", "outcome": "holds"}]}
    assert kept.validate_python(older) == whole.grounds
    assert kept.dump_json(kept.validate_python(older)) == kept.dump_json(whole.grounds)
