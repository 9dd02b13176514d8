"""What a mediator keeps for wallets, as it stands in the plain tables: sealed, and padded to a few sizes.

A queued message is ciphertext already; but its outside names the key that it is for, and its length says what it is.
So it is encrypted once more with a key that only the wallet store has. Who has the tables alone learns how many
messages wait for each of some wallets, each of one of five sizes, and since which hour.
"""

import logging
import secrets
from typing import Final

from aries_askar import AskarError, Key, KeyAlg

from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.store.errors import StoreError

_LOG = logging.getLogger(__name__)

SIZES: Final = tuple(kib * 1024 for kib in (4, 16, 64, 256, 1088))
"""To which sizes messages are padded, in bytes."""

_DAMAGED: Final = "mediator.damaged"
_NONCE: Final = 12
_TAG: Final = 16
_LENGTH: Final = 4
KEY_BYTES: Final = 32


class Sealing:
    """Seals and opens with one key.

    Args:
        secret: 32 random bytes.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = Key.from_secret_bytes(KeyAlg.C20P, secret)

    def __repr__(self) -> str:
        return "Sealing(…)"

    def seal(self, content: bytes, *, place: str) -> bytes:
        """Return content sealed for the one place where it may stand, padded to the next of `SIZES`.

        Raises:
            ValueError: it is larger than the largest.
        """
        size = next((size for size in SIZES if len(content) + _LENGTH <= size), None)
        if size is None:
            raise ValueError("more than is ever kept")
        return self._sealed(len(content).to_bytes(_LENGTH) + content.ljust(size - _LENGTH, b"\0"), place)

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Return what was sealed for a place.

        Raises:
            StoreError: it is not what was put there.
        """
        padded = self._opened(sealed, place)
        return padded[_LENGTH : _LENGTH + int.from_bytes(padded[:_LENGTH])]

    def open_row(self, sealed: bytes, *, place: str) -> bytes | None:
        """Return what was sealed for a place, or None with a line in the log: other rows must not suffer from one."""
        try:
            return self.open(sealed, place=place)
        except StoreError:  # whoever changed it has it lost
            log_event(_LOG, logging.ERROR, _DAMAGED)
            return None

    def open_row_text(self, sealed: bytes, *, place: str) -> str | None:
        """Return the same of what `seal_text` sealed."""
        try:
            return self.open_text(sealed, place=place)
        except StoreError:
            log_event(_LOG, logging.ERROR, _DAMAGED)
            return None

    def seal_text(self, text: str, *, place: str) -> bytes:
        """Return a short text sealed, as long as it is."""
        return self._sealed(text.encode(), place)

    def open_text(self, sealed: bytes, *, place: str) -> str:
        """Return what `seal_text` sealed; errors as with `open`."""
        return self._opened(sealed, place).decode()

    def _sealed(self, content: bytes, place: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._key.aead_encrypt(content, nonce=nonce, aad=place.encode())
        return nonce + bytes(memoryview(sealed.buffer.array)[: sealed.nonce_pos])

    def _opened(self, sealed: bytes, place: str) -> bytes:
        nonce, ciphertext, tag = sealed[:_NONCE], sealed[_NONCE:-_TAG], sealed[-_TAG:]
        try:
            return bytes(self._key.aead_decrypt(ciphertext, nonce=nonce, tag=tag, aad=place.encode()))
        except AskarError as err:
            raise StoreError("what is kept for a wallet is not what was put there") from err
