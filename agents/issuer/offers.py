"""An offer from claim to credential, as a record in the wallet store.

    OPEN ──request──► ISSUED ──revocation published──► REVOKED
      ├──decline───► DECLINED
      ├──deadline──► NO_ANSWER
      └──refusal───► REFUSED

Each step is a pure function for `RecordStore.change`, so of two that race one sees what the other wrote. A signed
credential is the stronger fact: ISSUED may follow DECLINED or NO_ANSWER if that came while it was being signed.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.agents.issuer.invitation import Invitation
from wanderbuch.governance.question import Reason
from wanderbuch.plugins.trust.issuing import IssuedCredential
from wanderbuch.store.records import Record

KEEP_EXCHANGES: Final = timedelta(days=1)  # so long a lost answer is sent again
MAKING: Final = timedelta(minutes=5)  # more than it takes, also in another process whose clock is not quite ours
MAX_SENDS: Final = 8
FIRST_PAUSE: Final = timedelta(seconds=30)


class OfferState(Enum):
    """Where an offer stands; only OPEN and ISSUED can change."""

    OPEN = "OPEN"
    ISSUED = "ISSUED"
    DECLINED = "DECLINED"
    NO_ANSWER = "NO_ANSWER"
    REFUSED = "REFUSED"  # by this agent, after it was offered
    REVOKED = "REVOKED"


class Receipt(Enum):
    """What the wallet said about the credential."""

    NONE = "NONE"
    KEPT = "KEPT"
    REJECTED = "REJECTED"


class ReasonRecord(BaseModel):
    """A reason, as it is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    text: str


class Offer(Record):
    """One offer and what became of it.

    Args:
        cred_ex_id: ACA-Py's exchange record.
        values: what will be signed, attribute by attribute; personal, so never a tag and never logged.
        governance_version: of the governance file that the offer was judged by.
        oob_id: ACA-Py's record of the invitation.
        connection_id: of the wallet that connected on the invitation; nobody else gets the offer.
        offered_at: when the offer was last sent over that connection.
        registry, index: the credential's place; index is the cred_rev_id.
        sends, sent_at: how often the credential was sent, and when last.
        forgotten: the exchange record of ACA-Py was removed.
    """

    category: ClassVar[str] = "wanderbuch.offer"
    tag_names: ClassVar[tuple[str, ...]] = ("cred_ex_id", "invitation_id")

    cred_ex_id: str
    state: OfferState = OfferState.OPEN
    credential_type: str
    cred_def_id: str
    values: dict[str, str] = Field(repr=False)
    governance_version: int
    answer_by: datetime
    invitation_id: str | None = None
    oob_id: str | None = None
    invitation_url: str | None = None
    short_url: str | None = None
    connection_id: str | None = None
    offered_at: datetime | None = None
    registry: str | None = None
    index: int | None = None
    receipt: Receipt = Receipt.NONE
    reasons: tuple[ReasonRecord, ...] = ()
    sends: int = 0
    sent_at: datetime | None = None
    issued_at: datetime | None = None
    ended_at: datetime | None = None
    forgotten: bool = False

    def index_state(self) -> str:
        """Return the state."""
        return self.state.value

    def due_at(self) -> datetime | None:
        """Return when it is overdue, was to be handed over, is sent again, or its exchange is forgotten."""
        if self.state is OfferState.OPEN:
            if self.connection_id is not None and self.offered_at is None:
                return self.created_at
            return min(self.answer_by, self.created_at + MAKING) if self.invitation_id is None else self.answer_by
        instants = [each for each in (self.send_again_at(), self._forget_at()) if each is not None]
        return min(instants, default=None)

    def send_again_at(self) -> datetime | None:
        """Return when the credential is sent once more; None if the wallet has answered, or it was sent often enough.

        After 30 s, 1 min, 2 min and so on.
        """
        if self.state is not OfferState.ISSUED or self.receipt is not Receipt.NONE or self.sent_at is None:
            return None
        return None if self.sends >= MAX_SENDS else self.sent_at + FIRST_PAUSE * 2 ** (self.sends - 1)

    def _forget_at(self) -> datetime | None:
        return None if self.forgotten or self.ended_at is None else self.ended_at + KEEP_EXCHANGES


