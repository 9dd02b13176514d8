"""The connections of the wallets that offers went to: which are complete, and which may go."""

from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.plugins.exchange.connecting import acapy_entries as acapy
from wanderbuch.plugins.exchange.connecting.connections import forget_connection, read_connection
from wanderbuch.plugins.exchange.connection import Connection

_REUSED: Final = "wanderbuch.reused"
"""Category of the entries that say of a connection, by our key, that it serves more than the offer it was made for."""


async def connection_with(profile: Profile, own_key: str) -> tuple[Connection | None, bool]:
    """Return the connection of a key of ours, and whether its wallet has ended the handshake."""
    async with profile.session() as session:
        connection = await read_connection(session, own_key)
        record = None if connection is None else await acapy.read_record(session, connection.connection_id)
    return connection, record is not None and record.get("state") == acapy.COMPLETED


async def note_reused(profile: Profile, connection: Connection) -> None:
    """Note that a wallet goes on over a connection that it had."""
    async with profile.session() as session:
        await acapy.insert(session, _REUSED, connection.id, "")


async def forget_unused(profile: Profile, own_key: str, *, invitation_id: str | None) -> None:
    """Remove the connection that an invitation brought, unless it has served for anything else."""
    async with profile.session() as session:
        if await session.handle.fetch(_REUSED, own_key) is not None:
            return
        connection = await read_connection(session, own_key)
    if connection is not None and connection.invitation_id == invitation_id:
        # What ACA-Py knows of their key stays: they may have another connection with the same DID.
        await forget_connection(profile, connection, with_their_key=False)
