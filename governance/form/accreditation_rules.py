"""The rules of accreditations.

Errors: 1. an id stands once; 2. credential types are listed schemas, countries exist; 3. sources and statuses that name
a DID name the issuer, and a certificate signs for one issuer alone; 4. the level range lies in its framework, lowest
first, and the file has a crosswalk of that framework, which EQF and CEFR need not; languages have levels of the CEFR,
and nothing else has; 5. intervals; 6. decisions (2, 5 and 6 as in `scope_rules`). That
its occupations exist, and that each names whom to appeal to, is part of its form (`model`).

Warnings: 7. exclusions without effect, or of everything; 8. a suspension or withdrawal that names no registries, so
nothing counts any more; 9. a mandate that ended without a decision that pins registries, so awards backdated into it
still count; 10. all its days have lapsed, so it grants nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

from wanderbuch.governance.facts.file import EQF
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.sources import SourceId
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.governance.form.findings import Finding, error, warning
from wanderbuch.governance.form.model import AnyAccreditation, AnyStatusChange, CrosswalkJson, ScopeJson
from wanderbuch.governance.form.parts import Parts, Placed, PlacedPart
from wanderbuch.governance.form.scope_rules import (
    counting_days,
    countries_known,
    decisions_in_order,
    exclusions_have_effect,
    grants_something,
    ids_once,
    intervals_in_order,
    types_listed,
)
from wanderbuch.schemas.frameworks import framework as known_framework
from wanderbuch.schemas.languages import CEFR, is_language

EQF_LEVELS: Final = tuple("12345678")


def accreditation_findings(parts: Parts, latest: date | None) -> Iterator[Finding]:
    """Yield every finding about accreditations; `latest` is the last day a decision can have been made."""
    yield from ids_once("accreditation", parts.accreditations)  # 1
    for accreditation in parts.accreditations:
        statement = accreditation.content
        yield from types_listed(accreditation, "credential_types", statement.credential_types, parts)  # 2
        yield from countries_known(accreditation, statement.jurisdictions)
        yield from _ownership(accreditation)
        yield from levels_fit(accreditation, parts.crosswalks)
        yield from languages_apart(accreditation)
        yield from intervals_in_order(accreditation, statement.intervals)  # 5
        yield from decisions_in_order(accreditation, statement.status, latest)  # 6
        yield from _pins(accreditation, latest)
        yield from grants_something(accreditation, statement.intervals, statement.status)  # 10
    yield from exclusions_have_effect(parts.accreditations, "issuer")  # 7
    yield from _certificates_once(parts.accreditations)  # 3


def levels_of(framework: str, crosswalks: Iterable[Placed[CrosswalkJson]]) -> list[tuple[str, ...]]:
    """Return the levels of a framework, lowest first, as each crosswalk of the file has them; EQF, CEFR need none."""
    if framework == EQF:
        return [EQF_LEVELS]
    if framework == CEFR:
        return [tuple(known_framework(CEFR).levels)]
    return [
        tuple(row.level for row in crosswalk.content.levels)
        for crosswalk in crosswalks
        if crosswalk.content.framework == framework
    ]


def _ownership(accreditation: Placed[AnyAccreditation]) -> Iterator[Finding]:
    statement = accreditation.content
    named: list[tuple[str, int, SourceId | StatusId]] = []
    named += [(statement.SOURCES, position, source_id) for position, source_id in enumerate(statement.sources)]
    decisions: Sequence[AnyStatusChange] = statement.status
    for change, decision in enumerate(decisions):
        named += [
            (f"status/{change}/{decision.PINS}", place, status_id) for place, status_id in enumerate(decision.statuses)
        ]
    for member, position, item_id in named:  # 3
        if item_id.is_of_another(accreditation.did):
            message = f"expected one that {accreditation.did} publishes, found one of another DID"
            path = f"{accreditation.path}/{member}/{position}"
            yield error(path, "belongs-to-issuer", message, "move it to its owner's accreditation")


def _certificates_once(accreditations: Iterable[Placed[AnyAccreditation]]) -> Iterator[Finding]:
    signing_for: dict[SourceId, Did] = {}
    for accreditation in accreditations:
        for position, source in enumerate(accreditation.content.sources):
            if source.owner is None and signing_for.setdefault(source, accreditation.did) != accreditation.did:
                message = f"expected a certificate of one issuer, found one that {signing_for[source]} signs with too"
                path = accreditation.at(accreditation.content.SOURCES, position)
                yield error(path, "source-once", message, "name each issuer's own; nobody could tell whose it is")


def levels_fit(accreditation: PlacedPart[ScopeJson], crosswalks: Iterable[Placed[CrosswalkJson]]) -> Iterator[Finding]:
    """Refuse levels that their framework has not, or in the wrong order (4)."""
    range_json = accreditation.content.level_range  # 4
    path = accreditation.at("level_range")
    orders = levels_of(range_json.framework, crosswalks)
    if not orders:
        message = f"expected a crosswalk of {range_json.framework} in this file, found none"
        yield error(path, "framework-has-crosswalk", message, "add one, or give the range in EQF levels")
    for order in orders:
        outside = [level for level in (range_json.min, range_json.max) if level not in order]
        if outside:
            message = f"expected levels {order[0]} to {order[-1]} of {range_json.framework}, found {outside[0]!r}"
            yield error(path, "level-in-framework", message, f"write a level from {order[0]} to {order[-1]}")
        elif order.index(range_json.min) > order.index(range_json.max):
            message = f"expected the lower level first (min), found {range_json.min!r} before {range_json.max!r}"
            yield error(path, "level-order", message, "change the two levels for each other")


def languages_apart(accreditation: PlacedPart[ScopeJson]) -> Iterator[Finding]:
    """Refuse languages with levels of occupations, and occupations with those of languages (4)."""
    statement = accreditation.content  # 4
    in_cefr = statement.level_range.framework == CEFR
    for member in ("occupations", "excluded_occupations"):
        for position, code in enumerate(getattr(statement, member)):
            if is_language(code) is not in_cefr:
                message = (
                    f"expected languages only, as the levels are of the CEFR, found {code!r}"
                    if in_cefr
                    else f"expected an occupation, as levels of {statement.level_range.framework} are of no language, "
                    f"found {code!r}"
                )
                fix = "accredit for languages in a statement of its own, with levels A1 to C2 of the framework CEFR"
                yield error(accreditation.at(member, position), "languages-apart", message, fix)


def _pins(accreditation: Placed[AnyAccreditation], latest: date | None) -> Iterator[Finding]:
    statement = accreditation.content
    decisions: Sequence[AnyStatusChange] = statement.status
    for position, change in enumerate(decisions):
        if change.status != "active" and not change.statuses:  # 8
            path = accreditation.at("status", position, change.PINS)
            message = "no registry is named, so nothing this accreditation covers counts any more"
            yield warning(path, "registries-pinned", message, "name the registries that existed")
    mandate = counting_days(statement.intervals)
    last = mandate[-1].last if mandate else OPEN_END
    decided = any(change.status != "active" for change in statement.status)
    if latest is not None and last < latest and not decided:  # 9
        message = f"the mandate ended on {last}, but awards backdated into it still count from any registry"
        fix = 'add a status "withdrawn" that names the registries of that time'
        yield warning(accreditation.at("intervals"), "ended-mandate-pinned", message, fix)
