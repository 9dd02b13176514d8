"""Superseding a credential: the new one is offered first, and the old one is revoked when it was taken.

1. The old credential is valid, and what is to take its place may be offered now; else nothing changes.
2. It is noted: why, and what is to be offered under which id.
3. For a wrong level, the wrong person and fraud, the old one is asked to be revoked, whatever comes of the new one.
   Where somebody revoked it for another reason, nothing takes its place: what was offered is withdrawn, and never
   signed (`answering`); what was signed before is revoked for the same reason.
4. The new offer is made under its id, and noted; it names the old one.
5. When the wallet keeps the new credential, or after thirty days, the old one is asked to be revoked. A renewal that
   nobody took lapses instead: nothing is wrong with the old credential. What was issued, and revoked before a wallet
   said that it keeps it, was not taken.

One step of a superseding is taken at a time, among all processes. Each finds what was done: a crash after 2 is taken up
by the sweep. Where the authority does not let the issuer attest the new one any more (4), the old one stands until it
does; the thirty days begin with the first offer.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.acts import Act, ActLog
from wanderbuch.agents.issuer.desk import OfferDesk
from wanderbuch.agents.issuer.holding.successor import (
    BOTH_STAND,
    UNDER_WAY,
    Successor,
    SuccessorState,
    Why,
    asked,
)
from wanderbuch.agents.issuer.offers import Offer, OfferState, Receipt, offer_id_of
from wanderbuch.agents.issuer.register.offer_words import claim_of, present
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.errors import ExchangeError, WanderbuchError
from wanderbuch.faults import describe
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.schemas.claims import validate_claim
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.store.errors import DuplicateError, NotFoundError
from wanderbuch.store.once import one_step
from wanderbuch.store.records import RecordStore, new_id

LOGGER = logging.getLogger(__name__)

MOST_OFFERS: Final = 20
"""So often something may be offered in the place of one credential."""
_NO_WAIT: Final = 0.0
_STEP_S: Final = 20.0
_SHORTEST: Final = timedelta(days=1)
_MUST_DIFFER: Final = (Why.MISSPELT,)
_MAY_OFFER_NOTHING: Final = (Why.WRONG_LEVEL, Why.FRAUD)


class SupersededError(ExchangeError):
    """A credential cannot be superseded so, or what takes its place has come too far."""

    code = "exchange.superseded"


class Superseding:
    """Sees to it that an attestation has one valid holding.

    Args:
        profile: of the issuer.
        desk: makes the offers.
        revocations: end the old credentials.
        log: of who did what; by default it is opened here.
    """

    def __init__(
        self, profile: Profile, desk: OfferDesk, revocations: Revocations, *, log: ActLog | None = None
    ) -> None:
        self._profile = profile
        self._desk = desk
        self._revocations = revocations
        self._log = log or ActLog(profile)
        self._records = RecordStore(profile, Successor)

    async def begin(self, old_id: str, why: Why, claim: Mapping[str, str] | None, *, by: str) -> Successor:
        """Put another credential in the place of one, or, for fraud, nothing; asked again, it changes nothing.

        Args:
            old_id: of the offer whose credential it is.
            why: the reason.
            claim: the whole of the new one, as applications write it. None: the same again; after a wrong level,
                nothing.
            by: id of who.

        Raises:
            NotFoundError: there is no such offer.
            SupersededError: it is no valid credential, is superseded for another reason, or the claim does not go
                with the reason.
            ClaimError: the claim does not fit its type.
            OfferRefusedError: the issuer may not attest the new one now.
            NumberTakenError: the new one is to have the number of a third certificate.
        """
        old = await self._desk.get(old_id)
        wanted = _claim_of(old, why, claim)
        if wanted is not None and why is not Why.WRONG_PERSON:  # whom the wrong one is taken from does not wait for it
            await self._desk.check(wanted)  # 1; the authority may be asked: nobody waits for that with the step
        async with self._step(old_id):
            kept = await self._settled(old_id)
            if kept is not None and kept.state is not SuccessorState.LAPSED:
                return await self._go_on(await self._same(kept, why, wanted), datetime.now(UTC))
            await self._check_valid(old_id)
            if wanted is not None:
                await self._desk.numbers.check(wanted, instead_of=old_id)
            next_id = None if wanted is None else new_id()
            made = asked(why, wanted, old_id=old_id, next_id=next_id, by=by, at=datetime.now(UTC))
            await self._log.note(Act.SUPERSEDED, by=by, what=f"{old_id} {why.value}")
            if kept is None:
                await self._records.insert(made)  # 2
            else:
                made = made.model_copy(update={"created_at": kept.created_at, "past": _past(kept)})
                await self._records.change(old_id, lambda _: made)
            if await self._revocations.get_or_none(old_id) is not None:  # meanwhile: whoever did has not seen this one
                await self._move(made, SuccessorState.LAPSED)
                await self._check_valid(old_id)
            return await self._go_on(made, datetime.now(UTC))

    async def again(self, old_id: str, *, by: str) -> Successor:
        """Offer the new one once more, after its offer ended, or the wallet did not keep it.

        Raises:
            NotFoundError: nothing takes the place of this credential.
            SupersededError: the new one was taken, it was offered as often as may be, or the old one was revoked for
                another reason.
        """
        async with self._step(old_id):
            kept = await self._settled(old_id) or await self._records.get(old_id)
            offer = None if kept.next_id is None else await self._desk.find(kept.next_id)
            if kept.state is SuccessorState.LAPSED or (kept.state is SuccessorState.DONE and offer is None):
                raise SupersededError("nothing takes the place of this credential", hint="supersede it")
            if not await self._desk.book.may_follow(old_id):
                raise SupersededError("the old credential was revoked, and not to be replaced")
            if offer is None or (offer := await self._desk.get(offer.id)).state is OfferState.OPEN:
                return await self._go_on(kept, datetime.now(UTC))
            if await self._is_taken(offer) or await self._is_superseded(offer.id):
                raise SupersededError("a wallet has what took its place", hint="supersede that one")
            if len(kept.past) + 1 >= MOST_OFFERS:
                raise SupersededError(f"expected at most {MOST_OFFERS} offers in the place of one credential")
            update = {
                "by": by,
                "state": SuccessorState.OFFERING,
                "claim": claim_of(offer),
                "past": _past(kept),
                "next_id": new_id(),
                "asked_at": datetime.now(UTC),
            }
            made = kept.model_copy(update=update)
            await self._log.note(Act.OFFERED_AGAIN, by=by, what=old_id, changed=[(kept, made)])
            return await self._go_on(made, datetime.now(UTC))

    async def drop(self, old_id: str, *, by: str) -> Successor:
        """Let the old credential stand, and withdraw what was offered in its place.

        Where the old one was revoked at once, and nothing could be offered yet, nothing is offered any more.

        Raises:
            NotFoundError: nothing takes the place of this credential.
            SupersededError: the old one is revoked already, or a new one was issued.
        """
        async with self._step(old_id):
            kept = await self._settled(old_id) or await self._records.get(old_id)
            if kept.state is SuccessorState.LAPSED:
                return kept
            if not kept.may_drop:
                raise SupersededError("the old credential is revoked", hint="a revocation is not taken back")
            offer = None if kept.next_id is None else await self._desk.find(kept.next_id)
            if offer is None or not await self._has_new(offer):
                dropped = kept.model_copy(update={"is_dropped": True})
                await self._log.note(Act.SUPERSEDING_DROPPED, by=by, what=old_id, changed=[(kept, dropped)])
                kept = await self._end_dropped(dropped)
            if kept.state in UNDER_WAY:
                raise SupersededError("the new credential was issued already", hint="supersede or revoke it")
            return kept

    async def find(self, old_id: str) -> Successor | None:
        """Return what takes the place of a credential, None if nothing ever did."""
        return await self._records.get_or_none(old_id)

    @asynccontextmanager
    async def settled(self, offer: Offer) -> AsyncIterator[None]:
        """Let nothing begin to take the place of a credential, or of the one that it follows itself, for a while.

        Raises:
            SupersededError: that is under way, or what takes its place is open.
        """
        async with AsyncExitStack() as steps:
            for old_id in (offer.supersedes, offer.id):  # the older one first: nobody waits crosswise
                if old_id is not None:
                    await steps.enter_async_context(self._step(old_id))
                    await self._check_settled(await self.find(old_id))
            yield

    async def _check_settled(self, record: Successor | None) -> None:
        if record is None or record.state is SuccessorState.LAPSED:
            return
        if record.state in UNDER_WAY:
            raise SupersededError(
                "another credential takes the place of one just now", hint="wait until it is taken, or drop it"
            )
        with suppress(NotFoundError):  # it was erased
            if record.next_id is not None and (await self._desk.get(record.next_id)).state is OfferState.OPEN:
                raise SupersededError(
                    "another credential is offered in the place of one", hint="wait until it is taken, or withdraw it"
                )

    async def forget(self, old_id: str) -> None:
        """Remove the record of what took the place of a credential; again changes nothing."""
        await self._records.remove(old_id)

    async def end_of(self, old_id: str, reason: RevocationReason | None = RevocationReason.REPLACED) -> None:
        """End whatever took, or takes, the place of a credential: its offers are withdrawn, its credentials revoked.

        Args:
            old_id: of its offer.
            reason: why.
        """
        next_id: str | None = old_id
        while next_id is not None:
            next_id = await self._end_next(next_id, reason)

    async def _end_next(self, old_id: str, reason: RevocationReason | None) -> str | None:
        if await self._records.get_or_none(old_id) is None:
            return None
        async with self._step(old_id):
            kept = await self._records.get(old_id)
            await self._end_past(kept)
            await self._withdraw_or_revoke(kept, reason)
            if kept.state in UNDER_WAY:
                await self._move(kept, SuccessorState.DONE)
            return kept.next_id

    async def _withdraw_or_revoke(self, record: Successor, reason: RevocationReason | None) -> None:
        try:
            await self._withdraw(record)
        except ExchangeError:  # it has a credential
            issued = await self._desk.get(str(record.next_id))
            await self._revocations.request(issued, wait_s=_NO_WAIT, reason=reason)

    async def heard(self, thread_id: str) -> None:
        """Go on at once after a wallet said that it keeps a credential; if that fails, the sweep does."""
        offer_id = offer_id_of(thread_id)
        offer = None if offer_id is None else await self._desk.find(offer_id)
        if offer is not None and offer.supersedes is not None and await self.find(offer.supersedes) is not None:
            await self._look(offer.supersedes, datetime.now(UTC), wait_s=_NO_WAIT)

    async def sweep(self, now: datetime) -> None:
        """Go on with what is under way, and take up what a crash left."""
        async with self._records.claiming(now, also_early=True) as due:
            async for record in due:
                await self._look(record.id, now)

    async def _look(self, old_id: str, now: datetime, *, wait_s: float = _STEP_S) -> None:
        try:
            async with self._step(old_id, wait_s=wait_s):
                await self._go_on(await self._records.get(old_id), now)
        except WanderbuchError as err:
            LOGGER.warning("credential %s could not be superseded further: %s", old_id, describe(err))

    async def _go_on(self, record: Successor, now: datetime) -> Successor:
        """Do what is next (3 to 5)."""
        if record.is_dropped:
            record = await self._end_dropped(record)
        if record.state not in UNDER_WAY:
            return record
        if record.why.is_at_once:  # 3
            await self._revoke(record)
        await self._end_past(record)
        if (next_id := record.next_id) is None:
            return await self._move(record, SuccessorState.DONE)
        if not await self._desk.book.may_follow(record.id):
            why = await self._reason_of(record.id)
            await self._withdraw_or_revoke(record, why)  # a wallet may have been first, and its word yet to come
            await self.end_of(next_id, why)
            return await self._move(record, SuccessorState.DONE)
        if record.state is SuccessorState.OFFERING:
            record = await self._offer(record, now)  # 4
        if record.state is not SuccessorState.OFFERED:
            return record
        offer = await self._desk.get(next_id)
        if record.why.is_at_once:
            return await self._move(record, SuccessorState.DONE)
        is_late = record.until is not None and record.until <= now
        if is_late and record.why is Why.RENEWAL and await self._stands(record) and not await self._has_new(offer):
            with suppress(ExchangeError):
                await self._withdraw(record)
            if not await self._has_new(await self._desk.get(offer.id)):
                return await self._move(record, SuccessorState.LAPSED)
        if is_late or await self._is_taken(offer):  # 5
            await self._revoke(record)
            return await self._move(record, SuccessorState.DONE)
        return record

    async def _settled(self, old_id: str) -> Successor | None:
        """Return the record of a credential, after the end of a drop that a crash cut; None: there is none."""
        kept = await self._records.get_or_none(old_id)
        return kept if kept is None or not kept.is_dropped else await self._end_dropped(kept)

    async def _end_dropped(self, record: Successor) -> Successor:
        """Do what a drop said; one that came after the new credential was issued is forgotten."""
        if record.why.is_at_once:
            await self._revoke(record)
        try:
            await self._withdraw(record)
        except ExchangeError as err:
            LOGGER.warning("what takes the place of %s is not dropped: %s", record.id, describe(err))
            return await self._records.change(record.id, lambda kept: kept.model_copy(update={"is_dropped": False}))
        if not record.why.is_at_once:
            return await self._move(record, SuccessorState.LAPSED)
        if record.next_id is not None and await self._desk.find(record.next_id) is None:  # nothing names what never was
            await self._records.change(record.id, lambda kept: kept.model_copy(update={"next_id": None}))
        return await self._move(record, SuccessorState.DONE)

    async def _end_past(self, record: Successor) -> None:
        """Revoke what was issued before something is offered once more: no wallet said that it has it."""
        if record.state is SuccessorState.OFFERING:
            for offer_id in record.past:
                offer = await self._desk.find(offer_id)
                if offer is not None and offer.state is OfferState.ISSUED:  # if a wallet has it, it is not valid
                    await self._revocations.request(offer, wait_s=_NO_WAIT, reason=RevocationReason.REPLACED)

    async def _is_taken(self, offer: Offer) -> bool:
        """Return whether an offer has taken the old one's place: a wallet has it, or what it brought has ended so.

        What is revoked before a wallet said that it has it has taken nothing, unless another one takes its own place,
        or none may.
        """
        if offer.receipt is Receipt.KEPT:
            return True
        if await self._stands(offer):
            return False
        return await self._is_superseded(offer.id) or not await self._desk.book.may_follow(offer.id)

    async def _has_new(self, offer: Offer) -> bool:
        """Return whether an offer brought a credential that is valid, or has taken the old one's place."""
        return offer.state.has_credential and (await self._stands(offer) or await self._is_taken(offer))

    async def _is_superseded(self, offer_id: str) -> bool:
        record = await self._records.get_or_none(offer_id)
        return record is not None and record.state is not SuccessorState.LAPSED

    async def _stands(self, one: Offer | Successor) -> bool:
        """Return whether nobody asked to revoke what an offer brought, or what is superseded."""
        return await self._revocations.get_or_none(one.id) is None

    async def _reason_of(self, offer_id: str) -> RevocationReason | None:
        intent = await self._revocations.get_or_none(offer_id)
        return None if intent is None else intent.reason

    async def _offer(self, record: Successor, now: datetime) -> Successor:
        """Make the next offer, if it may be made now."""
        if record.next_id is None or record.claim is None:
            return record
        is_first = record.offered_at is None and not record.why.is_at_once
        if is_first and await self._revocations.get_or_none(record.id) is not None:  # by somebody, before a crash
            return await self._move(record, SuccessorState.DONE)
        lifetime = BOTH_STAND
        if record.until is not None and record.why is Why.RENEWAL and await self._stands(record):  # it lapses then
            lifetime = max(_SHORTEST, record.until - now)
        try:
            await self._desk.make(
                record.claim, lifetime=lifetime, offer_id=record.next_id, instead_of=record.id, by=record.by
            )
        except DuplicateError:  # a crash came between this and its note
            LOGGER.debug("what takes the place of %s was offered before", record.id)
        except WanderbuchError as err:
            LOGGER.warning("nothing can be offered in the place of %s now: %s", record.id, describe(err))
            return record
        update = {"state": SuccessorState.OFFERED, "claim": None, "offered_at": record.offered_at or now}
        return await self._records.change(record.id, lambda kept: kept.model_copy(update=update))

    async def _revoke(self, record: Successor) -> None:
        """Ask to revoke the old credential: for what the new one was revoked for, if that lets none follow."""
        old, reason = await self._desk.get(record.id), record.why.reason
        if record.next_id is not None and not await self._desk.book.may_follow(record.next_id):
            await self._revocations.request(old, wait_s=_NO_WAIT, reason=await self._reason_of(record.next_id))
        else:
            await self._revocations.request(old, wait_s=_NO_WAIT, reason=reason)

    async def _withdraw(self, record: Successor) -> None:
        """Withdraw the offer in the place of a credential; ExchangeError: it was issued, and not in vain."""
        if record.next_id is None:
            return
        with suppress(NotFoundError):  # it was never made
            offer = await self._desk.get(record.next_id)
            if offer.state is OfferState.OPEN or await self._has_new(offer):
                await self._desk.withdraw(offer.id)

    async def _move(self, record: Successor, state: SuccessorState) -> Successor:
        update = {"state": state, "claim": None, "is_dropped": False}
        return await self._records.change(record.id, lambda kept: kept.model_copy(update=update))

    async def _check_valid(self, old_id: str) -> None:
        old = await self._desk.get(old_id)
        if old.state is not OfferState.ISSUED:
            raise SupersededError(
                f"expected a valid credential, found an offer that is {old.state.value}",
                hint="correct what was not claimed in its place; issue again what was revoked",
            )
        if old.registry is None:
            raise SupersededError("this credential was issued without a place in a revocation registry")
        if await self._revocations.get_or_none(old_id) is not None:
            raise SupersededError("this credential is being revoked", hint="issue it again")

    async def _same(self, kept: Successor, why: Why, wanted: Mapping[str, str] | None) -> Successor:
        """Return what was begun, if it is what is asked for."""
        claim: Mapping[str, str] | None = kept.claim
        if claim is None and kept.next_id is not None and (offer := await self._desk.find(kept.next_id)) is not None:
            claim = claim_of(offer)
        if kept.why is not why or claim != wanted:
            raise SupersededError(
                f"this credential is superseded already: {kept.why.value}", hint="drop that, or act on the new one"
            )
        return kept

    def _step(self, old_id: str, *, wait_s: float = _STEP_S) -> AbstractAsyncContextManager[None]:
        return one_step(self._profile, f"successor.{old_id}", wait_s=wait_s)


def _claim_of(old: Offer, why: Why, claim: Mapping[str, str] | None) -> dict[str, str] | None:
    """Return what is to be offered, None for nothing; SupersededError: it does not go with the reason."""
    if claim is None:
        if why in _MUST_DIFFER:
            raise SupersededError("expected the whole claim as it should be")
        return None if why in _MAY_OFFER_NOTHING else claim_of(old)
    if why is Why.FRAUD:
        raise SupersededError("expected no claim: nothing takes the place of a fraud")
    kind = load_credential_type(old.credential_type)
    checked = present(kind, validate_claim(kind, claim, at=days_anywhere(datetime.now(UTC)).last).plain)
    if why in _MUST_DIFFER and checked == claim_of(old):
        raise SupersededError("expected a claim that differs from the old one")
    return checked


def _past(record: Successor) -> tuple[str, ...]:
    return record.past if record.next_id is None else (*record.past, record.next_id)
