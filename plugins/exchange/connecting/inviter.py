"""The inviter's side: who answers an invitation of ours gets a connection, if the role gives it to them.

1. A request is known by its invitation, its thread and its sender's key. The same one again is answered again.
2. Its sender's key must be one of the DID that it names: the envelope proves the key, the document names it.
3. Key, DID, connection and ACA-Py's record are kept, all or nothing, so that a crash leaves no key that nobody knows;
   the record's name refuses a second connection for one request, in this process or another.
4. The role takes it, or another has the invitation: then nothing is left of it, and its sender is told. Where that is
   known before, nothing is kept or fetched for it: who has no document at hand is told only if they wait.
5. The response names our fresh DID, signed by the key that the invitation was for. The role is told if it did not
   arrive, and may have it sent again (`answer_again`): who asks anew is another wallet for us, whom it may refuse.
6. `complete`, or a wish to go on over a connection that is there, is told to the role, which goes on with what it
   invited for.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.plugins.exchange.channel import QUEUE, Channel
from wanderbuch.plugins.exchange.connecting import acapy_entries as acapy
from wanderbuch.plugins.exchange.connecting.at_hand import changes_of, put_at_hand
from wanderbuch.plugins.exchange.connecting.connections import (
    acapy_connection,
    find_connection,
    forget_connection,
    keep_connection,
    read_connection,
    read_connection_by_id,
)
from wanderbuch.plugins.exchange.connecting.did_documents import (
    Contact,
    contact_at_hand,
    read_contact,
    resolve_contact,
)
from wanderbuch.plugins.exchange.connecting.messages import (
    NOT_ACTIVE,
    REQUEST_NOT_ACCEPTED,
    HandshakeError,
    Introduction,
    is_document_signed,
    protocol_of,
    read_introduction,
    response_message,
    reuse_accepted_message,
)
from wanderbuch.plugins.exchange.connecting.own_keys import (
    adding_peer,
    have_at_hand,
    keep_together,
    note_key,
    unnote_key,
)
from wanderbuch.plugins.exchange.connecting.peer_dids import OwnPeer, fresh_peer
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.handling import FindInvitation, Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.reports import problem_report, read_report
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.store.once import own_id

_LOG = logging.getLogger(__name__)
_TAKEN: Final = "this invitation is over or cannot be answered now, or another wallet has taken it; ask who made it"
_VERSIONS: Final = ("1.0", "1.1")


class InvitationTaker(Protocol):
    """What a role does with those who answer its invitations. All may be called again with the same."""

    async def take(self, profile: Profile, invitation_id: str, connection: Connection) -> bool:
        """Give what an invitation is for to a connection; False: another one has it, or it is over.

        True again for the connection that has it.
        """

    async def connected(self, profile: Profile, invitation_id: str, connection: Connection, incoming: Incoming) -> None:
        """Go on with what the invitation is for; `incoming` is what can be answered with it."""

    def unanswered(self, invitation_id: str, connection: Connection) -> None:
        """Note that the response did not arrive at who has what an invitation is for; must not wait."""


@dataclass(frozen=True, slots=True)
class Inviter:
    """Takes what comes to the invitations of a role.

    Args:
        role: its name.
        find: finds its open invitations.
        taker_of: returns what an office does with those who answer.
        takes_sockets: whether the DIDs of its connections name web sockets, too.
    """

    role: str
    find: FindInvitation
    taker_of: Callable[[Any], InvitationTaker]
    takes_sockets: bool = False

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers, by message type."""
        return {
            **{
                f"didexchange/{version}/{name}": handler
                for version in _VERSIONS
                for name, handler in {
                    "request": Handler(self.take_request, knows=self.knows_request, begins_connection=True),
                    "complete": Handler(self.take_complete),
                    "problem_report": Handler(self.take_report),
                }.items()
            },
            **{f"out-of-band/{version}/handshake-reuse": Handler(self.take_reuse) for version in _VERSIONS},
        }

    async def knows_request(self, incoming: Incoming) -> bool:
        """Tell whether a request was answered before: its invitation may be over by now."""
        if (connection_id := _connection_id(incoming)) is None:
            return False
        async with incoming.profile.session() as session:
            return await acapy.read_record(session, connection_id) is not None

    async def take_request(self, office: Any, incoming: Incoming) -> bool:
        """Answer a request to connect (1 to 5)."""
        profile, invitation_id, connection_id = incoming.profile, incoming.parent_thread_id, _connection_id(incoming)
        if invitation_id is None or connection_id is None or incoming.sender is None:
            raise HandshakeError("expected a request that names an invitation, from a sender with a key")
        invited, connection = await self.find(profile, invitation_id), None
        if invited is None or not invited.is_untouched:
            async with profile.session() as session:
                connection = await read_connection_by_id(session, connection_id)
        if connection is None and invited is None:
            return False
        introduced = read_introduction(incoming.members)
        if connection is None and invited is not None and invited.is_over:  # 4
            await _refuse(incoming, _way_at_hand(introduced, incoming), REQUEST_NOT_ACCEPTED)
            return True
        made: _Made | None = None
        if connection is None:
            contact = await _contact(profile, introduced, incoming.sender)  # 2
            endpoint = str(profile.settings.get("default_endpoint") or "")
            peer = fresh_peer(endpoint, takes_sockets=self.takes_sockets)
            fresh = self._connection(connection_id, invitation_id, incoming, introduced, contact, peer)
            made = await _keep(profile, fresh, peer, introduced)  # 3
            connection = fresh if made is not None else await _other(profile, connection_id)
        if connection.inviter_role != self.role:
            return False
        if connection.their_did != introduced.did:
            raise HandshakeError("expected the request that was answered before, found another with its id")
        taker = self.taker_of(office)
        if not await taker.take(profile, invitation_id, connection):  # 4
            if made is not None:
                await forget_connection(profile, connection, with_their_key=made.with_their_key)
            await _refuse(incoming, connection.channel, REQUEST_NOT_ACCEPTED)
            return True
        response = await _response(profile, connection, incoming.recipient)  # 5
        on_lost = partial(taker.unanswered, invitation_id, connection)
        await profile.inject(Sending).answer(incoming, connection.channel, response, on_lost=on_lost)
        return True

    async def take_complete(self, office: Any, incoming: Incoming) -> bool:
        """End a handshake (6)."""
        profile = incoming.profile
        async with profile.session() as session:
            connection = incoming.connection or await read_connection(session, incoming.recipient)
            if connection is None or connection.inviter_role != self.role:
                return False
            _check_thread(connection, incoming)
            if not await acapy.set_state(session, acapy_connection(connection), acapy.COMPLETED):
                raise HandshakeError("expected the end of a handshake that is there, found one that was removed")
        await self.taker_of(office).connected(profile, connection.invitation_id, connection, incoming)
        return True

    async def take_reuse(self, office: Any, incoming: Incoming) -> bool:
        """Go on over a connection that is there (6)."""
        profile, invitation_id = incoming.profile, incoming.parent_thread_id
        if invitation_id is None or await self.find(profile, invitation_id) is None:
            return False
        connection = await find_connection(profile, incoming.recipient)
        if connection is None or connection.their_key != incoming.sender:
            raise HandshakeError("expected the wish to go on over a connection that is there, found none")
        taker = self.taker_of(office)
        if not await taker.take(profile, invitation_id, connection):
            await _refuse(incoming, connection.channel, NOT_ACTIVE)
            return True
        accepted = reuse_accepted_message(kind=incoming.kind, reuse_id=incoming.thread_id, invitation_id=invitation_id)
        await profile.inject(Sending).answer(incoming, connection.channel, accepted)
        await taker.connected(profile, invitation_id, connection, incoming)
        return True

    async def take_report(self, _: Any, incoming: Incoming) -> bool:
        """Note that a wallet gave a handshake up."""
        report = read_report(incoming.members)
        async with incoming.profile.session() as session:
            connection = await read_connection(session, incoming.recipient)
            if connection is None or connection.inviter_role != self.role:
                return False
            _check_thread(connection, incoming)
            await acapy.set_state(session, acapy_connection(connection), acapy.ABANDONED, error=report.code)
        _LOG.info("connection %s: given up by the other side: %s", connection.connection_id, report.code)
        return True

    def _connection(
        self,
        connection_id: str,
        invitation_id: str,
        incoming: Incoming,
        introduced: Introduction,
        contact: Contact,
        peer: OwnPeer,
    ) -> Connection:
        return Connection(
            id=peer.name,
            connection_id=connection_id,
            own_did=peer.did,
            their_did=introduced.did,
            their_key=str(incoming.sender),
            endpoint=contact.endpoint,
            routing_keys=contact.routing_keys,
            invitation_id=invitation_id,
            request_id=incoming.thread_id,
            protocol=protocol_of(incoming.kind),
            label=introduced.unverified_label,
            invitation_key=incoming.recipient,
            inviter_role=self.role,
            takes_packed=introduced.takes_packed,
        )


