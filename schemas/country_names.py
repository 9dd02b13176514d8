"""A country as people write it: its code, or one of its names in the languages we have."""

import csv
import difflib
import unicodedata
from collections.abc import Mapping
from functools import cache
from io import StringIO

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.countries import iso3166
from wanderbuch.schemas.data_file import read_text, reading

_TABLE = "country_names.csv"
_SIGNS = " .,-–&()'’‘ʼ`´"  # that names of countries are written with; a footnote's mark is none of them


def find_country(text: str) -> str:
    """Return the ISO 3166-1 alpha-3 code of a country that is named by a code (two or three letters) or by its name.

    Raises:
        CredentialError: it is none, or several; the hint names what may have been meant.

    >>> find_country("LKA"), find_country("Sri Lanka"), find_country("uk"), find_country("Côte d’Ivoire")
    ('LKA', 'LKA', 'GBR', 'CIV')
    """
    code = unicodedata.normalize("NFKC", text).strip().upper()
    if code in iso3166().codes:
        return code
    marked = any(unicodedata.category(letter)[0] in "PS" and letter not in _SIGNS for letter in text)
    codes = () if marked else _codes().get(_folded(text), ())
    if len(codes) == 1:
        return codes[0]
    if codes:
        raise CredentialError(
            f"found {text[:60]!r}, which is the name of {' and '.join(codes)}", hint="write three capitals, such as LKA"
        )
    near = difflib.get_close_matches(_folded(text), _codes(), n=1, cutoff=0.8)
    meant = f"; {iso3166().codes[_codes()[near[0]][0]]} is {_codes()[near[0]][0]}" if near else ""
    raise CredentialError(
        f"expected a country, found {text[:60]!r}", hint=f"write its name, or three capitals, such as LKA{meant}"
    )


@cache
def _codes() -> Mapping[str, tuple[str, ...]]:
    by_name: dict[str, dict[str, None]] = {}
    for code, label in iso3166().codes.items():
        for name in label.by_language.values():
            by_name.setdefault(_folded(name), {})[code] = None
    with reading(_TABLE):
        for row in csv.DictReader(StringIO(read_text(_TABLE)), strict=True):
            for name in (row["alpha2"], *row["other"].split(";")):
                if name.strip():
                    by_name.setdefault(_folded(name), {})[row["code"]] = None
    return {name: tuple(codes) for name, codes in by_name.items()}


def _folded(text: str) -> str:
    """Return a name without capitals, signs and the accents of Latin letters; marks of other scripts stay."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()).replace("&", " and ")
    kept = (
        letter for letter in plain if unicodedata.category(letter)[0] in "LMN" and not "\u0300" <= letter <= "\u036f"
    )
    return unicodedata.normalize("NFC", "".join(kept))
