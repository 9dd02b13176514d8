"""Opening an invitation: what it brings is an offer or a request, and nothing is answered by opening it.

The offer or request is attached, or it follows over the connection that the invitation makes: an honest issuer sends an
offer only so, because an invitation can be read by anybody.

Every invitation makes a connection of its own, also where one with the same peer exists: two visits to one verifier are
not linked by the wallet's own doing.
"""

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.error import BaseError
from acapy_agent.core.event_bus import Event, EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.models.base import BaseModelError
from acapy_agent.protocols.didcomm_prefix import DIDCommPrefix
from acapy_agent.protocols.issue_credential.v2_0.message_types import CRED_20_OFFER
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.out_of_band.v1_0.manager import OutOfBandManager
from acapy_agent.protocols.out_of_band.v1_0.messages.invitation import InvitationMessage
from acapy_agent.protocols.present_proof.v2_0.message_types import PRES_20_REQUEST
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord

from wanderbuch.agents.holder.reading import read_all
from wanderbuch.errors import ExchangeError, ResolutionError
from wanderbuch.plugins.http.edge import HttpEdge

_MAX_INVITATION_BYTES = 64 * 1024
_FETCH_TIMEOUT_S = 10.0
_LOOK_AGAIN_S = 0.05
_LOOK_WITHOUT_NEWS_S = 1.0
_EXCHANGE_CHANGED: Final = re.compile("^acapy::record::(issue_credential_v2_0|present_proof_v2_0)::")


class InvitationError(ExchangeError):
    """What was scanned or pasted is not an invitation that this wallet can open."""

    code = "exchange.invitation"


