"""Who gives way where all places are taken: a network that has many makes room for one that has few. Pure.

Budgets by the minute and by the day are of one network each, so a patient stranger with a few networks takes all places
in time. Here the last place is anybody's:

1. The network that has most places gives one, if it has at least two more than the newcomer's: nobody gains by it what
   another loses, and the same two never change places in turn.
2. The newest of its places goes, of those that nobody has begun to work on.
3. What is old goes only where nothing young does, of any network: a rush takes places from itself first, and not from
   an operator's many customers who have waited behind one address. It does go in the end, or patience would take all.
4. That shields a quarter of all places for each network, two at least: what a network has beyond that counts as young,
   the newest of it first. Else a hoard of long ago would stand behind the few young places of everybody else.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_AT_LEAST: Final = 2
_SHARE: Final = 4


@dataclass(frozen=True, slots=True)
class TakenPlace:
    """A place that is taken.

    Args:
        id: of what has it.
        network: whose, in any form; "": not known, so it counts for nobody and stays.
        may_go: whether nobody has begun to work on it.
        is_old: whether it goes last.
    """

    id: str
    network: str
    may_go: bool
    is_old: bool = False


def gives_way(places: Sequence[TakenPlace], network: str) -> str | None:
    """Return the id of what gives way to a newcomer; None: nothing does.

    Args:
        places: all that are taken, the oldest first.
        network: the newcomer's.
    """
    taken = Counter(place.network for place in places if place.network)
    movable = [place for place in places if place.network and place.may_go]
    shielded = _shielded(places)
    young = [place for place in movable if place.id not in shielded]
    return _of_crowded(young, taken, network) or _of_crowded(movable, taken, network)


def _shielded(places: Sequence[TakenPlace]) -> set[str]:
    """Return the ids of what is old, of each network the oldest, up to its share (4)."""
    most, old = max(_AT_LEAST, len(places) // _SHARE), Counter[str]()
    shielded = set()
    for place in places:
        if place.is_old and old[place.network] < most:
            old[place.network] += 1
            shielded.add(place.id)
    return shielded


def _of_crowded(movable: Sequence[TakenPlace], taken: Mapping[str, int], network: str) -> str | None:
    newest = {place.network: place.id for place in movable}  # of each
    if not newest:
        return None
    crowded = max(newest, key=lambda name: taken[name])
    return newest[crowded] if taken[crowded] >= taken.get(network, 0) + _AT_LEAST else None
