"""Tails files of the registries that credentials come from: fetched beside, so that no sender waits for one."""

import asyncio
import logging
from typing import Final

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile

from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.exchange.anoncreds.objects import LoadedRegistry
from wanderbuch.plugins.webvh.tails import place_tails, tails_in_place
from wanderbuch.store.tables import tenant_of

LOGGER = logging.getLogger(__name__)

_TAILS_S: Final = 1.0  # so long whoever sent the credential waits for its tails file; then it is fetched beside
_FETCHING: dict[asyncio.Task[bool], tuple[object, str]] = {}
"""What is being fetched, and for whom: Askar's store and tenant."""


async def has_tails(profile: Profile, registry: LoadedRegistry) -> bool:
    """Tell whether a tails file is in place; one that takes long is fetched beside, and is there the next time."""
    try:
        if tails_in_place(registry.tails_hash) is not None:
            return True
        fetching = asyncio.create_task(_fetch(profile, registry), name=f"tails.{registry.tails_hash}")
        _FETCHING[fetching] = _whose(profile)
        fetching.add_done_callback(_ended)
        await asyncio.wait({fetching}, timeout=_TAILS_S)
        return fetching.done() and not fetching.cancelled() and fetching.result()
    except ResolutionError:  # the hash is none
        return False


async def stop_fetching(profile: Profile) -> None:
    """End what is being fetched for a wallet; the sweep of the next start fetches it."""
    tasks = [task for task, whose in _FETCHING.items() if whose == _whose(profile)]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _fetch(profile: Profile, registry: LoadedRegistry) -> bool:
    try:
        await place_tails(profile, tails_hash=registry.tails_hash, location=registry.tails_location, size=registry.size)
    except (BaseError, ResolutionError) as err:
        LOGGER.warning("holder: the tails file of %s could not be fetched: %s", registry.id, type(err).__name__)
        return False
    return True


def _whose(profile: Profile) -> tuple[object, str]:
    return profile.store, tenant_of(profile)


def _ended(task: asyncio.Task[bool]) -> None:
    _FETCHING.pop(task, None)
