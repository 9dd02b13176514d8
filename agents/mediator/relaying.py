"""Takes `egress/1.0/request`: begins the request, or says why not (see `egress`)."""

from collections.abc import Mapping
from typing import Any, Final

from wanderbuch.agents.mediator.egress import FAMILY, EgressRefusedError, refusal
from wanderbuch.agents.mediator.office import MediatorOffice, wallet_of
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming, socket_of


async def take_request(office: Any, incoming: Incoming) -> bool:
    """Begin a wallet's request; it is answered over the same web socket."""
    mediator: MediatorOffice = office
    wallet, channel = await wallet_of(mediator, incoming)
    socket = socket_of(incoming.way_back)
    try:
        if mediator.egress is None:
            raise EgressRefusedError("e.m.egress.off", "this mediator sends nothing for wallets")  # noqa: TRY301
        if socket is None:
            raise EgressRefusedError("e.m.egress.web-socket", "requests go over a web socket, with return_route")  # noqa: TRY301
        mediator.egress.begin(wallet, channel, socket, incoming)
    except EgressRefusedError as err:
        await mediator.answer(incoming, channel, refusal(incoming.thread_id, err))
    return True


EGRESS_HANDLERS: Final[Mapping[str, Handler]] = {
    f"{FAMILY}/request": Handler(take_request, is_kept=False, takes_tail=True)
}
