"""The languages of the pages: catalogues of sentences, dates, country names, and which language a reader wants.

A catalogue is a JSON file of `key: sentence`; a sentence may hold placeholders such as `{date}`. Every language has the
same keys with the same placeholders (a test holds it), so that no reader meets a gap.
"""

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib import resources
from typing import Final

from markupsafe import Markup, escape

from wanderbuch.governance.spans import OPEN_END
from wanderbuch.schemas.countries import country_name, is_country
from wanderbuch.schemas.frameworks import framework, frameworks
from wanderbuch.schemas.occupations import OccupationCode, isco08

_FOLDER: Final = "wanderbuch.agents.authority.pages.catalogues"
_RANGE: Final = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]{1,32})?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*")


@dataclass(frozen=True, slots=True)
class Language:
    """One language of the pages: BCP 47 tag, its own name, and the direction of its script."""

    tag: str
    name: str
    direction: str = "ltr"


LANGUAGES: Final[Mapping[str, Language]] = {
    each.tag: each
    for each in (
        Language("en", "English"),
        Language("si", "සිංහල"),
        Language("ta", "தமிழ்"),
        Language("ar", "العربية", "rtl"),
        Language("fr", "Français"),
        Language("es", "Español"),
    )
}
FALLBACK: Final = LANGUAGES["en"]


@cache
def catalogue(tag: str) -> Mapping[str, str]:
    """Return the sentences of a language by key."""
    text = (resources.files(_FOLDER) / f"{tag}.json").read_text("utf-8")
    sentences: dict[str, str] = json.loads(text)
    return sentences


def negotiated(accept_language: str) -> Language:
    """Return the language that suits an `Accept-Language` header best (RFC 9110 §12.5.4).

    >>> negotiated("de, ta-LK;q=0.8, en;q=0.5").tag
    'ta'
    """
    ranges = (_RANGE.fullmatch(part) for part in accept_language[:1000].split(","))
    wishes = [(float(found[2] or 1), found[1].lower()) for found in ranges if found]
    for quality, tag in sorted(wishes, key=lambda wish: -wish[0]):
        if quality > 0 and tag in LANGUAGES:
            return LANGUAGES[tag]
    return FALLBACK


class Words:
    """Everything the pages say in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._sentences = catalogue(language.tag)

    def __call__(self, key: str, **values: object) -> Markup:
        """Return the sentence `key` as safe HTML; every value is escaped unless it is markup already."""
        return escape(self._sentences[key]).format(**values)

    def date(self, day: date) -> Markup:
        """Return a day as people write it here, in a `<time>` element."""
        if day == OPEN_END:
            return self("date.open")
        text = self("date.pattern", day=day.day, month=self._sentences[f"month.{day.month}"], year=day.year)
        return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), text)

    def instant(self, at: datetime) -> Markup:
        """Return an instant in UTC to the minute, in a `<time>` element."""
        utc = at.astimezone(UTC)
        text = self(
            "date.instant",
            date=self("date.pattern", day=utc.day, month=self._sentences[f"month.{utc.month}"], year=utc.year),
            time=f"{utc:%H:%M}",
        )
        return Markup('<time datetime="{}">{}</time>').format(utc.isoformat(timespec="seconds"), text)

    def country(self, code: str) -> Markup:
        """Return the name of a country; in English, and marked as such, where this language has none."""
        if self.language is not FALLBACK and (own := _countries(self.language.tag).get(code)):
            return escape(own)
        return self._english(country_name(code) if is_country(code) else code)

    def occupation(self, code: str) -> Markup:
        """Return the title of an occupation, as `country` does."""
        if code not in isco08().codes:
            return self._english(code)
        titles = isco08().codes[code].by_language
        own = titles.get(self.language.tag)
        return escape(own) if own else self._english(OccupationCode.parse(code).label())

    def framework(self, code: str) -> Markup:
        """Return the name of a qualifications framework, as `country` does."""
        if code not in frameworks():
            return self._english(code)
        names = framework(code).label.by_language
        own = names.get(self.language.tag)
        return escape(own) if own else self._english(str(framework(code).label))

    def action(self, name: str) -> Markup:
        """Return what an entry of the history is about; a word nobody knows here as it stands."""
        key = f"action.{name}"
        return self(key) if key in self._sentences else self._english(name)

    def step(self, name: str) -> Markup:
        """Return what was done with a draft, as `action` does."""
        key = f"step.{name}"
        return self(key) if key in self._sentences else self.action(name)

    def _english(self, text: str) -> Markup:
        return english(text) if self.language is not FALLBACK else escape(text)


def english(text: str) -> Markup:
    """Return an English text marked as such, so that a screen reader pronounces it well."""
    return Markup('<span lang="en" dir="ltr">{}</span>').format(text)


@cache
def _countries(tag: str) -> Mapping[str, str]:
    table = csv.DictReader(io.StringIO((resources.files(_FOLDER) / "countries.csv").read_text("utf-8")))
    return {row["code"]: row[tag] for row in table if row.get(tag)}
