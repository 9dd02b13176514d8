"""An offer to the wallet, as a record: what came never changes, what happens to it are markers.

    OPEN ──answer──► ACCEPTED ──end──► RECEIVED, REFUSED, NO_ANSWER, ENDED_BY_ISSUER
         └─answer──► DECLINED, NO_ANSWER, ENDED_BY_ISSUER

`answer` is the first that becomes of an open offer, `end` the first that becomes of an accepted one; of what races, the
name of the marker lets one through, in whichever process. `credential` says that one came which cannot be checked yet.

Beside the record, each an entry under its id, gone when the offer is forgotten:

- the text: what is offered, personal, and the issuer's proof of its key (`offer_text`);
- the request: ours, with the secrets that the credential is completed with; gone as soon as it is (`requesting`);
- the credential that waits to be checked (`keeping`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder.exchanges import Exchanges, ids_of
from wanderbuch.agents.holder.peers import Origin
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.wrong import WrongPart
from wanderbuch.store.records import Record
from wanderbuch.store.tables import tables_of

KIND: Final = "offer"
"""Of the ids of `exchanges.exchange_id`."""

TELLING: Final = timedelta(minutes=1)
"""So long after an end it is clear whether the process that told the other side of it is still there."""

FIRST_PAUSE: Final = timedelta(seconds=30)

_MOST_AT_HAND: Final = 16  # of each wallet; some have 1 kB


class OfferState(Enum):
    """Where an offer stands; all but the first two are final."""

    OPEN = "OPEN"  # waits for the person
    ACCEPTED = "ACCEPTED"  # asked for; the credential has not come or cannot be checked yet
    RECEIVED = "RECEIVED"  # the credential is in the wallet
    DECLINED = "DECLINED"  # by the person
    REFUSED = "REFUSED"  # by this agent: what came was not what was offered, or does not count
    NO_ANSWER = "NO_ANSWER"  # the deadline passed
    ENDED_BY_ISSUER = "ENDED_BY_ISSUER"

    @property
    def is_final(self) -> bool:
        """Whether nothing changes any more."""
        return self not in (OfferState.OPEN, OfferState.ACCEPTED)

    @property
    def is_ours_to_tell(self) -> bool:
        """Whether it ended here, and the issuer is to be told so."""
        return self in (OfferState.DECLINED, OfferState.REFUSED, OfferState.NO_ANSWER)


class HeldOffer(Record):
    """One offer.

    Args:
        thread_id: of the exchange.
        origin: who sent it, and how to answer.
        digest: of what is offered (`OfferText.digest`): another offer on the thread is not this one.
        answer_by: then it ends by itself.
        judge_at: when to judge it, if that could not be done in time when it came.
        keep_days: how long it stays after its end.
        answer, answered_at: marker `answer`; `note` may come with it.
        waits_since: marker `credential`, with a `note`.
        end, ended_at: marker `end`; `note` may come with it.
        note: why it ended, or what it waits for, in words.
        wrong: what is wrong in it, as the person says who declined it.
        credential_digest: SHA-256 of the attachment that brought the credential, hexadecimal; with RECEIVED.
    """

    category: ClassVar[str] = "wanderbuch.held_offer"
    tag_names: ClassVar[tuple[str, ...]] = ("connection_id",)

    thread_id: str
    origin: Origin
    digest: str
    answer_by: datetime
    judge_at: datetime | None = None
    keep_days: int
    answer: OfferState | None = None
    answered_at: datetime | None = None
    waits_since: datetime | None = None
    end: OfferState | None = None
    ended_at: datetime | None = None
    note: str | None = None
    wrong: tuple[WrongPart, ...] = ()
    credential_digest: str | None = None

    @property
    def connection_id(self) -> str | None:
        """Return over which connection it came."""
        return self.origin.connection_id

    @property
    def state(self) -> OfferState:
        """Return where it stands."""
        return self.end or self.answer or OfferState.OPEN

    @property
    def is_accepted(self) -> bool:
        """Whether the person accepted it, and it did not end without a credential."""
        return self.state in (OfferState.ACCEPTED, OfferState.RECEIVED)

    @property
    def final_at(self) -> datetime | None:
        """Return when it ended, None while it goes on."""
        return (self.ended_at or self.answered_at) if self.state.is_final else None

    @property
    def forget_at(self) -> datetime | None:
        """Return when nothing is left of it, None while it goes on."""
        ended = self.final_at
        return None if ended is None else ended + timedelta(days=self.keep_days)

    def index_state(self) -> str:
        """Return the state."""
        return self.state.value

    def due_at(self) -> datetime | None:
        """Return when it has to be judged, asked for again, ended, told or forgotten."""
        if self.final_at is not None:
            return self.final_at + TELLING if self.state.is_ours_to_tell else self.forget_at
        if self.state is OfferState.OPEN:
            return self.answer_by if self.judge_at is None else min(self.judge_at, self.answer_by)
        since = self.waits_since or self.answered_at or self.created_at
        return min(since + FIRST_PAUSE, self.answer_by)


ANSWER: Final = "answer"
CREDENTIAL: Final = "credential"
END: Final = "end"


def _is_accepted(values: Mapping[str, Any]) -> bool:
    return bool(values.get("answer") == OfferState.ACCEPTED.value)


def held_offers(profile: Profile) -> Exchanges[HeldOffer]:
    """Return the offers of a wallet."""
    is_alone = not tables_of(profile).engine.is_shared  # else another process may forget one that is at hand
    return Exchanges(
        profile,
        HeldOffer,
        names=(ANSWER, CREDENTIAL, END),
        follows={CREDENTIAL: _is_accepted, END: _is_accepted},
        at_hand=_MOST_AT_HAND if is_alone else 0,
    )


async def offer_of(incoming: Incoming) -> HeldOffer | None:
    """Return the offer that a message belongs to, None if it belongs to none that its sender may write about."""
    ids = ids_of(KIND, incoming.recipient, incoming.thread_id)
    return await held_offers(incoming.profile).any_of(ids, lambda held_offer: held_offer.origin.is_between(incoming))


async def knows_offer(incoming: Incoming) -> bool:
    """Tell whether a message belongs to an offer that this wallet has from its sender."""
    return await offer_of(incoming) is not None
