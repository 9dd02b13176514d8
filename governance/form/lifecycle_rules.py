"""What an official should see coming: warnings about days, counted from the day on which the version was made.

1. An accreditation, recognition, verification or regulation ends within 90 days. 2. A recognition or verification has
ended. 3. The last crosswalk of a framework has ended or ends within 90 days, so levels awarded after it have no EQF
level; or there is a gap between two. 4. A suspension has lasted more than a year. 5. An issuer counts, but its CTE
role has ended, so other CTE readers see it no more. 6. A programme is offered, but its accreditation counts no more.

The version's own day is used and not today, so that a version has the same findings whenever it is read; `expiring`
answers the same for any day. It is the day in UTC: nothing is decided by these warnings.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import OPEN_END, covers
from wanderbuch.governance.form.findings import Finding, warning
from wanderbuch.governance.form.parts import Parts, Placed
from wanderbuch.governance.form.scope_rules import counting_days

ENDS_SOON: Final = timedelta(days=90)
_LONG_SUSPENSION: Final = timedelta(days=365)
_DAY: Final = timedelta(days=1)


def lifecycle_findings(parts: Parts) -> Iterator[Finding]:
    """Yield every finding of this module."""
    if parts.file is None:
        return
    at = parts.file.last_updated.astimezone(UTC)
    today = at.date()
    for kind, placed in _dated(parts):
        yield from _ends(placed, kind, _days(placed), today)
        yield from _suspended(placed, today)
    yield from _crosswalks(parts, today)
    yield from _roles(parts, at)
    yield from _programmes(parts, today)


def ends_soon(days: Sequence[DateSpan], on: date, within: timedelta = ENDS_SOON) -> date | None:
    """Return the last of some days (a normal tuple) if it comes within that time after `on`, else None."""
    if not days or not on <= days[-1].last < OPEN_END or days[-1].last - on > within:
        return None
    return days[-1].last


def _dated(parts: Parts) -> Iterator[tuple[str, Placed[Any]]]:
    for kind, placed in (
        ("accreditation", parts.accreditations),
        ("recognition", parts.recognitions),
        ("verification", parts.verifications),
        ("regulation", parts.regulations),
    ):
        for entry in placed:
            yield kind, entry


def _days(placed: Placed[Any]) -> tuple[DateSpan, ...]:
    return counting_days(placed.content.intervals, getattr(placed.content, "status", ()))


def _ends(placed: Placed[Any], kind: str, days: tuple[DateSpan, ...], today: date) -> Iterator[Finding]:
    last = ends_soon(days, today)
    if last is not None:  # 1
        message = f"this {kind} ends on {last}"
        fix = "decide in time whether it goes on; add an interval if it does"
        yield warning(placed.at("intervals"), "ends-soon", message, fix)
    elif days and days[-1].last < today and kind in ("recognition", "verification"):  # 2
        message = f"this {kind} ended on {days[-1].last}"
        yield warning(placed.at("intervals"), f"{kind}-ended", message, "add an interval if it goes on")


def _suspended(placed: Placed[Any], today: date) -> Iterator[Finding]:
    changes = getattr(placed.content, "status", ())
    if changes and changes[-1].status == "suspended" and today - changes[-1].decided_on > _LONG_SUSPENSION:  # 4
        message = f"suspended since {changes[-1].decided_on}, for more than a year"
        fix = "decide: active again, or withdrawn"
        yield warning(placed.at("status", len(changes) - 1), "suspension-lasts", message, fix)


def _crosswalks(parts: Parts, today: date) -> Iterator[Finding]:
    by_framework: dict[str, list[tuple[DateSpan, str]]] = {}
    for crosswalk in parts.crosswalks:
        crosswalk_json = crosswalk.content
        span = DateSpan(crosswalk_json.valid_from, crosswalk_json.valid_until or OPEN_END)
        by_framework.setdefault(crosswalk_json.framework, []).append((span, crosswalk.at("valid_until")))
    for framework, spans in by_framework.items():  # 3
        spans.sort(key=lambda span: (span[0].first, span[0].last))
        for (before, path), (after, _) in pairwise(spans):
            if before.last < OPEN_END and before.last + _DAY < after.first:
                message = f"no crosswalk of {framework} is in force from {before.last + _DAY} to {after.first - _DAY}"
                yield warning(path, "crosswalk-gap", message, "awards of these days have no EQF level; close the gap")
        last, path = max(spans, key=lambda span: span[0].last)
        fix = "add its successor; awards after that day have no EQF level"
        if last.last < today:
            yield warning(path, "crosswalk-ended", f"the last crosswalk of {framework} ended on {last.last}", fix)
        elif ends_soon((last,), today):
            yield warning(path, "ends-soon", f"the last crosswalk of {framework} ends on {last.last}", fix)


def _roles(parts: Parts, at: datetime) -> Iterator[Finding]:
    roles = parts.named_roles() or {}
    grants: dict[str, list[bool]] = {}
    for grant in parts.roles:
        if roles.get(grant.content.role, {}).get("issue"):
            holds = grant.content.start <= at and (grant.content.end is None or at < grant.content.end)
            grants.setdefault(grant.did, []).append(holds)
    day = DateSpan(at.date(), at.date())
    warned: set[str] = set()
    for accreditation in parts.accreditations:  # 5
        did = accreditation.did
        if did in warned or any(grants.get(did, (True,))) or not covers(_days(accreditation), day):
            continue
        warned.add(did)
        message = "this issuer counts, but it holds no CTE role that issues any more"
        yield warning(accreditation.path, "role-ended", message, "add a role grant without end, or end the mandate")


def _programmes(parts: Parts, today: date) -> Iterator[Finding]:
    day = DateSpan(today, today)
    counting = {
        (accreditation.did, accreditation.content.id): bool(covers(_days(accreditation), day))
        for accreditation in parts.accreditations
        if parts.programmes
    }
    for programme in parts.programmes:  # 6
        if covers(_days(programme), day) and not counting.get((programme.did, programme.content.accreditation), True):
            message = f"this programme is offered, but {programme.content.accreditation} does not count now"
            yield warning(
                programme.at("intervals"), "programme-without-mandate", message, "end it, or renew the mandate"
            )
