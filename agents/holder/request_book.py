"""Received proof requests, as they are kept: an immutable record each, and two markers for what becomes of it.

- `answer` says how it was answered: presented, declined, not in time, or ended by the verifier before. It is one name,
  so of a click, another click, a deadline and a verifier that race, in whichever processes, one decides.
- `end` says how a presented one ended; there is none before the answer is there.

A presentation is a payload (`plugins.exchange.payloads`): kept in one transaction with the answer, so that neither is
ever there without the other; removed with the end.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile, ProfileSession
from pydantic import Field

from wanderbuch.agents.holder.exchanges import Exchanges
from wanderbuch.agents.holder.peers import Origin
from wanderbuch.plugins.exchange.left_out import MayBeLeftOut
from wanderbuch.plugins.exchange.payloads import Payload, keeping, removing
from wanderbuch.plugins.exchange.sending_again import next_try
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.markers import over
from wanderbuch.store.records import Record
from wanderbuch.store.telling import MarkTeller

_ANSWER: Final = "answer"
_END: Final = "end"
_MOST_AT_HAND: Final = 16  # of each wallet; some have 60 kB


class RequestState(Enum):
    """Where a request stands; all but the first two are final."""

    OPEN = "OPEN"  # waits for the person
    PRESENTED = "PRESENTED"  # answered; the verifier has not said anything yet
    ACCEPTED = "ACCEPTED"  # the verifier confirmed the proof
    ACKNOWLEDGED = "ACKNOWLEDGED"  # the verifier has the proof, and did not say what it decided
    REFUSED_BY_VERIFIER = "REFUSED_BY_VERIFIER"
    DECLINED = "DECLINED"  # by the person
    NO_ANSWER = "NO_ANSWER"  # the deadline passed


GOES_ON: Final = frozenset({RequestState.OPEN, RequestState.PRESENTED})


class ReceivedRequest(Record):
    """A proof request that came.

    Args:
        thread_id: of the exchange.
        origin: whose it is, and the way back.
        asked: the AnonCreds proof request, as it came.
        may_be_left_out: what its message says may be left out; None: nothing.
        left_out: whether the answer leaves it out.
        answer_by: when it ends by itself.
        answer, answered_at: how and when it was answered; None: it is open.
        end, ended_at: how and when a presented one ended.
        note: why it ended, in words; the verifier's, unchecked, where the verifier ended it.
        forget_at: when an ended one is forgotten.
    """

    category: ClassVar[str] = "wanderbuch.received-request"
    tag_names: ClassVar[tuple[str, ...]] = ("connection_id",)

    thread_id: str
    origin: Origin
    asked: str = Field(repr=False)
    may_be_left_out: MayBeLeftOut | None = Field(default=None, exclude_if=lambda told: told is None)
    left_out: bool = Field(default=False, exclude_if=lambda left_out: not left_out)
    answer_by: datetime
    answer: RequestState | None = None
    answered_at: datetime | None = None
    end: RequestState | None = None
    ended_at: datetime | None = None
    note: str | None = None
    forget_at: datetime | None = None

    @property
    def connection_id(self) -> str | None:
        """Return the connection over which it came, None if it came without one."""
        return self.origin.connection_id

    @property
    def state(self) -> RequestState:
        """Return where it stands."""
        return self.end or self.answer or RequestState.OPEN

    @property
    def is_over(self) -> bool:
        """Return whether nothing more happens to it."""
        return self.state not in GOES_ON

    def index_state(self) -> str:
        """Return what listings filter by."""
        return self.state.value

    def due_at(self) -> datetime | None:
        """Return when the sweep has to look at it: its deadline, the first try to send the answer again, its end."""
        return self.due_again(self.answered_at or self.created_at)

    def due_again(self, now: datetime) -> datetime | None:
        """Return when the sweep has to look at it again: an answer is sent again after ever longer pauses."""
        if self.state is RequestState.PRESENTED and self.answered_at is not None:
            return min(self.answer_by, next_try(now, since=self.answered_at))
        return self.forget_at if self.is_over else self.answer_by


class ReceivedRequests(Exchanges[ReceivedRequest]):
    """The received requests of a wallet; what they ask never changes, so that of the last ones is kept at hand."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(
            profile, ReceivedRequest, names=(_ANSWER, _END), follows={_END: _is_presented}, at_hand=_MOST_AT_HAND
        )

    async def get_with[T](
        self, request_id: str, read: Callable[[ProfileSession], Awaitable[T]]
    ) -> tuple[ReceivedRequest | None, T]:
        """Return a request, None if there is none, and what `read` reads in the same session."""
        async with self._profile.session() as session:
            parts = self._at_hand.get(request_id)
            if parts is None or parts.is_whole:
                also = await read(session)
            else:
                values = await self._values(session.handle, request_id, parts.markers)
                return over(parts.record, values), await read(session)
        return await self.get_or_none(request_id), also

    async def _fetch(self, ids: Iterable[str]) -> dict[str, ReceivedRequest]:
        """Return the requests with these ids; of those that are over and at hand nothing is asked any more."""
        wanted = tuple(dict.fromkeys(ids))
        ended = {request_id: known for request_id in wanted if (known := self._ended(request_id)) is not None}
        missing = [request_id for request_id in wanted if request_id not in ended]
        requests = ended | (await super()._fetch(missing) if missing else {})
        return {request_id: requests[request_id] for request_id in wanted if request_id in requests}

    def _ended(self, request_id: str) -> ReceivedRequest | None:
        parts = self._at_hand.get(request_id)
        if parts is None:
            return None
        received_request: ReceivedRequest = over(parts.record, self._noted(parts))
        return received_request if received_request.is_over else None


