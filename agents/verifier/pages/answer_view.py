"""A question that is over, as its page shows it: the verdict, the day, and what was not checked, before all else.

1. The head has at most 25 words in every language: the verdict, the day, and what was not checked: two of it by name,
   of more how many. Whose certificate it is was not checked where no name was asked.
2. "Could not check" has words and looks of its own, which are never those of a refusal.
3. What follows is every reason and every fact, by certificate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from wanderbuch.agents.verifier.answers import AskAgain, ask_again
from wanderbuch.agents.verifier.pages.facts_together import together
from wanderbuch.agents.verifier.shown import Shown, in_words, labels
from wanderbuch.governance.facts.question import Subject, TrustDecision, Verdict
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerFact, AnswerGrounds, AnswerSource, FactKind
from wanderbuch.plugins.trust.verifying.answer_terms import AnswerCategory, good_until, holds_on, not_checked
from wanderbuch.plugins.trust.verifying.asked import AskedGroup
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.schemas.credential_type import load_credential_type

MAX_HEAD_WORDS: Final = 25
_NAMED: Final = 2  # of what was not checked

_TONES: Final[Mapping[str, str]] = {
    AnswerCategory.ACCEPTED.value: "trusted",
    AnswerCategory.REFUSED.value: "not_trusted",
    AnswerCategory.NOT_CHECKED.value: "unknown",
    AnswerCategory.TOO_OLD.value: "stale",
}
"""How the head looks; a question that came to no decision looks like nothing of these."""


@dataclass(frozen=True, slots=True)
class CertificateView:
    """One certificate that was asked for.

    Args:
        category: of its decision; empty if there is none.
        seen: what was shown; None: nothing was accepted, or it is forgotten.
        hidden: labels of what was not shown.
    """

    group: AskedGroup
    category: str
    decision: TrustDecision | None
    seen: tuple[Shown, ...] | None
    hidden: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerView:
    """A question that is over.

    Args:
        outcome: a category, or the state of a question that came to no decision; its words are `desk.verdict.<it>`.
        tone: ending of the class that the head looks like.
        day: that the answer is about, or on which the question ended, UTC.
        open_facts: what was not checked, by name; the first few.
        more_open: how many more were not checked.
        again_same_wallet: whether the wallet that answered may be asked once more, over its connection.
    """

    verification: Verification
    outcome: str
    tone: str
    day: date
    open_facts: tuple[FactKind, ...]
    more_open: int
    certificates: tuple[CertificateView, ...]
    facts: tuple[AnswerFact, ...]
    sources: tuple[AnswerSource, ...]
    again: AskAgain | None
    again_same_wallet: bool

    @property
    def decision(self) -> TrustDecision | None:
        """The whole decision."""
        return self.verification.decision

    @property
    def is_unnamed(self) -> bool:
        """Whether nobody was named: no name was asked, or it was left out."""
        return _is_unnamed(self.verification)

    @property
    def facts_judged_at(self) -> datetime | None:
        """When facts of a recording were judged, so that the page says how old each was; None: they came just then."""
        decision = self.decision
        if decision is None or all(reason.code != "offline.age" for reason in decision.reasons):
            return None
        return decision.decided_at

    @property
    def numbers(self) -> dict[str, int]:
        """The number of each certificate by its name, where there are several."""
        if len(self.certificates) < 2:
            return {}
        return {one.group.group: number for number, one in enumerate(self.certificates, start=1)}

    @property
    def facts_together(self) -> Sequence[tuple[AnswerFact, tuple[int, ...]]]:
        """The facts, each with the numbers of the certificates of which it is said."""
        return together(self.facts, self.numbers)


def answer_view(
    verification: Verification,
    seen: Mapping[str, str] | None,
    language: str,
    *,
    again_same_wallet: bool = False,
) -> AnswerView:
    """Return a question that is over, for its page.

    Args:
        verification: in a final state.
        seen: the values that were revealed, if they are there; see `judgement.Judgement.shown`.
        language: of the page.
        again_same_wallet: whether the wallet that answered may be asked once more.
    """
    decision, grounds = verification.decision, verification.grounds or AnswerGrounds()
    outcome = verification.state.value if decision is None else AnswerCategory.of(decision).value
    open_facts = list(not_checked(grounds.facts)) if decision is not None else []
    is_trusted = decision is not None and decision.verdict is Verdict.TRUSTED
    if is_trusted and _is_unnamed(verification):
        open_facts.insert(0, FactKind.HOLDER_NAMED)
    ended = verification.ended_at or verification.answer_by
    return AnswerView(
        verification=verification,
        outcome=outcome,
        tone=_TONES.get(outcome, "none"),
        day=ended.astimezone(UTC).date() if decision is None else holds_on(decision),
        open_facts=tuple(dict.fromkeys(open_facts))[:_NAMED],
        more_open=max(0, len(dict.fromkeys(open_facts)) - _NAMED),
        certificates=_certificates(verification, seen, language),
        facts=grounds.facts,
        sources=grounds.sources,
        again=_again(verification),
        again_same_wallet=again_same_wallet,
    )


def _is_unnamed(verification: Verification) -> bool:
    return verification.requirement.subject is Subject.NONE or "family_name" in verification.left_out


def _again(verification: Verification) -> AskAgain | None:
    if verification.state is not VerificationState.DECIDED or verification.decision is None:
        return AskAgain.SAME
    if verification.decision.verdict is Verdict.TRUSTED:
        return AskAgain.LATER
    return ask_again(verification.decision)


def _certificates(
    verification: Verification, seen: Mapping[str, str] | None, language: str
) -> tuple[CertificateView, ...]:
    decisions = verification.decisions or (None,) * len(verification.groups)
    views = []
    for group, decision in zip(verification.groups, decisions, strict=True):
        credential_type = load_credential_type(group.requirement.credential_type)
        own = _own(group, seen, is_one=not verification.further)
        views.append(
            CertificateView(
                group=group,
                category="" if decision is None else AnswerCategory.of(decision).value,
                decision=decision,
                seen=None if own is None else in_words(credential_type, own, language),
                hidden=labels(credential_type, (*group.hidden, *verification.left_out), language),
            )
        )
    return tuple(views)


def _own(group: AskedGroup, seen: Mapping[str, str] | None, *, is_one: bool) -> Mapping[str, str] | None:
    """Return what was shown of one certificate, in the order in which it was asked."""
    if seen is None:
        return None
    prefix = "" if is_one else f"{group.group}."
    return {name: seen[prefix + name] for name in group.names if prefix + name in seen}


def good_until_of(view: AnswerView) -> object:
    """Return until when an answer is good, and what ends that; None: it is good for nothing."""
    if view.decision is None:
        return None
    return good_until(view.decision, view.verification.grounds or AnswerGrounds())
