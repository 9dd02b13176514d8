"""What ACA-Py keeps of an offer goes a day after the offer has ended.

1. The exchange, with what was offered: a lost answer may have to be sent again until then.
2. Where no credential came of it: the invitation, and the connection that it brought, if any: nobody will use it.
   A connection that brought a credential stays: the wallet is told over it if that is revoked.

Each is found by name, but for what ACA-Py attaches to a connection.
"""

from contextlib import suppress

from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.issue_credential.v2_0.manager import V20CredManager
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from acapy_agent.storage.base import BaseStorage
from acapy_agent.storage.error import StorageNotFoundError

from wanderbuch.agents.issuer.offers import Offer, OfferState

_ATTACHED = (ConnRecord.RECORD_TYPE_INVITATION, ConnRecord.RECORD_TYPE_REQUEST)


async def forget_exchange(profile: Profile, offer: Offer) -> None:
    """Remove what ACA-Py keeps of an offer that has ended; doing it again does nothing."""
    with suppress(StorageNotFoundError):
        await V20CredManager(profile).delete_cred_ex_record(offer.cred_ex_id)
    if offer.state not in (OfferState.ISSUED, OfferState.REVOKED):
        await _forget_invitation(profile, offer)


async def _forget_invitation(profile: Profile, offer: Offer) -> None:
    connection_id = offer.connection_id
    async with profile.session() as session:
        if offer.oob_id is not None:
            with suppress(StorageNotFoundError):
                record = await OobRecord.retrieve_by_id(session, offer.oob_id)
                connection_id = connection_id or record.connection_id
                await record.delete_record(session)
        if connection_id is None:
            return
        storage = session.inject(BaseStorage)
        for kind in _ATTACHED:
            await storage.delete_all_records(kind, {"connection_id": connection_id})
        with suppress(StorageNotFoundError):
            await (await ConnRecord.retrieve_by_id(session, connection_id)).delete_record(session)
