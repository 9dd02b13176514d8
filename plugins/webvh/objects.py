"""Fetching other parties' AnonCreds objects, with every check of `resources.py`.

Beyond the checks of each resource, for a revocation registry:

1. Its newest status list is not older than the newest one seen before, and the same one if it has the same time.
2. A status list is of this registry, and its timestamp is the one in the link.

An object keeps its id, and its issuer's name in it, when the DID of that name moves: it is looked for at the present
place of the DID first, and checked with the keys that stand in its document now.

Contents never change under their id, so they are cached for a while; the links of a registry do, so its host is asked
each time (a conditional request), and the signing key must stand in the DID document each time. A signature that was
checked is checked again only if that key, or the DID's names, have changed.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cachetools import LRUCache

from wanderbuch.governance.facts.identifiers import ResourceId
from wanderbuch.plugins.http.answers import Fetched
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import NotFoundError
from wanderbuch.plugins.webvh.cache import ExpiringCache
from wanderbuch.plugins.webvh.document import DidDocument
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.errors import ResourceError, StatusListNotFoundError
from wanderbuch.plugins.webvh.memory import LogMemory
from wanderbuch.plugins.webvh.resources import (
    AttestedResource,
    ResourceType,
    StatusLink,
    Vouched,
    signer_of,
    verify_resource,
)

# A credential definition of 30 attributes has 20 kB; a status list of 100,000 places 200 kB; a link 250 bytes.
MAX_RESOURCE_BYTES: Final = 2 * 1024 * 1024
_TIMEOUT_S: Final = 10.0
_LIFETIME_S: Final = 300.0
_MAX_RESOURCES: Final = 500
_MAX_REGISTRIES: Final = 50


@dataclass(frozen=True, slots=True)
class _Kept:
    """A registry as its host sent it last, what was read of it, and what its signature was checked with."""

    fetched: Fetched
    resource: AttestedResource
    vouched: Vouched | None


class AttestedObjects:
    """Schemas, credential definitions, revocation registries and status lists of other parties.

    Args:
        edge: how to reach other hosts.
        documents: resolves the publishers' DIDs.
        memory: what was seen of each registry's status lists before.
        clock: the instant at which signatures must not have expired, aware UTC.
    """

    def __init__(
        self,
        edge: HttpEdge,
        documents: WebvhDocuments,
        memory: LogMemory,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._edge = edge
        self._documents = documents
        self._memory = memory
        self._resources: ExpiringCache[ResourceId, AttestedResource] = ExpiringCache(
            max_entries=_MAX_RESOURCES, lifetime_s=_LIFETIME_S
        )
        self._kept: LRUCache[ResourceId, _Kept] = LRUCache(_MAX_REGISTRIES)

    async def schema(self, schema_id: ResourceId) -> AttestedResource:
        """Return an AnonCreds schema; errors as with `registry`."""
        return await self._unchanging(schema_id, ResourceType.SCHEMA)

    async def credential_definition(self, cred_def_id: ResourceId) -> AttestedResource:
        """Return a credential definition; errors as with `registry`."""
        return await self._unchanging(cred_def_id, ResourceType.CRED_DEF)

    async def registry_definition(self, registry_id: ResourceId) -> AttestedResource:
        """Return a revocation registry definition, perhaps without its newest links; errors as with `registry`."""
        return await self._resources.get(registry_id, lambda: self.registry(registry_id))

    async def registry(self, registry_id: ResourceId) -> AttestedResource:
        """Return a revocation registry definition with its links as its host states them now.

        Raises:
            ResourceError: it breaks a rule.
            HistoryError: its status lists are older than, or different from, those seen before.
            DidError, HttpError: its publisher's DID, or the resource, could not be resolved.
        """
        resource = await self._fetch(registry_id, ResourceType.REV_REG_DEF)
        if resource.links:
            await self._memory.accept(registry_id, {link.timestamp: link.id for link in resource.links})  # rule 1
        return resource

    async def status_list(self, registry_id: ResourceId, *, at: int | None = None) -> AttestedResource:
        """Return the status list of a registry that is in force at an instant; errors as with `registry`.

        Args:
            registry_id: whose list.
            at: seconds since 1970; None for the newest list.

        Raises:
            StatusListNotFoundError: the registry has no list that old.
        """
        link = link_in_force(await self.registry(registry_id), at)
        resource = await self._unchanging(link.id, ResourceType.STATUS_LIST)
        content = resource.content  # rule 2
        if content.get("revRegDefId") != registry_id or content.get("timestamp") != link.timestamp:
            raise ResourceError(f"expected the status list of {link.timestamp} of {registry_id}, found another one")
        return resource

    async def _unchanging(self, resource_id: ResourceId, kind: ResourceType) -> AttestedResource:
        resource = await self._resources.get(resource_id, lambda: self._fetch(resource_id, kind))
        if resource.type is not kind:
            raise ResourceError(f"expected {resource_id} to be of type {kind.value}, found {resource.type.value}")
        return resource

    async def _fetch(self, resource_id: ResourceId, kind: ResourceType) -> AttestedResource:
        """Fetch and verify; what did not change since the last time is not sent again, nor verified by the same key."""
        kept = self._kept.get(resource_id)
        document = await self._documents.resolve(resource_id.did)
        fetched = await self._get(resource_id, document, kept.fetched.etag if kept else None)
        received = fetched
        if fetched.status == 304 and kept is not None:
            if kept.vouched is not None and kept.vouched.stands_in(document):
                return kept.resource
            received = kept.fetched
        if signer_of(received.body) not in document.assertion_keys:
            # Signed with a newer key than the document we hold knows?
            self._documents.forget(resource_id.did)
            document = await self._documents.resolve(resource_id.did)
        # In a thread: the canonical form of a long status list takes a while.
        resource = await asyncio.to_thread(
            verify_resource, received.body, resource_id=resource_id, kind=kind, document=document, at=self._clock()
        )
        if kind is ResourceType.REV_REG_DEF and received.etag is not None:
            self._kept[resource_id] = _Kept(received, resource, Vouched.by(received.body, document))
        return resource

    async def _get(self, resource_id: ResourceId, document: DidDocument, etag: str | None) -> Fetched:
        """Ask the present place of the DID, and if it moved and there is nothing there, the place of its name."""
        places = list(dict.fromkeys((document.names[0], resource_id.did)))
        while True:
            try:
                return await self._edge.get(
                    ResourceId.of(places.pop(0), resource_id.digest).url,
                    max_bytes=MAX_RESOURCE_BYTES,
                    timeout_s=_TIMEOUT_S,
                    accept="application/json",
                    etag=etag,
                )
            except NotFoundError:
                if not places:
                    raise


def link_in_force(registry: AttestedResource, at: int | None) -> StatusLink:
    """Return the link to the newest status list that is not newer than `at` (None: the newest of all).

    Raises:
        StatusListNotFoundError: there is none.
    """
    for link in reversed(registry.links):
        if at is None or link.timestamp <= at:
            return link
    raise StatusListNotFoundError(f"{registry.id} has no status list that was in force at {at}")
