"""A verification from question to decision: an immutable record, and two markers for what became of it.

    OPEN ──answer──► JUDGING ──decision──► DECIDED      OPEN ──answer──► DECLINED, NO_ANSWER or CANCELLED

One name, `answer`, decides between a presentation, a decline, no answer and a question that was taken back: of those
that race one is refused, across processes and without a transaction. `decision` comes after a presentation only, and
the first one stays.

Its id is the thread of the DIDComm exchange and the id of the message that carries the question, so it is read by name.
What is kept, and for how long:

- never the presentation itself: it is judged in memory, and only its digest stays, to tell a second answer from a
  second delivery of the first. Where a law asks, and the question said so, it goes into a sealed case file
  (`case_files`);
- the values that the one who asked wanted to see: an entry of its own (`seen`), until they are forgotten;
- the decision, its reasons and what was asked.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.governance.facts.question import Requirement, TrustDecision, plain
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerGrounds
from wanderbuch.plugins.trust.verifying.asked import (
    BIRTH_DATE_LEFT_OUT,
    NAME_LEFT_OUT,
    ONLY_GROUP,
    AskedGroup,
    AwardPrecision,
    may_be_left_out,
)
from wanderbuch.plugins.trust.verifying.keeping import Keeping
from wanderbuch.store.markers import Markers
from wanderbuch.store.records import Record, utc_now

JUDGING: Final = timedelta(seconds=45)  # for one judgement, downloads included, unless the desk allows more

ANSWER: Final = "answer"
DECISION: Final = "decision"

LATER: Final = (
    *(
        "state",
        "answer_digest",
        "answered_by",
        "judging_since",
        "decline_code",
        "cancelled_by",
        "ended_at",
        "decision",
        "group_decisions",
    ),
    *("grounds", "seen_until", "receipt_token"),
)
"""The members of a verification that say what has become of it, by its markers."""

_INVITATION: Final = ".i"
_AT_HAND: Final = 500  # a question is answered within minutes, mostly


class VerificationState(Enum):
    """Where a verification stands; all but the first two are final."""

    OPEN = "OPEN"
    JUDGING = "JUDGING"
    DECIDED = "DECIDED"
    DECLINED = "DECLINED"
    NO_ANSWER = "NO_ANSWER"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Whether nothing changes any more."""
        return self not in (VerificationState.OPEN, VerificationState.JUDGING)

    @property
    def listed(self) -> str:
        """The word under which it is listed: what is being judged is still open."""
        return VerificationState.OPEN.value if self is VerificationState.JUDGING else self.value


class Verification(Record):
    """One question put to one holder.

    Args:
        id: of the message that carries the question, and of its thread; whoever was invited knows it.
        invitation_url: the address that carries the invitation, or the link; empty: it was sent to a wallet that had
            been asked before, and no address leads to it.
        short_url: a short one that stands for it.
        group: how the one credential that is asked for is called, or the first of several; what stands here of it
            (requirement, award_precision, names, hidden, eligible, schemas) is what `asked.AskedGroup` says.
        further: the other credentials that are asked for.
        ref: a reference that both sides see: the caller's own, or one that was made up.
        keeping: why and how long the answer is kept as a case file; None: it is not.
        salt: of the nonce that binds a question whose answer is kept (`bound_question`), hexadecimal.
        link, place: where it was asked by a link for many.
        over: our key of the connection over which it was asked; nobody else may answer. None: by an invitation.
        asked_by: id of the person who asked it at the desk, or made the link; None: a program with the agent's token.
        proof_request: as it was sent.
        names: the attributes that are revealed, in order.
        hidden: the attributes of the credential that stay hidden.
        eligible: ids of the credential definitions that could count when the question was put.
        schemas: ids of the schemas of the credential type then.
        answer_by: after this nothing is accepted.
        state: by the markers, like all that follows.
        answer_digest: SHA-256 of the answering message, hexadecimal.
        answered_by: the key that the answer came from, or that it named for what comes back, base58: whoever has it may
            have the answer erased.
        judging_since: when the answer came.
        decline_code: the wallet's own code, from a closed set of characters.
        cancelled_by: id of the person who took it back at the desk; None: a program, or nobody did.
        ended_at: when it became final.
        decision: the whole one.
        group_decisions: those about each of several credentials, in the order of `groups`; empty where there is one.
        grounds: the decision fact by fact; None of one that was made before facts were kept.
        seen_until: when the values that were revealed are forgotten; `seen` has them until then. None: none were.
        receipt_token: whoever knows it may see the receipt of the decision.
    """

    category: ClassVar[str] = "wanderbuch.verification"
    index_version: ClassVar[int] = 3

    invitation_url: str
    short_url: str | None = None
    group: str = ONLY_GROUP
    requirement: Requirement
    award_precision: AwardPrecision
    proof_request: dict[str, Any]
    words: tuple[str, ...]
    names: tuple[str, ...]
    hidden: tuple[str, ...]
    eligible: tuple[str, ...]
    schemas: tuple[str, ...]
    further: tuple[AskedGroup, ...] = ()
    ref: str | None = None
    keeping: Keeping | None = None
    salt: str | None = None
    link: str | None = None
    place: int | None = None
    over: str | None = None
    asked_by: str | None = None
    answer_by: datetime
    state: VerificationState = VerificationState.OPEN
    answer_digest: str | None = None
    answered_by: str | None = None
    judging_since: datetime | None = None
    decline_code: str | None = None
    cancelled_by: str | None = None
    ended_at: datetime | None = None
    decision: TrustDecision | None = None
    group_decisions: tuple[TrustDecision, ...] = ()
    grounds: AnswerGrounds | None = None
    seen_until: datetime | None = None
    receipt_token: str | None = None

    @property
    def groups(self) -> tuple[AskedGroup, ...]:
        """All credentials that are asked for."""
        first = AskedGroup(
            self.group,
            self.requirement,
            self.award_precision,
            self.names,
            self.hidden,
            self.eligible,
            self.schemas,
        )
        return (first, *self.further)

    @property
    def decisions(self) -> tuple[TrustDecision, ...]:
        """The decision about each credential, in the order of `groups`; empty before there is one.

        Where the answer as a whole could not be judged, that stands for each.
        """
        return self.group_decisions or (() if self.decision is None else (self.decision,) * (1 + len(self.further)))

    @property
    def left_out(self) -> tuple[str, ...]:
        """The attributes that were asked, and left out of the answer as the question allowed."""
        codes = {reason.code for decision in self.decisions for reason in decision.reasons}
        return may_be_left_out(self.requirement) if codes & {NAME_LEFT_OUT, BIRTH_DATE_LEFT_OUT} else ()

    @property
    def has_seen(self) -> bool:
        """Whether values were revealed."""
        return self.seen_until is not None

    @property
    def invitation_id(self) -> str:
        """Id of the invitation that carries the question."""
        return invitation_id_of(self.id)

    def expired(self, at: datetime) -> bool:
        """Whether no answer is accepted any more."""
        return at > self.answer_by

    def is_overdue(self, at: datetime) -> bool:
        """Whether its deadline is over and nobody has answered."""
        return self.state is VerificationState.OPEN and self.expired(at)

    def is_stuck(self, at: datetime, *, judging_limit: timedelta) -> bool:
        """Whether an answer was taken but its judgement was cut off: nothing is working on it any more."""
        return (
            self.state is VerificationState.JUDGING
            and self.judging_since is not None
            and at > self.judging_since + judging_limit
        )

    def index_state(self) -> str:
        """Return the word under which it is listed."""
        return self.state.listed

    def due_at(self) -> datetime | None:
        """Return when it is overdue, or what was seen is forgotten.

        One that is being judged stays due at its deadline, so that taking an answer writes no row. If its judgement is
        cut off, whoever looks at it ends it, and so does the first sweep of the process that starts again.
        """
        if self.state in (VerificationState.OPEN, VerificationState.JUDGING):
            return self.answer_by
        return self.seen_until

    def due_again(self, now: datetime) -> datetime | None:
        """Return when it is due after it was looked at."""
        if self.state is VerificationState.JUDGING and self.judging_since is not None:
            return self.judging_since + 2 * JUDGING
        due = self.due_at()
        return due if self.state is VerificationState.OPEN or (due is not None and due > now) else None


