"""Which messages about offers and credentials an issuer may send this wallet, and who takes each."""

import logging
from collections.abc import Mapping
from typing import Final

from wanderbuch.agents.holder.bounds import TooManyOpenError
from wanderbuch.agents.holder.held_offer import knows_offer, offer_of
from wanderbuch.agents.holder.peers import Origin
from wanderbuch.agents.holder.receiving import Wallet, take_credential, take_offer, take_report
from wanderbuch.agents.holder.revocation_notices import take_notice
from wanderbuch.plugins.exchange.connecting.connections import connection_of
from wanderbuch.plugins.exchange.credential_messages import ISSUE, OFFER, PROBLEM
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.exchange.sending import Sending

LOGGER = logging.getLogger(__name__)
_TOO_MANY: Final = "Too many offers wait for an answer already. Wait until some are answered or over."


async def _take_offer(wallet: Wallet, incoming: Incoming) -> bool:
    """Take an offer that came over a connection, or once more on its thread; False: from nobody whom we know."""
    connection = await connection_of(incoming)
    if connection is not None:
        origin = Origin.over(connection)
    elif (held_offer := await offer_of(incoming)) is not None:
        origin = held_offer.origin
    else:
        return False
    try:
        await take_offer(incoming.profile, wallet.config, incoming.members, origin)
    except TooManyOpenError as err:
        LOGGER.warning("holder: an offer over connection %s is refused: %s", origin.connection_id, err.message)
        report = problem_report(PROBLEM, thread_id=incoming.thread_id, code="issuance-abandoned", text=_TOO_MANY)
        await incoming.profile.inject(Sending).answer(incoming, origin.channel, report)
    return True


async def _take_notice(wallet: Wallet, incoming: Incoming) -> bool:
    """Take a revocation notice that came over a connection."""
    connection = await connection_of(incoming)
    return connection is not None and await take_notice(incoming, connection.channel)


OFFER_HANDLERS: Final[Mapping[str, Handler]] = {
    OFFER: Handler(_take_offer, knows=knows_offer),
    ISSUE: Handler(take_credential, knows=knows_offer),
    PROBLEM: Handler(take_report, knows=knows_offer),
    "revocation_notification/1.0/revoke": Handler(_take_notice),
    "revocation_notification/2.0/revoke": Handler(_take_notice),
}
