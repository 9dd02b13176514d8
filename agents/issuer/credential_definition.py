"""The credential definition: which schema, made once, found again at every later start.

Not called `definition`: ACA-Py takes a module of that name in a plugin for a list of protocol versions.
"""

import logging

from acapy_agent.anoncreds.issuer import AnonCredsIssuer, AnonCredsIssuerError
from acapy_agent.core.error import BaseError
from acapy_agent.core.event_bus import Event
from acapy_agent.core.profile import Profile

from wanderbuch.errors import ConfigurationError, ResolutionError
from wanderbuch.faults import describe
from wanderbuch.governance.identifiers import CredDefId, SchemaId, WebvhDid
from wanderbuch.governance.snapshot import GovernanceSnapshot

LOGGER = logging.getLogger(__name__)

_TAG = "wanderbuch"


class _QuietIssuer(AnonCredsIssuer):  # type: ignore[misc]  # acapy_agent has no types
    """ACA-Py's issuer, whose definitions start no chain of events: registries are made by `registries`."""

    async def notify(self, event: Event) -> None:
        """Tell nobody."""


def schema_in_force(
    configured: SchemaId | None, credential_type: str, snapshot: GovernanceSnapshot | None
) -> SchemaId | None:
    """Return the authority's schema of a credential type: the configured one, else the one in the governance file.

    Raises:
        ConfigurationError: the governance file names more than one.
    """
    if configured is not None or snapshot is None:
        return configured
    listed = snapshot.file.schema_ids(credential_type)
    if len(listed) > 1:
        raise ConfigurationError(
            f"the governance file names {len(listed)} schemas for {credential_type}",
            hint="say in [issuer] schema_id which one to issue",
        )
    return SchemaId.parse(listed[0]) if listed else None


async def ensure_definition(profile: Profile, did: WebvhDid, schema_id: SchemaId) -> CredDefId:
    """Return the newest credential definition of `did` on `schema_id`; it is made if there is none.

    A crash between publishing and keeping leaves a published definition that nobody can sign with; the next start makes
    another.

    Raises:
        ResolutionError: the schema could not be fetched and checked, or the definition could not be published.
    """
    issuer = _QuietIssuer(profile)
    if await issuer.get_created_credential_definitions(issuer_id=did, schema_id=schema_id):
        return CredDefId.parse(await issuer.match_created_credential_definitions(issuer_id=did, schema_id=schema_id))
    LOGGER.info("making a credential definition on %s", schema_id)
    try:
        result = await issuer.create_and_register_credential_definition(
            did, schema_id, tag=_TAG, signature_type="CL", options={"support_revocation": True}
        )
    except (AnonCredsIssuerError, BaseError) as err:
        raise ResolutionError(f"the credential definition on {schema_id} could not be made: {describe(err)}") from err
    return CredDefId.parse(result.credential_definition_state.credential_definition_id)
