"""The link of a slip, and its PIN: worked out from the batch's secret, so that ten thousand of them are kept nowhere.

A link is a bearer token. It names batch, row and which slip of the row it is, and is signed with the batch's secret
(HMAC-SHA-256, cut to 96 bits): nobody guesses one, and that of a slip that was replaced is known for what it is.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_BATCH_BYTES: Final = 16
_NUMBER_BYTES: Final = 3
_SEAL_BYTES: Final = 12
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_TOKEN_BYTES: Final = 32
MOST_SLIPS: Final = 255
"""So many slips a row may have, one after the other."""


@dataclass(frozen=True, slots=True)
class Slip:
    """What a link says, not yet known to be true.

    Args:
        batch_id: as `new_id` makes them.
        number: of the row.
        turn: which slip of the row it is, from 0.
    """

    batch_id: str
    number: int
    turn: int

    @property
    def body(self) -> bytes:
        """Return what is signed."""
        return bytes.fromhex(self.batch_id) + self.number.to_bytes(_NUMBER_BYTES) + self.turn.to_bytes(1)


def slip_token(slip: Slip, secret: str) -> str:
    """Return the token of a slip: 43 characters that stand in any address."""
    return slip_text(slip.body + _seal(slip, secret))


def read_token(token: str) -> tuple[Slip, bytes] | None:
    """Return the slip that a token names, and its seal, which only the batch's secret can check; None: it is none."""
    if not _TOKEN.fullmatch(token):
        return None
    given = base64.urlsafe_b64decode(f"{token}=")
    if len(given) != _TOKEN_BYTES or slip_text(given) != token:  # one token has one spelling
        return None
    body, seal = given[:-_SEAL_BYTES], given[-_SEAL_BYTES:]
    return Slip(body[:_BATCH_BYTES].hex(), int.from_bytes(body[_BATCH_BYTES:-1]), body[-1]), seal


def slip_text(given: bytes) -> str:
    """Return bytes as they stand in a token."""
    return base64.urlsafe_b64encode(given).decode().rstrip("=")


def is_sealed(slip: Slip, seal: bytes, secret: str) -> bool:
    """Return whether a slip was made with this secret."""
    return hmac.compare_digest(seal, _seal(slip, secret))


def pin_of(slip: Slip, secret: str) -> str:
    """Return the PIN of a slip: six digits."""
    return f"{int.from_bytes(_hmac(secret, b'pin', slip.body)[:8]) % 1_000_000:06}"


def offer_id_of_slip(slip: Slip, secret: str, attempt: int) -> str:
    """Return the id of the offer that a slip becomes at its first, second, … attempt, as `new_id` makes them."""
    return next(offer_ids_of_slip(slip, secret, (attempt,)))


def offer_ids_of_slip(slip: Slip, secret: str, attempts: Iterable[int]) -> Iterator[str]:
    """Yield the ids of the offers that a slip becomes at these attempts: what is the same for all is done once."""
    begun = hmac.new(bytes.fromhex(secret), _purpose(b"offer") + slip.body, hashlib.sha256)
    for attempt in attempts:
        one = begun.copy()
        one.update(attempt.to_bytes(4))
        yield one.hexdigest()[:32]


def own_number(batch_id: str, number: int) -> str:
    """Return the certificate number of a row that brings none: ten letters and digits that are not mixed up."""
    made = base64.b32encode(hashlib.sha256(f"{batch_id}.{number}".encode()).digest()).decode()[:10]
    return f"{made[:5]}-{made[5:]}"


def _seal(slip: Slip, secret: str) -> bytes:
    return _hmac(secret, b"slip", slip.body)[:_SEAL_BYTES]


def _hmac(secret: str, purpose: bytes, body: bytes) -> bytes:
    return hmac.digest(bytes.fromhex(secret), _purpose(purpose) + body, hashlib.sha256)


def _purpose(purpose: bytes) -> bytes:
    return purpose + b"\0"
