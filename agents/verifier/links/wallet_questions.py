"""The questions that one wallet may get by one link: their ids follow from the link and the connection alone.

So whoever puts the next one finds all that came before it, whichever they were given, and no row of them begins anew.
"""

from collections.abc import Iterable
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.verifier.erasing.erasure import erasures
from wanderbuch.store.once import own_id

_MOST_COMINGS: Final = 5
MOST_TIMES: Final = 12
"""So often one wallet is asked again by one link."""


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
