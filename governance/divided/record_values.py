"""Values of a record, each read once: the checks of `formats` on what was not met before. See `record_reader`."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Raw
from pydantic import BaseModel, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from wanderbuch.canonical_json import canonical
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.divided.record_form import ABSENT, TEXTS, RecordError, raw_bytes, value_of
from wanderbuch.governance.facts.anoncreds_ids import AnonCredsId
from wanderbuch.governance.facts.format_ids import ANONCREDS
from wanderbuch.governance.facts.identifiers import Did, WebvhDid
from wanderbuch.governance.facts.sources import SourceId
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.governance.form.formats import Link, Text
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_MAX_REMEMBERED: Final = 65_536  # values of one kind; beyond that they are checked again
_MAX_VALUE_BYTES: Final = 1024 * 1024
_MAX_DEPTH: Final = 20  # a record's members stand four levels deep in a whole file, of which 24 may be
_PRINTED: Final = bytes(range(0x21, 0x7F))  # "!" to "~"


class Remembered[K, V](dict[K, V]):
    """Values that were checked, by what stands for them in the file."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[K], V]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, key: K) -> V:
        value = self._read(key)
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        self[key] = value
        return value


def strictly(raw: Raw) -> Any:
    """Return the value of a member as the author's side reads it."""
    text = raw_bytes(raw)
    try:
        value = read_strict_json(text, max_bytes=_MAX_VALUE_BYTES, max_depth=_MAX_DEPTH)
    except StrictJsonError as err:
        raise RecordError(err.message, hint=err.hint) from err
    if canonical(value) != text:  # 6
        raise RecordError("expected canonical JSON (RFC 8785), found another form of it")
    return value


def read_all[M: BaseModel](model: type[M], raw: Raw) -> list[M]:
    """Return the elements of a list as the author's side reads them; none if the list is absent."""
    if raw is ABSENT:
        return []
    elements = strictly(raw)
    if not isinstance(elements, list) or not elements:
        raise RecordError("expected a list of at least one element")
    return [model.model_validate(element) for element in elements]


def form_of(field: Any) -> Callable[[str], Any]:
    """Return the check of a text as its field in `formats` makes it."""
    check: Any = next(note.func for note in field.__metadata__ if isinstance(note, PlainValidator))
    return check  # type: ignore[no-any-return]


def check_of_many(field: Any) -> Callable[[Sequence[str]], None]:
    """Return the check of many texts at once, by the pattern that the field in `formats` publishes."""
    published: Any = next(note.json_schema for note in field.__metadata__ if isinstance(note, WithJsonSchema))
    form = published["pattern"].removeprefix("^").removesuffix("$")
    lines, check = re.compile(rf"(?:(?:{form})\n)*").fullmatch, form_of(field)

    def all_of(texts: Sequence[str]) -> None:
        together = "\n".join(texts) + "\n"
        if not lines(together) or together.count("\n") != len(texts):
            for text in texts:  # one by one, for the message
                check(text)

    return all_of


def known_text(field: Any, holds: Callable[[str], bool], expected: str) -> Callable[[str], str]:
    """Return what checks the form of a text, and that it is one of those that exist."""
    check = form_of(field)

    def known(text: str) -> str:
        if not holds(check(text)):
            raise RecordError(f"expected {expected}, found {text[:80]!r}")
        return text

    return known


def each_of(known: "Remembered[str, str]", *, may_be_empty: bool = False) -> Callable[[bytes], tuple[str, ...]]:
    """Return what reads a list of texts, each of which must be known."""

    def read(raw: bytes) -> tuple[str, ...]:
        received = value_of(raw, TEXTS)
        if not received and not may_be_empty:
            raise RecordError("expected at least one occupation, country and credential type, found an empty list")
        return tuple([known[value] for value in received])

    return read


def check_links(links: Sequence[str]) -> None:
    """Refuse unless all are links; most are plain https addresses, which the whole row of them shows."""
    row = f" {' '.join(links)} "
    plain = row.isascii() and row.count(" https://") == len(links) and " https:// " not in row
    if (
        not plain
        or row.encode().translate(None, _PRINTED) != b" " * (len(links) + 1)
        or len(max(links, key=len)) > 2000
    ):
        for link in links:
            _LINK(link)


def checked_text(text: str) -> str:
    """Return a text that may stand in a file; most are plain and short, and need no look at each character."""
    if text.isascii() and text.isprintable() and len(text) <= 200 and text.strip():
        return text
    checked: str = _TEXT(text)
    return checked


def without_prefix(received: tuple[str, ...], own: str) -> tuple[str, ...] | None:
    """Return AnonCreds ids without their format, if all begin with `own`, the format and the issuer; else None."""
    for source in received:
        if not source.startswith(own):
            return None
    return tuple([source[len(ANONCREDS) :] for source in received])


def named_by[N: (SourceId, StatusId)](issuer: Did, received: tuple[str, ...], kind: type[N]) -> tuple[N, ...]:
    """Return sources or statuses of any format; where one names a DID, it must be the issuer's."""
    ids = tuple([kind.parse(text) for text in received])
    for one_id in ids:
        if one_id.is_of_another(issuer):  # 3
            raise RecordError(f"expected one of {issuer}, found {one_id[:160]!r}")
    return ids


def published_by[R: AnonCredsId](issuer: Did, received: tuple[str, ...], kind: type[R]) -> tuple[R, ...]:
    """Return identifiers of objects that must be the issuer's."""
    if not isinstance(issuer, WebvhDid):
        raise RecordError(f"expected a did:webvh that publishes {received[0][:160]!r}, found {issuer}")
    own = f"{issuer}/resources/"
    for text in received:
        if not text.startswith(own):  # 3
            raise RecordError(f"expected an object that {issuer} publishes, found {text[:160]!r}")
    return tuple([kind.of(issuer, text[len(own) :]) for text in received])


def problem_of(err: Exception) -> str:
    """Return what a refused value was refused for."""
    if isinstance(err, ValidationError):
        first = err.errors(include_url=False, include_input=False)[0]
        return f"{'/'.join(str(step) for step in first['loc'])}: {first['msg']}"
    if isinstance(err, PydanticCustomError):
        return err.message()
    return err.message if isinstance(err, WanderbuchError) else type(err).__name__


_LINK: Final = form_of(Link)
_TEXT: Final = form_of(Text)
