"""The holder's side of trust, inside ACA-Py's exchanges, whoever drives them.

`setup_holding` puts three message handlers in place of ACA-Py's own, through the protocol registry:

- an offer is judged when it comes. Only a TRUSTED one reaches the state from which ACA-Py lets anybody accept it
  (`offer-received`); every other one waits in `offer-withheld`, where ACA-Py's own routes and auto flags refuse it.
  Another offer on the same thread is not taken: what the person accepts is what they saw.
- a credential that comes is kept only if it was asked for, equals the accepted offer, and its issuer is still TRUSTED;
  if that can not be checked just now it waits in `credential-withheld`. Its tails file is fetched first, without
  blocking. What differs is refused, and the issuer is told.
- a proof request is never answered by itself: auto-present is ignored, because it would choose a credential unasked,
  even a revoked one. A second request on a thread that was answered or declined is not taken.

A handshake that a crash cut goes on (`handshake_messages`). `keeping` has the functions behind it, for roles to call.
"""

from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.protocol_registry import ProtocolRegistry

from wanderbuch.plugins.trust.handshake_messages import INVITEE_MESSAGES
from wanderbuch.plugins.trust.holding_messages import HOLDER_MESSAGES


async def setup_holding(context: InjectionContext) -> None:
    """Put the judging handlers in place of ACA-Py's own; called once, after ACA-Py's protocols are registered."""
    registry = context.inject(ProtocolRegistry)
    for known in registry.message_types:
        for message_type, message_class in HOLDER_MESSAGES.items():
            if known.endswith(f"/{message_type}"):
                registry.register_message_types({known: message_class})
    registry.register_message_types(INVITEE_MESSAGES)
