"""Sending a credential again that may be lost.

ACA-Py queues what goes out in memory: a crash between signing and delivery leaves a credential that the wallet never
got. So what no wallet has acknowledged is sent again,

1. once more whenever a process begins or is lost: it may have been that one's to deliver;
2. then after 30 s, 1 min, 2 min and so on, a few times.

It is the same credential each time. A wallet that has it already ignores it.
"""

import logging
from datetime import datetime

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord

from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.faults import describe
from wanderbuch.plugins.trust.issue_messages import credential_message

LOGGER = logging.getLogger(__name__)


def is_due(offer: Offer, now: datetime, *, began: datetime) -> bool:
    """Return whether the credential of an offer is to be sent again.

    Args:
        offer: as it stands.
        now: the instant of the sweep.
        began: when the last process began or was lost.
    """
    again_at = offer.send_again_at()
    if again_at is None or offer.sent_at is None:
        return False
    return offer.sent_at < began or now >= again_at


async def send_again(profile: Profile, exchange: V20CredExRecord) -> None:
    """Send the credential of a signed exchange once more; if that fails, a later sweep tries again."""
    if exchange.cred_issue is None:
        return
    LOGGER.info("exchange %s: the credential is sent again", exchange.cred_ex_id)
    try:
        message = credential_message(exchange)
        await profile.inject(BaseResponder).send(message, connection_id=exchange.connection_id)
    except (BaseError, RuntimeError) as err:
        LOGGER.warning("exchange %s: could not be sent again: %s", exchange.cred_ex_id, describe(err))
