"""The verdict as whoever asked reads it: a word, one sentence with its day and its reason. At most 25 words in all.

What could not be checked never looks like a refusal, and says so.
"""

from dataclasses import dataclass
from datetime import UTC
from typing import Final

from markupsafe import Markup

from wanderbuch.agents.site.languages import Words
from wanderbuch.plugins.trust.verifying.answer_facts import FactKind, FactOutcome
from wanderbuch.plugins.trust.verifying.answer_terms import AnswerCategory, holds_on
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState

MOST_WORDS: Final = 25
_SHORTER: Final = {FactKind.LEVEL.value: "walk.level"}
"""Facts whose sentence is too long here."""


@dataclass(frozen=True, slots=True)
class ShownVerdict:
    """A verdict.

    Args:
        look: which of the looks of an answer it has (`answer-…` in the style sheet).
        word: the verdict itself.
        text: its day and its reason.
    """

    look: str
    word: Markup
    text: Markup


def verdict_of(verification: Verification, t: Words) -> ShownVerdict | None:
    """Return the verdict on a question that is over; None: it goes on."""
    if verification.decision is None:
        if not verification.state.is_final:
            return None
        name = "declined" if verification.state is VerificationState.DECLINED else "no_answer"
        return _shown("unknown", name, t)
    category, decision = AnswerCategory.of(verification.decision), verification.decision
    day = t.date(holds_on(decision))
    match category:
        case AnswerCategory.ACCEPTED:
            return _shown("trusted", "accepted", t, day=day)
        case AnswerCategory.REFUSED:
            facts = () if verification.grounds is None else verification.grounds.facts
            failing = next((fact.kind.value for fact in facts if fact.outcome is FactOutcome.FAILS), None)
            fact = t(_SHORTER.get(failing, f"fact.{failing}")) if failing else t("walk.something")
            return _shown("not_trusted", "refused", t, day=day, fact=fact)
        case AnswerCategory.NOT_CHECKED | AnswerCategory.TOO_OLD:
            at = t.instant(decision.decided_at.astimezone(UTC))
            return _shown("unknown" if category is AnswerCategory.NOT_CHECKED else "stale", "not_checked", t, at=at)


def _shown(look: str, name: str, t: Words, **values: object) -> ShownVerdict:
    return ShownVerdict(look, t(f"walk.{name}"), t(f"walk.{name}_text", **values))
