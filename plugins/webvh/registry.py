"""ACA-Py's AnonCreds registry for did:webvh: resolves other parties' objects, registers those of the wallet's DIDs.

Registering:

1. The issuer is a DID of this wallet, else it is refused (ACA-Py itself does not check).
2. An object is kept in the wallet, then signed and published; the same object again is the same resource.
3. A revocation registry definition names our tails file, which is published before it.
4. Status lists are published one after the other, as `status_lists.py` says.
"""

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Final

from acapy_agent.anoncreds.base import (
    AnonCredsRegistrationError,
    BaseAnonCredsRegistrar,
    BaseAnonCredsResolver,
)
from acapy_agent.anoncreds.constants import CATEGORY_REV_LIST
from acapy_agent.anoncreds.events import RevListFinishedEvent
from acapy_agent.anoncreds.holder import CATEGORY_CREDENTIAL
from acapy_agent.anoncreds.models.credential_definition import CredDef, CredDefResult, CredDefState, GetCredDefResult
from acapy_agent.anoncreds.models.revocation import (
    GetRevListResult,
    GetRevRegDefResult,
    RevList,
    RevListResult,
    RevListState,
    RevRegDef,
    RevRegDefResult,
    RevRegDefState,
)
from acapy_agent.anoncreds.models.schema import AnonCredsSchema, GetSchemaResult, SchemaResult, SchemaState
from acapy_agent.anoncreds.models.schema_info import AnonCredsSchemaInfo
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.models.base import BaseModelError
from cachetools import LRUCache

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import IdentifierError, ResourceId, WebvhDid
from wanderbuch.plugins.http.errors import NotFoundError
from wanderbuch.plugins.webvh.anoncreds_content import (
    checked_cred_def,
    checked_registry,
    checked_schema,
    checked_status_list,
)
from wanderbuch.plugins.webvh.errors import StatusListNotFoundError
from wanderbuch.plugins.webvh.objects import AttestedObjects, link_in_force
from wanderbuch.plugins.webvh.own import own_did, publishing
from wanderbuch.plugins.webvh.own_resources import keep_resource, own_resource, publish_resources
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.plugins.webvh.resolution_answers import status_list_answer, unresolved
from wanderbuch.plugins.webvh.resources import AttestedResource, ResourceType
from wanderbuch.plugins.webvh.status_lists import publish_list
from wanderbuch.plugins.webvh.tails import ensure_tails, publish_tails
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.tables import tables_of, tenant_of

_WEBVH: Final = re.compile(r"did:webvh:.+")
_MAX_LISTS: Final = 64
_MAX_OTHERS: Final = 2_000
_MISSING: Final = (NotFoundError, StatusListNotFoundError, IdentifierError)


class TailsPolicy(StrEnum):
    """For which registries an agent has tails files in place; ACA-Py's own download would block its event loop."""

    ALL = "all"
    """Each one that it resolves: safe for any holder."""
    HELD = "held"
    """Those of credentials in its wallet: for verifiers, and holders that call `ensure_tails` before they store one."""


