"""The requests to connect that went out, as the invitee keeps them.

They never change, so those that were sent last are at hand: the answer mostly follows within a second.
"""

from typing import ClassVar, Final
from weakref import WeakKeyDictionary

from acapy_agent.core.profile import Profile, ProfileSession
from cachetools import LRUCache

from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.exchange.connecting import acapy_entries as acapy
from wanderbuch.plugins.exchange.connecting.peer_dids import short_form
from wanderbuch.store.record import Record
from wanderbuch.store.tables import tables_of, tenant_of

_MOST_AT_HAND: Final = 256  # of all tenants of a store; 2 KB each


class SentRequest(Record):
    """A request to connect that went out; its id is our key, base58."""

    category: ClassVar[str] = "wanderbuch.connection.request"
    is_listed: ClassVar[bool] = False

    connection_id: str
    own_did: str
    request_id: str
    protocol: str
    invitation_id: str
    inviter_keys: tuple[str, ...]
    """Of the DID that invited: who has one of them may answer."""
    endpoint: str
    routing_keys: tuple[str, ...] = ()
    service_did: str | None = None
    label: str | None = None

    @property
    def channel(self) -> Channel:
        """How to write to the inviter as long as it has not answered."""
        return Channel(self.id, self.inviter_keys[0], self.endpoint, self.routing_keys)

    def acapy(self, their_did: str | None = None) -> acapy.AcapyConnection:
        """Return what ACA-Py's record says of it."""
        return acapy.AcapyConnection(
            id=self.connection_id,
            own_did=short_form(self.own_did),
            their_did=their_did,
            invitation_id=self.invitation_id,
            request_id=self.request_id,
            protocol=self.protocol,
            is_inviter=False,
            label=self.label,
            invitation_key=self.inviter_keys[0],
            their_public_did=self.service_did,
        )


async def read_sent(session: ProfileSession, own_key: str) -> SentRequest | None:
    """Return the request that went out from a key of ours, None if none did, or none any more."""
    sent = _at_hand_of(session.profile).get((tenant_of(session.profile), own_key))
    if sent is not None:
        return sent
    entry = await session.handle.fetch(SentRequest.category, own_key)
    return None if entry is None else SentRequest.read(entry)


def have_sent_at_hand(profile: Profile, sent: SentRequest) -> None:
    """Have a request at hand that was made just now; only where no other process may remove it."""
    if not tables_of(profile).engine.is_shared:
        _at_hand_of(profile)[tenant_of(profile), sent.id] = sent


def have_sent_no_more(profile: Profile, sent: SentRequest) -> None:
    """Have a request no more at hand: it is being removed."""
    _at_hand_of(profile).pop((tenant_of(profile), sent.id), None)


type _AtHand = LRUCache[tuple[str, str], SentRequest]

_AT_HAND: WeakKeyDictionary[object, _AtHand] = WeakKeyDictionary()
"""By Askar's store; by tenant and our key."""


def _at_hand_of(profile: Profile) -> _AtHand:
    return _AT_HAND.setdefault(profile.store, LRUCache(_MOST_AT_HAND))
