"""The decision once more, slowly: written from the rules' words, day by day and over all statements.

No index, no sets of spans, nothing imported from the rules: only the types of what is said. It gives the verdict.
"""

from collections.abc import Iterator
from copy import replace
from datetime import UTC, date, datetime, timedelta

from wanderbuch.governance.facts.file import Accreditation, Crosswalk, GovernanceFile, Status
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Evidence, Purpose, Requirement, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.statements import Recognition
from wanderbuch.schemas.languages import iso639
from wanderbuch.schemas.occupations import isco08


def reference_verdict(
    asked: Requirement, shown: Evidence, snapshot: GovernanceSnapshot | None, at: datetime
) -> Verdict:
    """Return what rules 1 to 30 come to: of a group, what they come to for each of its unit groups."""
    if snapshot is None:
        return Verdict.UNKNOWN
    if not is_fresh(snapshot, at):
        return Verdict.STALE
    known = {*isco08().codes, *iso639().codes}
    if shown.occupation not in known or asked.occupation not in known:
        return Verdict.NOT_TRUSTED
    verdicts = [
        of_member(asked, replace(shown, occupation=member), snapshot, at) for member in members(shown.occupation)
    ]
    worst = (Verdict.NOT_TRUSTED, Verdict.STALE, Verdict.UNKNOWN, Verdict.TRUSTED)
    return next(verdict for verdict in worst if verdict in verdicts)


def members(code: str) -> list[str]:
    if code in iso639().codes:
        return [code]
    return [
        candidate for candidate in isco08().codes if len(candidate) == len("C7212") and candidate[: len(code)] == code
    ]


def of_member(asked: Requirement, shown: Evidence, snapshot: GovernanceSnapshot, at: datetime) -> Verdict:
    utc = datetime.fromtimestamp(at.timestamp(), UTC)
    if not answered(asked, shown) or not own_objects(shown):
        return Verdict.NOT_TRUSTED
    if shown.expires_on is not None and (utc - timedelta(hours=12)).date() > shown.expires_on:
        return Verdict.NOT_TRUSTED
    if shown.awarded.first > (utc + timedelta(hours=14)).date():
        return Verdict.NOT_TRUSTED
    if counts(snapshot.file, asked, shown, place=asked.jurisdiction):
        return Verdict.TRUSTED
    if excludes(snapshot.file, shown):
        return Verdict.NOT_TRUSTED
    verdicts = [over(chain, asked, shown, snapshot, at) for chain in chains(snapshot)]
    return next(
        (verdict for verdict in (Verdict.TRUSTED, Verdict.STALE, Verdict.UNKNOWN) if verdict in verdicts),
        Verdict.NOT_TRUSTED,
    )


def is_fresh(snapshot: GovernanceSnapshot, at: datetime) -> bool:
    begins = (
        datetime.min.replace(tzinfo=UTC) if snapshot.fresh_from is None else snapshot.fresh_from - timedelta(minutes=5)
    )
    return snapshot.fresh_until is not None and begins <= at < snapshot.fresh_until


def answered(asked: Requirement, shown: Evidence) -> bool:
    if shown.credential_type != asked.credential_type or not within(shown.occupation, [asked.occupation]):
        return False
    if asked.min_eqf_level is not None and (shown.proven_eqf_level or 0) < asked.min_eqf_level:
        return False
    if asked.min_cefr_level is not None and (shown.proven_cefr_level or "A0") < asked.min_cefr_level:
        return False
    return shown.status is not None or not asked.not_revoked


def own_objects(shown: Evidence) -> bool:
    owned = [shown.source, *([] if shown.status is None else [shown.status])]
    return all(format_id.removeprefix("anoncreds:").partition("/")[0] == shown.issuer for format_id in owned)


def within(code: str, scope: "tuple[str, ...] | list[str]") -> bool:
    return any(code[: len(prefix)] == prefix for prefix in scope)


def related(code: str, scope: tuple[str, ...]) -> bool:
    return any(within(code, [prefix]) or within(prefix, [code]) for prefix in scope)


def days(span: DateSpan) -> Iterator[date]:
    day = span.first
    while day <= span.last:
        yield day
        day += timedelta(days=1)


def on(day: date, spans: "tuple[DateSpan, ...]") -> bool:
    return any(span.first <= day <= span.last for span in spans)


def of_issuer(file: GovernanceFile, issuer: Did) -> list[Accreditation]:
    return [accreditation for accreditation in file.accreditations if accreditation.issuer == issuer]


def excludes(file: GovernanceFile, shown: Evidence) -> bool:
    return any(
        within(shown.occupation, accreditation.excluded_occupations) for accreditation in of_issuer(file, shown.issuer)
    )


