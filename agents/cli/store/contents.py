"""What a profile holds, as counts and digests: of two stores the same only where every entry and every key is."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

from aries_askar import Store

from wanderbuch.store.entries import fetch_keys

KEYS: Final = "keys"
"""Stands for the keys of a profile beside the categories of its entries."""

_MODULUS: Final = 1 << 256


@dataclass(slots=True)
class CategoryContents:
    """The entries of one category, or the keys."""

    count: int = 0
    digest: int = 0

    def add(self, *parts: bytes) -> None:
        """Take one entry in; the order in which they come does not count."""
        one = hashlib.sha256()
        for part in parts:
            one.update(len(part).to_bytes(8, "big"))
            one.update(part)
        self.count += 1
        self.digest = (self.digest + int.from_bytes(one.digest(), "big")) % _MODULUS


@dataclass(slots=True)
class Contents:
    """What one profile holds."""

    parts: dict[str, CategoryContents] = field(default_factory=dict)

    @property
    def entries(self) -> int:
        """Return how many entries there are."""
        return sum(part.count for name, part in self.parts.items() if name != KEYS)

    @property
    def keys(self) -> int:
        """Return how many keys there are."""
        return self.parts[KEYS].count

    def differs_in(self, other: "Contents") -> list[str]:
        """Return the categories in which two profiles are not the same."""
        names = sorted(self.parts.keys() | other.parts.keys())
        return [
            name
            for name in names
            if self.parts.get(name, CategoryContents()) != other.parts.get(name, CategoryContents())
        ]


async def contents_of(store: Store, profile: str) -> Contents:
    """Read all that a profile holds; every entry is decrypted, so damage shows as an `AskarError`."""
    contents = Contents({KEYS: CategoryContents()})
    async for entry in store.scan(profile=profile):
        part = contents.parts.setdefault(f"entries {entry.category}", CategoryContents())
        part.add(entry.name.encode(), entry.value, _canonical(entry.tags))
    async with store.session(profile) as session:
        for key in await fetch_keys(session):
            secret = key.key.get_secret_bytes()
            about = [str(key.algorithm), str(key.metadata)]
            contents.parts[KEYS].add(key.name.encode(), secret, _canonical(about), _canonical(key.tags))
    return contents


def _canonical(value: Any) -> bytes:
    """Return tags in one order: Askar keeps a set of values in none."""

    def plain(value: Any) -> Any:
        return sorted(value) if isinstance(value, set | frozenset) else str(value)

    return json.dumps(value, sort_keys=True, default=plain).encode()
