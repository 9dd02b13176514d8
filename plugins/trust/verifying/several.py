"""Several credentials of one worker: one judgement each, and a whole one that fails closed. Pure.

1. The whole is TRUSTED only where every part is. Else a part that is NOT_TRUSTED settles it (one that was refused
   before one of which only the day is missing), then one that is UNKNOWN, then one that is STALE. The reasons are those
   of the parts that settle it, each with the name of its credential.
2. Where names are asked, all credentials name one person: a wallet may hold those of two, and its link secret does not
   tell. Names are compared without case and accents of Latin letters: the same words in any order, or the same letters
   whatever spaces and signs stand between them (O'Neill, ONeill). Birth dates are compared as they are. What has no
   letter and no digit names nobody: two such names are no one person's. If they differ, that settles it, with the parts
   that were refused for themselves.
3. Values are shown only where every part is proven: half of an answer is none.
4. That one wallet holds all of them is a fact of its own (rule 4 of the judgement), and so is that they name one
   person: it is never said where no names were compared.
"""

from collections.abc import Mapping, Sequence
from copy import replace
from dataclasses import dataclass
from itertools import chain
from typing import Final, Self

from wanderbuch.governance.facts.question import Reason, Subject, TrustDecision, Verdict
from wanderbuch.governance.facts.wording import occupation
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerFact, AnswerGrounds, FactKind, FactOutcome
from wanderbuch.plugins.trust.verifying.answer_terms import AnswerCategory
from wanderbuch.plugins.trust.verifying.asked import NAME_LEFT_OUT, AskedGroup, subject_names
from wanderbuch.plugins.trust.verifying.judgement import Judgement
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.schemas.occupation_titles import words_of

_TWO_PEOPLE: Final = frozenset({"subject.differs", "subject.nameless"})
_TWO_WALLETS: Final = "presentation.several_holders"
_WORST_FIRST: Final = (Verdict.NOT_TRUSTED, Verdict.UNKNOWN, Verdict.STALE, Verdict.TRUSTED)


def as_a_whole(groups: Sequence[AskedGroup], judged: Sequence[Judgement]) -> Judgement:
    """Return the judgement of an answer; of one credential it is the one there is.

    Args:
        groups: the credentials that were asked for.
        judged: the judgement of each, in their order.
    """
    if len(judged) == 1:
        return judged[0]
    decisions = [judgement.decision for judgement in judged]
    weights = [_weight(decision) for decision in decisions]
    settling = [weight == min(weights) for weight in weights]  # 1
    verdict = decisions[settling.index(True)].verdict
    differ: tuple[Reason, ...] = ()
    proven = [judgement.presentation for judgement in judged if judgement.presentation is not None]
    wrong = two_people(groups, [presentation.subject for presentation in proven])
    if len(proven) == len(judged) and wrong is not None:  # 2
        verdict, differ = Verdict.NOT_TRUSTED, (wrong,)
        settling = [AnswerCategory.of(decision) is AnswerCategory.REFUSED for decision in decisions]
    reasons = [
        Reason(reason.code, f"{title_of(group)}: {reason.text}")
        for group, decision, settles in zip(groups, decisions, settling, strict=True)
        if settles
        for reason in decision.reasons
    ]
    first = decisions[0]
    whole = TrustDecision(
        verdict,
        (*differ, *reasons),
        first.governance,
        first.decided_at,
        tuple(dict.fromkeys(link for decision in decisions for link in decision.chain)),
        tuple(sorted({one for decision in decisions for one in decision.redress})),
    )
    is_proven = len(proven) == len(judged)  # 3
    parts = tuple(judged) if is_proven else tuple(replace(judgement, presentation=None) for judgement in judged)
    return Judgement(whole, parts[0].presentation, parts, grounds_as_a_whole(groups, judged, whole))


