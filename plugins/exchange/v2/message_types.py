"""Message types, matched as protocols are versioned (DIDComm Messaging 2.1 §Semver Rules).

Another minor version of a protocol is the same protocol: what it adds is optional, and its answer is in our version.
Another major version is another protocol, which is not spoken here.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

_NAME: Final = r"[A-Za-z0-9._-]{1,64}"
_TYPE: Final = re.compile(rf"([!-~]{{1,200}}/{_NAME})/([0-9]{{1,4}})\.([0-9]{{1,4}})/({_NAME}(?:/{_NAME})?)")


@dataclass(frozen=True, slots=True)
class TypeUri:
    """A message type URI.

    Args:
        protocol: the protocol without its version: "https://didcomm.org/trust-ping".
        major, minor: its version.
        name: of the message in it: "ping".
    """

    protocol: str
    major: int
    minor: int
    name: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return a message type URI, None if the text is none."""
        match = _TYPE.fullmatch(text)
        return None if match is None else cls(match[1], int(match[2]), int(match[3]), match[4])

    def is_served_as(self, other: Self) -> bool:
        """Tell whether who speaks the other type takes this one: they differ in the minor version at most."""
        return (self.protocol, self.major, self.name) == (other.protocol, other.major, other.name)

    def is_other_major(self, other: Self) -> bool:
        """Tell whether it is of the other's protocol in another major version."""
        return self.protocol == other.protocol and self.major != other.major


def find_served[T](served: Mapping[str, T], text: str) -> T | None:
    """Return what is under a message type, or under one that differs in the minor version alone."""
    if (handler := served.get(text)) is not None:
        return handler
    asked = TypeUri.parse(text)
    if asked is None:
        return None
    return next((handler for kind, handler in served.items() if asked.is_served_as(_own(kind))), None)


def is_same(text: str, own: str) -> bool:
    """Tell whether a message type is one that we know, up to its minor version."""
    return find_served({own: True}, text) is not None


def is_other_of(text: str, own: str) -> bool:
    """Tell whether a message type is another message of the same version of a protocol as one that we know."""
    theirs, ours = TypeUri.parse(text), _own(own)
    if theirs is None:
        return False
    return (theirs.protocol, theirs.major) == (ours.protocol, ours.major) and theirs.name != ours.name


def spoken_instead(served: Iterable[str], text: str) -> str | None:
    """Return the version of a protocol that is spoken, "2.0", where a message type is of another major one."""
    asked = TypeUri.parse(text)
    if asked is None:
        return None
    spoken = (_own(kind) for kind in served)
    return next((f"{kind.major}.{kind.minor}" for kind in spoken if asked.is_other_major(kind)), None)


@lru_cache(256)  # those that we serve, not those that strangers write
def _own(kind: str) -> TypeUri:
    parsed = TypeUri.parse(kind)
    if parsed is None:
        raise ValueError(f"{kind} is no message type")
    return parsed
