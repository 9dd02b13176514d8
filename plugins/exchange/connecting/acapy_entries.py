"""A connection as ACA-Py keeps it: `ConnRecord`, our DID and their key, for its other protocols and its Admin API.

The entries have the names and forms that ACA-Py's own managers give them (acapy-agent 1.7), and are written without
those. The record's name, the connection's id, follows from what it stands for: it is what refuses a second connection
for the same request or invitation.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from acapy_agent.connections.base_manager import BaseConnectionManager
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.profile import ProfileSession
from acapy_agent.messaging.util import time_now
from acapy_agent.wallet.askar import CATEGORY_DID
from aries_askar import AskarError, AskarErrorCode, Entry

from wanderbuch.store.once import own_id

REQUESTED: Final = ConnRecord.State.REQUEST.rfc160
ANSWERED: Final = ConnRecord.State.RESPONSE.rfc160
COMPLETED: Final = ConnRecord.State.COMPLETED.rfc160
ABANDONED: Final = ConnRecord.State.ABANDONED.rfc160
_REQUESTER: Final = ConnRecord.Role.REQUESTER.rfc160
_RESPONDER: Final = ConnRecord.Role.RESPONDER.rfc160
_LIVE: Final = frozenset({ANSWERED, COMPLETED})
_DID_KEY: Final = BaseConnectionManager.RECORD_TYPE_DID_KEY
_DID_DOC: Final = BaseConnectionManager.RECORD_TYPE_DID_DOC
_RECORD: Final = ConnRecord.RECORD_TYPE


@dataclass(frozen=True, slots=True)
class AcapyConnection:
    """What ACA-Py's record of a connection says.

    Args:
        id: of the connection.
        own_did: ours, as it stands in the wallet.
        their_did: theirs; None as long as it is not known.
        invitation_id: of the invitation.
        request_id: the thread of the DID exchange.
        protocol: "didexchange/1.1" or "didexchange/1.0".
        is_inviter: whether the invitation was ours.
        label: what they call themselves.
        invitation_key: the key that the invitation was for, base58.
        their_public_did: the DID that their invitation named.
    """

    id: str
    own_did: str
    their_did: str | None
    invitation_id: str
    request_id: str
    protocol: str
    is_inviter: bool
    label: str | None = None
    invitation_key: str | None = None
    their_public_did: str | None = None

    def entry(self, state: str, error: str | None = None) -> tuple[str, str, str, dict[str, str]]:
        """Return category, name, value and tags of the entry.

        As `ConnRecord` writes them, which a test holds, without making one of those: that takes longer than the rest.
        """
        now = time_now()
        stated = {
            "my_did": self.own_did,
            "their_did": self.their_did,
            "request_id": self.request_id,
            "invitation_key": self.invitation_key,
            "state": state,
            "their_role": _REQUESTER if self.is_inviter else _RESPONDER,
            "invitation_msg_id": self.invitation_id,
            "their_public_did": self.their_public_did,
        }
        tags = {name: text for name, text in stated.items() if text is not None}
        value = {
            **tags,
            "their_public_did": self.their_public_did,
            "created_at": now,
            "updated_at": now,
            "inbound_connection_id": None,
            "accept": ConnRecord.ACCEPT_AUTO,
            "invitation_mode": ConnRecord.INVITATION_MODE_ONCE,
            "alias": None,
            "error_msg": error,
            "their_label": self.label,
            "connection_protocol": self.protocol,
        }
        return _RECORD, self.id, json.dumps(value), tags


async def add_record(session: ProfileSession, connection: AcapyConnection, state: str) -> bool:
    """Keep ACA-Py's record of a connection, and return whether there was none."""
    return await insert(session, *connection.entry(state))


async def set_state(
    session: ProfileSession, connection: AcapyConnection, state: str, *, error: str | None = None
) -> bool:
    """Put a connection into a state, and return whether ACA-Py still has it."""
    try:
        await session.handle.replace(*connection.entry(state, error))
    except AskarError as err:
        if err.code != AskarErrorCode.NOT_FOUND:
            raise
        return False
    return True


async def read_record(session: ProfileSession, connection_id: str) -> Mapping[str, Any] | None:
    """Return what ACA-Py's record of a connection says, None if there is none."""
    entry: Entry | None = await session.handle.fetch(_RECORD, connection_id)
    return None if entry is None else dict(json.loads(entry.value))


async def remove_record(session: ProfileSession, connection_id: str) -> None:
    """Remove ACA-Py's record of a connection."""
    await remove(session, _RECORD, connection_id)


def is_live(record: Mapping[str, Any]) -> bool:
    """Return whether messages may go over a connection."""
    return record.get("state") in _LIVE


async def add_own_did(session: ProfileSession, did: str, own_key: str) -> None:
    """Note which key of ours a DID of ours has."""
    method = ":".join(did.split(":", 2)[:2]) if not did.startswith("did:peer:") else f"did:peer:{did[9]}"
    value = {"did": did, "method": method, "verkey": own_key, "verkey_type": "ed25519", "metadata": {}}
    tags = {"method": method, "verkey": own_key, "verkey_type": "ed25519"}
    await insert(session, CATEGORY_DID, did, json.dumps(value), tags)


async def own_key_of(session: ProfileSession, did: str) -> str | None:
    """Return the key that a DID of ours has, None if it is none of ours."""
    entry = await session.handle.fetch(CATEGORY_DID, did)
    key = None if entry is None else json.loads(entry.value).get("verkey")
    return key if isinstance(key, str) else None


async def remove_own_did(session: ProfileSession, did: str) -> None:
    """Forget a DID of ours."""
    await remove(session, CATEGORY_DID, did)


async def add_their_key(session: ProfileSession, did: str, key: str, document: Mapping[str, Any] | None = None) -> bool:
    """Note which DID a key of theirs stands for, and the document of a DID that nobody can resolve.

    Returns:
        Whether that was not known yet.
    """
    is_new = await insert(session, _DID_KEY, own_id("did-key", did, key), key, {"did": did, "key": key})
    if document is not None:
        bare = did.removeprefix("did:sov:")
        await insert(session, _DID_DOC, own_id("did-doc", bare), json.dumps(document), {"did": bare})
    return is_new


async def remove_their_key(session: ProfileSession, did: str, key: str) -> None:
    """Forget which DID a key of theirs stands for, and its document."""
    await remove(session, _DID_KEY, own_id("did-key", did, key))
    await remove(session, _DID_DOC, own_id("did-doc", did.removeprefix("did:sov:")))


async def insert(
    session: ProfileSession, category: str, name: str, value: str, tags: Mapping[str, str] | None = None
) -> bool:
    """Insert an entry, and return whether its name was free."""
    try:
        await session.handle.insert(category, name, value, None if tags is None else dict(tags))
    except AskarError as err:
        if err.code != AskarErrorCode.DUPLICATE:
            raise
        return False
    return True


async def remove(session: ProfileSession, category: str, name: str) -> None:
    """Remove an entry, if it is there."""
    try:
        await session.handle.remove(category, name)
    except AskarError as err:
        if err.code != AskarErrorCode.NOT_FOUND:
            raise
