"""Who sends a message, as far as it can be told: by key, by thread, by invitation.

1. CONNECTION: the sender's key is one that a live connection's DID had, and it wrote to our side of that connection.
   The pair of keys is remembered, so that the next message costs one look-up.
2. EXCHANGE: the thread is one of ours: a DID exchange, or an exchange without a connection.
3. INVITATION: the parent thread is an invitation of ours that is open.
4. NOBODY: none of these.

The same look-ups are ACA-Py's own (`BaseConnectionManager.find_inbound_connection`), with three differences: an
invitation that a message names does not make its sender a connection; a key that several DIDs claim is no error, since
anybody may write another's key into a DID document; a connection must be live.
"""

import json
from dataclasses import dataclass
from typing import Final

from acapy_agent.connections.base_manager import BaseConnectionManager
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.storage.base import BaseStorage
from acapy_agent.storage.error import StorageDuplicateError, StorageNotFoundError
from acapy_agent.transport.inbound.receipt import MessageReceipt
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.error import WalletNotFoundError
from cachetools import LRUCache

from wanderbuch.agents.runtime.gate.admission import Party
from wanderbuch.agents.runtime.gate.envelope import Opened
from wanderbuch.agents.runtime.gate.received import Received
from wanderbuch.agents.runtime.gate.served import MessageType, Nearness
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.tables import tenant_of

_MAX_PAIRS: Final = 10_000
_MAX_DIDS: Final = 4  # that claim one key
_EXCHANGES: Final = {
    "issue-credential": (V20CredExRecord.RECORD_TYPE, next(iter(V20CredExRecord.TAG_NAMES))),
    "present-proof": (V20PresExRecord.RECORD_TYPE, next(iter(V20PresExRecord.TAG_NAMES))),
    "didexchange": (ConnRecord.RECORD_TYPE, "request_id"),
}


@dataclass(frozen=True, slots=True)
class Ends:
    """The two DIDs that a pair of keys stands for, as ACA-Py's handlers want to know them."""

    sender_did: str | None = None
    recipient_did: str | None = None
    recipient_did_public: bool = False
    connection_id: str | None = None
    party: str | None = None
    """What the connection is called where our own handlers looked it up."""


NO_ENDS: Final = Ends()


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a message.

    Args:
        party: whose budget it uses.
        ends: the DIDs behind the keys.
        connection: ACA-Py's record of the connection, live or not; None if there is none.
    """

    party: Party
    ends: Ends
    connection: ConnRecord | None

    def note(self, receipt: MessageReceipt) -> None:
        """Write into ACA-Py's receipt what its handlers read there."""
        receipt.sender_did = self.ends.sender_did
        receipt.recipient_did = self.ends.recipient_did
        if self.ends.recipient_did_public:
            receipt.recipient_did_public = True


