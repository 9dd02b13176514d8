"""The desk where offers are made, ended and looked at.

An offer is made in these steps; up to 4 nothing has left this agent:

1. The issuer has a credential definition and an active registry.
2. The claim fits its type, and the crosswalk in force on the day of award gives its EQF level.
3. A careful holder would find the offer TRUSTED; else it is refused, with the decision.
4. The offer is kept, in one piece, with the address of its invitation; a short address that is a record of its own,
   which says nothing of the offer, before it.

The offer goes to the first wallet that connects on the invitation (`delivery`); what the wallet answers is taken by
`answering`. `sweep` ends what is overdue, takes up what a crash left, and sends again what may be lost.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.answering import Answering, over_report
from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.agents.issuer.delivery import Delivery
from wanderbuch.agents.issuer.forgetting import forget
from wanderbuch.agents.issuer.invitation import invite
from wanderbuch.agents.issuer.offers import Offer, OfferState, Receipt, answered
from wanderbuch.agents.issuer.register.number_entries import SlipRow, WithOffer
from wanderbuch.agents.issuer.register.numbers import CertificateNumbers
from wanderbuch.agents.issuer.resending import send_again, send_payload
from wanderbuch.agents.issuer.signing import Signer, new_nonce
from wanderbuch.agents.issuer.standing import OfferDraft, Standing
from wanderbuch.agents.runtime.at_once import Rounds
from wanderbuch.agents.runtime.decisions import DecisionOut
from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.errors import ExchangeError, ResolutionError, WanderbuchError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.governance.facts.question import TrustDecision, Verdict
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.exchange.sending_again import SEND_FOR
from wanderbuch.store.fellows import lost_since
from wanderbuch.store.fence import PASSING
from wanderbuch.store.record import new_id
from wanderbuch.store.records import Page

LOGGER = logging.getLogger(__name__)

type Shorten = Callable[[str, str, timedelta], Awaitable[str]]
"""Gives the short address of (id, long address, how long it is needed) of an invitation."""

_SWEEP_S: Final = 20.0
_UNANSWERED: Final = SEND_FOR + timedelta(minutes=1)  # whatever is still sent again is due by then


class OfferRefusedError(WanderbuchError):
    """The offer is outside what this issuer may attest now; nothing was sent.

    Args:
        decision: by the governance file, with its reasons.
    """

    code = "refused"

    def __init__(self, decision: TrustDecision) -> None:
        reasons = " ".join(reason.text for reason in decision.reasons)
        super().__init__(f"this issuer may not attest that now: {reasons}")
        self.decision = decision
        self.members = {"decision": decision_json(decision)}


class OfferDesk:
    """Makes offers, ends them, and looks after those that are under way."""

    def __init__(
        self,
        profile: Profile,
        standing: Standing,
        *,
        did: WebvhDid,
        label: str,
        base_url: str,
        shorten: Shorten,
        sending: Sending,
    ) -> None:
        """Open the desk.

        Args:
            profile: whose wallet.
            standing: what this issuer may attest, and with what.
            did: the agent's, which invites; what is signed may be signed by a DID on a ledger.
            label: how the issuer calls itself; wallets do not rely on it.
            base_url: what the long address of an invitation begins with.
            shorten: makes short addresses.
            sending: the way out.
        """
        self._profile = profile
        self._standing = standing
        self._did = did
        self._label = label
        self._base_url = base_url
        self._shorten = shorten
        self._sending = sending
        self.book = OfferBook(profile)
        self.numbers = CertificateNumbers(profile, self.book.offers)
        signer = Signer(profile)
        self.answering = Answering(self.book, standing, signer, sending, self.numbers.hashes)
        self.delivery = Delivery(profile, self.book, signer, sending)
        self._rounds = Rounds("issuer.resending")
        self._began = datetime.now(UTC)
        self._looked_since: datetime | None = None

    async def make(
        self,
        claim: Mapping[str, object],
        *,
        lifetime: timedelta,
        offer_id: str | None = None,
        row: SlipRow | None = None,
        instead_of: str | None = None,
        by: str | None = None,
        beside: WithOffer | None = None,
    ) -> Offer:
        """Make an offer.

        Args:
            claim: attribute name -> value, of the issuer's credential type.
            lifetime: how long it stands.
            offer_id: its id, as `new_id` makes them; by default a fresh one.
            row: of the batch whose slip it is made for.
            instead_of: id of the offer whose place it takes: it may have its number.
            by: id of who makes it.
            beside: is written with it, in one transaction.

        Raises:
            NotReadyError: the issuer has no credential definition yet.
            ClaimError: the claim does not fit its type.
            OfferRefusedError: the issuer may not attest it now.
            NumberTakenError: another certificate has its number.
            ResolutionError: the offer or its address could not be kept.
        """
        at = datetime.now(UTC)
        draft, governance_version = await self._draft(claim, at)  # 1, 2, 3
        offer_id = offer_id or new_id()
        long, short = await self._invited(offer_id, lifetime)  # 4
        return await self.numbers.insert(
            Offer(
                id=offer_id,
                created_at=at,
                credential_type=self._standing.credential_type.id,
                schema_id=str(draft.offer.schema_id),
                cred_def_id=str(draft.offer.cred_def_id),
                values=dict(draft.offer.values),
                governance_version=governance_version,
                answer_by=at + lifetime,
                nonce=new_nonce(),
                invitation_id=offer_id,
                invitation_url=long,
                short_url=short,
                batch_id=None if row is None else row.batch_id,
                made_by=by,
                supersedes=instead_of,
            ),
            row=row,
            instead_of=instead_of,
            beside=beside,
        )

    async def check(self, claim: Mapping[str, object]) -> None:
        """Refuse a claim that may not be offered now; an issuer that cannot issue yet judges nothing.

        Raises:
            ClaimError: the claim does not fit its type.
            OfferRefusedError: the issuer may not attest it now.
        """
        if self._standing.ground() is not None:
            await self._draft(claim, datetime.now(UTC))

    async def get(self, offer_id: str) -> Offer:
        """Return an offer as it stands now.

        Raises:
            NotFoundError: there is none.
        """
        offer = await self.book.offers.get(offer_id)
        return await self._end_if_overdue(offer, datetime.now(UTC))

    async def find(self, offer_id: str) -> Offer | None:
        """Return an offer as it is kept, None if there is none."""
        return await self.book.offers.get_or_none(offer_id)

    async def page(
        self, state: OfferState | None = None, *, limit: int = 200, cursor: str | None = None
    ) -> Page[Offer]:
        """Return a page of the offers, the newest first; only those in `state`, if given.

        Raises:
            CursorError: the cursor was not given out for this list.
        """
        at = datetime.now(UTC)
        for offer in await self.book.offers.due(at, state=OfferState.OPEN.value):
            await self._end_if_overdue(offer, at)
        return await self.book.offers.page(state=None if state is None else state.value, limit=limit, cursor=cursor)

    async def withdraw(self, offer_id: str) -> Offer:
        """End an open offer, and tell the wallet that has it; asking again changes nothing.

        Raises:
            NotFoundError: there is none.
            ExchangeError: it has ended otherwise.
        """
        offer = await self.get(offer_id)
        was_open = offer.state is OfferState.OPEN
        offer = await self.book.end(offer, OfferState.WITHDRAWN, at=datetime.now(UTC))
        if offer.state is not OfferState.WITHDRAWN:
            raise ExchangeError(f"expected an open offer, found one that is {offer.state.value}")
        if was_open:
            await self._tell_withdrawn(offer)
        return offer

    async def sweep(self, now: datetime) -> None:
        """End what is overdue, take up what a crash left, and remove what nobody needs any more.

        The first sweep after a process began, or another was lost, looks at every offer that is under way; later ones
        at what is due.
        """
        began = lost_since(self._profile, self._began)
        is_first, self._looked_since = began != self._looked_since, began
        offers = self.book.offers
        async with offers.claiming(now + _UNANSWERED if is_first else now, also_early=True) as claimed:
            due = {offer.id: offer async for offer in claimed}
            if is_first:
                due |= {offer.id: offer async for offer in offers.every(state=OfferState.OPEN.value)}
            still_open = [offer for offer in due.values() if await self._look(offer, now, is_first=is_first)]
            if is_first:
                await self.delivery.sweep(still_open, now)
            else:
                await self.delivery.sweep((), now)
            again = [
                offer.id
                for offer in due.values()
                if offer.awaits_receipt and (is_first or (offer.due_at() or now) <= now)
            ]
            steps = {offer_id: partial(self._send_again, offer_id) for offer_id in again}
            await self._rounds.go(steps, wait_s=_SWEEP_S)

    async def stop(self) -> None:
        """End what is still running of a sweep; the next start goes on with it."""
        await self.delivery.stop()
        await self._rounds.stop()

    async def _look(self, offer: Offer, now: datetime, *, is_first: bool) -> bool:
        """Do what is due with an offer; return whether it is open."""
        if offer.state is not OfferState.OPEN:
            if offer.receipt is Receipt.KEPT:  # a crash came between that word, the payload's end, and the event of it
                await self.book.payloads.remove(offer.id)
                await self.book.teller.again(offer)
            elif offer.over_at is not None and offer.over_at < now:
                if offer.awaits_receipt:  # a wallet that answers after all is heard
                    await self.book.teller.add(offer, "receipt", answered(Receipt.UNANSWERED))
                await forget(self._profile, self.book, offer)
            elif offer.state is OfferState.WITHDRAWN:  # the first word went with a process, or the wallet was away
                await self.book.payloads.remove(offer.id)  # signed while it was withdrawn, by a process that is gone
                await self._tell_withdrawn(offer)
            return False
        if is_first and offer.wallet is not None and (payload := await self.answering.take_up(offer)) is not None:
            await send_payload(self._profile, self._sending, offer, payload)
            return False
        return (await self._end_if_overdue(offer, now)).state is OfferState.OPEN

    async def _tell_withdrawn(self, offer: Offer) -> None:
        if offer.wallet is not None:
            report = over_report(offer.thread_id, invitation_id=offer.invitation_id)
            await self._sending.send_soon(self._profile, offer.wallet.channel, report)

    async def _send_again(self, offer_id: str) -> None:
        await send_again(self._profile, self.book, self._sending, offer_id)

    async def _end_if_overdue(self, offer: Offer, at: datetime) -> Offer:
        if offer.state is not OfferState.OPEN or at <= offer.answer_by:
            return offer
        return await self.book.end(offer, OfferState.NO_ANSWER, at=offer.answer_by)

    async def _draft(self, claim: Mapping[str, object], at: datetime) -> tuple[OfferDraft, int]:
        """Return a claim with all its values, and the version of the governance by which it may be offered (1 to 3)."""
        if self._standing.ground() is None:
            self._standing.look_again()
            raise NotReadyError(f"this issuer cannot issue yet: {self._standing.waiting_for}")
        draft = await self._standing.draft(claim, at=at)
        if draft.decision.verdict is not Verdict.TRUSTED or draft.decision.governance is None:
            raise OfferRefusedError(draft.decision)
        return draft, draft.decision.governance.version

    async def _invited(self, invitation_id: str, lifetime: timedelta) -> tuple[str, str]:
        """Return the long and the short address of an invitation."""
        url = invite(self._base_url, self._did, invitation_id=invitation_id, label=self._label)
        try:
            return url, await self._shorten(invitation_id, url, lifetime)
        except PASSING:
            raise
        except WanderbuchError as err:
            LOGGER.warning("the offer could not be made", exc_info=err)
            raise ResolutionError(
                f"the offer could not be made: {type(err).__name__}", hint="the agent's log says more; nothing was sent"
            ) from err


def decision_json(decision: TrustDecision) -> dict[str, object]:
    """Return a decision for a JSON answer."""
    return DecisionOut.of(decision).model_dump(mode="json")
