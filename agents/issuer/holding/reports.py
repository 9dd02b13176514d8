"""What workers say is wrong, as tasks of the centre: kept once an offer, and open until somebody closes it."""

from contextlib import suppress
from datetime import UTC, datetime

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.acts import Act, ActLog
from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.agents.issuer.holding.report import HolderReport, ReportState, closed, first_report, said_again
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.reports import read_report
from wanderbuch.plugins.exchange.wrong import parts_of
from wanderbuch.store.errors import DuplicateError, NotFoundError
from wanderbuch.store.records import Page, RecordStore


class Reports:
    """The reports of one centre's workers.

    Args:
        profile: of the issuer.
        book: its offers.
        log: of who did what; by default it is opened here.
    """

    def __init__(self, profile: Profile, book: OfferBook, *, log: ActLog | None = None) -> None:
        self._profile = profile
        self._book = book
        self._log = log or ActLog(profile)
        self._records = RecordStore(profile, HolderReport)

    async def heard(self, incoming: Incoming) -> None:
        """Keep what the wallet that has an offer says is wrong; anything else, and anybody else, is left alone."""
        report = read_report(incoming.members)
        if not parts_of(report) or (offer := await self._book.sent_by_its_wallet(incoming)) is None:
            return
        fresh = first_report(
            offer.id, incoming.id, report, has_credential=offer.state.has_credential, at=datetime.now(UTC)
        )
        try:
            await self._records.insert(fresh)
        except DuplicateError:
            with suppress(NotFoundError):  # it was erased just now
                await self._records.change(fresh.id, lambda kept: said_again(kept, fresh))
        if not await self._is_there(offer.id):  # its certificate was erased meanwhile, perhaps by another process
            await self._records.remove(fresh.id)

    async def _is_there(self, offer_id: str) -> bool:
        """Look into the store itself: of an offer at hand it is not known whether another process erased it."""
        async with self._profile.session() as session:
            return await session.handle.fetch(Offer.category, offer_id) is not None

    async def get(self, offer_id: str) -> HolderReport:
        """Return a report; NotFoundError: there is none about this offer."""
        return await self._records.get(offer_id)

    async def find(self, offer_id: str) -> HolderReport | None:
        """Return what is said about an offer, None if nothing ever was."""
        return await self._records.get_or_none(offer_id)

    async def forget(self, offer_id: str) -> None:
        """Remove what is said about an offer; again changes nothing."""
        await self._records.remove(offer_id)

    async def page(
        self, state: ReportState | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> Page[HolderReport]:
        """Return a part of the reports, the newest first; CursorError: the cursor is of another list."""
        return await self._records.page(state=None if state is None else state.value, limit=limit, cursor=cursor)

    async def count_open(self) -> int:
        """Return how many wait for somebody."""
        return await self._records.count(state=ReportState.OPEN.value)

    async def close(self, offer_id: str, *, by: str) -> HolderReport:
        """Note that somebody saw to a report; a closed one stays so until the wallet says something else.

        Raises:
            NotFoundError: there is none about this offer.
        """
        kept = await self._records.get(offer_id)
        if kept.state is ReportState.CLOSED:
            return kept
        await self._log.note(Act.REPORT_CLOSED, by=by, what=offer_id, key=f"{Act.REPORT_CLOSED}.{kept.id}.{kept.times}")
        return await self._records.change(offer_id, lambda one: closed(one, by=by) if one.times == kept.times else None)
