"""The DID documents of those who write DIDComm v2 to us or to whom we do, resolved once and kept for a while.

A document is asked for again after `LASTS_S`; until then a key that its owner took out of it may still open what comes.
A did:peer is its own document and never changes; a did:peer:4 goes by its short form, too, once its long one was seen.
"""

import re
import time
from collections.abc import Callable
from typing import Final

from acapy_agent.core.profile import Profile
from cachetools import LRUCache, TTLCache

from wanderbuch.plugins.exchange.connecting.did_documents import ContactError, resolve_document
from wanderbuch.plugins.exchange.connecting.peer_dids import short_form
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact, read_v2_contact

LASTS_S: Final = 60.0
_MAX_BYTES: Final = 8 * 1024 * 1024  # of either kind: who writes a DID of 4 KB has it in the name of each key, too
_A_KEY: Final = 512
_PEER: Final = "did:peer:"
_BARE: Final = re.compile(r"did:[a-z0-9]+:(?:[A-Za-z0-9._:-]|%[0-9A-Fa-f]{2})+")
"""A DID without path, query and fragment (DID Core 1.0 §3.1): with them, one DID would have any number of names."""


class V2Contacts:
    """The documents at hand, for all tenants of a process: what a DID document says depends on nobody who asks.

    Args:
        clock: seconds that only grow.
        max_bytes: how much of each kind is kept, about; those asked for last stay.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, max_bytes: int = _MAX_BYTES) -> None:
        self._resolved: TTLCache[str, V2Contact] = TTLCache(max_bytes, LASTS_S, clock, getsizeof=_size_of)
        self._peers: LRUCache[str, V2Contact] = LRUCache(max_bytes, getsizeof=_size_of)

    async def of(self, profile: Profile, did: str) -> V2Contact:
        """Return how to write to who has a DID; asks the network where it is no did:peer and not at hand.

        Raises:
            ContactError: the DID is malformed, or leads to no document.
            V2ContactError: its document names no key for key agreement.
            ResolutionError: the document could not be fetched.
        """
        known = self._peers if did.startswith(_PEER) else self._resolved
        if (contact := known.get(did)) is not None:
            return contact
        if not _BARE.fullmatch(did):
            raise ContactError("expected a DID without path and query, found something else")
        checked, document = await resolve_document(profile, did)
        contact = known[checked] = read_v2_contact(checked, document)
        if (short := short_form(checked)) != checked:
            self._peers[short] = read_v2_contact(short, {**document, "id": short})
        return contact


def _size_of(contact: V2Contact) -> int:
    """Return about how many bytes of memory a contact takes."""
    kids = [*(key.kid for key in contact.keys), *(key.kid for key in contact.signers)]
    texts = (contact.did, contact.did, contact.uri or "", *contact.routing_keys, *kids)
    return sum(len(text) for text in texts) + _A_KEY * len(kids)
