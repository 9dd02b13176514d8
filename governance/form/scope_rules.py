"""Rules that statements of several kinds share: known codes, days in order, decisions, ids, exclusions.

1. An id stands once among statements of its kind. 2. Credential types are listed schemas; countries are codes of ISO
3166-1. 3. An interval ends on or after its start; overlapping ones are a warning. 4. A decision takes effect no later
than it was made, was made before the file, stands in order, changes the status, and nothing follows a withdrawal. 5. An
exclusion that excludes nothing, or all, is a warning. 6. A statement whose days have all lapsed grants nothing: a
warning. 7. What only the author may say stands under the author's DID.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Protocol

from pydantic import BaseModel

from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.file import Status
from wanderbuch.governance.facts.groups import nothing_left, overlap
from wanderbuch.governance.facts.lapses import lapsed_days
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import OPEN_END, normal, touches, without
from wanderbuch.governance.form.findings import Finding, error, warning
from wanderbuch.governance.form.model import IntervalJson
from wanderbuch.governance.form.parts import Parts, Placed, PlacedPart
from wanderbuch.schemas.countries import is_country


class Decided(Protocol):
    """A decision about a statement, as `model` and `statement_model` have it."""

    @property
    def status(self) -> str:
        """The status from then on."""

    @property
    def decided_on(self) -> date:
        """When it was made."""

    @property
    def effective_from(self) -> date:
        """From which award date on."""


class Excluding(Protocol):
    """A statement that names occupations and exclusions."""

    @property
    def occupations(self) -> list[str]:
        """The codes in scope."""

    @property
    def excluded_occupations(self) -> list[str]:
        """The codes that never count."""


def latest_day(parts: Parts) -> date | None:
    """Return the last day that had begun anywhere when the file was made, None if that cannot be read."""
    return None if parts.file is None else days_anywhere(parts.file.last_updated).last


def ids_once[M: BaseModel](kind: str, placed: Iterable[PlacedPart[M]]) -> Iterator[Finding]:
    """Refuse an id that stands twice (1); `kind` is part of the rule's name."""
    seen: set[str] = set()
    for entry in placed:
        name: str = entry.content.id  # type: ignore[attr-defined]
        if name in seen:
            message = f"expected each id once, found {name!r} again"
            yield error(entry.at("id"), f"{kind}-once", message, "give it an id of its own")
        seen.add(name)


def types_listed[M: BaseModel](
    placed: PlacedPart[M], member: str, names: Sequence[str], parts: Parts
) -> Iterator[Finding]:
    """Refuse a credential type that no listed schema has (2)."""
    listed = parts.listed_names
    for position, name in enumerate(names):
        if listed is not None and name not in listed:
            message = f"expected the name of a listed schema, found {name!r}"
            path = placed.at(member, position) if member == "credential_types" else placed.at(member)
            yield error(path, "schema-listed", message, "list its schema")


def countries_known[M: BaseModel](placed: PlacedPart[M], codes: Sequence[str]) -> Iterator[Finding]:
    """Refuse a country that ISO 3166-1 does not have (2)."""
    for position, country in enumerate(codes):
        if not is_country(country):
            message = f"expected a country of ISO 3166-1, found {country!r}"
            yield error(placed.at("jurisdictions", position), "country-known", message, "write its alpha-3 code")


def intervals_in_order[M: BaseModel](placed: PlacedPart[M], intervals: Sequence[IntervalJson]) -> Iterator[Finding]:
    """Refuse an interval that ends before it starts; warn of overlaps (3)."""
    spans: list[DateSpan] = []
    for position, interval in enumerate(intervals):
        path = placed.at("intervals", position)
        if interval.end is not None and interval.end < interval.start:
            message = f"expected an end on or after {interval.start}, found {interval.end}"
            yield error(path, "order-of-time", message, "correct start or end")
            continue
        span = DateSpan(interval.start, interval.end or OPEN_END)
        if touches(tuple(spans), span):
            yield warning(path, "intervals-apart", "this interval overlaps an earlier one", "join them")
        spans.append(span)


