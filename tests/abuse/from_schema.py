"""Strategies by a JSON Schema: what conforms to it, and what breaks one of its rules for certain.

Of the language of schemas they know what `message_schemas` uses: `type`, `properties`, `required`, `items`, `minItems`,
`maxItems`, `minLength`, `maxLength`, `pattern`, `const`, `enum`, and `contentSchema` for JSON in base64.
"""

import base64
import copy
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, Final

from hypothesis import strategies as st
from tests.abuse.message_schemas import Schema, encoded

type Path = tuple[str | int, ...]
type Strategy = st.SearchStrategy[Any]


class Gone(Enum):
    """Stands for a member that is left out."""

    GONE = "gone"  # a member of an enum stays itself, also copied


GONE: Final = Gone.GONE

_MOST: Final = 3
_LONGEST: Final = 20
_VALUES: Final[dict[str, Strategy]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "integer": st.sampled_from([0, -1, 2**70]),
    "number": st.just(1.5),
    "string": st.sampled_from(["", "x", "\u0000", "\ud7ff", "x" * 20_000]),
    "array": st.sampled_from([[], [None], [[]]]),
    "object": st.sampled_from([{}, {"": ""}, {"@type": 1}]),
}
_NOT_JSON: Final = (
    *("%%%", "a", "=", "_-_-"),
    *(base64.b64encode(raw).decode() for raw in (b"\xff\xfe", b"no", b'{"a":1,"a":2}', b"[" * 40, b'{"a":NaN}')),
)
_ODD_TEXTS: Final = ("", " ", "\n", "\u0000", "\u00e9", "x" * 500, "did:", "did:x:\n", "::", "0" * 64, "{}", "../..")


def conforming(schema: Schema) -> Strategy:
    """Return what conforms to a schema."""
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "contentSchema" in schema:
        return conforming(schema["contentSchema"]).map(encoded)
    match _types(schema)[0]:
        case "object":
            members = {name: conforming(member) for name, member in schema.get("properties", {}).items()}
            needed = {name: members.pop(name) for name in schema.get("required", ())}
            return st.fixed_dictionaries(needed, optional=members)
        case "array":
            most = min(schema.get("maxItems", _MOST), max(_MOST, schema.get("minItems", 0)))
            return st.lists(conforming(schema.get("items", {})), min_size=schema.get("minItems", 0), max_size=most)
        case "string" if "pattern" in schema:
            return st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True)
        case "string":
            return st.text(
                min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", _LONGEST), _LONGEST)
            )
        case None:
            return st.one_of(*_VALUES.values())
        case other:
            return _VALUES[other]


@st.composite
def violating(draw: st.DrawFn, schema: Schema) -> Any:
    """Return what breaks one rule of a schema, and conforms to it else."""
    return broken(draw, schema, draw(conforming(schema)))


def broken(draw: st.DrawFn, schema: Schema, value: Any) -> Any:
    """Return a value that conforms to a schema with one rule of it broken."""
    ways = list(_ways(schema, value, ()))
    path, others = ways[draw(st.integers(0, len(ways) - 1))]
    return put(copy.deepcopy(value), path, copy.deepcopy(draw(others)))


def put(value: Any, path: Path, other: object) -> Any:
    """Put something at a path of a value, which is changed; `GONE` takes away what is there."""
    if not path:
        return other
    holder = value
    for part in path[:-1]:
        holder = holder[part]
    if other is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = other
    return value


def _ways(schema: Schema, value: Any, at: Path) -> Iterator[tuple[Path, Strategy]]:
    """Yield where a value can be made to break its schema, and with what."""
    if "const" in schema or "enum" in schema:
        allowed = [schema["const"]] if "const" in schema else schema["enum"]
        yield at, st.one_of(*_VALUES.values()).filter(lambda other: other not in allowed)
        return
    types = _types(schema)
    if types[0] is not None and at:
        yield at, st.one_of(*(values for name, values in _VALUES.items() if name not in types))
    match types[0]:
        case "string" if "contentSchema" in schema:
            yield at, st.sampled_from(_NOT_JSON)
            yield (
                at,
                _others_than_object()
                if schema["contentSchema"] == {"type": "object"}
                else violating(schema["contentSchema"]).map(encoded),
            )
        case "string" if "pattern" in schema:
            pattern = re.compile(schema["pattern"], re.ASCII)
            yield at, st.sampled_from([text for text in _ODD_TEXTS if not pattern.fullmatch(text)])
        case "string" if "maxLength" in schema:
            yield at, st.just("x" * (schema["maxLength"] + 1))
        case "array":
            yield from _ways_of_list(schema, value, at)
        case "object":
            for name in schema.get("required", ()):
                yield (*at, name), st.just(GONE)
            for name, member in schema.get("properties", {}).items():
                if name in value:
                    yield from _ways(member, value[name], (*at, name))


def _types(schema: Schema) -> list[str | None]:
    """Return the types that a schema allows, the one to be made first; None: it does not say."""
    of_type = schema.get("type")
    return of_type if isinstance(of_type, list) else [of_type]


def _ways_of_list(schema: Schema, value: list[Any], at: Path) -> Iterator[tuple[Path, Strategy]]:
    if schema.get("minItems", 0) > 0:
        yield at, st.just([])
    if "maxItems" in schema:
        too_many = schema["maxItems"] + 1
        yield at, st.just([*value, *([value[0] if value else None] * too_many)][: max(too_many, len(value))])
    for number, item in enumerate(value):
        yield from _ways(schema.get("items", {}), item, (*at, number))


def _others_than_object() -> Strategy:
    return st.one_of(*(values for name, values in _VALUES.items() if name != "object")).map(encoded)
