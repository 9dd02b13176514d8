"""Occupations: ISCO-08 (ILO), complete, its codes written as ESCO writes them.

A code is "C" and one to four digits; each further digit narrows the group, so the tree is one of prefixes:
C7 craft workers -> C72 metal trades -> C721 -> C7212 welders and flame cutters. The letter keeps codes from being
read as numbers: bare "011" (armed forces) and "11" (chief executives) are the same integer to AnonCreds.
"""

import re
import unicodedata
from functools import cache
from typing import Self, TypeGuard

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.code_list import CodeList, load_code_list
from wanderbuch.schemas.local_text import DEFAULT_LANGUAGE

UNIT_GROUP_DIGITS = 4
ESCO_URI_PREFIX = "http://data.europa.eu/esco/isco/"
_FORM = re.compile(r"C[0-9]{1,4}")
_LOOSE_FORM = re.compile(r"C?([0-9]{1,8})")  # what people write: without the letter, with too many digits
_MAX_SUGGESTIONS = 3
_MAX_LENGTH = 32


class OccupationCode(str):
    """A code of ISCO-08 that exists, in canonical form.

    >>> welder = OccupationCode.parse("C7212")
    >>> welder.label(), welder.is_within(OccupationCode.parse("C72")), welder.is_unit_group
    ('Welders and flamecutters', True, True)
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> Self:
        """Return `text` as an occupation code.

        Raises:
            CredentialError: it is not in canonical form, or ISCO-08 has no such code.
        """
        if not isinstance(text, str) or not _FORM.fullmatch(text):
            raise CredentialError(
                f"expected an ISCO-08 code such as C7212, found {_kind_of(text)}",
                hint=f"write C and one to four digits, as ESCO does{_or_nearest(text)}",
            )
        if text not in isco08().codes:
            raise CredentialError(
                "expected a code of ISCO-08, found one in the right form that it does not have",
                hint=suggestion(text),
            )
        return cls(text)

    @property
    def is_unit_group(self) -> bool:
        """Whether this is the finest group, with four digits: what a qualification names."""
        return len(self) == 1 + UNIT_GROUP_DIGITS

    @property
    def parent(self) -> Self | None:
        """The group one step wider; None for a major group."""
        return type(self)(self[:-1]) if len(self) > 2 else None

    @property
    def children(self) -> tuple[Self, ...]:
        """The groups one step narrower, in order."""
        return tuple(type(self)(code) for code in _children().get(self, ()))

    @property
    def path(self) -> tuple[Self, ...]:
        """The groups from the major group down to this one."""
        return tuple(type(self)(self[:end]) for end in range(2, len(self) + 1))

    @property
    def uri(self) -> str:
        """The group's URI in ESCO's linked data."""
        return ESCO_URI_PREFIX + self

    def is_within(self, group: "OccupationCode") -> bool:
        """Return whether this is `group` itself or lies below it."""
        return self.startswith(group)

    def label(self, language: str = DEFAULT_LANGUAGE) -> str:
        """Return the group's title, in English if `language` is not there."""
        return isco08().codes[self].in_language(language)


def isco08() -> CodeList:
    """Return the whole classification: 619 codes from C0 to C9629, sorted."""
    return load_code_list("isco08")


@cache
def unit_groups() -> tuple[OccupationCode, ...]:
    """Return the 436 unit groups."""
    return tuple(code for code in map(OccupationCode, isco08().codes) if code.is_unit_group)


@cache
def unit_group_codes() -> frozenset[str]:
    """Return the codes of the unit groups, to ask quickly whether a code is one."""
    return frozenset(unit_groups())


def nearest(text: object) -> tuple[OccupationCode, ...]:
    """Return the codes that exist and come nearest to what somebody wrote, the nearest first; none for other texts.

    Bare digits may have lost a leading zero, so both readings are named. Of a code that does not exist, those of the
    same length in the narrowest group that does come first.

    >>> [str(code) for code in nearest("C7299")], [str(code) for code in nearest("110")], nearest("welder")
    (['C7234', 'C7233', 'C7232'], ['C0110'], ())
    """
    match = _LOOSE_FORM.fullmatch(unicodedata.normalize("NFKC", text).strip().upper()) if _is_short(text) else None
    if match is None:
        return ()
    codes, digits = isco08().codes, match[1]
    exact = [f"C{zero}{digits}" for zero in ("", "0") if f"C{zero}{digits}" in codes]
    if exact:
        return tuple(map(OccupationCode, exact))
    digits = digits[:UNIT_GROUP_DIGITS]
    group = next(f"C{digits[:end]}" for end in range(len(digits), 0, -1) if f"C{digits[:end]}" in codes)
    alike = [code for code in codes if code.startswith(group) and len(code) == len(digits) + 1]
    alike.sort(key=lambda code: (abs(int(code[1:]) - int(digits)), code))
    return tuple(map(OccupationCode, alike[:_MAX_SUGGESTIONS]))


def suggestion(text: object) -> str:
    """Return what to do about a code that does not exist, as a clerk reads it."""
    suggestions = ", ".join(f"{code} ({code.label()})" for code in nearest(text))
    return f"look it up in ISCO-08; the nearest: {suggestions}" if suggestions else "look it up in ISCO-08"


@cache
def major_groups() -> tuple[OccupationCode, ...]:
    """Return the ten major groups: the roots of the tree."""
    return tuple(code for code in map(OccupationCode, isco08().codes) if code.parent is None)


@cache
def _children() -> dict[str, list[str]]:
    children: dict[str, list[str]] = {}
    for code in isco08().codes:
        children.setdefault(code[:-1], []).append(code)
    return children


def _is_short(text: object) -> TypeGuard[str]:
    return isinstance(text, str) and len(text) <= _MAX_LENGTH


def _or_nearest(text: object) -> str:
    suggestions = ", ".join(f"{code} ({code.label()})" for code in nearest(text))
    return f", such as {suggestions}" if suggestions else ""


def _kind_of(text: object) -> str:
    if not isinstance(text, str):
        return f"a value that is not text ({type(text).__name__})"
    if text.isdecimal():
        return "bare digits"
    if _FORM.fullmatch(text.strip().upper()):
        return "a code with spaces around it or a small letter"
    return "a text in another form"
