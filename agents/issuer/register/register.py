"""The register of one centre: the certificates that it has issued, searched, listed and exported.

A certificate is an offer of which a credential came. What finds it stands in `offer_words`; what it says, and whether
it is revoked, is read from the offer each time, and compared with what was asked for.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.register.numbers import CertificateNumbers
from wanderbuch.agents.issuer.register.offer_words import (
    START_CHARS,
    claim_of,
    name_words,
    number_of,
    start_fields,
    word_fields,
)
from wanderbuch.governance.lists.table import escaped
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.store.hashing import normalised

ISSUED: Final = (OfferState.ISSUED, OfferState.REVOKED)
"""The states in which an offer is a certificate."""
_ROUNDS: Final = 20
_EXPORTED: Final = 200
COLUMNS: Final = (
    "number",
    "family_name",
    "given_names",
    "occupation",
    "framework",
    "level",
    "awarded_on",
    "issued_at",
    "state",
    "batch",
    "id",
)


@dataclass(frozen=True, slots=True)
class RegisterQuery:
    """What is looked for; all that is given must hold.

    Args:
        number: exactly, whatever its case.
        name: whole words, in any order; of three letters or more also how one begins.
        occupation: its code.
        batch_id: of a batch.
        state: ISSUED or REVOKED; None: both.
    """

    number: str = ""
    name: str = ""
    occupation: str = ""
    batch_id: str = ""
    state: OfferState | None = None

    @property
    def states(self) -> tuple[OfferState, ...]:
        """Return the states that are looked for."""
        return ISSUED if self.state is None else (self.state,)


@dataclass(frozen=True, slots=True)
class RegisterPage:
    """A part of what was found, the newest first; it may be shorter than asked for where `next_cursor` says go on."""

    items: tuple[Offer, ...]
    next_cursor: str | None


class IssuedRegister:
    """The certificates of one centre.

    Args:
        book: its offers.
        numbers: of its certificates.
    """

    def __init__(self, book: OfferBook, numbers: CertificateNumbers) -> None:
        self._book = book
        self._index = numbers.index

    async def search(self, query: RegisterQuery, *, limit: int, cursor: str | None = None) -> RegisterPage:
        """Return certificates, the newest first.

        Args:
            query: what is looked for.
            limit: at most so many.
            cursor: `next_cursor` of the part before.

        Raises:
            CursorError: the cursor is of another search.
        """
        words = await self._words(query)
        if words is None:
            return RegisterPage((), None)
        if not words:
            states = [state.value for state in query.states]
            page = await self._book.offers.page(state=states, limit=limit, cursor=cursor)
            return RegisterPage(page.items, page.next_cursor)
        items: list[Offer] = []
        for _ in range(_ROUNDS):
            offers, cursor = await self._index.page(words, limit=limit - len(items), cursor=cursor)
            items += [offer for offer in offers if _matches(offer, query)]
            if cursor is None or len(items) >= limit:
                break
        return RegisterPage(tuple(items), cursor)

    async def every(self, query: RegisterQuery) -> AsyncIterator[tuple[Offer, ...]]:
        """Yield all that is found, page by page."""
        cursor: str | None = None
        while True:
            page = await self.search(query, limit=_EXPORTED, cursor=cursor)
            yield page.items
            if (cursor := page.next_cursor) is None:
                return

    async def prepare(self) -> None:
        """Read certificates that are older than the register, if that is not done."""
        await self._index.complete()

    async def _words(self, query: RegisterQuery) -> Mapping[str, str] | None:
        """Return by which fields a search goes; None: nothing can match."""
        words: dict[str, str] = {}
        for word in name_words(query.name):
            is_start = len(word) == START_CHARS
            if is_start or (len(word) > START_CHARS and not await self._index.has_any(word_fields([word]))):
                words |= start_fields([word])
            else:
                words |= word_fields([word])
        if query.name.strip() and not words:
            return None
        given = {"number": query.number.strip(), "occupation": query.occupation, "batch": query.batch_id}
        return {**{name: value for name, value in given.items() if value}, **words}


def csv_of(offers: Iterable[Offer], *, with_header: bool) -> str:
    """Return certificates as lines of CSV, with the names of the columns above if asked for."""
    text = io.StringIO()
    lines = csv.writer(text)
    if with_header:
        lines.writerow(COLUMNS)
    for offer in offers:
        lines.writerow([escaped(cell) for cell in register_cells(offer)])
    return text.getvalue()


def register_cells(offer: Offer) -> tuple[str, ...]:
    """Return what the register says of a certificate, by `COLUMNS`."""
    claim, kind = claim_of(offer), load_credential_type(offer.credential_type)
    return (
        number_of(claim),
        claim.get("family_name", ""),
        claim.get("given_names", ""),
        claim.get(kind.about, ""),
        claim.get("framework", ""),
        "" if kind.level is None else claim.get(kind.level.name, ""),
        claim.get("awarded_on", ""),
        "" if offer.issued_at is None else offer.issued_at.isoformat(timespec="seconds"),
        offer.state.value,
        offer.batch_id or "",
        offer.id,
    )


def _matches(offer: Offer, query: RegisterQuery) -> bool:
    """Return whether an offer is what was looked for; its batch is what its row says."""
    claim = claim_of(offer)
    if offer.state not in query.states:
        return False
    if query.number.strip() and normalised(number_of(claim)) != normalised(query.number):
        return False
    if query.occupation and claim.get(load_credential_type(offer.credential_type).about) != query.occupation:
        return False
    words = name_words(f"{claim.get('family_name', '')} {claim.get('given_names', '')}")
    return all(_has(words, word) for word in name_words(query.name))


def _has(words: Iterable[str], wanted: str) -> bool:
    return any(word == wanted or (len(wanted) >= START_CHARS and word.startswith(wanted)) for word in words)
