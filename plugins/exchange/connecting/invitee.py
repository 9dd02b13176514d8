"""The invitee's side: an invitation of somebody else's becomes a connection, once, however often it is opened.

1. A request goes out from a fresh DID. What it was is kept, so opening the invitation again sends it word for word.
2. The response must be signed by a key of the DID that invited, and come from a key of the DID that it names. The first
   one counts; it is kept before `complete` goes out, and the same one again is answered again.
3. An inviter that says no ends it: opening the invitation again begins anew.
4. Where that is asked for, a connection with the same inviter is gone on with, if the inviter agrees (Aries RFC 0434).
   Nobody links two visits of a wallet otherwise.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import uuid4

from acapy_agent.core.profile import Profile

from wanderbuch.plugins.exchange.connecting import acapy_entries as acapy
from wanderbuch.plugins.exchange.connecting.at_hand import changes_of, made_of, note_no_connection, put_at_hand
from wanderbuch.plugins.exchange.connecting.connections import (
    acapy_connection,
    forget_connection,
    keep_connection,
    own_key_by_id,
    read_connection,
)
from wanderbuch.plugins.exchange.connecting.did_documents import Contact, resolve_contact
from wanderbuch.plugins.exchange.connecting.invitations import Invitation, InvitationError
from wanderbuch.plugins.exchange.connecting.inviter import contact_of
from wanderbuch.plugins.exchange.connecting.messages import (
    HandshakeError,
    Introduction,
    complete_message,
    is_did_signed,
    read_introduction,
    request_message,
)
from wanderbuch.plugins.exchange.connecting.own_keys import (
    adding_peer,
    forget_peer,
    have_at_hand,
    keep_together,
    note_key,
    unnote_key,
)
from wanderbuch.plugins.exchange.connecting.peer_dids import OwnPeer, fresh_peer, short_form
from wanderbuch.plugins.exchange.connecting.reusing import ask_to_reuse, note_inviter, take_answer
from wanderbuch.plugins.exchange.connecting.sent_requests import (
    SentRequest,
    have_sent_at_hand,
    have_sent_no_more,
    read_sent,
)
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.own_way import OwnWay, own_way
from wanderbuch.plugins.exchange.reports import ProblemReport, read_report
from wanderbuch.plugins.exchange.sending import Sending

_LOG = logging.getLogger(__name__)
_VERSIONS: Final = ("1.0", "1.1")


@dataclass(frozen=True, slots=True)
class Begun:
    """A connection that was begun.

    Args:
        handshake_id: names it to `InviteeOffice`.
        connection_id: of ACA-Py's record.
        own_key: ours, base58.
        connection: None as long as the inviter has not answered.
    """

    handshake_id: str
    connection_id: str
    own_key: str
    connection: Connection | None


class InviteeOffice(Protocol):
    """What a role does once an inviter has answered. Both may be called again with the same."""

    async def connected(self, handshake_id: str, connection: Connection, incoming: Incoming) -> None:
        """Take a connection that stands; what it is for comes over it."""

    async def refused(self, handshake_id: str, report: ProblemReport, incoming: Incoming) -> None:
        """Take an inviter's no."""


async def begin(
    profile: Profile,
    invitation: Invitation,
    *,
    reuse: bool = False,
    way: OwnWay | None = None,
    wants_reply: bool = False,
    handshake_id: str | None = None,
) -> Begun:
    """Ask an inviter for the connection that an invitation is for, or go on with what was begun (1).

    Args:
        profile: whose wallet.
        invitation: was read from what somebody else wrote.
        reuse: whether to go on over a connection with the same inviter, if there is one (4).
        way: how the inviter is to reach us; None: as everybody does.
        wants_reply: whether to have the inviter's answer in the HTTP answer.
        handshake_id: of this connection, a UUID; None: the one that an invitation has once. Another one makes a second
            connection beside that.

    Raises:
        InvitationError: the invitation is for no connection.
        ContactError: the inviter's DID does not say how to reach it.
        ResolutionError: it could not be fetched, or our mediator does not answer.
    """
    if not invitation.handshakes:
        raise InvitationError("expected an invitation to connect, found one without", hint="ask for a new invitation")
    handshake_id = handshake_id or invitation.handshake_id
    if reuse and (asked := await ask_to_reuse(profile, invitation)) is not None:
        old = asked.connection
        return Begun(handshake_id, old.connection_id, old.own_key, old if asked.is_agreed else None)
    begun, way = await _begun(profile, handshake_id), way or own_way(profile)
    if begun is None:
        service = invitation.service
        contact = await resolve_contact(profile, service) if isinstance(service, str) else service
        address = await way.address()
        peer = fresh_peer(address.endpoint, routing_keys=address.routing_keys)
        made = _request(handshake_id, invitation, contact, peer)
        begun = (made, None) if await _keep(profile, made, peer) else await _other(profile, handshake_id)
    sent, connection = begun
    sending = profile.inject(Sending)
    if connection is None:
        await way.register(sent.id)  # whoever was cut off after keeping the request goes on here
        label = str(profile.settings.get("default_label") or "")
        request = request_message(
            protocol=sent.protocol,
            request_id=sent.request_id,
            invitation_id=sent.invitation_id,
            label=label,
            did=sent.own_did,
        )
        # Mostly no reply is wanted in the HTTP answer: common agents send it there from the key that the request came
        # to, which proves nothing of the DID that they answer with.
        await sending.send_soon(profile, sent.channel, request, wants_reply=wants_reply)
    else:  # the inviter may not have heard the end of it
        await sending.send_soon(profile, connection.channel, _complete(connection), wants_reply=True)
    return Begun(handshake_id, sent.connection_id, sent.id, connection)