class WebvhRegistry(BaseAnonCredsRegistrar, BaseAnonCredsResolver):  # type: ignore[misc]  # acapy_agent has no types
    """AnonCreds objects as attested resources of did:webvh DIDs.

    Args:
        objects: fetches and checks other parties' objects.
        publisher: where the files of our own DIDs lie.
        tails: for which registries the tails file is put in place while their definition is resolved.
        clock: seconds since 1970; by default the store's.
    """

    def __init__(
        self,
        objects: AttestedObjects,
        publisher: Publisher,
        tails: TailsPolicy = TailsPolicy.ALL,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._objects = objects
        self._publisher = publisher
        self._tails = tails
        self._clock = clock
        self._lists: LRUCache[ResourceId, dict[str, Any]] = LRUCache(_MAX_LISTS)
        self._others: LRUCache[tuple[str, WebvhDid], bool] = LRUCache(_MAX_OTHERS)  # by tenant: no DIDs of its wallet

    async def setup(self, context: InjectionContext) -> None:
        """Do nothing: all that is needed was given."""

    @property
    def supported_identifiers_regex(self) -> re.Pattern[str]:
        """Match every did:webvh DID and resource."""
        return _WEBVH

    # Resolving

    async def get_schema(self, profile: Profile, schema_id: str) -> GetSchemaResult:
        """Return a schema, checked."""
        try:
            wanted = ResourceId.parse(schema_id)
            resource = await self._own(profile, wanted) or await self._objects.schema(wanted)
            schema = AnonCredsSchema.deserialize(checked_schema(resource))
        except (WanderbuchError, BaseModelError) as err:
            raise unresolved(err, schema_id, *_MISSING) from err
        return GetSchemaResult(schema, schema_id, {}, {})

    async def get_schema_info_by_id(self, profile: Profile, schema_id: str) -> AnonCredsSchemaInfo:
        """Return who published a schema, its name and version."""
        schema = (await self.get_schema(profile, schema_id)).schema
        return AnonCredsSchemaInfo(schema.issuer_id, schema.name, schema.version)

    async def get_credential_definition(self, profile: Profile, credential_definition_id: str) -> GetCredDefResult:
        """Return a credential definition, checked."""
        try:
            wanted = ResourceId.parse(credential_definition_id)
            resource = await self._own(profile, wanted) or await self._objects.credential_definition(wanted)
            cred_def = CredDef.deserialize(checked_cred_def(resource))
        except (WanderbuchError, BaseModelError) as err:
            raise unresolved(err, credential_definition_id, *_MISSING) from err
        return GetCredDefResult(credential_definition_id, cred_def, {}, {})

    async def get_revocation_registry_definition(
        self, profile: Profile, revocation_registry_id: str
    ) -> GetRevRegDefResult:
        """Return a revocation registry definition, checked."""
        try:
            wanted = ResourceId.parse(revocation_registry_id)
            resource = await self._own(profile, wanted) or await self._objects.registry_definition(wanted)
            definition = RevRegDef.deserialize(checked_registry(resource))
            if await self._needs_tails(profile, wanted):
                await ensure_tails(profile, definition)
        except (WanderbuchError, BaseModelError) as err:
            raise unresolved(err, revocation_registry_id, *_MISSING) from err
        return GetRevRegDefResult(definition, revocation_registry_id, {}, {})

    async def get_revocation_list(
        self,
        profile: Profile,
        revocation_registry_id: str,
        timestamp_from: int | None = 0,
        timestamp_to: int | None = None,
    ) -> GetRevListResult:
        """Return the status list in force at `timestamp_to` (None: the newest), checked."""
        try:
            wanted = ResourceId.parse(revocation_registry_id)
            registry = await self._own(profile, wanted)
            resource: AttestedResource | None
            if registry is None:
                resource = await self._objects.status_list(wanted, at=timestamp_to)
            else:
                resource = await own_resource(profile, link_in_force(registry, timestamp_to).id)
            if resource is None:
                raise StatusListNotFoundError(f"{wanted} has lost a status list")
            content = self._checked_list(resource)
        except (WanderbuchError, BaseModelError) as err:
            raise unresolved(err, revocation_registry_id, *_MISSING) from err
        return status_list_answer(content)

    # Registering

    async def register_schema(
        self, profile: Profile, schema: AnonCredsSchema, options: dict[str, Any] | None = None
    ) -> SchemaResult:
        """Publish a schema of a DID of this wallet."""
        resource = await self._register(
            profile, schema.issuer_id, ResourceType.SCHEMA, f"{schema.name} {schema.version}", schema.serialize()
        )
        return SchemaResult(None, SchemaState(SchemaState.STATE_FINISHED, resource.id, schema), {}, {})

    async def register_credential_definition(
        self,
        profile: Profile,
        schema: GetSchemaResult,
        credential_definition: CredDef,
        options: dict[str, Any] | None = None,
    ) -> CredDefResult:
        """Publish a credential definition of a DID of this wallet."""
        content = credential_definition.serialize()
        resource = await self._register(
            profile, credential_definition.issuer_id, ResourceType.CRED_DEF, credential_definition.tag, content
        )
        state = CredDefState(CredDefState.STATE_FINISHED, resource.id, credential_definition)
        return CredDefResult(None, state, {}, {})

    async def register_revocation_registry_definition(
        self,
        profile: Profile,
        revocation_registry_definition: RevRegDef,
        options: dict[str, Any] | None = None,
    ) -> RevRegDefResult:
        """Publish a revocation registry definition of a DID of this wallet, after its tails file (rule 3)."""
        definition = RevRegDef.deserialize(revocation_registry_definition.serialize())
        did = await self._own_issuer(profile, definition.issuer_id)
        try:
            location = await publish_tails(did, definition.value.tails_hash, self._published(profile))
        except WanderbuchError as err:
            raise AnonCredsRegistrationError(err.message) from err
        definition.value.tails_location = location
        resource = await self._register(profile, did, ResourceType.REV_REG_DEF, definition.tag, definition.serialize())
        state = RevRegDefState(RevRegDefState.STATE_FINISHED, resource.id, definition)
        return RevRegDefResult(None, state, {}, {})

    async def register_revocation_list(
        self, profile: Profile, rev_reg_def: RevRegDef, rev_list: RevList, options: dict[str, Any] | None = None
    ) -> RevListResult:
        """Publish the first status list of a registry."""
        published, _ = await self._publish_list(profile, rev_list)
        return RevListResult(None, RevListState(RevListState.STATE_FINISHED, published), {}, {})

    async def update_revocation_list(
        self,
        profile: Profile,
        rev_reg_def: RevRegDef,
        prev_list: RevList,
        curr_list: RevList,
        revoked: Sequence[int],
        options: dict[str, Any] | None = None,
    ) -> RevListResult:
        """Publish a further status list, then say so, so that the holders of `revoked` are told."""
        published, _ = await self._publish_list(profile, curr_list)
        await _tell(profile, curr_list.rev_reg_def_id, list(revoked))
        return RevListResult(None, RevListState(RevListState.STATE_FINISHED, published), {}, {})

    async def publish_kept_list(self, profile: Profile, registry_id: str) -> list[int]:
        """Publish the status list that ACA-Py keeps in the wallet, if it revokes more than the newest published one.

        ACA-Py keeps a list before it publishes it, and does not try again if that fails: this does.

        Returns:
            The indexes that are revoked in public by this call.

        Raises:
            AnonCredsRegistrationError: there is no such list, or it could not be published.
        """
        async with profile.session() as session:
            entry = await session.handle.fetch(CATEGORY_REV_LIST, str(registry_id))
        if entry is None:
            raise AnonCredsRegistrationError(f"the wallet keeps no status list of {registry_id}")
        _, fresh = await self._publish_list(profile, RevList.deserialize(entry.value_json["rev_list"]))
        if fresh:
            await _tell(profile, registry_id, fresh)
        return fresh

    def _checked_list(self, resource: AttestedResource) -> dict[str, Any]:
        """Return the content of a status list; looked through once, since its id is the digest of its content."""
        content = self._lists.get(resource.id)
        if content is None:
            content = self._lists[resource.id] = checked_status_list(resource)
        return content

    async def _own(self, profile: Profile, wanted: ResourceId) -> AttestedResource | None:
        """Return a resource of the wallet, None if it is another's.

        A wallet is asked once whether a DID is its own. One that becomes its own later (it moved to a name that was
        asked for before) is known at the next registration, and resolved as everybody resolves it until then.
        """
        place = (tenant_of(profile), wanted.did)
        if self._others.get(place):
            return None
        attested_resource = await own_resource(profile, wanted)
        if attested_resource is None and await own_did(profile, wanted.did) is None:
            self._others[place] = True
        return attested_resource

    async def _own_issuer(self, profile: Profile, issuer: str) -> WebvhDid:
        own = await own_did(profile, issuer)
        if own is None:
            raise AnonCredsRegistrationError(f"{issuer} is not a DID of this wallet")
        self._others.pop((tenant_of(profile), own.did), None)
        return own.did

    def _published(self, profile: Profile) -> Publisher:
        """Return where the files of a profile's DIDs lie: where one is bound for it, else where all do."""
        return profile.inject_or(Publisher) or self._publisher

    async def _needs_tails(self, profile: Profile, registry_id: ResourceId) -> bool:
        if self._tails is TailsPolicy.ALL:
            return True
        async with profile.session() as session:
            return bool(await fetch_entries(session, CATEGORY_CREDENTIAL, {"rev_reg_id": str(registry_id)}, limit=1))

    async def _register(
        self, profile: Profile, issuer: str, kind: ResourceType, name: str, content: dict[str, Any]
    ) -> AttestedResource:
        did = await self._own_issuer(profile, issuer)  # rule 1
        try:
            resource = AttestedResource.of(did, kind, name, content)
            async with publishing(profile, did):
                if await own_resource(profile, resource.id) is None:  # rule 2
                    async with profile.transaction() as session:
                        await keep_resource(session, resource)
                        await session.commit()
                await publish_resources(profile, did, self._published(profile))
        except WanderbuchError as err:
            raise AnonCredsRegistrationError(err.message) from err
        return resource

    async def _publish_list(self, profile: Profile, rev_list: RevList) -> tuple[RevList, list[int]]:
        did = await self._own_issuer(profile, rev_list.issuer_id)

        async def clock() -> float:
            return await tables_of(profile).engine.clock() if self._clock is None else self._clock()

        try:
            async with publishing(profile, did):
                return await publish_list(profile, did, rev_list, self._published(profile), clock=clock)
        except WanderbuchError as err:
            raise AnonCredsRegistrationError(err.message) from err


async def _tell(profile: Profile, registry_id: str, revoked: list[int]) -> None:
    bus = profile.inject_or(EventBus)
    if bus is not None:
        await bus.notify(profile, RevListFinishedEvent.with_payload(registry_id, revoked))
