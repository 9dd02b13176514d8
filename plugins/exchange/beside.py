"""How much may be sent beside at once, and for whom: nobody who does not answer keeps others from being written to.

1. One channel has few places: one message may last minutes where nobody answers.
2. What answers messages of one network has a part of them, whoever writes from there, and over how many channels.
3. Answers, whoever asked for them, leave a part for what we begin ourselves.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

MOST: Final = 2_000
OF_A_CHANNEL: Final = 32
OF_A_NETWORK: Final = 250
OF_ANSWERS: Final = 1_500


@dataclass(frozen=True, slots=True)
class Place:
    """What is sent beside.

    Args:
        own_key, their_key: of the channel.
        network: whose message it answers; None: nobody's, we begin. "": of a network that is not known.
    """

    own_key: str
    their_key: str
    network: str | None


@dataclass(slots=True)
class BesidePlaces:
    """The places of one process."""

    taken: int = 0
    _answers: int = 0
    _of_channel: Counter[tuple[str, str]] = field(default_factory=Counter)
    _of_network: Counter[str] = field(default_factory=Counter)

    def take(self, place: Place) -> bool:
        """Take a place; False: there is none for this one now."""
        channel, network = (place.own_key, place.their_key), place.network
        if self.taken >= MOST or self._of_channel[channel] >= OF_A_CHANNEL:
            return False
        if network is not None and (self._answers >= OF_ANSWERS or self._of_network[network] >= OF_A_NETWORK):
            return False
        self._change(place, 1)
        return True

    def leave(self, place: Place) -> None:
        """Give a place back."""
        self._change(place, -1)

    def _change(self, place: Place, by: int) -> None:
        self.taken += by
        self._of_channel[place.own_key, place.their_key] += by
        if not self._of_channel[place.own_key, place.their_key]:
            del self._of_channel[place.own_key, place.their_key]
        if place.network is None:
            return
        self._answers += by
        self._of_network[place.network] += by
        if not self._of_network[place.network]:
            del self._of_network[place.network]
