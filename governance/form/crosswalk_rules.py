"""The rules of crosswalks.

Errors: 1. only the author states them; 2. a version stands once; 3. it ends after it starts, and at most one of a
framework is in force on a day; 4. it is not about EQF itself; 5. every level once, of the framework where that is
known, lowest first; 6. EQF levels never fall; 7. levels of a language map to no EQF level.

Warnings: 8. a framework this software does not know; 9. a known framework of which a level is missing.
"""

from collections.abc import Iterator

from wanderbuch.governance.facts.file import EQF
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import OPEN_END, touches
from wanderbuch.governance.form.findings import Finding, error, warning
from wanderbuch.governance.form.model import CrosswalkJson
from wanderbuch.governance.form.parts import Parts, Placed
from wanderbuch.governance.form.scope_rules import by_author
from wanderbuch.schemas.frameworks import Framework, Measure, frameworks


def crosswalk_findings(parts: Parts) -> Iterator[Finding]:
    """Yield every finding about crosswalks."""
    in_force: dict[str, list[DateSpan]] = {}
    seen: set[tuple[str, str]] = set()
    for crosswalk in parts.crosswalks:
        crosswalk_json = crosswalk.content
        yield from by_author("crosswalk", crosswalk, parts)  # 1
        if (crosswalk_json.framework, crosswalk_json.version) in seen:  # 2
            message = f"expected each version once, found {crosswalk_json.version!r} again"
            yield error(crosswalk.at("version"), "crosswalk-once", message, "give it a version of its own")
        seen.add((crosswalk_json.framework, crosswalk_json.version))
        if crosswalk_json.valid_until is not None and crosswalk_json.valid_until < crosswalk_json.valid_from:  # 3
            message = f"expected an end on or after {crosswalk_json.valid_from}, found {crosswalk_json.valid_until}"
            yield error(crosswalk.at("valid_until"), "order-of-time", message, "correct it")
        else:
            span = DateSpan(crosswalk_json.valid_from, crosswalk_json.valid_until or OPEN_END)
            others = in_force.setdefault(crosswalk_json.framework, [])
            if any(touches((other,), span) for other in others):
                message = f"expected one crosswalk of {crosswalk_json.framework} a day, found two"
                yield error(crosswalk.at("valid_from"), "crosswalk-alone", message, "end the older one the day before")
            others.append(span)
        if crosswalk_json.framework == EQF:  # 4
            message = "expected another framework than EQF, which maps to itself"
            yield error(crosswalk.at("framework"), "crosswalk-of-other", message, "remove this crosswalk")
            continue
        yield from _levels(crosswalk, frameworks().get(crosswalk_json.framework))


def _levels(crosswalk: Placed[CrosswalkJson], known: Framework | None) -> Iterator[Finding]:
    crosswalk_json = crosswalk.content
    codes = [row.level for row in crosswalk_json.levels]
    for position, code in enumerate(codes):  # 5
        path = crosswalk.at("levels", position, "level")
        if code in codes[:position]:
            yield error(path, "level-once", f"expected each level once, found {code!r} again", "remove one")
        elif known is not None and code not in known.levels:
            message = f"expected a level of {crosswalk_json.framework}, found {code!r}"
            yield error(path, "level-in-framework", message, f"write one of {', '.join(known.levels)}")
    mapped = [row.eqf for row in crosswalk_json.levels if row.eqf is not None]
    if mapped != sorted(mapped):  # 6
        message = "expected EQF levels that never fall from one level to the next"
        yield error(crosswalk.at("levels"), "eqf-order", message, "correct the table")
    if known is None:  # 8
        message = (
            f"{crosswalk_json.framework} is not a framework this software knows; its levels are taken as they stand"
        )
        yield warning(crosswalk.at("framework"), "framework-known", message, "check the spelling")
        return
    if set(codes) <= known.levels.keys():
        ranks = [known.levels[code].rank for code in codes]
        if ranks != sorted(ranks):
            yield error(
                crosswalk.at("levels"), "levels-in-order", "expected the lowest level first", "put them in order"
            )
    if known.measures is Measure.LANGUAGES and mapped:  # 7
        message = f"expected no EQF level for levels of {crosswalk_json.framework}, which are levels of a language"
        yield error(crosswalk.at("levels"), "language-has-no-eqf", message, "write null for each")
    missing = [code for code in known.levels if code not in codes]
    if missing:  # 9
        message = f"{crosswalk_json.framework} also has {', '.join(missing)}; who holds that level has no mapping"
        yield warning(crosswalk.at("levels"), "level-missing", message, "add the level, with null if nothing maps it")
