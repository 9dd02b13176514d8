"""Everyday words for occupations: what people call their work, in six languages, where titles say it otherwise.

The titles of ISCO-08 and ESCO that come with the package are English, and a nurse does not look for "nursing
professionals". `data/occupation_words.csv` was written for this project and is no part of either classification: it
leads from a word to a code, and nothing is decided or shown by it. It covers the work that people most often take
across borders, not every code. What a word may mean in several ways has several codes, and is listed, never guessed.
"""

import csv
import io
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

_TABLE: Final = "occupation_words.csv"
_BETWEEN: Final = ";"


@cache
def everyday_words() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Return the words by language and code.

    >>> everyday_words()["es"]["C7212"][0], everyday_words()["en"]["C2221"][0]
    ('soldador', 'nurse')
    """
    text = resources.files("wanderbuch.schemas.data").joinpath(_TABLE).read_text("utf-8")
    words: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        code = row.pop("code")
        for language, listed in row.items():
            if listed:
                words.setdefault(language, {})[code] = tuple(listed.split(_BETWEEN))
    return MappingProxyType(words)
