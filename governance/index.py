"""The look-up tables of a governance file: a question costs a few dictionary look-ups, however large the file.

`by_occupation` is keyed by the code an accreditation names. What may cover code C7212 stands under C7212, C721, C72 and
C7; a broader question ("C72") also concerns what stands below it. There are at most 619 ISCO-08 codes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from wanderbuch.governance.identifiers import Did

if TYPE_CHECKING:
    from wanderbuch.governance.file import Accreditation, Crosswalk, Participant


def covers_code(scope: Iterable[str], code: str) -> bool:
    """Return whether an ISCO-08 code stands in, or below, one of the codes of `scope`.

    >>> covers_code(("C72",), "C7212"), covers_code(("C7212",), "C72")
    (True, False)
    """
    return code.startswith(tuple(scope))


class GovernanceIndex:
    """Tables over the statements of one file; never changed after it is made."""

    __slots__ = ("_by_occupation", "by_issuer", "crosswalks", "crosswalks_of", "exclusions", "participants")

    def __init__(
        self,
        accreditations: Iterable["Accreditation"],
        crosswalks: Iterable["Crosswalk"],
        participants: Iterable["Participant"],
    ) -> None:
        by_issuer: dict[Did, list[Accreditation]] = defaultdict(list)
        by_occupation: dict[str, list[Accreditation]] = defaultdict(list)
        exclusions: dict[Did, set[str]] = defaultdict(set)
        for accreditation in sorted(accreditations, key=lambda each: each.id):
            by_issuer[accreditation.issuer].append(accreditation)
            for code in accreditation.occupations:
                by_occupation[code].append(accreditation)
            if accreditation.excluded_occupations:
                exclusions[accreditation.issuer].update(accreditation.excluded_occupations)
        crosswalks_of: dict[str, list[Crosswalk]] = defaultdict(list)
        for crosswalk in sorted(crosswalks, key=lambda each: (each.framework, each.valid.first, each.version)):
            crosswalks_of[crosswalk.framework].append(crosswalk)

        self.by_issuer: Mapping[Did, tuple[Accreditation, ...]] = {did: tuple(each) for did, each in by_issuer.items()}
        self._by_occupation: Mapping[str, tuple[Accreditation, ...]] = {
            code: tuple(each) for code, each in by_occupation.items()
        }
        self.exclusions: Mapping[Did, tuple[str, ...]] = {
            did: tuple(sorted(codes)) for did, codes in exclusions.items()
        }
        self.crosswalks: Mapping[tuple[str, str], Crosswalk] = {
            (each.framework, each.version): each for group in crosswalks_of.values() for each in group
        }
        self.crosswalks_of: Mapping[str, tuple[Crosswalk, ...]] = {
            framework: tuple(each) for framework, each in crosswalks_of.items()
        }
        self.participants: Mapping[Did, Participant] = {each.did: each for each in participants}

    def concerning(self, code: str) -> Iterator["Accreditation"]:
        """Yield each accreditation once whose scope holds `code`, stands above it or stands below it."""
        above = [code[:length] for length in range(2, len(code))]
        below = [each for each in self._by_occupation if each.startswith(code)]
        seen: set[str] = set()
        for each in (*above, *below):
            for accreditation in self._by_occupation.get(each, ()):
                if accreditation.id not in seen:
                    seen.add(accreditation.id)
                    yield accreditation
