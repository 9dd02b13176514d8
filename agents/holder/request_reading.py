"""What a received request asks, read into types and words: aside, since strangers write it, and kept at hand."""

import asyncio
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from cachetools import LRUCache

from wanderbuch.agents.holder.asked import Item, ProofRequest, in_words, parse_proof_request
from wanderbuch.agents.holder.lesser import LesserRequest, read_lesser
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
        lesser: the same without what may be left out; None: nothing may.
        mistake: why it cannot.
    """

    record: ReceivedRequest
    request: ProofRequest | None
    asked: tuple[Item, ...]
    mistake: str | None
    lesser: LesserRequest | None = None

    def of(self, record: ReceivedRequest) -> "ReadRequest":
        """Return the same with the record as it stands now."""
        return replace(self, record=record)


def read_request(record: ReceivedRequest) -> ReadRequest:
    """Return what a request asks."""
    try:
        received = read_strict_json(record.asked, max_bytes=_MAX_ASKED_BYTES, max_depth=_MAX_DEPTH)
        request = parse_proof_request(received)
        left_out = record.may_be_left_out
        lesser = None if left_out is None else read_lesser(request, received, left_out)
    except PresentationError as err:
        return ReadRequest(record, None, (), err.message)
    told = in_words(request, labels=_labels(), occupation_label=_occupation_label)
    return ReadRequest(record, request, told, None, lesser)


async def read_aside(record: ReceivedRequest) -> ReadRequest:
    """Return what a request asks; what was read lately, as it is when the person has just seen it, is at hand."""
    known = _AT_HAND.get(record.id)
    if known is None or known.record.asked != record.asked or known.record.may_be_left_out != record.may_be_left_out:
        known = await asyncio.to_thread(read_request, record)
        _AT_HAND[record.id] = known
    return known.of(record)


@cache
def _labels() -> dict[str, str]:
    return {attribute.name: str(attribute.label) for known in list_credential_types() for attribute in known.attributes}


def _occupation_label(code: str) -> str | None:
    label = isco08().codes.get(code)
    return str(label) if label else None