def open_verifications(profile: Profile, *, at_hand: int = 0) -> Markers[Verification]:
    """Return the verifications of a profile; `at_hand` of those used last are not read again."""
    return Markers(profile, Verification, names=(ANSWER, DECISION), in_turn=True, at_hand=at_hand)


def busy_verifications(profile: Profile) -> Markers[Verification]:
    """Return the same for whoever asks and is answered all day."""
    return open_verifications(profile, at_hand=_AT_HAND)


async def find_invitation_url(profile: Profile, verification_id: str) -> str | None:
    """Return the address of a question's invitation while an answer is accepted; None if there is none (any more)."""
    verification = await open_verifications(profile).get_or_none(verification_id)
    if verification is None or verification.expired(utc_now()) or verification.state is VerificationState.CANCELLED:
        return None
    return verification.invitation_url


def taken(digest: str, *, at: datetime, by: str | None = None) -> dict[str, Any]:
    """Return the marker `answer` of a presentation."""
    return {
        "state": VerificationState.JUDGING.value,
        "answer_digest": digest,
        "answered_by": by,
        "judging_since": at.isoformat(),
    }


def invitation_id_of(question_id: str) -> str:
    """Return the id of the invitation that carries a question: another one, since a question is a message itself."""
    return question_id + _INVITATION


def question_invited_to(invitation_id: str) -> str | None:
    """Return the id of the question that an invitation of this id carries; None: it carries none."""
    return invitation_id.removesuffix(_INVITATION) if invitation_id.endswith(_INVITATION) else None


def declined(code: str, *, at: datetime) -> dict[str, Any]:
    """Return the marker `answer` of a decline."""
    return {"state": VerificationState.DECLINED.value, "decline_code": code, "ended_at": at.isoformat()}


def unanswered(*, at: datetime) -> dict[str, Any]:
    """Return the marker `answer` of a deadline that is over."""
    return {"state": VerificationState.NO_ANSWER.value, "ended_at": at.isoformat()}


def cancelled(*, at: datetime, by: str | None = None) -> dict[str, Any]:
    """Return the marker `answer` of a question that was taken back, and by whom."""
    return {"state": VerificationState.CANCELLED.value, "cancelled_by": by, "ended_at": at.isoformat()}


def decided(
    decision: TrustDecision,
    grounds: AnswerGrounds,
    *,
    seen_until: datetime | None,
    at: datetime,
    of_groups: Sequence[TrustDecision] = (),
) -> dict[str, Any]:
    """Return the marker `decision`; `of_groups` are the decisions about each of several credentials."""
    several = {"group_decisions": [plain(part) for part in of_groups]}
    return {
        **(several if of_groups else {}),
        "state": VerificationState.DECIDED.value,
        "decision": plain(decision),
        "grounds": plain(grounds),
        "seen_until": None if seen_until is None else seen_until.isoformat(),
        "receipt_token": secrets.token_urlsafe(16),
        "ended_at": at.isoformat(),
    }


def as_put(verification: Verification) -> Verification:
    """Return a verification as it was put, without what has become of it."""
    fields = Verification.model_fields
    return verification.model_copy(update={name: fields[name].get_default(call_default_factory=True) for name in LATER})
