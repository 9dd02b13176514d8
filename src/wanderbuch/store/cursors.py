"""Cursors of listings: where a page ended, sealed for one tenant, one kind and one filter.

A cursor is `number (8 bytes) || keyed hash (16 bytes)` in base64url: 32 characters. The hash covers the listing, so a
cursor of another tenant, another filter or another direction is refused like one that was made up.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from wanderbuch.store.errors import CursorError
from wanderbuch.store.hashing import KeyedHash

_LENGTH: Final = 32
_NUMBER_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Listing:
    """What a cursor belongs to."""

    tenant: str
    kind: str
    states: Sequence[str] | None
    newest_first: bool
    purpose: str = "rows"

    def parts(self) -> tuple[str, ...]:
        """Return what the cursor's hash covers."""
        states = ("all",) if self.states is None else ("some", *sorted(set(self.states)))
        return (self.purpose, self.tenant, self.kind, str(self.newest_first), *states)


def seal_cursor(hashes: KeyedHash, listing: Listing, number: int) -> str:
    """Return the cursor that goes on after this number."""
    return urlsafe_b64encode(number.to_bytes(_NUMBER_BYTES) + _seal(hashes, listing, number)).decode()


def open_cursor(hashes: KeyedHash, listing: Listing, received: str) -> int:
    """Return the number after which a listing goes on.

    Raises:
        CursorError: the cursor was not given out for this listing.
    """
    number = _number_in(received)
    if number is None or not hmac.compare_digest(received, seal_cursor(hashes, listing, number)):
        raise CursorError(
            "the cursor does not belong to this list",
            hint="use next_cursor as it came, with the same filter, or leave the cursor out to begin anew",
        )
    return number


def _number_in(received: str) -> int | None:
    """Return the number that an unverified cursor names, or None if it is no cursor."""
    if len(received) != _LENGTH or not received.isascii():
        return None
    try:
        return int.from_bytes(urlsafe_b64decode(received)[:_NUMBER_BYTES])
    except Base64Error:
        return None


def _seal(hashes: KeyedHash, listing: Listing, number: int) -> bytes:
    return hashes.of("cursor", str(number), *listing.parts())
