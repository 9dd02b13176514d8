"""Days as people write them in lists: every clear form is read, and what could be two days is refused."""

import re
from datetime import date
from enum import Enum
from typing import Final

from wanderbuch.governance.importing.digits import plain_digits
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.governance.lists.statuses import folded

# English, French, Spanish, and the names that CLDR has for Sinhala, Tamil and Arabic (both ways to name months).
_NAMES: Final = (
    "jan january janv janvier ene enero ජනවාරි ජන ஜனவரி يناير كانونالثاني جانفي",
    "feb february fév févr février febrero පෙබරවාරි පෙබ பிப்ரவரி பெப்ரவரி فبراير شباط فيفري",
    "mar march mars marzo මාර්තු மார்ச் மார்ச்சு مارس آذار",
    "apr april avr avril abr abril අප්‍රේල් අප්රේල් ஏப்ரல் أبريل إبريل نيسان أفريل",
    "may mai mayo මැයි மே مايو أيار ماي",
    "jun june juin junio ජූනි ஜூன் يونيو حزيران جوان",
    "jul july juil juillet julio ජූලි ஜூலை يوليو تموز جويلية",
    "aug august août aout ago agosto අගෝස්තු ஆகஸ்ட் ஆகஸ்டு أغسطس آب أوت",
    "sep sept september septembre septiembre setiembre සැප්තැම්බර් செப்டம்பர் செப்டெம்பர் سبتمبر أيلول",
    "oct october octobre octubre ඔක්තෝබර් அக்டோபர் ஒக்டோபர் أكتوبر تشرينالأول",
    "nov november novembre noviembre නොවැම්බර් நவம்பர் நவெம்பர் نوفمبر تشرينالثاني",
    "dec december déc décembre dic diciembre දෙසැම්බර් டிசம்பர் டிசெம்பர் ديسمبر كانونالأول",
)  # fmt: skip
_MONTHS: Final = {folded(name): number for number, names in enumerate(_NAMES, start=1) for name in names.split()}
_WORD: Final = r"([^\W\d_][^\d_,/]{0,24}?)"
_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DOTS: Final = re.compile(r"(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})")  # written with dots, the day comes first everywhere
_UNCLEAR: Final = re.compile(r"(\d{1,2})[-/](\d{1,2})[-/](\d{4})")
_DAY_MONTH: Final = re.compile(
    rf"(\d{{1,2}})(?:st|nd|rd|th|er|º|°)?[ -]?(?:de )?{_WORD}\.?,?[ -](?:de |del )?(\d{{4}})", re.IGNORECASE
)
_MONTH_DAY: Final = re.compile(rf"{_WORD}\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})", re.IGNORECASE)
_YEAR_WORD: Final = re.compile(rf"(\d{{4}})[ -]{_WORD}[ -](\d{{1,2}})")
_SHORT_YEAR: Final = re.compile(r"\d{1,2}[-/. ](?:\d{1,2}|[^\W\d_]+)[-/. ]'?\d{2}")
_LONG_YEAR: Final = re.compile(
    r"(?:.*\D)?(\d{3}|\d{5,})(?:[-/.]\d{1,2}[-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{3}|\d{5,})"
)
_INSTANT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?(?: ?(Z|UTC|GMT|[+-]\d{2}:?\d{2}))?",
    re.IGNORECASE,
)
_FIX: Final = "write it as 2024-03-31"
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2199
# Calendars whose years stand in registers -> years between them and ours, and the years of theirs that are ours now.
_BUDDHIST: Final = range(2443, 2743)
_PERSIAN_OR_ISLAMIC: Final = range(1300, 1500)


class DayOrder(Enum):
    """How 03/04/2024 is meant; by default it is refused."""

    REFUSE = "refuse"
    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


