"""How each kind of value is written: the one raw text that a credential may carry for it.

AnonCreds signs an integer in place of each raw text: the number itself if the text reads as an int32, else its
SHA-256. Readers differ on what reads as a number ("007", "+7" and "7_0" do for some), so two texts could stand for
one signed integer. Hence:

1. Every value has exactly one canonical raw text, and every other text is refused, when it is signed and when it is
   shown.
2. A text that any reader takes for a number, and that is not that number's plain decimal form, is signed with a mark
   before it: "#" (docs/adr/0018). A certificate number 007212 is signed as "#007212" and read back as 007212. So that
   it can be taken off again, a text that looks marked already is marked once more: #007212 is "##007212".
3. text: Unicode NFC, one line, single spaces inside only, at least one letter or digit, no control, private or
   unassigned character and no invisible one but the two joiners that Sinhala, Persian and other scripts need, where
   they need them, within the byte limit (the mark does not count).
4. integer: plain decimal within the bounds. date: YYYYMMDD, a day that exists, within the bounds. code: one of the
   list, letter for letter. level: a level of a known framework, letter for letter.
5. A value that is not there is written as the attribute's `absent` text; it reads back as None.

Nothing here repeats a value in a message: claims are personal.
"""

import re
import unicodedata
from collections.abc import Container
from datetime import date, datetime

from wanderbuch.schemas.credential_type import Attribute, Kind
from wanderbuch.schemas.frameworks import frameworks, level_codes

type Value = str | int | date | None
"""A parsed value: text, code and level are str, integer is int, date is date; None is a value that is not there."""

TEXT_MARK = "#"
# Words of Western letters, digits and ASCII's signs, a space between them: most texts, and nothing is wrong with these.
_PLAIN_WORDS = re.compile(
    r"(?=.*[0-9A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff])[!-~\u00c0-\u00ff]+(?: [!-~\u00c0-\u00ff]+)*"
)
_PLAIN_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_ANY_INTEGER = re.compile(r"[+-]?\d+(?:_\d+)*")  # what Python's int() reads, without its limit of digits
_PLAIN_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")  # ISO 8601 extended form
_NON_JOINER = "\u200c"  # ZERO WIDTH NON-JOINER
_JOINERS = _NON_JOINER + "\u200d"  # and ZERO WIDTH JOINER
_VIRAMA = 9  # Unicode canonical combining class
# Unicode general categories: control, format, private use, surrogate, unassigned, line and paragraph separators.
_REFUSED_CATEGORIES = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
_CATEGORY_WORDS = {
    "Cc": "a control character",
    "Cf": "an invisible formatting character",
    "Co": "a private-use character",
    "Cs": "half a surrogate pair",
    "Cn": "an unassigned character",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}


class ValueMismatch(Exception):  # noqa: N818  a finding; whoever knows the attribute turns it into an error
    """A value is not what its attribute expects; says what kind of thing was found, never the value."""

    def __init__(self, expected: str, received: str) -> None:
        super().__init__(f"expected {expected}, found {received}")
        self.expected = expected
        self.found = received


def to_raw(attribute: Attribute, value: object) -> str:
    """Return the canonical raw text for a value as an application brings it.

    More forms are taken in than come out: numbers as int or text, dates also as `date` or in ISO 8601, text in any
    Unicode normal form and with spaces around it, None for what is not there.

    Raises:
        ValueMismatch: it is not a value of the attribute.
    """
    if value is None or (attribute.absent is not None and value == attribute.absent.raw):
        if attribute.absent is None:
            raise ValueMismatch(expectation(attribute), "nothing")
        return attribute.absent.raw
    raw = _written(attribute, value)
    from_raw(attribute, raw)
    return raw


