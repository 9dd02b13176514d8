"""Malformed messages of every type that we handle ourselves, made by hypothesis from the schemas of the types.

One rule of the schema is broken, always; then anything else may be, now and then: members missing, doubled, of other
types, huge, deep, threads and attachments of every wrong kind.
"""

import base64
import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Any, Final

from hypothesis import assume
from hypothesis import strategies as st
from tests.abuse.from_schema import GONE, Path, broken, conforming, put
from tests.abuse.message_schemas import breaks, encoded, schema_of

PREFIX: Final = "https://didcomm.org/"
MESSAGE_ID: Final = "6f1c5cf8-4b0b-4c3c-9d0a-0e1e3a5b7c9d"

type Json = dict[str, Any]

_DEEP: Final[list[Any]] = json.loads("[" * 40 + "]" * 40)
_JUNK: Final = st.one_of(
    st.sampled_from(
        [None, True, 0, -1, 2**70, 1.5, "", "x" * 20_000, "\u0000", "\ud7ff", [], {}, [None], {"": ""}, _DEEP]
    ),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.sampled_from(["@type", "@id", "data", "base64", "thid"]), st.integers(), max_size=2),
)
_FURTHER: Final = st.sampled_from([0, 0, 0, 1, 2])  # mostly one rule alone is broken: what hides none of the others
_SELDOM: Final = st.sampled_from([False, False, False, True])


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message as it goes into an envelope, and whether it is written with another key than the connection's."""

    content: bytes
    is_strangers: bool


def addressed(kind: str, message: Json) -> Json:
    """Return a message of a type with its id, from somebody who waits for the answer."""
    return {"@type": f"{PREFIX}{kind}", "@id": MESSAGE_ID, **message, "~transport": {"return_route": "all"}}


@st.composite
def malformed(
    draw: st.DrawFn,
    kind: str,
    *,
    threads: tuple[str, ...],
    invitations: tuple[str, ...],
    members: Mapping[str, Any] = MappingProxyType({}),
) -> Malformed:
    """Make one malformed message.

    Args:
        draw: hypothesis's.
        kind: its type, without prefix.
        threads: ids of exchanges that it may name, there or not.
        invitations: the same of invitations.
        members: what it says, where its schema does not know what would be taken: only where it has such members.
    """
    schema = schema_of(kind)
    message = draw(conforming(schema))
    message |= {name: value for name, value in members.items() if name in message}
    message["~thread"] = {"thid": draw(st.sampled_from(threads)), "pthid": draw(st.sampled_from(invitations))}
    message = broken(draw, schema, message)
    for _ in range(draw(_FURTHER)):
        if paths := list(_paths(message)):
            junk = GONE if draw(st.booleans()) else copy.deepcopy(draw(_JUNK))
            message = put(message, draw(st.sampled_from(paths)), junk)
    assume(breaks(schema, message))  # the second change may have mended the first
    message = addressed(kind, message)
    text = json.dumps(message)
    if draw(_SELDOM):
        member = draw(st.sampled_from(sorted(message)))
        text = f"{text[:-1]}, {json.dumps(member)}: {json.dumps(draw(_JUNK))}}}"
    return Malformed(text.encode("utf-8", "surrogatepass"), draw(_SELDOM))


def _paths(value: object, at: Path = ()) -> Iterator[Path]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield (*at, name)
        if len(at) < 4:
            yield from _paths(member, (*at, name))


_OTHERS: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1, 2**70, 1.5, "", "x" * 20_000, "\u0000", "\ud7ff", "zzz", [], {}, [None], {"": ""}, _DEEP),
    *({"@type": 1}, {"data": 1}, {"base64": "="}, {"thid": []}),
)


def spoiled(chance: Random, message: Json) -> Json:
    """Change a good message in one to three places: outside, or inside what is attached to it.

    By chance and not drawn: no two good messages are alike, so hypothesis could not draw the same places again.
    """
    changed = copy.deepcopy(message)
    for _ in range(chance.randint(1, 3)):
        attachments = [name for name in changed if name.endswith("~attach") and _is_whole(changed[name])]
        if attachments and chance.random() < 0.5:
            data = changed[attachments[0]][0]["data"]
            content = json.loads(base64.b64decode(data["base64"]))
            _spoil(content, chance, list(_paths(content)))
            data["base64"] = encoded(content)
        elif paths := [path for path in _paths(changed) if path[0] not in ("@type", "@id", "~thread")]:
            _spoil(changed, chance, paths)
    return changed


def _spoil(message: Any, chance: Random, paths: list[Path]) -> None:
    """Remove what is at one of these paths, or put something else there."""
    *way, last = chance.choice(paths)
    for part in way:
        message = message[part]
    if chance.random() < 0.5:
        del message[last]
    else:
        message[last] = copy.deepcopy(chance.choice(_OTHERS))


def _is_whole(attachments: object) -> bool:
    """Tell whether there is something in an attachment that can still be changed inside."""
    try:
        return bool(list(_paths(json.loads(base64.b64decode(attachments[0]["data"]["base64"])))))  # type: ignore[index]
    except (ValueError, TypeError, LookupError):
        return False
