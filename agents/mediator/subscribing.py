"""`push-notifications-webpush/1.0`: a wallet says where it can be told that something waits for it.

The messages have the shapes of Aries RFC 0699 and 0734, which do the same for the services of Apple and Google; what
their `device_token` is, is here the three members of a W3C `PushSubscription`.

1. `get-device-info` asks for `device-info`: the key for which a wallet subscribes (`server_key`), the push services
   that are known here, and the endpoint that is registered.
2. `set-device-info` registers a subscription, or none: with an endpoint of null. It is answered with `device-info`.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from wanderbuch.agents.mediator.errors import MediationError
from wanderbuch.agents.mediator.office import MediatorOffice, wallet_of
from wanderbuch.agents.mediator.pushing.message import Subscription
from wanderbuch.agents.mediator.pushing.telling import Pushes
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.packing import PREFIX
from wanderbuch.plugins.exchange.reports import problem_report

FAMILY: Final = "push-notifications-webpush/1.0"


async def take_set(office: Any, incoming: Incoming) -> bool:
    """Note where a wallet is told, or that it is told no more (2)."""
    mediator: MediatorOffice = office
    wallet, channel = await wallet_of(mediator, incoming)
    if mediator.pushes is None:
        await mediator.answer(incoming, channel, _refusal(incoming, "this mediator sends no pushes"))
        return True
    if incoming.members.get("endpoint") is None:
        await mediator.subscriptions.remove(wallet)
    else:
        try:
            subscription = Subscription.read(incoming.members, services=mediator.pushes.services)
        except MediationError as err:
            await mediator.answer(incoming, channel, _refusal(incoming, err.message))
            return True
        if not await mediator.subscriptions.put(wallet, subscription):
            await mediator.answer(incoming, channel, _refusal(incoming, "ask for mediation first"))
            return True
    await mediator.answer(incoming, channel, await _info(mediator, mediator.pushes, wallet, incoming))
    return True


async def take_get(office: Any, incoming: Incoming) -> bool:
    """Tell a wallet what it needs for a subscription, and which one it has (1)."""
    mediator: MediatorOffice = office
    wallet, channel = await wallet_of(mediator, incoming)
    if mediator.pushes is None:
        answer = _refusal(incoming, "this mediator sends no pushes")
    else:
        answer = await _info(mediator, mediator.pushes, wallet, incoming)
    await mediator.answer(incoming, channel, answer)
    return True


PUSH_HANDLERS: Final[Mapping[str, Handler]] = {
    f"{FAMILY}/set-device-info": Handler(take_set),
    f"{FAMILY}/get-device-info": Handler(take_get),
}


async def _info(mediator: MediatorOffice, pushes: Pushes, wallet: str, incoming: Incoming) -> dict[str, Any]:
    subscription = await mediator.subscriptions.get(wallet)
    return {
        "@type": f"{PREFIX}{FAMILY}/device-info",
        "@id": str(uuid4()),
        "~thread": {"thid": incoming.thread_id},
        "server_key": pushes.key.public,
        "services": list(pushes.services.hosts),
        "endpoint": None if subscription is None else subscription.endpoint,
    }


def _refusal(incoming: Incoming, text: str) -> dict[str, Any]:
    return problem_report(f"{FAMILY}/problem-report", thread_id=incoming.thread_id, code="e.m.push", text=text)
