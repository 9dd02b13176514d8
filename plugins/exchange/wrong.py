"""What is wrong in an offer, as a wallet says it: a problem report that declines, with what is wrong in its items.

The code is `issuance-abandoned`, as of every decline, so any issuer understands that much (Aries RFC 0453). What is
wrong are `problem_items` (Aries RFC 0035), each `{"wrong": "name"}` or another word of `WrongPart`.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from wanderbuch.plugins.exchange.reports import ProblemReport

_NAME: Final = "wrong"


class WrongPart(StrEnum):
    """What is wrong."""

    NAME = "name"
    BIRTH = "birth"  # the date of birth
    LEVEL = "level"  # or the occupation
    DATE = "date"  # another one than that of birth
    MINE = "mine"  # it is not for this holder
    OTHER = "other"

    @property
    def words(self) -> str:
        """Return it as an issuer reads it, in English."""
        return _SAID[self]


_SAID: Final = {
    WrongPart.NAME: "the name",
    WrongPart.BIRTH: "the date of birth",
    WrongPart.LEVEL: "the occupation or the level",
    WrongPart.DATE: "another date",
    WrongPart.MINE: "it is not for this holder",
    WrongPart.OTHER: "something else",
}


def items_of(parts: Iterable[WrongPart]) -> tuple[tuple[str, str], ...]:
    """Return the items of a problem report that says that these are wrong."""
    return tuple((_NAME, part.value) for part in parts)


def parts_of(report: ProblemReport) -> tuple[WrongPart, ...]:
    """Return what a problem report says is wrong, each once; nothing: it is another problem."""
    told = {_part(value) for name, value in report.items if name == _NAME}
    return tuple(part for part in WrongPart if part in told)


def _part(word: str) -> WrongPart:
    try:
        return WrongPart(word)
    except ValueError:  # a word of later times
        return WrongPart.OTHER
