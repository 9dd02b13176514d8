"""Message Pickup 2.0 (Aries RFC 0685), and implicit pickup: how a wallet gets what waits for it.

1. `status-request`, `delivery-request` and `messages-received` go over https and over a web socket.
2. `live-delivery-change` is for a web socket: what comes goes out at once in `delivery`, until that ends (`live`).
3. A ping whose sender waits for replies begins implicit pickup (RFC 0092): over a web socket all that waits and comes
   goes out as it came; over https the answer carries the oldest message that waits.
4. A message goes when its wallet says that it has it; implicitly, when the other end has read it: over https, when the
   answer with it was written. Who must not lose anything uses `delivery`.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final
from uuid import uuid4

from wanderbuch.agents.mediator.errors import MediationError
from wanderbuch.agents.mediator.live import delivery_message, parts_of
from wanderbuch.agents.mediator.office import MediatorOffice, wallet_of
from wanderbuch.agents.mediator.queue import Waiting, WaitingCount
from wanderbuch.agents.runtime.own_handling import HttpReply
from wanderbuch.plugins.exchange.connecting.did_documents import bare_key
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming, socket_of
from wanderbuch.plugins.exchange.packing import PREFIX
from wanderbuch.plugins.exchange.reports import problem_report

_FAMILY: Final = "messagepickup/2.0"
_MOST: Final = 10
_MOST_RECEIVED: Final = 500
_NOT_LIVE: Final = "e.m.live-mode-not-supported"  # Aries RFC 0685
_PING_RESPONSE: Final = f"{PREFIX}trust_ping/1.0/ping_response"


async def take_status_request(office: Any, incoming: Incoming) -> bool:
    """Tell how much waits (1)."""
    mediator: MediatorOffice = office
    wallet, channel = await wallet_of(mediator, incoming)
    await mediator.came(wallet)
    await mediator.answer(incoming, channel, await _status(mediator, wallet, incoming))
    return True


async def take_delivery_request(office: Any, incoming: Incoming) -> bool:
    """Deliver what waits, or say that nothing does (1)."""
    mediator: MediatorOffice = office
    wallet, channel = await wallet_of(mediator, incoming)
    limit = incoming.members.get("limit", _MOST)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise MediationError("expected a limit of at least 1")
    await mediator.came(wallet)
    waiting = await _asked(mediator, wallet, incoming, limit=min(limit, _MOST))
    if waiting:
        message = delivery_message(parts_of(waiting)[0], thread_id=incoming.thread_id, as_text=_takes_text(incoming))
    else:
        message = await _status(mediator, wallet, incoming)
    await mediator.answer(incoming, channel, message)
    return True


async def take_received(office: Any, incoming: Incoming) -> bool:
    """Remove what the wallet has, and tell what still waits (1, 4)."""
    mediator: MediatorOffice = office
    wallet, channel = await wallet_of(mediator, incoming)
    ids = incoming.members.get("message_id_list")
    if not isinstance(ids, list) or len(ids) > _MOST_RECEIVED or not all(isinstance(ident, str) for ident in ids):
        raise MediationError(f"expected at most {_MOST_RECEIVED} ids of messages")
    named = [ident for ident in dict.fromkeys(ids) if len(ident) <= 64 and "\0" not in ident]
    count = await mediator.queue.count(wallet, without=named)
    await mediator.live.acknowledged(wallet, named)
    await mediator.answer(incoming, channel, await _status(mediator, wallet, incoming, count))
    return True


async def take_live_change(office: Any, incoming: Incoming) -> bool:
    """Begin or end live mode (2)."""
    mediator: MediatorOffice = office
    wallet, channel = await wallet_of(mediator, incoming)
    wanted, socket = incoming.members.get("live_delivery"), socket_of(incoming.way_back)
    if not isinstance(wanted, bool):
        raise MediationError("expected live_delivery to be true or false")
    if socket is None:
        if wanted:
            text = "live delivery is for web sockets, with return_route"
            report = problem_report(
                f"{_FAMILY}/problem-report", thread_id=incoming.thread_id, code=_NOT_LIVE, text=text
            )
            await mediator.answer(incoming, channel, report)
            return True
    elif wanted:
        await mediator.came(wallet)
        await mediator.live.begin(wallet, channel, socket, is_live=True, as_text=_takes_text(incoming))
    else:
        mediator.live.end(wallet, socket)
    await mediator.answer(incoming, channel, await _status(mediator, wallet, incoming))
    return True


async def take_ping(office: Any, incoming: Incoming) -> bool:
    """Answer a ping; where its sender waits for replies, what waits is one (3, 4)."""
    mediator: MediatorOffice = office
    wallet, channel = await wallet_of(mediator, incoming)
    way_back = incoming.way_back
    if way_back.is_open:
        await mediator.came(wallet)
    if (socket := socket_of(way_back)) is not None:
        await mediator.live.begin(wallet, channel, socket, is_live=False)
    elif isinstance(way_back, HttpReply) and way_back.is_open:
        for waiting in await mediator.queue.first(wallet, limit=1):
            if way_back.offer_once(waiting.envelope, partial(mediator.queue.remove, wallet, [waiting.id])):
                return True
    if incoming.members.get("response_requested", True) is not False:
        pong = {"@type": _PING_RESPONSE, "@id": str(uuid4()), "~thread": {"thid": incoming.thread_id}}
        await mediator.answer(incoming, channel, pong)
    return True


async def take_note(office: Any, incoming: Incoming) -> bool:
    """Take what a wallet tells us and nobody acts upon."""
    await wallet_of(office, incoming)
    return True


PICKUP_HANDLERS: Final[Mapping[str, Handler]] = {
    f"{_FAMILY}/status-request": Handler(take_status_request, asked_again=True),
    f"{_FAMILY}/delivery-request": Handler(take_delivery_request, asked_again=True),
    f"{_FAMILY}/messages-received": Handler(take_received, asked_again=True),
    f"{_FAMILY}/live-delivery-change": Handler(take_live_change, asked_again=True),
    f"{_FAMILY}/problem-report": Handler(take_note),
    "trust_ping/1.0/ping": Handler(take_ping, asked_again=True, own_connections=True),
    "trust_ping/1.0/ping_response": Handler(take_note, own_connections=True),
    "notification/1.0/problem-report": Handler(take_note, own_connections=True),
}


def _takes_text(incoming: Incoming) -> bool:
    return incoming.members.get("delivery_as") == "text"  # ours; others ignore the member


async def _asked(mediator: MediatorOffice, wallet: str, incoming: Incoming, *, limit: int) -> Sequence[Waiting]:
    named = incoming.members.get("recipient_key", incoming.members.get("recipient_did"))
    if named is None:
        return await mediator.queue.first(wallet, limit=limit)
    key = bare_key(named)
    return () if key is None else await mediator.queue.of_key(wallet, key, limit=limit)


async def _status(
    mediator: MediatorOffice, wallet: str, incoming: Incoming, count: WaitingCount | None = None
) -> dict[str, Any]:
    named = incoming.members.get("recipient_key")
    count = count or await mediator.queue.count(wallet)
    message: dict[str, Any] = {
        "@type": f"{PREFIX}{_FAMILY}/status",
        "@id": str(uuid4()),
        "~thread": {"thid": incoming.thread_id},
        "message_count": count.messages,
        "live_delivery": mediator.live.is_live(wallet),
    }
    if isinstance(named, str):
        key = bare_key(named)
        matching = 0 if key is None else await mediator.queue.count_of_key(wallet, key)
        message |= {"recipient_key": named, "message_count": matching}
    if _takes_text(incoming) and socket_of(incoming.way_back) is not None:
        message["takes_compact"] = True  # for wallets of ours: see ADR 120
    if count.refused > 0:
        await mediator.wallets.told_refused(wallet, count.refused)
        message["refused_count"] = count.refused  # found no room since we told it last; others ignore the member
    return message
