"""What occupation does a reader mean? By code, by title, or by words: of titles, or those of every day.

Words are looked for in the reader's language and in English; if neither knows them, in all languages, since people
write in their own on any page. For mistyped words there are suggestions to choose from, never an answer, and a draft
takes titles and codes only: no draft says what nobody wrote.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Final

from wanderbuch.agents.site.folding import words_of
from wanderbuch.schemas.local_text import DEFAULT_LANGUAGE
from wanderbuch.schemas.occupation_words import everyday_words
from wanderbuch.schemas.occupations import OccupationCode, isco08, nearest

MAX_SUGGESTIONS: Final = 25
_CODE: Final = re.compile(r"\s*[Cc]?([0-9]{1,4})\s*")
_CODE_BEHIND: Final = re.compile(r".*\((C[0-9]{1,4})\)\s*")
_MAX_ASKED: Final = 200
_MAX_MISTYPED: Final = 6  # words that are compared with all others
_ALIKE: Final = 0.8  # of difflib; "weldr" and "welders" are 0.83 alike
_ARTICLE: Final = "ال"  # of Arabic, written as one word with the noun

type _Labels = Sequence[tuple[str, tuple[frozenset[str], ...]]]
"""Codes, each with the words of each of its names."""


@dataclass(frozen=True, slots=True)
class Meant:
    """What a text may mean: one occupation, several to choose from, or none."""

    code: str | None
    choices: tuple[str, ...] = ()


def meant_by(text: str, language: str, *, with_everyday_words: bool = True) -> Meant:
    """Return the occupation that `text` means.

    Args:
        text: what was written.
        language: of the page.
        with_everyday_words: whether one of these is an answer too; without, it is a choice to be made.

    >>> meant_by("7212", "en").code, meant_by("Welders and flamecutters (C7212)", "en").code
    ('C7212', 'C7212')
    >>> meant_by("welders", "en").code, meant_by("C7299", "en").choices[0], meant_by("soldador", "es").code
    ('C7212', 'C7234', 'C7212')
    """
    asked = text[:_MAX_ASKED]
    match = _CODE.fullmatch(asked)
    code = f"C{match[1]}" if match else None
    if code is None and (behind := _CODE_BEHIND.fullmatch(asked)):
        code = behind[1]
    if code is not None:
        return Meant(code) if code in isco08().codes else Meant(None, nearest(code))
    wanted = [_bare(word) for word in words_of(asked)]
    if not wanted:
        return Meant(None)
    titles = _with_words(wanted, _titles(language))
    for everyday in (_everyday(language), _everyday(None)):
        called_so = [code for code, names in everyday if frozenset(wanted) in names]
        if len(called_so) == 1 and with_everyday_words:
            return Meant(called_so[0])
        words = _with_words(wanted, everyday)
        if choices := tuple(dict.fromkeys((*called_so, *titles, *words))):
            # A group with one member below it often has the same title: the finest then stands for all.
            finest = [
                code for code in choices if not any(other != code and other.startswith(code) for other in choices)
            ]
            is_one = len(finest) == 1 and (with_everyday_words or finest[0] in titles)
            return Meant(finest[0]) if is_one else Meant(None, choices[:MAX_SUGGESTIONS])
    for labels in ((*_titles(language), *_everyday(language)), _everyday(None)):
        if likely := _with_words(_spelt_right(wanted, labels), labels):
            return Meant(None, tuple(dict.fromkeys(likely))[:MAX_SUGGESTIONS])
    return Meant(None)


def _with_words(wanted: Sequence[str], labels: _Labels) -> list[str]:
    """Return the codes with a name in which each wanted word begins a word; none if nothing is wanted."""
    return [
        code
        for code, names in labels
        if wanted and any(all(any(known.startswith(word) for known in words) for word in wanted) for words in names)
    ]


def _spelt_right(wanted: Sequence[str], labels: _Labels) -> list[str]:
    """Return the words of names that mistyped words most likely mean; none if one of them means nothing."""
    if len(wanted) > _MAX_MISTYPED:
        return []
    known = sorted({word for _, names in labels for words in names for word in words})
    nearest_words = [get_close_matches(word, known, n=1, cutoff=_ALIKE) for word in wanted]
    return [nearest_word[0] for nearest_word in nearest_words] if all(nearest_words) else []


@cache
def _titles(language: str) -> _Labels:
    """Return the titles, those of the language and English together: a reader may mix both."""
    return [
        (OccupationCode(code), (frozenset(words_of(f"{title.by_language.get(language, '')} {title}")),))
        for code, title in isco08().codes.items()
    ]


@cache
def _everyday(language: str | None) -> _Labels:
    """Return the everyday words of a language and of English; of all languages for None."""
    wanted = everyday_words() if language is None else (language, DEFAULT_LANGUAGE)
    names: dict[str, list[frozenset[str]]] = {}
    for code, name in _names(wanted):
        names.setdefault(code, []).append(frozenset(map(_bare, words_of(name))))
    return [(OccupationCode(code), tuple(listed)) for code, listed in sorted(names.items())]


def _names(languages: Iterable[str]) -> Iterator[tuple[str, str]]:
    for language in languages:
        for code, names in everyday_words().get(language, {}).items():
            for name in names:
                yield code, name


def _bare(word: str) -> str:
    """Return a word without the article that Arabic writes in front of it.

    >>> _bare("اللحام") == "لحام"
    True
    """
    return word.removeprefix(_ARTICLE) if len(word) > len(_ARTICLE) + 2 else word
