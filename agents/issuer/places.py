"""Places in revocation registries, so that nobody signs into a full one.

ACA-Py takes the next place of the active registry while it signs, in a transaction, so no place is ever given twice.
Where there is none it tries again every two seconds, five times, and gives up. Many requests at once would exhaust
registry after registry that way, so here

1. no more credentials are signed at once than places stay free when the next registry takes over (`headroom`); each of
   several processes on one store has a part of them;
2. before anybody signs, the registries are looked at when the places counted down come to an end or, where other
   processes take places too, whenever the list in the store says that the registry is nearly full: the spare, or a new
   one, takes over.

So only more processes than `_PROCESSES` that all sign at the very end of a registry are left to ACA-Py's tries.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from wanderbuch.agents.issuer.registries import Registries, headroom, is_nearly_full
from wanderbuch.governance.identifiers import CredDefId, RevRegDefId
from wanderbuch.plugins.trust.places import SigningPlaces

_PROCESSES: Final = 4


class Places(SigningPlaces):
    """The places of one issuer's registries."""

    def __init__(self, registries: Registries, *, size: int, is_shared: bool = False) -> None:
        """Prepare; registries are first looked at when somebody signs.

        Args:
            registries: of the issuer's credential definition.
            size: places in a new registry.
            is_shared: whether other processes sign too.
        """
        self._registries = registries
        self._is_shared = is_shared
        self._headroom = headroom(size)
        self._signing = asyncio.Semaphore(max(1, self._headroom // _PROCESSES) if is_shared else self._headroom)
        self._looking = asyncio.Lock()
        self._active: tuple[RevRegDefId, int] | None = None  # and its size
        self._left = 0

    @asynccontextmanager
    async def one(self, cred_def_id: CredDefId) -> AsyncIterator[None]:
        """Hold one place."""
        async with self._signing:  # 1
            async with self._looking:
                if self._left < 1 or await self._others_filled_it():  # 2
                    self._left = await self._count(cred_def_id)
                self._left -= 1
            yield

    async def _others_filled_it(self) -> bool:
        if not self._is_shared or self._active is None:
            return False
        registry_id, size = self._active
        return is_nearly_full(size=size, used=await self._registries.used(registry_id))

    async def _count(self, cred_def_id: CredDefId) -> int:
        """Return how many places can be given before looking again, less those that are being taken just now."""
        active = await self._registries.ensure_active(cred_def_id)
        found = next(each for each in await self._registries.all(cred_def_id) if each.id == active)
        self._active = active, found.size
        return found.size - found.used - self._headroom
