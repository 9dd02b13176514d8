"""Opening an invitation: what it brings is an offer or a request, and nothing is answered by opening it.

The offer or request is attached, or it follows over the connection that the invitation makes: an honest issuer sends an
offer only so, because an invitation can be read by anybody.

What is read is taken by `opening`.
"""

import asyncio
import base64
import binascii
import json
from urllib.parse import parse_qs, urlsplit

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.models.base import BaseModelError
from acapy_agent.protocols.didcomm_prefix import DIDCommPrefix
from acapy_agent.protocols.issue_credential.v2_0.message_types import CRED_20_OFFER
from acapy_agent.protocols.out_of_band.v1_0.messages.invitation import InvitationMessage
from acapy_agent.protocols.present_proof.v2_0.message_types import PRES_20_REQUEST

from wanderbuch.agents.holder.opening import InvitationKind, Opened, meet, take_attached
from wanderbuch.errors import ExchangeError, ResolutionError
from wanderbuch.plugins.http.edge import HttpEdge

_MAX_INVITATION_BYTES = 64 * 1024
_FETCH_TIMEOUT_S = 10.0


class InvitationError(ExchangeError):
    """What was scanned or pasted is not an invitation that this wallet can open."""

    code = "exchange.invitation"


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
            return await (take_attached(profile, invitation, *attached) if attached else meet(profile, invitation))
    except TimeoutError as err:
        raise ResolutionError(
            f"the inviter did not answer within {wait_s:g} s",
            hint="try again later; if somebody else opened this invitation, ask for a new one",
        ) from err
    except BaseError as err:
        raise ResolutionError("no connection with the inviter could be made", hint="try again later") from err


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
