"""What came over a new connection, told to whoever waits for it in whichever process.

The event bus of ACA-Py ends at its process. Where several processes share a store, the one that took an offer or a
request in announces it, by ids alone, to the one where a person has opened the invitation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.store.tables import tables_of, tenant_of

_TOPIC: Final = "arrived"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An exchange that began.

    Args:
        kind: its protocol, as in the category of ACA-Py's record.
        connection_id: over which it came.
        exchange_id: of ACA-Py's record.
    """

    kind: str
    connection_id: str
    exchange_id: str


async def announce(profile: Profile, arrival: Arrival) -> None:
    """Tell the other processes of this profile; without effect where there can be none."""
    engine = tables_of(profile).engine
    if engine.is_shared:
        words = (tenant_of(profile), arrival.kind, arrival.connection_id, arrival.exchange_id)
        await engine.announce(_TOPIC, " ".join(words))


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
            told(Arrival(*words[1:]))

    return tables_of(profile).engine.hear(_TOPIC, take)
