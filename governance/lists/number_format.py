"""What a spreadsheet shows for a number: 142 with the format `0000` is seen as 0142, and that is what people mean.

Formats are those of ECMA-376 Part 1, 18.8.30 and 18.8.31. What cannot be followed exactly is said, never guessed.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

GENERAL: Final = "General"
_GENERAL_ELSEWHERE: Final = frozenset({"", "g/通用格式", "standard", "estándar", "standaard", "allgemein"})
BUILT_IN: Final = {
    0: GENERAL, 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "m/d/yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
    20: "h:mm", 21: "h:mm:ss", 22: "m/d/yyyy h:mm", 37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)",
    39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;(#,##0.00)", 41: "#,##0", 42: "#,##0", 43: "#,##0.00", 44: "#,##0.00",
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "0.0E+0", 49: "@",
}  # fmt: skip
_TOKEN: Final = re.compile(
    r"""(?P<quoted>"[^"]*"?)|\\(?P<escaped>.)|_(?P<space>.)|\*(?P<fill>.)|\[(?P<bracket>[^\]]*)\]"""
    r"""|(?P<general>General)|(?P<ampm>AM/PM|A/P)|(?P<scientific>E[+-])|(?P<letters>y+|m+|d+|h+|s+|g+|e+|b+)|(?P<sign>.)""",
    re.IGNORECASE | re.DOTALL,
)
_WHITE: Final = re.compile(r"white|color ?2", re.IGNORECASE)
_COLOURS: Final = re.compile(r"black|blue|cyan|green|magenta|red|yellow|color ?\d+", re.IGNORECASE)
_EXACT_DIGITS: Final = 15  # what a spreadsheet keeps of a number
_FIRST_SAFE_DAY: Final = 61  # 1 March 1900; before it spreadsheets count a day that did not exist
_LAST_DAY: Final = 2_958_465  # 31 December 9999


@dataclass(frozen=True, slots=True)
class ShownNumber:
    """What is seen.

    Args:
        text: as it is shown; of a day, its ISO form.
        kind: what there is to say about it, None if it is what is stored.
        detail: what is stored, or why it cannot be followed.
    """

    text: str
    kind: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Section:
    tokens: tuple[tuple[str, str], ...]
    white: bool
    odd: bool  # holds what this software cannot follow

    @property
    def letters(self) -> str:
        return "".join(text.lower() + " " for kind, text in self.tokens if kind == "letters")


def shown_number(stored: str, code: str, *, date1904: bool = False) -> ShownNumber:
    """Return what a spreadsheet shows for a stored number.

    >>> shown_number("142", "0000").text, shown_number("45383", "d/m/yyyy").text, shown_number("3", "General").text
    ('0142', '2024-04-01', '3')
    """
    try:
        number = Decimal(format(float(stored), f".{_EXACT_DIGITS}g"))
    except (ValueError, InvalidOperation, OverflowError):
        number = Decimal("NaN")
    if not number.is_finite():
        return ShownNumber(stored, "number-format", "what is stored is no number")
    sections = _sections(code)
    numeric = sections[:-1] if len(sections) > 1 and _is_text(sections[-1]) else sections[:3]
    section = _section_for(number, numeric)
    if section is None or section.odd:
        return ShownNumber(_plain(number), "number-format", code)
    if not section.tokens:
        return ShownNumber(_plain(number), "invisible-text", f"the format {code!r} shows nothing")
    if section.letters.strip():
        return _day(number, section, code, date1904=date1904)
    shown = _number(abs(number) if number < 0 and len(numeric) > 1 else number, section, stored, code)
    return ShownNumber(shown.text, "invisible-text", "the format writes in white") if section.white else shown


def shown_text(text: str, code: str) -> ShownNumber:
    """Return what a spreadsheet shows for a text: formats may add to it, replace it or hide it."""
    sections = _sections(code)
    section = sections[-1] if _is_text(sections[-1]) else sections[3] if len(sections) > 3 else None
    if section is None or not text:
        return ShownNumber(text)
    parts = [text if (kind, sign) == ("sign", "@") else sign for kind, sign in section.tokens if kind != "letters"]
    result = "".join(parts)
    if not result.strip():
        return ShownNumber(text, "invisible-text", f"the format {code!r} shows nothing")
    if section.white:
        return ShownNumber(text, "invisible-text", "the format writes in white")
    return ShownNumber(text) if result.strip() == text.strip() else ShownNumber(result, "shown-as", text)


