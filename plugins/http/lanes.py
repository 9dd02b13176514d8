"""Whose work a request to another host is: ours, or a stranger's, with a small budget of its own.

    with work_for_strangers():
        await documents.resolve(did)      # a DID that a stranger named

What is asked inside is asked in the strangers' lane, also by tasks that begin there. Rules:

1. Governance and the parties that it names are never a stranger's work: requests to their hosts go in our own lane,
   whoever caused them.
2. The strangers' lane has few places, few of them for one host and port, and a short deadline. Nobody queues in it for
   longer than `WAIT_S`: a stranger's request that finds no place fails.
3. A host and port whose address is known and to which no connection could be made is silent for `SILENT_S`: for
   strangers' work it is not tried again. What answered anything at all is not silent, so naming an honest host with a
   wrong path or a wrong port shuns nobody; and a host that answers us is not silent any more.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Final

from wanderbuch.plugins.http.errors import UnreachableError

STRANGERS_DEADLINE_S: Final = 8.0
SILENT_S: Final = 30.0
WAIT_S: Final = 1.0
_PLACES: Final = 16
_PLACES_A_HOST: Final = 2
_MAX_SILENT: Final = 10_000

_for_strangers: ContextVar[bool] = ContextVar("wanderbuch.for_strangers", default=False)

type Host = tuple[str, int]


class LaneBusyError(UnreachableError):
    """There is no place for one more stranger's request."""

    code = "resolution.http.busy"


class SilentHostError(UnreachableError):
    """The host did not answer lately, and is not asked again for a stranger."""

    code = "resolution.http.silent"


@contextmanager
def work_for_strangers() -> Iterator[None]:
    """Ask what is asked inside in the strangers' lane."""
    token = _for_strangers.set(True)
    try:
        yield
    finally:
        _for_strangers.reset(token)


@contextmanager
def own_work() -> Iterator[None]:
    """Ask what is asked inside in our own lane, whoever caused it."""
    token = _for_strangers.set(False)
    try:
        yield
    finally:
        _for_strangers.reset(token)


def is_for_strangers() -> bool:
    """Return whether what runs here is a stranger's work."""
    return _for_strangers.get()


class StrangersLane:
    """The places of the strangers' lane of one edge, and which hosts are silent."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free = asyncio.Semaphore(_PLACES)
        self._by_host: Counter[Host] = Counter()
        self._silent: OrderedDict[Host, float] = OrderedDict()  # until when

    @asynccontextmanager
    async def place(self, host: Host) -> AsyncIterator[None]:
        """Hold a place.

        Raises:
            SilentHostError: nobody answers there.
            LaneBusyError: there is no place.
        """
        self._refuse_silent(host)
        if self._by_host[host] >= _PLACES_A_HOST:
            raise LaneBusyError(f"{host[0]} is being asked by others already; it is not asked more often for strangers")
        self._by_host[host] += 1
        try:
            try:
                async with asyncio.timeout(WAIT_S):
                    await self._free.acquire()
            except TimeoutError as err:
                raise LaneBusyError("too much is being asked for strangers already") from err
            try:
                self._refuse_silent(host)
                yield
            finally:
                self._free.release()
        finally:
            self._by_host[host] -= 1
            if not self._by_host[host]:
                del self._by_host[host]

    def note_silence(self, host: Host) -> None:
        """Remember that no connection could be made."""
        self._silent[host] = self._clock() + SILENT_S
        self._silent.move_to_end(host)
        while len(self._silent) > _MAX_SILENT:
            self._silent.popitem(last=False)

    def note_answer(self, host: Host) -> None:
        """Remember that somebody answers there."""
        self._silent.pop(host, None)

    def _refuse_silent(self, host: Host) -> None:
        until = self._silent.get(host)
        if until is None:
            return
        if self._clock() < until:
            raise SilentHostError(f"{host[0]} did not answer a moment ago; it is not asked again for strangers now")
        del self._silent[host]
