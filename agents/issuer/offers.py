"""An offer from claim to credential: an immutable record in the wallet store, and what happens to it as markers.

    OPEN ──request──► ISSUED ──revocation published──► REVOKED
      ├──decline───► DECLINED
      ├──withdrawn─► WITHDRAWN
      ├──deadline──► NO_ANSWER
      └──refusal───► REFUSED

    marker    says                                                     comes
    outcome   how it ended, once and for all; ISSUED with its place    once; of several that race the first one is it
    taken     which wallet has the offer: nobody else gets it          once, while it is open
    receipt   what the wallet said of the credential                   after ISSUED
    kept      that the wallet kept it after all                        after a receipt of REJECTED or UNANSWERED
    revoked   that its revocation is public                            after ISSUED

`outcome` alone decides: a credential that was signed while somebody declined, or while the deadline passed, is not
sent. An offer's id is also that of its invitation, and `<id>.o` that of the message that offers it, so everything that
comes is found by name. A wallet is known by the keys with which it took the offer.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, ClassVar, Final, Self

from acapy_agent.core.profile import Profile
from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.governance.facts.question import Reason
from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.exchange.sending_again import FIRST_PAUSE, SEND_FOR, next_try
from wanderbuch.store.markers import Markers
from wanderbuch.store.records import Record

KEEP_EXCHANGES: Final = timedelta(days=1)
"""So long the connection of an offer that brought no credential stays."""

_NAMES: Final = ("outcome", "taken", "receipt", "kept", "revoked")
_THREAD: Final = re.compile(r"([A-Za-z0-9-]{1,64})\.o")
_AT_HAND: Final = 512


class OfferState(Enum):
    """Where an offer stands; only OPEN and ISSUED can change."""

    OPEN = "OPEN"
    ISSUED = "ISSUED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"  # by whoever made it, while it was open
    NO_ANSWER = "NO_ANSWER"
    REFUSED = "REFUSED"  # by this agent, after it was offered
    REVOKED = "REVOKED"

    @property
    def has_credential(self) -> bool:
        """Whether a credential came of it."""
        return self in (OfferState.ISSUED, OfferState.REVOKED)


class Receipt(Enum):
    """What the wallet said about the credential."""

    NONE = "NONE"
    KEPT = "KEPT"
    REJECTED = "REJECTED"
    UNANSWERED = "UNANSWERED"  # nothing for a week: the credential is sent no more


_NOT_KEPT: Final = frozenset((Receipt.REJECTED.value, Receipt.UNANSWERED.value))


class ReasonRecord(BaseModel):
    """A reason, as it is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    text: str


