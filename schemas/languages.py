"""Languages that a credential may be about: ISO 639-3, the living languages that also have a code of two letters."""

import difflib
from typing import Final

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.code_list import CodeList, load_code_list
from wanderbuch.schemas.frameworks import framework
from wanderbuch.schemas.local_text import DEFAULT_LANGUAGE
from wanderbuch.schemas.occupation_titles import label_words, words_of

CEFR: Final = "CEFR"  # the one framework of levels for languages


def iso639() -> CodeList:
    """Return the languages, sorted by code."""
    return load_code_list("iso639")


def is_language(code: object) -> bool:
    """Return whether `code` is a language as credentials and governance files write it; no occupation is one.

    >>> is_language("mlt"), is_language("MLT"), is_language("C7212")
    (True, False, False)
    """
    return isinstance(code, str) and code in iso639().codes


def cefr_rank(level: str) -> int:
    """Return 1 for A1 to 6 for C2, 0 for anything else.

    >>> cefr_rank("A1"), cefr_rank("C2"), cefr_rank("4")
    (1, 6, 0)
    """
    known = framework(CEFR).levels.get(level)
    return 0 if known is None else known.rank


def language_name(code: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Return the name of a language in another one, in English if that is not there.

    >>> language_name("mlt", "fr")
    'maltais'
    """
    return iso639().codes[code].in_language(language)


def find_language(text: str) -> str:
    """Return the code of a language that is named by its code or, in one of our languages, by its name.

    Raises:
        CredentialError: it is none, or several; the hint names what may have been meant.

    >>> find_language("mlt"), find_language("Maltese"), find_language("maltais"), find_language("المالطية")
    ('mlt', 'mlt', 'mlt', 'mlt')
    """
    code = text.strip().lower()
    if code in iso639().codes:
        return code
    wanted = words_of(text[:_MAX_ASKED])
    names = {label_words(name): code for code, label in iso639().codes.items() for name in label.by_language.values()}
    called = [
        code
        for code, label in iso639().codes.items()
        if any(label_words(name) == wanted for name in label.by_language.values())
    ]
    if len(called) == 1:
        return called[0]
    near = called or [
        names[tuple(words.split())] for words in difflib.get_close_matches(" ".join(wanted), map(" ".join, names), n=3)
    ]
    meant = "; ".join(f"{code} {language_name(code)}" for code in dict.fromkeys(near))
    raise CredentialError(
        f"expected a language, found {text[:60]!r}",
        hint=f"is it one of these? {meant}" if meant else "write its name, or three small letters of ISO 639-3: mlt",
    )


_MAX_ASKED: Final = 100
