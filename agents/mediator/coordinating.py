"""Coordinate Mediation 1.0 (Aries RFC 0211): a wallet asks for mediation, and says which keys it receives with.

Whoever writes is the wallet of the connection: its key is the one that its DID named when it connected. The grant
tells the wallet what it may take of us (`limits`), which the protocol has no word for and others ignore.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from wanderbuch.agents.mediator.errors import MediationError
from wanderbuch.agents.mediator.keys import did_key
from wanderbuch.agents.mediator.office import MediatorOffice, wallet_of
from wanderbuch.plugins.exchange.connecting.did_documents import bare_key
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.packing import PREFIX

_FAMILY: Final = "coordinate-mediation/1.0"
_MOST_UPDATES: Final = 200
_MOST_LISTED: Final = 100


async def take_request(office: Any, incoming: Incoming) -> bool:
    """Grant mediation; again for one that has it."""
    mediator: MediatorOffice = office
    wallet, channel = await wallet_of(mediator, incoming)
    if not await mediator.wallets.grant(wallet):  # it was forgotten in between: it is there again
        own_key = incoming.recipient
        if not (await mediator.wallets.enter(own_key, most=mediator.config.max_wallets)):
            await mediator.answer(incoming, channel, _message("mediate-deny", incoming))
            return True
        await mediator.wallets.grant(wallet)
    granted = {
        "endpoint": mediator.endpoint,
        "routing_keys": [did_key(mediator.keys.routing_key)],
        "limits": mediator.config.limits,
    }
    await mediator.answer(incoming, channel, _message("mediate-grant", incoming) | granted)
    return True


async def take_update(office: Any, incoming: Incoming) -> bool:
    """Register keys of a wallet, and give keys back."""
    mediator: MediatorOffice = office
    wallet, channel = await wallet_of(mediator, incoming)
    updates = incoming.members.get("updates")
    if not isinstance(updates, list) or not 0 < len(updates) <= _MOST_UPDATES:
        raise MediationError(f"expected 1 to {_MOST_UPDATES} updates of keys, found something else")
    updated = [await _update(mediator, wallet, update) for update in updates]
    await mediator.answer(incoming, channel, _message("keylist-update-response", incoming) | {"updated": updated})
    return True


async def take_query(office: Any, incoming: Incoming) -> bool:
    """Tell a wallet its keys."""
    mediator: MediatorOffice = office
    wallet, channel = await wallet_of(mediator, incoming)
    asked = incoming.members.get("paginate")
    page = asked if isinstance(asked, Mapping) else {}
    limit, offset = (_whole(page.get(name), default) for name, default in (("limit", _MOST_LISTED), ("offset", 0)))
    limit = min(limit, _MOST_LISTED) if limit > 0 else _MOST_LISTED  # ACA-Py asks for -1: all
    keys, total = await mediator.wallets.keys(wallet, limit=limit, offset=max(0, offset))
    told = {
        "keys": [{"recipient_key": did_key(key)} for key in keys],
        "pagination": {"count": len(keys), "offset": offset, "remaining": max(0, total - offset - len(keys))},
    }
    await mediator.answer(incoming, channel, _message("keylist", incoming) | told)
    return True


COORDINATION_HANDLERS: Final[Mapping[str, Handler]] = {
    f"{_FAMILY}/mediate-request": Handler(take_request, asked_again=True),
    f"{_FAMILY}/keylist-update": Handler(take_update, asked_again=True),
    f"{_FAMILY}/keylist-query": Handler(take_query, asked_again=True),
}


async def _update(mediator: MediatorOffice, wallet: str, update: object) -> dict[str, str]:
    named = update if isinstance(update, Mapping) else {}
    text, action = named.get("recipient_key"), named.get("action")
    key = bare_key(text) if isinstance(text, str) else None
    told = {
        "recipient_key": text if isinstance(text, str) else "",
        "action": action if isinstance(action, str) else "",
    }
    if key is None or action not in ("add", "remove"):
        return told | {"result": "client_error"}
    if action == "add" and await mediator.is_own(key):
        return told | {"result": "client_error"}
    if action == "add":
        added = await mediator.wallets.add_key(wallet, key, most=mediator.config.wallet_keys)
        return told | {"result": "success" if added else "client_error"}
    return told | {"result": "success" if await mediator.wallets.remove_key(wallet, key) else "no_change"}


def _message(name: str, incoming: Incoming) -> dict[str, Any]:
    return {"@type": f"{PREFIX}{_FAMILY}/{name}", "@id": str(uuid4()), "~thread": {"thid": incoming.thread_id}}


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31 else default
