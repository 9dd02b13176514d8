"""What a received request asks, read into types and words: aside, since strangers write it, and kept at hand."""

import asyncio
from dataclasses import dataclass
from functools import cache
from typing import Final

from cachetools import LRUCache

from wanderbuch.agents.holder.asked import Item, ProofRequest, in_words, parse_proof_request
from wanderbuch.agents.holder.request_book import ReceivedRequest
from wanderbuch.errors import PresentationError
from wanderbuch.schemas.credential_type import list_credential_types
from wanderbuch.schemas.occupations import isco08
from wanderbuch.strict_json import read_strict_json

_MAX_ASKED_BYTES: Final = 256 * 1024
_MAX_DEPTH: Final = 32
_MOST_AT_HAND: Final = 64
_AT_HAND: LRUCache[str, "ReadRequest"] = LRUCache(_MOST_AT_HAND)


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request, with what it asks.

    Args:
        request: what is asked; None if it cannot be read.
        mistake: why it cannot.
    """

    record: ReceivedRequest
    request: ProofRequest | None
    asked: tuple[Item, ...]
    mistake: str | None

    def of(self, record: ReceivedRequest) -> "ReadRequest":
        """Return the same with the record as it stands now."""
        return ReadRequest(record, self.request, self.asked, self.mistake)


def read_request(record: ReceivedRequest) -> ReadRequest:
    """Return what a request asks."""
    try:
        received = read_strict_json(record.asked, max_bytes=_MAX_ASKED_BYTES, max_depth=_MAX_DEPTH)
        request = parse_proof_request(received)
    except PresentationError as err:
        return ReadRequest(record, None, (), err.message)
    return ReadRequest(record, request, in_words(request, labels=_labels(), occupation_label=_occupation_label), None)


async def read_aside(record: ReceivedRequest) -> ReadRequest:
    """Return what a request asks; what was read lately, as it is when the person has just seen it, is at hand."""
    known = _AT_HAND.get(record.id)
    if known is None or known.record.asked != record.asked:
        known = await asyncio.to_thread(read_request, record)
        _AT_HAND[record.id] = known
    return known.of(record)


@cache
def _labels() -> dict[str, str]:
    return {attribute.name: str(attribute.label) for known in list_credential_types() for attribute in known.attributes}


def _occupation_label(code: str) -> str | None:
    label = isco08().codes.get(code)
    return str(label) if label else None
