"""The pages of training centres' consoles as the runtime mounts them; see `site.desks`."""

from collections.abc import Sequence

from wanderbuch.agents.issuer.console.batches import ConsoleBatches
from wanderbuch.agents.issuer.console.class_lists import ConsoleLists
from wanderbuch.agents.issuer.console.consent_pages import ConsoleConsents
from wanderbuch.agents.issuer.console.count_pages import ConsoleCounts
from wanderbuch.agents.issuer.console.holding_pages import ConsoleHolding
from wanderbuch.agents.issuer.console.issuing import ConsoleIssuing
from wanderbuch.agents.issuer.console.log_pages import ConsoleLog
from wanderbuch.agents.issuer.console.pages import ConsolePages
from wanderbuch.agents.issuer.console.register_pages import ConsoleRegister
from wanderbuch.agents.issuer.console.standing_pages import ConsoleStanding
from wanderbuch.agents.issuer.console.start import ConsoleStart
from wanderbuch.agents.issuer.console.succession_pages import ConsoleSuccession
from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.site.desks import DESK_PLACE, DeskHandlers, desk_routes


def console_handlers(base: str = DESK_PLACE) -> DeskHandlers:
    """Return the handlers of a console at one address, by method and path."""
    console = ConsolePages(base)
    return {
        **console.entrance.handlers(),
        **ConsoleStart(console).handlers(),
        **ConsoleIssuing(console).handlers(),
        **ConsoleLists(console).handlers(),
        **ConsoleBatches(console).handlers(),
        **ConsoleSuccession(console).handlers(),
        **ConsoleRegister(console).handlers(),
        **ConsoleHolding(console).handlers(),
        **ConsoleConsents(console).handlers(),
        **ConsoleCounts(console).handlers(),
        **ConsoleLog(console).handlers(),
        **ConsoleStanding(console).handlers(),
        **console.handlers(),
        **console.entrance.last_handlers(),
    }


def console_page_routes() -> Sequence[PublicRoute]:
    """Return the routes of all consoles, for the app site; each sees to it by itself who asks."""
    return desk_routes(console_handlers, lambda office: office.console.access.place)
