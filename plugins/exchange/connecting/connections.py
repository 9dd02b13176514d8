"""Our connections, found by our own key: every one has a key of its own, so it says whom a message comes from.

    connection = await find_connection(profile, incoming.recipient)
    if connection is not None and connection.their_key == incoming.sender: …

A connection is immutable. It is live as long as ACA-Py's record of it is: whoever removes that one, in the Admin API,
ends it. A connection that ACA-Py made itself is taken over when it is first asked for (`adopting`).
"""

from acapy_agent.core.profile import Profile, ProfileSession

from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.exchange.connecting.acapy_entries import (
    AcapyConnection,
    insert,
    is_live,
    own_key_of,
    read_record,
    remove,
    remove_record,
    remove_their_key,
)
from wanderbuch.plugins.exchange.connecting.adopting import Adoptable, adopt
from wanderbuch.plugins.exchange.connecting.at_hand import (
    changes_of,
    connection_at_hand,
    has_no_connection,
    made_of,
    note_no_connection,
    put_at_hand,
)
from wanderbuch.plugins.exchange.connecting.own_keys import forget_peer
from wanderbuch.plugins.exchange.connecting.peer_dids import short_form
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.incoming import Incoming


async def find_connection(profile: Profile, own_key: str, *, adopts: bool = True) -> Connection | None:
    """Return the live connection that a key of ours belongs to, None if there is none.

    Args:
        profile: whose key.
        own_key: the key, base58.
        adopts: whether to take over one that ACA-Py made; to look for it reads the whole wallet on SQLite.
    """
    if (connection := connection_at_hand(profile, own_key)) is not None:
        return connection
    if not has_no_connection(profile, own_key):
        since, made = changes_of(profile), made_of(profile)
        async with profile.session() as session:
            connection = await read_connection(session, own_key)
            if connection is not None:
                record = await read_record(session, connection.connection_id)
                if record is None or not is_live(record):
                    return None
                put_at_hand(profile, connection, since=since)
                return connection
        note_no_connection(profile, own_key, since=made)
    adopted = await adopt(profile, own_key) if adopts else None
    return None if adopted is None else await _keep_adopted(profile, own_key, adopted)


async def connection_of(incoming: Incoming) -> Connection | None:
    """Return the live connection that a message came over, None if it came over none."""
    connection = incoming.connection or await find_connection(incoming.profile, incoming.recipient)
    return connection if connection is not None and connection.their_key == incoming.sender else None


async def find_channel(profile: Profile, own_key: str, *, adopts: bool = True) -> Channel | None:
    """Return how to write over the live connection that a key of ours belongs to; as `find_connection`."""
    connection = await find_connection(profile, own_key, adopts=adopts)
    return None if connection is None else connection.channel


async def own_key_by_id(session: ProfileSession, connection_id: str) -> str | None:
    """Return our key of the connection that ACA-Py knows by this id, live or not; None if there is none."""
    record = await read_record(session, connection_id)
    own_did = None if record is None else record.get("my_did")
    return None if own_did is None else await own_key_of(session, own_did)


async def read_connection_by_id(session: ProfileSession, connection_id: str) -> Connection | None:
    """Return the connection that ACA-Py knows by this id, live or not; None if there is none."""
    own_key = await own_key_by_id(session, connection_id)
    return None if own_key is None else await read_connection(session, own_key)


async def read_connection(session: ProfileSession, own_key: str) -> Connection | None:
    """Return the connection that a key of ours belongs to, live or not; None if there is none."""
    if has_no_connection(session.profile, own_key):
        return None
    entry = await session.handle.fetch(Connection.category, own_key)
    return None if entry is None else Connection.read(entry)


async def keep_connection(session: ProfileSession, connection: Connection) -> bool:
    """Keep a connection, and return whether our key had none."""
    return await insert(session, Connection.category, connection.id, connection.model_dump_json(exclude_none=True))


async def forget_connection(profile: Profile, connection: Connection, *, with_their_key: bool) -> None:
    """Remove a connection that nobody was told of, with its DID and key, all or nothing.

    Args:
        profile: whose.
        connection: is removed.
        with_their_key: whether their key was not known before it.
    """
    async with profile.transaction() as session:
        if with_their_key:
            await remove_their_key(session, connection.their_did, connection.their_key)
        await remove_record(session, connection.connection_id)
        await remove(session, Connection.category, connection.id)
        await forget_peer(profile, session, own_key=connection.id, short_did=short_form(connection.own_did))
        await session.commit()


def acapy_connection(connection: Connection) -> AcapyConnection:
    """Return what ACA-Py's record says of a connection."""
    return AcapyConnection(
        id=connection.connection_id,
        own_did=short_form(connection.own_did),
        their_did=connection.their_did,
        invitation_id=connection.invitation_id,
        request_id=connection.request_id,
        protocol=connection.protocol,
        is_inviter=connection.is_inviter,
        label=connection.label,
        invitation_key=connection.invitation_key,
        their_public_did=connection.their_public_did,
    )


async def _keep_adopted(profile: Profile, own_key: str, adopted: Adoptable) -> Connection | None:
    connection = Connection(
        id=own_key,
        connection_id=adopted.connection_id,
        own_did=adopted.own_did,
        their_did=adopted.their_did,
        their_key=adopted.contact.keys[0],
        endpoint=adopted.contact.endpoint,
        routing_keys=adopted.contact.routing_keys,
        invitation_id=adopted.invitation_id,
        request_id=adopted.request_id,
        protocol=adopted.protocol,
        label=adopted.label,
        their_public_did=adopted.their_public_did,
    )
    async with profile.session() as session:
        await keep_connection(session, connection)
        return await read_connection(session, own_key)