def grounds_as_a_whole(
    groups: Sequence[AskedGroup], judged: Sequence[Judgement], whole: TrustDecision
) -> AnswerGrounds:
    """Return the facts of all credentials, each with its credential's name, and the two about all together (4)."""
    if len(judged) == 1:
        return judged[0].grounds
    facts = [
        replace(fact, part=group.group)
        for group, judgement in zip(groups, judged, strict=True)
        for fact in judgement.grounds.facts
    ]
    facts.append(AnswerFact(FactKind.ONE_WALLET, _one_wallet(judged, whole)))
    facts.append(AnswerFact(FactKind.ONE_PERSON, _one_person(groups, judged, whole)))
    sources = dict.fromkeys(source for judgement in judged for source in judgement.grounds.sources)
    return AnswerGrounds(tuple(facts), tuple(sources))


def _weight(decision: TrustDecision) -> tuple[int, bool]:
    """Return what a part's decision comes before, the least first (1)."""
    is_refused = AnswerCategory.of(decision) is AnswerCategory.REFUSED
    return _WORST_FIRST.index(decision.verdict), not is_refused


def _one_person(groups: Sequence[AskedGroup], judged: Sequence[Judgement], whole: TrustDecision) -> FactOutcome:
    """Return whether they name one person; nobody knows before all of them can be compared."""
    if any(reason.code in _TWO_PEOPLE for reason in whole.reasons):
        return FactOutcome.FAILS
    if not subject_names(groups[0].requirement.subject):
        return FactOutcome.NOT_ASKED
    if any(reason.code == NAME_LEFT_OUT for judgement in judged for reason in judgement.decision.reasons):
        return FactOutcome.LEFT_OUT  # nothing was compared, and the worker chose that
    is_compared = all(judgement.presentation is not None for judgement in judged)
    return FactOutcome.HOLDS if is_compared else FactOutcome.NOT_LOOKED_AT


def _one_wallet(judged: Sequence[Judgement], whole: TrustDecision) -> FactOutcome:
    """Return whether one link secret is in all of them: nobody knows before each of them is proven."""
    if any(reason.code == _TWO_WALLETS for reason in whole.reasons):
        return FactOutcome.FAILS
    genuine = [fact for judgement in judged for fact in judgement.grounds.facts if fact.kind is FactKind.GENUINE]
    is_proven = all(fact.outcome is FactOutcome.HOLDS for fact in genuine)
    return FactOutcome.HOLDS if is_proven else FactOutcome.NOT_LOOKED_AT


def title_of(group: AskedGroup) -> str:
    """Return what a credential is called in a reason: its type, and what it is about."""
    label = load_credential_type(group.requirement.credential_type).label.in_language("en")
    return f"{label}, {occupation(group.requirement.occupation)}"


def two_people(groups: Sequence[AskedGroup], subjects: Sequence[Mapping[str, str]]) -> Reason | None:
    """Return why credentials are not one person's by the names in them; None: they are, or none were asked (2)."""
    if groups[0].requirement.subject is Subject.NONE or not any(subjects):  # or the names were left out
        return None
    if not _name_one(subjects):
        return Reason("subject.differs", "The credentials do not name one person.")
    if not _Named.of(subjects[0]).words:
        return Reason("subject.nameless", "The credentials name nobody, so they may be two people's.")
    return None


def _name_one(subjects: Sequence[Mapping[str, str]]) -> bool:
    """Return whether what all credentials say of their holder is said of one person (2)."""
    first, *others = (_Named.of(subject) for subject in subjects)
    return all(first.may_be(other) for other in others)


@dataclass(frozen=True, slots=True)
class _Named:
    """Whom a credential names.

    Args:
        words: of the whole name, in the order of the alphabet.
        letters: of family and given names, the same.
    """

    words: Sequence[str]
    letters: Sequence[str]
    birth_date: str

    @classmethod
    def of(cls, subject: Mapping[str, str]) -> Self:
        parts = [words_of(subject.get(name, "")) for name in ("family_name", "given_names")]
        return cls(sorted(chain(*parts)), sorted(map("".join, parts)), subject.get("birth_date", ""))

    def may_be(self, other: Self) -> bool:
        is_alike = self.words == other.words or self.letters == other.letters
        return is_alike and self.birth_date == other.birth_date