def parse_day(text: str, order: DayOrder = DayOrder.REFUSE) -> date:
    """Return the day.

    Raises:
        ValueProblem: it is no day, or could be two.

    >>> parse_day("31 March 2024") == parse_day("31/03/2024") == parse_day("2024-03-31T00:00:00Z")
    True
    """
    given = plain_digits(" ".join(text.split()))
    for pattern in (_YEAR_FIRST, _DOTS):
        if match := pattern.fullmatch(given):
            numbers = [int(group) for group in match.groups()]
            return _day(text, *(numbers if pattern is _YEAR_FIRST else reversed(numbers)))
    if match := _INSTANT.fullmatch(given):
        return _of_instant(text, match)
    if match := _UNCLEAR.fullmatch(given):
        return _slashes(text, int(match[1]), int(match[2]), int(match[3]), order)
    for pattern, day, month, year in ((_DAY_MONTH, 1, 2, 3), (_MONTH_DAY, 2, 1, 3), (_YEAR_WORD, 3, 2, 1)):
        if match := pattern.fullmatch(given):
            return _day(text, int(match[year]), _month(text, match[month]), int(match[day]))
    if re.fullmatch(r"\d{5}(\.\d+)?", given):
        raise ValueProblem(
            f"found {given}, a day as spreadsheets count them, or a year of five digits",
            "format the column as a date, or " + _FIX,
        )
    if re.fullmatch(r"\d{4}", given):
        raise ValueProblem(f"expected a day, found the year {given}", f"write the first or last day, as {given}-01-01")
    if _SHORT_YEAR.fullmatch(given):
        raise ValueProblem(f"expected a year of four digits, found {text[:40]!r}", _FIX)
    if re.search(r"\d", given) and _LONG_YEAR.fullmatch(given):
        raise ValueProblem(f"expected a year of four digits that can be, found {text[:40]!r}", _FIX)
    raise ValueProblem(f"expected a day, found {text[:40]!r}", _FIX)


def _of_instant(text: str, match: re.Match[str]) -> date:
    """Return the day of an instant, where it is the same day in the place it was written for.

    Midnight, in UTC too, is how programs write a day. Another time in UTC may be another day where the list is kept.
    """
    hour, minute, second = int(match[2]), int(match[3]), int(match[4] or 0)
    zone = (match[5] or "").upper()
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        raise ValueProblem(f"expected a time that exists, found {text[:40]!r}", _FIX)
    day = _day(text, *(int(number) for number in match[1].split("-")))
    if hour == 24:
        raise ValueProblem(f"found {text[:40]!r}, the end of one day or the beginning of another", _FIX)
    if (hour, minute, second) != (0, 0, 0) and zone in ("Z", "UTC", "GMT", "+00:00", "+0000", "-00:00", "-0000"):
        raise ValueProblem(
            f"found {text[:40]!r}, which is another day in some places", "write the day alone, as it is where you are"
        )
    return day


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
        "day_order",
    )


def _month(text: str, name: str) -> int:
    number = _MONTHS.get(folded(name))
    if number is None:
        raise ValueProblem(f"expected the name of a month, found {text[:40]!r}", _FIX)
    return number


def _day(text: str, year: int, month: int, day: int) -> date:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueProblem(f"found the year {year:04}, which cannot be right, in {text[:40]!r}", _meant(year))
    try:
        return date(year, month, day)
    except ValueError as err:
        raise ValueProblem(f"expected a day that exists, found {text[:40]!r}", "correct it") from err


def _meant(year: int) -> str:
    if year in _BUDDHIST:
        return f"a year of the Buddhist calendar? {_FIX}, in the Gregorian calendar, where it is about {year - 543}"
    if year in _PERSIAN_OR_ISLAMIC:
        islamic = round(year * 0.970229 + 621.5774)  # a year of the moon is eleven days shorter
        return (
            f"a year of the Islamic calendar (about {islamic}) or the Persian one (about {year + 621})? "
            f"{_FIX}, in the Gregorian calendar"
        )
    if year == 9999:
        return "for a mandate without an end, leave valid_until empty"
    return "correct it"
