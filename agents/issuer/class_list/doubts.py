"""What a person is asked about rows of a class list that could be read: it may be meant, and no certificate is edited.

1. Nobody is without given names because a cell was left empty.
2. A mark, a figure, a title or a remark in a name is seldom what a passport has.
3. A number without a digit ("to follow") is none.
4. Numbers that differ in zeros at the beginning alone are often one that a spreadsheet has shortened.
"""

import re
from collections.abc import Mapping
from typing import Final

from wanderbuch.governance.lists.statuses import folded

NO_GIVEN_NAMES: Final = "no-given-names"
NAME_REMARKS: Final = "name-remarks"
ODD_NUMBERS: Final = "odd-numbers"
NEAR_NUMBERS: Final = "near-numbers"

# What stands before names in registers, in the languages of our pages, and in no passport.
_TITLES: Final = (
    "mr", "mrs", "ms", "miss", "mstr", "dr", "prof", "rev", "ven", "mme", "mlle", "sr", "sra", "srta",
    "السيد", "السيدة", "الآنسة", "මහතා", "මහත්මිය", "මෙනවිය", "திரு", "திருமதி", "செல்வி",
)  # fmt: skip
_TITLE: Final = re.compile(rf"(?:{'|'.join(_TITLES)})(?:\.\s*|\s+)(?=\S)", re.IGNORECASE)
# A mark, a bracket or the like; a digit within a word; not the "s/o" (son of) of names in Malaysia and Singapore.
_STRANGE: Final = re.compile(
    r"[*†‡§#@<>=|\\&+^~_\"“”()\[\]{}!:;,¹²³⁴⁵⁶⁷⁸⁹⁰]|\.{2,}|(?<=[^\W\d_])\d+(?=[^\W\d_])|(?<!\b[sdwabSDWAB])/|/(?![olpOLP]\b)"
)
_ZEROS: Final = re.compile(r"(?<!\d)0+(?=\d)")


def remark_in(name: str) -> str | None:
    """Return what stands in a name and is seldom part of one.

    >>> remark_in("Silva*"), remark_in("Dr. Kamala"), remark_in("O’Brien-Fernando"), remark_in("M. R.")
    ('*', 'Dr.', None, None)
    """
    if (sign := _STRANGE.search(name)) is not None:
        return sign[0]
    title = _TITLE.match(name)
    return None if title is None else title[0].strip()


def has_no_digit(number: str) -> bool:
    """Return whether a number holds no digit of any script."""
    return not any(letter.isdigit() for letter in number)


def without_zeros(number: str) -> str:
    """Return a number as a spreadsheet shortens it.

    >>> without_zeros("W/0034") == without_zeros("W/34"), without_zeros("100") == without_zeros("1")
    (True, False)
    """
    digits = "".join(str(int(letter)) if letter.isdecimal() else letter for letter in number)
    return folded(_ZEROS.sub("", digits))


def doubts_about(
    claim: Mapping[str, str], *, family: str, given: str, absent: str | None
) -> list[tuple[str, str, str]]:
    """Return question, attribute and message of what is asked about a row (1, 2).

    Args:
        claim: what its cells hold.
        family: the attribute of the family name.
        given: that of the given names.
        absent: how a claim says that there are no given names.
    """
    asked: list[tuple[str, str, str]] = []
    if claim.get(family) and claim.get(given) in (None, "", absent):
        asked.append((NO_GIVEN_NAMES, given, f"found no given names beside {claim[family][:60]!r}: are there none?"))
    for name in (family, given):
        text = claim.get(name, "")
        if (remark := remark_in(text)) is not None:
            asked.append((NAME_REMARKS, name, f"found {remark!r} in {text[:60]!r}: does it belong to the name?"))
    return asked