class Wallet(BaseModel):
    """Who took an offer: the two keys and the address of the connection.

    Args:
        own_key: ours, base58; the connection's own name.
        their_key: theirs, base58.
        connection_id: of ACA-Py's record of the connection.
        takes_packed: whether it takes packed numbers (ADR 120).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    own_key: str
    their_key: str
    endpoint: str
    routing_keys: tuple[str, ...] = ()
    connection_id: str | None = None
    takes_packed: bool = False

    @property
    def channel(self) -> Channel:
        """Return how to write to it."""
        own = (self.own_key, self.their_key, self.endpoint, self.routing_keys, self.connection_id)
        return Channel(*own, takes_packed=self.takes_packed)

    @classmethod
    def at(cls, channel: Channel) -> Self:
        """Return the wallet at the other end of a channel."""
        return cls(
            own_key=channel.own_key,
            their_key=channel.their_key,
            endpoint=channel.endpoint,
            routing_keys=channel.routing_keys,
            connection_id=channel.connection_id,
            takes_packed=channel.takes_packed,
        )


class Offer(Record):
    """One offer and what became of it.

    Args:
        values: what will be signed, attribute by attribute; personal, so never a tag and never logged.
        governance_version: of the governance file that the offer was judged by.
        nonce: of the AnonCreds offer, which is made anew from it whenever it is sent: the rest of it is constant.
        invitation_id: of the invitation that brings it: its own id. None: an older version.
        batch_id: of the batch whose slip it was made for.
        made_by: id of who made it; None: an older version, or a slip that was claimed.
        supersedes: the offer whose credential this one takes the place of (`holding`).
        wallet: who took it, from the marker `taken`, or from `outcome`.
        registry, index: the credential's place; index is the cred_rev_id.
        request_digest: SHA-256 of the request that was answered, hexadecimal.
    """

    category: ClassVar[str] = "wanderbuch.offer"
    index_version: ClassVar[int] = 3

    credential_type: str
    schema_id: str
    cred_def_id: str
    values: dict[str, str] = Field(repr=False)
    governance_version: int
    answer_by: datetime
    nonce: str
    invitation_id: str | None = None
    invitation_url: str | None = None
    short_url: str | None = None
    batch_id: str | None = None
    made_by: str | None = None
    supersedes: str | None = None

    state: OfferState = OfferState.OPEN
    wallet: Wallet | None = None
    registry: str | None = None
    index: int | None = None
    request_digest: str | None = None
    receipt: Receipt = Receipt.NONE
    reasons: tuple[ReasonRecord, ...] = ()
    issued_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def thread_id(self) -> str:
        """Return the id of the message that offers it, on whose thread everything else comes."""
        return f"{self.id}.o"

    def index_state(self) -> str:
        """Return the state."""
        return self.state.value

    def due_at(self) -> datetime | None:
        """Return when it is overdue, its credential or its end is first sent again, or what is kept for it goes."""
        if self.state is OfferState.OPEN:
            return self.answer_by
        if self.awaits_receipt and self.issued_at is not None:
            return self.issued_at + FIRST_PAUSE
        if self.state is OfferState.WITHDRAWN and self.ended_at is not None and self.wallet is not None:
            return self.ended_at + FIRST_PAUSE
        return self.over_at

    def due_again(self, now: datetime) -> datetime | None:
        """Return when it is looked at next.

        A credential is sent again after 30 s, 1 min, 2 min and so on, at last every 12 hours; the word that an offer is
        withdrawn, which nobody acknowledges, once.
        """
        over_at = self.over_at
        if self.awaits_receipt and self.issued_at is not None and over_at is not None:
            return None if now > over_at else min(over_at, next_try(now, since=self.issued_at))
        due = over_at if self.state is OfferState.WITHDRAWN else self.due_at()
        return None if due is None or due <= now else due

    @property
    def awaits_receipt(self) -> bool:
        """Whether its credential is sent again until the wallet says something."""
        return self.state is OfferState.ISSUED and self.receipt is Receipt.NONE

    @property
    def over_at(self) -> datetime | None:
        """Return when what is kept for an offer that has ended goes: a payload, or the connection that it brought."""
        if self.ended_at is None or self.receipt is Receipt.KEPT or self.wallet is None:
            return None
        return self.ended_at + (SEND_FOR if self.awaits_receipt else KEEP_EXCHANGES)


def open_offers(profile: Profile) -> Markers[Offer]:
    """Return the offers of a profile. None is ever removed, so those that were used last are kept at hand."""
    follows = {
        "taken": lambda values: values.get("state") != OfferState.ISSUED.value,  # then `outcome` says it
        "receipt": lambda values: values.get("state") == OfferState.ISSUED.value,
        "kept": lambda values: values.get("receipt") in _NOT_KEPT,
        "revoked": lambda values: values.get("state") == OfferState.ISSUED.value,
    }
    return Markers(profile, Offer, names=_NAMES, follows=follows, at_hand=_AT_HAND)


def offer_id_of(thread_id: str) -> str | None:
    """Return the id of the offer that a thread would be about; None: of none of ours."""
    match = _THREAD.fullmatch(thread_id)
    return None if match is None else match[1]


def taken(channel: Channel) -> Mapping[str, Any]:
    """Return the marker `taken`: by whoever is at the other end of a channel."""
    return {"wallet": Wallet.at(channel).model_dump(mode="json")}


def issued(
    offer: Offer, *, registry: str | None, index: int | None, request_digest: str, at: datetime
) -> Mapping[str, Any]:
    """Return the marker `outcome` of an offer whose credential was signed; with the wallet, which then has it."""
    return {
        "state": OfferState.ISSUED.value,
        "registry": registry,
        "index": index,
        "request_digest": request_digest,
        "issued_at": at.isoformat(),
        "ended_at": at.isoformat(),
        "wallet": None if offer.wallet is None else offer.wallet.model_dump(mode="json"),
    }


def ended(state: OfferState, *, at: datetime, reasons: tuple[Reason, ...] = ()) -> Mapping[str, Any]:
    """Return the marker `outcome` of an offer that ended without a credential."""
    if state is OfferState.OPEN or state.has_credential:
        raise ValueError(f"{state.value} is no end without a credential")
    value: dict[str, Any] = {"state": state.value, "ended_at": at.isoformat()}
    if reasons:
        value["reasons"] = [{"code": reason.code, "text": reason.text} for reason in reasons]
    return value


def answered(receipt: Receipt) -> Mapping[str, Any]:
    """Return the marker `receipt` or `kept`."""
    return {"receipt": receipt.value}


REVOKED: Final[Mapping[str, Any]] = {"state": OfferState.REVOKED.value}
"""The marker `revoked`."""