class InvitationKind(Enum):
    """What an invitation brings."""

    OFFER = "offer"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened invitation: its kind, and the id of the exchange that it brought."""

    kind: InvitationKind
    id: str


async def open_invitation(profile: Profile, edge: HttpEdge, url: str, *, wait_s: float) -> Opened:
    """Take an out-of-band invitation (Aries RFC 0434) and return what it brought.

    Args:
        profile: whose wallet.
        edge: fetches the invitation behind a short link.
        url: the text of the QR code or link.
        wait_s: how long the connection and its message may take.

    Raises:
        InvitationError: it is none, or of a kind that this wallet does not take.
        ResolutionError: the short link, the inviter's DID or the inviter itself can not be reached.
    """
    received = await _read(edge, url)
    try:
        invitation = InvitationMessage.deserialize(received)
    except (BaseModelError, ValueError) as err:
        raise InvitationError("expected an out-of-band invitation; its members are not as they should be") from err
    attached = _attached(invitation)
    try:
        async with asyncio.timeout(wait_s):
            return await (_take_attached(profile, invitation, *attached) if attached else _meet(profile, invitation))
    except TimeoutError as err:
        raise ResolutionError(
            f"the inviter did not answer within {wait_s:g} s",
            hint="try again later; if somebody else opened this invitation, ask for a new one",
        ) from err
    except BaseError as err:
        raise ResolutionError("no connection with the inviter could be made", hint="try again later") from err


async def _take_attached(
    profile: Profile, invitation: InvitationMessage, kind: InvitationKind, thread_id: str
) -> Opened:
    """Take what is attached to an invitation."""
    if known := await _find(profile, kind, thread_id=thread_id):  # scanned twice
        return Opened(kind, known)
    await OutOfBandManager(profile).receive_invitation(invitation, use_existing_connection=False, auto_accept=True)
    while not (found := await _find(profile, kind, thread_id=thread_id)):  # noqa: ASYNC110 (no event tells it all)
        await asyncio.sleep(_LOOK_AGAIN_S)
    return Opened(kind, found)


async def _meet(profile: Profile, invitation: InvitationMessage) -> Opened:
    """Connect on an invitation, unless that was done, and wait for what comes over the connection."""
    invitation_id = invitation._id  # noqa: SLF001 (ACA-Py's name)
    if not any(connection.is_ready for connection in await _connections(profile, invitation_id)):
        await OutOfBandManager(profile).receive_invitation(invitation, use_existing_connection=False, auto_accept=True)
    ours = {each.connection_id for each in await _connections(profile, invitation_id)}
    with _exchanges_changed(profile, ours) as changed:
        while not (opened := await _arrived(profile, ours)):
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_WITHOUT_NEWS_S):
                    await changed.wait()
            changed.clear()
    return opened


async def _arrived(profile: Profile, connection_ids: set[str]) -> Opened | None:
    """Return what came over one of these connections, None if nothing did yet."""
    for connection_id in connection_ids:
        for kind in InvitationKind:
            if found := await _find(profile, kind, connection_id=connection_id):
                return Opened(kind, found)
    return None


async def _connections(profile: Profile, invitation_id: str) -> list[ConnRecord]:
    """Return the connections that were begun on an invitation; more than one, if it was opened twice at once."""
    async with profile.session() as session:
        found: list[ConnRecord] = await ConnRecord.query(
            session,
            {"invitation_msg_id": invitation_id},
            post_filter_positive={"their_role": ConnRecord.Role.RESPONDER.rfc160},
        )
    return found


@contextmanager
def _exchanges_changed(profile: Profile, connection_ids: set[str]) -> Iterator[asyncio.Event]:
    """Give what is set whenever an exchange over one of these connections has changed."""
    bus, changed = profile.inject(EventBus), asyncio.Event()

    async def note(_: Profile, event: Event) -> None:
        if event.payload.get("connection_id") in connection_ids:
            changed.set()

    bus.subscribe(_EXCHANGE_CHANGED, note)
    try:
        yield changed
    finally:
        bus.unsubscribe(_EXCHANGE_CHANGED, note)


async def _read(edge: HttpEdge, url: str) -> object:
    """Return the JSON of an invitation, out of its URL or from behind a short link."""
    parts = urlsplit(url)
    encoded = parse_qs(parts.query).get("oob", [])
    if len(url) > _MAX_INVITATION_BYTES or parts.scheme != "https":
        raise InvitationError(f"expected an https address of at most {_MAX_INVITATION_BYTES} characters")
    if encoded:
        try:
            body = base64.urlsafe_b64decode(encoded[0] + "=" * (-len(encoded[0]) % 4))
        except (binascii.Error, ValueError) as err:
            raise InvitationError("expected an invitation in base64url behind oob=") from err
    else:
        fetched = await edge.get(
            url, max_bytes=_MAX_INVITATION_BYTES, timeout_s=_FETCH_TIMEOUT_S, accept="application/json"
        )
        if fetched.status != 200:
            raise InvitationError(f"expected an invitation behind the link, found HTTP status {fetched.status}")
        body = fetched.body
    try:
        received: object = json.loads(body)
    except ValueError as err:
        raise InvitationError("expected an invitation in JSON") from err
    if not isinstance(received, dict):
        raise InvitationError("expected an invitation, found other JSON")
    return received


def _attached(invitation: InvitationMessage) -> tuple[InvitationKind, str] | None:
    """Return what is attached to an invitation and the thread it comes on; None if it is to follow."""
    if len(invitation.requests_attach or ()) > 1 or len(invitation.services or ()) != 1:
        raise InvitationError("expected an invitation by one service, with one offer or request at the most")
    if not invitation.requests_attach:
        if not invitation.handshake_protocols:
            raise InvitationError("expected an invitation with an offer, with a request, or to connect")
        return None
    content = invitation.requests_attach[0].content
    if not isinstance(content, dict) or not isinstance(content.get("@type"), str):
        raise InvitationError("expected an offer or a request in the invitation")
    kind = {CRED_20_OFFER: InvitationKind.OFFER, PRES_20_REQUEST: InvitationKind.REQUEST}.get(
        DIDCommPrefix.unqualify(content["@type"])
    )
    thread = content.get("~thread")
    thread_id = (thread.get("thid") if isinstance(thread, dict) else None) or content.get("@id")
    if kind is None or not isinstance(thread_id, str):
        raise InvitationError("expected an offer (issue-credential 2.0) or a request (present-proof 2.0)")
    return kind, thread_id


async def _find(
    profile: Profile, kind: InvitationKind, *, thread_id: str | None = None, connection_id: str | None = None
) -> str | None:
    """Return the id of our first exchange on this thread or connection, None if there is none yet."""
    model, role = {
        InvitationKind.OFFER: (V20CredExRecord, V20CredExRecord.ROLE_HOLDER),
        InvitationKind.REQUEST: (V20PresExRecord, V20PresExRecord.ROLE_PROVER),
    }[kind]

    def read(record: Any) -> tuple[str, str] | None:
        if record.role != role or (connection_id is not None and record.connection_id != connection_id):
            return None
        return str(record.created_at), str(record._id)  # noqa: SLF001 (ACA-Py's name for any record's id)

    found = await read_all(profile, model, read, tags={"thread_id": thread_id} if thread_id else None)
    return min(found)[1] if found else None