async def answer_again(profile: Profile, connection: Connection) -> None:
    """Send the response to a request once more, the same: whoever sent that may not have had it (5)."""
    if connection.invitation_key is not None:
        response = await _response(profile, connection, connection.invitation_key)
        await profile.inject(Sending).send_soon(profile, connection.channel, response)


async def _response(profile: Profile, connection: Connection, invitation_key: str) -> dict[str, Any]:
    return response_message(
        protocol=connection.protocol,
        request_id=connection.request_id,
        invitation_id=connection.invitation_id,
        did=connection.own_did,
        key=await profile.inject(KeyRing).secret(profile, invitation_key),
        invitation_key=invitation_key,
    )


def _connection_id(incoming: Incoming) -> str | None:
    """Return the id of the connection that a request begins (1)."""
    if incoming.parent_thread_id is None or incoming.sender is None:
        return None
    return own_id("connection", incoming.parent_thread_id, incoming.thread_id, incoming.sender)


async def _contact(profile: Profile, introduced: Introduction, sender: str) -> Contact:
    """Return how to reach who sent a request (2).

    Raises:
        ExchangeError: the sender's key is none of the DID's.
    """
    return _checked(await contact_of(profile, introduced), introduced, sender)


def _checked(contact: Contact, introduced: Introduction, sender: str) -> Contact:
    """Return it if its keys are the sender's (2)."""
    is_signed = introduced.document is None or is_document_signed(introduced, by=(sender,))
    if sender not in contact.keys or not is_signed:
        raise HandshakeError("expected the sender's key in the DID that it names, found others")
    return contact


