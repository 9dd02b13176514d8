"""Discover features 2.0: what an agent speaks (DIDComm Messaging 2.1 §Discover Features).

1. Only protocols are told, and only those that the agent answers in DIDComm v2.
2. A query that asks for another kind of feature is left without an answer, as the specification says.
3. `match` is an identifier, or the beginning of one with `*` at its end; `*` in the middle is taken, too.
"""

from collections.abc import Collection
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wanderbuch.plugins.exchange.v2.handling import V2Handler, V2Incoming
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext, PlaintextError, new_message

QUERIES: Final = "https://didcomm.org/discover-features/2.0/queries"
DISCLOSE: Final = "https://didcomm.org/discover-features/2.0/disclose"
_MAX_STARS: Final = 4


class _Query(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)
    feature_type: str = Field(alias="feature-type", max_length=64)
    match: str = Field(max_length=256)


class _Queries(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)
    queries: list[_Query] = Field(max_length=32)


def answer_queries(incoming: V2Incoming, types: Collection[str]) -> Plaintext | None:
    """Answer what somebody asks of us.

    Args:
        incoming: their message.
        types: the message types that we answer.

    Raises:
        PlaintextError: it is no list of queries.
    """
    try:
        asked = _Queries.model_validate(incoming.message.body).queries
    except ValidationError as err:
        raise PlaintextError("expected at most 32 queries, each with a feature-type and a match") from err
    if incoming.sender is None:
        return None
    patterns = [query.match for query in asked if query.feature_type == "protocol"]
    protocols = sorted({kind.rpartition("/")[0] for kind in types})
    told = [name for name in protocols if any(_matches(name, pattern) for pattern in patterns)]
    disclosures = [{"feature-type": "protocol", "id": name} for name in told]
    return new_message(
        DISCLOSE,
        {"disclosures": disclosures},
        sender=incoming.own_did,
        to=incoming.sender.did,
        answers=incoming.message,
    )


def _matches(name: str, pattern: str) -> bool:
    """Tell whether a name is meant; without `re`, which would keep a pattern of every stranger's."""
    first, *others = pattern.split("*")
    if not others or len(others) > _MAX_STARS:
        return not others and name == pattern
    *between, last = others
    at = len(first)
    if not name.startswith(first):
        return False
    for piece in between:
        if (start := name.find(piece, at)) < 0:
            return False
        at = start + len(piece)
    return len(name) - at >= len(last) and name.endswith(last)


def discovery(types: Collection[str]) -> V2Handler:
    """Return the handler of queries at an agent that answers these message types."""

    async def take(_: Any, incoming: V2Incoming) -> Plaintext | None:
        return answer_queries(incoming, types)

    return V2Handler(take, max_bytes=16 * 1024)
