"""What takes the place of an issued credential: a record whose id is that of the old credential's offer.

    OFFERING ──offer made──► OFFERED ──the wallet keeps it, or the time is over──► DONE
       │                        ├──a renewal that nobody took──► LAPSED
       └──────dropped───────────┴──dropped──► LAPSED (DONE, if the old credential was revoked at once)

It exists once for each credential, so nothing is superseded twice at a time; what takes its place may be offered again.
The new offer names the old one (`Offer.supersedes`), this record names the new one: so each leads to the other.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import ClassVar, Final

from pydantic import Field

from wanderbuch.agents.issuer.offers import Offer, OfferState, Receipt
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.store.records import Record

BOTH_STAND: Final = timedelta(days=30)
"""At most so long the old credential is valid beside the offer of the new one."""
_SOONEST: Final = timedelta(minutes=1)
_LATEST: Final = timedelta(hours=1)


class Why(StrEnum):
    """Why a credential is superseded."""

    LOST_PHONE = "lost-phone"
    MISSPELT = "misspelt"
    RENEWAL = "renewal"
    WRONG_LEVEL = "wrong-level"
    WRONG_PERSON = "wrong-person"
    FRAUD = "fraud"

    @property
    def is_at_once(self) -> bool:
        """Whether the old credential is revoked before anything else: it must not be relied on for a day longer."""
        return self in (Why.WRONG_LEVEL, Why.WRONG_PERSON, Why.FRAUD)

    @property
    def reason(self) -> RevocationReason:
        """Return why the old credential is revoked, as its wallet is told."""
        match self:
            case Why.WRONG_LEVEL:
                return RevocationReason.MISTAKE
            case Why.WRONG_PERSON:
                return RevocationReason.WRONG_PERSON
            case Why.FRAUD:
                return RevocationReason.FRAUD
            case _:
                return RevocationReason.REPLACED


class SuccessorState(Enum):
    """How far it has come."""

    OFFERING = "OFFERING"  # the next offer is not made yet
    OFFERED = "OFFERED"
    DONE = "DONE"  # the old credential is revoked, or is being revoked
    LAPSED = "LAPSED"  # the old credential stands; nothing takes its place


UNDER_WAY: Final = (SuccessorState.OFFERING, SuccessorState.OFFERED)


class Successor(Record):
    """What takes the place of a credential. Its id is the old one's.

    Args:
        by: id of who asked for it, and of whoever makes the next offer.
        why: the reason; the newest, where a superseding that had lapsed was taken up again.
        claim: what is to be offered, until it is; personal, so never a tag and never logged. None: there is none.
        next_id: of the last offer in its place; nobody can guess it, since who knows it can ask for the offer.
        past: of those before.
        asked_at: when it was last asked for.
        offered_at: when something in its place was first offered.
        is_dropped: somebody dropped it, and that is not carried out yet.
    """

    category: ClassVar[str] = "wanderbuch.successor"

    by: str
    why: Why
    claim: dict[str, str] | None = Field(default=None, repr=False)
    next_id: str | None = None
    past: tuple[str, ...] = ()
    state: SuccessorState = SuccessorState.OFFERING
    asked_at: datetime
    offered_at: datetime | None = None
    is_dropped: bool = False

    @property
    def until(self) -> datetime | None:
        """Return until when the old credential stands at most; None: it does not, or nothing was offered yet."""
        return None if self.why.is_at_once or self.offered_at is None else self.offered_at + BOTH_STAND

    @property
    def may_drop(self) -> bool:
        """Return whether the old credential may still be let stand, or what is not offered yet be left."""
        if self.why.is_at_once:
            return self.state is SuccessorState.OFFERING
        return self.state in UNDER_WAY

    def may_offer_again(self, offer: Offer | None, now: datetime) -> bool:
        """Return whether the new one may be offered once more.

        Args:
            offer: the last one in its place.
            now: which instant.
        """
        if offer is None or self.state is SuccessorState.LAPSED:
            return False
        is_open = offer.state is OfferState.OPEN and now <= offer.answer_by
        is_over = offer.state is OfferState.REVOKED and self.state is SuccessorState.DONE
        return not is_open and not is_over and offer.receipt is not Receipt.KEPT

    def index_state(self) -> str:
        """Return the state."""
        return self.state.value

    def due_at(self) -> datetime | None:
        """Return when it is first looked at, while it is under way."""
        return self.asked_at if self.state in UNDER_WAY else None

    def due_again(self, now: datetime) -> datetime | None:
        """Return when it is looked at next: ever less often, at last each hour, and when its time is over."""
        if self.state not in UNDER_WAY:
            return None
        at = now + min(_LATEST, max(_SOONEST, now - self.asked_at))
        return at if self.until is None or self.until <= now else min(at, self.until)


def asked(
    why: Why, claim: Mapping[str, str] | None, *, old_id: str, next_id: str | None, by: str, at: datetime
) -> Successor:
    """Return the record of a superseding that was just asked for."""
    kept = None if claim is None else dict(claim)
    return Successor(id=old_id, created_at=at, asked_at=at, by=by, why=why, claim=kept, next_id=next_id)