async def contact_of(profile: Profile, introduced: Introduction) -> Contact:
    """Return how to reach somebody who introduced themselves; errors as with `resolve_contact`."""
    document: Mapping[str, Any] | None = introduced.document
    if document is None:
        return await resolve_contact(profile, introduced.did)
    return read_contact(introduced.did, document)


def _way_at_hand(introduced: Introduction, incoming: Incoming) -> Channel:
    """Return the way to who is refused, without fetching anything: to the address that they brought, or none.

    Raises:
        ExchangeError: the sender's key is none of the DID's.
    """
    sender, document = str(incoming.sender), introduced.document
    contact = contact_at_hand(introduced.did) if document is None else read_contact(introduced.did, document)
    if contact is None:
        return Channel(incoming.recipient, sender, QUEUE)
    _checked(contact, introduced, sender)
    return Channel(incoming.recipient, sender, contact.endpoint, contact.routing_keys)


@dataclass(frozen=True, slots=True)
class _Made:
    """That a connection was made just now.

    Args:
        with_their_key: whether their key was not known yet.
    """

    with_their_key: bool


async def _keep(profile: Profile, made: Connection, peer: OwnPeer, introduced: Introduction) -> _Made | None:
    """Keep a connection and all that belongs to it, or nothing; None: there is one for the same request (3)."""
    since = changes_of(profile)
    await note_key(profile, peer)
    async with profile.transaction() as session:
        is_first, (is_new, *_) = await keep_together(
            session,
            acapy.add_record(session, acapy_connection(made), acapy.ANSWERED),
            acapy.add_their_key(session, made.their_did, made.their_key, introduced.document),
            *adding_peer(session, peer),
            keep_connection(session, made),
        )
    if not is_first:
        await unnote_key(profile, peer)
        return None
    have_at_hand(profile, peer)
    put_at_hand(profile, made, since=since)
    return _Made(with_their_key=is_new)


async def _other(profile: Profile, connection_id: str) -> Connection:
    """Return the connection that was made for the same request at the same moment."""
    async with profile.session() as session:
        other = await read_connection_by_id(session, connection_id)
    if other is None:
        raise HandshakeError("a request was refused and came again at once; its sender may send it once more")
    return other


async def _refuse(incoming: Incoming, channel: Channel, code: str) -> None:
    """Tell a sender that the invitation is not for them; from the key that they wrote to, which they know."""
    to_them = Channel(incoming.recipient, channel.their_key, channel.endpoint, channel.routing_keys)
    report = problem_report(
        f"{protocol_of(incoming.kind)}/problem_report",
        thread_id=incoming.thread_id,
        code=code,
        text=_TAKEN,
        parent_thread_id=incoming.parent_thread_id,
    )
    await incoming.profile.inject(Sending).answer(incoming, to_them, report)


def _check_thread(connection: Connection, incoming: Incoming) -> None:
    if (connection.their_key, connection.request_id) != (incoming.sender, incoming.thread_id):
        raise HandshakeError("expected a message of the handshake, from whom it was begun with")
