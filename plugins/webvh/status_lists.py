"""Publishing the status lists of our revocation registries.

1. One writer at a time, in all processes: the caller holds the lease of the DID (`own.publishing`). A list is only
   added after the newest one, which the wallet's transaction finds out; so one who slept adds none.
2. A credential that was revoked never comes back: a list must revoke all that the newest one does.
3. A list that revokes nothing more than the newest one is not published again.
4. Each list has a second of its own, later than the last one's and not in the future: those who ask for the list in
   force now find it. Where the last one is of this second, we wait for the next.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from acapy_agent.anoncreds.models.revocation import RevList
from acapy_agent.core.profile import Profile

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import ResourceId, WebvhDid
from wanderbuch.plugins.webvh.own_resources import keep_resource, own_resource, publish_resources, read_resource
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.plugins.webvh.resources import AttestedResource, ResourceType, StatusLink

# A clock that was set back further than this is not waited for: revoking must go on.
_LONGEST_WAIT_S: Final = 3.0


class StatusListError(ConfigurationError):
    """A status list cannot be published as it is."""

    code = "status_list"


async def publish_list(
    profile: Profile, did: WebvhDid, rev_list: RevList, publisher: Publisher, *, clock: Callable[[], Awaitable[float]]
) -> tuple[RevList, list[int]]:
    """Publish `rev_list` as the newest one of its registry.

    Args:
        profile: whose wallet.
        did: the issuer, a DID of that wallet; the caller holds its lease.
        rev_list: as ACA-Py has made it; its timestamp is ours to set.
        publisher: where the issuer's files lie.
        clock: seconds since 1970, the same for all processes that publish.

    Returns:
        The newest list, and the indexes that are revoked by it and were not before.

    Raises:
        StatusListError: the registry is not ours, or the list takes a revocation back (rule 2).
        ConfigurationError: it could not be published; the next attempt or start goes on.
    """
    registry_id = ResourceId.parse(rev_list.rev_reg_def_id)
    newest = await _newest(profile, registry_id)
    before, after = _revoked(newest) if newest else set(), _revoked(rev_list)
    if newest is not None and after <= before:  # rule 3
        await publish_resources(profile, did, publisher)
        return newest, []
    if not before <= after:  # rule 2
        raise StatusListError(f"a newer status list of {registry_id} revokes credentials that this one does not")
    published = await _add(profile, registry_id, rev_list, await _next_second(newest, clock))
    await publish_resources(profile, did, publisher)
    return published, sorted(after - before)


async def _newest(profile: Profile, registry_id: ResourceId) -> RevList | None:
    registry = await own_resource(profile, registry_id)
    if registry is None or registry.type is not ResourceType.REV_REG_DEF:
        raise StatusListError(f"{registry_id} is not a revocation registry of this wallet")
    if not registry.links:
        return None
    resource = await own_resource(profile, registry.links[-1].id)
    if resource is None:
        raise StatusListError(f"the wallet has lost the newest status list of {registry_id}")
    return RevList.deserialize(dict(resource.content))


async def _next_second(newest: RevList | None, clock: Callable[[], Awaitable[float]]) -> int:
    now = await clock()
    if newest is None:
        return int(now)
    wait_s = newest.timestamp + 1 - now  # rule 4
    if 0 < wait_s <= _LONGEST_WAIT_S:
        await asyncio.sleep(wait_s)
        now = await clock()
    return max(int(now), int(newest.timestamp) + 1)


async def _add(profile: Profile, registry_id: ResourceId, rev_list: RevList, timestamp: int) -> RevList:
    content = {**rev_list.serialize(), "timestamp": timestamp}
    status_list = AttestedResource.of(registry_id.did, ResourceType.STATUS_LIST, "status list", content)
    async with profile.transaction() as session:
        registry = await read_resource(session, registry_id)
        if registry is None or (registry.links and registry.links[-1].timestamp >= timestamp):  # rule 1
            raise StatusListError(f"another process has published a status list of {registry_id}", hint="try again")
        links = (*registry.links, StatusLink(status_list.id, timestamp))
        await keep_resource(session, status_list)
        await keep_resource(
            session, AttestedResource(registry.id, registry.type, registry.name, registry.content, links)
        )
        await session.commit()
    return RevList.deserialize(content)


def _revoked(rev_list: RevList) -> set[int]:
    return {index for index, bit in enumerate(rev_list.revocation_list) if bit}
