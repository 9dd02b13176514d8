"""Tells wallets that something waits for them, when something came and they are not there.

1. A little later: who is there, in whichever process, has taken it by then. A wallet with a socket to this process is
   not looked for.
2. Once, until the wallet has come, or a further hour has begun (`subscriptions`); and one wallet so often a minute.
3. A subscription that its push service does not know any more (404, 410) is removed.
4. A push service that does not answer, or fails (5xx), is left alone for a while, longer each time. What it refuses,
   it refuses for one subscription, also by 429: that wallet is told again in a further hour.
5. Who was missed is looked for by a walk along all wallets, planned when the first one is missed. Further ones do not
   put it off; if it misses somebody itself, the next one comes after a longer pause. What a process that died had still
   to tell, the next one does.
6. Nothing says who was told: no log line names a wallet, a push service's host or an address.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from acapy_agent.core.profile import Profile
from cachetools import LRUCache

from wanderbuch.agents.mediator.live import LiveWallets
from wanderbuch.agents.mediator.pushing.message import Services, Subscription, VapidKey, push_body, push_headers
from wanderbuch.agents.mediator.pushing.subscriptions import Subscriptions
from wanderbuch.agents.mediator.queue import CAME
from wanderbuch.agents.runtime.gate.rate_limit import RateLimit
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import HttpError, NotFoundError, StatusError
from wanderbuch.store.tables import tables_of, tenant_of

_LOG = logging.getLogger(__name__)

PAUSE_S: Final = 3.0
_AT_ONCE: Final = 100
_MOST: Final = 10_000
_MOST_HOSTS: Final = 1_000
_TIMEOUT_S: Final = 10.0
_LEFT_ALONE_S: Final = (30.0, 120.0, 600.0, 3600.0)
_A_MINUTE: Final = 2.0
_BURST: Final = 5
_BUSY: Final = 500


class Pushes:
    """The pushes to one tenant's wallets.

    Args:
        profile: the tenant's.
        subscriptions: where its wallets are told.
        live: who has a socket to this process.
        key: signs.
        services: to whom pushes go.
    """

    def __init__(
        self,
        profile: Profile,
        subscriptions: Subscriptions,
        live: LiveWallets,
        key: VapidKey,
        services: Services,
    ) -> None:
        self.key = key
        self.services = services
        self._tenant = tenant_of(profile)
        self._edge = profile.inject(HttpEdge)
        self._subscriptions = subscriptions
        self._live = live
        self._wallets: dict[str, None] = {}
        self._walk: str | None = ""  # behind which wallet to look for who was told nothing; None: nobody
        self._walk_at = 0.0
        self._is_ending = False  # the walk knows all of its wallets; some are still to be told
        self._has_missed = False  # somebody, since the walk began
        self._pauses = 0  # in a row
        self._hosts: LRUCache[str, tuple[int, float]] = LRUCache(_MOST_HOSTS)  # failures in a row, left alone until
        self._paces = RateLimit(per_second=_A_MINUTE / 60, burst=_BURST)
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._end_hearing: Callable[[], None] = tables_of(profile).engine.hear(CAME, self._came)

    def begin(self) -> None:
        """Tell what an earlier process had still to tell."""
        self._wake()

    async def stop(self) -> None:
        """Tell no more; the next process does."""
        self._end_hearing()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _came(self, text: str) -> None:
        tenant, _, wallet = text.partition(" ")
        if not text or len(self._wallets) >= _MOST:  # something may have been missed
            self._walk, self._walk_at, self._is_ending = "", 0.0, False
        elif tenant == self._tenant and not self._live.has(wallet):
            self._wallets[wallet] = None
        else:
            return
        self._wake()

    def _wake(self) -> None:
        self._woken.set()
        if self._task is None:
            self._task = asyncio.create_task(self._tell_all(), name="mediator.push")

    async def _tell_all(self) -> None:
        try:
            while self._wallets or self._walk is not None or self._is_ending:
                later = self._walk_at - time.monotonic() if not self._wallets else 0.0
                self._woken.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, later)):
                        await self._woken.wait()
                await asyncio.sleep(PAUSE_S)
                try:
                    await self._tell_some()
                except WanderbuchError as err:  # the store's, which is away: it stays to be told
                    log_event(_LOG, logging.WARNING, "mediator.not_told", code=err.code)
                    self._miss()
                    if (now := time.monotonic()) >= self._walk_at:
                        self._walk_at = now + _LEFT_ALONE_S[0]
        finally:
            self._task = None

    async def _tell_some(self) -> None:
        has_room = len(self._wallets) < _AT_ONCE  # one wallet that always hears of something does not put it off
        if has_room and self._walk is not None and self._walk_at <= time.monotonic():
            self._has_missed = self._has_missed and self._walk != ""
            more = await self._subscriptions.waiting(after=self._walk, limit=_AT_ONCE)
            self._walk = more[-1] if len(more) == _AT_ONCE else None
            self._is_ending = self._walk is None
            self._wallets |= dict.fromkeys(more)
        if part := list(self._wallets)[:_AT_ONCE]:
            taken = await self._subscriptions.take(part)
            for wallet in part:
                del self._wallets[wallet]
            told = await asyncio.gather(*(self._tell(wallet, subscription) for wallet, subscription in taken))
            if not all(told):
                self._miss()
        if self._is_ending and not self._wallets:
            self._end_walk()

    def _miss(self) -> None:
        """Note that somebody was told nothing; a walk that is planned or under way is not put off (5)."""
        self._has_missed = True
        if self._walk is None and not self._is_ending:
            self._plan_walk()

    def _end_walk(self) -> None:
        self._is_ending = False
        if self._has_missed:
            self._plan_walk()
        else:
            self._pauses = 0

    def _plan_walk(self) -> None:
        self._walk, self._walk_at = "", time.monotonic() + _LEFT_ALONE_S[min(self._pauses, len(_LEFT_ALONE_S) - 1)]
        self._pauses += 1

    async def _tell(self, wallet: str, subscription: Subscription) -> bool:
        """Tell a wallet; False: it is still to be told."""
        endpoint, now = subscription.endpoint, time.monotonic()
        if not self.services.has(endpoint):  # it was known when the wallet said it
            await self._subscriptions.remove(wallet, only=subscription)
            return True
        if self._paces.wait_s(wallet, now):
            return True
        host = urlsplit(endpoint).netloc.lower()
        failures, until = self._hosts.get(host, (0, 0.0))
        try:
            if until <= now:
                headers = push_headers(self.key, endpoint)
                await self._edge.tell(endpoint, push_body(subscription), headers=headers, timeout_s=_TIMEOUT_S)
                self._hosts.pop(host, None)
                return True
        except NotFoundError:
            await self._subscriptions.remove(wallet, only=subscription)
            return True
        except HttpError as err:
            if isinstance(err, StatusError) and err.status < _BUSY:
                log_event(_LOG, logging.WARNING, "mediator.push_refused", status=err.status)
                return True
            self._hosts[host] = (failures + 1, now + _LEFT_ALONE_S[min(failures, len(_LEFT_ALONE_S) - 1)])
            log_event(_LOG, logging.WARNING, "mediator.push_failed", code=err.code)
        await self._subscriptions.came(wallet)  # it was told nothing
        return False
