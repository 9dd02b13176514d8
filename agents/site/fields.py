"""Statements of a governance file as forms: a field for each member, no JSON for people, and nothing lost.

A form is a list of fields. `shown` turns the statement's JSON into what the fields show, `read` turns what was sent
back into JSON: members that the form does not know stay as they were, empty rows and empty texts leave no member. What
a person wrote is never refused here: an occupation that nobody knows goes into the draft as it was written, and the
finding about it stands at its field until it is corrected.
"""

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import date
from enum import Enum
from typing import Any, Final, Protocol

from wanderbuch.agents.site.folding import folded
from wanderbuch.agents.site.languages import Words
from wanderbuch.agents.site.occupation_search import meant_by
from wanderbuch.errors import CredentialError
from wanderbuch.schemas.countries import country_name, is_country, iso3166
from wanderbuch.schemas.country_names import find_country
from wanderbuch.schemas.languages import find_language, is_language
from wanderbuch.schemas.occupations import isco08

MAX_ROWS: Final = 200
_MAX_NEAR: Final = 5
_LANGUAGE_SHOWN: Final = re.compile(r".*\(([a-z]{3})\)")
_BEHIND: Final = re.compile(r".*\(([A-Z]{3})\)\s*")


class Kind(Enum):
    """What a field is."""

    TEXT = "text"
    LONG = "long"
    DAY = "day"
    LINES = "lines"  # a text a line
    OCCUPATIONS = "occupations"
    COUNTRIES = "countries"
    CHOICE = "choice"
    CHOICES = "choices"
    NUMBER = "number"
    GROUP = "group"  # an object with fields of its own
    ROWS = "rows"  # a list of such objects


@dataclass(frozen=True, slots=True)
class FormField:
    """One member of a statement.

    Args:
        member: its name in JSON.
        label: key of its label in the catalogues; `<label>_hint` is its hint, if there is one.
        options: what a CHOICE or CHOICES offers.
        option_words: what the keys of their labels begin with; empty if they are labels themselves.
        fields: of a GROUP or ROWS.
        is_needed: whether the statement must have it; only for the mark beside the label.
    """

    member: str
    kind: Kind
    label: str
    has_hint: bool = False
    options: tuple[str, ...] = ()
    option_words: str = ""
    fields: tuple["FormField", ...] = ()
    is_needed: bool = True
    fallback: object = None


