"""The sentences of the pages, as gettext keeps them: a template in English, and a catalogue for each other language.

In the folder `catalogues` of a package:

- `messages.pot` has every sentence in English (`msgid`) under the key that templates and code use (`msgctxt`), with the
  comments for translators (`#.`);
- `<language>.po` has the same keys with the same English and the translation (`msgstr`). Its `Plural-Forms` says how
  many forms the language has for a number, and which number takes which. A language of workers alone
  (`languages.FOR_WORKERS`) has one in the packages of their pages.

Both are read as they are, without a compile step; the tools of translators (Poedit, Weblate, msgmerge) write them.
What has no translation yet, or one that is marked `fuzzy`, is shown in English.
"""

import gettext
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import polib

ENGLISH: Final = "en"
COUNT: Final = "count"
"""The placeholder whose number chooses the form of a sentence that has several."""
TEMPLATE: Final = "messages.pot"
_PLURAL_FORMS: Final = re.compile(r"nplurals\s*=\s*([1-9])\s*;\s*plural\s*=\s*([^;]+);?")

type FormOf = Callable[[int], int]
"""Takes a number, gives which form of a sentence it takes."""


def english_form_of(number: int) -> int:
    """Return which of the two forms English takes for a number."""
    return 0 if number == 1 else 1


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in one language.

    Args:
        forms: one, or one for each kind of number that the language tells apart.
        form_of: which form a number takes.
    """

    forms: tuple[str, ...]
    form_of: FormOf = english_form_of

    def text(self, values: Mapping[str, object]) -> str:
        """Return the form that suits the values; its placeholders are not filled in yet."""
        if len(self.forms) == 1:
            return self.forms[0]
        number = values[COUNT]
        if not isinstance(number, int):
            raise TypeError(f"expected a whole number as {COUNT}, found {type(number).__name__}")
        return self.forms[self.form_of(number)]


class Catalogues:
    """The sentences of the site and of a role.

    Args:
        packages: each with a folder of catalogues; a later one may say in its own words what an earlier one says.
    """

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = tuple(packages)
        self._known: dict[str, Mapping[str, Sentence]] = {}

    def sentences(self, tag: str) -> Mapping[str, Sentence]:
        """Return the sentences of a language by key."""
        if tag not in self._known:
            self._known[tag] = {key: one for package in self._packages for key, one in catalogue(package, tag).items()}
        return self._known[tag]


@cache
def catalogue(package: str, tag: str) -> Mapping[str, Sentence]:
    """Return the sentences of one package in a language by key."""
    template = template_of(package)
    english = {str(entry.msgctxt): Sentence(_english_forms(entry)) for entry in template}
    if tag == ENGLISH or not has_translation(package, tag):
        return english
    translated = _translated(translation_of(package, tag))
    return {key: translated.get(key, sentence) for key, sentence in english.items()}


def template_of(package: str) -> polib.POFile:
    """Return the sentences of one package in English, with the comments for translators."""
    return _read(package, TEMPLATE)


def translation_of(package: str, tag: str) -> polib.POFile:
    """Return the catalogue of one package in a language that is not English."""
    return _read(package, f"{tag}.po")


def has_translation(package: str, tag: str) -> bool:
    """Return whether a package has a catalogue of a language that is not English."""
    return resources.files(package).joinpath("catalogues", f"{tag}.po").is_file()


def form_of(translation: polib.POFile) -> tuple[int, FormOf]:
    """Return how many forms a catalogue's language has, and which number takes which.

    Raises:
        ValueError: its header does not say it.
    """
    rule = _PLURAL_FORMS.fullmatch(translation.metadata.get("Plural-Forms", "").strip())
    if rule is None:
        raise ValueError(f"{translation.fpath}: expected Plural-Forms in the header")
    return int(rule[1]), gettext.c2py(rule[2])


def _read(package: str, name: str) -> polib.POFile:
    with resources.as_file(resources.files(package).joinpath("catalogues", name)) as path:
        return polib.pofile(str(path), encoding="utf-8")


def _translated(translation: polib.POFile) -> Mapping[str, Sentence]:
    _, rule = form_of(translation)
    return {str(entry.msgctxt): Sentence(_forms(entry), rule) for entry in translation.translated_entries()}


def _english_forms(entry: polib.POEntry) -> tuple[str, ...]:
    return (entry.msgid, entry.msgid_plural) if entry.msgid_plural else (entry.msgid,)


def _forms(entry: polib.POEntry) -> tuple[str, ...]:
    if not entry.msgid_plural:
        return (entry.msgstr,)
    return tuple(form for _, form in sorted(entry.msgstr_plural.items()))
