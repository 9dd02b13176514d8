"""Sets of days as sorted, disjoint spans: the arithmetic of mandates.

A *normal* tuple of spans is sorted by first day and has a gap of at least one day between neighbours. `normal` makes
one; the other functions take and return normal tuples.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from wanderbuch.governance.facts.question import DateSpan

OPEN_END: Final = date.max  # last day of a span that does not end
ALWAYS: Final = DateSpan(date.min, OPEN_END)

_DAY = timedelta(days=1)


def normal(spans: Iterable[DateSpan]) -> tuple[DateSpan, ...]:
    """Return the same days as sorted, disjoint, merged spans.

    >>> normal([DateSpan(date(2020, 2, 1), date(2020, 2, 9)), DateSpan(date(2020, 1, 1), date(2020, 1, 31))])
    (DateSpan(first=datetime.date(2020, 1, 1), last=datetime.date(2020, 2, 9)),)
    """
    merged: list[DateSpan] = []
    for span in sorted(spans, key=lambda date_span: date_span.first):
        if span.last < span.first:
            continue
        before = merged[-1] if merged else None
        if before is not None and (before.last == OPEN_END or span.first <= before.last + _DAY):
            merged[-1] = DateSpan(before.first, max(before.last, span.last))
        else:
            merged.append(span)
    return tuple(merged)


def without(spans: tuple[DateSpan, ...], gone: DateSpan) -> tuple[DateSpan, ...]:
    """Return the days of `spans` that are not in `gone`."""
    left: list[DateSpan] = []
    for span in spans:
        if span.last < gone.first or gone.last < span.first:
            left.append(span)
            continue
        if span.first < gone.first:
            left.append(DateSpan(span.first, gone.first - _DAY))
        if gone.last < span.last:
            left.append(DateSpan(gone.last + _DAY, span.last))
    return tuple(left)


def covers(spans: tuple[DateSpan, ...], asked: DateSpan) -> bool:
    """Return whether every day of `asked` is in `spans`."""
    for span in spans:  # noqa: SIM110  (a generator takes three times as long)
        if span.first <= asked.first and asked.last <= span.last:
            return True
    return False


def touches(spans: tuple[DateSpan, ...], asked: DateSpan) -> bool:
    """Return whether at least one day of `asked` is in `spans`."""
    for span in spans:  # noqa: SIM110
        if span.first <= asked.last and asked.first <= span.last:
            return True
    return False
