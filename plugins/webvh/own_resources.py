"""The attested resources that this wallet's DIDs publish.

The wallet keeps each resource without its proof, and the key that signed the published form. A resource is kept first
and published then; whatever is not published with the present key is published at the next start or key rotation.

The number of a published resource grows with the DID's log, which names the key that signs, and with the status lists
that a registry links to: a process that slept through a rotation or a newer list overwrites neither.
"""

import json
from typing import Any, Final

from acapy_agent.core.profile import Profile, ProfileSession
from aries_askar import Entry

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import ResourceId, WebvhDid
from wanderbuch.plugins.webvh.own import OwnDid, own_did
from wanderbuch.plugins.webvh.publisher import NewerFileError, Publisher
from wanderbuch.plugins.webvh.registry_index import publish_registry_index
from wanderbuch.plugins.webvh.resources import AttestedResource, ResourceType, StatusLink, sign_resource
from wanderbuch.plugins.webvh.signing import key_id, sign_as
from wanderbuch.store.entries import fetch_entries

_CATEGORY: Final = "wanderbuch.webvh.resource"
_MEDIA_TYPE: Final = "application/json"
_UNPUBLISHED: Final = ""
_LINK_BITS: Final = 32


async def own_resource(profile: Profile, resource_id: ResourceId) -> AttestedResource | None:
    """Return a resource of this wallet's DIDs, or None."""
    async with profile.session() as session:
        entry = await session.handle.fetch(_CATEGORY, str(resource_id))
    return None if entry is None else _parse(entry)


async def own_registries(profile: Profile, did: WebvhDid) -> list[AttestedResource]:
    """Return the revocation registries of a DID of this wallet."""
    async with profile.session() as session:
        wanted = {"did": str(did), "type": ResourceType.REV_REG_DEF.value}
        return [_parse(entry) for entry in await fetch_entries(session, _CATEGORY, wanted)]


async def read_resource(session: ProfileSession, resource_id: ResourceId) -> AttestedResource | None:
    """Return a resource in an open transaction, which will write it."""
    entry = await session.handle.fetch(_CATEGORY, str(resource_id), for_update=True)
    return None if entry is None else _parse(entry)


async def keep_resource(session: ProfileSession, resource: AttestedResource) -> None:
    """Write a new or changed resource in an open transaction; it counts as not published."""
    name = str(resource.id)
    exists = await session.handle.fetch(_CATEGORY, name, for_update=True) is not None
    write = session.handle.replace if exists else session.handle.insert
    await write(_CATEGORY, name, value=_dump(resource), tags=_tags(resource, _UNPUBLISHED))


async def publish_resources(profile: Profile, did: WebvhDid, publisher: Publisher, *, check: bool = False) -> int:
    """Sign and publish every resource of `did` that is not published with its present key; return how many.

    The caller holds the DID's lease (`own.publishing`).

    Args:
        profile: whose wallet.
        did: a DID of it.
        publisher: where its files lie.
        check: look also for resources that were published but are no longer there.
    """
    own = await own_did(profile, did)
    if own is None:
        raise ConfigurationError(f"{did} is not a DID of this wallet")
    kid = key_id(own, own.assertion_keys[0])
    wanted = {"did": did} if check else {"did": did, "$not": {"signed_by": kid.fragment}}
    async with profile.session() as session:
        entries = await fetch_entries(session, _CATEGORY, wanted)
    waiting = [_parse(entry) for entry in entries if entry.tags.get("signed_by") != kid.fragment]
    for entry in entries:
        resource = _parse(entry)
        if entry.tags.get("signed_by") == kid.fragment and await publisher.get(path_of(resource.id)) is None:
            waiting.append(resource)
    # Status lists before the registry definitions that link to them.
    for resource in sorted(waiting, key=lambda attested_resource: attested_resource.type is ResourceType.REV_REG_DEF):
        await _publish_resource(profile, resource, own, publisher)
    if check:
        await _publish_index(profile, did, publisher)
    return len(waiting)


async def _publish_resource(profile: Profile, resource: AttestedResource, own: OwnDid, publisher: Publisher) -> None:
    """Sign one kept resource with the DID's first key and publish it; the caller holds the DID's lease."""
    kid = key_id(own, own.assertion_keys[0])

    async def sign(message: bytes) -> bytes:
        return (await sign_as(profile, kid, message))[1]

    body = await sign_resource(resource, kid, sign)
    number = _number(own, resource)
    try:
        await publisher.put(path_of(resource.id), body, _MEDIA_TYPE, number=number)
    except NewerFileError:
        if await _number_now(profile, resource.id) <= number:
            raise
        return  # who holds the lease by now has published what this wallet says by now
    if resource.type is ResourceType.REV_REG_DEF:
        await _publish_index(profile, resource.id.did, publisher)
    async with profile.transaction() as session:
        if await read_resource(session, resource.id) == resource:
            await session.handle.replace(
                _CATEGORY, str(resource.id), value=_dump(resource), tags=_tags(resource, kid.fragment)
            )
            await session.commit()


async def _publish_index(profile: Profile, did: WebvhDid, publisher: Publisher) -> None:
    async with profile.session() as session:
        entries = await fetch_entries(session, _CATEGORY, {"did": did, "type": ResourceType.REV_REG_DEF.value})
    if registries := [str(entry.name) for entry in entries]:
        await publish_registry_index(did, registries, publisher)


def _number(own: OwnDid, resource: AttestedResource) -> int:
    return resource_number(own.number, resource)


def resource_number(entries: int, resource: AttestedResource) -> int:
    """Return the number of a published resource of a DID whose log has so many entries."""
    return (entries << _LINK_BITS) + len(resource.links)


async def _number_now(profile: Profile, resource_id: ResourceId) -> int:
    own, resource = await own_did(profile, resource_id.did), await own_resource(profile, resource_id)
    return -1 if own is None or resource is None else _number(own, resource)


def path_of(resource_id: ResourceId) -> str:
    """Return where a resource is published."""
    return f"{'/'.join(resource_id.did.path)}/resources/{resource_id.digest}"


def _tags(resource: AttestedResource, signed_by: str) -> dict[str, str]:
    return {"did": resource.id.did, "type": resource.type.value, "signed_by": signed_by}


def _dump(resource: AttestedResource) -> str:
    return json.dumps(
        {
            "type": resource.type.value,
            "name": resource.name,
            "content": dict(resource.content),
            "links": [[link.id, link.timestamp] for link in resource.links],
        }
    )


def _parse(entry: Entry) -> AttestedResource:
    kept: dict[str, Any] = entry.value_json
    links = tuple(StatusLink(ResourceId.parse(link), timestamp) for link, timestamp in kept["links"])
    return AttestedResource(
        ResourceId.parse(entry.name), ResourceType(kept["type"]), kept["name"], kept["content"], links
    )
