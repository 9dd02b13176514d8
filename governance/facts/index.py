"""The look-up tables of a governance file: a question costs a few dictionary look-ups, however large the file.

Rules use `by_issuer.get`, `excluded`, `about`, `under_other_names`, `participants.get`, `crosswalks`, `crosswalks_of`,
`concerning`, `listing` and `remember`, and nothing else. Where parts of a divided file were not read, finding nothing
proves nothing: the tables then raise `PartMissingError` for whoever stands in such a part, so that a forgotten question
to `GovernanceFile.holds` ends in an error and never in an answer.

What may cover code C7212 stands under C7212, C721, C72 and C7; a broader question ("C72") also concerns what stands
below it. There are at most 619 ISCO-08 codes.

A DID on an Indy ledger has two names, did:sov's and did:indy's. What grants counts under the name that it stands under;
what excludes, suspends or withdraws binds the other name too, whichever ledger did:sov may mean.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any, ClassVar, Final

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.accreditation import Accreditation, Crosswalk, Participant
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.indy import ON_LEDGERS, ledger_name, may_be_one
from wanderbuch.governance.facts.sources import SourceId

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
        "_by_certificate",
        "_by_occupation",
        "_holds",
        "_on_ledgers",
        "_remembered",
        "by_issuer",
        "crosswalks",
        "crosswalks_of",
        "exclusions",
        "participants",
    )

    def __init__(
        self,
        accreditations: Collection[Accreditation],
        crosswalks: Iterable[Crosswalk],
        participants: Iterable[Participant],
        holds: Callable[[Did], bool] | None = None,
        *,
        by_issuer: Mapping[Did, tuple[Accreditation, ...]] | None = None,
    ) -> None:
        if by_issuer is None:
            by_issuer = _by_issuer(accreditations)
        excluding = {accreditation.issuer for accreditation in accreditations if accreditation.excluded_occupations}
        exclusions = {
            did: tuple(
                sorted({code for accreditation in by_issuer[did] for code in accreditation.excluded_occupations})
            )
            for did in excluding
        }
        crosswalks_of: dict[str, list[Crosswalk]] = defaultdict(list)
        for crosswalk in sorted(
            crosswalks, key=lambda crosswalk: (crosswalk.framework, crosswalk.valid.first, crosswalk.version)
        ):
            crosswalks_of[crosswalk.framework].append(crosswalk)

        self._holds = holds
        self._by_certificate: Mapping[str, frozenset[Did]] | None = None
        self._by_occupation: Mapping[str, list[Accreditation]] | None = None
        self._on_ledgers: Mapping[str, tuple[Accreditation, ...]] | None = None
        self._remembered: OrderedDict[Hashable, Any] = OrderedDict()
        self.by_issuer: Mapping[Did, tuple[Accreditation, ...]] = _guarded(by_issuer, holds)
        self.exclusions: Mapping[Did, tuple[str, ...]] = _guarded(exclusions, holds)
        self.crosswalks: Mapping[tuple[str, str], Crosswalk] = {
            (crosswalk.framework, crosswalk.version): crosswalk
            for group in crosswalks_of.values()
            for crosswalk in group
        }
        self.crosswalks_of: Mapping[str, tuple[Crosswalk, ...]] = {
            framework: tuple(versions) for framework, versions in crosswalks_of.items()
        }
        self.participants: Mapping[Did, Participant] = {participant.did: participant for participant in participants}

    def under_other_names(self, did: Did) -> tuple[Accreditation, ...]:
        """Return what the file says of the same DID under its other names on an Indy ledger; of most: nothing."""
        if not did.startswith(ON_LEDGERS):  # asked by every decision
            return ()
        if self._on_ledgers is None:
            self._on_ledgers = _on_ledgers(self.by_issuer)
        name = did.rpartition(":")[2]
        return tuple(
            [accreditation for accreditation in self._on_ledgers.get(name, ()) if may_be_one(accreditation.issuer, did)]
        )

    def about(self, did: Did) -> tuple[Accreditation, ...]:
        """Return all that the file says of a DID: the accreditations that may count for it, then those above."""
        own, others = self.by_issuer.get(did, ()), self.under_other_names(did)
        return (*own, *others) if others else own

    def excluded(self, did: Did) -> tuple[str, ...]:
        """Return the codes that any accreditation of a DID excludes, under whichever name."""
        own = self.exclusions.get(did, ())
        if not did.startswith(ON_LEDGERS):
            return own
        return (
            *own,
            *(code for accreditation in self.under_other_names(did) for code in accreditation.excluded_occupations),
        )

    def concerning(self, code: str) -> Iterator[Accreditation]:
        """Yield each accreditation once whose scope holds `code`, stands above it or stands below it, in no order.

        Raises:
            PartMissingError: parts were not read, so some would be left out.
        """
        if self._holds is not None:
            raise PartMissingError("who could count is only known when every part of the governance file was read")
        by_occupation = self._occupations()
        above = [code[:length] for length in range(2, len(code))]
        below = [narrower for narrower in by_occupation if narrower.startswith(code)]
        seen: set[int] = set()  # of objects that this index keeps alive
        for group in (*above, *below):
            for accreditation in by_occupation.get(group, ()):
                if id(accreditation) not in seen:
                    seen.add(id(accreditation))
                    yield accreditation

    def listing(self, source: SourceId) -> frozenset[Did]:
        """Return the issuers whose accreditations list a source that names no DID.

        Raises:
            PartMissingError: parts were not read, so some would be left out.
        """
        if self._holds is not None:
            raise PartMissingError("who lists a source is only known when every part of the governance file was read")
        if self._by_certificate is None:
            by_certificate: dict[str, set[Did]] = defaultdict(set)
            for group in self.by_issuer.values():
                for accreditation in group:
                    for source_id in accreditation.sources:
                        if source_id.owner is None:
                            by_certificate[source_id].add(accreditation.issuer)
            self._by_certificate = {certificate: frozenset(issuers) for certificate, issuers in by_certificate.items()}
        return self._by_certificate.get(source, frozenset())

    def remember[T](self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` gave for this key, making it the first time; the least used of many are forgotten.

        Args:
            key: the question with all that the answer depends on beside the file; begin it with the asker's name.
            make: gives the answer, which nobody may change.
        """
        try:
            self._remembered.move_to_end(key)
            value: T = self._remembered[key]
        except KeyError:
            value = self._remembered[key] = make()
            if len(self._remembered) > _MAX_REMEMBERED:
                self._remembered.popitem(last=False)
        return value

    def _occupations(self) -> Mapping[str, list[Accreditation]]:
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


def _on_ledgers(by_issuer: Mapping[Did, tuple[Accreditation, ...]]) -> Mapping[str, tuple[Accreditation, ...]]:
    by_name: dict[str, tuple[Accreditation, ...]] = {}
    for issuer, group in by_issuer.items():
        if issuer.startswith(ON_LEDGERS) and (name := ledger_name(issuer)) is not None:
            by_name[name] = (*by_name.get(name, ()), *group)
    return by_name


def _by_issuer(accreditations: Iterable[Accreditation]) -> Mapping[Did, tuple[Accreditation, ...]]:
    by_issuer: dict[Did, tuple[Accreditation, ...]] = {}
    for issuer, group in groupby(accreditations, key=attrgetter("issuer")):  # in most files an issuer's stand together
        together = [*by_issuer.get(issuer, ()), *group]
        together.sort(key=attrgetter("id"))
        by_issuer[issuer] = tuple(together)
    return by_issuer