def from_raw(attribute: Attribute, raw: object) -> Value:
    """Return the value that a raw text stands for.

    Raises:
        ValueMismatch: the text is not the canonical form of a value of the attribute.
    """
    if not isinstance(raw, str):
        raise ValueMismatch(expectation(attribute), kind_of(raw))
    if attribute.absent is not None and raw == attribute.absent.raw:
        return None
    match attribute.kind:
        case Kind.TEXT:
            return _text(attribute, raw)
        case Kind.INTEGER:
            return _integer(attribute, raw)
        case Kind.DATE:
            return _day(attribute, raw)
        case Kind.CODE:
            return _listed(attribute, raw, attribute.codes)
        case Kind.LEVEL:
            return _listed(attribute, raw, level_codes(attribute.framework))


def expectation(attribute: Attribute) -> str:
    """Return in words what the attribute expects."""
    match attribute.kind:
        case Kind.TEXT:
            words = f"a text of one line and at most {attribute.max_bytes} bytes"
        case Kind.INTEGER:
            words = f"a whole number from {attribute.minimum} to {attribute.maximum}"
        case Kind.DATE:
            words = f"a day that exists, as YYYYMMDD, from {attribute.earliest:%Y%m%d} to {attribute.latest:%Y%m%d}"
        case Kind.CODE if len(attribute.codes) <= 8:
            words = f"one of {', '.join(attribute.codes)}"
        case Kind.CODE:
            words = f"one of the {len(attribute.codes)} codes of {attribute.code_list}, such as {attribute.example}"
        case Kind.LEVEL if attribute.framework is not None:
            words = f"a level of {attribute.framework} ({', '.join(frameworks()[attribute.framework].levels)})"
        case Kind.LEVEL:
            words = f"a level as the {attribute.framework_attribute} writes it"
    return f"{words}, or nothing ({attribute.absent.label})" if attribute.absent else words


def kind_of(value: object) -> str:
    """Return in words what kind of thing `value` is, without the value."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a number with a fraction"
        case str():
            return "a text" if value.strip() else "an empty text"
        case datetime():
            return "a date with a time"
        case date():
            return "a date"
        case _:
            return f"a value of type {type(value).__name__}"


def reads_as_another_number(raw: str) -> bool:
    """Return whether some reader takes `raw` for a number whose plain decimal form it is not (rule 2).

    Python's int() is the most generous reader in use: signs, spaces, underscores, leading zeros and the digits of
    every script. (The AnonCreds library reads signs and leading zeros, Credo leading zeros and "-0".)

    >>> [reads_as_another_number(raw) for raw in ("7212", "C7212", "007212", "+7212", "7_212", "٧٢١٢")]
    [False, False, True, True, True, True]
    """
    return not _PLAIN_INTEGER.fullmatch(raw) and _ANY_INTEGER.fullmatch(raw.strip()) is not None


def marked(text: str) -> str:
    """Return the raw text that stands for `text` (rule 2).

    >>> [marked(text) for text in ("N-17", "17", "0017", "#0017", "#17", "# 0017")]
    ['N-17', '17', '#0017', '##0017', '#17', '# 0017']
    """
    return TEXT_MARK + text if _needs_mark(text) else text


def unmarked(raw: str) -> str:
    """Return the text that `raw` stands for, for people: the inverse of `marked`; other texts are left as they are."""
    text = raw.removeprefix(TEXT_MARK)
    return text if text != raw and _needs_mark(text) else raw


def plain(attribute: Attribute, raw: str) -> str:
    """Return a raw text as applications and people write it: a text without its mark, anything else as it is."""
    return unmarked(raw) if attribute.kind is Kind.TEXT else raw


def _needs_mark(text: str) -> bool:
    """Return whether a text reads as a number, with or without marks before it."""
    bare = text.lstrip(TEXT_MARK)
    return bare == bare.strip() and reads_as_another_number(bare)


def _written(attribute: Attribute, value: object) -> str:
    """Return the text that an application's value would be, before it is checked."""
    match attribute.kind, value:
        case _, bool() | datetime():
            pass
        case Kind.DATE, date():
            return f"{value.year:04}{value.month:02}{value.day:02}"  # strftime does not pad years everywhere
        case Kind.DATE, str() if iso := _ISO_DAY.fullmatch(value):
            return "".join(iso.groups())
        case Kind.TEXT, str():
            return marked(unicodedata.normalize("NFC", value).strip(" "))
        case ((Kind.DATE | Kind.INTEGER | Kind.LEVEL), int()):
            return str(value)
        case _, str():
            return value
    raise ValueMismatch(expectation(attribute), kind_of(value))


