"""Trust ping 2.0: whether somebody can be reached, and reads what we write (DIDComm Messaging 2.1 §Trust Ping)."""

from typing import Any, Final

from wanderbuch.plugins.exchange.v2.handling import V2Handler, V2Incoming
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext, PlaintextError, new_message

PING: Final = "https://didcomm.org/trust-ping/2.0/ping"
RESPONSE: Final = "https://didcomm.org/trust-ping/2.0/ping-response"


def ping(*, sender: str, to: str) -> Plaintext:
    """Return a ping that asks for a response."""
    return new_message(PING, {"response_requested": True}, sender=sender, to=to)


async def answer_ping(_: Any, incoming: V2Incoming) -> Plaintext | None:
    """Answer a ping, unless it asks for no answer."""
    asked = incoming.message.body.get("response_requested", True)
    if not isinstance(asked, bool):
        raise PlaintextError("expected response_requested to be true or false")
    if not asked or incoming.sender is None:
        return None
    return new_message(RESPONSE, {}, sender=incoming.own_did, to=incoming.sender.did, answers=incoming.message)


HANDLERS: Final = {PING: V2Handler(answer_ping, max_bytes=16 * 1024)}
