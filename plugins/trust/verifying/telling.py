"""What a verifier tells a wallet about its answer (Aries RFC 0454, RFC 0015, RFC 0035), and the way there.

An acknowledgement means that the proof was accepted; anything else is a problem report with one reason in words. What
was decided stands whether or not it arrives: a wallet that did not hear it sends its answer again.

The way back is the connection that the sender holds open, if it waits for a reply; the `~service` of its message
(Aries RFC 0056), if its keys are Ed25519 keys and its address is https; or the connection that it has with us.
"""

from collections.abc import Mapping
from typing import Any, Final

from wanderbuch.governance.facts.question import Reason, TrustDecision, Verdict
from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.exchange.connecting.connections import find_channel
from wanderbuch.plugins.exchange.connecting.did_documents import bare_key
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.proof_messages import PROBLEM, ack_message
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.exchange.sending import Sending

_ABANDONED: Final = "abandoned"  # the one code that Aries RFC 0454 has
_MAX_ENDPOINT_CHARS: Final = 2048
_MAX_KEYS: Final = 4


async def tell_decision(incoming: Incoming, decision: TrustDecision) -> None:
    """Tell the wallet how its answer was judged."""
    if decision.verdict is Verdict.TRUSTED:
        await _tell(incoming, ack_message(thread_id=incoming.thread_id))
    else:
        await tell_problem(incoming, decision.reasons[0], verdict=decision.verdict)


async def tell_problem(incoming: Incoming, reason: Reason, *, verdict: Verdict | None = None) -> None:
    """Tell the wallet why its answer is not accepted."""
    text = reason.text if verdict is None else f"{verdict.value}: {reason.text}"
    report = problem_report(PROBLEM, thread_id=incoming.thread_id, code=_ABANDONED, text=text)
    await _tell(incoming, report)


async def way_back(incoming: Incoming) -> Channel | None:
    """Return how the sender of a message can be written to; None: it cannot, and did not say who it is."""
    service = service_channel(incoming.members.get("~service"), own_key=incoming.recipient)
    if service is not None or incoming.sender is None:
        return service
    known = await find_channel(incoming.profile, incoming.recipient)
    if known is not None and known.their_key == incoming.sender:
        return known
    return Channel(own_key=incoming.recipient, their_key=incoming.sender, endpoint="")


def answerer(incoming: Incoming) -> str | None:
    """Return the key of who answers: the one that its message comes from, or that it names for what comes back."""
    if incoming.sender is not None:
        return incoming.sender
    service = service_channel(incoming.members.get("~service"), own_key=incoming.recipient)
    return None if service is None else service.their_key


def service_channel(service: object, *, own_key: str) -> Channel | None:
    """Return the channel that a `~service` decorator names; None if it is not one that we write to."""
    if not isinstance(service, Mapping):
        return None
    endpoint = service.get("serviceEndpoint")
    keys, routing = _keys(service.get("recipientKeys")), _keys(service.get("routingKeys") or [])
    if not keys or routing is None or not isinstance(endpoint, str) or len(endpoint) > _MAX_ENDPOINT_CHARS:
        return None
    channel = Channel(own_key=own_key, their_key=keys[0], endpoint=endpoint, routing_keys=routing)
    return channel if channel.has_address else None


def _keys(listed: object) -> tuple[str, ...] | None:
    """Return Ed25519 keys in base58; None if there are many, or any of them is something else."""
    if not isinstance(listed, list) or len(listed) > _MAX_KEYS:
        return None
    keys = tuple(bare_key(key) for key in listed)
    return None if None in keys else tuple(key for key in keys if key is not None)


async def _tell(incoming: Incoming, message: Mapping[str, Any]) -> None:
    channel = await way_back(incoming)
    if channel is not None:
        await incoming.profile.inject(Sending).answer(incoming, channel, message)