type Step = Callable[[Offer], Offer | None]


def with_invitation(invitation: Invitation, *, short_url: str) -> Step:
    """Return the step that notes the invitation."""
    update = {
        "invitation_id": invitation.id,
        "oob_id": invitation.oob_id,
        "invitation_url": invitation.url,
        "short_url": short_url,
    }
    return lambda held: held.model_copy(update=update)


def connect(connection_id: str, *, at: datetime) -> Step:
    """Return the step that gives an open offer to a connection: the first that comes before the deadline."""

    def step(held: Offer) -> Offer | None:
        if at > held.answer_by:
            return end_without_answer(at=at)(held)
        if held.state is not OfferState.OPEN or held.connection_id is not None:
            return None
        return held.model_copy(update={"connection_id": connection_id})

    return step


def hand_over(*, at: datetime) -> Step:
    """Return the step that notes that the offer was sent."""
    return lambda held: held.model_copy(update={"offered_at": at})


def issue(credential: IssuedCredential, *, at: datetime) -> Step:
    """Return the step to ISSUED; it was signed, whatever else was thought of it meanwhile."""

    def step(held: Offer) -> Offer | None:
        if held.state in (OfferState.ISSUED, OfferState.REVOKED):
            return None
        update = {
            "state": OfferState.ISSUED,
            "registry": credential.registry,
            "index": credential.index,
            "connection_id": credential.connection_id,
            "sends": 1,
            "sent_at": at,
            "issued_at": at,
            "ended_at": at,
        }
        return held.model_copy(update=update)

    return step


def send_again(*, at: datetime) -> Step:
    """Return the step that notes one more sending, if the wallet has said nothing yet."""

    def step(held: Offer) -> Offer | None:
        if held.state is not OfferState.ISSUED or held.receipt is not Receipt.NONE:
            return None
        return held.model_copy(update={"sends": held.sends + 1, "sent_at": at})

    return step


def decline(*, at: datetime) -> Step:
    """Return the step to DECLINED; for a credential that was sent, it only says that the wallet did not keep it."""

    def step(held: Offer) -> Offer | None:
        if held.state is OfferState.OPEN:
            return held.model_copy(update={"state": OfferState.DECLINED, "ended_at": at})
        if held.state is OfferState.ISSUED and held.receipt is Receipt.NONE:
            return held.model_copy(update={"receipt": Receipt.REJECTED})
        return None

    return step


def refuse(reasons: tuple[Reason, ...], *, at: datetime) -> Step:
    """Return the step to REFUSED, or to NO_ANSWER if the answer only came too late."""

    def step(held: Offer) -> Offer | None:
        if held.state is not OfferState.OPEN:
            return None
        state = OfferState.NO_ANSWER if at > held.answer_by else OfferState.REFUSED
        kept = tuple(ReasonRecord(code=reason.code, text=reason.text) for reason in reasons)
        return held.model_copy(update={"state": state, "reasons": kept, "ended_at": at})

    return step


def keep(held: Offer) -> Offer | None:
    """Note that the wallet has the credential."""
    if held.state is not OfferState.ISSUED or held.receipt is Receipt.KEPT:
        return None
    return held.model_copy(update={"receipt": Receipt.KEPT})


def end_without_answer(*, at: datetime) -> Step:
    """Return the step to NO_ANSWER once the deadline is over."""

    def step(held: Offer) -> Offer | None:
        if held.state is not OfferState.OPEN or at <= held.answer_by:
            return None
        return held.model_copy(update={"state": OfferState.NO_ANSWER, "ended_at": held.answer_by})

    return step


def revoke(held: Offer) -> Offer | None:
    """Note that the revocation is published."""
    return held.model_copy(update={"state": OfferState.REVOKED}) if held.state is OfferState.ISSUED else None


def forget_exchange(held: Offer) -> Offer:
    """Note that ACA-Py's exchange record was removed."""
    return held.model_copy(update={"forgotten": True})
