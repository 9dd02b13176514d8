"""The pages of verifiers' desks as the runtime mounts them; their handlers take the office of whose desk it is."""

from collections.abc import Sequence

from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.site.desks import DESK_PLACE, DeskHandlers, desk_routes
from wanderbuch.agents.verifier.pages.desk import AskingPages
from wanderbuch.agents.verifier.pages.desk_applications import OwnApplicationPages
from wanderbuch.agents.verifier.pages.desk_asking import DeskAsking
from wanderbuch.agents.verifier.pages.desk_codes import DeskCodes
from wanderbuch.agents.verifier.pages.desk_links import DeskLinks
from wanderbuch.agents.verifier.pages.desk_papers import DeskPapers
from wanderbuch.agents.verifier.pages.desk_policy import DeskPolicy
from wanderbuch.agents.verifier.pages.desk_questions import DeskQuestions
from wanderbuch.agents.verifier.pages.desk_records import DeskRecords


def desk_handlers(base: str = DESK_PLACE) -> DeskHandlers:
    """Return the handlers of a desk at one address, by method and path."""
    desk = AskingPages(base)
    return {
        **desk.entrance.handlers(),
        **DeskAsking(desk).handlers(),
        **DeskQuestions(desk).handlers(),
        **DeskCodes(desk).handlers(),
        **DeskLinks(desk).handlers(),
        **DeskPapers(desk).handlers(),
        **DeskRecords(desk).handlers(),
        **DeskPolicy(desk).handlers(),
        **OwnApplicationPages(desk).handlers(),
        **desk.handlers(),
        **desk.entrance.last_handlers(),
    }


def desk_page_routes() -> Sequence[PublicRoute]:
    """Return the routes of all desks, for the app site; each sees to it by itself who asks."""
    return desk_routes(desk_handlers, lambda office: office.access.place)
