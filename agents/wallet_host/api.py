"""The wallet host's REST API, and its routes on the public site."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from wanderbuch.agents.runtime.app import ApiModel, Call, PublicRoute, Route, get
from wanderbuch.agents.wallet_host.office import WalletHostOffice
from wanderbuch.agents.wallet_host.vault_site import VAULT_ROUTES


class VaultsOut(ApiModel):
    """How much there is; of nobody in particular."""

    vaults: int
    bytes: int


async def _status(office: WalletHostOffice, _: Call[None]) -> VaultsOut:
    vaults, size = await office.vaults.counts()
    return VaultsOut(vaults=vaults, bytes=size)


async def _page(office: WalletHostOffice, request: web.Request) -> web.StreamResponse:
    return office.page.answer(request)


WALLET_HOST_ROUTES: Final[Sequence[Route]] = (
    get("/status", _status, result=VaultsOut, summary="Count vaults and what is in them"),
)
PUBLIC_ROUTES: Final[Sequence[PublicRoute]] = (*VAULT_ROUTES, PublicRoute("GET", "/{path:.*}", _page))
