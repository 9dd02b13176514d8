"""Taking what an invitation brings: once, however often it is opened, and whatever cut the opening short.

Every invitation makes a connection of its own, also where one with the same peer exists: two visits to one verifier are
not linked by the wallet's own doing. What a step leaves is found by the next opening:

1. Attached, without a connection: the key to answer with and the row of the invitation are kept together, under a name
   that follows from the thread. A second opening finds the row.
2. With a connection: one that has begun goes on. Its request is sent once more, word for word; if the connection stands
   here and nothing has come over it, its end is told once more, since the inviter may not have heard.
3. The offer or request has a name that follows from its thread (`plugins.trust.holding_messages`).
4. A thread is its sender's: anybody who sees an invitation can send something of their own on the same thread, and that
   is never taken for what the invitation brings.
"""

import asyncio
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.event_bus import Event, EventBus
from acapy_agent.core.oob_processor import OobMessageProcessor
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.decorators.service_decorator import ServiceDecorator
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.didexchange.v1_0.messages.request import DIDXRequest
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.out_of_band.v1_0.manager import OutOfBandManager
from acapy_agent.protocols.out_of_band.v1_0.messages.invitation import InvitationMessage
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.storage.error import StorageDuplicateError
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.key_type import ED25519

from wanderbuch.agents.holder.doubles import leave_one_invitation
from wanderbuch.agents.holder.reading import read_all
from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.trust.arrivals import Arrival, hear
from wanderbuch.plugins.trust.handshake_messages import completing
from wanderbuch.plugins.trust.once import one_step, own_id

_LOOK_AGAIN_S = 0.05
_LOOK_WITHOUT_NEWS_S = 5.0
_EXCHANGE_CHANGED: Final = re.compile("^acapy::record::(issue_credential_v2_0|present_proof_v2_0)::")
_ASKED: Final = ConnRecord.State.REQUEST.rfc160
_PEER_DID: Final = "did:peer:4"  # says all that the other side must know; what else there is comes in an attachment


class InvitationKind(Enum):
    """What an invitation brings."""

    OFFER = "offer"
    REQUEST = "request"


