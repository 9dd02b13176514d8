"""Invitations for many: each wallet that answers one gets an offer of its own.

The invitation is a record that stands for what is offered; a wallet's offer is made when the wallet takes it, under an
id that follows from the invitation and the connection. So the same wallet that comes twice, or at two processes, has
one offer; and each offer has one wallet, as any other.

So many wallets may answer it as it says, and no more until the issuer lets them: a place is taken before the offer is
made, since each wallet that has one may ask for a credential, and for a place in a registry.
"""

from datetime import UTC, datetime
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile
from pydantic import Field

from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.signing import new_nonce
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.once import one_step, own_id
from wanderbuch.store.records import Record, RecordStore

MOST_WALLETS: Final = 200
"""So many may answer an invitation for many, unless the issuer says otherwise."""


class OpenInvitation(Record):
    """An invitation for many, and what each of them is offered.

    Args:
        values: what will be signed, attribute by attribute; personal, so never a tag and never logged.
        governance_version: of the governance file that the offers were judged by.
        answer_by: after this nobody gets an offer on it.
        most: so many wallets may answer it.
        taken: so many have.
    """

    category: ClassVar[str] = "wanderbuch.open_invitation"

    credential_type: str
    schema_id: str
    cred_def_id: str
    values: dict[str, str] = Field(repr=False)
    governance_version: int
    answer_by: datetime
    invitation_url: str
    short_url: str
    most: int = Field(default=MOST_WALLETS, ge=1)
    taken: int = 0

    def is_open(self, at: datetime) -> bool:
        """Whether a wallet may still get an offer on it."""
        return at <= self.answer_by and self.taken < self.most


class Invitations:
    """The invitations for many of one issuer."""

    def __init__(self, profile: Profile, book: OfferBook) -> None:
        """Open them.

        Args:
            profile: whose.
            book: where the offers are made.
        """
        self._profile = profile
        self._store = RecordStore(profile, OpenInvitation)
        self._book = book

    async def add(self, invitation: OpenInvitation) -> OpenInvitation:
        """Keep an invitation, and return it."""
        return await self._store.insert(invitation)

    async def find(self, invitation_id: str) -> OpenInvitation | None:
        """Return an invitation that can still be answered, None if there is none."""
        invitation = await self._store.get_or_none(invitation_id)
        return invitation if invitation is not None and invitation.is_open(datetime.now(UTC)) else None

    async def widen(self, invitation_id: str, most: int) -> OpenInvitation:
        """Let more wallets answer an invitation; NotFoundError: there is none.

        Raises:
            ExchangeError: that is not more than now.
        """

        def step(invitation: OpenInvitation) -> OpenInvitation:
            if most <= invitation.most:
                raise ExchangeError(f"expected more than the {invitation.most} wallets that may answer, found {most}")
            return invitation.model_copy(update={"most": most})

        return await self._store.change(invitation_id, step)

    async def offer_for(self, invitation_id: str, connection: Connection) -> Offer | None:
        """Return the offer that a connection has on an invitation, made now if need be; None: there is none."""
        offer_id = own_id("offer", invitation_id, connection.id)
        offer = await self._book.offers.get_or_none(offer_id)
        if offer is not None or await self.find(invitation_id) is None:
            return offer
        async with one_step(self._profile, f"offer.{offer_id}"):  # a wallet that comes twice at once takes one place
            offer = await self._book.offers.get_or_none(offer_id)
            if offer is not None or (invitation := await self._take_place(invitation_id)) is None:
                return offer
            return await self._make(offer_id, invitation)

    async def _take_place(self, invitation_id: str) -> OpenInvitation | None:
        """Take a place of an invitation, and return it; None: there is none any more."""
        is_taken = False

        def step(invitation: OpenInvitation) -> OpenInvitation | None:
            nonlocal is_taken
            is_taken = invitation.is_open(datetime.now(UTC))
            return invitation.model_copy(update={"taken": invitation.taken + 1}) if is_taken else None

        invitation = await self._store.change(invitation_id, step)
        return invitation if is_taken else None

    async def _make(self, offer_id: str, invitation: OpenInvitation) -> Offer:
        made = Offer(
            id=offer_id,
            credential_type=invitation.credential_type,
            schema_id=invitation.schema_id,
            cred_def_id=invitation.cred_def_id,
            values=invitation.values,
            governance_version=invitation.governance_version,
            answer_by=invitation.answer_by,
            nonce=new_nonce(),
            invitation_id=invitation.id,
        )
        try:
            return await self._book.offers.insert(made)
        except DuplicateError:  # the same wallet, at a process that slept in its step
            return await self._book.offers.get(offer_id)
