"""Opening an invitation: what it brings is an offer or a request, and nothing is answered by opening it.

The offer or request is attached, or it follows over the connection that the invitation makes: an honest issuer sends an
offer only so, because an invitation can be read by anybody.

What is read is taken by `opening`.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.didcomm_prefix import DIDCommPrefix
from acapy_agent.protocols.issue_credential.v2_0.message_types import CRED_20_OFFER
from acapy_agent.protocols.out_of_band.v1_0.messages.invitation import InvitationMessage
from acapy_agent.protocols.present_proof.v2_0.message_types import PRES_20_REQUEST

from wanderbuch.agents.holder.opening import InvitationKind, Opened, meet, take_attached
from wanderbuch.agents.runtime.invitation_text import (
    MAX_INVITATION_BYTES,
    InvitationError,
    ShortAddress,
    read_invitation,
    read_location,
    read_text,
)
from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.http.edge import HttpEdge, Redirect
from wanderbuch.plugins.trust.attachments import AttachmentError, check_attachments
from wanderbuch.plugins.trust.foreign_dids import ED25519_CODEC, ForeignDidError, check_did, check_did_key

LOGGER = logging.getLogger(__name__)

_ASK_ANEW: Final = "ask the sender for a new invitation"
_FETCH_TIMEOUT_S = 10.0


async def open_invitation(profile: Profile, edge: HttpEdge, url: str, *, wait_s: float) -> Opened:
    """Take an out-of-band invitation (Aries RFC 0434) and return what it brought.

    Args:
        profile: whose wallet.
        edge: fetches the invitation behind a short link.
        url: the text of the QR code or link, as it was scanned or pasted.
        wait_s: how long the connection and its message may take.

    Raises:
        InvitationError: it is none, or of a kind that this wallet does not take.
        ResolutionError: the short link, the inviter's DID or the inviter itself can not be reached.
    """
    received = await _read(edge, url)
    _check_services(received)
    try:
        check_attachments(received)
        invitation = InvitationMessage.deserialize(received)
    except AttachmentError as err:
        raise InvitationError(f"the invitation can not be used: {err.message}", hint=_ASK_ANEW) from err
    except Exception as err:  # ACA-Py fails in many ways on what a stranger wrote; all of them refuse
        raise InvitationError(
            "expected an out-of-band invitation; its members are not as they should be", hint=_ASK_ANEW
        ) from err
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
    except (AssertionError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as err:
        # What the inviter's DID document says is decoded by ACA-Py, which fails so where it is not as it should be.
        LOGGER.warning("holder: an invitation could not be taken", exc_info=err)
        raise InvitationError("the invitation, or what its DID says, is not as it should be", hint=_ASK_ANEW) from err


async def _read(edge: HttpEdge, text: str) -> dict[str, Any]:
    """Return the invitation that a text carries, or that its short link leads to (RFC 0434, "URL Shortening")."""
    found = read_text(text)
    if not isinstance(found, ShortAddress):
        return found
    answer = await edge.get_or_location(
        found.url, max_bytes=MAX_INVITATION_BYTES, timeout_s=_FETCH_TIMEOUT_S, accept="application/json"
    )
    if isinstance(answer, Redirect):  # read, never followed
        return read_location(answer.location)
    if answer.content_type == "text/html":
        raise InvitationError(
            "expected an invitation behind the link, found a web page",
            hint="open it in a browser and scan the code there",
        )
    return read_invitation(answer.body)


def _check_services(received: Mapping[str, Any]) -> None:
    """Check what says where the inviter is; ACA-Py decodes it in ways that fail unexpectedly.

    Raises:
        InvitationError: a DID or a key is malformed.
    """
    services = received.get("services")
    try:
        for each in services if isinstance(services, list) else ():
            if not isinstance(each, Mapping):
                check_did(each)
                continue
            keys, routing = each.get("recipientKeys"), each.get("routingKeys", [])
            if not isinstance(keys, list) or not keys or not isinstance(routing, list):
                raise InvitationError("expected the keys of the inviter in its invitation, found none", hint=_ASK_ANEW)
            for key in (*keys, *routing):
                check_did_key(key, codec=ED25519_CODEC)
    except ForeignDidError as err:
        raise InvitationError(f"the invitation names its sender in a wrong way: {err.message}", hint=_ASK_ANEW) from err


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
