"""Which messages about offers and credentials an issuer may send this wallet, and who takes each."""

from collections.abc import Mapping
from typing import Final

from wanderbuch.agents.holder.held_offer import knows_offer, offer_of
from wanderbuch.agents.holder.peers import Origin
from wanderbuch.agents.holder.receiving import Wallet, take_credential, take_offer, take_report
from wanderbuch.agents.holder.revocation_notices import take_notice
from wanderbuch.plugins.exchange.connecting.connections import connection_of
from wanderbuch.plugins.exchange.credential_messages import ISSUE, OFFER, PROBLEM
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming


async def _take_offer(wallet: Wallet, incoming: Incoming) -> bool:
    """Take an offer that came over a connection, or once more on its thread; False: from nobody whom we know."""
    connection = await connection_of(incoming)
    if connection is not None:
        origin = Origin.over(connection)
    elif (held_offer := await offer_of(incoming)) is not None:
        origin = held_offer.origin
    else:
        return False
    await take_offer(incoming.profile, wallet.config, incoming.members, origin)
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
