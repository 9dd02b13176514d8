"""Ed25519 keys as envelopes use them (Aries RFC 0019): as X25519, converted once for all envelopes of a connection.

    own = own_key(key)                 # Askar's
    box = crypto_box_afternm(content_key, nonce, own.shared_with(their_key(name)))
    signature = own.sign(message)

The boxes of an envelope are libsodium's, so libsodium makes and opens them: each is one call, where Askar's binding
converts and frees what goes in and out of every step.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from weakref import WeakKeyDictionary

from aries_askar import Key
from nacl import bindings as sodium

from wanderbuch.plugins.webvh.base58_text import from_base58, to_base58

_MAX_KEYS: Final = 4096
_MAX_SHARED: Final = 16


@dataclass(frozen=True, slots=True)
class OwnX25519:
    """A secret key of ours.

    Args:
        name: the Ed25519 public key, base58.
        public: the X25519 public key, 32 bytes.
        secret: the X25519 secret key, 32 bytes.
        pair: both Ed25519 keys, 64 bytes, as libsodium signs with them.
    """

    name: str
    public: bytes
    secret: bytes = field(repr=False)
    pair: bytes = field(repr=False)
    _shared: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    _sealed: dict[bytes, bytes] = field(default_factory=dict, repr=False)

    def shared_with(self, theirs: bytes) -> bytes:
        """Return the key that boxes between us and somebody are made with; the last ones stay at hand.

        Args:
            theirs: their X25519 public key.

        Raises:
            CryptoError: it is a key that anybody shares with us.
        """
        shared = self._shared.get(theirs)
        if shared is None:
            shared = sodium.crypto_box_beforenm(theirs, self.secret)
            if len(self._shared) >= _MAX_SHARED:
                self._shared.clear()
            self._shared[theirs] = shared
        return shared

    def sealed_for(self, theirs: bytes) -> bytes:
        """Return our name, sealed for somebody: each time in the same words, so that they need not open it each time.

        Who sees two envelopes knows by it that both are from one sender. So it is for where nobody else sees them.

        Args:
            theirs: their X25519 public key.
        """
        sealed = self._sealed.get(theirs)
        if sealed is None:
            sealed = sodium.crypto_box_seal(self.name.encode("ascii"), theirs)
            if len(self._sealed) >= _MAX_SHARED:
                self._sealed.clear()
            self._sealed[theirs] = sealed
        return sealed

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of a message, 64 bytes."""
        return sodium.crypto_sign(message, self.pair)[: sodium.crypto_sign_BYTES]


_OWN: Final[WeakKeyDictionary[Key, OwnX25519]] = WeakKeyDictionary()
"""By our secret key, for as long as somebody has that at hand."""


@lru_cache(_MAX_KEYS)
def their_key(key: str) -> bytes:
    """Return the X25519 form, 32 bytes, of somebody's public Ed25519 key, base58.

    Raises:
        ValueError: it is not base58.
        CryptoError: it is no such key.
    """
    return sodium.crypto_sign_ed25519_pk_to_curve25519(from_base58(key))


def own_key(secret: Key) -> OwnX25519:
    """Return the X25519 form of a secret Ed25519 key of ours."""
    key = _OWN.get(secret)
    if key is None:
        public, pair = sodium.crypto_sign_seed_keypair(secret.get_secret_bytes())
        curve = sodium.crypto_sign_ed25519_sk_to_curve25519(pair)
        key = OwnX25519(to_base58(public), sodium.crypto_scalarmult_base(curve), curve, pair)
        _OWN[secret] = key
    return key
