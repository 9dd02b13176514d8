"""What came over a connection, told to whoever waits for it, in this process or another.

A person opens an invitation in one process; the offer or request that follows may come to another that shares the store
with it. What is told are ids alone; whoever hears it reads the record.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.store.tables import tables_of, tenant_of

_TOPIC: Final = "arrived"


class ArrivalKind(Enum):
    """What began."""

    OFFER = "offer"
    REQUEST = "request"
    CONNECTION = "connection"  # stands now; nothing has come over it yet


@dataclass(frozen=True, slots=True)
class Arrival:
    """An exchange that began.

    Args:
        kind: an offer or a request; or the connection itself.
        connection_id: over which it came.
        exchange_id: of its record; of a connection its own id.
    """

    kind: ArrivalKind
    connection_id: str
    exchange_id: str


async def announce(profile: Profile, arrival: Arrival) -> None:
    """Tell every process of this profile, this one too."""
    words = (tenant_of(profile), arrival.kind.value, arrival.connection_id, arrival.exchange_id)
    await tables_of(profile).engine.announce(_TOPIC, " ".join(words))


def hear(profile: Profile, told: Callable[[Arrival | None], None]) -> Callable[[], None]:
    """Call `told` for what arrives for this profile in any process; None: something may have been missed.

    Returns:
        What ends it.
    """
    tenant = tenant_of(profile)

    def take(text: str) -> None:
        words = text.split(" ")
        if not text:
            told(None)
        elif len(words) == 4 and words[0] == tenant:
            told(Arrival(ArrivalKind(words[1]), words[2], words[3]))

    return tables_of(profile).engine.hear(_TOPIC, take)
