"""A centre that closes leaves no free place behind: nobody issues from its registries any more, whoever has its keys.

A certificate that is signed into a free place of a registry whose files are served counts like any other. So the free
places of every registry are revoked before the files are handed over (ADR 105):

1. in one transaction a registry gives no place any more, and those that were free are to be revoked;
2. they are revoked together with what was asked for before, in one status list, which is published.

A crash between leaves the places noted, and the same again goes on. Places that are given, or were reserved and got
lost, stay as they are: a credential may have them. A registry on a ledger is left alone; there its list is written.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from acapy_agent.anoncreds.constants import CATEGORY_REV_LIST, CATEGORY_REV_REG_DEF, STATE_FINISHED
from acapy_agent.core.profile import Profile

from wanderbuch.governance.facts.anoncreds_ids import RevRegDefId
from wanderbuch.plugins.indy.revocation import PublishedRevocation
from wanderbuch.plugins.webvh.registry import WebvhRegistry
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.once import one_step

_TURN_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class ClosedPlaces:
    """What became of a registry.

    Args:
        registry: its id.
        places: how many this call revoked, free ones and such as were asked for; 0: all was done before.
    """

    registry: str
    places: int


async def close_places(profile: Profile) -> Sequence[ClosedPlaces]:
    """Revoke the free places of every registry of a wallet, in public; again changes nothing.

    Args:
        profile: the issuer's; `WebvhRegistry` and what ACA-Py needs to publish are bound in it.

    Raises:
        WanderbuchError, BaseError: a list could not be published; the same again goes on.
    """
    async with profile.session() as session:
        definitions = await fetch_entries(session, CATEGORY_REV_REG_DEF)
    registries = [RevRegDefId.parse(one.name) for one in definitions if one.tags.get("state") == STATE_FINISHED]
    return [await _close(profile, registry) for registry in sorted(registries) if registry.did.method == "webvh"]


async def _close(profile: Profile, registry_id: RevRegDefId) -> ClosedPlaces:
    async with one_step(profile, f"revoking.{registry_id}", wait_s=_TURN_S):
        if not await _give_no_more(profile, registry_id):  # 1
            return ClosedPlaces(str(registry_id), 0)
        await PublishedRevocation(profile).revoke_pending_credentials(registry_id)  # 2
        registry: WebvhRegistry = profile.inject(WebvhRegistry)
        return ClosedPlaces(str(registry_id), len(await registry.publish_kept_list(profile, registry_id)))


async def _give_no_more(profile: Profile, registry_id: RevRegDefId) -> bool:
    """Note its free places as to be revoked; False: it has no list yet, as a crash leaves one."""
    async with profile.transaction() as session:
        entry = await session.handle.fetch(CATEGORY_REV_LIST, registry_id, for_update=True)
        definition = await session.handle.fetch(CATEGORY_REV_REG_DEF, registry_id)
        if entry is None or definition is None:
            return False
        kept = dict(json.loads(entry.value))
        size, first = int(json.loads(definition.value)["value"]["maxCredNum"]), int(kept["next_index"])
        if first >= size:
            return True
        pending = sorted({*(kept["pending"] or ()), *range(first, size)})
        value = json.dumps({**kept, "pending": pending, "next_index": size})
        await session.handle.replace(CATEGORY_REV_LIST, registry_id, value, {**entry.tags, "pending": "true"})
        await session.commit()
    return True
