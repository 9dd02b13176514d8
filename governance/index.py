"""The look-up tables of a governance file: a question costs a few dictionary look-ups, however large the file.

Rules use `by_issuer.get`, `exclusions.get`, `participants.get`, `crosswalks`, `crosswalks_of`, `concerning` and
`remember`, and nothing else. Where parts of a divided file were not read, finding nothing proves nothing: the tables
then raise `PartMissingError` for whoever stands in such a part, so that a forgotten question to `GovernanceFile.holds`
ends in an error and never in an answer.

What may cover code C7212 stands under C7212, C721, C72 and C7; a broader question ("C72") also concerns what stands
below it. There are at most 619 ISCO-08 codes.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Final

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.identifiers import Did

if TYPE_CHECKING:
    from wanderbuch.governance.file import Accreditation, Crosswalk, Participant

_MAX_REMEMBERED: Final = 32


class PartMissingError(GovernanceError):
    """The answer stands in a part of a divided file that was not read: it could not be checked."""

    code: ClassVar[str] = "governance.part_missing"


def covers_code(scope: Iterable[str], code: str) -> bool:
    """Return whether an ISCO-08 code stands in, or below, one of the codes of `scope`.

    >>> covers_code(("C72",), "C7212"), covers_code(("C7212",), "C72")
    (True, False)
    """
    return code.startswith(tuple(scope))


class GovernanceIndex:
    """Tables over the statements of one file; never changed after it is made.

    Args:
        accreditations: in any order.
        holds: whether all that the file says about a DID was read; None if nothing is missing.
        by_issuer: the accreditations by issuer, sorted by id, where the caller has them so.
    """

    __slots__ = (
        "_by_occupation",
        "_holds",
        "_remembered",
        "by_issuer",
        "crosswalks",
        "crosswalks_of",
        "exclusions",
        "participants",
    )

    def __init__(
        self,
        accreditations: Collection["Accreditation"],
        crosswalks: Iterable["Crosswalk"],
        participants: Iterable["Participant"],
        holds: Callable[[Did], bool] | None = None,
        *,
        by_issuer: Mapping[Did, tuple["Accreditation", ...]] | None = None,
    ) -> None:
        if by_issuer is None:
            by_issuer = _by_issuer(accreditations)
        excluding = {each.issuer for each in accreditations if each.excluded_occupations}
        exclusions = {
            did: tuple(sorted({code for each in by_issuer[did] for code in each.excluded_occupations}))
            for did in excluding
        }
        crosswalks_of: dict[str, list[Crosswalk]] = defaultdict(list)
        for crosswalk in sorted(crosswalks, key=lambda each: (each.framework, each.valid.first, each.version)):
            crosswalks_of[crosswalk.framework].append(crosswalk)

        self._holds = holds
        self._by_occupation: Mapping[str, list[Accreditation]] | None = None
        self._remembered: OrderedDict[Hashable, Any] = OrderedDict()
        self.by_issuer: Mapping[Did, tuple[Accreditation, ...]] = _guarded(by_issuer, holds)
        self.exclusions: Mapping[Did, tuple[str, ...]] = _guarded(exclusions, holds)
        self.crosswalks: Mapping[tuple[str, str], Crosswalk] = {
            (each.framework, each.version): each for group in crosswalks_of.values() for each in group
        }
        self.crosswalks_of: Mapping[str, tuple[Crosswalk, ...]] = {
            framework: tuple(each) for framework, each in crosswalks_of.items()
        }
        self.participants: Mapping[Did, Participant] = {each.did: each for each in participants}

    def concerning(self, code: str) -> Iterator["Accreditation"]:
        """Yield each accreditation once whose scope holds `code`, stands above it or stands below it, in no order.

        Raises:
            PartMissingError: parts were not read, so some would be left out.
        """
        if self._holds is not None:
            raise PartMissingError("who could count is only known when every part of the governance file was read")
        by_occupation = self._occupations()
        above = [code[:length] for length in range(2, len(code))]
        below = [each for each in by_occupation if each.startswith(code)]
        seen: set[int] = set()  # of objects that this index keeps alive
        for each in (*above, *below):
            for accreditation in by_occupation.get(each, ()):
                if id(accreditation) not in seen:
                    seen.add(id(accreditation))
                    yield accreditation

    def remember[T](self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` gave for this key, making it the first time; the least used of many are forgotten.

        Args:
            key: the question with all that the answer depends on beside the file; begin it with the asker's name.
            make: gives the answer, which nobody may change.
        """
        try:
            self._remembered.move_to_end(key)
            found: T = self._remembered[key]
        except KeyError:
            found = self._remembered[key] = make()
            if len(self._remembered) > _MAX_REMEMBERED:
                self._remembered.popitem(last=False)
        return found

    def _occupations(self) -> Mapping[str, list["Accreditation"]]:
        if self._by_occupation is None:
            by_occupation: dict[str, list[Accreditation]] = defaultdict(list)
            for group in self.by_issuer.values():
                for accreditation in group:
                    for code in accreditation.occupations:
                        by_occupation[code].append(accreditation)
            self._by_occupation = dict(by_occupation)
        return self._by_occupation


class _Guarded[T](dict[Did, T]):
    """A table that answers only for those whose part was read."""

    def __init__(self, table: Mapping[Did, T], holds: Callable[[Did], bool]) -> None:
        super().__init__(table)
        self._holds = holds

    def get(self, did: Did, default: Any = None) -> Any:
        """Return what stands for `did`, `default` if nothing does and its part was read."""
        self._check(did)
        return super().get(did, default)

    def __getitem__(self, did: Did) -> T:
        self._check(did)
        return super().__getitem__(did)

    def __contains__(self, did: object) -> bool:
        if isinstance(did, Did):
            self._check(did)
        return super().__contains__(did)

    def _check(self, did: Did) -> None:
        if not self._holds(did):
            raise PartMissingError(f"the part of the governance file that would name {did} was not read")


def _guarded[T](table: Mapping[Did, T], holds: Callable[[Did], bool] | None) -> Mapping[Did, T]:
    return table if holds is None else _Guarded(table, holds)


def _by_issuer(accreditations: Iterable["Accreditation"]) -> Mapping[Did, tuple["Accreditation", ...]]:
    by_issuer: dict[Did, tuple[Accreditation, ...]] = {}
    for issuer, group in groupby(accreditations, key=attrgetter("issuer")):  # in most files an issuer's stand together
        together = [*by_issuer.get(issuer, ()), *group]
        together.sort(key=attrgetter("id"))
        by_issuer[issuer] = tuple(together)
    return by_issuer
