"""Public AnonCreds objects, resolved once and kept as handles of the library.

    objects = profile.inject(Objects)
    definition = await objects.definition(profile, cred_def_id)
    newest = await objects.status_list(profile, registry_id)
    if newest.is_revoked(index): ...

They are resolved through ACA-Py's `AnonCredsRegistry`, so that every registry works that ACA-Py has a plugin for. What
never changes under its id (a schema, a definition, a registry) is asked for again after five minutes, since the key
that signed it may have been withdrawn. Which status list is the newest is asked each time; one that is known already is
not read by the library again.

All that the library does here, it does in another thread.
"""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from acapy_agent.anoncreds.base import AnonCredsObjectNotFound
from acapy_agent.anoncreds.models.credential_definition import CredDef
from acapy_agent.anoncreds.models.revocation import RevList, RevRegDef
from acapy_agent.anoncreds.models.schema import AnonCredsSchema
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from anoncreds import (
    AnoncredsError,
    CredentialDefinition,
    RevocationRegistryDefinition,
    RevocationStatusList,
    Schema,
)

from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.webvh.cache import ExpiringCache

CLOCK_SKEW_S: Final = 300
"""As ACA-Py allows for the time of a status list: one that is dated no later counts as published."""

OBJECTS_KEPT_S: Final = 300.0
"""How long a schema, a definition or a registry is not asked for again."""

_MAX_OBJECTS: Final = 500  # of a kind; a definition of 25 attributes takes some 40 kB
_LATEST: Final = 2**40  # no status list is dated later (`webvh.resources`)
_MAX_LISTS: Final = 128  # of 1,000 places 30 kB each, of 100,000 some megabytes
_MAX_PLACES_KEPT: Final = 1_000_000  # of all lists together


class ObjectError(ResolutionError):
    """An AnonCreds object could not be resolved, or is none."""

    code = "resolution.object"


class ObjectMissingError(ObjectError):
    """There is no such object."""

    code = "resolution.object_missing"


@dataclass(frozen=True, slots=True)
class LoadedSchema:
    """A schema."""

    handle: Schema = field(repr=False)
    id: str
    name: str
    version: str
    attr_names: tuple[str, ...]
    issuer: str


@dataclass(frozen=True, slots=True)
class LoadedDefinition:
    """A credential definition.

    Args:
        is_revocable: whether its credentials can be revoked.
    """

    handle: CredentialDefinition = field(repr=False)
    id: str
    schema_id: str
    issuer: str
    tag: str
    is_revocable: bool


@dataclass(frozen=True, slots=True)
class LoadedRegistry:
    """A revocation registry definition.

    Args:
        tails_hash: as it is written there; checked where a registry of ours resolved it.
        tails_location: an address; the same.
        size: how many places it has.
    """

    handle: RevocationRegistryDefinition = field(repr=False)
    id: str
    cred_def_id: str
    issuer: str
    tails_hash: str
    tails_location: str
    size: int


@dataclass(frozen=True, slots=True)
class LoadedStatusList:
    """A status list.

    Args:
        timestamp: from when it is in force, seconds since 1970.
        bits: a byte for each place, 1 where it is revoked.
    """

    handle: RevocationStatusList = field(repr=False)
    registry_id: str
    timestamp: int
    accumulator: str = field(repr=False)
    bits: bytes = field(repr=False)

    def is_revoked(self, index: int) -> bool:
        """Return whether the credential at a place is revoked; a place that is not on the list is."""
        return not 0 <= index < len(self.bits) or self.bits[index] != 0


class ResolvesObjects(Protocol):
    """What of ACA-Py's `AnonCredsRegistry` is asked."""

    async def get_schema(self, profile: Any, schema_id: str, /) -> Any:
        """Return a schema."""
        ...

    async def get_credential_definition(self, profile: Any, cred_def_id: str, /) -> Any:
        """Return a credential definition."""
        ...

    async def get_revocation_registry_definition(self, profile: Any, registry_id: str, /) -> Any:
        """Return a revocation registry."""
        ...

    async def get_revocation_list(
        self, profile: Any, registry_id: str, /, timestamp_from: int | None = 0, timestamp_to: int | None = None
    ) -> Any:
        """Return the status list in force at `timestamp_to`."""
        ...


