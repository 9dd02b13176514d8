"""ACA-Py's AnonCreds registry for Indy ledgers: resolves other parties' objects, registers those of the wallet's DIDs.

Ids may be those of did:indy or the old ones; an object is named, and names others, in the form in which it was asked
for.
"""

import re
from collections.abc import Sequence
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

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import IdentifierError
from wanderbuch.governance.facts.indy import SUPPORTED, IndyId, Kind
from wanderbuch.plugins.indy.errors import NotOnLedgerError
from wanderbuch.plugins.indy.keeping import KEEP_FIRST
from wanderbuch.plugins.indy.ledger import IndyLedgers
from wanderbuch.plugins.indy.objects import LedgerObjects
from wanderbuch.plugins.indy.writing import LedgerWriting, WrittenList
from wanderbuch.plugins.webvh.registry import TailsPolicy
from wanderbuch.plugins.webvh.resolution_answers import status_list_answer, unresolved
from wanderbuch.plugins.webvh.tails import ensure_tails
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.once import one_step
from wanderbuch.store.records import new_id

_TURN_S: Final = 60.0
_MISSING: Final = (NotOnLedgerError, IdentifierError)


class IndyRegistry(BaseAnonCredsRegistrar, BaseAnonCredsResolver):  # type: ignore[misc]  # acapy_agent has no types
    """AnonCreds objects on Indy ledgers.

    Args:
        ledgers: those that are configured.
        tails: for which registries the tails file is put in place while their definition is resolved.
    """

    def __init__(self, ledgers: IndyLedgers, tails: TailsPolicy = TailsPolicy.ALL) -> None:
        self._objects = LedgerObjects(ledgers)
        self._writing = LedgerWriting(ledgers, self._objects)
        self._tails = tails

    async def setup(self, context: InjectionContext) -> None:
        """Do nothing: all that is needed was given."""

    @property
    def supported_identifiers_regex(self) -> re.Pattern[str]:
        """Match every DID and object id of an Indy ledger."""
        return SUPPORTED

    # Resolving

    async def get_schema(self, profile: Profile, schema_id: str) -> GetSchemaResult:
        """Return a schema, checked."""
        try:
            schema_there = await self._objects.schema(IndyId.parse(schema_id, Kind.SCHEMA))
            schema = AnonCredsSchema.deserialize(schema_there.content)
        except (WanderbuchError, BaseModelError) as err:
            raise unresolved(err, schema_id, *_MISSING) from err
        return GetSchemaResult(schema, schema_id, {}, {"seqNo": schema_there.number})

    async def get_schema_info_by_id(self, profile: Profile, schema_id: str) -> AnonCredsSchemaInfo:
        """Return who published a schema, its name and version."""
        schema = (await self.get_schema(profile, schema_id)).schema
        return AnonCredsSchemaInfo(schema.issuer_id, schema.name, schema.version)

    async def get_credential_definition(self, profile: Profile, credential_definition_id: str) -> GetCredDefResult:
        """Return a credential definition, checked."""
        try:
            wanted = IndyId.parse(credential_definition_id, Kind.CRED_DEF)
            cred_def = CredDef.deserialize(await self._objects.credential_definition(wanted))
        except (WanderbuchError, BaseModelError) as err:
            raise unresolved(err, credential_definition_id, *_MISSING) from err
        return GetCredDefResult(credential_definition_id, cred_def, {}, {})

    async def get_revocation_registry_definition(
        self, profile: Profile, revocation_registry_id: str
    ) -> GetRevRegDefResult:
        """Return a revocation registry definition, checked."""
        try:
            registry_there = await self._objects.registry(IndyId.parse(revocation_registry_id, Kind.REV_REG_DEF))
            definition = RevRegDef.deserialize(registry_there.content)
            if await self._needs_tails(profile, revocation_registry_id):
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
            wanted = IndyId.parse(revocation_registry_id, Kind.REV_REG_DEF)
            content = await self._objects.status_list(wanted, at=timestamp_to)
        except WanderbuchError as err:
            raise unresolved(err, revocation_registry_id, *_MISSING) from err
        return status_list_answer(content)

    # Registering

    async def register_schema(
        self, profile: Profile, schema: AnonCredsSchema, options: dict[str, Any] | None = None
    ) -> SchemaResult:
        """Write a schema of a DID of this wallet."""
        try:
            schema_id, number = await self._writing.schema(profile, schema)
        except WanderbuchError as err:
            raise _unwritten(err) from err
        state = SchemaState(SchemaState.STATE_FINISHED, schema_id.text, schema)
        return SchemaResult(None, state, {}, {"seqNo": number})

    async def register_credential_definition(
        self,
        profile: Profile,
        schema: GetSchemaResult,
        credential_definition: CredDef,
        options: dict[str, Any] | None = None,
    ) -> CredDefResult:
        """Write a credential definition of a DID of this wallet."""
        if (options or {}).get(KEEP_FIRST):
            waiting = CredDefState(CredDefState.STATE_WAIT, None, credential_definition)
            return CredDefResult(new_id(), waiting, {}, {})
        try:
            cred_def_id = await self._writing.credential_definition(profile, credential_definition)
        except WanderbuchError as err:
            raise _unwritten(err) from err
        state = CredDefState(CredDefState.STATE_FINISHED, cred_def_id.text, credential_definition)
        return CredDefResult(None, state, {}, {})

    async def register_revocation_registry_definition(
        self,
        profile: Profile,
        revocation_registry_definition: RevRegDef,
        options: dict[str, Any] | None = None,
    ) -> RevRegDefResult:
        """Write a revocation registry definition of a DID of this wallet; its tails file is published before."""
        if (options or {}).get(KEEP_FIRST):
            waiting = RevRegDefState(RevRegDefState.STATE_WAIT, None, revocation_registry_definition)
            return RevRegDefResult(new_id(), waiting, {}, {})
        try:
            registry_id = await self._writing.registry(profile, revocation_registry_definition)
        except WanderbuchError as err:
            raise _unwritten(err) from err
        state = RevRegDefState(RevRegDefState.STATE_FINISHED, registry_id.text, revocation_registry_definition)
        return RevRegDefResult(None, state, {}, {})

    async def register_revocation_list(
        self, profile: Profile, rev_reg_def: RevRegDef, rev_list: RevList, options: dict[str, Any] | None = None
    ) -> RevListResult:
        """Write the first state of a registry."""
        published = await self._publish(profile, rev_list)
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
        """Write a further state, then say so, so that the holders of `revoked` are told."""
        published = await self._publish(profile, curr_list)
        await _tell(profile, curr_list.rev_reg_def_id, list(revoked))
        return RevListResult(None, RevListState(RevListState.STATE_FINISHED, published), {}, {})

    async def publish_kept_list(self, profile: Profile, registry_id: str) -> list[int]:
        """Write what the status list in the wallet revokes beyond the ledger's; as `WebvhRegistry` does.

        Raises:
            AnonCredsRegistrationError: there is no such list, or it could not be written.
        """
        async with profile.session() as session:
            entry = await session.handle.fetch(CATEGORY_REV_LIST, str(registry_id))
        if entry is None:
            raise AnonCredsRegistrationError(f"the wallet keeps no status list of {registry_id}")
        status_list, fresh = RevList.deserialize(entry.value_json["rev_list"]), list[int]()
        while True:
            written = await self._publish_once(profile, status_list)
            if written.revoked:
                await _tell(profile, registry_id, list(written.revoked))
            fresh.extend(written.revoked)
            if written.is_whole:
                return fresh

    async def _publish(self, profile: Profile, status_list: RevList) -> RevList:
        while not (written := await self._publish_once(profile, status_list)).is_whole:
            pass
        return written.published

    async def _publish_once(self, profile: Profile, status_list: RevList) -> WrittenList:
        try:
            async with one_step(profile, f"indy.{status_list.rev_reg_def_id}", wait_s=_TURN_S):
                return await self._writing.status_list(profile, status_list)
        except WanderbuchError as err:
            raise _unwritten(err) from err

    async def _needs_tails(self, profile: Profile, registry_id: str) -> bool:
        if self._tails is TailsPolicy.ALL:
            return True
        async with profile.session() as session:
            return bool(await fetch_entries(session, CATEGORY_CREDENTIAL, {"rev_reg_id": registry_id}, limit=1))


async def _tell(profile: Profile, registry_id: str, revoked: list[int]) -> None:
    bus = profile.inject_or(EventBus)
    if bus is not None:
        await bus.notify(profile, RevListFinishedEvent.with_payload(registry_id, revoked))


def _unwritten(err: WanderbuchError) -> AnonCredsRegistrationError:
    return AnonCredsRegistrationError(f"{err.message} ({err.hint})" if err.hint else err.message)
