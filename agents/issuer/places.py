"""Places in revocation registries, so that nobody signs into a full one.

ACA-Py takes the next place of the active registry while it signs; where there is none it tries again every two seconds,
five times, and gives up. Many requests at once would exhaust registry after registry that way, so here

1. no more credentials are signed at once than places stay free when the next registry takes over (`headroom`);
2. places are counted down, and when the count ends the registries are looked at: the spare, or a new one, takes over
   before anybody signs.

The count is this process's own and errs on the safe side; with several processes, ACA-Py's tries are what remains.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wanderbuch.agents.issuer.registries import Registries, headroom
from wanderbuch.governance.identifiers import CredDefId
from wanderbuch.plugins.trust.places import SigningPlaces


class Places(SigningPlaces):
    """The places of one issuer's registries."""

    def __init__(self, registries: Registries, *, size: int) -> None:
        """Prepare; registries are first looked at when somebody signs.

        Args:
            registries: of the issuer's credential definition.
            size: places in a new registry.
        """
        self._registries = registries
        self._headroom = headroom(size)
        self._signing = asyncio.Semaphore(self._headroom)
        self._looking = asyncio.Lock()
        self._left = 0

    @asynccontextmanager
    async def one(self, cred_def_id: CredDefId) -> AsyncIterator[None]:
        """Hold one place."""
        async with self._signing:  # 1
            async with self._looking:
                if self._left < 1:  # 2
                    self._left = await self._count(cred_def_id)
                self._left -= 1
            yield

    async def _count(self, cred_def_id: CredDefId) -> int:
        """Return how many places can be given before looking again, less those that are being taken just now."""
        active = await self._registries.ensure_active(cred_def_id)
        found = next(each for each in await self._registries.all(cred_def_id) if each.id == active)
        return found.size - found.used - self._headroom