def _text(attribute: Attribute, raw: str) -> str:
    flaw: str | None
    text = ""
    if len(raw) > attribute.max_bytes + len(TEXT_MARK):  # a character takes a byte or more; first, to bound the work
        flaw = "a longer text"
    else:
        text = unmarked(raw)
        flaw = _flaw_of(text) or ("a longer text" if len(text.encode()) > attribute.max_bytes else None)
        if flaw is None and marked(text) != raw:
            flaw = f"a text that some programs read as a number, without the {TEXT_MARK} that marks it as a text"
    if flaw is not None:
        raise ValueMismatch(expectation(attribute), flaw)
    return text


def _flaw_of(raw: str) -> str | None:
    """Return what makes a text unfit (rule 3), None if nothing does."""
    return None if _PLAIN_WORDS.fullmatch(raw) else _flaw_by_character(raw)


def _flaw_by_character(raw: str) -> str | None:
    for position, character in enumerate(raw, start=1):
        category = unicodedata.category(character)
        if category in _REFUSED_CATEGORIES and character not in _JOINERS:
            return f"{_CATEGORY_WORDS[category]} (U+{ord(character):04X}) at position {position}"
        if category == "Zs" and character != " ":
            return f"a space other than the plain one (U+{ord(character):04X}) at position {position}"
    if not any(unicodedata.category(character)[0] in "LN" for character in raw):
        return "a text without a letter or digit" if raw.strip() else "an empty text"
    if not all(_joins(raw, at) for at, character in enumerate(raw) if character in _JOINERS):
        return "an invisible joiner where it joins nothing"
    if raw != raw.strip(" ") or "  " in raw:
        return "a text with spaces before, after or doubled inside it"
    if not unicodedata.is_normalized("NFC", raw):
        return "a text that is not in Unicode's normal form NFC"
    return None


def _joins(raw: str, at: int) -> bool:
    """Return whether the joiner at index `at` has a place there (after RFC 5892, appendices A.1 and A.2)."""
    if at == 0:
        return False
    if unicodedata.combining(raw[at - 1]) == _VIRAMA:
        return True
    return raw[at] == _NON_JOINER and raw[at - 1].isalpha() and raw[at + 1 : at + 2].isalpha()


def _integer(attribute: Attribute, raw: str) -> int:
    if not _PLAIN_INTEGER.fullmatch(raw):
        raise ValueMismatch(expectation(attribute), f"{kind_of(raw)} that is not a number in plain decimal digits")
    number = int(raw) if len(raw) <= len(str(-(2**31))) else None
    if number is None or not attribute.minimum <= number <= attribute.maximum:
        raise ValueMismatch(expectation(attribute), "a number outside these bounds")
    return number


def _day(attribute: Attribute, raw: str) -> date:
    parts = _PLAIN_DAY.fullmatch(raw)
    if not parts:
        raise ValueMismatch(expectation(attribute), f"{kind_of(raw)} in another form")
    try:
        day = date(*(int(part) for part in parts.groups()))
    except ValueError:
        raise ValueMismatch(expectation(attribute), "a day that does not exist") from None
    if not attribute.earliest <= day <= attribute.latest:
        raise ValueMismatch(expectation(attribute), "a day outside these bounds")
    return day


def _listed(attribute: Attribute, raw: str, codes: Container[str]) -> str:
    if raw in codes:
        return raw
    if raw.strip().isdecimal() and f"C{raw.strip()}" in codes:
        hint = "bare digits; write C before them"
    elif raw.strip().upper() in codes or raw.strip().lower() in codes:
        hint = "a code in other letters or with spaces around it"
    else:
        hint = f"{kind_of(raw)} that is not one of them"
    raise ValueMismatch(expectation(attribute), hint)
