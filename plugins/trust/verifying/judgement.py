"""The judgement of a presentation: is it true, is it valid, and does its issuer count?

The rules are pure: they take what was asked, what was received and what was found out, and an instant. `verifier` finds
things out and acts. The order is fixed, and the numbers are repeated in the code. Rules 1, 7 and 8 are here and the
same for every format; 2 to 6 are those of the format (`proof.CredentialFormat`; of AnonCreds, `anoncreds.rules`).

1. The exchange is ours, open, in time and unanswered: a second answer is refused, however good it is.
2. What the presentation says it was made from, still unverified: as asked, and from what could count.
3. The cryptography, and what binds it to who shows it.
4. Everything that describes one qualification comes from one credential, and all from one holder.
5. Revocation: the status used is the one in force, resolved by us.
6. The values: canonical, as asked, the level reached, not expired.
7. The issuer's standing for occupation, level, place and time, under a governance file that is fresh.
8. The subject: who the holder says to be, and a plain statement if nobody was named, or if something was left out.

What could not be checked is UNKNOWN, what was checked and fails is NOT_TRUSTED. Only when 1 to 6 and 8 hold is there a
`VerifiedPresentation`, and only `judge` makes one. Of several credentials each is judged, and then the whole
(`several`).
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import replace
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from typing import Final

from wanderbuch.governance.deciding.decision import decide
from wanderbuch.governance.facts.question import Evidence, Reason, Requirement, Subject, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerGrounds
from wanderbuch.plugins.trust.verifying.asked import (
    BIRTH_DATE_LEFT_OUT,
    NAME_LEFT_OUT,
    answered_requirement,
    may_be_left_out,
    subject_names,
)
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.plugins.trust.verifying.proof import Proven, Unproven

_SEAL = object()
_NO_GROUNDS: Final = AnswerGrounds()


@dataclass(frozen=True, slots=True)
class VerifiedPresentation:
    """What was proven about one qualification; made by `judge` alone.

    Args:
        evidence: for the decision.
        shown: the revealed values by attribute name, canonical.
        subject: those of them that say who the holder is; empty if nobody was asked for.
    """

    evidence: Evidence
    shown: Mapping[str, str] = field(repr=False)
    subject: Mapping[str, str] = field(repr=False)
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only the judgement makes a VerifiedPresentation")


@dataclass(frozen=True, slots=True)
class Judgement:
    """The decision, and what was proven if the presentation held.

    Args:
        presentation: of several credentials that of the first; None unless all of them hold.
        parts: the judgement of each of several credentials, in the order of the question; empty where there is one.
        grounds: the decision fact by fact.
    """

    decision: TrustDecision
    presentation: VerifiedPresentation | None
    parts: "tuple[Judgement, ...]" = ()
    grounds: AnswerGrounds = _NO_GROUNDS

    def shown(self, groups: Sequence[str]) -> Mapping[str, str] | None:
        """Return what is shown, by attribute; of several credentials with the name of the group and a point before it.

        Args:
            groups: the names of the groups, in the order of the question.
        """
        if self.presentation is None or not self.parts:
            return None if self.presentation is None else self.presentation.shown
        named = zip(groups, self.parts, strict=True)
        return {
            f"{group}.{name}": value
            for group, part in named
            if part.presentation is not None
            for name, value in part.presentation.shown.items()
        }


def check_exchange(verification: Verification | None, *, at: datetime) -> Reason | None:
    """Rule 1: return why an answer is not accepted, None if it is.

    Args:
        verification: the record of the thread that the answer names, None if there is none.
        at: the instant of the answer's arrival.
    """
    if verification is None:
        return Reason("exchange.unknown", "The presentation answers no question of ours.")
    if verification.state is VerificationState.NO_ANSWER or (
        verification.state is VerificationState.OPEN and verification.expired(at)
    ):
        return Reason("exchange.late", "The answer came after the deadline.")
    if verification.state is VerificationState.DECLINED:
        return Reason("exchange.declined", "The holder has already declined.")
    if verification.state is VerificationState.CANCELLED:
        return Reason("exchange.cancelled", "Whoever asked has taken the question back.")
    if verification.state is not VerificationState.OPEN:
        return Reason("exchange.answered", "The question has been answered before; a second answer is refused.")
    return None


def refuse(
    reasons: Sequence[Reason],
    snapshot: GovernanceSnapshot | None,
    *,
    at: datetime,
    verdict: Verdict = Verdict.NOT_TRUSTED,
) -> Judgement:
    """Return a judgement without a verified presentation."""
    ref = snapshot.ref if snapshot is not None else None
    return Judgement(TrustDecision(verdict, tuple(reasons), ref, at), None)


def judge(
    proof: Proven | Unproven, requirement: Requirement, snapshot: GovernanceSnapshot | None, *, at: datetime
) -> Judgement:
    """Rules 7 and 8: decide about a presentation that came in an exchange that rule 1 allows.

    Args:
        proof: what the format's rules 2 to 6 made of it, at this instant.
        requirement: what was asked.
        snapshot: the governance in force, None if there is none.
        at: the instant of the decision.
    """
    if isinstance(proof, Unproven):
        return refuse(proof.reasons, snapshot, at=at, verdict=proof.verdict)
    answered = answered_requirement(requirement, proof.shown)
    decision = decide(answered, proof.evidence, snapshot, at=at)  # 7
    subject = {name: proof.shown[name] for name in subject_names(answered.subject)}
    stated = (_state_subject(answered.subject), *_state_left_out(requirement, answered))  # 8
    decision = replace(decision, reasons=(*decision.reasons, *stated))
    return Judgement(decision, VerifiedPresentation(proof.evidence, proof.shown, subject, _SEAL))


def _state_left_out(requirement: Requirement, answered: Requirement) -> Iterator[Reason]:
    """Rule 8: what was asked of the subject, and left out as the question allowed."""
    left_out = () if answered == requirement else may_be_left_out(requirement)
    if "family_name" in left_out:
        yield Reason(NAME_LEFT_OUT, "The name was asked, and left out as the question allows.")
    if "birth_date" in left_out:
        yield Reason(BIRTH_DATE_LEFT_OUT, "The birth date was asked, and left out as the question allows.")


def _state_subject(subject: Subject) -> Reason:
    """Rule 8."""
    if subject is Subject.NONE:
        return Reason(
            "subject.none", "Nobody was named: the decision is about a credential, not about the person who showed it."
        )
    return Reason("subject.shown", "Compare the name shown with the person: the proof does not tell who sent it.")
