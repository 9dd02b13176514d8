"""What a verifier may send a holder (present-proof 2.0, Aries RFC 0454), taken.

- A request is kept, and never answered by itself. It comes over a connection, or with an invitation (`opening`). A
  second one on its thread is not taken: what the person answers is what they saw.
- An acknowledgement ends a request that was answered; a problem report also one that is still open. One that does not
  say what the verifier decided is neither a yes nor a no.

A request without a connection has a key of its own: whoever writes to that key, with the key that the invitation was
for, on the request's thread, is its verifier.
"""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder.arrivals import Arrival, ArrivalKind, announce
from wanderbuch.agents.holder.bounds import TooManyOpenError, expect_room
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.exchanges import exchange_id, ids_of
from wanderbuch.agents.holder.peers import Origin
from wanderbuch.agents.holder.request_book import ReceivedRequest, RequestBook, RequestState, open_requests
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.acknowledgements import AckStatus, read_ack
from wanderbuch.plugins.exchange.connecting.connections import connection_of
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.left_out import MayBeLeftOut
from wanderbuch.plugins.exchange.proof_messages import ACK, PROBLEM, REQUEST, read_request_message
from wanderbuch.plugins.exchange.reports import problem_report, read_report
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.store.records import DuplicateError

_LOG = logging.getLogger(__name__)
_KIND: Final = "question"
_ENDS_TRIED: Final = 3
_WANTED: Final = frozenset({RequestState.PRESENTED.value, RequestState.ACCEPTED.value, RequestState.ACKNOWLEDGED.value})
_TOO_MANY: Final = "Too many questions wait for an answer already. Wait until some are answered or over."
_GOAL_CODE: Final = re.compile(r"[a-z0-9._-]{1,128}")


class _Office(Protocol):
    @property
    def profile(self) -> Profile: ...

    @property
    def config(self) -> HolderConfig: ...


async def keep_request(
    profile: Profile, config: HolderConfig, members: Mapping[str, Any], thread_id: str, origin: Origin
) -> ReceivedRequest:
    """Keep a request that came, unless there is one on its thread already; return what is kept.

    Raises:
        AttachedError: it is not a request for one AnonCreds proof.
        LeftOutError: what it says may be left out cannot be read.
        TooManyOpenError: too many wait that came over this connection; nothing of it is kept.
    """
    asked = read_request_message(members)
    now = datetime.now(UTC)
    records = open_requests(profile)
    request_id = exchange_id(_KIND, origin, thread_id)
    try:
        await expect_room(records, origin.connection_id, is_open=RequestState.OPEN.value, is_wanted=_WANTED)
    except TooManyOpenError:
        if (kept := await records.get_or_none(request_id)) is None:
            raise
        return kept
    request = ReceivedRequest(
        id=request_id,
        created_at=now,
        thread_id=thread_id,
        origin=origin,
        asked=asked.text,
        may_be_left_out=MayBeLeftOut.read(members),
        answer_by=now + timedelta(seconds=config.request_deadline_s),
    )
    try:
        return await records.insert(request)
    except DuplicateError:
        return await records.get(request.id)


async def _take_request(office: _Office, incoming: Incoming) -> bool:
    profile = office.profile
    connection = await connection_of(incoming)
    if connection is None:
        raise ExchangeError("a request that came over no connection and with no invitation")
    origin = Origin.over(connection).model_copy(update={"goal_code": _goal_code(incoming.members)})
    try:
        request = await keep_request(profile, office.config, incoming.members, incoming.thread_id, origin)
    except TooManyOpenError as err:
        _LOG.warning("holder: a question over connection %s is refused: %s", connection.connection_id, err.message)
        report = problem_report(PROBLEM, thread_id=incoming.thread_id, code="abandoned", text=_TOO_MANY)
        await profile.inject(Sending).answer(incoming, connection.channel, report)
        return True
    await announce(profile, Arrival(ArrivalKind.REQUEST, connection.connection_id, request.id))
    return True


def _goal_code(members: Mapping[str, object]) -> str | None:
    """Return what a request says that it is for (Aries RFC 0454); None: nothing that can stand in a record."""
    told = members.get("goal_code")
    return told if isinstance(told, str) and _GOAL_CODE.fullmatch(told) else None


async def _is_ours(incoming: Incoming) -> bool:
    return await _request_of(incoming) is not None


async def _take_ack(office: _Office, incoming: Incoming) -> bool:
    if (request := await _request_of(incoming)) is None:
        return False
    if request.state is not RequestState.PRESENTED:
        _LOG.info("holder: an acknowledgement came for request %s, which is %s", request.id, request.state.value)
        return True
    status = read_ack(incoming.members)
    if status is AckStatus.PENDING:  # another word follows; until then the proof counts as sent
        _LOG.info("holder: the verifier of request %s has not decided yet", request.id)
        return True
    await _end(office, request, _acknowledged_as(status, incoming.members.get("verification_result")), None)
    return True


def _acknowledged_as(status: AckStatus, result: object) -> RequestState:
    """Return what an acknowledgement says of the proof (Aries RFC 0454, `verification_result`).

    One that says that something failed is no yes, whatever its result. Most say nothing: Credo has no result, and stock
    ACA-Py drops it, of a proof that it refuses, too.
    """
    if status is AckStatus.FAIL:
        return RequestState.REFUSED_BY_VERIFIER
    if result is None:
        return RequestState.ACKNOWLEDGED
    return RequestState.ACCEPTED if result == "true" else RequestState.REFUSED_BY_VERIFIER


async def _take_problem(office: _Office, incoming: Incoming) -> bool:
    request = await _request_of(incoming)
    if request is None:
        return False
    report = read_report(incoming.members)
    note = f"{report.code}: {report.text}" if report.text else report.code
    for _ in range(_ENDS_TRIED):  # the person may have answered meanwhile
        if request is None or request.is_over or await _end(office, request, RequestState.REFUSED_BY_VERIFIER, note):
            break
        request = await _request_of(incoming)
    return True


async def _end(office: _Office, request: ReceivedRequest, state: RequestState, note: str | None) -> bool:
    keep = timedelta(days=office.config.keep_ended_days)
    book, now = RequestBook(office.profile), datetime.now(UTC)
    return await book.finish(request, state, note=note, at=now, keep=keep) is not None


async def _request_of(incoming: Incoming) -> ReceivedRequest | None:
    """Return the request that a message is about, if its verifier sent it."""
    ids = ids_of(_KIND, incoming.recipient, incoming.thread_id)
    return await open_requests(incoming.profile).any_of(ids, lambda request: request.origin.is_between(incoming))


REQUEST_HANDLERS: Final[Mapping[str, Handler]] = {
    REQUEST: Handler(_take_request),
    ACK: Handler(_take_ack, knows=_is_ours),
    PROBLEM: Handler(_take_problem, knows=_is_ours),
}
"""By message type, as in `gate/served.TABLE`."""
