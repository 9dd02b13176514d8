"""Finding institutions in a file of any size without reading all of it for a question.

Tables are made once a version. Institutions are numbered in the order of their names; each word of a name, each
occupation code and each country has its sorted numbers. A question is answered by walking through these numbers in
step (a leapfrog join), and each candidate is then held against its own accreditations, because "welders in Malta" must
be one accreditation, not two. Pages that were found stay known for a while, so turning a page costs one page.
"""

import heapq
import re
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Final

from cachetools import LRUCache

from wanderbuch.agents.site.folding import folded, words_of
from wanderbuch.governance.facts.file import Accreditation, GovernanceFile
from wanderbuch.governance.facts.groups import nothing_left
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.index import covers_code
from wanderbuch.governance.facts.listings import ListedAccreditation, RegisterEntry, RegisterId
from wanderbuch.governance.facts.spans import OPEN_END

PAGE_SIZE: Final = 20
MAX_PAGES: Final = 50
_MAX_WORDS: Final = 6
_MAX_EXPANSIONS: Final = 400  # words that one beginning of a word may stand for
_MAX_CANDIDATES: Final = 20_000  # looked at for one page
_MAX_KNOWN: Final = 200  # questions whose pages stay known
_NUMBERS: Final = re.compile("[0-9]+")
_AFTER_DID: Final = re.compile("[#?/]")


type _Scope = tuple[str, Accreditation | ListedAccreditation]


@dataclass(frozen=True, slots=True)
class Query:
    """What a reader looks for; empty parts do not limit.

    Args:
        name: words of an institution's name, or its DID.
        occupation: an ISCO-08 code; institutions count for it if they count for a wider or a narrower one.
        country: where it counts, ISO 3166-1 alpha-3.
    """

    name: str = ""
    occupation: str = ""
    country: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked, so that everything is found."""
        return not (self.name or self.occupation or self.country)


@dataclass(frozen=True, slots=True)
class Ending:
    """An accreditation whose mandate ends."""

    last: date
    statement: str
    issuer: Did
    title: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what was found.

    Args:
        page: its number, from 1.
        known: how many were found so far; all of them if `is_all`.
        is_all: nothing more can be found.
        is_cut: there may be more, but the question is too wide to list them.
    """

    dids: tuple[Did | RegisterId, ...]
    page: int
    known: int
    is_all: bool
    is_cut: bool

    @property
    def has_next(self) -> bool:
        """Whether there is a next page."""
        return self.known > self.page * PAGE_SIZE and self.page < MAX_PAGES


