"""Who could count for a requirement: what a proof request is compiled from, before anything is shown.

Whoever is left out here could never be TRUSTED by showing what is asked for; whoever is named is still judged by
`decision.decide` afterwards. So files of recognised authorities are read even while they are not fresh, chains are
looked at without their days, and what only a credential shows is not asked.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from wanderbuch.governance.deciding.recognition import MAX_DEPTH, regulations
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.file import EQF, Accreditation, GovernanceFile
from wanderbuch.governance.facts.groups import overlap
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.index import covers_code
from wanderbuch.governance.facts.question import DateSpan, Purpose, Requirement
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import SourceId
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.governance.facts.statements import Recognition
from wanderbuch.schemas.languages import CEFR, cefr_rank, is_language


@dataclass(frozen=True, slots=True)
class _Reached:
    """A file that counts: the home file (no recognitions) or one that recognitions lead to."""

    file: GovernanceFile
    recognitions: tuple[Recognition, ...] = ()


def eligible_sources(requirement: Requirement, snapshot: GovernanceSnapshot, *, at: datetime) -> tuple[SourceId, ...]:
    """Return the sources, of every format, that could satisfy the requirement for some award up to now, sorted.

    Raises:
        PartMissingError: parts of a divided file that counts were not read, so some would be left out.
    """
    today = days_anywhere(at).last
    source_ids = {
        source
        for reached in _files(requirement, snapshot, at)
        for accreditation in _eligible(requirement, snapshot.file, reached.file)
        if accreditation.intervals[0].first <= today
        for source in accreditation.sources
    }
    return tuple(sorted(source_ids))


def eligible_schemas(requirement: Requirement, snapshot: GovernanceSnapshot, *, at: datetime) -> tuple[str, ...]:
    """Return the ids of the schemas that the files that count list for the credential type, sorted."""
    files = _files(requirement, snapshot, at)
    return tuple(sorted({one for reached in files for one in reached.file.schema_ids(requirement.credential_type)}))


def award_boundary_years(requirement: Requirement, snapshot: GovernanceSnapshot) -> frozenset[int]:
    """Return the years in which "awarded this year" is not enough and the exact date is needed.

    In these a mandate, a lapse, a crosswalk or a recognition of those who could count begins or ends within the year.

    Raises:
        PartMissingError: parts of a divided file that counts were not read.
    """
    years: set[int] = set()
    for reached in _files(requirement, snapshot):
        for accreditation in _eligible(requirement, snapshot.file, reached.file):
            years.update(_boundaries(accreditation))
            if reached.recognitions:
                years.update(_decided_years(accreditation.issuer, requirement.occupation, snapshot))
        for recognition in reached.recognitions:
            spans = [*recognition.intervals, *(lapse.days for lapse in recognition.lapses)]
            years.update(year for span in spans for year in _split_years(span))
        for crosswalks in reached.file.index.crosswalks_of.values():
            years.update(year for crosswalk in crosswalks for year in _split_years(crosswalk.valid))
    return frozenset(years)


def _files(requirement: Requirement, snapshot: GovernanceSnapshot, at: datetime | None = None) -> Iterator[_Reached]:
    """Yield the home file, and each file at hand that recognitions for such a requirement lead to.

    What is of no use because the occupation is regulated is left out if `at` is given.
    """
    yield _Reached(snapshot.file)
    regulated = at is not None and _regulated(requirement, snapshot.file, at)
    further: dict[Did, int] = {}  # how many more authorities may follow, by the best way found
    leading: dict[Did, set[Recognition]] = {}
    waiting = [(snapshot, 1 if regulated else MAX_DEPTH)]
    while waiting:
        before, allowed = waiting.pop()
        for recognition in before.file.recognitions if allowed else ():
            publisher = recognition.publisher
            reached = snapshot.recognised.get(publisher)
            if (
                reached is None
                or not _recognised_for(requirement, recognition, regulated=regulated, home=before is snapshot)
                or any(
                    _excludes(requirement, governance_snapshot.file, publisher)
                    for governance_snapshot in (snapshot, before)
                )
            ):
                continue
            leading.setdefault(publisher, set()).add(recognition)
            left = min(allowed - 1, recognition.onward)
            if left > further.get(publisher, -1):
                further[publisher] = left
                waiting.append((reached, left))
    for publisher, recognitions in leading.items():
        yield _Reached(snapshot.recognised[publisher].file, tuple(recognitions))


def _regulated(requirement: Requirement, home: GovernanceFile, at: datetime) -> bool:
    """Whether everything the requirement asks for is regulated; of a group, a part may not be."""
    rules = regulations(home, requirement.occupation, requirement.jurisdiction, at)
    whole = any(requirement.occupation.startswith(regulation.occupations) for regulation in rules)
    return requirement.purpose is Purpose.REGULATED_PROFESSION or (whole and requirement.purpose is not Purpose.STUDY)


def _recognised_for(requirement: Requirement, recognition: Recognition, *, regulated: bool, home: bool) -> bool:
    purposes = {requirement.purpose, Purpose.REGULATED_PROFESSION} if regulated else {requirement.purpose}
    level = requirement.min_eqf_level or 1
    return (
        requirement.credential_type in recognition.credential_types
        and purposes.issubset(recognition.purposes)
        and (not home or requirement.jurisdiction in recognition.jurisdictions)
        and overlap(recognition.occupations, requirement.occupation)
        and recognition.min_eqf_level <= level <= recognition.max_eqf_level
    )


def _excludes(requirement: Requirement, file: GovernanceFile, publisher: Did) -> bool:
    recognitions = file.recognitions_of(publisher)
    return any(requirement.occupation.startswith(recognition.excluded_occupations) for recognition in recognitions)


def _eligible(requirement: Requirement, home: GovernanceFile, file: GovernanceFile) -> Iterable[Accreditation]:
    """Return the accreditations of a file that could count here; those at home are looked for once."""
    if file is not home:
        return _found(requirement, home, file)
    return home.index.remember(("eligible", requirement), lambda: tuple(_found(requirement, home, home)))


def _found(requirement: Requirement, home: GovernanceFile, file: GovernanceFile) -> Iterator[Accreditation]:
    for accreditation in file.index.concerning(requirement.occupation):
        excluded = file.index.excluded(accreditation.issuer)
        at_home = home.index.excluded(accreditation.issuer)
        if (
            requirement.credential_type in accreditation.credential_types
            and (file is not home or requirement.jurisdiction in accreditation.jurisdictions)
            and not covers_code((*excluded, *at_home), requirement.occupation)
            and _may_reach(requirement, accreditation, file)
            and _some_status_counts(accreditation)
        ):
            yield accreditation


def _may_reach(requirement: Requirement, accreditation: Accreditation, file: GovernanceFile) -> bool:
    """Whether the range holds the level that is asked for, in the framework that goes with what it is about."""
    level_range = accreditation.level_range
    if is_language(requirement.occupation):
        asked = cefr_rank(requirement.min_cefr_level or "A1")
        return level_range.framework == CEFR and 0 < asked <= cefr_rank(level_range.highest)
    return (requirement.min_eqf_level or 0) <= _highest_eqf(accreditation, file)


def _highest_eqf(accreditation: Accreditation, file: GovernanceFile) -> int:
    """Return the upper bound of the range by whichever crosswalk maps it highest."""
    level_range = accreditation.level_range
    if level_range.framework == EQF:
        return int(level_range.highest)
    tables = file.index.crosswalks_of.get(level_range.framework, ())
    return max((table.highest(level_range) for table in tables), default=0)


def _some_status_counts(accreditation: Accreditation) -> bool:
    """Whether any status list survives the lapses that last."""
    lasting = [lapse.statuses_before for lapse in accreditation.lapses if lapse.lasts]
    return not lasting or bool(frozenset.intersection(*lasting))


def _decided_years(issuer: Did, code: str, snapshot: GovernanceSnapshot) -> Iterator[int]:
    """Yield the years in which somebody on the way to an issuer may have decided about it."""
    for governance_snapshot in (snapshot, *snapshot.recognised.values()):
        if governance_snapshot.file.holds(issuer):
            for accreditation in governance_snapshot.file.index.about(issuer):
                for lapse in accreditation.lapses if overlap(accreditation.occupations, code) else ():
                    yield from _split_years(lapse.days)


def _boundaries(accreditation: Accreditation) -> Iterator[int]:
    for span in (*accreditation.intervals, *(lapse.days for lapse in accreditation.lapses)):
        yield from _split_years(span)


def _split_years(span: DateSpan) -> Iterator[int]:
    """Yield the years that the span covers only in part."""
    if span.first > date(span.first.year, 1, 1):
        yield span.first.year
    if span.last != OPEN_END and span.last < date(span.last.year, 12, 31):
        yield span.last.year