class Objects:
    """The objects that a process used last; bound in the root injector.

    Args:
        resolver: resolves in place of the profile's registries, such as what was recorded; then no profile is needed.
    """

    def __init__(self, resolver: ResolvesObjects | None = None) -> None:
        self._resolver = resolver
        self._schemas: ExpiringCache[str, LoadedSchema] = _cache()
        self._definitions: ExpiringCache[str, LoadedDefinition] = _cache()
        self._registries: ExpiringCache[str, LoadedRegistry] = _cache()
        self._lists: OrderedDict[tuple[str, int], LoadedStatusList] = OrderedDict()

    async def schema(self, profile: Profile | None, schema_id: str) -> LoadedSchema:
        """Return a schema.

        Raises:
            ObjectMissingError: there is none with this id.
            ObjectError: it could not be resolved, or is none.
        """

        async def load() -> LoadedSchema:
            answer = await _resolved(self._resolves(profile).get_schema(profile, schema_id), schema_id)
            return await _loaded(lambda: _schema(answer.schema, schema_id), schema_id)

        return await self._schemas.get(schema_id, load)

    async def definition(self, profile: Profile | None, cred_def_id: str) -> LoadedDefinition:
        """Return a credential definition; errors as with `schema`."""

        async def load() -> LoadedDefinition:
            answer = await _resolved(
                self._resolves(profile).get_credential_definition(profile, cred_def_id), cred_def_id
            )
            return await _loaded(lambda: _definition(answer.credential_definition, cred_def_id), cred_def_id)

        return await self._definitions.get(cred_def_id, load)

    async def registry(self, profile: Profile | None, registry_id: str) -> LoadedRegistry:
        """Return a revocation registry; errors as with `schema`."""

        async def load() -> LoadedRegistry:
            asked = self._resolves(profile).get_revocation_registry_definition(profile, registry_id)
            answer = await _resolved(asked, registry_id)
            return await _loaded(lambda: _registry(answer.revocation_registry, registry_id), registry_id)

        return await self._registries.get(registry_id, load)

    async def status_list(
        self, profile: Profile | None, registry_id: str, *, at: int | None = None, also_of_future: bool = False
    ) -> LoadedStatusList:
        """Return the status list of a registry that is in force at an instant, as its host states it now.

        Args:
            profile: whose registries resolve.
            registry_id: whose list.
            at: seconds since 1970; None for now.
            also_of_future: the newest of all, also one that is dated in the future: it may revoke what the list of
                now does not, and whoever trusts must not overlook it.

        Raises:
            ObjectMissingError: there is no such registry, or it has no list that old.
            ObjectError: it could not be resolved, or is none.
        """
        until = _LATEST if also_of_future else int(time.time()) + CLOCK_SKEW_S if at is None else at
        asked = self._resolves(profile).get_revocation_list(profile, registry_id, timestamp_from=0, timestamp_to=until)
        status: RevList = (await _resolved(asked, registry_id)).revocation_list
        timestamp = status.timestamp
        if status.rev_reg_def_id != registry_id or type(timestamp) is not int or timestamp > until:
            raise ObjectError(f"expected a status list of {registry_id} of {until} or before, found another one")
        kept = self._lists.get((registry_id, timestamp))
        if kept is None or kept.accumulator != status.current_accumulator:
            kept = await _loaded(lambda: _status_list(status, registry_id, timestamp), registry_id)
            self._lists[registry_id, timestamp] = kept
        self._lists.move_to_end((registry_id, timestamp))
        self._drop_oldest()
        return kept

    def _resolves(self, profile: Profile | None) -> ResolvesObjects:
        if self._resolver is not None:
            return self._resolver
        if profile is None:
            raise ObjectError("expected a profile whose registries resolve, found none")
        resolver: ResolvesObjects = profile.inject(AnonCredsRegistry)
        return resolver

    def _drop_oldest(self) -> None:
        places = sum(len(status_list.bits) for status_list in self._lists.values())
        while len(self._lists) > 1 and (len(self._lists) > _MAX_LISTS or places > _MAX_PLACES_KEPT):
            _, oldest = self._lists.popitem(last=False)
            places -= len(oldest.bits)


def _cache() -> ExpiringCache[str, Any]:
    return ExpiringCache(max_entries=_MAX_OBJECTS, lifetime_s=OBJECTS_KEPT_S)


async def _resolved(asked: Awaitable[Any], object_id: str) -> Any:
    try:
        return await asked
    except AnonCredsObjectNotFound as err:
        raise ObjectMissingError(f"there is no {object_id}") from err
    except BaseError as err:
        raise ObjectError(f"{object_id} could not be resolved: {err.message}") from err


async def _loaded[T](load: Callable[[], T], object_id: str) -> T:
    try:
        return await asyncio.to_thread(load)
    except (AnoncredsError, BaseError, ValueError, TypeError, AttributeError) as err:
        raise ObjectError(f"{object_id} is not a proper AnonCreds object") from err


def _schema(schema: AnonCredsSchema, schema_id: str) -> LoadedSchema:
    names = tuple(schema.attr_names)
    return LoadedSchema(
        Schema.load(schema.serialize()), schema_id, schema.name, schema.version, names, schema.issuer_id
    )


def _definition(definition: CredDef, cred_def_id: str) -> LoadedDefinition:
    return LoadedDefinition(
        CredentialDefinition.load(definition.serialize()),
        cred_def_id,
        definition.schema_id,
        definition.issuer_id,
        definition.tag,
        definition.value.revocation is not None,
    )


def _registry(registry: RevRegDef, registry_id: str) -> LoadedRegistry:
    value = registry.value
    return LoadedRegistry(
        RevocationRegistryDefinition.load(registry.serialize()),
        registry_id,
        registry.cred_def_id,
        registry.issuer_id,
        value.tails_hash,
        value.tails_location,
        value.max_cred_num,
    )


def _status_list(status: RevList, registry_id: str, timestamp: int) -> LoadedStatusList:
    # Written here: ACA-Py's own way takes milliseconds for each 1,000 places.
    text = json.dumps(
        {
            "issuerId": status.issuer_id,
            "revRegDefId": status.rev_reg_def_id,
            "revocationList": status.revocation_list,
            "currentAccumulator": status.current_accumulator,
            "timestamp": timestamp,
        }
    )
    handle, bits = RevocationStatusList.load(text), bytes(status.revocation_list)
    return LoadedStatusList(handle, registry_id, timestamp, status.current_accumulator, bits)
