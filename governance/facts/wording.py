"""Codes and days as people read them in the reasons of a decision."""

from collections.abc import Iterable
from datetime import UTC
from functools import lru_cache

from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.schemas.languages import is_language, language_name
from wanderbuch.schemas.local_text import DEFAULT_LANGUAGE
from wanderbuch.schemas.occupations import isco08


@lru_cache(maxsize=1024)
def occupation(code: str) -> str:
    """Return the code of an occupation or a language with its title; a code that nobody knows stands alone.

    >>> occupation("C7212"), occupation("C7219"), occupation("mlt")
    ('C7212 (Welders and flamecutters)', 'C7219', 'mlt (Maltese)')
    """
    if is_language(code):
        return f"{code} ({language_name(code)})"
    title = isco08().codes.get(code)
    return code if title is None else f"{code} ({title.in_language(DEFAULT_LANGUAGE)})"


def occupations(codes: Iterable[str]) -> str:
    """Return several codes with their titles."""
    return ", ".join(occupation(code) for code in codes)


def days(span: DateSpan) -> str:
    """Return a span as "2024-05-01" or "2024-01-01 to 2024-12-31"."""
    return str(span.first) if span.first == span.last else f"{span.first} to {span.last}"


def times(spans: Iterable[DateSpan]) -> str:
    """Return spans as "2019-04-01 to 2021-03-31 and from 2022-07-01"."""
    return " and ".join(f"from {span.first}" if span.last == OPEN_END else days(span) for span in spans)


def stale(snapshot: GovernanceSnapshot, whose: str = "the governance file") -> str:
    """Return until when somebody vouched for a file that is not fresh."""
    if snapshot.fresh_until is None:
        return f"Nobody vouches that version {snapshot.file.version} of {whose} is the current one."
    until = f"{snapshot.fresh_until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"The author vouched for version {snapshot.file.version} of {whose} until {until} only."
