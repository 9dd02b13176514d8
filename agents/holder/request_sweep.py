"""What becomes due of the received requests: the answer is sent again, what is overdue ends, what is old is forgotten.

Only what is due is looked at. What a process that ended may not have sent any more is sent again by another, or by the
next: once for each time that this process began, or took over from one that was lost.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.request_book import ReceivedRequest, RequestBook, RequestState
from wanderbuch.agents.holder.requests import NOT_IN_TIME, tell_end
from wanderbuch.agents.holder.way_back import forget_key
from wanderbuch.errors import WanderbuchError
from wanderbuch.faults import describe
from wanderbuch.plugins.exchange.payloads import Payloads
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.store.fellows import lost_since

_LOG = logging.getLogger(__name__)
_ENDED_HERE: Final = (RequestState.DECLINED.value, RequestState.NO_ANSWER.value)
_PAGE: Final = 100


class RequestSweep:
    """The sweeps of one wallet's requests.

    Args:
        profile: whose wallet.
        config: the deadlines.
        began: when this process, or its part for this wallet, began.
    """

    def __init__(self, profile: Profile, config: HolderConfig, *, began: datetime) -> None:
        self._profile = profile
        self._config = config
        self._began = began
        self._taken_up: datetime | None = None
        self._book = RequestBook(profile)

    async def sweep(self, now: datetime) -> None:
        """Do what is due by now."""
        began = lost_since(self._profile, self._began)
        if began != self._taken_up:
            await self._take_up(began, now)
            self._taken_up = began
        async with self._book.records.claiming(now, due_of=lambda request: request.due_again(now)) as due:
            async for request in due:
                try:
                    await self._sweep_one(request, now)
                except (WanderbuchError, BaseError) as err:
                    _LOG.warning("holder: request %s could not be swept: %s", request.id, describe(err))

    async def _sweep_one(self, request: ReceivedRequest, now: datetime) -> None:
        if request.is_over:
            await self._forget(request)
        elif now >= request.answer_by:
            keep = timedelta(days=self._config.keep_ended_days)
            ended = await self._book.finish(request, RequestState.NO_ANSWER, note=NOT_IN_TIME, at=now, keep=keep)
            if ended is not None:
                await tell_end(self._profile, ended)
        else:
            await self._answer_again(request)

    async def _take_up(self, began: datetime, now: datetime) -> None:
        """Send again what may have been on its way when a process ended: answers, and the word that it is over."""
        async for request in self._book.records.every(state=RequestState.PRESENTED.value):
            if request.answered_at is not None and request.answered_at < began and now < request.answer_by:
                await self._answer_again(request)
        cursor: str | None = None
        while True:  # the newest first: nobody waits any more for what is older than the deadline
            page = await self._book.records.page(state=_ENDED_HERE, limit=_PAGE, cursor=cursor)
            for request in page.items:
                ended_at = request.ended_at or request.answered_at
                if ended_at is not None and ended_at < began and now < request.answer_by:
                    await tell_end(self._profile, request)
            longest = timedelta(seconds=self._config.request_deadline_s)
            if (cursor := page.next_cursor) is None or page.items[-1].created_at + longest < now:
                return

    async def _answer_again(self, request: ReceivedRequest) -> None:
        payload = await Payloads(self._profile).find(request.id)
        if payload is not None:
            sending = self._profile.inject(Sending)
            await sending.send_soon(self._profile, request.origin.channel, payload.message, wants_reply=True)

    async def _forget(self, request: ReceivedRequest) -> None:
        """Remove all that is kept of a request; what a crash leaves of it is removed by the next sweep."""
        await Payloads(self._profile).remove(request.id)
        if request.origin.connection_id is None:
            await forget_key(self._profile, request.origin.own_key)
        await self._book.records.remove(request.id)
