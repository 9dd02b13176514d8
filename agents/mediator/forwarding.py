"""Forward (Aries RFC 0094): anybody may send an envelope here that is for a key of a wallet of ours.

1. The key is one that a wallet registered; else the message is refused (400), and nothing is kept of it.
2. What is forwarded is an envelope itself, not too large: nothing that is readable is ever kept. Else 400.
3. Its sender gets 200 when it is kept; where the wallet's queue is full, 503: come again.
4. Messages count for the budget of the wallet that they are for: whoever floods one wallet fills that one's queue.
5. One layer is opened: what is inside, another `forward` perhaps, is its recipient's to open.
"""

from collections.abc import Mapping
from typing import Any, Final

from wanderbuch.agents.mediator.errors import MediationError
from wanderbuch.agents.mediator.office import MediatorOffice
from wanderbuch.agents.runtime.gate.envelope import EnvelopeError, read_envelope
from wanderbuch.agents.runtime.gate.room import BusyError
from wanderbuch.plugins.exchange.connecting.did_documents import bare_key
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.json_text import to_json

_KIND: Final = "routing/1.0/forward"


async def budget_of(incoming: Incoming) -> str | None:
    """Return the wallet that a forward is for, whose budget it uses; None: nobody's key (1, 2, 4).

    Raises:
        MediationError: it forwards no envelope.
        BusyError: the queues are not open yet.
    """
    office: MediatorOffice | None = incoming.profile.inject_or(MediatorOffice)
    if office is None:
        raise BusyError("the queues are not open yet")
    wallet = await office.wallets.lately_of_key(_key_hash(office, incoming))
    if wallet is not None:
        _envelope(incoming, max_bytes=office.config.message_kb * 1024, is_read=False)
    return wallet


async def take_forward(office: Any, incoming: Incoming) -> bool:
    """Keep what is forwarded (2, 3)."""
    mediator: MediatorOffice = office
    envelope = _envelope(incoming, max_bytes=mediator.config.message_kb * 1024, is_read=True)
    key_hash = _key_hash(mediator, incoming)
    if not await mediator.queue.keep(key_hash, envelope):
        if await mediator.wallets.of_key(key_hash) is None:
            raise MediationError("expected the key of a wallet that has one here, found another")
        await mediator.wallets.note_refused(key_hash)
        raise BusyError("the queue of this wallet is full")
    return True


FORWARD_HANDLERS: Final[Mapping[str, Handler]] = {_KIND: Handler(take_forward, budget=budget_of)}


def _key_hash(mediator: MediatorOffice, incoming: Incoming) -> bytes:
    key = bare_key(incoming.members.get("to"))
    if key is None:
        raise MediationError("expected an Ed25519 key in the forward, found something else")
    return mediator.wallets.hash_of(key)


def _envelope(incoming: Incoming, *, max_bytes: int, is_read: bool) -> bytes:
    """Return what is forwarded, as it goes to the wallet; `is_read`: that it is an envelope was seen already."""
    msg = incoming.members.get("msg")
    if isinstance(msg, Mapping):
        packed = to_json(msg)
    elif isinstance(msg, str):
        packed = msg.encode()
    else:
        raise MediationError("expected an envelope in the forward, found something else")
    if len(packed) > max_bytes:
        raise MediationError(f"expected an envelope of at most {max_bytes} bytes, found a larger one")
    if is_read:
        return packed
    try:
        read_envelope(packed, max_bytes=max_bytes)
    except EnvelopeError as err:
        raise MediationError("expected an envelope in the forward, found something that is none") from err
    return packed