def counts(
    file: GovernanceFile,
    asked: Requirement,
    shown: Evidence,
    *,
    place: str | None = None,
    earlier: tuple[GovernanceFile, ...] = (),
) -> bool:
    """Whether a file accredits the issuer for every day of the award (7 to 14; 28 to 30 with files before it)."""
    if excludes(file, shown):
        return False
    table = None
    if shown.crosswalk_version not in (None, "", "none"):
        named = [crosswalk for crosswalk in file.crosswalks if crosswalk.version == shown.crosswalk_version]
        table = next((crosswalk for crosswalk in named if crosswalk.framework == shown.framework), None)
        if table is None:
            return False
    elif shown.framework != "EQF" and shown.proven_eqf_level:
        return False
    fitting = [
        accreditation
        for accreditation in of_issuer(file, shown.issuer)
        if shown.source in accreditation.sources
        and shown.credential_type in accreditation.credential_types
        and within(shown.occupation, accreditation.occupations)
        and (place is None or place in accreditation.jurisdictions)
        and level_fits(accreditation, shown, table)
        and reaches(accreditation, asked, shown, table, earlier)
    ]
    for day in days(shown.awarded):
        if table is not None and not on(day, (table.valid,)):
            return False
        if not any(
            on(day, accreditation.intervals) and not lapsed(accreditation, shown, day) for accreditation in fitting
        ):
            return False
    return True


def levels_of(accreditation: Accreditation, table: Crosswalk) -> dict[str, int]:
    """Return what the table maps the levels of the accreditation's range to."""
    codes = [code for code, _ in table.levels]
    if accreditation.level_range.lowest not in codes or accreditation.level_range.highest not in codes:
        return {}
    first, last = codes.index(accreditation.level_range.lowest), codes.index(accreditation.level_range.highest)
    return {code: eqf for position, (code, eqf) in enumerate(table.levels) if first <= position <= last}


def level_fits(accreditation: Accreditation, shown: Evidence, table: Crosswalk | None) -> bool:
    if shown.occupation in iso639().codes:
        return (
            accreditation.level_range.framework == "CEFR"
            and (shown.proven_cefr_level or "A1") <= accreditation.level_range.highest
        )
    if shown.framework == "":
        return True
    if accreditation.level_range.framework not in ("EQF", shown.framework):
        return False
    if shown.proven_eqf_level is None:
        return True
    if accreditation.level_range.framework == "EQF":
        return shown.proven_eqf_level <= int(accreditation.level_range.highest)
    return table is not None and any(eqf >= shown.proven_eqf_level for eqf in levels_of(accreditation, table).values())


def reaches(
    accreditation: Accreditation,
    asked: Requirement,
    shown: Evidence,
    table: Crosswalk | None,
    earlier: tuple[GovernanceFile, ...],
) -> bool:
    """Rule 29: by every table of an earlier file in force on some day of the award."""
    if asked.min_eqf_level is None or table is None:
        return True
    possible = dict(table.levels) if accreditation.level_range.framework == "EQF" else levels_of(accreditation, table)
    top = int(accreditation.level_range.highest) if accreditation.level_range.framework == "EQF" else 8
    possible = {code: eqf for code, eqf in possible.items() if (shown.proven_eqf_level or 0) <= eqf <= top}
    others = [one for file in earlier for one in file.crosswalks if one.framework == shown.framework]
    others = [one for one in others if any(on(day, (one.valid,)) for day in days(shown.awarded))]
    return all(dict(one.levels).get(code, 0) >= asked.min_eqf_level for one in others for code in possible)


def lapsed(accreditation: Accreditation, shown: Evidence, day: date) -> bool:
    """Whether a suspension or withdrawal takes this day from a credential of this registry."""
    for position, decision in enumerate(accreditation.changes):
        if decision.status is Status.ACTIVE:
            continue
        later = [one for one in accreditation.changes[position + 1 :] if one.status is Status.ACTIVE]
        end = later[0] if later and decision.status is Status.SUSPENDED else None
        if end is not None and end.effective_from <= decision.effective_from:
            continue
        if day >= decision.effective_from and (end is None or day < end.effective_from):
            return True
        if shown.status in decision.statuses:
            continue
        if end is None or (shown.status is None and day < end.effective_from):
            return True
        if shown.status is not None and shown.status in end.statuses:
            return True
    return False


def chains(snapshot: GovernanceSnapshot) -> Iterator[tuple[Did, ...]]:
    """Yield every sequence of at most four authorities in which each is recognised by the file before it."""

    def further(chain: tuple[Did, ...], file: GovernanceFile) -> Iterator[tuple[Did, ...]]:
        for authority in {recognition.publisher for recognition in file.recognitions}:
            if len(chain) == 4 or authority in chain or authority == snapshot.file.author:
                continue
            yield (*chain, authority)
            if authority in snapshot.recognised:
                yield from further((*chain, authority), snapshot.recognised[authority].file)

    yield from further((), snapshot.file)


