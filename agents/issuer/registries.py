"""Revocation registries: one active, one spare, and a change to the spare before the active one is full.

What exists is read from the wallet at every step, so a start after a crash goes on where the last one stopped:

1. Every registry definition is written, and has its first status list. One for a ledger is kept before it is written:
   an endorser may take a day.
2. One registry with free places is active.
3. One more, untouched, is the spare.

Of all processes of an issuer one at a time takes these steps.

ACA-Py's own set-up of registries is a chain of fire-and-forget events that ends where a crash cuts it, and uploads
tails files without our certificates; the runtime blocks it and each step is awaited here.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import uuid4

from acapy_agent.anoncreds.constants import CATEGORY_REV_LIST, CATEGORY_REV_REG_DEF, STATE_FINISHED
from acapy_agent.core.error import BaseError
from acapy_agent.core.event_bus import Event
from acapy_agent.core.profile import Profile

from wanderbuch.errors import ResolutionError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, RevRegDefId
from wanderbuch.plugins.indy.errors import reason_of
from wanderbuch.plugins.indy.keeping import KEEP_FIRST, waiting_registries, write_registry
from wanderbuch.plugins.indy.revocation import PublishedRevocation
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.once import one_step

LOGGER = logging.getLogger(__name__)

_REGISTRY_TYPE = "CL_ACCUM"  # AnonCreds 1.0, revocDefType
_MAX_HEADROOM = 16
_MAKING_S = 600.0  # a large registry takes minutes


class RegistryState(Enum):
    """What a registry is used for."""

    ACTIVE = "ACTIVE"  # new credentials take their place here
    SPARE = "SPARE"
    FULL = "FULL"


@dataclass(frozen=True, slots=True)
class Registry:
    """One revocation registry of this issuer.

    Args:
        size: its places, of which place 0 is never used.
        used: places given to credentials.
    """

    id: RevRegDefId
    state: RegistryState
    size: int
    used: int


def headroom(size: int) -> int:
    """Return how many places stay free, for what is being signed just now, when the spare takes over."""
    return min(_MAX_HEADROOM, max(1, size // 4))


def is_nearly_full(*, size: int, used: int) -> bool:
    """Return whether it is time to go on with the spare."""
    return size - 1 - used < headroom(size)


class _Steps(PublishedRevocation):
    """The registry operations, one awaited step at a time."""

    async def notify(self, event: Event) -> None:
        """Tell nobody: whoever called the step does what follows."""


class Registries:
    """The revocation registries of one credential definition."""

    def __init__(self, profile: Profile, *, size: int) -> None:
        """Prepare; nothing is made yet.

        Args:
            profile: whose wallet.
            size: places in a new registry.
        """
        self._profile = profile
        self._steps = _Steps(profile)
        self._size = size

    async def ensure_active(self, cred_def_id: CredDefId) -> RevRegDefId:
        """Return the active registry; it is made, completed or changed where that is needed.

        Raises:
            ResolutionError: a registry could not be made or published.
        """
        async with self._alone(cred_def_id):
            try:
                await self._complete(cred_def_id)  # 1
            except ResolutionError:  # such as a spare that an endorser has not signed yet
                if (active := await self._activate(cred_def_id)) is None:
                    raise
                return active
            if (active := await self._activate(cred_def_id)) is None:  # 2
                active = await self._make(cred_def_id)
                await self._steps.set_active_registry(active)
            return active

    async def is_usable(self, cred_def_id: CredDefId) -> bool:
        """Return whether the active registry is there and has free places; waits for nobody's turn."""
        return any(
            registry.state is RegistryState.ACTIVE and not is_nearly_full(size=registry.size, used=registry.used)
            for registry in await self.all(cred_def_id)
        )

    async def ensure_spare(self, cred_def_id: CredDefId) -> None:
        """Make sure that what was begun is complete (1), and that a spare is there (3).

        Raises:
            ResolutionError: it could not be made or published.
        """
        async with self._alone(cred_def_id):
            await self._complete(cred_def_id)
            registries = await self.all(cred_def_id)
            if not any(registry.state is RegistryState.SPARE for registry in registries):
                await self._make(cred_def_id)

    async def used(self, registry_id: RevRegDefId) -> int:
        """Return how many places of a registry are given to credentials, by whichever process."""
        async with self._profile.session() as session:
            entry = await session.handle.fetch(CATEGORY_REV_LIST, registry_id)
        return 0 if entry is None else _used(entry.value_json)

    async def all(self, cred_def_id: CredDefId) -> tuple[Registry, ...]:
        """Return the registries that are complete, the active one first."""
        registries: list[Registry] = []
        async with self._profile.session() as session:
            for entry in await fetch_entries(session, CATEGORY_REV_REG_DEF, {"cred_def_id": cred_def_id}):
                status_list = await session.handle.fetch(CATEGORY_REV_LIST, entry.name)
                if status_list is not None and entry.tags.get("state") == STATE_FINISHED:
                    registries.append(_registry(entry.name, entry.tags, entry.value_json, status_list.value_json))
        return tuple(sorted(registries, key=lambda registry: (registry.state is not RegistryState.ACTIVE, registry.id)))

    @asynccontextmanager
    async def _alone(self, cred_def_id: CredDefId) -> AsyncIterator[None]:
        async with one_step(self._profile, f"registries.{cred_def_id}", wait_s=_MAKING_S):
            yield

    async def _complete(self, cred_def_id: CredDefId) -> None:
        """Write every registry definition that waits, and give each its first status list."""
        for job_id in await waiting_registries(self._profile, cred_def_id):
            await self._finish(job_id)
        async with self._profile.session() as session:
            entries = await fetch_entries(session, CATEGORY_REV_REG_DEF, {"cred_def_id": cred_def_id})
            bare = [
                entry.name for entry in entries if await session.handle.fetch(CATEGORY_REV_LIST, entry.name) is None
            ]
        for registry_id in bare:
            await self._make_list(RevRegDefId.parse(registry_id))

    async def _activate(self, cred_def_id: CredDefId) -> RevRegDefId | None:
        """Return the active registry, or make a spare one active; None: no complete one has places."""
        registries = await self.all(cred_def_id)
        for state in (RegistryState.ACTIVE, RegistryState.SPARE):
            for registry in registries:
                if registry.state is state and not is_nearly_full(size=registry.size, used=registry.used):
                    if state is RegistryState.SPARE:
                        await self._steps.set_active_registry(registry.id)
                        LOGGER.info("revocation registry %s is active now", registry.id)
                    return registry.id
        return None

    async def _make(self, cred_def_id: CredDefId) -> RevRegDefId:
        result: Any = await self._steps.create_and_register_revocation_registry_definition(
            issuer_id=cred_def_id.did,
            cred_def_id=cred_def_id,
            registry_type=_REGISTRY_TYPE,
            tag=str(uuid4()),
            max_cred_num=self._size,
            options={KEEP_FIRST: True} if cred_def_id.did.method != "webvh" else None,
        )
        if isinstance(result, str):  # ACA-Py answers with the error's text
            raise ResolutionError(f"a revocation registry could not be made: {result.split('. Extra', 1)[0]}")
        await self._steps.store_revocation_registry_definition(result)
        registry_id = await self._finish(result.job_id) if result.job_id else RevRegDefId.parse(result.rev_reg_def_id)
        await self._make_list(registry_id)
        return registry_id

    async def _finish(self, job_id: str) -> RevRegDefId:
        try:
            registry_id = RevRegDefId.parse(await write_registry(self._profile, job_id))
        except BaseError as err:
            raise ResolutionError(f"a revocation registry could not be written: {reason_of(err)}") from err
        await self._steps.finish_revocation_registry_definition(job_id, registry_id)
        return registry_id

    async def _make_list(self, registry_id: RevRegDefId) -> None:
        result: Any = await self._steps.create_and_register_revocation_list(registry_id)
        if isinstance(result, str):
            raise ResolutionError(f"a status list could not be published: {result.split('. Extra', 1)[0]}")
        await self._steps.store_revocation_registry_list(result)


def _registry(name: str, tags: dict[str, str], definition: dict[str, Any], status_list: dict[str, Any]) -> Registry:
    size, used = int(definition["value"]["maxCredNum"]), _used(status_list)
    if tags.get("active") == "true":
        state = RegistryState.ACTIVE
    else:
        state = RegistryState.FULL if is_nearly_full(size=size, used=used) else RegistryState.SPARE
    return Registry(RevRegDefId.parse(name), state, size, used)


def _used(status_list: dict[str, Any]) -> int:
    return int(status_list["next_index"]) - 1
