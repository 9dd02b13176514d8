"""The questions that one wallet may get by one link: their ids follow from the link and the connection alone.

So whoever puts the next one finds all that came before it, whichever they were given, and no row of them begins anew.
How often a wallet is asked again is counted for its connection, whichever links it came by: a new link for the same
wallets is no way to ask without end. Of a wallet that makes a connection for each link nobody can tell that it is one.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.verifier.erasing.erasure import erasures
from wanderbuch.store.once import own_id
from wanderbuch.store.records import DuplicateError, Record, RecordStore

_MOST_COMINGS: Final = 5
MOST_TIMES: Final = 12
"""So often one wallet is asked again over one connection."""


class AskedAgain(Record):
    """How often a wallet was asked again; the id follows from our key of the connection."""

    category: ClassVar[str] = "wanderbuch.asked_again"
    is_listed: ClassVar[bool] = False

    times: int = 0


async def times_asked_again(profile: Profile, over: str) -> int:
    """Return how often a wallet was asked again over a connection."""
    kept = await RecordStore(profile, AskedAgain).get_or_none(_count_id(over))
    return 0 if kept is None else kept.times


async def count_asked_again(profile: Profile, over: str) -> None:
    """Count once more; where a crash comes before the question is put, it is counted all the same."""
    counts = RecordStore(profile, AskedAgain)
    try:
        await counts.insert(AskedAgain(id=_count_id(over), times=1))
    except DuplicateError:
        await counts.change(_count_id(over), lambda kept: kept.model_copy(update={"times": kept.times + 1}))


def _count_id(over: str) -> str:
    return own_id("times asked again", over)


def ids_at_places(link_id: str, over: str) -> tuple[str, ...]:
    """Return the ids of the questions that a wallet gets when it comes by a link: the first time, and each time after.

    Args:
        link_id: of the link.
        over: our key of the connection.
    """
    return tuple(own_id("applying", link_id, over, *([str(time)] if time else [])) for time in range(_MOST_COMINGS))


def ids_asked_again(link_id: str, over: str) -> tuple[str, ...]:
    """Return the ids of the questions that a wallet is asked again over its connection, in turn."""
    return tuple(own_id("asked again", link_id, over, str(time)) for time in range(1, MOST_TIMES + 1))


async def had_erased(profile: Profile, question_ids: Iterable[str]) -> bool:
    """Return whether the answer to one of the questions was erased, or is to be, also where a law keeps some of it."""
    known = erasures(profile)
    for question_id in question_ids:
        if await known.knows(question_id):
            return True
    return False
