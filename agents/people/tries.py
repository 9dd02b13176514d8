"""How often somebody may try a recovery code: for each person and for each network, in this process.

A try counts before it is looked at, so that many at once are no way round. A person's own count begins anew when a try
was good. The codes cannot be found by trying; this keeps the attempt from costing anything.
"""

from collections.abc import Callable
from typing import Final

from cachetools import TTLCache

from wanderbuch.errors import WanderbuchError

A_PERSON: Final = 5
A_NETWORK: Final = 20
WINDOW_S: Final = 15 * 60
_MOST: Final = 10_000


class TooManyTriesError(WanderbuchError):
    """Somebody has tried too often."""

    code = "too-many"


class Tries:
    """Counts tries.

    Args:
        timer: seconds that only grow.
    """

    def __init__(self, timer: Callable[[], float]) -> None:
        self._people: TTLCache[str, int] = TTLCache(_MOST, WINDOW_S, timer)
        self._networks: TTLCache[str, int] = TTLCache(_MOST, WINDOW_S, timer)

    def count_network(self, network: str) -> None:
        """Count a try from a network.

        Raises:
            TooManyTriesError: there were too many.
        """
        _count(self._networks, network, A_NETWORK)

    def forget_network(self, network: str) -> None:
        """Begin anew: a try from this network was good."""
        self._networks.pop(network, None)

    def count_person(self, person_id: str) -> None:
        """Count a try for a person, by the id that was typed; nobody need have it.

        Raises:
            TooManyTriesError: there were too many.
        """
        _count(self._people, person_id, A_PERSON)

    def forget_person(self, person_id: str) -> None:
        """Begin anew: a try for this person was good."""
        self._people.pop(person_id, None)


def _count(counts: TTLCache[str, int], key: str, most: int) -> None:
    so_far = counts.get(key, 0)
    if so_far >= most:
        raise TooManyTriesError(
            "there were too many tries", hint=f"wait {WINDOW_S // 60} minutes, or ask an administrator for a new link"
        )
    counts[key] = so_far + 1
