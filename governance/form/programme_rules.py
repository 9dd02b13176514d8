"""The rules of programmes and their competence units. A programme grants nothing by itself; its accreditation does.

Errors: 1. an id stands once; 2. it names an accreditation of the same DID ... 3. ... whose occupations cover all of it,
and nothing of it is excluded; 4. its level and those of its units are levels of its framework; 5. the accreditation's
level range covers it, in the same framework or in EQF by a crosswalk of the file; 6. each unit stands once; 7.
intervals, as in `scope_rules`. That its occupation exists is part of its form (`statement_model`).

Warnings: 8. it is offered on days that the accreditation's mandate does not cover.
"""

from collections.abc import Iterator, Sequence

from wanderbuch.governance.facts.file import EQF
from wanderbuch.governance.facts.groups import covers_whole, overlap
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import OPEN_END, covers, touches
from wanderbuch.governance.form.accreditation_rules import levels_of
from wanderbuch.governance.form.findings import Finding, error, warning
from wanderbuch.governance.form.model import AnyAccreditation
from wanderbuch.governance.form.parts import Parts, Placed
from wanderbuch.governance.form.scope_rules import counting_days, ids_once, intervals_in_order
from wanderbuch.governance.form.statement_model import ProgrammeJson
from wanderbuch.schemas.frameworks import frameworks


def programme_findings(parts: Parts) -> Iterator[Finding]:
    """Yield every finding about programmes."""
    yield from ids_once("programme", parts.programmes)  # 1
    if not parts.programmes:
        return
    accreditations = {
        (accreditation.did, accreditation.content.id): accreditation for accreditation in parts.accreditations
    }
    excluded: dict[str, list[str]] = {}
    for entry in parts.accreditations:
        excluded.setdefault(entry.did, []).extend(entry.content.excluded_occupations)
    for programme in parts.programmes:
        programme_json = programme.content
        yield from intervals_in_order(programme, programme_json.intervals)  # 7
        yield from _levels(programme, parts)
        accreditation = accreditations.get((programme.did, programme_json.accreditation))
        if accreditation is None:  # 2
            message = f"expected an accreditation of the same DID, found {programme_json.accreditation!r}"
            yield error(programme.at("accreditation"), "programme-accredited", message, "name one, or accredit first")
            continue
        yield from _covered(programme, accreditation, excluded.get(programme.did, ()), parts)


def _levels(programme: Placed[ProgrammeJson], parts: Parts) -> Iterator[Finding]:
    programme_json = programme.content
    known = _known_levels(programme_json.framework, parts)
    if known is None:  # 4
        message = f"expected a framework that this file has a crosswalk of, or EQF, found {programme_json.framework}"
        yield error(programme.at("framework"), "framework-has-crosswalk", message, "add one, or correct it")
        return
    named: list[tuple[str, str | None]] = [(programme.at("level"), programme_json.level)]
    named += [
        (programme.at("units", position, "level"), unit.level) for position, unit in enumerate(programme_json.units)
    ]
    for path, level in named:
        if level is not None and level not in known:
            message = f"expected a level of {programme_json.framework}, found {level!r}"
            yield error(path, "level-in-framework", message, f"write one of {', '.join(known)}")
    seen: set[str] = set()
    for position, unit in enumerate(programme_json.units):  # 6
        if unit.id in seen:
            message = f"expected each unit once, found {unit.id!r} again"
            yield error(programme.at("units", position, "id"), "unit-once", message, "give it an id of its own")
        seen.add(unit.id)


def _known_levels(framework: str, parts: Parts) -> Sequence[str] | None:
    orders = levels_of(framework, parts.crosswalks)
    if orders:
        return list(dict.fromkeys(level for order in orders for level in order))
    known = frameworks().get(framework)
    return None if known is None else list(known.levels)


def _covered(
    programme: Placed[ProgrammeJson],
    accreditation: Placed[AnyAccreditation],
    excluded: Sequence[str],
    parts: Parts,
) -> Iterator[Finding]:
    programme_json, scope = programme.content, accreditation.content
    if not covers_whole(scope.occupations, (), programme_json.occupation):  # 3
        message = (
            f"expected an occupation of {scope.id} ({', '.join(scope.occupations)}), found {programme_json.occupation}"
        )
        yield error(programme.at("occupation"), "programme-covered", message, "name another accreditation")
    elif not covers_whole(scope.occupations, excluded, programme_json.occupation):
        refused = ", ".join(sorted(code for code in excluded if overlap((code,), programme_json.occupation)))
        message = (
            f"{refused} is excluded for this issuer, so {programme_json.occupation} never counts; "
            "an exclusion always wins"
        )
        yield error(programme.at("occupation"), "programme-covered", message, "remove the programme or the exclusion")
    if not _level_covered(programme, accreditation, parts):  # 5
        limits = scope.level_range
        message = (
            f"expected a level that {scope.id} covers ({limits.framework} {limits.min} to {limits.max}), "
            f"found {programme_json.framework} {programme_json.level}"
        )
        yield error(programme.at("level"), "programme-covered", message, "name another accreditation")
    mandate = counting_days(scope.intervals)
    if not all(covers(mandate, span) for span in counting_days(programme_json.intervals)):  # 8
        message = f"it is offered on days that {scope.id} does not cover"
        yield warning(programme.at("intervals"), "programme-in-mandate", message, "awards on these days do not count")


def _level_covered(programme: Placed[ProgrammeJson], accreditation: Placed[AnyAccreditation], parts: Parts) -> bool:
    programme_json, limits = programme.content, accreditation.content.level_range
    if limits.framework == programme_json.framework:
        orders = [
            order for order in levels_of(programme_json.framework, parts.crosswalks) if programme_json.level in order
        ]
        fitting = [order for order in orders if limits.min in order and limits.max in order]
        return not orders or any(
            order.index(limits.min) <= order.index(programme_json.level) <= order.index(limits.max) for order in fitting
        )
    if limits.framework != EQF:
        return False
    offered = counting_days(programme_json.intervals)
    mapped = [
        str(row.eqf)
        for crosswalk in parts.crosswalks
        if crosswalk.content.framework == programme_json.framework
        and touches(offered, DateSpan(crosswalk.content.valid_from, crosswalk.content.valid_until or OPEN_END))
        for row in crosswalk.content.levels
        if row.level == programme_json.level and row.eqf is not None
    ]
    return any(limits.min <= level <= limits.max for level in mapped)
