"""Days as people write them in lists: every clear form is read, and what could be two days is refused."""

import re
from datetime import date
from enum import Enum
from typing import Final

from wanderbuch.governance.importing.problem import ValueProblem

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
            "sep sept september", "oct october", "nov november", "dec december",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DOTS: Final = re.compile(r"(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})")  # written with dots, the day comes first everywhere
_UNCLEAR: Final = re.compile(r"(\d{1,2})[-/](\d{1,2})[-/](\d{4})")
_DAY_MONTH: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4})")
_MONTH_DAY: Final = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_FIX: Final = "write it as 2024-03-31"


class DayOrder(Enum):
    """How 03/04/2024 is meant; by default it is refused."""

    REFUSE = "refuse"
    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


def parse_day(text: str, order: DayOrder = DayOrder.REFUSE) -> date:
    """Return the day.

    Raises:
        ValueProblem: it is no day, or could be two.

    >>> parse_day("31 March 2024") == parse_day("31/03/2024") == parse_day("2024-03-31")
    True
    """
    for pattern in (_YEAR_FIRST, _DOTS):
        if found := pattern.fullmatch(text):
            numbers = [int(each) for each in found.groups()]
            return _day(text, *(numbers if pattern is _YEAR_FIRST else reversed(numbers)))
    if found := _DAY_MONTH.fullmatch(text):
        return _day(text, int(found[3]), _month(text, found[2]), int(found[1]))
    if found := _MONTH_DAY.fullmatch(text):
        return _day(text, int(found[3]), _month(text, found[1]), int(found[2]))
    if found := _UNCLEAR.fullmatch(text):
        return _slashes(text, int(found[1]), int(found[2]), int(found[3]), order)
    if re.fullmatch(r"\d{5}(\.0)?", text):
        raise ValueProblem(f"found {text}, a day as spreadsheets count them", "format the column as a date, or " + _FIX)
    if re.fullmatch(r"\d{4}", text):
        raise ValueProblem(f"expected a day, found the year {text}", f"write the first or last day, as {text}-01-01")
    raise ValueProblem(f"expected a day, found {text[:40]!r}", _FIX)


def _slashes(text: str, first: int, second: int, year: int, order: DayOrder) -> date:
    if order is DayOrder.MONTH_FIRST:
        return _day(text, year, first, second)
    if order is DayOrder.DAY_FIRST or first == second or first > 12:
        return _day(text, year, second, first)
    if second > 12:
        return _day(text, year, first, second)
    one, other = _day(text, year, second, first), _day(text, year, first, second)
    raise ValueProblem(
        f"{text} may be {one:%d %B %Y} or {other:%d %B %Y}",
        f"write {one} or {other}, or give --dates day-first or month-first for the whole list",
    )


def _month(text: str, name: str) -> int:
    number = _MONTHS.get(name.casefold())
    if number is None:
        raise ValueProblem(f"expected the English name of a month, found {text[:40]!r}", _FIX)
    return number


def _day(text: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as err:
        raise ValueProblem(f"expected a day that exists, found {text[:40]!r}", "correct it") from err
