"""The rules of programmes and their competence units. A programme grants nothing by itself; its accreditation does.

Errors: 1. an id stands once; 2. it names an accreditation of the same DID ... 3. ... whose occupations cover all of it,
and nothing of it is excluded; 4. its level and those of its units are levels of its framework; 5. the accreditation's
level range covers it, in the same framework or in EQF by a crosswalk of the file; 6. each unit stands once; 7.
intervals, as in `scope_rules`. That its occupation exists is part of its form (`statement_model`).

Warnings: 8. it is offered on days that the accreditation's mandate does not cover.
"""

from collections.abc import Iterator, Sequence

from wanderbuch.governance.accreditation_rules import levels_of
from wanderbuch.governance.file import EQF
from wanderbuch.governance.findings import Finding, error, warning
from wanderbuch.governance.groups import covers_whole, overlap
from wanderbuch.governance.model import AccreditationJson
from wanderbuch.governance.parts import Parts, Placed
from wanderbuch.governance.question import DateSpan
from wanderbuch.governance.scope_rules import counting_days, ids_once, intervals_in_order
from wanderbuch.governance.spans import OPEN_END, covers, touches
from wanderbuch.governance.statement_model import ProgrammeJson
from wanderbuch.schemas.frameworks import frameworks


def programme_findings(parts: Parts) -> Iterator[Finding]:
    """Yield every finding about programmes."""
    yield from ids_once("programme", parts.programmes)  # 1
    if not parts.programmes:
        return
    accreditations = {(each.did, each.said.id): each for each in parts.accreditations}
    excluded: dict[str, list[str]] = {}
    for each in parts.accreditations:
        excluded.setdefault(each.did, []).extend(each.said.excluded_occupations)
    for programme in parts.programmes:
        said = programme.said
        yield from intervals_in_order(programme, said.intervals)  # 7
        yield from _levels(programme, parts)
        accreditation = accreditations.get((programme.did, said.accreditation))
        if accreditation is None:  # 2
            message = f"expected an accreditation of the same DID, found {said.accreditation!r}"
            yield error(programme.at("accreditation"), "programme-accredited", message, "name one, or accredit first")
            continue
        yield from _covered(programme, accreditation, excluded.get(programme.did, ()), parts)


def _levels(programme: Placed[ProgrammeJson], parts: Parts) -> Iterator[Finding]:
    said = programme.said
    known = _known_levels(said.framework, parts)
    if known is None:  # 4
        message = f"expected a framework that this file has a crosswalk of, or EQF, found {said.framework}"
        yield error(programme.at("framework"), "framework-has-crosswalk", message, "add one, or correct it")
        return
    named: list[tuple[str, str | None]] = [(programme.at("level"), said.level)]
    named += [(programme.at("units", position, "level"), unit.level) for position, unit in enumerate(said.units)]
    for path, level in named:
        if level is not None and level not in known:
            message = f"expected a level of {said.framework}, found {level!r}"
            yield error(path, "level-in-framework", message, f"write one of {', '.join(known)}")
    seen: set[str] = set()
    for position, unit in enumerate(said.units):  # 6
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
    accreditation: Placed[AccreditationJson],
    excluded: Sequence[str],
    parts: Parts,
) -> Iterator[Finding]:
    said, scope = programme.said, accreditation.said
    if not covers_whole(scope.occupations, (), said.occupation):  # 3
        message = f"expected an occupation of {scope.id} ({', '.join(scope.occupations)}), found {said.occupation}"
        yield error(programme.at("occupation"), "programme-covered", message, "name another accreditation")
    elif not covers_whole(scope.occupations, excluded, said.occupation):
        refused = ", ".join(sorted(code for code in excluded if overlap((code,), said.occupation)))
        message = f"{refused} is excluded for this issuer, so {said.occupation} never counts; an exclusion always wins"
        yield error(programme.at("occupation"), "programme-covered", message, "remove the programme or the exclusion")
    if not _level_covered(programme, accreditation, parts):  # 5
        limits = scope.level_range
        message = (
            f"expected a level that {scope.id} covers ({limits.framework} {limits.min} to {limits.max}), "
            f"found {said.framework} {said.level}"
        )
        yield error(programme.at("level"), "programme-covered", message, "name another accreditation")
    mandate = counting_days(scope.intervals)
    if not all(covers(mandate, span) for span in counting_days(said.intervals)):  # 8
        message = f"it is offered on days that {scope.id} does not cover"
        yield warning(programme.at("intervals"), "programme-in-mandate", message, "awards on these days do not count")


def _level_covered(programme: Placed[ProgrammeJson], accreditation: Placed[AccreditationJson], parts: Parts) -> bool:
    said, limits = programme.said, accreditation.said.level_range
    if limits.framework == said.framework:
        orders = [order for order in levels_of(said.framework, parts.crosswalks) if said.level in order]
        fitting = [order for order in orders if limits.min in order and limits.max in order]
        return not orders or any(
            order.index(limits.min) <= order.index(said.level) <= order.index(limits.max) for order in fitting
        )
    if limits.framework != EQF:
        return False
    offered = counting_days(said.intervals)
    mapped = [
        str(row.eqf)
        for crosswalk in parts.crosswalks
        if crosswalk.said.framework == said.framework
        and touches(offered, DateSpan(crosswalk.said.valid_from, crosswalk.said.valid_until or OPEN_END))
        for row in crosswalk.said.levels
        if row.level == said.level and row.eqf is not None
    ]
    return any(limits.min <= level <= limits.max for level in mapped)