class Senders:
    """Tells who sends, for every tenant: a pair of keys is one tenant's, since our half of it is."""

    def __init__(self) -> None:
        self._pairs: LRUCache[tuple[str, str], Ends] = LRUCache(_MAX_PAIRS)

    def remember(self, opened: Opened, party: str) -> None:
        """Remember a pair of keys as that of a live connection: its next message is looked at first.

        Args:
            opened: has the keys.
            party: what the connection is called.
        """
        if (opened.sender, opened.recipient) not in self._pairs:
            self._remember(opened, Ends(party=party))

    def connection_of(self, opened: Opened) -> str | None:
        """Return what the connection of a pair of keys was called lately; it need not be live any more."""
        ends = None if opened.sender is None else self._pairs.get((opened.sender, opened.recipient))
        return None if ends is None else ends.party or ends.connection_id

    def is_remembered(self, opened: Opened) -> bool:
        """Return whether this pair of keys was that of a live connection lately; nothing is looked up."""
        return opened.sender is not None and (opened.sender, opened.recipient) in self._pairs

    async def of(self, profile: Profile, opened: Opened, received: Received, network: str) -> Sender:
        """Return who sent a message."""
        ends, connection = await self._connection(profile, opened)
        if connection is not None and connection.is_ready:
            self._remember(opened, ends)
            return Sender(Party(Nearness.CONNECTION, connection.connection_id, network), ends, connection)
        if opened.sender is not None:
            self._pairs.pop((opened.sender, opened.recipient), None)
        if (party := await self._exchange(profile, received, network)) is not None:
            return Sender(party, ends, connection)
        if received.parent_thread_id is not None:
            reusable = await self._invitation(profile, received.parent_thread_id)
            if reusable is not None:
                party = Party(Nearness.INVITATION, received.parent_thread_id, network, reusable)
                return Sender(party, ends, connection)
        return Sender(Party(Nearness.NOBODY, network, network), ends, connection)

    async def _connection(self, profile: Profile, opened: Opened) -> tuple[Ends, ConnRecord | None]:
        if (
            opened.sender is not None
            and (ends := self._pairs.get((opened.sender, opened.recipient))) is not None
            and ends.connection_id is not None
        ):
            async with profile.session() as session:
                try:
                    return ends, await ConnRecord.retrieve_by_id(session, ends.connection_id)
                except StorageNotFoundError:
                    self._pairs.pop((opened.sender, opened.recipient), None)
        our_did, is_public, their_dids = await self._dids(profile, opened)
        manager = BaseConnectionManager(profile)
        for their_did in their_dids:
            try:
                connection = await manager.find_connection(their_did, our_did, None, auto_complete=True)
            except StorageDuplicateError:
                continue
            if connection is not None:
                return Ends(their_did, our_did, is_public, connection.connection_id), connection
        return Ends(their_dids[0] if their_dids else None, our_did, is_public), None

    async def _dids(self, profile: Profile, opened: Opened) -> tuple[str | None, bool, list[str]]:
        """Return our DID that has the recipient's key, whether it is public, and the DIDs that claim the sender's."""
        async with profile.session() as session:
            try:
                own = await session.inject(BaseWallet).get_local_did_for_verkey(opened.recipient)
                our_did, is_public = own.did, own.metadata.get("posted") is True
            except WalletNotFoundError:
                our_did, is_public = None, False
            if opened.sender is None:
                return our_did, is_public, []
            records = await session.inject(BaseStorage).find_all_records(
                BaseConnectionManager.RECORD_TYPE_DID_KEY, {"key": opened.sender}
            )
        return our_did, is_public, list(dict.fromkeys(record.tags["did"] for record in records))[:_MAX_DIDS]

    async def _exchange(self, profile: Profile, received: Received, network: str) -> Party | None:
        """Return whose budget a message on a thread of ours uses; None if the thread is not ours.

        A request that began a DID exchange, once more, uses that of the invitation that it answered then: what it names
        now is its sender's to choose, and anything may stand there.
        """
        kind = MessageType.parse(received.type)
        where = _EXCHANGES.get(kind.protocol) if kind is not None else None
        if kind is None or where is None:
            return None
        record_type, tag = where
        tenant = tenant_of(profile)  # the same thread may be another tenant's too, at its other end
        is_request = (kind.protocol, kind.name) == ("didexchange", "request")
        thread_id = received.id if is_request else received.thread_id
        async with profile.session() as session:
            if not is_request:
                is_ours = bool(await session.handle.count(record_type, {tag: thread_id}))
                return Party(Nearness.EXCHANGE, f"{tenant}/{thread_id}", network) if is_ours else None
            begun = await fetch_entries(session, record_type, {tag: thread_id}, limit=1)
        if not begun:
            return None
        invitation_id = begun[0].tags.get("invitation_msg_id") or f"{tenant}/{thread_id}"
        return Party(Nearness.EXCHANGE, invitation_id, network, is_stranger=True)

    async def _invitation(self, profile: Profile, invitation_id: str) -> bool | None:
        """Return whether an open invitation is for many; None if there is none of this id."""
        async with profile.session() as session:
            entries = await fetch_entries(session, OobRecord.RECORD_TYPE, {"invi_msg_id": invitation_id}, limit=1)
        return bool(json.loads(entries[0].value).get("multi_use")) if entries else None

    def _remember(self, opened: Opened, ends: Ends) -> None:
        if opened.sender is not None:
            self._pairs[opened.sender, opened.recipient] = ends
