"""The log of the console: who did what, the newest first; ids, and no value of a certificate."""

from collections.abc import Mapping

from aiohttp import web

from wanderbuch.agents.issuer.acts import Act, ActEntry
from wanderbuch.agents.issuer.console.pages import ConsolePages, ConsoleVisit
from wanderbuch.agents.runtime.app import OPERATOR
from wanderbuch.agents.site.rendering import PageHandler


class ConsoleLog:
    """The handler of the log.

    Args:
        console: its pages.
    """

    def __init__(self, console: ConsolePages) -> None:
        self._console = console

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        return {("GET", f"{self._console.base}/log"): self._console.served(self._show)}

    async def _show(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Show it; whoever works at the console may see what was done there."""
        entries = await visit.office.batches.log.entries()
        people = {person.id: person.name for person in await visit.office.console.clerks.all()}
        return self._console.show(
            visit,
            "console_log.html",
            entries=[(entry, people.get(entry.by, entry.by), _address(entry)) for entry in entries],
            operator=OPERATOR.id,
        )


def _address(entry: ActEntry) -> str:
    """Return the path of the page of what a line is about, "" if there is none."""
    first, _, rest = entry.what.partition(" ")
    match entry.act:
        case (
            Act.OFFERED
            | Act.WITHDRAWN
            | Act.SUPERSEDED
            | Act.OFFERED_AGAIN
            | Act.SUPERSEDING_DROPPED
            | Act.REPORT_CLOSED
        ):
            return f"/issued/{first}"
        case Act.CONSENT_NOTED | Act.CONSENT_WITHDRAWN:
            return f"/batch/{first}/row/{rest}" if rest else f"/issued/{first}"
        case Act.REVOKED:
            return f"/register/revoked/{first}" if rest else f"/issued/{first}"
        case Act.ROW_EDITED | Act.ROW_LEFT_OUT | Act.ROW_RENEWED | Act.ROW_RETRIED | Act.ROW_MAILED:
            return f"/batch/{first}/row/{rest.partition(':')[0]}"
        case Act.STARTED | Act.PAUSED | Act.RESUMED | Act.CANCELLED | Act.EXTENDED | Act.BATCH_MADE:
            return f"/batch/{first}"
        case Act.HANDED_OVER | Act.TAKEN_OVER:
            return f"/batch/{first.rstrip(':')}"
    return ""