@dataclass(frozen=True, slots=True)
class Invitee:
    """Takes what inviters answer.

    Args:
        office_of: returns what an office does with it.
    """

    office_of: Callable[[Any], InviteeOffice]

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers, by message type."""
        return {
            f"{protocol}/{version}/{name}": handler
            for version in _VERSIONS
            for protocol, name, handler in (
                ("didexchange", "response", Handler(self.take_response, knows=knows_handshake)),
                ("didexchange", "problem_report", Handler(self.take_report, knows=knows_handshake)),
                ("out-of-band", "handshake-reuse-accepted", Handler(self.take_reuse_accepted)),
                ("out-of-band", "problem_report", Handler(self.take_reuse_refused)),
            )
        }

    async def take_response(self, office: Any, incoming: Incoming) -> bool:
        """Check who answered, and end the handshake (2)."""
        profile = incoming.profile
        async with profile.session() as session:
            sent = await read_sent(session, incoming.recipient)
            if sent is None:
                return False
            connection = await read_connection(session, incoming.recipient)
        if sent.request_id != incoming.thread_id or incoming.sender is None:
            raise HandshakeError("expected the answer to a request of ours, found another thread")
        introduced = read_introduction(incoming.members)
        if connection is None:
            connection = await _checked(profile, sent, introduced, incoming)
        if not _is_answer(connection, incoming, introduced):
            raise HandshakeError("expected one answer to a request, found a second one from somebody else")
        connection = await _keep_connection(profile, connection, introduced.document)
        if not _is_answer(connection, incoming, introduced):  # another one was kept meanwhile
            raise HandshakeError("expected one answer to a request, found two at once")
        await profile.inject(Sending).answer(incoming, connection.channel, _complete(connection), wants_reply=True)
        await self.office_of(office).connected(sent.connection_id, connection, incoming)
        return True

    async def take_report(self, office: Any, incoming: Incoming) -> bool:
        """Take an inviter's no (3)."""
        report = read_report(incoming.members)
        async with incoming.profile.session() as session:
            sent = await read_sent(session, incoming.recipient)
            if sent is None:
                return False
            connection = await read_connection(session, incoming.recipient)
            allowed = sent.inviter_keys if connection is None else (*sent.inviter_keys, connection.their_key)
            if incoming.sender not in allowed or sent.request_id != incoming.thread_id:
                raise HandshakeError("expected a report by who was asked, found another sender")
            ended = sent.acapy() if connection is None else acapy_connection(connection)
            await acapy.set_state(session, ended, acapy.ABANDONED, error=report.code)
        await self.office_of(office).refused(sent.connection_id, report, incoming)
        return True

    async def take_reuse_accepted(self, office: Any, incoming: Incoming) -> bool:
        """Go on over a connection, since the inviter agrees (4)."""
        answer = await take_answer(incoming, is_agreed=True)
        if answer is not None:
            await self.office_of(office).connected(answer[0].handshake_id, answer[1], incoming)
        return answer is not None

    async def take_reuse_refused(self, office: Any, incoming: Incoming) -> bool:
        """Take an inviter's no to going on over a connection (4)."""
        answer = await take_answer(incoming, is_agreed=False)
        if answer is not None:
            await self.office_of(office).refused(answer[0].handshake_id, read_report(incoming.members), incoming)
        return answer is not None


async def forget_begun(profile: Profile, connection: Connection, *, with_their_key: bool = True) -> None:
    """Remove a connection that its inviter knows no more: opening the invitation again begins anew.

    Args:
        profile: whose.
        connection: is removed.
        with_their_key: whether no other connection is with the same DID of theirs.
    """
    async with profile.session() as session:
        sent = await read_sent(session, connection.own_key)
    await forget_connection(profile, connection, with_their_key=with_their_key)
    if sent is not None:
        await _forget(profile, sent)


async def knows_handshake(incoming: Incoming) -> bool:
    """Tell whether a message is about a request of ours."""
    async with incoming.profile.session() as session:
        sent = await read_sent(session, incoming.recipient)
    return sent is not None and sent.request_id == incoming.thread_id


