"""A channel: two keys and an address, all it takes to write to somebody and to know that it is they who write."""

from dataclasses import dataclass
from typing import Final

QUEUE: Final = "didcomm:transport/queue"
"""Stands for an address where somebody has none (Aries RFC 0092): they take what is for them when they write to us."""


@dataclass(frozen=True, slots=True)
class Channel:
    """How to write to one other side.

    Args:
        own_key: our Ed25519 key, base58; what we send comes from it, what comes to it is theirs.
        their_key: theirs, base58.
        endpoint: where they listen: an https address, or empty.
        routing_keys: of mediators on the way (Aries RFC 0094), the nearest to them first.
        connection_id: of ACA-Py's record of the connection; None where there is none.
        takes_packed: whether they said that they take packed numbers (ADR 120).
    """

    own_key: str
    their_key: str
    endpoint: str
    routing_keys: tuple[str, ...] = ()
    connection_id: str | None = None
    takes_packed: bool = False

    @property
    def has_address(self) -> bool:
        """Whether one can write to them; else they must write first and wait for a reply."""
        return self.endpoint.startswith("https://")
