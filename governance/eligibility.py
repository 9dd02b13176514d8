"""Who could count for a requirement: what a proof request is compiled from, before anything is shown.

Whoever is left out here could never be TRUSTED; whoever is named is still judged by `decision.decide` afterwards.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from wanderbuch.governance.file import EQF, Accreditation, GovernanceFile
from wanderbuch.governance.identifiers import CredDefId
from wanderbuch.governance.index import covers_code
from wanderbuch.governance.question import DateSpan, Requirement
from wanderbuch.governance.snapshot import GovernanceSnapshot
from wanderbuch.governance.spans import OPEN_END

_EARLIEST_ZONE = timedelta(hours=14)  # a calendar day begins 14 hours before it begins in UTC


def eligible_cred_defs(
    requirement: Requirement, snapshot: GovernanceSnapshot, *, at: datetime
) -> tuple[CredDefId, ...]:
    """Return the credential definitions that could satisfy the requirement for some award up to now, sorted."""
    today = (at.astimezone(UTC) + _EARLIEST_ZONE).date()
    found = {
        cred_def_id
        for accreditation in _eligible(requirement, snapshot.file)
        if accreditation.intervals[0].first <= today
        for cred_def_id in accreditation.cred_def_ids
    }
    return tuple(sorted(found))


def award_boundary_years(requirement: Requirement, snapshot: GovernanceSnapshot) -> frozenset[int]:
    """Return the years in which "awarded this year" is not enough and the exact date is needed.

    In these a mandate, a lapse or a crosswalk of those who could count begins or ends within the year.
    """
    years: set[int] = set()
    for accreditation in _eligible(requirement, snapshot.file):
        spans = [*accreditation.intervals, *(lapse.days for lapse in accreditation.lapses)]
        years.update(year for span in spans for year in _split_years(span))
    for crosswalks in snapshot.file.index.crosswalks_of.values():
        years.update(year for crosswalk in crosswalks for year in _split_years(crosswalk.valid))
    return frozenset(years)


def _eligible(requirement: Requirement, file: GovernanceFile) -> Iterator[Accreditation]:
    for accreditation in file.index.concerning(requirement.occupation):
        excluded = file.index.exclusions.get(accreditation.issuer, ())
        if (
            requirement.credential_type in accreditation.credential_types
            and requirement.jurisdiction in accreditation.jurisdictions
            and not covers_code(excluded, requirement.occupation)
            and (requirement.min_eqf_level or 0) <= _highest_eqf(accreditation, file)
            and _some_registry_counts(accreditation)
        ):
            yield accreditation


def _highest_eqf(accreditation: Accreditation, file: GovernanceFile) -> int:
    """Return the upper bound of the range by whichever crosswalk maps it highest."""
    level_range = accreditation.level_range
    if level_range.framework == EQF:
        return int(level_range.highest)
    tables = file.index.crosswalks_of.get(level_range.framework, ())
    return max((eqf for table in tables for eqf in table.within(level_range).values()), default=0)


def _some_registry_counts(accreditation: Accreditation) -> bool:
    """Whether any registry survives the lapses that last."""
    lasting = [lapse.registries_before for lapse in accreditation.lapses if lapse.lasts]
    return not lasting or bool(frozenset.intersection(*lasting))


def _split_years(span: DateSpan) -> Iterator[int]:
    """Yield the years that the span covers only in part."""
    if span.first > date(span.first.year, 1, 1):
        yield span.first.year
    if span.last != OPEN_END and span.last < date(span.last.year, 12, 31):
        yield span.last.year
