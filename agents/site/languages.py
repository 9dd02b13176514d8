"""The languages of the pages: dates, names of countries and occupations, and which language a reader wants.

Another language is a line here, its tag in `LanguageTag`, and a catalogue in each package with pages (`sentences`); a
test says what is missing. One of workers alone is a line in `FOR_WORKERS`, and a catalogue in each package of theirs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Final, Literal, Protocol

from markupsafe import Markup, escape

from wanderbuch.agents.site.numbers import count_text
from wanderbuch.agents.site.sentences import ENGLISH, Sentence
from wanderbuch.errors import CredentialError
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.schemas.countries import country_name, is_country, iso3166
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.schemas.frameworks import framework, frameworks
from wanderbuch.schemas.languages import is_language, iso639
from wanderbuch.schemas.local_text import DEFAULT_LANGUAGE
from wanderbuch.schemas.occupations import OccupationCode, isco08

_DAY: Final = re.compile(r"(?<![\w-])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![\w-])")
_RANGE: Final = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]{1,32})?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*")


@dataclass(frozen=True, slots=True)
class Language:
    """One language of the pages: BCP 47 tag, its own name, and the direction of its script."""

    tag: str
    name: str
    direction: str = "ltr"


LanguageTag = Literal["en", "fr", "ar", "es", "si", "ta"]
"""The tags of all of them, for what comes over the wire; without a name of its own in schemas."""

LANGUAGES: Final[Mapping[str, Language]] = {
    language.tag: language
    for language in (
        Language("en", "English"),
        Language("si", "සිංහල"),
        Language("ta", "தமிழ்"),
        Language("ar", "العربية", "rtl"),
        Language("fr", "Français"),
        Language("es", "Español"),
    )
}
FOR_WORKERS: Final[Mapping[str, Language]] = {**LANGUAGES, "hi": Language("hi", "हिन्दी")}
"""Of the pages that workers meet, which links and slips lead to; the wallet in the page has them all."""
FALLBACK: Final = LANGUAGES[ENGLISH]


def negotiated(accept_language: str, languages: Mapping[str, Language] = LANGUAGES) -> Language:
    """Return the language that suits an `Accept-Language` header best (RFC 9110 §12.5.4).

    >>> negotiated("de, ta-LK;q=0.8, en;q=0.5").tag
    'ta'
    >>> negotiated("hi").tag, negotiated("hi", FOR_WORKERS).tag
    ('en', 'hi')
    """
    ranges = (_RANGE.fullmatch(part) for part in accept_language[:1000].split(","))
    wishes = [(float(match[2] or 1), match[1].lower()) for match in ranges if match]
    for quality, tag in sorted(wishes, key=lambda wish: -wish[0]):
        if quality > 0 and tag in languages:
            return languages[tag]
    return FALLBACK


class FindingText(Protocol):
    """What a page says of a finding."""

    @property
    def rule(self) -> str:
        """A stable name of what is wrong."""
        ...

    @property
    def message(self) -> str:
        """What was expected and what was found, in English."""
        ...

    @property
    def fix(self) -> str:
        """What to do, in English."""
        ...


class Words:
    """Everything the pages say in one language."""

    def __init__(self, language: Language, sentences: Mapping[str, Sentence]) -> None:
        self.language = language
        self._sentences = sentences

    def __call__(self, key: str, **values: object) -> Markup:
        """Return the sentence `key` as safe HTML; every value is escaped unless it is markup already.

        A sentence with a form for each kind of number takes the one that suits the value `count`.
        """
        sentence = escape(self._sentences[key].text(values))
        if isinstance(count := values.get("count"), int):
            values["count"] = count_text(count, self.language.tag)
        return sentence.format(**values)

    def __contains__(self, key: str) -> bool:
        return key in self._sentences

    def date(self, day: date) -> Markup:
        """Return a day as people write it here, in a `<time>` element."""
        if day == OPEN_END:
            return self("date.open")
        text = self("date.pattern", day=day.day, month=self(f"month.{day.month}"), year=day.year)
        return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), text)

    def instant(self, at: datetime) -> Markup:
        """Return an instant in UTC to the minute, in a `<time>` element."""
        utc = at.astimezone(UTC)
        text = self(
            "date.instant",
            date=self("date.pattern", day=utc.day, month=self(f"month.{utc.month}"), year=utc.year),
            time=f"{utc:%H:%M}",
        )
        return Markup('<time datetime="{}">{}</time>').format(utc.isoformat(timespec="seconds"), text)

    def in_english(self, text: str) -> Markup:
        """Return an English sentence of a program for people: marked, with days as English writes them."""
        return self._english(_DAY.sub(_day_in_english, text))

    def country(self, code: str) -> Markup:
        """Return the name of a country; in English, and marked as such, where this language has none."""
        if not is_country(code):
            return self._english(code)
        own = iso3166().codes[code].by_language.get(self.language.tag)
        return escape(own) if own else self._english(country_name(code))

    @property
    def countries(self) -> list[str]:
        """The codes of all countries, in the order of their names in this language."""
        return sorted(iso3166().codes, key=lambda code: str(self.country(code).striptags()))

    @property
    def has_own_titles(self) -> bool:
        """Whether there are titles of occupations in this language."""
        return _has_titles(self.language.tag)

    def occupation(self, code: str) -> Markup:
        """Return the title of an occupation, or the name of a language that a scope names, as `country` does."""
        if is_language(code):
            names = iso639().codes[code].by_language
            return escape(names.get(self.language.tag) or names[DEFAULT_LANGUAGE])
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

    def attribute(self, credential_type: str, name: str) -> Markup:
        """Return what an attribute of a credential type is called, as `country` does; else its name."""
        try:
            label = load_credential_type(credential_type).attribute(name).label
        except CredentialError:
            return self._english(name)
        own = label.by_language.get(self.language.tag)
        return escape(own) if own else self._english(str(label))

    def named(self, name: str, *families: str) -> Markup:
        """Return the sentence `<family>.<name>` of the first family that has it; a word nobody knows as it stands."""
        for key in (f"{family}.{name}" for family in families):
            if key in self._sentences:
                return self(key)
        return self._english(name)

    def reason(self, code: str, text: str) -> Markup:
        """Return a reason of a decision: in this language by its code, the English details after it.

        Args:
            code: what programs know it by; its first word where there is no sentence for the whole.
            text: the English sentence.
        """
        in_english, own = self.in_english(text), self.why(code)
        return in_english if own is None else Markup('{}<br><small class="hint">{}</small>').format(own, in_english)

    def why(self, code: str) -> Markup | None:
        """Return this language's sentence for a reason; None: there is none, and in English its own text says more."""
        if self.language is FALLBACK or self.language.tag not in LANGUAGES:
            return None
        key = next((key for key in (f"why.{code}", f"why.{code.partition('.')[0]}") if key in self), None)
        return None if key is None else self(key)

    def finding(self, finding: FindingText) -> Markup:
        """Return what is wrong and what to do; in English if the role has no words for the rule."""
        key = f"rule.{finding.rule}"
        if key in self._sentences:
            return self(key)
        message = finding.message[:1].upper() + finding.message[1:]
        return self.in_english(f"{message}.") + " " + self("form.fix") + " " + self.in_english(finding.fix)

    def _english(self, text: str) -> Markup:
        return english(text) if self.language is not FALLBACK else escape(text)


def _day_in_english(match: re.Match[str]) -> str:
    try:
        day = date.fromisoformat(match[0])
    except ValueError:
        return match[0]
    return f"{day.day} {day:%B} {day.year}" if day != OPEN_END else match[0]


def english(text: str) -> Markup:
    """Return an English text marked as such, so that a screen reader pronounces it well."""
    return Markup('<span lang="en" dir="ltr">{}</span>').format(text)


@cache
def _has_titles(tag: str) -> bool:
    return any(tag in title.by_language for title in isco08().codes.values())
