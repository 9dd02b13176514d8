"""The mediator's REST API, and its invitation on the public site."""

from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from wanderbuch.agents.mediator.office import MediatorOffice
from wanderbuch.agents.runtime.app import ApiModel, Call, PublicRoute, Route, get
from wanderbuch.plugins.exchange.connecting.invitations import invitation_address

INVITATION_PATH: Final = "/mediator"


class InvitationOut(ApiModel):
    """How wallets come to this mediator."""

    invitation: dict[str, Any]
    invitation_url: str
    """What a wallet is configured with: it carries the invitation."""
    short_url: str
    """Answers with the invitation; the same for ever."""


class StatusOut(ApiModel):
    """How much there is; of nobody in particular."""

    wallets: int
    keys: int
    messages: int
    bytes: int
    """As they are kept, padded."""
    live: int
    """Wallets with a web socket to this process."""


async def _invitation(office: MediatorOffice, _: Call[None]) -> InvitationOut:
    invitation = office.invitation()
    return InvitationOut(
        invitation=invitation,
        invitation_url=invitation_address(office.site_url, invitation),
        short_url=f"{office.site_url}{INVITATION_PATH}",
    )


async def _status(office: MediatorOffice, _: Call[None]) -> StatusOut:
    counts = await office.wallets.counts()
    return StatusOut(
        wallets=counts.wallets,
        keys=counts.keys,
        messages=counts.messages,
        bytes=counts.bytes,
        live=len(office.live),
    )


async def _public_invitation(office: MediatorOffice, _: web.Request) -> web.StreamResponse:
    headers = {"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"}
    return web.json_response(office.invitation(), headers=headers)


MEDIATOR_ROUTES: Final[Sequence[Route]] = (
    get("/invitation", _invitation, result=InvitationOut, summary="Show the invitation of all wallets"),
    get("/status", _status, result=StatusOut, summary="Count wallets, keys and messages"),
)
PUBLIC_ROUTES: Final[Sequence[PublicRoute]] = (PublicRoute("GET", INVITATION_PATH, _public_invitation),)
