"""Public AnonCreds objects as ACA-Py's registry gives them, without a wallet: for who decides again from a recording.

The checks are those of `objects` and `anoncreds_content`, as in `registry`; no object is anybody's own. What is inside
the numbers of an object, the library checks when it loads it: ACA-Py's models would be made of each object, and text of
them again, for nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

from acapy_agent.anoncreds.models.credential_definition import GetCredDefResult
from acapy_agent.anoncreds.models.revocation import GetRevListResult, GetRevRegDefResult
from acapy_agent.anoncreds.models.schema import GetSchemaResult

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import ResourceId
from wanderbuch.plugins.http.errors import NotFoundError
from wanderbuch.plugins.webvh.anoncreds_content import (
    checked_cred_def,
    checked_registry,
    checked_schema,
    checked_status_list,
)
from wanderbuch.plugins.webvh.errors import StatusListNotFoundError
from wanderbuch.plugins.webvh.objects import AttestedObjects
from wanderbuch.plugins.webvh.resolution_answers import status_list_answer, unresolved

_MISSING: Final = (NotFoundError, StatusListNotFoundError)


@dataclass(frozen=True, slots=True)
class _Content:
    """An object that was checked, as far as ACA-Py's models are asked for it.

    Args:
        content: of the resource.
        issuer_id: who published it.
    """

    content: Mapping[str, Any] = field(repr=False)
    issuer_id: str

    def serialize(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return dict(self.content)


@dataclass(frozen=True, slots=True)
class _Schema(_Content):
    name: str
    version: str
    attr_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Definition(_Content):
    schema_id: str
    tag: str
    value: SimpleNamespace


@dataclass(frozen=True, slots=True)
class _Registry(_Content):
    cred_def_id: str
    value: SimpleNamespace


class RecordedRegistry:
    """Resolves what `objects` can reach, whosever it is.

    Args:
        objects: fetches and checks.
    """

    def __init__(self, objects: AttestedObjects) -> None:
        self._objects = objects

    async def get_schema(self, _: Any, schema_id: str, /) -> GetSchemaResult:
        """Return a schema, checked."""
        try:
            resource = await self._objects.schema(ResourceId.parse(schema_id))
            content = checked_schema(resource)
        except WanderbuchError as err:
            raise unresolved(err, schema_id, *_MISSING) from err
        names = tuple(content["attrNames"])
        schema = _Schema(content, content["issuerId"], content["name"], content["version"], names)
        return GetSchemaResult(schema, schema_id, {}, {})

    async def get_credential_definition(self, _: Any, cred_def_id: str, /) -> GetCredDefResult:
        """Return a credential definition, checked."""
        try:
            resource = await self._objects.credential_definition(ResourceId.parse(cred_def_id))
            content = checked_cred_def(resource)
        except WanderbuchError as err:
            raise unresolved(err, cred_def_id, *_MISSING) from err
        value = SimpleNamespace(revocation=content["value"].get("revocation"))
        definition = _Definition(content, content["issuerId"], content["schemaId"], content["tag"], value)
        return GetCredDefResult(cred_def_id, definition, {}, {})

    async def get_revocation_registry_definition(self, _: Any, registry_id: str, /) -> GetRevRegDefResult:
        """Return a revocation registry definition, checked."""
        try:
            resource = await self._objects.registry_definition(ResourceId.parse(registry_id))
            content = checked_registry(resource)
        except WanderbuchError as err:
            raise unresolved(err, registry_id, *_MISSING) from err
        told = content["value"]
        value = SimpleNamespace(
            tails_hash=told["tailsHash"], tails_location=told["tailsLocation"], max_cred_num=told["maxCredNum"]
        )
        registry = _Registry(content, content["issuerId"], content["credDefId"], value)
        return GetRevRegDefResult(registry, registry_id, {}, {})

    async def get_revocation_list(
        self, _: Any, registry_id: str, /, timestamp_from: int | None = 0, timestamp_to: int | None = None
    ) -> GetRevListResult:
        """Return the status list in force at `timestamp_to` (None: the newest), checked."""
        try:
            resource = await self._objects.status_list(ResourceId.parse(registry_id), at=timestamp_to)
            content = checked_status_list(resource)
        except WanderbuchError as err:
            raise unresolved(err, registry_id, *_MISSING) from err
        return status_list_answer(content)
