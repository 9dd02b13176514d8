"""Discover Features 1.0 and 2.0 (Aries RFC 0031, 0557): what a wallet asks to find out how it can pick up."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final
from uuid import uuid4

from wanderbuch.agents.mediator.office import MediatorOffice, wallet_of
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.packing import PREFIX

PROTOCOLS: Final = tuple(
    f"{PREFIX}{family}"
    for family in (
        "coordinate-mediation/1.0",
        "didexchange/1.1",
        "discover-features/1.0",
        "discover-features/2.0",
        "messagepickup/2.0",
        "routing/1.0",
        "trust_ping/1.0",
    )
)
_EGRESS: Final = f"{PREFIX}egress/1.0"
_PUSHES: Final = f"{PREFIX}push-notifications-webpush/1.0"
_MAX_QUERY: Final = 256
_MOST_QUERIES: Final = 32


async def take_query(office: Any, incoming: Incoming) -> bool:
    """Answer a query of 1.0."""
    mediator: MediatorOffice = office
    _, channel = await wallet_of(mediator, incoming)
    told = {"protocols": [{"pid": protocol} for protocol in _matching(mediator, incoming.members.get("query"))]}
    await mediator.answer(incoming, channel, _message("discover-features/1.0/disclose", incoming) | told)
    return True


async def take_queries(office: Any, incoming: Incoming) -> bool:
    """Answer queries of 2.0."""
    mediator: MediatorOffice = office
    _, channel = await wallet_of(mediator, incoming)
    listed = incoming.members.get("queries")
    queries = [query for query in listed if isinstance(query, Mapping)] if isinstance(listed, list) else []
    wanted = [query.get("match") for query in queries[:_MOST_QUERIES] if query.get("feature-type") == "protocol"]
    ids = dict.fromkeys(protocol for match in wanted for protocol in _matching(mediator, match))
    told = {"disclosures": [{"feature-type": "protocol", "id": ident} for ident in ids]}
    await mediator.answer(incoming, channel, _message("discover-features/2.0/disclosures", incoming) | told)
    return True


FEATURE_HANDLERS: Final[Mapping[str, Handler]] = {
    "discover-features/1.0/query": Handler(take_query, asked_again=True, own_connections=True),
    "discover-features/2.0/queries": Handler(take_queries, asked_again=True, own_connections=True),
}


def _matching(mediator: MediatorOffice, query: object) -> list[str]:
    if not isinstance(query, str) or len(query) > _MAX_QUERY:
        return []
    exact = query.replace("[", "[[]").replace("?", "[?]")  # only * stands for anything
    pushes = () if mediator.pushes is None else (_PUSHES,)
    egress = () if mediator.egress is None else (_EGRESS,)
    return [protocol for protocol in (*PROTOCOLS, *pushes, *egress) if fnmatchcase(protocol, exact)]


def _message(kind: str, incoming: Incoming) -> dict[str, Any]:
    return {"@type": f"{PREFIX}{kind}", "@id": str(uuid4()), "~thread": {"thid": incoming.thread_id}}
