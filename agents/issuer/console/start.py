"""The first page of the console: what may be issued, what is waiting, what is wrong.

1. What may be issued is what the signed governance file says now (`Joining.view`), not what anybody promised.
2. What is waiting is what somebody has to do with: batches that are not over, offers that no wallet has taken.
3. What is wrong is said with what to do about it; nothing is said where nothing is.
4. Where the authority has named who goes on, an administrator finds the batches that are to be handed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from wanderbuch.agents.issuer.batch_records.batch import Batch, BatchState
from wanderbuch.agents.issuer.batches.batch_desk import Counts
from wanderbuch.agents.issuer.console.claim_view import name_of
from wanderbuch.agents.issuer.console.clerks import ClerkRole
from wanderbuch.agents.issuer.console.pages import ConsoleOffice, ConsolePages, ConsoleVisit
from wanderbuch.agents.issuer.joining.joining import JoiningState, JoiningView
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.site.rendering import PageHandler

_BATCHES: Final = 20
_LAST: Final = 10
_HANDED: Final = 200
_OVER: Final = (BatchState.CANCELLED, BatchState.HANDED_OVER)


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that is wrong, or has to be done first.

    Args:
        says: key of its sentence.
        leads_to: path of the page where something can be done about it; "" where nobody here can.
        of: the batch that it is about.
        number: how many rows.
    """

    says: str
    leads_to: str = ""
    of: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class RunningBatch:
    """A batch that is not over, with how far it has come."""

    batch: Batch
    counts: Counts

    @property
    def is_done(self) -> bool:
        """Whether nobody can claim anything of it any more."""
        return self.counts.waiting + self.counts.open + self.counts.locked == 0


class ConsoleStart:
    """The handler of the first page.

    Args:
        console: its pages.
    """

    def __init__(self, console: ConsolePages) -> None:
        self._console = console

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        return {("GET", f"{self._console.base}/"): self._console.served(self._start)}

    async def _start(self, visit: ConsoleVisit) -> web.StreamResponse:
        office, may_issue = visit.office, visit.person.may(ClerkRole.CLERK)
        view = await office.joining.view()
        batches = await _running(office) if may_issue else []
        reports = await office.reports.count_open() if may_issue else 0
        handed = await _to_hand_over(office) if visit.person.may(ClerkRole.ADMINISTRATOR) else []
        offers: Sequence[Offer] = (await office.desk.page(limit=_LAST)).items if may_issue else ()
        return self._console.show(
            visit,
            "console_start.html",
            may_work=may_issue,
            view=view,
            wrong=_wrong(office, view, batches, reports),
            batches=[one for one in batches if not one.is_done],
            handed=handed,
            successor=office.handing.called(None) if handed else None,
            waiting=[offer for offer in offers if offer.state is OfferState.OPEN],
            name_of=name_of,
            last=[offer for offer in offers if offer.state is not OfferState.OPEN],
        )


async def _running(office: ConsoleOffice) -> list[RunningBatch]:
    page = await office.batches.page(limit=_BATCHES, cursor=None)
    return [RunningBatch(batch, await office.batches.counts(batch)) for batch in page.items if batch.state not in _OVER]


async def _to_hand_over(office: ConsoleOffice) -> list[Batch]:
    """Return what an administrator hands over, or has begun to (4); nothing where nobody is named."""
    if office.handing.successor() is None:
        return []
    page = await office.batches.page(limit=_HANDED, cursor=None)
    return [batch for batch in page.items if batch.state is not BatchState.CANCELLED]


def _wrong(office: ConsoleOffice, view: JoiningView, batches: Sequence[RunningBatch], reports: int) -> list[Wrong]:
    """Return what is wrong, the worst first (3)."""
    wrong: list[Wrong] = []
    snapshot = office.standing.snapshot()
    if snapshot is None or not snapshot.is_fresh(office.tenant.clock()):
        wrong.append(Wrong("console.wrong.stale", "/standing"))
    if view.state is not JoiningState.MAY_ISSUE:
        wrong.append(Wrong(f"console.wrong.{view.state.value}", "/standing"))
    if reports:
        wrong.append(Wrong("console.wrong.reports", "/reports", number=reports))
    wrong += [
        Wrong("console.wrong.locked", f"/batch/{one.batch.id}?state=LOCKED", one.batch.title, one.counts.locked)
        for one in batches
        if one.counts.locked
    ]
    return wrong