_EXCHANGES: Final[Mapping[InvitationKind, tuple[Any, str]]] = {
    InvitationKind.OFFER: (V20CredExRecord, V20CredExRecord.ROLE_HOLDER),
    InvitationKind.REQUEST: (V20PresExRecord, V20PresExRecord.ROLE_PROVER),
}


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened invitation: its kind, and the id of the exchange that it brought."""

    kind: InvitationKind
    id: str


async def take_attached(
    profile: Profile, invitation: InvitationMessage, kind: InvitationKind, thread_id: str
) -> Opened:
    """Take what is attached to an invitation."""
    async with one_step(profile, own_id("thread", thread_id)):
        if not invitation.handshake_protocols:
            await _refuse_anothers_thread(profile, invitation, kind, thread_id)  # 4
        found = await _attached(profile, invitation, kind, thread_id)
        if found:  # it was scanned before
            return Opened(kind, found)
        if invitation.handshake_protocols:
            row = await _connected(profile, invitation)
        else:
            row = await _answerable(profile, invitation, thread_id)  # 1
    await profile.inject(OobMessageProcessor).handle_message(
        profile, [each.content for each in invitation.requests_attach], row, row.their_service
    )
    while not (found := await _attached(profile, invitation, kind, thread_id)):  # noqa: ASYNC110 (no event tells it all)
        await asyncio.sleep(_LOOK_AGAIN_S)
    return Opened(kind, found)


async def meet(profile: Profile, invitation: InvitationMessage) -> Opened:
    """Connect on an invitation, unless that was done, and wait for what comes over the connection."""
    ours = await _connection_ids(profile, invitation)
    with _arrivals(profile) as arrivals:
        if opened := await _arrived(profile, ours):  # it was opened before
            return opened
        async with one_step(profile, own_id("invitation", _id(invitation))):
            await _connect(profile, invitation)  # 2
        ours |= await _connection_ids(profile, invitation)  # more than one, if two processes opened it at once
        while True:
            if opened := arrivals.over(ours):
                return opened
            try:
                async with asyncio.timeout(_LOOK_WITHOUT_NEWS_S):
                    missed = await arrivals.news()
            except TimeoutError:  # another process may have taken what came, and ended before it told
                missed = True
            if missed:
                ours |= await _connection_ids(profile, invitation)
                if opened := await _arrived(profile, ours):
                    return opened


async def _refuse_anothers_thread(
    profile: Profile, invitation: InvitationMessage, kind: InvitationKind, thread_id: str
) -> None:
    """Refuse an invitation if another sender's brought something on the same thread; what brought nothing goes.

    Raises:
        ResolutionError: it did.
    """
    async with profile.session() as session:
        rows = await OobRecord.query(
            session, {"attach_thread_id": thread_id}, post_filter_positive={"role": OobRecord.ROLE_RECEIVER}
        )
    anothers = [row for row in rows if _services(row.invitation) != _services(invitation)]
    if anothers and await _find(profile, kind, thread_id=thread_id, connection_ids={None}):
        raise ResolutionError(
            "another sender's invitation was opened before, and brought something under the same number",
            hint="decline what that one brought, or ask this inviter for a new invitation",
        )
    for row in anothers:
        async with profile.session() as session:
            await row.delete_record(session)


def _services(invitation: InvitationMessage) -> object:
    """Return where an invitation is answered, as JSON."""
    return invitation.serialize().get("services")


async def _attached(
    profile: Profile, invitation: InvitationMessage, kind: InvitationKind, thread_id: str
) -> str | None:
    """Return the id of the exchange that an invitation brought with it, None if there is none yet (4)."""
    over: set[str | None] = {None}
    if invitation.handshake_protocols:
        over = {*await _connection_ids(profile, invitation)}
    return await _find(profile, kind, thread_id=thread_id, connection_ids=over)


async def _answerable(profile: Profile, invitation: InvitationMessage, thread_id: str) -> OobRecord:
    """Return the one row by which what is attached to an invitation can be answered without a connection."""
    if held := await leave_one_invitation(profile, _id(invitation), thread_id):
        return held
    manager = OutOfBandManager(profile)
    service: ServiceDecorator | None = await manager._service_decorator_from_service(invitation.services[0])  # noqa: SLF001 (ACA-Py has no other way)
    if service is None:
        raise ResolutionError("expected an address to answer the invitation at, found none")
    row = OobRecord(
        oob_id=own_id("thread", thread_id),
        new_with_id=True,
        state=OobRecord.STATE_PREPARE_RESPONSE,
        role=OobRecord.ROLE_RECEIVER,
        invi_msg_id=_id(invitation),
        invitation=invitation,
        attach_thread_id=thread_id,
        their_service=service,
    )
    try:
        async with profile.transaction() as session:
            key = await session.inject(BaseWallet).create_signing_key(ED25519)
            row.our_recipient_key = key.verkey
            row.our_service = ServiceDecorator(
                recipient_keys=[key.verkey], endpoint=profile.settings.get("default_endpoint"), routing_keys=[]
            )
            await row.save(session, reason="an invitation was opened")
            await session.commit()
    except StorageDuplicateError:  # another process was faster
        async with profile.session() as session:
            return await OobRecord.retrieve_by_id(session, row.oob_id)
    return row


async def _connected(profile: Profile, invitation: InvitationMessage) -> OobRecord:
    """Connect and wait until the connection stands; the row that is returned says which, and is not kept."""
    await _connect(profile, invitation)
    while not (ready := [each for each in await _connections(profile, invitation) if each.is_ready]):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_AGAIN_S)
    return OobRecord(
        state=OobRecord.STATE_DONE,
        role=OobRecord.ROLE_RECEIVER,
        invi_msg_id=_id(invitation),
        invitation=invitation,
        connection_id=ready[0].connection_id,
    )


async def _connect(profile: Profile, invitation: InvitationMessage) -> None:
    """Begin a connection on an invitation, or go on with one that has begun."""
    begun = await _connections(profile, invitation)
    for connection in begun:
        if connection.is_ready:
            told = completing(connection)
        elif connection.state == _ASKED and str(connection.my_did).startswith(_PEER_DID):
            label = profile.settings.get("default_label")
            told = DIDXRequest(label=label, did=connection.my_did, _id=connection.request_id)
            told.assign_thread_id(thid=connection.request_id, pthid=connection.invitation_msg_id)
        else:  # nobody has heard of it, or it was refused
            async with profile.session() as session:
                await connection.delete_record(session)
            continue
        await profile.inject(BaseResponder).send(told, connection_id=connection.connection_id)
        return
    await leave_one_invitation(profile, _id(invitation), None)
    await OutOfBandManager(profile).receive_invitation(
        _without_attachment(invitation), use_existing_connection=False, auto_accept=True
    )


def _without_attachment(invitation: InvitationMessage) -> InvitationMessage:
    """Return the invitation to connect alone; what is attached is taken once the connection stands."""
    bare = InvitationMessage.deserialize(invitation.serialize())
    bare.requests_attach = []
    return bare


async def _arrived(profile: Profile, connection_ids: set[str]) -> Opened | None:
    """Return what came over one of these connections, None if nothing did yet."""
    for connection_id in connection_ids:
        for kind in InvitationKind:
            if found := await _find(profile, kind, connection_ids={connection_id}):
                return Opened(kind, found)
    return None


async def _connection_ids(profile: Profile, invitation: InvitationMessage) -> set[str]:
    return {each.connection_id for each in await _connections(profile, invitation)}


async def _connections(profile: Profile, invitation: InvitationMessage) -> list[ConnRecord]:
    """Return the connections that were begun on an invitation, those that stand first."""
    async with profile.session() as session:
        found: list[ConnRecord] = await ConnRecord.query(
            session,
            {"invitation_msg_id": _id(invitation)},
            post_filter_positive={"their_role": ConnRecord.Role.RESPONDER.rfc160},
        )
    return sorted(found, key=lambda connection: (not connection.is_ready, str(connection.created_at)))


class _Arrivals:
    """The exchanges that began or changed, by connection, as the bus and the other processes told it.

    Looking for them would read them all.
    """

    def __init__(self) -> None:
        self._by_connection: dict[str, Opened] = {}
        self._changed = asyncio.Event()
        self._missed = False

    def over(self, connection_ids: Collection[str]) -> Opened | None:
        """Return what came over one of these connections, None if nothing did yet."""
        return next((self._by_connection[each] for each in connection_ids if each in self._by_connection), None)

    async def news(self) -> bool:
        """Wait until something comes, and return whether something else may have come that was not told."""
        self._changed.clear()
        await self._changed.wait()
        missed, self._missed = self._missed, False
        return missed

    def take(self, arrival: Arrival | None) -> None:
        """Take what came in another process; None: something may have."""
        if arrival is None:
            self._missed = True
        else:
            kind = next((kind for kind, (model, _) in _EXCHANGES.items() if arrival.kind == model.RECORD_TYPE), None)
            if kind is not None:
                self._by_connection.setdefault(arrival.connection_id, Opened(kind, arrival.exchange_id))
        self._changed.set()

    async def note(self, _: Profile, event: Event) -> None:
        """Take an event of the bus."""
        connection_id = event.payload.get("connection_id")
        for kind, (model, role) in _EXCHANGES.items():
            if (
                connection_id
                and event.payload.get("role") == role
                and (found := event.payload.get(model.RECORD_ID_NAME))
            ):
                self._by_connection.setdefault(connection_id, Opened(kind, found))
                self._changed.set()


@contextmanager
def _arrivals(profile: Profile) -> Iterator[_Arrivals]:
    """Give what comes while the context lasts."""
    bus, arrivals = profile.inject(EventBus), _Arrivals()
    bus.subscribe(_EXCHANGE_CHANGED, arrivals.note)
    end_hearing = hear(profile, arrivals.take)
    try:
        yield arrivals
    finally:
        end_hearing()
        bus.unsubscribe(_EXCHANGE_CHANGED, arrivals.note)


async def _find(
    profile: Profile, kind: InvitationKind, *, connection_ids: Collection[str | None], thread_id: str | None = None
) -> str | None:
    """Return the id of our first exchange over one of these connections, of which None stands for having none."""
    model, role = _EXCHANGES[kind]

    def read(record: Any) -> tuple[str, str] | None:
        if record.role != role or record.connection_id not in connection_ids:
            return None
        return str(record.created_at), str(record._id)  # noqa: SLF001 (ACA-Py's name for any record's id)

    found = await read_all(profile, model, read, tags={"thread_id": thread_id} if thread_id else None)
    return min(found)[1] if found else None


def _id(invitation: InvitationMessage) -> str:
    return str(invitation._id)  # noqa: SLF001 (ACA-Py's name)
