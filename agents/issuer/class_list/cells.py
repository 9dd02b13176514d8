"""One cell of a class list becomes the value of an attribute, or says what is wrong with it and what to write."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from wanderbuch.governance.importing import values
from wanderbuch.governance.importing.dates import DayOrder, parse_day
from wanderbuch.governance.importing.digits import plain_digits
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.schemas.credential_type import Attribute, Kind

_YEAR: Final = re.compile(r"\d{4}")
_DIGITS: Final = re.compile(r"\d{8}")
_MONTH: Final = re.compile(r"\d{1,2}[-/. ]\d{4}|\d{4}[-/. ]\d{1,2}|[^\W\d_]+\.?[-/, ]+\d{4}|\d{4}[-/, ]+[^\W\d_]+")
_UNKNOWN: Final = r"(?:0{1,4}|\?{1,4}|x{1,4}|_{1,4}|--)"
_UNKNOWN_DAY: Final = re.compile(rf"{_UNKNOWN}[-/. ].*|.*[-/. ]{_UNKNOWN}(?:[-/. ].*)?", re.IGNORECASE)
_ABOUT: Final = re.compile(
    r"(?:c|ca|circa|abt|about|approx|around|est|before|after|vers|env|environ|hacia|aprox|حوالي|~|≈|±|<|>)\.? ?\d{4}"
    r"|\d{4} ?(?:\?|s|±|approx\.?)|\d{4} ?(?:/|or|ou|o|-|–) ?\d{4}",
    re.IGNORECASE,
)
_NO_YEAR: Final = re.compile(
    r"\d{1,2}(?:st|nd|rd|th|er)?[-/. ]+(?:\d{1,2}|[^\W\d_]{3,}\.?)[-/.]?|[^\W\d_]{3,}\.? \d{1,2}(?:st|nd|rd|th)?",
    re.IGNORECASE,
)
_GROUPED: Final = re.compile(r"\d{1,3}(?:[,. ]\d{3})+")
_OCCUPATIONS: Final = frozenset({"isco08-unit-groups"})
_COUNTRIES: Final = frozenset({"iso3166-1-alpha-3"})
_FRAMEWORKS: Final = frozenset({"frameworks"})
_NAMES: Final[dict[str, Mapping[str, str]]] = {}  # by code list, or by attribute where the type brings its codes


def value_of(attribute: Attribute, text: str, *, order: DayOrder, framework: str | None) -> str:
    """Return the value that a cell holds, as a claim brings it.

    Args:
        attribute: what the cell is to hold.
        text: the cell, not empty, on one line.
        order: how 03/04/2001 is meant.
        framework: that the level belongs to, where the row or the type names it.

    Raises:
        ValueProblem: it holds something else.
    """
    match attribute.kind:
        case Kind.TEXT:
            return " ".join(text.split())
        case Kind.DATE:
            return _day(text, order)
        case Kind.INTEGER:
            return _integer(text)
        case Kind.LEVEL:
            return _level(text, attribute.framework or framework)
        case Kind.CODE:
            return _code(attribute, text)


def _day(text: str, order: DayOrder) -> str:
    given = plain_digits(" ".join(text.split()))
    missing = None
    if _YEAR.fullmatch(given):
        missing = "a year without month and day"
    elif _ABOUT.fullmatch(given):
        missing = "a year that is about right"
    elif _NO_YEAR.fullmatch(given):
        missing = "a day without a year"
    elif _UNKNOWN_DAY.fullmatch(given):
        missing = "a day of which a part is not known"
    elif _MONTH.fullmatch(given):
        missing = "a month without a day"
    if missing is not None:
        raise ValueProblem(
            f"expected a whole day, found {missing}: {text[:40]!r}",
            "write the whole day, such as 2001-03-31, as the person's papers have it; never one that was made up",
            "day_part",
        )
    if _DIGITS.fullmatch(given):  # as claims write it; eight digits with the day first are no day this way round
        given = f"{given[:4]}-{given[4:6]}-{given[6:]}"
    return parse_day(given, order).isoformat()


def _integer(text: str) -> str:
    given = plain_digits(text.strip())
    if _GROUPED.fullmatch(given) or not re.fullmatch(r"\d{1,9}", given):
        raise ValueProblem(f"expected a whole number, found {text[:40]!r}", "write digits alone, such as 18")
    return str(int(given))


def _level(text: str, framework: str | None) -> str:
    known = [framework] if framework else []
    _, lowest, highest = values.level_range(text, framework, known)
    if lowest != highest:
        raise ValueProblem(f"expected one level, found {text[:40]!r}", "write the level that the person was awarded")
    return lowest


def _code(attribute: Attribute, text: str) -> str:
    if attribute.code_list in _OCCUPATIONS:
        code = _by_name(attribute).get(_folded(text)) or values.occupation(text)
        if code not in attribute.codes:
            raise ValueProblem(
                f"expected an occupation, found {text[:60]!r}, which is a group of many",
                "write four digits, as C7212",
                "occupation_group",
            )
        return code
    if attribute.code_list in _COUNTRIES:
        return values.country(text)
    if attribute.code_list in _FRAMEWORKS:
        code = text.upper().replace(" ", "-")
        return code if code in attribute.codes else values.framework_code(text)
    code = _by_name(attribute).get(_folded(text), "")
    if not code:
        such = ", ".join(list(attribute.codes)[:8])
        raise ValueProblem(f"expected {attribute.label}, found {text[:60]!r}", f"write its code, such as {such}")
    return code


def _by_name(attribute: Attribute) -> Mapping[str, str]:
    """Return code and unambiguous label, folded -> code."""
    listed = attribute.code_list or attribute.name
    if listed not in _NAMES:
        _NAMES[listed] = _names_of(attribute)
    return _NAMES[listed]


def _names_of(attribute: Attribute) -> Mapping[str, str]:
    names: dict[str, str] = {}
    for code, label in attribute.codes.items():
        for text in label.by_language.values():
            folded = _folded(text)
            names[folded] = "" if folded in names and names[folded] != code else code
    return names | {_folded(code): code for code in attribute.codes}


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