def over(
    chain: tuple[Did, ...], asked: Requirement, shown: Evidence, snapshot: GovernanceSnapshot, at: datetime
) -> Verdict:
    """Return what one chain comes to (16 to 30)."""
    files = (snapshot.file, *(snapshot.recognised[did].file for did in chain[:-1]))
    last = snapshot.recognised.get(chain[-1])
    said_by = files if last is None else (*files, last.file)
    if any(one_authority(first, second, said_by) for first, second in pairs((snapshot.file.author, *chain))):
        return Verdict.NOT_TRUSTED
    for position, authority in enumerate(chain):
        recognitions = [
            recognition for recognition in files[position].recognitions if recognition.publisher == authority
        ]
        fitting = [
            recognition for recognition in recognitions if carries(recognition, asked, shown, position, len(chain))
        ]
        if regulated(snapshot.file, asked, shown, at):
            fitting = [
                recognition
                for recognition in fitting
                if len(chain) == 1 and Purpose.REGULATED_PROFESSION in recognition.purposes
            ]
        if any(forbids(file, authority, shown) for file in files[: position + 1]):
            return Verdict.NOT_TRUSTED
        for day in days(shown.awarded):
            if not any(on(day, recognition.intervals) and not paused(recognition, day) for recognition in fitting):
                return Verdict.NOT_TRUSTED
            others = [one for file in files[:position] for one in file.recognitions if one.publisher == authority]
            if any(related(shown.occupation, one.occupations) and paused(one, day) for one in others):
                return Verdict.NOT_TRUSTED
    if any(decided_against(file, shown) for file in files):
        return Verdict.NOT_TRUSTED
    if last is None:
        return Verdict.UNKNOWN
    if not counts(last.file, asked, shown, earlier=files):
        return Verdict.NOT_TRUSTED
    return Verdict.TRUSTED if all(is_fresh(snapshot.recognised[did], at) for did in chain) else Verdict.STALE


def pairs(dids: tuple[Did, ...]) -> Iterator[tuple[Did, Did]]:
    for position, first in enumerate(dids):
        for second in dids[position + 1 :]:
            yield first, second


def one_authority(first: Did, second: Did, files: tuple[GovernanceFile, ...]) -> bool:
    """Whether aliases lead from one to the other, by what the files of the chain say together."""
    aliases = {
        (participant.did, alias)
        for file in files
        for participant in file.participants
        for alias in participant.alias_dids
    }
    for start, end in ((first, second), (second, first)):
        known = {start}
        for _ in aliases:
            known |= {alias for did, alias in aliases if did in known}
        if end in known:
            return True
    return False


def carries(recognition: Recognition, asked: Requirement, shown: Evidence, position: int, length: int) -> bool:
    level = shown.proven_eqf_level
    return (
        shown.credential_type in recognition.credential_types
        and within(shown.occupation, recognition.occupations)
        and asked.purpose in recognition.purposes
        and (position > 0 or asked.jurisdiction in recognition.jurisdictions)
        and (
            recognition.min_eqf_level == 1
            if level is None
            else recognition.min_eqf_level <= level <= recognition.max_eqf_level
        )
        and recognition.onward >= length - 1 - position
    )


def regulated(home: GovernanceFile, asked: Requirement, shown: Evidence, at: datetime) -> bool:
    if asked.purpose is Purpose.STUDY:
        return False
    today = [(datetime.fromtimestamp(at.timestamp(), UTC) + timedelta(hours=hours)).date() for hours in range(-12, 15)]
    return asked.purpose is Purpose.REGULATED_PROFESSION or any(
        asked.jurisdiction in regulation.jurisdictions
        and related(shown.occupation, regulation.occupations)
        and any(on(day, regulation.intervals) for day in today)
        for regulation in home.regulations
    )


def forbids(file: GovernanceFile, authority: Did, shown: Evidence) -> bool:
    recognitions = [recognition for recognition in file.recognitions if recognition.publisher == authority]
    return any(within(shown.occupation, recognition.excluded_occupations) for recognition in recognitions)


def paused(recognition: Recognition, day: date) -> bool:
    return on(day, tuple(lapse.days for lapse in recognition.lapses))


def decided_against(file: GovernanceFile, shown: Evidence) -> bool:
    return excludes(file, shown) or any(
        related(shown.occupation, accreditation.occupations) and lapsed(accreditation, shown, day)
        for accreditation in of_issuer(file, shown.issuer)
        for day in days(shown.awarded)
    )