def open_requests(profile: Profile) -> ReceivedRequests:
    """Return the received requests of a wallet."""
    return ReceivedRequests(profile)


def _is_presented(values: Mapping[str, Any]) -> bool:
    return bool(values.get(_ANSWER) == RequestState.PRESENTED.value)


class RequestBook:
    """What becomes of the received requests of one profile."""

    def __init__(self, profile: Profile) -> None:
        self.records = open_requests(profile)
        self._teller = MarkTeller(open_requests, profile, request_events, markers=self.records)

    async def present(
        self, request: ReceivedRequest, message: Mapping[str, Any], *, at: datetime, left_out: bool = False
    ) -> bool:
        """Answer an open request with a presentation, and return whether this decided it.

        Args:
            request: as it was read.
            message: with the presentation; it waits to be sent from now on.
            at: now.
            left_out: whether it leaves out what may be left out.
        """
        value: dict[str, Any] = {_ANSWER: RequestState.PRESENTED.value, "answered_at": at.isoformat()}
        if left_out:
            value["left_out"] = True
        keep = keeping(request.id, Payload(message))
        return await self.records.add(request.id, _ANSWER, value, record=request, beside=keep)

    async def finish(
        self, request: ReceivedRequest, state: RequestState, *, note: str | None, at: datetime, keep: timedelta
    ) -> ReceivedRequest | None:
        """End a request, and return it as it is then; None if something else decided it meanwhile.

        Args:
            request: as it was read, open or presented.
            state: how it ended.
            note: why, in words.
            at: now.
            keep: how long it can still be looked up.
        """
        over = {"note": note, "forget_at": (at + keep).isoformat()}
        if request.state is RequestState.OPEN:
            value = {_ANSWER: state.value, "answered_at": at.isoformat(), **over}
            return await self._teller.add(request, _ANSWER, value)
        value = {_END: state.value, "ended_at": at.isoformat(), **over}
        return await self._teller.add(request, _END, value, then=removing(request.id))


def request_events(request: ReceivedRequest) -> Sequence[Event]:
    """Return what a request tells the event log: how it ended."""
    if not request.is_over:
        return ()
    return (Event(EventKind.WALLET_REQUEST_ENDED, request.id, {"state": request.state.value}),)
