"""Occupations as people name them: by code, title, or words of it. What may mean several is listed, never guessed."""

import difflib
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Final

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.local_text import LocalText
from wanderbuch.schemas.occupation_words import everyday_words
from wanderbuch.schemas.occupations import OccupationCode, isco08

_MAX_LISTED: Final = 12
_MAX_ASKED: Final = 200
_ALIKE: Final = 0.75  # of difflib: "weldr" is like "welders"
_CODE_LETTERS: Final = frozenset("Cc0123456789 ")


def find_occupation(text: str) -> OccupationCode:
    """Return the occupation that `text` is: an ISCO-08 code, its title, an everyday word, words that one title has.

    An everyday word is a name: one that means one occupation is that, whatever titles have words that begin so.

    Raises:
        CredentialError: it is none, or may be several; the hint names them.

    >>> find_occupation("C7212"), find_occupation("welders and flamecutters"), find_occupation("flame weld")
    ('C7212', 'C7212', 'C7212')
    >>> find_occupation("welder"), find_occupation("soudeur")
    ('C7212', 'C7212')
    >>> find_occupation("weldr")
    Traceback (most recent call last):
        ...
    wanderbuch.errors.CredentialError: expected an occupation, found 'weldr', which no title of ISCO-08 has
    """
    if _CODE_LETTERS.issuperset(text):
        return OccupationCode.parse(text)
    wanted = words_of(text)
    choices = [code for code in isco08().codes if wanted in _word_sets(code)]
    names = called(text)
    choices = choices or list(names[:1] if len(names) == 1 else with_words(isco08().codes, text) or names)
    if choices and all(choices[-1].startswith(code) and _title(code) == _title(choices[-1]) for code in choices):
        return OccupationCode(choices[-1])  # a group with one member has its title: the finest stands for all
    if choices:
        raise CredentialError(
            f"expected one occupation, found {text[:60]!r}, which may be {len(choices)} of ISCO-08",
            hint=f"say which: {_listed(tuple(choices))}",
        )
    near = alike(isco08().codes, text)
    raise CredentialError(
        f"expected an occupation, found {text[:60]!r}, which no title of ISCO-08 has",
        hint=f"is it one of these? {_listed(near)}" if near else "write a code such as C7212, or words of its title",
    )


def with_words(titles: Mapping[str, LocalText], text: str) -> tuple[str, ...]:
    """Return the codes whose title, in one of its languages, has for each word of `text` one that begins with it.

    >>> with_words(isco08().codes, "weld")
    ('C721', 'C7212')
    """
    wanted = words_of(text[:_MAX_ASKED])
    if not wanted:
        return ()
    return tuple(
        code
        for code, title in titles.items()
        if any(
            all(any(word.startswith(beginning) for word in label_words(label)) for beginning in wanted)
            for label in title.by_language.values()
        )
    )


def called(text: str) -> tuple[str, ...]:
    """Return the codes of what people call so in everyday words of any language, in their order.

    >>> called("soldador"), called("plombier")
    (('C7212',), ('C7126',))
    """
    wanted = words_of(text[:_MAX_ASKED])
    names = [(code, name) for by_code in everyday_words().values() for code, words in by_code.items() for name in words]
    return tuple(sorted({code for code, name in names if wanted and label_words(name) == wanted}))


def alike(titles: Mapping[str, LocalText], text: str) -> tuple[str, ...]:
    """Return the codes whose title has for each word of `text` one that is spelt alike; for when none has the words.

    >>> alike(isco08().codes, "weldr")
    ('C721', 'C7212')
    """
    known = {word for title in titles.values() for label in title.by_language.values() for word in label_words(label)}
    meant = [difflib.get_close_matches(word, known, cutoff=_ALIKE) for word in words_of(text[:_MAX_ASKED])]
    if not meant or not all(meant):
        return ()
    return tuple(
        code
        for code, title in titles.items()
        if any(
            all(any(word in label_words(label) for word in words) for words in meant)
            for label in title.by_language.values()
        )
    )


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, small, without the accents of Latin letters; marks of other scripts stay.

    Nothing is kept of it: it may be somebody's name, or whatever a stranger writes.

    >>> words_of("Ships' deck crews, École")
    ('ships', 'deck', 'crews', 'ecole')
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    # Joiners and marks of direction are no signs between words; one issuer writes them, and another does not.
    kept = "".join(
        letter for letter in plain if not "\u0300" <= letter <= "\u036f" and unicodedata.category(letter) != "Cf"
    )
    return tuple("".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in kept).split())


@cache
def label_words(label: str) -> tuple[str, ...]:
    """Return the words of a label of a code list: there are so many, and they are compared with all that is asked."""
    return words_of(label)


def _word_sets(code: str) -> tuple[tuple[str, ...], ...]:
    return tuple(label_words(label) for label in isco08().codes[code].by_language.values())


def _title(code: str) -> tuple[str, ...]:
    return label_words(isco08().codes[code].in_language("en"))


def _listed(codes: tuple[str, ...]) -> str:
    named = "; ".join(f"{code} {isco08().codes[code]}" for code in codes[:_MAX_LISTED])
    return f"{named}; and {len(codes) - _MAX_LISTED} more" if len(codes) > _MAX_LISTED else named
