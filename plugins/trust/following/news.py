"""That one process of an agent has found something newer of an authority, told to the others within two seconds.

What was found is not told: each process fetches and checks for itself.
"""

import logging
from collections.abc import Callable
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.store.errors import StoreUnreachableError
from wanderbuch.store.tables import tables_of

LOGGER = logging.getLogger(__name__)
_TOPIC: Final = "governance"

type Known = tuple[int, int]
"""Version and end of freshness, as far as a process knows."""


class News:
    """News of one authority.

    Args:
        profile: of the agent.
        author: of the files.
        heard: called with what another process knows; None: something may have been missed.
    """

    def __init__(self, profile: Profile, author: Did, heard: Callable[[Known | None], None]) -> None:
        self._engine = tables_of(profile).engine
        self._author = str(author)
        self._on_news = heard
        if self._engine.is_shared:
            self._engine.hear(_TOPIC, self._take)

    async def tell(self, known: Known) -> None:
        """Tell the other processes what this one knows; where that fails, they look when it is time."""
        if not self._engine.is_shared:
            return
        try:
            await self._engine.announce(_TOPIC, f"{self._author} {known[0]} {known[1]}")
        except StoreUnreachableError as err:
            LOGGER.warning("governance: the other processes could not be told: %s", err.code)

    def _take(self, text: str) -> None:
        author, _, known = text.partition(" ")
        if not text:
            self._on_news(None)
        elif author == self._author:
            version, until = known.split(" ")
            self._on_news((int(version), int(until)))
