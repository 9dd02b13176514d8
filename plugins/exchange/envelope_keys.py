"""Ed25519 keys as envelopes use them (Aries RFC 0019): as X25519, converted once for all envelopes of a connection."""

from functools import lru_cache
from typing import Final
from weakref import WeakKeyDictionary

import base58
from aries_askar import Key, KeyAlg

_MAX_KEYS: Final = 4096
_OWN: Final[WeakKeyDictionary[Key, Key]] = WeakKeyDictionary()
"""By our secret key, for as long as somebody has that at hand."""


@lru_cache(_MAX_KEYS)
def their_key(key: str) -> Key:
    """Return the X25519 form of somebody's public Ed25519 key, base58.

    Raises:
        ValueError: it is not base58.
        AskarError: it is no such key.
    """
    return Key.from_public_bytes(KeyAlg.ED25519, base58.b58decode(key)).convert_key(KeyAlg.X25519)


def own_key(secret: Key) -> Key:
    """Return the X25519 form of a secret Ed25519 key of ours."""
    key = _OWN.get(secret)
    if key is None:
        key = _OWN[secret] = secret.convert_key(KeyAlg.X25519)
    return key
