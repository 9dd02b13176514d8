"""What finds offers by number, name, occupation and batch: rows of the plain tables, complete before anybody asks.

An offer's rows are written before it, so none is missing. Offers that are older than the register are read once, when
it is first asked; so are all of them where the plain tables were lost.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final

from acapy_agent.core.profile import Profile
from aries_askar import Entry

from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.register.offer_words import KIND, claim_of, indexed, number_of
from wanderbuch.store.cursors import Listing, open_cursor, seal_cursor
from wanderbuch.store.engine import Statement
from wanderbuch.store.hashing import normalised
from wanderbuch.store.markers import Markers
from wanderbuch.store.rebuild import pages_of
from wanderbuch.store.rows import How, Indexed
from wanderbuch.store.tables import Tables, tables_of, tenant_of

_VERSION: Final = "1"
_MOST: Final = 200


class RegisterIndex:
    """What finds the offers of one issuer.

    Args:
        profile: whose.
        offers: its offers.
        on_older: is given each offer that is older than the register, and may be given it again.
        batch_of_offers: says of which batch older offers are.
    """

    def __init__(
        self,
        profile: Profile,
        offers: Markers[Offer],
        on_older: Callable[[Offer], Awaitable[None]],
        batch_of_offers: Callable[[], Awaitable[Mapping[str, str]]],
    ) -> None:
        self._profile = profile
        self._offers = offers
        self._on_older = on_older
        self._batch_of_offers = batch_of_offers
        self._turn = asyncio.Lock()

    def adding(self, offer: Offer) -> Sequence[Statement]:
        """Return what has a new offer found; to be run before it is written."""
        return self._tables.rows.adding(self._tenant, KIND, indexed(offer), How.NEW)

    async def remove(self, offer_id: str) -> None:
        """Have an offer found no more, once it is gone."""
        rows = self._tables.rows
        await rows.remove(await rows.touch(self._tenant, KIND, offer_id))

    async def complete(self) -> None:
        """Read the offers that are older than the register, if that is not done."""
        rebuild = self._tables.rebuild
        if await rebuild.is_noted(self._tenant, KIND, _VERSION):
            return
        async with self._turn:
            if not await rebuild.is_noted(self._tenant, KIND, _VERSION):
                await self._read_all()
                await rebuild.note(self._tenant, KIND, _VERSION)

    async def with_number(self, number: str) -> Sequence[Offer]:
        """Return the offers with exactly this number, the newest first."""
        return [offer async for offer in self.each_with_number(number)]

    async def each_with_number(self, number: str) -> AsyncIterator[Offer]:
        """Yield the offers with exactly this number, the newest first, however many there are."""
        await self.complete()
        before: int | None = None
        while True:
            words = {"number": number}
            places = await self._tables.words.newest(self._tenant, KIND, words, limit=_MOST, before=before)
            for _, offer_id in places:
                offer = await self._offers.get_or_none(offer_id)
                if offer is not None and normalised(number_of(claim_of(offer))) == normalised(number):
                    yield offer
            if len(places) < _MOST:
                return
            before = places[-1][0]

    async def has_any(self, words: Mapping[str, str]) -> bool:
        """Return whether anything may have all of these words; see `page`."""
        await self.complete()
        return await self._tables.words.has(self._tenant, KIND, words)

    async def page(self, words: Mapping[str, str], *, limit: int, cursor: str | None) -> tuple[list[Offer], str | None]:
        """Return offers that may have all of these words, the newest first, and the cursor of what follows.

        Args:
            words: by field (`offer_words`); at least one. Whoever asks compares them with the offers.
            limit: at most so many.
            cursor: of the part before.

        Raises:
            CursorError: the cursor is of another search.
        """
        await self.complete()
        tables = self._tables
        listing = Listing(self._tenant, KIND, [f"{name}={value}" for name, value in words.items()], newest_first=True)
        before = None if cursor is None else open_cursor(tables.hashes, listing, cursor)
        places = await tables.words.newest(self._tenant, KIND, words, limit=limit + 1, before=before)
        shown = places[:limit]
        offers = [await self._offers.get_or_none(offer_id) for _, offer_id in shown]
        after = seal_cursor(tables.hashes, listing, shown[-1][0]) if len(places) > limit else None
        return [offer for offer in offers if offer is not None], after

    @property
    def _tables(self) -> Tables:
        return tables_of(self._profile)

    @property
    def _tenant(self) -> str:
        return tenant_of(self._profile)

    async def _read_all(self) -> None:
        batches = await self._batch_of_offers()
        tables = self._tables
        async for page in pages_of(self._profile, Offer.category):
            read = await asyncio.to_thread(_read_page, page, batches)
            statements = [made for one in read for made in tables.rows.adding(self._tenant, KIND, one, How.READ)]
            await tables.engine.together(*statements)
            for entry in page:
                if (offer := await self._offers.get_or_none(entry.name)) is not None:
                    await self._on_older(offer)


def _read_page(page: Sequence[Entry], batches: Mapping[str, str]) -> list[Indexed]:
    return [_indexed(Offer.read(entry), batches) for entry in page]


def _indexed(offer: Offer, batches: Mapping[str, str]) -> Indexed:
    batch_id = offer.batch_id or batches.get(offer.id)
    return indexed(offer if batch_id is None else offer.model_copy(update={"batch_id": batch_id}))
