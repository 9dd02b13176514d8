"""The desk where offers are made and their answers noted.

An offer is made in these steps; up to 4 nothing has left this agent:

1. The issuer has a credential definition and an active registry.
2. The claim fits its type, and the crosswalk in force on the day of award gives its EQF level.
3. A careful holder would find the offer TRUSTED; else it is refused, with the decision.
4. The offer is kept with its deadline, then ACA-Py's exchange is made under an id that was kept first.
5. The invitation, which says nothing of the offer, and its short address are made and kept.

The offer goes to the first wallet that connects on the invitation (`delivery`). The answer is noted through `OfferBook`
by the guard in `plugins.trust`. `sweep` ends what is overdue, takes over what a crash left between the exchange and the
offer, and sends again what may be lost (`delivery`, `resending`).
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from uuid import uuid4

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.issue_credential.v2_0.manager import V20CredManager
from acapy_agent.protocols.issue_credential.v2_0.message_types import CRED_20_PROPOSAL
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_format import V20CredFormat
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_proposal import V20CredProposal
from acapy_agent.protocols.issue_credential.v2_0.messages.inner.cred_preview import V20CredAttrSpec, V20CredPreview
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.storage.error import StorageNotFoundError

from wanderbuch.agents.issuer import offers
from wanderbuch.agents.issuer.delivery import Delivery
from wanderbuch.agents.issuer.forgetting import forget_exchange
from wanderbuch.agents.issuer.invitation import invite
from wanderbuch.agents.issuer.offers import FIRST_PAUSE, KEEP_EXCHANGES, MAKING, MAX_SENDS, Offer, OfferState
from wanderbuch.agents.issuer.resending import is_due, send_again
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.issuer.telling import offer_events
from wanderbuch.agents.runtime.at_once import Rounds
from wanderbuch.agents.runtime.decisions import DecisionOut
from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.agents.runtime.short_links import ShortLinks
from wanderbuch.errors import ResolutionError, WanderbuchError
from wanderbuch.governance.question import Reason, TrustDecision, Verdict
from wanderbuch.plugins.trust.issue_messages import issued_credential
from wanderbuch.plugins.trust.issuing import IssuedCredential, OfferBook, SendOffer
from wanderbuch.plugins.trust.offer import ReceivedOffer
from wanderbuch.store.fellows import lost_since
from wanderbuch.store.records import NotFoundError, Page, RecordStore
from wanderbuch.store.telling import Teller

LOGGER = logging.getLogger(__name__)

_SWEEP_S: Final = 20.0
_UNANSWERED: Final = FIRST_PAUSE * 2**MAX_SENDS  # longer than any pause between two sendings
_SIGNED: Final = (V20CredExRecord.STATE_ISSUED, V20CredExRecord.STATE_DONE)


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


class Desk(OfferBook):
    """Makes offers and keeps book of them."""

    def __init__(
        self,
        profile: Profile,
        standing: Standing,
        *,
        label: str,
        short_links: ShortLinks,
        on_issued: Callable[[IssuedCredential], None],
    ) -> None:
        """Open the desk.

        Args:
            profile: whose wallet.
            standing: what this issuer may attest, and with what.
            label: how the issuer calls itself; wallets do not rely on it.
            short_links: makes short addresses.
            on_issued: is told of each credential; must not wait.
        """
        self._profile = profile
        self._standing = standing
        self._label = label
        self._short_links = short_links
        self._on_issued = on_issued
        self._offers = RecordStore(profile, Offer)
        self._teller = Teller(profile, Offer, offer_events)
        self._delivery = Delivery(profile, self._offers, self._teller)
        self._rounds = Rounds("issuer.resending")
        self._began = datetime.now(UTC)
        self._looked_since: datetime | None = None

    async def make(self, claim: Mapping[str, object], *, lifetime: timedelta) -> Offer:
        """Make an offer.

        Args:
            claim: attribute name -> value, of the issuer's credential type.
            lifetime: how long it stands.

        Raises:
            NotReadyError: the issuer has no credential definition yet.
            ClaimError: the claim does not fit its type.
            OfferRefusedError: the issuer may not attest it now.
            ResolutionError: the exchange or invitation could not be made.
        """
        ground = self._standing.ground()  # 1
        if ground is None:
            self._standing.look_again()
            raise NotReadyError(f"this issuer can not issue yet: {self._standing.waiting_for}")
        at = datetime.now(UTC)
        draft = await self._standing.draft(claim, at=at)  # 2
        if draft.decision.verdict is not Verdict.TRUSTED or draft.decision.governance is None:  # 3
            raise OfferRefusedError(draft.decision)
        offer = await self._offers.insert(  # 4
            Offer(
                cred_ex_id=str(uuid4()),
                credential_type=self._standing.credential_type.id,
                cred_def_id=ground.cred_def_id,
                values=dict(draft.offer.values),
                governance_version=draft.decision.governance.version,
                answer_by=at + lifetime,
            )
        )
        try:
            await self._make_exchange(offer, draft.offer)
            invitation = await invite(self._profile, self._standing.did, label=self._label)  # 5
            short_url = await self._short_links.add(invitation.url, lifetime=lifetime)
        except (BaseError, WanderbuchError) as err:
            LOGGER.warning("the offer could not be made", exc_info=err)
            await self._remove(offer)
            raise ResolutionError(
                f"the offer could not be made: {type(err).__name__}", hint="the agent's log says more; nothing was sent"
            ) from err
        step = offers.with_invitation(invitation, short_url=short_url)
        return await self._offers.change(offer.id, step)

    async def get(self, offer_id: str) -> Offer:
        """Return an offer as it stands now.

        Raises:
            NotFoundError: there is none.
        """
        offer = await self._offers.get(offer_id)
        return await self._end_if_overdue(offer, datetime.now(UTC))

    async def page(
        self, state: OfferState | None = None, *, limit: int = 200, cursor: str | None = None
    ) -> Page[Offer]:
        """Return a page of the offers, the newest first; only those in `state`, if given.

        Raises:
            CursorError: the cursor was not given out for this list.
        """
        at = datetime.now(UTC)
        for offer in await self._offers.due(at, state=OfferState.OPEN.value):
            await self._end_if_overdue(offer, at)
        return await self._offers.page(state=None if state is None else state.value, limit=limit, cursor=cursor)

    async def mark_revoked(self, offer_id: str) -> Offer:
        """Note that the revocation of an offer's credential is published."""
        return await self._teller.change(await self._offers.get(offer_id), offers.revoke)

    async def sweep(self, now: datetime) -> None:
        """End what is overdue, take over what a crash left, and remove exchange records that nobody needs.

        The first sweep after a process began, or another was lost, looks at every offer that is under way; later ones
        at what is due.
        """
        began = lost_since(self._profile, self._began)
        is_first, self._looked_since = began != self._looked_since, began
        async with self._offers.claiming(now + _UNANSWERED if is_first else now) as claimed:
            due = {offer.id: offer async for offer in claimed}
            if is_first:
                due |= {offer.id: offer async for offer in self._offers.every(state=OfferState.OPEN.value)}
            still_open = [offer for offer in due.values() if await self._look(offer, now)]
            await self._delivery.sweep(still_open)
            again = [offer for offer in due.values() if is_due(offer, now, began=began)]
            steps = {offer.id: partial(self._send_again, offer, now, began) for offer in again}
            await self._rounds.go(steps, wait_s=_SWEEP_S)

    async def _look(self, offer: Offer, now: datetime) -> bool:
        """Do what is due with an offer; return whether it is open."""
        if offer.state is not OfferState.OPEN:
            if not offer.forgotten and offer.ended_at is not None and offer.ended_at + KEEP_EXCHANGES < now:
                await self._forget_exchange(offer)
            return False
        exchange = await self._exchange(offer)
        if exchange is not None and exchange.state in _SIGNED:
            await self.issued(offer.cred_ex_id, await issued_credential(self._profile, exchange))
            return False
        if offer.invitation_id is None and offer.created_at < min(lost_since(self._profile, self._began), now - MAKING):
            await self._remove(offer)  # a crash came between 4 and 5
            return False
        return (await self._end_if_overdue(offer, now)).state is OfferState.OPEN

    async def stop(self) -> None:
        """End what is still running of a sweep; the next start goes on with it."""
        await self._delivery.stop()
        await self._rounds.stop()

    async def connected(self, invitation_id: str, connection_id: str, send: SendOffer) -> None:
        """Send the offer of an invitation to the first wallet that connected on it."""
        await self._delivery.connected(invitation_id, connection_id, send)

    async def reason_to_refuse(self, cred_ex_id: str, offer: ReceivedOffer, *, at: datetime) -> Reason | None:
        """Return why the offer may not be answered with a credential; None if it may."""
        held = await self._of_exchange(cred_ex_id)
        if held is None:
            return Reason("issuing.unknown", "The offer was not made at this issuer's desk.")
        if held.state is not OfferState.OPEN:
            return Reason("issuing.over", f"The offer is {held.state.value}.")
        if at > held.answer_by:
            return Reason("issuing.late", "The offer's deadline is over.")
        if (held.cred_def_id, held.values) != (offer.cred_def_id, dict(offer.values)):
            return Reason("issuing.changed", "The exchange no longer holds what was offered.")
        return None

    async def issued(self, cred_ex_id: str, credential: IssuedCredential) -> None:
        """Note that the credential was signed."""
        if await self._change(cred_ex_id, offers.issue(credential, at=datetime.now(UTC))):
            self._on_issued(credential)

    async def refused(self, cred_ex_id: str, reasons: tuple[Reason, ...]) -> None:
        """Note that the credential was not signed."""
        await self._change(cred_ex_id, offers.refuse(reasons, at=datetime.now(UTC)))

    async def declined(self, cred_ex_id: str) -> None:
        """Note that the wallet did not want the offer, or the credential."""
        await self._change(cred_ex_id, offers.decline(at=datetime.now(UTC)))

    async def acknowledged(self, cred_ex_id: str) -> None:
        """Note that the wallet has the credential."""
        await self._change(cred_ex_id, offers.keep)

    async def _change(self, cred_ex_id: str, step: offers.Step) -> bool:
        """Apply a step to the offer of an exchange and return whether there is one."""
        held = await self._of_exchange(cred_ex_id)
        if held is None:
            return False
        changed = await self._teller.change(held, step)
        if changed.state is not held.state:
            LOGGER.info("offer %s: %s -> %s", held.id, held.state.value, changed.state.value)
        return True

    async def _of_exchange(self, cred_ex_id: str) -> Offer | None:
        return next(iter(await self._offers.find(cred_ex_id=cred_ex_id)), None)

    async def _make_exchange(self, offer: Offer, draft: ReceivedOffer) -> None:
        filters = {"cred_def_id": str(draft.cred_def_id), "schema_id": str(draft.schema_id)}
        handler = V20CredFormat.Format.ANONCREDS.handler(self._profile)
        cred_format, attachment = handler.get_format_data(CRED_20_PROPOSAL, filters)
        proposal = V20CredProposal(
            credential_preview=V20CredPreview(attributes=V20CredAttrSpec.list_plain(offer.values)),
            formats=[cred_format],
            filters_attach=[attachment],
        )
        exchange = V20CredExRecord(
            cred_ex_id=offer.cred_ex_id,
            initiator=V20CredExRecord.INITIATOR_SELF,
            role=V20CredExRecord.ROLE_ISSUER,
            cred_proposal=proposal,
            auto_issue=False,
            auto_remove=False,
            new_with_id=True,
        )
        await V20CredManager(self._profile).create_offer(exchange)

    async def _exchange(self, offer: Offer) -> V20CredExRecord | None:
        async with self._profile.session() as session:
            try:
                return await V20CredExRecord.retrieve_by_id(session, offer.cred_ex_id)
            except StorageNotFoundError:
                return None

    async def _send_again(self, offer: Offer, now: datetime, began: datetime) -> None:
        if (exchange := await self._exchange(offer)) is None:
            return
        is_ours = False

        def step(held: Offer) -> Offer | None:
            nonlocal is_ours
            is_ours = is_due(held, now, began=began)
            return offers.send_again(at=now)(held) if is_ours else None

        await self._offers.change(offer.id, step)
        if is_ours:  # else another process was faster, or the wallet has said something
            await send_again(self._profile, exchange)

    async def _end_if_overdue(self, offer: Offer, at: datetime) -> Offer:
        if offer.state is not OfferState.OPEN or at <= offer.answer_by:
            return offer
        return await self._teller.change(offer, offers.end_without_answer(at=at))

    async def _remove(self, offer: Offer) -> None:
        """Remove an offer that never left this agent."""
        if await self._exchange(offer) is not None:
            await V20CredManager(self._profile).delete_cred_ex_record(offer.cred_ex_id)
        await self._offers.remove(offer.id)

    async def _forget_exchange(self, offer: Offer) -> None:
        await forget_exchange(self._profile, offer)
        try:
            await self._offers.change(offer.id, offers.forget_exchange)
        except NotFoundError:
            LOGGER.info("offer %s is gone", offer.id)


def decision_json(decision: TrustDecision) -> dict[str, object]:
    """Return a decision for a JSON answer."""
    return DecisionOut.of(decision).model_dump(mode="json")
