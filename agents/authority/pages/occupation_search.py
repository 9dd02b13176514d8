"""What occupation does a reader mean? By code, by title, or by words of the title in their language or in English."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from wanderbuch.agents.authority.pages.search import words_of
from wanderbuch.schemas.occupations import OccupationCode, isco08, nearest

MAX_SUGGESTIONS: Final = 25
_CODE: Final = re.compile(r"\s*[Cc]?([0-9]{1,4})\s*")
_CODE_BEHIND: Final = re.compile(r".*\((C[0-9]{1,4})\)\s*")
_MAX_ASKED: Final = 200


@dataclass(frozen=True, slots=True)
class Meant:
    """What a text may mean: one occupation, several to choose from, or none."""

    code: str | None
    choices: tuple[str, ...] = ()


def meant_by(text: str, language: str) -> Meant:
    """Return the occupation that `text` means.

    >>> meant_by("7212", "en").code, meant_by("Welders and flamecutters (C7212)", "en").code
    ('C7212', 'C7212')
    >>> meant_by("welders", "en").code, meant_by("C7299", "en").choices[0]
    ('C7212', 'C7234')
    """
    asked = text[:_MAX_ASKED]
    found = _CODE.fullmatch(asked)
    code = f"C{found[1]}" if found else None
    if code is None and (behind := _CODE_BEHIND.fullmatch(asked)):
        code = behind[1]
    if code is not None:
        return Meant(code) if code in isco08().codes else Meant(None, nearest(code))
    wanted = words_of(asked)
    if not wanted:
        return Meant(None)
    choices = [
        code
        for code, words in _titles(language)
        if all(any(each.startswith(word) for each in words) for word in wanted)
    ]
    # A group with one member below it often has the same title: the finest then stands for all.
    finest = [code for code in choices if not any(other != code and other.startswith(code) for other in choices)]
    if len(finest) == 1:
        return Meant(finest[0])
    return Meant(None, tuple(choices[:MAX_SUGGESTIONS]))


@cache
def _titles(language: str) -> tuple[tuple[str, frozenset[str]], ...]:
    titles = []
    for code, title in isco08().codes.items():
        own = title.by_language.get(language, "")
        titles.append((OccupationCode(code), frozenset(words_of(f"{own} {title}"))))
    return tuple(titles)