def is_short_integer(stored: str) -> bool:
    """Return whether a number is stored as an integer from zero that spreadsheets keep exactly, without more signs."""
    return (
        stored.isdigit() and stored.isascii() and len(stored) <= _EXACT_DIGITS and (stored[0] != "0" or stored == "0")
    )


def zeros_of(code: str) -> int | None:
    """Return how many digits a format shows at least, where it is made of nothing else: 0 of General.

    For such a format and `is_short_integer` what is shown is `stored.zfill(zeros_of(code))`.

    >>> zeros_of("0000"), zeros_of("General"), zeros_of("0.0")
    (4, 0, None)
    """
    sections = _sections(code)
    if len(sections) != 1 or sections[0].odd or sections[0].white:
        return None
    tokens = sections[0].tokens
    if len(tokens) == 1 and tokens[0][0] == "general":
        return 0
    return len(tokens) if tokens and all(token == ("sign", "0") for token in tokens) else None


def shows_any_text(code: str) -> bool:
    """Return whether `shown_text` of each text is that text, with nothing to say."""
    sections = _sections(code)
    if len(sections) == 1 and sections[0].tokens == (("sign", "@"),):
        return not sections[0].white
    return len(sections) < 4 and not _is_text(sections[-1])


def _is_text(section: _Section) -> bool:
    return ("sign", "@") in section.tokens


@lru_cache(maxsize=1024)
def _sections(code: str) -> tuple[_Section, ...]:
    if code.strip().casefold() in _GENERAL_ELSEWHERE:
        code = GENERAL
    sections: list[list[tuple[str, str]]] = [[]]
    flags = [[False, False]]
    for match in _TOKEN.finditer(code):
        kind, text = match.lastgroup or "", match[match.lastgroup or 0]
        if kind == "sign" and text == ";":
            sections.append([])
            flags.append([False, False])
        elif kind == "bracket":
            literal, odd = _bracket(text)
            flags[-1][0] |= _WHITE.fullmatch(text) is not None
            flags[-1][1] |= odd
            if literal:
                sections[-1].append(("literal", literal))
        elif kind in ("quoted", "escaped"):
            sections[-1].append(("literal", text.strip('"') if kind == "quoted" else text))
        elif kind == "space":
            sections[-1].append(("literal", " "))
        elif kind != "fill":
            flags[-1][1] |= kind == "scientific" or (kind == "letters" and text[0] in "gGeEbB")
            sections[-1].append((kind, text))
    return tuple(_Section(tuple(section), *marks) for section, marks in zip(sections, flags, strict=True))


def _bracket(text: str) -> tuple[str, bool]:
    """Return the literal in brackets, and whether this software cannot follow them."""
    if text.startswith("$"):
        literal, _, locale = text[1:].partition("-")
        # The last four digits are a language, which names months otherwise; those in front are digits and a calendar.
        return literal, len(locale.strip()) > 4 and locale.strip().upper() not in ("X-SYSDATE", "X-SYSTIME")
    return "", not (_COLOURS.fullmatch(text) or _WHITE.fullmatch(text))


def _section_for(number: Decimal, sections: tuple[_Section, ...]) -> _Section | None:
    if not sections:
        return None
    if len(sections) == 1:
        return sections[0]
    if number < 0:
        return sections[1]
    return sections[2] if number == 0 and len(sections) > 2 else sections[0]


def _plain(number: Decimal) -> str:
    text = format(number.normalize(), "f")
    return "0" if text == "-0" else text


