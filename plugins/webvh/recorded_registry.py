"""Public AnonCreds objects as ACA-Py's registry gives them, without a wallet: for who decides again from a recording.

The checks are those of `objects` and `anoncreds_content`, as in `registry`; no object is anybody's own.
"""

from typing import Any, Final

from acapy_agent.anoncreds.models.credential_definition import CredDef, GetCredDefResult
from acapy_agent.anoncreds.models.revocation import GetRevListResult, GetRevRegDefResult, RevRegDef
from acapy_agent.anoncreds.models.schema import AnonCredsSchema, GetSchemaResult
from acapy_agent.messaging.models.base import BaseModelError

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
            return GetSchemaResult(AnonCredsSchema.deserialize(checked_schema(resource)), schema_id, {}, {})
        except (WanderbuchError, BaseModelError) as err:
            raise unresolved(err, schema_id, *_MISSING) from err

    async def get_credential_definition(self, _: Any, cred_def_id: str, /) -> GetCredDefResult:
        """Return a credential definition, checked."""
        try:
            resource = await self._objects.credential_definition(ResourceId.parse(cred_def_id))
            return GetCredDefResult(cred_def_id, CredDef.deserialize(checked_cred_def(resource)), {}, {})
        except (WanderbuchError, BaseModelError) as err:
            raise unresolved(err, cred_def_id, *_MISSING) from err

    async def get_revocation_registry_definition(self, _: Any, registry_id: str, /) -> GetRevRegDefResult:
        """Return a revocation registry definition, checked."""
        try:
            resource = await self._objects.registry_definition(ResourceId.parse(registry_id))
            return GetRevRegDefResult(RevRegDef.deserialize(checked_registry(resource)), registry_id, {}, {})
        except (WanderbuchError, BaseModelError) as err:
            raise unresolved(err, registry_id, *_MISSING) from err

    async def get_revocation_list(
        self, _: Any, registry_id: str, /, timestamp_from: int | None = 0, timestamp_to: int | None = None
    ) -> GetRevListResult:
        """Return the status list in force at `timestamp_to` (None: the newest), checked."""
        try:
            resource = await self._objects.status_list(ResourceId.parse(registry_id), at=timestamp_to)
            content = checked_status_list(resource)
        except (WanderbuchError, BaseModelError) as err:
            raise unresolved(err, registry_id, *_MISSING) from err
        return status_list_answer(content)
