"""How much may wait for a person that came over one connection, so that nobody fills a wallet.

Whoever has a connection may offer and ask without being asked for it, and the wallet keeps that until its day is over,
and a month beyond. What the person said yes to and the other side did not end does not count: they have had a look at
each. What the other side refused does, since it can bring that about by itself.
"""

from collections.abc import Collection
from typing import Any, Final

from wanderbuch.errors import ExchangeError
from wanderbuch.store.records import RecordStore

MOST_OPEN: Final = 200
"""An organisation's wallet may have a hundred exchanges over one connection at once."""
MOST_UNWANTED: Final = 1_000
_LOOKED_AT: Final = 10_000


class TooManyOpenError(ExchangeError):
    """So much of one connection waits for the person, or came to nothing lately, that nothing more is kept."""

    code = "exchange.too_many_open"


async def expect_room(
    records: RecordStore[Any], connection_id: str | None, *, is_open: str, is_wanted: Collection[str]
) -> None:
    """Return if one more may be kept; what came without a connection the person has fetched themselves.

    Args:
        records: what is kept of the kind.
        connection_id: over which it came.
        is_open: the state in which it waits for the person.
        is_wanted: the states after a yes.

    Raises:
        TooManyOpenError: there is no room.
    """
    if connection_id is None:
        return
    states = await records.states(most=_LOOKED_AT, connection_id=connection_id)
    unwanted = sum(count for state, count in states.items() if state not in is_wanted)
    if states.get(is_open, 0) >= MOST_OPEN or unwanted >= MOST_UNWANTED:
        raise TooManyOpenError(
            f"expected at most {MOST_OPEN} that wait for the person over one connection, and {MOST_UNWANTED} that came"
            " to nothing, found more"
        )
