"""Keyed hashes: the plain tables find what they do not hold.

The key (32 random bytes a store) is kept encrypted in Askar's default profile: who has the plain tables alone can
neither read a word nor try guesses, and the same word has another hash for another tenant, kind or field.
"""

import hashlib
import hmac
import secrets
import unicodedata
from typing import Final

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.store.errors import StoreVersionError

_CATEGORY: Final = "wanderbuch.store"
_NAME: Final = "hash-key"
_KEY_BYTES: Final = 32
_HASH_BYTES: Final = 16


class KeyedHash:
    """Hashes with the key of one store (HMAC-SHA-256, cut to 16 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._start = hmac.new(key, digestmod=hashlib.sha256)

    def __repr__(self) -> str:
        return "KeyedHash(…)"

    def of_word(self, tenant: str, kind: str, name: str, value: str) -> bytes:
        """Return the hash of a value that is searched for by equality, whatever its case and spaces."""
        return self.of("word", tenant, kind, name, normalised(value))

    def of(self, purpose: str, *parts: str) -> bytes:
        """Return the hash of texts in this order, for one purpose."""
        started = self._start.copy()
        for part in (purpose, *parts):
            encoded = part.encode("utf-8", "surrogatepass")
            started.update(len(encoded).to_bytes(8) + encoded)
        return started.digest()[:_HASH_BYTES]


def normalised(value: str) -> str:
    """Return a text in the form in which texts are compared: NFKC, case folded, single spaces.

    >>> normalised("  Ｊosé   MÜLLER\u00a0")
    'josé müller'
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
    return " ".join(folded.split())


def random_hash() -> KeyedHash:
    """Return hashes of a fresh key, for tables that do not outlive the process."""
    return KeyedHash(secrets.token_bytes(_KEY_BYTES))


async def hash_of(profile: Profile) -> KeyedHash:
    """Return the hashes of a store; its key is made once, however many processes start at once.

    Args:
        profile: the store's default profile.

    Raises:
        StoreVersionError: what is kept there is no key.
    """
    async with profile.session() as session:
        entry = await session.handle.fetch(_CATEGORY, _NAME)
        if entry is None:
            try:
                await session.handle.insert(_CATEGORY, _NAME, secrets.token_bytes(_KEY_BYTES))
            except AskarError as err:
                if err.code != AskarErrorCode.DUPLICATE:  # another process was faster: its key counts
                    raise
            entry = await session.handle.fetch(_CATEGORY, _NAME)
    key = bytes(entry.value) if entry is not None else b""
    if len(key) != _KEY_BYTES:
        raise StoreVersionError("the key of the store's hashes is damaged", hint="restore the store from a backup")
    return KeyedHash(key)
