"""Have a verifier erase what it keeps of an answer (GDPR article 17), and log that (EUDI TS7, DATA_DLT_05 and 06).

What was asked is kept before it is sent, and sent again until the verifier answers, as long as the exchange's key is
kept here; the same signed text each time, so that asking twice is asking once.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder.exchanges import ids_of
from wanderbuch.agents.holder.request_book import ReceivedRequest, RequestState, open_requests
from wanderbuch.errors import ExchangeError, ResolutionError
from wanderbuch.plugins.exchange.erasure_messages import (
    ERASED,
    ErasedPart,
    KeptPart,
    erasure_message,
    read_erased_message,
    sign_erasure,
)
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.own_way import reached_at
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.exchange.sending_again import next_try
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.records import Record, RecordStore

_LOG = logging.getLogger(__name__)
_LOG_KEPT: Final = timedelta(days=3 * 365)
_KIND: Final = "question"


class AskedErasure(Record):
    """That a verifier was asked to erase an answer, and what it did; its id is that of the request.

    Args:
        signed: what was signed.
        sent_until: it is sent again until then; later the key that it is sent with may be gone.
        answered_at: when the verifier says that it did it.
        erased, kept: what it says of it; a part may be kept for a law, and erased later.
    """

    category: ClassVar[str] = "wanderbuch.asked-erasure"

    signed: str
    sent_until: datetime
    answered_at: datetime | None = None
    erased: tuple[ErasedPart, ...] = ()
    kept: tuple[KeptPart, ...] = ()

    def due_at(self) -> datetime | None:
        """Return when it is sent again, or forgotten."""
        return self.due_again(self.created_at)

    def due_again(self, now: datetime) -> datetime | None:
        """Return when it is sent once more, after ever longer pauses, or forgotten."""
        if self.answered_at is None and now < self.sent_until:
            return min(self.sent_until, next_try(now, since=self.created_at))
        return self.created_at + _LOG_KEPT


class _Office(Protocol):
    @property
    def profile(self) -> Profile: ...


async def ask_to_erase(profile: Profile, request_id: str) -> AskedErasure:
    """Ask the verifier of a request that was answered to erase the answer; asked again, it is sent again.

    Raises:
        NotFoundError: there is no such request (any more).
        ExchangeError: nothing was shown in it.
    """
    request = await open_requests(profile).get(request_id)
    if request.answer is not RequestState.PRESENTED:
        raise ExchangeError(
            f"expected a request that was answered, found one that is {request.state.value}",
            hint="nothing was shown, so there is nothing to erase",
        )
    key = await profile.inject(KeyRing).secret(profile, request.origin.own_key)
    now = datetime.now(UTC)
    signed = await sign_erasure(key, thread_id=request.thread_id, at=now)
    asked = AskedErasure(
        id=request.id, created_at=now, signed=signed, sent_until=request.forget_at or request.answer_by
    )
    records = RecordStore(profile, AskedErasure)
    try:
        asked = await records.insert(asked)
    except DuplicateError:
        asked = await records.get(request.id)
    if asked.answered_at is None or asked.kept:  # what a law kept may have been erased since
        await _send(profile, request, asked)
    return asked


async def asked_erasure(profile: Profile, request_id: str) -> AskedErasure | None:
    """Return whether a verifier was asked to erase an answer, and what it did; None: it was not asked."""
    return await RecordStore(profile, AskedErasure).get_or_none(request_id)


async def sweep_erasures(profile: Profile, now: datetime) -> None:
    """Send again what was not answered, and forget what is old."""
    records = RecordStore(profile, AskedErasure)
    can_be_reached = True
    async with records.claiming(now, due_of=lambda asked: asked.due_again(now)) as due:
        async for asked in due:
            request = await open_requests(profile).get_or_none(asked.id)
            if asked.created_at + _LOG_KEPT <= now:
                await records.remove(asked.id)
                continue
            if asked.answered_at is not None or request is None:
                continue
            # A mediator that is away is waited for once: the sweep has other work.
            if can_be_reached or request.origin.connection_id is not None:
                can_be_reached = await _send(profile, request, asked) and can_be_reached


async def _send(profile: Profile, request: ReceivedRequest, asked: AskedErasure) -> bool:
    """Send it soon; False: the answer would not reach us now, so a later sweep sends it."""
    origin = request.origin
    try:
        service = await reached_at(profile, origin.own_key) if origin.connection_id is None else None
    except ResolutionError as err:
        _LOG.warning("holder: the erasure of request %s is not asked for yet: %s", request.id, err.message)
        return False
    message = erasure_message(thread_id=request.thread_id, signed=asked.signed, service=service)
    await profile.inject(Sending).send_soon(profile, origin.channel, message, wants_reply=True)
    return True


async def _request_of(incoming: Incoming) -> ReceivedRequest | None:
    """Return the request that an answer is about, if its verifier sent it and was asked."""
    ids = ids_of(_KIND, incoming.recipient, incoming.thread_id)
    request = await open_requests(incoming.profile).any_of(ids, lambda one: one.origin.is_between(incoming))
    if request is None or await asked_erasure(incoming.profile, request.id) is None:
        return None
    return request


async def _is_ours(incoming: Incoming) -> bool:
    return await _request_of(incoming) is not None


async def _take_answer(_: _Office, incoming: Incoming) -> bool:
    if (request := await _request_of(incoming)) is None:
        return False
    answer = read_erased_message(incoming.members)
    told = {"answered_at": answer.at, "erased": answer.erased, "kept": answer.kept}
    await RecordStore(incoming.profile, AskedErasure).change(request.id, lambda asked: asked.model_copy(update=told))
    return True


ERASURE_ANSWERS: Final[Mapping[str, Handler]] = {ERASED: Handler(_take_answer, knows=_is_ours)}
"""By message type, as in `gate/served.TABLE`."""