def decisions_in_order[M: BaseModel](
    placed: Placed[M], changes: Sequence[Decided], latest: date | None
) -> Iterator[Finding]:
    """Refuse decisions that reach into the future or contradict one another (4)."""
    for position, change in enumerate(changes):
        path = placed.at("status", position)
        if change.effective_from > change.decided_on:
            message = f"expected an effect on or before {change.decided_on}, found {change.effective_from}"
            fix = "award dates are the issuer's own word: a decision takes effect when it is made, or before"
            yield error(path + "/effective_from", "effect-not-later", message, fix)
        if latest is not None and change.decided_on > latest:
            message = f"expected a decision made before the file was, found {change.decided_on}"
            yield error(path + "/decided_on", "decision-in-past", message, "publish it when it is made")
    for position, (before, after) in enumerate(pairwise(changes), start=1):
        path = placed.at("status", position)
        if after.decided_on < before.decided_on:
            message = f"expected the oldest decision first, found {after.decided_on} after {before.decided_on}"
            yield error(path + "/decided_on", "decisions-in-order", message, "put them in order")
        if before.status == "withdrawn":
            fix = "make a new statement with an id of its own"
            yield error(path, "withdrawal-is-final", "expected nothing after a withdrawal", fix)
        if before.status == "active" and after.status == "active":
            yield error(path, "status-changes", "expected another status than before", "remove one of the two")


def exclusions_have_effect[M: BaseModel](placed: Sequence[Placed[M]], whose: str) -> Iterator[Finding]:
    """Warn of exclusions that exclude nothing, and of codes that are excluded altogether (5).

    Args:
        placed: statements of one kind; exclusions hold for all of one DID.
        whose: what the DID is here, such as "issuer".
    """
    scopes: dict[str, list[str]] = {}
    excluded: dict[str, list[str]] = {}
    for entry in placed:
        statement: Excluding = entry.content  # type: ignore[assignment]
        scopes.setdefault(entry.did, []).extend(statement.occupations)
        excluded.setdefault(entry.did, []).extend(statement.excluded_occupations)
    for entry in placed:
        statement = entry.content  # type: ignore[assignment]
        for position, code in enumerate(statement.excluded_occupations):
            if not overlap(tuple(scopes[entry.did]), code):
                path = entry.at("excluded_occupations", position)
                yield warning(path, "exclusion-has-effect", f"{code} is in no scope of this {whose}", "remove it")
        for position, code in enumerate(statement.occupations):
            if nothing_left(excluded[entry.did], code):
                message = f"{code} is excluded for this {whose}, so it never counts here; an exclusion always wins"
                path = entry.at("occupations", position)
                yield warning(path, "scope-not-excluded", message, "remove the code or the exclusion")


def counting_days(intervals: Iterable[IntervalJson], changes: Sequence[Decided] = ()) -> tuple[DateSpan, ...]:
    """Return the days of a mandate that no decision took away, a normal tuple."""
    days = normal(DateSpan(interval.start, interval.end or OPEN_END) for interval in intervals)
    for lapsed in lapsed_days([(Status(change.status), change.effective_from) for change in changes]):
        days = without(days, lapsed.days)
    return days


def grants_something[M: BaseModel](
    placed: Placed[M], intervals: Sequence[IntervalJson], changes: Sequence[Decided]
) -> Iterator[Finding]:
    """Warn of a statement of which no day is left (6)."""
    if changes and not counting_days(intervals, changes) and counting_days(intervals):
        message = "decisions took every day of this statement, so it grants nothing"
        yield warning(placed.at("status"), "grants-nothing", message, "nothing to do if that was meant")


def by_author[M: BaseModel](kind: str, placed: Placed[M], parts: Parts) -> Iterator[Finding]:
    """Refuse what only the author may say under another DID (7); `kind` is part of the rule's name."""
    if parts.file is not None and placed.did != parts.file.author:
        message = "expected the author's DID, found another"
        yield error(placed.path, f"{kind}-by-author", message, f"a {kind} is stated under the author's DID")
