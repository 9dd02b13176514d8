"""A connection that ACA-Py made itself, read so that we can use it too.

It counts if it is live, has a DID of ours that no other connection has, and one of theirs that says how to reach them.
What was looked for in vain is not looked for again for a while: each look-up reads the whole wallet on SQLite. Where
ACA-Py is still at its handshake the while is short, so that what comes right after it is not refused.
"""

import json
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.profile import Profile
from acapy_agent.wallet.askar import CATEGORY_DID

from wanderbuch.errors import WanderbuchError
from wanderbuch.faults import describe
from wanderbuch.plugins.exchange.connecting.acapy_entries import is_live
from wanderbuch.plugins.exchange.connecting.did_documents import Contact, resolve_contact
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.tables import tenant_of

_LOG = logging.getLogger(__name__)
_AGAIN_S: Final = 60.0
_SOON_S: Final = 1.0
_MAX_REMEMBERED: Final = 1_024


@dataclass(frozen=True, slots=True)
class Adoptable:
    """What ACA-Py's records say of a connection."""

    connection_id: str
    own_did: str
    their_did: str
    contact: Contact
    invitation_id: str
    request_id: str
    protocol: str
    label: str | None
    their_public_did: str | None


_IN_VAIN: WeakKeyDictionary[object, OrderedDict[tuple[str, str], float]] = WeakKeyDictionary()
"""By Askar's store: until when a key of a tenant is not looked for."""


async def adopt(profile: Profile, own_key: str) -> Adoptable | None:
    """Return the one connection of ACA-Py's that has this key of ours, None if there is none that counts."""
    in_vain = _IN_VAIN.setdefault(profile.store, OrderedDict())
    key = tenant_of(profile), own_key
    if in_vain.get(key, 0.0) > time.monotonic():
        return None
    adoptable, is_begun = await _look(profile, own_key)
    if adoptable is None:
        in_vain[key] = time.monotonic() + (_SOON_S if is_begun else _AGAIN_S)
        in_vain.move_to_end(key)
        while len(in_vain) > _MAX_REMEMBERED:
            in_vain.popitem(last=False)
    return adoptable


async def _look(profile: Profile, own_key: str) -> tuple[Adoptable | None, bool]:
    """Return the connection, and whether ACA-Py has one with this key at all, which may be one soon."""
    async with profile.session() as session:
        dids = await fetch_entries(session, CATEGORY_DID, {"verkey": own_key}, limit=4)
        records: dict[str, dict[str, Any]] = {}
        for did in (record.name for record in dids):
            for entry in await fetch_entries(session, ConnRecord.RECORD_TYPE, {"my_did": did}, limit=2):
                records[entry.name] = dict(json.loads(entry.value))
    live = {name: record for name, record in records.items() if is_live(record) and record.get("their_did")}
    if len(records) != 1 or not live:
        return None, len(records) == 1
    ((connection_id, record),) = live.items()
    try:
        their_did = str(record["their_did"])  # ACA-Py leaves the method out where a DID is of the older kind
        contact = await resolve_contact(profile, their_did if their_did.startswith("did:") else f"did:sov:{their_did}")
    except WanderbuchError as err:
        _LOG.info("connection.not_adopted: %s", describe(err))
        return None, False
    adoptable = Adoptable(
        connection_id=connection_id,
        own_did=str(record["my_did"]),
        their_did=str(record["their_did"]),
        contact=contact,
        invitation_id=str(record.get("invitation_msg_id") or ""),
        request_id=str(record.get("request_id") or ""),
        protocol=str(record.get("connection_protocol") or "didexchange/1.0"),
        label=record.get("their_label"),
        their_public_did=record.get("their_public_did"),
    )
    return adoptable, True
