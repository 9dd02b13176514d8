"""Going on over a connection with the same inviter, if it agrees: `handshake-reuse` (Aries RFC 0434), as the invitee.

1. The inviter is the same if its invitation names the same DID as the one that the connection was made on. That DID
   names an entry with our key of the connection; nothing is searched for.
2. The wish has a name that follows from the invitation and the connection, so it is sent again as it was.
3. The first answer counts. Where the inviter said no, the next opening of the invitation makes a connection.
"""

import json
from dataclasses import dataclass
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile, ProfileSession

from wanderbuch.plugins.exchange.connecting.acapy_entries import insert, remove
from wanderbuch.plugins.exchange.connecting.connections import find_connection
from wanderbuch.plugins.exchange.connecting.invitations import Invitation
from wanderbuch.plugins.exchange.connecting.messages import HandshakeError, reuse_message
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.store.once import own_id
from wanderbuch.store.record import Record

_WITH: Final = "wanderbuch.connection.with"
_ANSWER: Final = "wanderbuch.connection.reuse.answer"


class Reuse(Record):
    """A wish to go on over a connection; its id is that of the message."""

    category: ClassVar[str] = "wanderbuch.connection.reuse"
    is_listed: ClassVar[bool] = False

    handshake_id: str
    invitation_id: str
    own_key: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish that was sent.

    Args:
        connection: to be gone on with.
        is_agreed: whether the inviter agreed.
    """

    connection: Connection
    is_agreed: bool


async def ask_to_reuse(profile: Profile, invitation: Invitation) -> Asked | None:
    """Ask to go on over a connection with who invites; None: there is none, or the inviter said no.

    Raises:
        ExchangeError: the key of the other side is none.
    """
    connection = await _connection_with(profile, invitation.service_did)
    if connection is None:
        return None
    reuse_id = own_id("reuse", invitation.handshake_id, connection.own_key)
    wish = Reuse(
        id=reuse_id,
        handshake_id=invitation.handshake_id,
        invitation_id=invitation.id,
        own_key=connection.own_key,
    )
    async with profile.session() as session:
        if not await insert(session, Reuse.category, reuse_id, wish.model_dump_json()):
            is_agreed = await _answer(session, reuse_id)
            if is_agreed is not None:
                return Asked(connection, True) if is_agreed else None
    message = reuse_message(reuse_id=reuse_id, invitation_id=invitation.id)
    await profile.inject(Sending).send_soon(profile, connection.channel, message)
    return Asked(connection, False)


async def take_answer(incoming: Incoming, *, is_agreed: bool) -> tuple[Reuse, Connection] | None:
    """Keep an inviter's answer to a wish, and return the wish and the connection; None: there was no such wish.

    Raises:
        HandshakeError: it came from somebody else, or contradicts the first answer.
    """
    profile = incoming.profile
    async with profile.session() as session:
        entry = await session.handle.fetch(Reuse.category, incoming.thread_id)
    if entry is None:
        return None
    wish, connection = Reuse.read(entry), await find_connection(profile, incoming.recipient)
    if connection is None or (wish.own_key, connection.their_key) != (incoming.recipient, incoming.sender):
        raise HandshakeError("expected an answer over the connection that is to be gone on with")
    async with profile.session() as session:
        is_first = await insert(session, _ANSWER, wish.id, json.dumps(is_agreed))
        if not is_first and await _answer(session, wish.id) is not is_agreed:
            raise HandshakeError("expected one answer to a wish, found another one before")
    return wish, connection


async def _answer(session: ProfileSession, reuse_id: str) -> bool | None:
    entry = await session.handle.fetch(_ANSWER, reuse_id)
    return None if entry is None else bool(json.loads(entry.value))


async def note_inviter(session: ProfileSession, their_public_did: str, own_key: str) -> None:
    """Note which key of ours a connection on an invitation of a DID has, unless one is noted, so that it is found."""
    await insert(session, _WITH, own_id("with", their_public_did), own_key)


async def _connection_with(profile: Profile, their_public_did: str | None) -> Connection | None:
    """Return a live connection that was made on an invitation of a DID (1)."""
    if their_public_did is None:
        return None
    name = own_id("with", their_public_did)
    async with profile.session() as session:
        entry = await session.handle.fetch(_WITH, name)
    if entry is None:
        return None
    connection = await find_connection(profile, bytes(entry.value).decode("ascii"), adopts=False)
    if connection is not None:
        return connection
    async with profile.session() as session:  # it is over, or does not stand yet: the next one is noted
        await remove(session, _WITH, name)
    return None