async def _begun(profile: Profile, handshake_id: str) -> tuple[SentRequest, Connection | None] | None:
    """Return what was begun on an invitation; what was refused is removed (3)."""
    async with profile.session() as session:
        record = await acapy.read_record(session, handshake_id)
        own_key = None if record is None else await own_key_by_id(session, handshake_id)
        sent = None if own_key is None else await read_sent(session, own_key)
        connection = None if own_key is None else await read_connection(session, own_key)
    if record is None or sent is None:
        return None
    if record.get("state") == acapy.ABANDONED:
        await _forget(profile, sent)
        return None
    return sent, connection


def _request(handshake_id: str, invitation: Invitation, contact: Contact, peer: OwnPeer) -> SentRequest:
    return SentRequest(
        id=peer.name,
        connection_id=handshake_id,
        own_did=peer.did,
        request_id=str(uuid4()),
        protocol=invitation.handshakes[0],
        invitation_id=invitation.id,
        inviter_keys=contact.keys,
        endpoint=contact.endpoint,
        routing_keys=contact.routing_keys,
        service_did=invitation.service_did,
        label=invitation.unverified_label,
    )


async def _keep(profile: Profile, made: SentRequest, peer: OwnPeer) -> bool:
    """Keep a request and all that belongs to it, or nothing; False: there is one on the same invitation."""
    await note_key(profile, peer)
    async with profile.transaction() as session:
        noted = () if made.service_did is None else (note_inviter(session, made.service_did, made.id),)
        is_first, _ = await keep_together(
            session,
            acapy.add_record(session, made.acapy(), acapy.REQUESTED),
            *adding_peer(session, peer),
            acapy.insert(session, SentRequest.category, made.id, made.model_dump_json(exclude_none=True)),
            *noted,
        )
    if not is_first:
        await unnote_key(profile, peer)
        return False
    have_at_hand(profile, peer)
    have_sent_at_hand(profile, made)
    note_no_connection(profile, made.id, since=made_of(profile))  # nobody else knows the key yet
    return True


async def _other(profile: Profile, handshake_id: str) -> tuple[SentRequest, Connection | None]:
    """Return what was begun on the same invitation at the same moment."""
    other = await _begun(profile, handshake_id)
    if other is None:
        raise HandshakeError("the inviter refused at the same moment; open the invitation again")
    return other


async def _checked(profile: Profile, sent: SentRequest, introduced: Introduction, incoming: Incoming) -> Connection:
    """Return the connection that a response makes (2).

    Raises:
        ExchangeError: it is not signed by who invited, or not sent by who it names.
    """
    if not is_did_signed(incoming.members, introduced, by=sent.inviter_keys):
        raise HandshakeError("expected an answer that a key of the inviter signed, found another")
    contact = await contact_of(profile, introduced)
    if incoming.sender not in contact.keys:
        raise HandshakeError("expected the sender's key in the DID that it names, found others")
    return Connection(
        id=sent.id,
        connection_id=sent.connection_id,
        own_did=sent.own_did,
        their_did=introduced.did,
        their_key=str(incoming.sender),
        endpoint=contact.endpoint,
        routing_keys=contact.routing_keys,
        invitation_id=sent.invitation_id,
        request_id=sent.request_id,
        protocol=sent.protocol,
        label=sent.label,
        their_public_did=sent.service_did,
        invitation_key=sent.inviter_keys[0],
    )


async def _keep_connection(
    profile: Profile, connection: Connection, document: Mapping[str, Any] | None = None
) -> Connection:
    """Keep a connection as we and as ACA-Py do, unless another answer was faster: then return that one's."""
    async with profile.transaction() as session:
        if not await keep_connection(session, connection):
            connection = await read_connection(session, connection.id) or connection
        await acapy.add_their_key(session, connection.their_did, connection.their_key, document)
        is_live = await acapy.set_state(session, acapy_connection(connection), acapy.COMPLETED)
        await session.commit()
        since = changes_of(profile)
    if is_live:
        put_at_hand(profile, connection, since=since)
    return connection


def _is_answer(connection: Connection, incoming: Incoming, introduced: Introduction) -> bool:
    return (connection.their_key, connection.their_did) == (incoming.sender, introduced.did)


def _complete(connection: Connection) -> dict[str, Any]:
    return complete_message(
        protocol=connection.protocol, request_id=connection.request_id, invitation_id=connection.invitation_id
    )


async def _forget(profile: Profile, sent: SentRequest) -> None:
    """Remove all that is kept of a request, all or nothing; what was begun anew on its invitation stays."""
    have_sent_no_more(profile, sent)
    async with profile.transaction() as session:
        record = await acapy.read_record(session, sent.connection_id)
        if record is not None and record.get("my_did") == short_form(sent.own_did):
            await acapy.remove_record(session, sent.connection_id)
        await acapy.remove(session, Connection.category, sent.id)
        await acapy.remove(session, SentRequest.category, sent.id)
        await forget_peer(profile, session, own_key=sent.id, short_did=short_form(sent.own_did))
        await session.commit()
