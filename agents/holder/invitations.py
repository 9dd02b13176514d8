"""Opening an invitation: what it brings is an offer or a request, and nothing is answered by opening it.

The offer or request is attached, or it follows over the connection that the invitation makes: an honest issuer sends an
offer only so, because an invitation can be read by anybody.

What is read is taken by `opening`.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.opening import InvitationKind, Opened, meet, take_attached
from wanderbuch.agents.runtime.gate.received import Received, ReceivedError
from wanderbuch.agents.runtime.gate.served import MessageType
from wanderbuch.agents.runtime.invitation_text import (
    MAX_INVITATION_BYTES,
    ShortAddress,
    read_invitation,
    read_location,
    read_text,
)
from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.exchange.attached import AttachedError
from wanderbuch.plugins.exchange.attachments import AttachmentError, check_attachments
from wanderbuch.plugins.exchange.connecting.did_documents import ContactError
from wanderbuch.plugins.exchange.connecting.invitations import InvitationError, read_invitation_message
from wanderbuch.plugins.exchange.credential_messages import OFFER
from wanderbuch.plugins.exchange.proof_messages import REQUEST
from wanderbuch.plugins.http.answers import Redirect
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import NotFoundError

__all__ = ["InvitationError", "open_invitation"]

_ASK_ANEW: Final = "ask the sender for a new invitation"
_FETCH_TIMEOUT_S: Final = 10.0
_KINDS: Final[Mapping[str, InvitationKind]] = {OFFER: InvitationKind.OFFER, REQUEST: InvitationKind.REQUEST}


async def open_invitation(profile: Profile, edge: HttpEdge, config: HolderConfig, url: str) -> Opened:
    """Take an out-of-band invitation (Aries RFC 0434) and return what it brought.

    Args:
        profile: whose wallet.
        edge: fetches the invitation behind a short link.
        config: how long the connection and its message may take, and the deadlines.
        url: the text of the QR code or link, as it was scanned or pasted.

    Raises:
        InvitationError: it is none, or of a kind that this wallet does not take.
        ResolutionError: the short link, the inviter's DID or the inviter itself cannot be reached.
    """
    received = await _read(edge, url)
    invitation = read_invitation_message(received)
    try:
        check_attachments(received)
    except AttachmentError as err:
        raise InvitationError(f"the invitation cannot be used: {err.message}", hint=_ASK_ANEW) from err
    brought = None if invitation.attached is None else _read_attached(invitation.attached)
    try:
        async with asyncio.timeout(config.invitation_wait_s):
            if brought is None:
                return await meet(profile, invitation)
            return await take_attached(profile, config, invitation, *brought)
    except TimeoutError as err:
        raise ResolutionError(
            f"the inviter did not answer within {config.invitation_wait_s:g} s",
            hint="try again later; if somebody else opened this invitation, ask for a new one",
        ) from err
    except ContactError as err:
        raise ResolutionError(f"the inviter cannot be reached: {err.message}", hint=_ASK_ANEW) from err
    except AttachedError as err:
        raise InvitationError(f"what the invitation brings cannot be used: {err.message}", hint=_ASK_ANEW) from err
    except BaseError as err:
        raise ResolutionError("no connection with the inviter could be made", hint="try again later") from err


async def _read(edge: HttpEdge, text: str) -> dict[str, Any]:
    """Return the invitation that a text carries, or that its short link leads to (RFC 0434, "URL Shortening")."""
    invitation = read_text(text)
    if not isinstance(invitation, ShortAddress):
        return invitation
    try:
        answer = await edge.get_or_location(
            invitation.url, max_bytes=MAX_INVITATION_BYTES, timeout_s=_FETCH_TIMEOUT_S, accept="application/json"
        )
    except NotFoundError as err:
        raise InvitationError(
            f"there is nothing behind the link any more, or there never was: {invitation.url[:200]}", hint=_ASK_ANEW
        ) from err
    if isinstance(answer, Redirect):  # read, never followed
        return read_location(answer.location)
    if answer.content_type == "text/html":
        raise InvitationError(
            "expected an invitation behind the link, found a web page",
            hint="open it in a browser and scan the code there",
        )
    return read_invitation(answer.body)


def _read_attached(members: Mapping[str, Any]) -> tuple[InvitationKind, Received]:
    """Return what an invitation carries: an offer or a request.

    Raises:
        InvitationError: it is neither.
    """
    try:
        message = Received.of(dict(members), size=0)
    except ReceivedError as err:
        raise InvitationError(f"what the invitation brings cannot be used: {err.message}", hint=_ASK_ANEW) from err
    kind = MessageType.parse(message.type)
    if kind is None or str(kind) not in _KINDS:
        raise InvitationError("expected an offer (issue-credential 2.0) or a request (present-proof 2.0)")
    return _KINDS[str(kind)], message
