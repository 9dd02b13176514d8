"""The sweep of offers: it looks at what is due, and at nothing else.

- Open: judged, where its hosts were silent when it came; ended at its deadline.
- Accepted: the request is sent again, after ever longer pauses, until the credential comes; one that waits is tried
  again; ended at the deadline. What another process sent may never have left: after a start, or the loss of another
  process, each is looked at once.
- Ended here: if that was in another process, the issuer is told once more, as long as it may be waiting.
- Ended long ago: forgotten.
"""

import logging
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Final

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.agents.holder import keeping, requesting
from wanderbuch.agents.holder.ending_offers import end_and_tell, ending_report
from wanderbuch.agents.holder.held_offer import FIRST_PAUSE, HeldOffer, OfferState, held_offers
from wanderbuch.agents.holder.judging import judge_and_keep
from wanderbuch.agents.holder.keeping import keep_credential, waiting_credential
from wanderbuch.agents.holder.offer_text import forget_text, get_text
from wanderbuch.agents.holder.requesting import ask_again
from wanderbuch.agents.holder.way_back import forget_key
from wanderbuch.agents.runtime.at_once import Rounds
from wanderbuch.errors import WanderbuchError
from wanderbuch.faults import describe
from wanderbuch.plugins.exchange.credential_messages import ack_message
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.exchange.sending_again import next_try
from wanderbuch.plugins.trust.judgements import JudgementBook
from wanderbuch.store.fellows import lost_since
from wanderbuch.store.records import NotFoundError

LOGGER = logging.getLogger(__name__)

_SWEEP_S: Final = 30.0
_NOT_IN_TIME: Final = "The exchange was not finished in time."
_FORGOTTEN: Final = (requesting.FORGOTTEN_WITH_OFFER, keeping.FORGOTTEN_WITH_OFFER)


class OfferSweep:
    """Sweeps the offers of one wallet.

    Args:
        profile: whose wallet.
        began: when this process began.
        at_once: how many are worked on at the same time.
    """

    def __init__(self, profile: Profile, *, began: datetime, at_once: int = 8) -> None:
        self._profile = profile
        self._began = began
        self._looked_for: datetime | None = None
        self._rounds = Rounds("holder.offers", at_once=at_once)

    async def sweep(self, now: datetime) -> None:
        """Do what is due; one whose hosts are silent holds up none of the others."""
        began = lost_since(self._profile, self._began)
        due: dict[str, datetime | None] = {}

        def due_of(offer: HeldOffer) -> datetime | None:
            return due.get(offer.id, offer.due_at())

        async def one(offer: HeldOffer) -> None:
            due[offer.id] = now + FIRST_PAUSE  # if it takes longer than this sweep
            due[offer.id] = await self._one(offer.id, now, began)

        async with held_offers(self._profile).claiming(now, due_of=due_of) as claimed:
            offers_due = {held_offer.id: held_offer async for held_offer in claimed}
            if self._looked_for != began:
                offers_due |= {held_offer.id: held_offer async for held_offer in self._asked_before(began)}
            await self._rounds.go(
                {held_offer.id: partial(one, held_offer) for held_offer in offers_due.values()}, wait_s=_SWEEP_S
            )
        self._looked_for = began

    async def stop(self) -> None:
        """End what is running; the next start goes on with it."""
        await self._rounds.stop()

    async def _asked_before(self, began: datetime) -> AsyncIterator[HeldOffer]:
        """Yield the accepted offers whose request another process sent."""
        async for held_offer in held_offers(self._profile).every(state=OfferState.ACCEPTED.value):
            if held_offer.answered_at is not None and held_offer.answered_at < began:
                yield held_offer

    async def _one(self, offer_id: str, now: datetime, began: datetime) -> datetime | None:
        """Do what an offer needs, and return when it is due next."""
        held_offer = await held_offers(self._profile).get_or_none(offer_id)
        if held_offer is None:
            return None
        try:
            match held_offer.state:
                case OfferState.OPEN:
                    return await self._open(held_offer, now)
                case OfferState.ACCEPTED:
                    return await self._accepted(held_offer, now)
                case _:
                    return await self._ended(held_offer, now, began)
        except NotFoundError:
            return None
        except (BaseError, WanderbuchError) as err:
            LOGGER.warning("holder: offer %s could not be swept: %s", held_offer.id, describe(err))
            return next_try(now, since=held_offer.answered_at or held_offer.created_at)

    async def _open(self, held_offer: HeldOffer, now: datetime) -> datetime | None:
        if now >= held_offer.answer_by:
            return await self._end(held_offer, now)
        await judge_and_keep(self._profile, held_offer.id, await get_text(self._profile, held_offer.id))
        return held_offer.answer_by

    async def _accepted(self, held_offer: HeldOffer, now: datetime) -> datetime | None:
        waiting = await waiting_credential(self._profile, held_offer.id)
        if waiting is not None:
            after = await keep_credential(self._profile, held_offer, waiting)
            if after.state is OfferState.RECEIVED:
                return await self._acknowledged(after)
            if after.state.is_final:
                return after.due_at()
        if now >= held_offer.answer_by:
            return await self._end(held_offer, now)
        since = held_offer.waits_since or held_offer.answered_at or held_offer.created_at
        due = min(next_try(now, since=since), held_offer.answer_by)
        if waiting is None and (text := await get_text(self._profile, held_offer.id)) is not None:
            try:
                await ask_again(self._profile, held_offer, text)
            except (BaseError, WanderbuchError) as err:
                LOGGER.info("holder: offer %s: the issuer could not be asked again: %s", held_offer.id, describe(err))
        return due

    async def _ended(self, held_offer: HeldOffer, now: datetime, began: datetime) -> datetime | None:
        if held_offer.forget_at is not None and now >= held_offer.forget_at:
            await self._forget(held_offer)
            return None
        was_here = held_offer.final_at is None or held_offer.final_at >= began
        if held_offer.state.is_ours_to_tell and not was_here and now < held_offer.answer_by:
            await self._profile.inject(Sending).send_soon(
                self._profile, held_offer.origin.channel, ending_report(held_offer)
            )
        return held_offer.forget_at

    async def _end(self, held_offer: HeldOffer, now: datetime) -> datetime | None:
        ended = await end_and_tell(self._profile, held_offer, OfferState.NO_ANSWER, _NOT_IN_TIME, at=now)
        return now if ended is None else ended.due_at()

    async def _acknowledged(self, held_offer: HeldOffer) -> datetime | None:
        ack = ack_message(thread_id=held_offer.thread_id)
        await self._profile.inject(Sending).send_soon(self._profile, held_offer.origin.channel, ack)
        return held_offer.due_at()

    async def _forget(self, held_offer: HeldOffer) -> None:
        """Leave nothing of an offer; the credential stays. What a crash leaves of it is removed by the next sweep."""
        await forget_text(self._profile, held_offer.id)
        if held_offer.origin.connection_id is None:
            await forget_key(self._profile, held_offer.origin.own_key)
        async with self._profile.session() as session:
            for category in _FORGOTTEN:
                try:
                    await session.handle.remove(category, held_offer.id)
                except AskarError as err:
                    if err.code != AskarErrorCode.NOT_FOUND:
                        raise
        await JudgementBook(self._profile).forget(held_offer.id)
        await held_offers(self._profile).remove(held_offer.id)
