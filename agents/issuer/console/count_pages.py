"""The figures of what was issued at the console: a page a period, its file, and the button that freezes it."""

from collections.abc import Mapping

from aiohttp import web

from wanderbuch.agents.issuer.console.pages import ConsolePages, ConsoleVisit
from wanderbuch.agents.issuer.counts_api import publish
from wanderbuch.agents.issuer.register.counts import Period, counts_csv, last_periods
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.rendering import SECURITY_HEADERS, PageHandler


class ConsoleCounts:
    """The handlers of the figures.

    Args:
        console: its pages.
    """

    def __init__(self, console: ConsolePages) -> None:
        self._console = console

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        served, place = self._console.served, f"{self._console.base}/counts/{{period}}"
        return {
            ("GET", f"{self._console.base}/counts"): served(self._periods),
            ("GET", place): served(self._show),
            ("GET", f"{place}/figures.csv"): served(self._file),
            ("POST", f"{place}/publish"): served(self._publish),
        }

    async def _periods(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Show of which periods there are figures."""
        visit.must_issue()
        published = await visit.office.counts.published()
        shown = {one.period for one in published}
        others = [period.name for period in last_periods(visit.office.tenant.clock()) if period.name not in shown]
        return self._console.show(visit, "console_counts.html", published=published, others=others)

    async def _show(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        period = _period(visit)
        return self._console.show(
            visit,
            "console_count.html",
            counts=await visit.office.counts.get(period),
            is_over=visit.office.tenant.clock() >= period.end,
        )

    async def _file(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        counts = await visit.office.counts.get(_period(visit))
        headers = {
            **SECURITY_HEADERS,
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="issued-{counts.period}.csv"',
        }
        return web.Response(text=f"\ufeff{counts_csv(counts)}", content_type="text/csv", headers=headers)

    async def _publish(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        if visit.text("sure") != "yes":
            raise MalformedError("tick the box to confirm")
        period = _period(visit)
        await publish(visit.office, period, by=visit.person.id)
        return visit.go(f"/counts/{period.name}")


def _period(visit: ConsoleVisit) -> Period:
    return Period.parse(visit.request.match_info["period"][:10])