class Sent(Protocol):
    """A form that was sent back: several values a name (aiohttp's MultiDict)."""

    def getall(self, key: str, default: list[Any], /) -> list[Any]:
        """Return all values of a name."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """A field with its value, ready for the template.

    Args:
        name: of the input; unique in the form, and its id.
        texts: one value, or one a row.
        rows: of GROUP (one) and ROWS.
        path: JSON pointer of the member within the statement.
        problems: findings at this field or below it.
        near: occupations that unknown texts may mean.
    """

    field: FormField
    name: str
    path: str
    texts: tuple[str, ...] = ()
    rows: tuple[tuple["Shown", ...], ...] = ()
    problems: list[Any] = dataclass_field(default_factory=list)
    near: tuple[str, ...] = ()

    @property
    def has_text(self) -> bool:
        """Whether it says anything, itself or in its rows."""
        return any(self.texts) or any(inner.has_text for row in self.rows for inner in row)


def shown(
    fields: Sequence[FormField],
    value: Mapping[str, Any],
    words: Words,
    *,
    prefix: str = "",
    path: str = "",
    extra: str = "",
) -> tuple[Shown, ...]:
    """Return the fields with the values of a statement.

    Args:
        fields: of the form.
        value: the statement's JSON, of any form.
        words: of the reader's language.
        prefix: of the names, for fields within fields.
        path: of the JSON pointers, likewise.
        extra: name of the field to which one more empty row was asked for.
    """
    return tuple(_shown(field, value.get(field.member), words, prefix, path, extra) for field in fields)


def _shown(form_field: FormField, value: Any, words: Words, prefix: str, path: str, extra: str) -> Shown:
    name, place = f"{prefix}{form_field.member}", f"{path}/{form_field.member}"
    more = 2 if extra == name else 1
    match form_field.kind:
        case Kind.GROUP:
            inner = value if isinstance(value, Mapping) else {}
            row = shown(form_field.fields, inner, words, prefix=f"{name}.", path=place, extra=extra)
            return Shown(form_field, name, place, rows=(row,))
        case Kind.ROWS:
            listed = [item if isinstance(item, Mapping) else {} for item in _listed(value)]
            listed += [{}] * (more - 1 if listed else more)  # rows are large: another one comes when it is asked for
            rows = tuple(
                shown(form_field.fields, item, words, prefix=f"{name}.{number}.", path=f"{place}/{number}", extra=extra)
                for number, item in enumerate(listed)
            )
            return Shown(form_field, name, place, rows=rows)
        case Kind.OCCUPATIONS:
            texts = [_occupation_text(str(code), words) for code in _listed(value)] + [""] * more
            near = [_occupation_text(code, words) for text in _listed(value) for code in _near(str(text), words)]
            return Shown(form_field, name, place, tuple(texts), near=tuple(dict.fromkeys(near)))
        case Kind.COUNTRIES:
            texts = [_country_text(str(code), words) for code in _listed(value)] + [""] * more
        case Kind.LINES:
            texts = ["\n".join(str(item) for item in _listed(value))]
        case Kind.CHOICES:
            texts = [str(item) for item in _listed(value)]
        case _:
            texts = ["" if value is None else str(value)]
    return Shown(form_field, name, place, tuple(texts))


def read(
    fields: Sequence[FormField], sent: Sent, before: Mapping[str, Any], words: Words, *, prefix: str = ""
) -> dict[str, Any]:
    """Return the statement that a form describes; `before` gives the members that the form does not know."""
    known = {field.member for field in fields}
    statement = {member: value for member, value in before.items() if member not in known}
    for form_field in fields:
        value = _read(form_field, sent, before.get(form_field.member), words, prefix)
        if value in ("", None, [], {}):
            is_written_empty = before.get(form_field.member) == [] and not form_field.is_needed
            value = [] if is_written_empty and form_field.fallback is None else form_field.fallback
        if value is not None:
            statement[form_field.member] = value
    return statement


def _read(form_field: FormField, sent: Sent, before: Any, words: Words, prefix: str) -> Any:
    name = f"{prefix}{form_field.member}"
    texts = [text.strip() for text in sent.getall(name, [])[:MAX_ROWS] if isinstance(text, str)]
    first = texts[0] if texts else ""
    match form_field.kind:
        case Kind.GROUP:
            inner = before if isinstance(before, Mapping) else {}
            return read(form_field.fields, sent, inner, words, prefix=f"{name}.")
        case Kind.ROWS:
            return _rows(form_field, sent, _listed(before), words, name)
        case Kind.OCCUPATIONS:
            return _once(_occupation(text, words) for text in texts if text)
        case Kind.COUNTRIES:
            return _once(_country(text, words) for text in texts if text)
        case Kind.LINES:
            return [line.strip() for line in first.splitlines() if line.strip()][:MAX_ROWS]
        case Kind.CHOICES:
            return [text for text in texts if text in form_field.options]
        case Kind.NUMBER:
            return int(first) if first.isascii() and first.isdecimal() and len(first) < 10 else (first or None)
        case _:
            return first.replace("\r\n", " ").replace("\n", " ")


def _rows(form_field: FormField, sent: Sent, before: list[Any], words: Words, name: str) -> list[dict[str, Any]]:
    rows = []
    for number in range(MAX_ROWS):
        prefix = f"{name}.{number}."
        if not any(sent.getall(f"{prefix}{field.member}", []) for field in form_field.fields):
            break
        record = before[number] if number < len(before) and isinstance(before[number], Mapping) else {}
        row = read(form_field.fields, sent, record, words, prefix=prefix)
        # What is chosen from a list says nothing by itself: a row in which only that stands is an empty row.
        if any(row.get(field.member) is not None for field in form_field.fields if field.kind is not Kind.CHOICE):
            rows.append(row)
    return rows


def place_findings(fields: Sequence[Shown], findings: Sequence[tuple[str, Any]]) -> list[tuple[Shown | None, Any]]:
    """Put each finding at the field it is about; return all of them with their fields, None for the whole statement.

    Args:
        fields: as `shown` returned them.
        findings: path within the statement, and the finding.
    """
    placed: list[tuple[Shown | None, Any]] = []
    for path, finding in findings:
        target = _deepest(fields, path)
        if target is not None:
            target.problems.append(finding)
        placed.append((target, finding))
    return placed


def _deepest(fields: Sequence[Shown], path: str) -> Shown | None:
    for field in fields:
        if path == field.path or path.startswith(field.path + "/"):
            inner = [one for row in field.rows for one in row]
            return _deepest(inner, path) or field
    return None


def is_day(value: object) -> bool:
    """Return whether a value is a day that exists, as a file writes it."""
    if not isinstance(value, str) or len(value) != 10:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def all_occupations(words: Words) -> list[str]:
    """Return every title with its code behind, as a field offers and reads them."""
    return [_occupation_text(code, words) for code in isco08().codes]


def all_countries(words: Words) -> list[str]:
    """Return every country with its code behind, as a field offers and reads them."""
    return [_country_text(code, words) for code in iso3166().codes]


def _occupation(text: str, words: Words) -> str:
    """Return the code of an occupation, or of a language, that a text names; else the text, which is then refused."""
    meant = meant_by(text, words.language.tag, with_everyday_words=False)
    if meant.code is None and not meant.choices:
        code = _LANGUAGE_SHOWN.sub(r"\1", text.strip())  # as `_occupation_text` shows it
        with contextlib.suppress(CredentialError):
            return find_language(code)
    return meant.code or text


def _occupation_text(code: str, words: Words) -> str:
    title = words.occupation(code).striptags()
    return code if title == code else f"{title} ({code})"


def _near(text: str, words: Words) -> tuple[str, ...]:
    """Return the codes that a text may mean which is no code."""
    if text in isco08().codes or is_language(text):
        return ()
    return meant_by(text, words.language.tag, with_everyday_words=False).choices[:_MAX_NEAR]


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _country_text(code: str, words: Words) -> str:
    return f"{words.country(code).striptags()} ({code})" if is_country(code) else code


def _country(text: str, words: Words) -> str:
    match = _BEHIND.fullmatch(text)
    code = match[1] if match else text.upper()
    if is_country(code):
        return code
    wanted = folded(text)
    for candidate in iso3166().codes:
        names = {folded(words.country(candidate).striptags()), folded(country_name(candidate))}
        if wanted in names:
            return candidate
    try:
        return find_country(text)  # another language, two letters, UK
    except CredentialError:
        return text


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []
