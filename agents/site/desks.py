"""The desks of tenants as the runtime mounts them; their handlers take the office of whose desk it is.

The default tenant's is at `/desk`, another's at `/t/<tenant>/desk`: the same pages, made for their own address, so that
no link leads to another's desk. The handlers of a tenant's desk are made when it is first asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from cachetools import LRUCache

from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.store.tables import DEFAULT_TENANT

DESK_PLACE: Final = "/desk"
"""Where the pages of the default tenant's desk are on the app site."""
_ANY: Final = "/t/{tenant}/desk"  # `desk_place`
_MOST: Final = 256  # desks whose handlers are at hand

type DeskHandlers = Mapping[tuple[str, str], PageHandler]
"""The handlers of one desk, by method and path."""


def desk_place(tenant_id: str) -> str:
    """Return where the pages of a tenant's desk are on the app site.

    >>> desk_place("default"), desk_place("yard")
    ('/desk', '/t/yard/desk')
    """
    return DESK_PLACE if tenant_id == DEFAULT_TENANT else f"/t/{tenant_id}{DESK_PLACE}"


def desk_cookie(own: str, tenant_id: str) -> str:
    """Return the name of the cookie of a desk: all desks of a process have one host, and a browser may be at several.

    No other cookie of any desk has that name, whatever tenants are called: theirs end otherwise.

    >>> desk_cookie("asking", "default"), desk_cookie("asking", "yard")
    ('__Host-asking', '__Host-yard.asking')
    """
    return f"__Host-{own}" if tenant_id == DEFAULT_TENANT else f"__Host-{tenant_id}.{own}"


def desk_routes(handlers_at: Callable[[str], DeskHandlers], place_of: Callable[[Any], str]) -> Sequence[PublicRoute]:
    """Return the routes of all desks, for the app site; each sees to it by itself who asks.

    Args:
        handlers_at: makes the handlers of a desk at a place.
        place_of: gives the place of the desk of an office.
    """
    own = handlers_at(DESK_PLACE)
    desks: LRUCache[str, DeskHandlers] = LRUCache(_MOST)

    def handler(method: str, path: str) -> PageHandler:
        below = path.removeprefix(DESK_PLACE)

        async def handle(office: Any, request: web.Request) -> web.StreamResponse:
            place = place_of(office)
            if (handlers := desks.get(place)) is None:
                handlers = desks[place] = handlers_at(place)
            return await handlers[method, place + below](office, request)

        return handle

    return (
        *(PublicRoute(method, path, one) for (method, path), one in own.items()),
        *(PublicRoute(method, _ANY + path.removeprefix(DESK_PLACE), handler(method, path)) for method, path in own),
    )
