"""What people see at the address of the TRQP endpoint: what programs can ask there, and where that is described."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from wanderbuch.agents.authority.pages.kit import KIT
from wanderbuch.agents.authority.trqp_config import VERSION
from wanderbuch.agents.authority.trqp_role import TrqpOffice
from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.runtime.front import wants_page
from wanderbuch.agents.site.front import SiteFront
from wanderbuch.agents.site.safe_text import plain

_BASE: Final = f"/trqp/{VERSION}"
_FRONT: Final = SiteFront(KIT)


async def _about(office: TrqpOffice, request: web.Request) -> web.StreamResponse:
    """Say to people with a browser where they are; programs find nothing here."""
    if office.trqp is None or not wants_page(request):
        raise web.HTTPNotFound(headers={"Vary": "Accept"})
    base = request.path.rstrip("/")
    return _FRONT.page(request, "trqp.html", site_name=plain(request.host), here=base)


TRQP_PAGE_ROUTES: Final[Sequence[PublicRoute]] = tuple(
    PublicRoute("GET", path, _about) for path in (_BASE, f"{_BASE}/")
)
