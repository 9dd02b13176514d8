"""The worker of a process: does long work piece by piece, several at once, a few for one tenant.

    LETTERS = WorkKind("letters", step=write_one)

    async def write_one(profile: Profile, work: Work) -> Piece:
        …                                         # one piece, which may be done twice
        return Piece({"next": n + 1}, done=n + 1, total=work.total, is_last=n + 1 == work.total)

A piece has a deadline that is shorter than the lease, so nothing is renewed. One that fails is tried again after
growing pauses, and given up after a stated time. Tenants take turns: after each piece the work that has been due
longest is next.
"""

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.errors import WanderbuchError
from wanderbuch.store.engine import Engine
from wanderbuch.store.errors import NotFoundError, StoreError
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.tables import tenant_of
from wanderbuch.store.untold import ProfileOf, Untold
from wanderbuch.store.work import TOPIC, Piece, Work, Works, WorkState

_LOG = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 2.0
_LEASE_OVER_STEP_S: Final = 15.0
_NOT_SERVED_S: Final = 30.0
_PAUSES_S: Final = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)

_ABOUT: Final = "work"

type Step = Callable[[Profile, Work], Awaitable[Piece]]


@dataclass(frozen=True, slots=True)
class WorkKind:
    """A kind of long work.

    Args:
        name: stands in its rows.
        step: does one bounded piece and returns what it came to; does the same if it is called again.
        step_s: the deadline of a piece.
        pauses_s: after the first failure, the second, …; the last one again and again.
        give_up_s: so long after the first of an unbroken row of failures the work is given up.
        at_once, at_once_a_tenant: how many pieces one process does at the same time.
        tells: gives the events that work which was given up or done tells; by default `work.ended`.
    """

    name: str
    step: Step
    step_s: float = 30.0
    pauses_s: Sequence[float] = _PAUSES_S
    give_up_s: float = 24 * 3600.0
    at_once: int = 8
    at_once_a_tenant: int = 2
    tells: Callable[[Work], Sequence[Event]] = field(default=lambda work: _ended(work))


