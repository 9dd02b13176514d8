"""After a restore, what only a running agent can do: take up what a ledger says of the registries of the backup.

1. The ledger's newest list is the wallet's: what is revoked there stays so, and what the wallet still had to revoke
   is published after it. No place is given any more (`after_restore`).
2. A credential that is revoked there is revoked in the book too, by an intent.
3. Only then is it forgotten that the ledger is to be asked; one that is silent is asked at the next look.
"""

import logging

from acapy_agent.anoncreds.base import AnonCredsObjectNotFound
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.after_restore import LedgerToAsk, close_registry, intend_revoked
from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.indy.errors import reason_of
from wanderbuch.store.records import RecordStore

LOGGER = logging.getLogger(__name__)


async def take_up_ledgers(profile: Profile, book: OfferBook) -> None:
    """Ask the ledgers that were noted at a restore; mostly there are none, which costs one look into the store."""
    records = RecordStore(profile, LedgerToAsk)
    for noted in await records.find():
        try:
            answer = await profile.inject(AnonCredsRegistry).get_revocation_list(profile, noted.id, None, None)
        except AnonCredsObjectNotFound:  # it had no state yet, and whoever has its keys now gives it none
            await records.remove(noted.id)
            continue
        except (WanderbuchError, BaseError) as err:
            LOGGER.warning("the ledger was not asked yet what of %s is revoked: %s", noted.id, reason_of(err))
            continue
        newest = answer.revocation_list.serialize()
        await close_registry(profile, noted.id, newest, noted.size)  # 1
        revoked = {index for index, bit in enumerate(newest["revocationList"]) if bit}
        count = await intend_revoked(profile, book, {noted.id: revoked})  # 2
        await records.remove(noted.id)  # 3
        LOGGER.info("%s is taken up from its ledger; %d revocation(s) were not in the book", noted.id, count)
