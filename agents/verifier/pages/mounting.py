"""The pages of verifiers' desks as the runtime mounts them; their handlers take the office of whose desk it is.

The default tenant's is at `/desk`, another's at `/t/<tenant>/desk`: the same pages, made for their own address, so that
no link leads to another's desk. The handlers of a tenant's desk are made when it is first asked for.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web
from cachetools import LRUCache

from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.verifier.office import DESK_PLACE, VerifierOffice
from wanderbuch.agents.verifier.pages.desk import AskingPages
from wanderbuch.agents.verifier.pages.desk_asking import DeskAsking
from wanderbuch.agents.verifier.pages.desk_links import DeskLinks
from wanderbuch.agents.verifier.pages.desk_papers import DeskPapers
from wanderbuch.agents.verifier.pages.desk_policy import DeskPolicy
from wanderbuch.agents.verifier.pages.desk_questions import DeskQuestions
from wanderbuch.agents.verifier.pages.desk_records import DeskRecords

_ANY: Final = "/t/{tenant}/desk"  # `office.desk_place`
_MOST: Final = 256  # desks whose handlers are at hand

type _Handlers = Mapping[tuple[str, str], PageHandler]


def desk_handlers(base: str = DESK_PLACE) -> _Handlers:
    """Return the handlers of a desk at one address, by method and path."""
    desk = AskingPages(base)
    return {
        **desk.entrance.handlers(),
        **DeskAsking(desk).handlers(),
        **DeskQuestions(desk).handlers(),
        **DeskLinks(desk).handlers(),
        **DeskPapers(desk).handlers(),
        **DeskRecords(desk).handlers(),
        **DeskPolicy(desk).handlers(),
        **desk.handlers(),
        **desk.entrance.last_handlers(),
    }


def desk_page_routes() -> Sequence[PublicRoute]:
    """Return the routes of all desks, for the app site; each sees to it by itself who asks."""
    own = desk_handlers()
    of_tenants = TenantDesks()
    return (
        *(PublicRoute(method, path, handler) for (method, path), handler in own.items()),
        *(
            PublicRoute(method, _ANY + path.removeprefix(DESK_PLACE), of_tenants.handler(method, path))
            for method, path in own
        ),
    )


class TenantDesks:
    """The handlers of the desks of tenants."""

    def __init__(self) -> None:
        self._desks: LRUCache[str, _Handlers] = LRUCache(_MOST)

    def handler(self, method: str, path: str) -> PageHandler:
        """Return the handler of one page of any desk.

        Args:
            method: of HTTP.
            path: of the page at the default tenant's desk.
        """
        below = path.removeprefix(DESK_PLACE)

        async def handle(office: VerifierOffice, request: web.Request) -> web.StreamResponse:
            place = office.desk_place
            if (handlers := self._desks.get(place)) is None:
                handlers = self._desks[place] = desk_handlers(place)
            return await handlers[method, place + below](office, request)

        return handle
