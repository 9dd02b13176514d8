"""The rules of our profile's statements: accreditations and crosswalks.

Errors, accreditations: 1. an id stands once; 2. credential types are listed schemas; 3. credential definitions and
registries belong to the issuer; 4. occupations and countries exist; 5. the level range lies in its framework, lowest
first; 6. an interval ends after it starts; 7. a decision takes effect no later than it was made, was made before the
file, in order, and nothing follows a withdrawal. Errors, crosswalks: 8. only the author states them; 9. a version
stands once; 10. at most one is in force on a day; 11. every level once, EQF levels never fall; 12. it ends after it
starts, and is not about EQF itself.

Warnings: 13. overlapping intervals; 14. an exclusion that excludes nothing, or all; 15. a suspension or withdrawal
that names no registries, so nothing counts any more; 16. a mandate that ended without a decision that pins registries,
so awards dated back into it still count; 17. a framework this software does not know.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from wanderbuch.governance.file import EQF
from wanderbuch.governance.findings import Finding, error, warning
from wanderbuch.governance.index import covers_code
from wanderbuch.governance.model import AccreditationJson, CrosswalkJson
from wanderbuch.governance.parts import Parts, Placed
from wanderbuch.governance.question import DateSpan
from wanderbuch.governance.spans import OPEN_END, touches
from wanderbuch.schemas.countries import is_country
from wanderbuch.schemas.frameworks import frameworks
from wanderbuch.schemas.occupations import isco08

EARLIEST_ZONE: Final = timedelta(hours=14)  # a calendar day begins 14 hours before it begins in UTC
_EQF_LEVELS: Final = tuple("12345678")


def statement_inconsistencies(parts: Parts) -> Iterator[Finding]:
    """Yield every finding of this module."""
    latest = None if parts.file is None else (parts.file.last_updated + EARLIEST_ZONE).date()
    seen: set[str] = set()
    for accreditation in parts.accreditations:
        if accreditation.said.id in seen:  # 1
            message = f"expected each id once, found {accreditation.said.id!r} again"
            yield error(accreditation.at("id"), "accreditation-once", message, "give it an id of its own")
        seen.add(accreditation.said.id)
        yield from _scope(accreditation, parts)
        yield from _levels(accreditation, parts.crosswalks)
        yield from _mandate(accreditation, latest)
        yield from _decisions(accreditation, latest)
    yield from _exclusions(parts.accreditations)
    yield from _crosswalks(parts)


def _scope(accreditation: Placed[AccreditationJson], parts: Parts) -> Iterator[Finding]:
    said, listed = accreditation.said, parts.listed_schemas()
    for position, name in enumerate(said.credential_types):  # 2
        if listed is not None and name not in listed.values():
            message = f"expected the name of a listed schema, found {name!r}"
            yield error(accreditation.at("credential_types", position), "schema-listed", message, "list its schema")
    owned = [("cred_def_ids", position, each.did) for position, each in enumerate(said.cred_def_ids)]
    for change, decision in enumerate(said.status):
        owned += [(f"status/{change}/registries", place, each.did) for place, each in enumerate(decision.registries)]
    for member, position, owner in owned:  # 3
        if owner != accreditation.did:
            message = f"expected one that {accreditation.did} publishes, found one of another DID"
            path = f"{accreditation.path}/{member}/{position}"
            yield error(path, "belongs-to-issuer", message, "move it to its owner's accreditation")
    for member, codes in (("occupations", said.occupations), ("excluded_occupations", said.excluded_occupations)):
        for position, code in enumerate(codes):  # 4
            if code not in isco08().codes:
                message = f"expected a code of ISCO-08, found {code!r}"
                yield error(accreditation.at(member, position), "occupation-known", message, "look it up in ISCO-08")
    for position, country in enumerate(said.jurisdictions):
        if not is_country(country):
            message = f"expected a country of ISO 3166-1, found {country!r}"
            yield error(accreditation.at("jurisdictions", position), "country-known", message, "write its alpha-3 code")


def _levels(accreditation: Placed[AccreditationJson], crosswalks: Iterable[Placed[CrosswalkJson]]) -> Iterator[Finding]:
    said = accreditation.said.level_range  # 5
    path = accreditation.at("level_range")
    if said.framework == EQF:
        orders = [_EQF_LEVELS]
    else:
        orders = [
            tuple(row.level for row in each.said.levels) for each in crosswalks if each.said.framework == said.framework
        ]
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


def _mandate(accreditation: Placed[AccreditationJson], latest: date | None) -> Iterator[Finding]:
    spans: list[DateSpan] = []
    for position, interval in enumerate(accreditation.said.intervals):
        path = accreditation.at("intervals", position)
        if interval.end is not None and interval.end < interval.start:  # 6
            message = f"expected an end on or after {interval.start}, found {interval.end}"
            yield error(path, "order-of-time", message, "correct start or end")
            continue
        span = DateSpan(interval.start, interval.end or OPEN_END)
        if touches(tuple(spans), span):  # 13
            yield warning(path, "intervals-apart", "this interval overlaps an earlier one", "join them")
        spans.append(span)
    last = max((span.last for span in spans), default=OPEN_END)
    decided = any(change.status != "active" for change in accreditation.said.status)
    if latest is not None and last < latest and not decided:  # 16
        message = f"the mandate ended on {last}, but awards dated back into it still count from any registry"
        fix = 'add a status "withdrawn" that names the registries of that time'
        yield warning(accreditation.at("intervals"), "ended-mandate-pinned", message, fix)


def _decisions(accreditation: Placed[AccreditationJson], latest: date | None) -> Iterator[Finding]:
    changes = accreditation.said.status  # 7
    for position, change in enumerate(changes):
        path = accreditation.at("status", position)
        if change.effective_from > change.decided_on:
            message = f"expected an effect on or before {change.decided_on}, found {change.effective_from}"
            fix = "award dates are the issuer's own word: a decision takes effect when it is made, or before"
            yield error(path + "/effective_from", "effect-not-later", message, fix)
        if latest is not None and change.decided_on > latest:
            message = f"expected a decision made before the file was, found {change.decided_on}"
            yield error(path + "/decided_on", "decision-in-past", message, "publish it when it is made")
        if change.status != "active" and not change.registries:  # 15
            message = "no registry is named, so nothing this accreditation covers counts any more"
            yield warning(path + "/registries", "registries-pinned", message, "name the registries that existed")
    for position, (before, after) in enumerate(pairwise(changes), start=1):
        path = accreditation.at("status", position)
        if after.decided_on < before.decided_on:
            message = f"expected the oldest decision first, found {after.decided_on} after {before.decided_on}"
            yield error(path + "/decided_on", "decisions-in-order", message, "put them in order")
        if before.status == "withdrawn":
            message = "expected nothing after a withdrawal"
            yield error(path, "withdrawal-is-final", message, "accredit anew with another accreditation")
        if before.status == "active" and after.status == "active":
            yield error(path, "status-changes", "expected another status than before", "remove one of the two")


def _exclusions(accreditations: Iterable[Placed[AccreditationJson]]) -> Iterator[Finding]:
    everywhere = tuple(accreditations)
    for each in everywhere:  # 14
        scopes = [code for other in everywhere if other.did == each.did for code in other.said.occupations]
        for position, excluded in enumerate(each.said.excluded_occupations):
            if not any(covers_code((scope,), excluded) or covers_code((excluded,), scope) for scope in scopes):
                path = each.at("excluded_occupations", position)
                yield warning(path, "exclusion-has-effect", f"{excluded} is in no scope of this issuer", "remove it")
    by_did: dict[str, list[str]] = {}
    for each in everywhere:
        by_did.setdefault(each.did, []).extend(each.said.excluded_occupations)
    for each in everywhere:
        for position, code in enumerate(each.said.occupations):
            if covers_code(by_did[each.did], code):
                message = f"{code} is excluded for this issuer, so it never counts here; an exclusion always wins"
                path = each.at("occupations", position)
                yield warning(path, "scope-not-excluded", message, "remove the code or the exclusion")


def _crosswalks(parts: Parts) -> Iterator[Finding]:
    in_force: dict[str, list[DateSpan]] = {}
    seen: set[tuple[str, str]] = set()
    for crosswalk in parts.crosswalks:
        said = crosswalk.said
        if parts.file is not None and crosswalk.did != parts.file.author:  # 8
            message = "expected the author's DID, found another"
            yield error(crosswalk.path, "crosswalk-by-author", message, "a crosswalk is stated under the author's DID")
        if (said.framework, said.version) in seen:  # 9
            message = f"expected each version once, found {said.version!r} again"
            yield error(crosswalk.at("version"), "crosswalk-once", message, "give it a version of its own")
        seen.add((said.framework, said.version))
        if said.valid_until is not None and said.valid_until < said.valid_from:  # 12
            message = f"expected an end on or after {said.valid_from}, found {said.valid_until}"
            yield error(crosswalk.at("valid_until"), "order-of-time", message, "correct it")
        else:
            span = DateSpan(said.valid_from, said.valid_until or OPEN_END)
            others = in_force.setdefault(said.framework, [])
            if any(touches((other,), span) for other in others):  # 10
                message = f"expected one crosswalk of {said.framework} a day, found two"
                yield error(crosswalk.at("valid_from"), "crosswalk-alone", message, "end the older one the day before")
            others.append(span)
        yield from _crosswalk_levels(crosswalk)


def _crosswalk_levels(crosswalk: Placed[CrosswalkJson]) -> Iterator[Finding]:
    said = crosswalk.said
    if said.framework == EQF:  # 12
        message = "expected another framework than EQF, which maps to itself"
        yield error(crosswalk.at("framework"), "crosswalk-of-other", message, "remove this crosswalk")
        return
    known = frameworks().get(said.framework)
    if known is None:  # 17
        message = f"{said.framework} is not a framework this software knows; its levels are taken as they stand"
        yield warning(crosswalk.at("framework"), "framework-known", message, "check the spelling")
    codes = [row.level for row in said.levels]
    for position, code in enumerate(codes):  # 11
        path = crosswalk.at("levels", position, "level")
        if code in codes[:position]:
            yield error(path, "level-once", f"expected each level once, found {code!r} again", "remove one")
        elif known is not None and code not in known.levels:
            message = f"expected a level of {said.framework}, found {code!r}"
            yield error(path, "level-in-framework", message, f"write one of {', '.join(known.levels)}")
    if known is not None and set(codes) <= known.levels.keys():
        ranks = [known.levels[code].rank for code in codes]
        if ranks != sorted(ranks):
            yield error(crosswalk.at("levels"), "level-order", "expected the lowest level first", "put them in order")
    mapped = [row.eqf for row in said.levels if row.eqf is not None]
    if mapped != sorted(mapped):
        message = "expected EQF levels that never fall from one level to the next"
        yield error(crosswalk.at("levels"), "eqf-order", message, "correct the table")
