"""A verification from question to decision, as a record in the wallet store.

    OPEN ──answer──► JUDGING ──► DECIDED          OPEN ──decline──► DECLINED          OPEN ──deadline──► NO_ANSWER

Every step is one short transaction that sees the state it changes, so of two answers that race one is refused, and a
state that is final stays. What is kept, and for how long:

- never the presentation itself: it is judged in memory, and only its digest stays, to tell a second answer from a
  second delivery of the first;
- the values that the one who asked wanted to see, until `forget_seen` removes them;
- the decision, its reasons and what was asked.

It is searched by its thread only.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, ClassVar, Final

from pydantic import Field

from wanderbuch.governance.question import Requirement, TrustDecision
from wanderbuch.plugins.trust.request import AwardPrecision
from wanderbuch.store.records import Record

JUDGING: Final = timedelta(seconds=45)  # for one judgement, downloads included, unless the desk allows more
LINGER: Final = timedelta(minutes=10)  # so long ACA-Py's records of an ended exchange stay


class VerificationState(Enum):
    """Where a verification stands; the last three are final."""

    OPEN = "OPEN"
    JUDGING = "JUDGING"
    DECIDED = "DECIDED"
    DECLINED = "DECLINED"
    NO_ANSWER = "NO_ANSWER"

    @property
    def is_final(self) -> bool:
        """Whether nothing changes any more."""
        return self not in (VerificationState.OPEN, VerificationState.JUDGING)


class Verification(Record):
    """One question put to one holder.

    Args:
        thread_id: of the DIDComm exchange; whoever was invited knows it.
        pres_ex_id: ACA-Py's record of the exchange.
        invitation_id: of the message that carries the question.
        proof_request: as it was sent.
        names: the attributes that are revealed, in order.
        hidden: the attributes of the credential that stay hidden.
        eligible: ids of the credential definitions that could count when the question was put.
        schemas: ids of the schemas of the credential type then.
        answer_by: after this nothing is accepted.
        judging_since: when the answer came.
        answer_digest: SHA-256 of the answering message, hexadecimal.
        seen: revealed values by attribute name; None if nothing was accepted or it was forgotten.
        decline_code: the wallet's own code, from a closed set of characters.
        seen_until: when they are forgotten.
        tidy: whether ACA-Py's records of the exchange have been removed.
        stapled: whether an issuer's standing was handed over for it (`staples`).
    """

    category: ClassVar[str] = "wanderbuch.verification"
    tag_names: ClassVar[tuple[str, ...]] = ("thread_id",)

    thread_id: str
    pres_ex_id: str
    invitation_id: str
    invitation_url: str
    short_url: str | None = None
    requirement: Requirement
    award_precision: AwardPrecision
    proof_request: dict[str, Any]
    words: tuple[str, ...]
    names: tuple[str, ...]
    hidden: tuple[str, ...]
    eligible: tuple[str, ...]
    schemas: tuple[str, ...]
    answer_by: datetime
    state: VerificationState = VerificationState.OPEN
    judging_since: datetime | None = None
    ended_at: datetime | None = None
    answer_digest: str | None = None
    decision: TrustDecision | None = None
    seen: dict[str, str] | None = Field(default=None, repr=False)
    seen_until: datetime | None = None
    decline_code: str | None = None
    tidy: bool = False
    stapled: bool = False

    def expired(self, at: datetime) -> bool:
        """Whether no answer is accepted any more."""
        return at > self.answer_by

    def index_state(self) -> str:
        """Return the state."""
        return self.state.value

    def due_at(self) -> datetime | None:
        """Return when it is overdue, was cut off, is tidied up, or what was seen is forgotten."""
        if self.state is VerificationState.OPEN:
            return self.answer_by
        if self.state is VerificationState.JUDGING:
            return None if self.judging_since is None else self.judging_since + 2 * JUDGING
        if self.ended_at is None:
            return None
        if not self.tidy:
            return self.ended_at + LINGER
        return None if self.seen is None else self.seen_until or self.ended_at


def take_answer(digest: str, *, at: datetime) -> Callable[[Verification], Verification | None]:
    """Return the step OPEN -> JUDGING; leaves the record if it is not open or too late."""

    def step(held: Verification) -> Verification | None:
        if held.state is not VerificationState.OPEN or held.expired(at):
            return None
        update = {"state": VerificationState.JUDGING, "answer_digest": digest, "judging_since": at}
        return held.model_copy(update=update)

    return step


def note_staple(held: Verification) -> Verification | None:
    """Note that a staple was handed over; leaves the record if it is not open any more."""
    return held.model_copy(update={"stapled": True}) if held.state is VerificationState.OPEN else None


def decide_with(
    decision: TrustDecision, seen: dict[str, str] | None, *, at: datetime, keep_seen: timedelta = timedelta()
) -> Callable[[Verification], Verification | None]:
    """Return the step JUDGING -> DECIDED; the first decision stays."""
    until = None if seen is None else at + keep_seen

    def step(held: Verification) -> Verification | None:
        if held.state is not VerificationState.JUDGING:
            return None
        update = {"state": VerificationState.DECIDED, "decision": decision, "seen": seen, "ended_at": at}
        update |= {"seen_until": until}
        return held.model_copy(update=update)

    return step


def decline_with(code: str, *, at: datetime) -> Callable[[Verification], Verification | None]:
    """Return the step OPEN -> DECLINED."""

    def step(held: Verification) -> Verification | None:
        if held.state is not VerificationState.OPEN or held.expired(at):
            return None
        update = {"state": VerificationState.DECLINED, "decline_code": code, "ended_at": at}
        return held.model_copy(update=update)

    return step


def end_without_answer(*, at: datetime) -> Callable[[Verification], Verification | None]:
    """Return the step OPEN -> NO_ANSWER once the deadline is over."""

    def step(held: Verification) -> Verification | None:
        if held.state is not VerificationState.OPEN or not held.expired(at):
            return None
        return held.model_copy(update={"state": VerificationState.NO_ANSWER, "ended_at": at})

    return step


def forget_seen(*, at: datetime, keep_seen: timedelta) -> Callable[[Verification], Verification | None]:
    """Return the step that removes the revealed values once they were kept for long enough; the decision stays.

    What is kept longer, or shorter, than was said when it was decided is noted so.
    """

    def step(held: Verification) -> Verification | None:
        if held.seen is None or held.ended_at is None:
            return None
        until = held.ended_at + keep_seen
        if until < at:
            return forget_now(held)
        return None if held.seen_until == until else held.model_copy(update={"seen_until": until})

    return step


def forget_now(held: Verification) -> Verification | None:
    """Remove the revealed values; the decision stays."""
    return held.model_copy(update={"seen": None}) if held.state.is_final else None


def is_stuck(held: Verification, *, at: datetime, judging_limit: timedelta) -> bool:
    """Whether an answer was taken but its judgement was cut off: nothing is working on it any more."""
    return (
        held.state is VerificationState.JUDGING
        and held.judging_since is not None
        and at > held.judging_since + judging_limit
    )


def tidied(held: Verification) -> Verification:
    """Note that ACA-Py's records of the exchange have been removed."""
    return held.model_copy(update={"tidy": True})
