"""The rules of accreditations.

Errors: 1. an id stands once; 2. credential types are listed schemas, countries exist; 3. credential definitions and
registries belong to the issuer; 4. the level range lies in its framework, lowest first, and the file has a crosswalk of
that framework; 5. intervals; 6. decisions (2, 5 and 6 as in `scope_rules`). That its occupations exist, and that each
names whom to appeal to, is part of its form (`model`).

Warnings: 7. exclusions without effect, or of everything; 8. a suspension or withdrawal that names no registries, so
nothing counts any more; 9. a mandate that ended without a decision that pins registries, so awards dated back into it
still count; 10. all its days have lapsed, so it grants nothing.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from wanderbuch.governance.file import EQF
from wanderbuch.governance.findings import Finding, error, warning
from wanderbuch.governance.model import AccreditationJson, CrosswalkJson
from wanderbuch.governance.parts import Parts, Placed
from wanderbuch.governance.scope_rules import (
    counting_days,
    countries_known,
    decisions_in_order,
    exclusions_have_effect,
    grants_something,
    ids_once,
    intervals_in_order,
    types_listed,
)
from wanderbuch.governance.spans import OPEN_END

EQF_LEVELS: Final = tuple("12345678")


def accreditation_findings(parts: Parts, latest: date | None) -> Iterator[Finding]:
    """Yield every finding about accreditations; `latest` is the last day a decision can have been made."""
    yield from ids_once("accreditation", parts.accreditations)  # 1
    for accreditation in parts.accreditations:
        said = accreditation.said
        yield from types_listed(accreditation, "credential_types", said.credential_types, parts)  # 2
        yield from countries_known(accreditation, said.jurisdictions)
        yield from _ownership(accreditation)
        yield from _levels(accreditation, parts.crosswalks)
        yield from intervals_in_order(accreditation, said.intervals)  # 5
        yield from decisions_in_order(accreditation, said.status, latest)  # 6
        yield from _pins(accreditation, latest)
        yield from grants_something(accreditation, said.intervals, said.status)  # 10
    yield from exclusions_have_effect(parts.accreditations, "issuer")  # 7


def levels_of(framework: str, crosswalks: Iterable[Placed[CrosswalkJson]]) -> list[tuple[str, ...]]:
    """Return the levels of a framework, lowest first, as each crosswalk of the file has them; EQF needs none."""
    if framework == EQF:
        return [EQF_LEVELS]
    return [tuple(row.level for row in each.said.levels) for each in crosswalks if each.said.framework == framework]


def _ownership(accreditation: Placed[AccreditationJson]) -> Iterator[Finding]:
    said = accreditation.said
    owned = [("cred_def_ids", position, each.did) for position, each in enumerate(said.cred_def_ids)]
    for change, decision in enumerate(said.status):
        owned += [(f"status/{change}/registries", place, each.did) for place, each in enumerate(decision.registries)]
    for member, position, owner in owned:  # 3
        if owner != accreditation.did:
            message = f"expected one that {accreditation.did} publishes, found one of another DID"
            path = f"{accreditation.path}/{member}/{position}"
            yield error(path, "belongs-to-issuer", message, "move it to its owner's accreditation")


def _levels(accreditation: Placed[AccreditationJson], crosswalks: Iterable[Placed[CrosswalkJson]]) -> Iterator[Finding]:
    said = accreditation.said.level_range  # 4
    path = accreditation.at("level_range")
    orders = levels_of(said.framework, crosswalks)
    if not orders:
        message = f"expected a crosswalk of {said.framework} in this file, found none"
        yield error(path, "framework-has-crosswalk", message, "add one, or give the range in EQF levels")
    for order in orders:
        outside = [level for level in (said.min, said.max) if level not in order]
        if outside:
            message = f"expected levels {order[0]} to {order[-1]} of {said.framework}, found {outside[0]!r}"
            yield error(path, "level-in-framework", message, "correct min or max")
        elif order.index(said.min) > order.index(said.max):
            message = f"expected the lower level as min, found {said.min!r} above {said.max!r}"
            yield error(path, "level-order", message, "swap min and max")


def _pins(accreditation: Placed[AccreditationJson], latest: date | None) -> Iterator[Finding]:
    said = accreditation.said
    for position, change in enumerate(said.status):
        if change.status != "active" and not change.registries:  # 8
            path = accreditation.at("status", position, "registries")
            message = "no registry is named, so nothing this accreditation covers counts any more"
            yield warning(path, "registries-pinned", message, "name the registries that existed")
    mandate = counting_days(said.intervals)
    last = mandate[-1].last if mandate else OPEN_END
    decided = any(change.status != "active" for change in said.status)
    if latest is not None and last < latest and not decided:  # 9
        message = f"the mandate ended on {last}, but awards dated back into it still count from any registry"
        fix = 'add a status "withdrawn" that names the registries of that time'
        yield warning(accreditation.at("intervals"), "ended-mandate-pinned", message, fix)