class SearchTables:
    """The tables over one version of a file.

    Attributes:
        usual_framework: in which most accreditations state their levels; None if there are none.
        usual_country: for which most institutions count, likewise.
    """

    def __init__(self, file: GovernanceFile) -> None:
        """Make the tables; seconds for a million accreditations, so not on the event loop."""
        self._file = file
        named: dict[Did | RegisterId, str] = {
            participant.did: participant.name or ""
            for participant in file.participants
            if participant.did != file.author
        }
        for other in file.trusted_governance:
            named.pop(other.publisher, None)
        for accreditation in file.accreditations:
            named.setdefault(accreditation.issuer, "")
        for refusal in file.refusals:
            named.setdefault(refusal.applicant, "")
        self._listings = {listing.register_id: listing for listing in file.listings if listing.did is None}
        named |= {listing.register_id: listing.name for listing in self._listings.values()}
        self._dids = sorted(named, key=lambda did: (not named[did], _in_order(named[did]), did))
        numbers = self._number_of = {str(did): number for number, did in enumerate(self._dids)}
        words: dict[str, set[int]] = defaultdict(set)
        codes: dict[str, set[int]] = defaultdict(set)
        countries: dict[str, set[int]] = defaultdict(set)
        for number, did in enumerate(self._dids):
            for word in words_of(named[did]):
                words[word].add(number)
        for listing in file.listings:  # the number that people know stays a way to find it
            key = listing.did or listing.register_id
            for word in words_of(listing.register_id) if key in numbers else ():
                words[word].add(numbers[key])
        scopes: Iterator[_Scope] = ((str(one.issuer), one) for one in file.accreditations)
        listed: Iterator[_Scope] = ((key, one) for key, of in self._listings.items() for one in of.accredited_for)
        for issuer, scope in chain(scopes, listed):
            number = numbers[issuer]
            for code in scope.occupations:
                codes[code].add(number)
            for country in scope.jurisdictions:
                countries[country].add(number)
        self._endings = sorted(
            (
                (accreditation.intervals[-1].last, accreditation.id, accreditation.issuer, accreditation.title)
                for accreditation in file.accreditations
                if accreditation.intervals and accreditation.intervals[-1].last != OPEN_END
            ),
            key=lambda ending: ending[:2],
        )
        frameworks = Counter(accreditation.level_range.framework for accreditation in file.accreditations)
        self.usual_framework = max(frameworks, key=frameworks.__getitem__, default=None)
        self.usual_country = max(countries, key=lambda country: len(countries[country]), default=None)
        self._words = sorted(words)
        self._of_word = _sorted_numbers(words)
        self._of_code = _sorted_numbers(codes)
        self._of_country = _sorted_numbers(countries)
        self._known: LRUCache[Query, _Walk] = LRUCache(_MAX_KNOWN)

    @property
    def countries(self) -> tuple[str, ...]:
        """The countries that accreditations name."""
        return tuple(sorted(self._of_country))

    def endings(self, first: date, last: date, limit: int) -> list[Ending]:
        """Return the accreditations whose mandate ends in these days, the soonest first."""
        begin = bisect_left(self._endings, first, key=lambda ending: ending[0])
        endings = self._endings[begin : begin + limit]
        return [Ending(*ending) for ending in endings if ending[0] <= last]

    def listing(self, key: str) -> RegisterEntry | None:
        """Return the listing of an institution that is not connected yet, by its register id."""
        return self._listings.get(RegisterId(key))

    def name_of(self, key: str) -> str | None:
        """Return how the file calls an institution, by its DID or register id; None if it does not name it."""
        listing = self.listing(key)
        return listing.name if listing else self._file.participant_name(Did(key))

    def knows(self, did: str) -> bool:
        """Return whether the file says anything about this institution."""
        return did in self._number_of

    @property
    def count(self) -> int:
        """How many institutions the file names."""
        return len(self._dids)

    def concerns(self, code: str) -> bool:
        """Return whether somebody counts for this occupation, one above it or one below it."""
        return any(code.startswith(known) or known.startswith(code) for known in self._of_code)

    def find(self, query: Query, page: int = 1) -> Found:
        """Return one page of the institutions that `query` describes, by name."""
        page = max(1, min(page, MAX_PAGES))
        walk = self._known.get(query)
        if walk is None:
            walk = self._known[query] = _Walk(self._candidates(query))
        walk.reach(page * PAGE_SIZE + 1, lambda number: self._fits(self._dids[number], query))
        numbers = walk.numbers[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        return Found(
            tuple(self._dids[number] for number in numbers), page, len(walk.numbers), walk.is_done, walk.is_tired
        )

    def _candidates(self, query: Query) -> Iterator[int]:
        if query.name[:4].lower() == "did:":  # what follows a DID in a link, such as #key-1, looks for the same one
            at = self._number_of.get(_AFTER_DID.split(query.name)[0])
            criteria: list[list[Sequence[int]]] = [[array("I", [] if at is None else [at])]]
        else:
            criteria = [self._beginning_with(word) for word in words_of(query.name)[:_MAX_WORDS]]
        if query.occupation:
            criteria.append(
                [
                    numbers
                    for code, numbers in self._of_code.items()
                    if query.occupation.startswith(code) or code.startswith(query.occupation)
                ]
            )
        if query.country:
            criteria.append([self._of_country.get(query.country, array("I"))])
        if not criteria:
            return iter(range(len(self._dids)))
        return _in_all(criteria)

    def _beginning_with(self, word: str) -> list[Sequence[int]]:
        """Return the numbers of each word of a name that begins with `word`; one letter stands for itself only."""
        if len(word) < 2:
            return [self._of_word.get(word, array("I"))]
        sequences_found: list[Sequence[int]] = []
        at = bisect_left(self._words, word)
        while at < len(self._words) and self._words[at].startswith(word) and len(sequences_found) < _MAX_EXPANSIONS:
            sequences_found.append(self._of_word[self._words[at]])
            at += 1
        return sequences_found

    def _fits(self, did: Did | RegisterId, query: Query) -> bool:
        """Return whether one accreditation of the institution has both the occupation and the country."""
        if not (query.occupation or query.country):
            return True
        if (listing := self._listings.get(RegisterId(did))) is not None:
            return any(concerns(scope, query.occupation, query.country) for scope in listing.accredited_for)
        if query.occupation and nothing_left(self._file.index.exclusions.get(Did(did), ()), query.occupation):
            return False
        return any(
            concerns(accreditation, query.occupation, query.country)
            for accreditation in self._file.index.by_issuer.get(Did(did), ())
        )


def concerns(accreditation: Accreditation | ListedAccreditation, occupation: str, country: str) -> bool:
    """Return whether an accreditation has to do with this occupation (or one above or below) in this country."""
    if country and country not in accreditation.jurisdictions:
        return False
    if not occupation:
        return True
    scope = accreditation.occupations
    return covers_code(scope, occupation) or any(code.startswith(occupation) for code in scope)


def _in_order(name: str) -> str:
    """Return what names are sorted by: "Centre 2" before "Centre 10"."""
    return _NUMBERS.sub(lambda match: match[0].zfill(9), folded(name))


class _Walk:
    """How far the answer to one question is known."""

    __slots__ = ("_candidates", "is_done", "is_tired", "numbers")

    def __init__(self, candidates: Iterator[int]) -> None:
        self._candidates = candidates
        self.numbers: list[int] = []
        self.is_done = False
        self.is_tired = False

    def reach(self, wanted: int, fits: Callable[[int], bool]) -> None:
        looked_at = 0
        self.is_tired = False
        while len(self.numbers) < wanted and not self.is_done:
            if looked_at == _MAX_CANDIDATES:
                self.is_tired = True
                return
            number = next(self._candidates, None)
            looked_at += 1
            if number is None:
                self.is_done = True
            elif fits(number):
                self.numbers.append(number)


def _sorted_numbers(sets: Mapping[str, set[int]]) -> dict[str, "array[int]"]:
    return {key: array("I", sorted(numbers)) for key, numbers in sets.items()}


def _in_all(criteria: list[list[Sequence[int]]]) -> Iterator[int]:
    """Yield the numbers that stand in at least one sequence of every criterion, ascending."""
    if len(criteria) == 1:
        yield from _merged(criteria[0])
        return
    at = 0
    while True:
        highest = at
        for sequences in criteria:
            start = _first_from(sequences, highest)
            if start is None:
                return
            highest = start
        if highest == at:
            yield at
            at += 1
        else:
            at = highest


def _first_from(sequences: list[Sequence[int]], least: int) -> int | None:
    best: int | None = None
    for numbers in sequences:
        place = bisect_left(numbers, least)
        if place < len(numbers) and (best is None or numbers[place] < best):
            best = numbers[place]
            if best == least:
                break
    return best


def _merged(sequences: list[Sequence[int]]) -> Iterator[int]:
    last = -1
    for number in heapq.merge(*sequences):
        if number != last:
            last = number
            yield number