def _day(number: Decimal, section: _Section, code: str, *, date1904: bool) -> ShownNumber:
    letters = section.letters.split()
    units = {letter[0] for letter in letters if len(letter) < 3 or letter[0] in "ym"}
    clock = bool(units & {"h", "s"})
    if not units & {"y", "d"} and (clock or "m" not in units):
        return ShownNumber(_plain(number), "number-format", f"a time of day, by the format {code!r}")
    first = 0 if date1904 else _FIRST_SAFE_DAY
    if not first <= number <= _LAST_DAY:
        return ShownNumber(_plain(number), "number-format", "it is shown as a day that spreadsheets cannot count")
    epoch = datetime(1904, 1, 1) if date1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - a day has no zone here
    try:
        instant = epoch + timedelta(seconds=int((number * 86400).to_integral_value(ROUND_HALF_UP)))
    except OverflowError:
        return ShownNumber(_plain(number), "number-format", "it is shown as a day that spreadsheets cannot count")
    day = instant.date().isoformat()
    if not {"y", "m", "d"} <= units:
        return ShownNumber(day, "partial-date", code)
    if instant.hour or instant.minute or instant.second:
        return (
            ShownNumber(instant.isoformat(sep=" "))
            if clock
            else ShownNumber(day, "time-hidden", instant.isoformat(sep=" "))
        )
    return ShownNumber(day)


def _number(number: Decimal, section: _Section, stored: str, code: str) -> ShownNumber:
    plain = _plain(number)
    digits = len(plain.lstrip("-").replace(".", ""))
    if number == number.to_integral_value() and digits > _EXACT_DIGITS:
        return ShownNumber(plain, "digits-lost", plain)
    signs = "".join(text for kind, text in section.tokens if kind in ("sign", "general"))
    if "@" in signs:
        return ShownNumber(plain)
    if "General" in signs or "general" in signs.casefold():
        text = "".join(plain if kind == "general" else text for kind, text in section.tokens)
        return ShownNumber(plain) if text.strip() == plain else ShownNumber(text.strip(), "shown-as", plain)
    if not re.search(r"[0#?]", signs):
        text = "".join(text for _, text in section.tokens).strip()
        return ShownNumber(text, "shown-as", plain) if text else ShownNumber(plain, "invisible-text", code)
    if "/" in signs or re.search(r"[0#?],+(?![0#?])", signs):  # fractions; thousands left away
        return ShownNumber(plain, "number-format", code)
    percent = signs.count("%")
    value = number * (Decimal(100) ** percent)
    after = signs.partition(".")[2]
    places = len(re.findall(r"[0#?]", after))
    rounded = abs(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = _laid_out(rounded, section.tokens, grouped=bool(re.search(r"[0#?],[0#?]", signs)))
    text = ("-" if value < 0 and rounded else "") + text.strip()
    if rounded != abs(value):
        return ShownNumber(text, "rounded", plain)
    return ShownNumber(plain) if text == plain else ShownNumber(text, "shown-as", plain)


def _laid_out(number: Decimal, tokens: tuple[tuple[str, str], ...], *, grouped: bool) -> str:
    """Return the digits of a number in the places that a format has for them."""
    whole, _, fraction = format(number, "f").partition(".")
    whole = whole.lstrip("0")
    point = next((at for at, token in enumerate(tokens) if token == ("sign", ".")), len(tokens))
    before: list[str] = []
    left = list(whole)
    places = [at for at in range(point) if tokens[at][0] == "sign" and tokens[at][1] in "0#?"]
    written = 0
    for at in range(point - 1, -1, -1):
        kind, text = tokens[at]
        if kind == "sign" and text in "0#?":
            taken = [left.pop()] if left else ["0"] if text == "0" else []
            if at == places[0]:
                while left:
                    taken.append(left.pop())
            for digit in taken:
                if grouped and written and written % 3 == 0:
                    before.append(",")
                before.append(digit)
                written += 1
        elif not (kind == "sign" and text == ","):
            before.append(text[::-1])
    after: list[str] = []
    digits = list(fraction)
    for kind, text in tokens[point:]:
        if kind == "sign" and text in "0#?":
            digit = digits.pop(0) if digits else "0"
            rest = any(letter != "0" for letter in [digit, *digits])
            after.append(digit if text == "0" or rest else "")
        else:
            after.append(text)
    return "".join(before)[::-1] + "".join(after)