class Worker:
    """Does the long work of one process.

    Args:
        engine: tells when there is work.
        works: the rows.
        untold: tells the log of work that ended.
        kinds: what it can do.
        profile_of: gives the profile of a tenant; None: it is not served now.
        look_every_s: so often it looks for what is due, told or not.
    """

    def __init__(
        self,
        engine: Engine,
        works: Works,
        untold: Untold,
        kinds: Iterable[WorkKind],
        profile_of: ProfileOf,
        *,
        look_every_s: float = _LOOK_EVERY_S,
    ) -> None:
        self._engine = engine
        self._works = works
        self._untold = untold
        self._kinds = {kind.name: kind for kind in kinds}
        untold.learn(_ABOUT, self._look)
        self._profile_of = profile_of
        self._look_every_s = look_every_s
        self._wanted = asyncio.Event()
        self._busy: dict[str, Counter[str]] = {name: Counter() for name in self._kinds}
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work; ends only by cancellation, and lets go then of what it had begun."""
        if not self._engine.is_shared:  # who had claimed something was a process that is gone
            await self._works.release_all()
        unsubscribe = self._engine.hear(TOPIC, lambda _: self._wanted.set())
        try:
            while True:
                self._wanted.clear()
                try:
                    for kind in self._kinds.values():
                        await self._claim(kind)
                except StoreError as err:
                    _LOG.warning("long work waits: %s", err.message)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._look_every_s):
                        await self._wanted.wait()
        finally:
            unsubscribe()
            for task in tuple(self._running):
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _claim(self, kind: WorkKind) -> None:
        busy = self._busy[kind.name]
        while busy.total() < kind.at_once:
            full = [tenant for tenant, count in busy.items() if count >= kind.at_once_a_tenant]
            work = await self._works.claim(kind.name, for_s=kind.step_s + _LEASE_OVER_STEP_S, not_of=full)
            if work is None:
                return
            busy[work.tenant] += 1
            task = asyncio.create_task(self._one(kind, work), name=f"work.{kind.name}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _one(self, kind: WorkKind, work: Work) -> None:
        busy = self._busy[kind.name]
        try:
            await self._piece(kind, work)
        except asyncio.CancelledError:
            with contextlib.suppress(StoreError):
                await self._works.release(work)
            raise
        except StoreError as err:  # the lease ends by itself, and the piece is done again
            _LOG.warning("%s %s: could not be saved: %s", kind.name, work.id, err.message)
        except Exception as err:  # noqa: BLE001 (a boundary: the lease ends, and it is tried again)
            _LOG.error("%s %s failed", kind.name, work.id, exc_info=err)
        finally:
            busy[work.tenant] -= 1
            busy += Counter()  # drops those at 0
            self._wanted.set()

    async def _piece(self, kind: WorkKind, work: Work) -> None:
        profile = await self._profile_of(work.tenant)
        if profile is None:  # suspended: no failure of the work
            await self._works.release(work, again_s=_NOT_SERVED_S)
            return
        piece = await self._done(kind, profile, work)
        if not (piece.is_last or piece.give_up):
            self._note(work, await self._works.save(work, piece))
            return
        async with self._untold.telling(profile, work.tenant, _ABOUT, f"{kind.name}/{work.id}") as tell:
            saved = await self._works.save(work, piece)
            self._note(work, saved)
            if saved is not None:
                tell(*kind.tells(saved))

    def _note(self, work: Work, saved: Work | None) -> None:
        if saved is None:
            _LOG.warning("%s %s: another process has it now; what was done here is done again", work.kind, work.id)
        elif saved.state is WorkState.FAILED:
            _LOG.warning("%s %s: given up: %s", work.kind, work.id, saved.error)
        elif saved.state is WorkState.DONE:
            _LOG.info("%s %s: done", work.kind, work.id)

    async def _look(self, profile: Profile, subject: str) -> Sequence[Event]:
        """Return what work tells, by the name under which `_piece` tells it."""
        name, _, work_id = subject.partition("/")
        try:
            return self._kinds[name].tells(await self._works.get(tenant_of(profile), name, work_id))
        except (KeyError, NotFoundError):
            return ()

    async def _done(self, kind: WorkKind, profile: Profile, work: Work) -> Piece:
        """Return what the next piece came to; a failure is a result too."""
        try:
            async with asyncio.timeout(kind.step_s):
                piece = await kind.step(profile, work)
        except TimeoutError:
            piece = _failed(work, f"a piece took longer than {kind.step_s:g} s")
        except StoreError:
            raise
        except WanderbuchError as err:
            piece = _failed(work, f"{err.code}: {err.message}")
        except Exception as err:  # noqa: BLE001 (a boundary: it is tried again, then given up)
            _LOG.error("%s %s: a piece failed", kind.name, work.id, exc_info=err)
            piece = _failed(work, type(err).__name__)
        if piece.failure is None or piece.give_up:
            return piece
        since = work.failing_since
        if since is not None and (datetime.now(UTC) - since).total_seconds() > kind.give_up_s:
            return replace(piece, give_up=True)
        pause = kind.pauses_s[min(work.failures, len(kind.pauses_s) - 1)]
        return replace(piece, again_s=pause * random.uniform(0.9, 1.1))  # noqa: S311 (no secret)


def _ended(work: Work) -> Sequence[Event]:
    if work.state not in (WorkState.DONE, WorkState.FAILED) or work.ended_at is None:
        return ()
    body = {"kind": work.kind, "state": work.state.value}
    return [Event(EventKind.WORK_ENDED, work.id, body, occasion=str(int(work.ended_at.timestamp() * 1000)))]


def _failed(work: Work, why: str) -> Piece:
    return Piece(work.position, work.done, work.total, failure=why)
