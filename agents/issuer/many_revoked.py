"""Revoking thousands of certificates: asked for in one record, published in one status list a registry.

1. What is asked for is kept: which certificates, why, by whom. From here on it happens, whatever dies.
2. Nobody publishes the registries concerned until each certificate has its intent; so they go into one list.
3. An intent is one certificate's, whoever asks: of two calls at once each is told of how many it was the one.
4. The publisher is told, and whoever asked may wait for it.

What a crash cuts after 1 is taken up by the sweep.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.acts import Act, ActLog
from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.agents.issuer.intents import RevocationState
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.errors import ExchangeError
from wanderbuch.store.errors import DuplicateError, LeaseBusyError
from wanderbuch.store.once import one_step
from wanderbuch.store.record import Record, new_id
from wanderbuch.store.records import RecordStore

MOST_REVOKED: Final = 10_000
"""So many certificates may be revoked by one call."""
_TURN_S: Final = 120.0
"""So long a call waits for the turns with all its registries."""


class ManyRevoked(Record):
    """A call that revokes certificates, and what came of it.

    Args:
        offer_ids: whose certificates.
        by: id of who asked.
        asked: so many it was the first to ask for; None: it is not done yet.
        before: so many others had asked for.
        refused: ids of which there is no certificate, or none with a place in a registry.
    """

    category: ClassVar[str] = "wanderbuch.many-revoked"

    offer_ids: tuple[str, ...]
    reason: RevocationReason
    by: str
    asked: int | None = None
    before: int = 0
    refused: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether each certificate has its intent."""
        return self.asked is not None

    def due_at(self) -> datetime | None:
        """Return at once, until it is done."""
        return None if self.is_done else self.created_at


@dataclass(frozen=True, slots=True)
class RevokedNow:
    """How far the certificates of a call are.

    Args:
        published: so many of them are revoked in public.
        waiting: so many are asked for and not public yet.
    """

    call: ManyRevoked
    published: int
    waiting: int


class ManyRevocations:
    """The calls that revoke certificates of one issuer.

    Args:
        profile: whose.
        book: its offers.
        revocations: their publisher.
        log: of who did what.
    """

    def __init__(self, profile: Profile, book: OfferBook, revocations: Revocations, log: ActLog) -> None:
        self._profile = profile
        self._book = book
        self._revocations = revocations
        self._log = log
        self._calls = RecordStore(profile, ManyRevoked)

    async def revoke(
        self,
        offer_ids: Collection[str],
        reason: RevocationReason,
        *,
        by: str,
        wait_s: float,
        call_id: str | None = None,
    ) -> RevokedNow:
        """Have certificates revoked; the same id again finds the first call.

        Args:
            offer_ids: whose.
            reason: why.
            by: id of who asks.
            wait_s: how long to wait until they are public.
            call_id: its id; by default a fresh one.

        Raises:
            ExchangeError: that is none, or too many.
        """
        wanted = tuple(dict.fromkeys(offer_ids))
        if not 1 <= len(wanted) <= MOST_REVOKED:
            raise ExchangeError(f"expected 1 to {MOST_REVOKED} certificates, found {len(wanted)}")
        call = ManyRevoked(id=call_id or new_id(), offer_ids=wanted, reason=reason, by=by)
        with suppress(DuplicateError):  # the same call came again
            await self._calls.insert(call)  # 1
        return await self.resume(call.id, wait_s=wait_s)

    async def resume(self, call_id: str, *, wait_s: float) -> RevokedNow:
        """Go on with a call that is kept; it is not done yet where somebody else has the turn, and goes on by itself.

        Args:
            call_id: its id.
            wait_s: how long to wait until its certificates are public.

        Raises:
            NotFoundError: there is none.
        """
        try:
            call = await self._do(call_id)
        except LeaseBusyError:
            return await self.get(call_id)
        await self._revocations.wait_for(call.offer_ids, wait_s)  # 4
        return await self._now(call)

    async def get(self, call_id: str) -> RevokedNow:
        """Return a call and how far its certificates are; NotFoundError: there is none."""
        return await self._now(await self._calls.get(call_id))

    async def find(self, call_id: str) -> ManyRevoked | None:
        """Return a call, None if there is none."""
        return await self._calls.get_or_none(call_id)

    async def sweep(self, now: datetime) -> None:
        """Take up what a crash cut."""
        async with self._calls.claiming(now) as due:
            async for call in due:
                with suppress(LeaseBusyError):  # the next sweep finds it again
                    await self._do(call.id)

    async def _do(self, call_id: str) -> ManyRevoked:
        clock = asyncio.get_running_loop().time
        until = clock() + _TURN_S
        async with one_step(self._profile, f"many-revoked.{call_id}", wait_s=_TURN_S):
            call = await self._calls.get(call_id)
            if call.is_done:
                return call
            what = f"{call.id} {call.reason}: {len(call.offer_ids)}"
            await self._log.note(Act.REVOKED, by=call.by, what=what, key=f"{Act.REVOKED}.{call.id}")
            offers = [offer async for offer in self._offers(call.offer_ids)]
            fit = [offer for offer in offers if offer.state.has_credential and offer.registry is not None]
            async with AsyncExitStack() as turns:  # 2
                for registry in sorted({str(offer.registry) for offer in fit}):
                    turn = one_step(self._profile, f"revoking.{registry}", wait_s=max(0.0, until - clock()))
                    await turns.enter_async_context(turn)
                firsts = [await self._revocations.ask(offer, call.reason, call_id=call.id) for offer in fit]  # 3
            ids = {offer.id for offer in fit}
            done = {
                "asked": sum(firsts),
                "before": len(firsts) - sum(firsts),
                "refused": tuple(offer_id for offer_id in call.offer_ids if offer_id not in ids),
            }
            call = await self._calls.change(call.id, lambda kept: kept.model_copy(update=done))
        self._revocations.look_again()
        return call

    async def _now(self, call: ManyRevoked) -> RevokedNow:
        published = waiting = 0
        for offer_id in call.offer_ids:
            intent = await self._revocations.get_or_none(offer_id)
            if intent is not None:
                published += intent.state is RevocationState.PUBLISHED
                waiting += intent.state is not RevocationState.PUBLISHED
        return RevokedNow(call, published, waiting)

    async def _offers(self, ids: Sequence[str]) -> AsyncIterator[Offer]:
        for offer_id in ids:
            if (offer := await self._book.offers.get_or_none(offer_id)) is not None:
                yield offer
