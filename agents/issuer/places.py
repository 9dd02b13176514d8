"""Places in revocation registries: reserved a few at a time, each one credential's at most.

A credential's place must be its own, whichever process signs. ACA-Py counts the places that are taken in its record of
a registry's status list (`next_index`), and takes each one in a transaction, which locks every other writer of the
wallet, or on PostgreSQL of the profile. So here

1. a process reserves 1 place, then 4, then 32 at a time, as long as the last reservation did not last a minute (of a
   small registry no more than an eighth at once), in one short transaction on that same count;
2. a place is given to one signature. One that came to nothing gives it back: no credential with it has left;
3. where the active registry has no place left the spare takes over, or a new one;
4. what is left comes back at a clean stop, where nobody has reserved later places. A crash loses what was reserved.

5. A credential is made for the newest status list that this process knows. Its witness is of that list, and as long as
   that is the newest one, its holder needs no tails file (256 kB for 1,000 places). A place that was reserved before a
   revocation therefore gets the newer list with it.

What is reserved counts as used, for whoever looks from outside.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from acapy_agent.anoncreds.constants import CATEGORY_REV_LIST, CATEGORY_REV_REG_DEF, CATEGORY_REV_REG_DEF_PRIVATE
from acapy_agent.core.profile import Profile
from cachetools import LRUCache

from wanderbuch.agents.issuer.registries import Registries, is_nearly_full
from wanderbuch.agents.issuer.signing import LoadedRegistry, Place, load_registry
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId
from wanderbuch.store.elapsing import elapsing
from wanderbuch.store.fence import refuse_late

LOGGER = logging.getLogger(__name__)

STEPS: Final = (1, 4, 32)
_BRISK_S: Final = 60.0
_SHARE: Final = 8
_TRIES: Final = 5
_MAX_LOADED: Final = 4


@dataclass(slots=True)
class _Reserved:
    """What is left of reservations for one definition.

    Args:
        places: in the order in which they are given.
        step: which of `STEPS` was reserved last; -1: none yet.
        at: when that was.
    """

    places: deque[Place]
    step: int = -1
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class _Taken:
    """Places that a transaction took from the count: `first` to `first + count - 1`."""

    registry_id: str
    first: int
    count: int
    size: int
    entries: tuple[bytes, bytes, dict[str, Any]]


class Places:
    """The places of one issuer's registries, as far as this process has reserved them."""

    def __init__(
        self, profile: Profile, registries: Registries, *, on_nearly_full: Callable[[], None] = lambda: None
    ) -> None:
        """Prepare; nothing is reserved before somebody signs.

        Args:
            profile: whose wallet.
            registries: of the issuer.
            on_nearly_full: is told when it is time to make the next registry; must not wait.
        """
        self._profile = profile
        self._registries = registries
        self._on_nearly_full = on_nearly_full
        self._reserved: dict[str, _Reserved] = {}
        self._loaded: LRUCache[str, tuple[str, LoadedRegistry]] = LRUCache(_MAX_LOADED)
        self._active: dict[str, str] = {}
        self._changed: set[str] = set()
        self._turn = asyncio.Lock()

    async def take(self, cred_def_id: CredDefId) -> Place:
        """Return a place for one credential; whoever does not sign with it gives it back.

        Raises:
            ResolutionError: there is none, and no registry could be made.
        """
        reserved = self._reserved.setdefault(cred_def_id, _Reserved(deque()))
        if not reserved.places:
            async with self._turn:
                if not reserved.places:
                    await self._reserve(cred_def_id, reserved)
        place = reserved.places.popleft()
        try:
            return await self._with_newest_list(place)
        except BaseException:
            reserved.places.appendleft(place)
            raise

    def list_changed(self, registry_id: str) -> None:
        """Note that a registry has a newer status list: what is signed from now on is made for that (5)."""
        self._changed.add(registry_id)

    def give_back(self, cred_def_id: CredDefId, place: Place) -> None:
        """Take a place back with which nothing was signed that has left."""
        self._reserved.setdefault(cred_def_id, _Reserved(deque())).places.appendleft(place)

    async def release(self) -> None:
        """Put back into the count what is left, where nobody has reserved later places (4)."""
        for reserved in self._reserved.values():
            left = sorted({(place.registry_id, place.index) for place in reserved.places})
            reserved.places.clear()
            for registry_id in {registry_id for registry_id, _ in left}:
                await self._put_back(registry_id, [index for registry, index in left if registry == registry_id])

    async def _reserve(self, cred_def_id: CredDefId, reserved: _Reserved) -> None:
        """Reserve the next places, of a new registry if need be (1, 3)."""
        is_brisk = reserved.step >= 0 and elapsing() - reserved.at < _BRISK_S
        reserved.step = min(reserved.step + 1, len(STEPS) - 1) if is_brisk else 0
        for _ in range(_TRIES):
            registry_id = self._active.get(cred_def_id)
            taken = None if registry_id is None else await self._take(registry_id, STEPS[reserved.step])
            if taken is not None:
                registry = await self._load(taken)
                reserved.places.extend(Place(taken.registry_id, taken.first + n, registry) for n in range(taken.count))
                reserved.at = elapsing()
                if is_nearly_full(size=taken.size, used=taken.first + taken.count - 1):
                    self._on_nearly_full()
                return
            self._active[cred_def_id] = await self._registries.ensure_active(cred_def_id)
        raise ResolutionError(
            "no revocation registry has a place left", hint="the log says why no further one could be made"
        )

    async def _take(self, registry_id: str, wanted: int) -> _Taken | None:
        """Take places from a registry's count; None: it has none left, or is not the active one.

        The transaction, which locks out every other writer, is for the count alone. What is read before it does not
        change, but that another registry may become the active one: the places of this one are as good as they were.
        """
        async with self._profile.session() as session:
            definition = await session.handle.fetch(CATEGORY_REV_REG_DEF, registry_id)
            private = await session.handle.fetch(CATEGORY_REV_REG_DEF_PRIVATE, registry_id)
        if definition is None or private is None or definition.tags.get("active") != "true":
            return None
        size = int(json.loads(definition.value)["value"]["maxCredNum"])
        async with self._profile.transaction() as session:
            kept = await session.handle.fetch(CATEGORY_REV_LIST, registry_id, for_update=True)
            if kept is None:
                return None
            value = dict(json.loads(kept.value))
            first = int(value["next_index"])
            count = min(wanted, max(1, size // _SHARE), size - first)
            if count < 1:
                return None
            value["next_index"] = first + count
            await session.handle.replace(CATEGORY_REV_LIST, registry_id, json.dumps(value), kept.tags)
            refuse_late()
            await session.commit()
        entries = bytes(definition.value), bytes(private.value), dict(value["rev_list"])
        return _Taken(registry_id, first, count, size, entries)

    async def _put_back(self, registry_id: str, indexes: list[int]) -> None:
        async with self._profile.transaction() as session:
            kept = await session.handle.fetch(CATEGORY_REV_LIST, registry_id, for_update=True)
            if kept is None:
                return
            value = dict(json.loads(kept.value))
            before = int(value["next_index"])
            while indexes and indexes[-1] == value["next_index"] - 1:
                value["next_index"] = indexes.pop()
            if value["next_index"] != before:
                await session.handle.replace(CATEGORY_REV_LIST, registry_id, json.dumps(value), kept.tags)
                await session.commit()
                LOGGER.info("%d place(s) of %s came back", before - value["next_index"], registry_id)

    async def _with_newest_list(self, place: Place) -> Place:
        """Return a place with the newest list of its registry (5)."""
        if place.registry_id in self._changed:
            async with self._profile.session() as session:
                kept = await session.handle.fetch(CATEGORY_REV_LIST, place.registry_id)
                definition = await session.handle.fetch(CATEGORY_REV_REG_DEF, place.registry_id)
                private = await session.handle.fetch(CATEGORY_REV_REG_DEF_PRIVATE, place.registry_id)
            if kept is None or definition is None or private is None:
                return place
            entries = bytes(definition.value), bytes(private.value), dict(json.loads(kept.value)["rev_list"])
            self._changed.discard(place.registry_id)
            await self._load(_Taken(place.registry_id, 0, 0, 0, entries))
        newest = self._loaded.get(place.registry_id)
        return place if newest is None or newest[1] is place.registry else replace(place, registry=newest[1])

    async def _load(self, taken: _Taken) -> LoadedRegistry:
        """Return a registry ready for the library; loaded again where its accumulator has changed."""
        accumulator = str(taken.entries[2].get("currentAccumulator"))
        earlier = self._loaded.get(taken.registry_id)
        if earlier is not None and earlier[0] == accumulator:
            return earlier[1]
        loaded = await asyncio.to_thread(load_registry, *taken.entries)
        self._loaded[taken.registry_id] = accumulator, loaded
        return loaded
