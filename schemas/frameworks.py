"""Qualifications frameworks and their levels, as data with sources.

A framework says nothing about how its levels compare with another's: that is a crosswalk, and crosswalks are
governance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.data_file import Source, data_file_names, parse_sources, read_json, reading
from wanderbuch.schemas.local_text import LocalText

EQF = "EQF"
EQF_LEVELS = range(1, 9)


class Measure(Enum):
    """What the levels of a framework are levels of."""

    QUALIFICATIONS = "qualifications"  # learning outcomes: EQF and what is compared with it
    EDUCATION = "education"  # programmes and attainment: ISCED
    LANGUAGES = "languages"  # proficiency in a language: CEFR; no EQF level follows from it


@dataclass(frozen=True, slots=True)
class Level:
    """A level of a framework.

    Args:
        code: as credentials write it: "4", "2.5", "B2".
        rank: 1 for the lowest level of the framework, then upwards.
        uri: the level's linked-data name, if it has one.
    """

    code: str
    rank: int
    label: LocalText
    uri: str | None


@dataclass(frozen=True, slots=True)
class Framework:
    """A qualifications framework.

    Args:
        code: canonical, such as "EQF" or "LK-NVQ".
        measures: what its levels are levels of.
        country: ISO 3166-1 alpha-3, None if it belongs to no one country.
        levels: level code -> level, from the lowest to the highest.
    """

    code: str
    label: LocalText
    measures: Measure
    country: str | None
    sources: tuple[Source, ...]
    levels: Mapping[str, Level]


@cache
def frameworks() -> Mapping[str, Framework]:
    """Return all known frameworks by code; read once."""
    loaded = (_load(name) for name in data_file_names(prefix="framework_", suffix=".json"))
    return MappingProxyType({framework.code: framework for framework in loaded})


def framework(code: str) -> Framework:
    """Return the framework `code`.

    Raises:
        CredentialError: it is not known.

    >>> framework("LK-NVQ").levels["4"].rank, framework("IN-NSQF").levels["4.5"].rank
    (4, 7)
    """
    try:
        return frameworks()[code]
    except KeyError:
        raise CredentialError(f"expected a framework ({', '.join(frameworks())}), found another text") from None


@cache
def level_codes(of: str | None) -> frozenset[str]:
    """Return the codes of the levels of one framework; for None of all: what a level may look like before it is known.

    >>> sorted(level_codes("CEFR"))
    ['A1', 'A2', 'B1', 'B2', 'C1', 'C2']
    """
    return frozenset(code for known in frameworks().values() if of in (None, known.code) for code in known.levels)


def _load(name: str) -> Framework:
    document = read_json(name)
    with reading(name):
        return Framework(
            code=document["code"],
            label=LocalText(document["label"]),
            measures=Measure(document["measures"]),
            country=document.get("country"),
            sources=parse_sources(document["sources"]),
            levels=MappingProxyType(_levels(document["levels"])),
        )


def _levels(documents: list[dict[str, Any]]) -> dict[str, Level]:
    levels = {
        document["code"]: Level(document["code"], rank, LocalText(document["label"]), document.get("uri"))
        for rank, document in enumerate(documents, start=1)
    }
    if len(levels) != len(documents):
        raise ValueError("expected each level once")
    return levels
