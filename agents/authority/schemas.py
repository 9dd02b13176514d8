"""The AnonCreds schemas of the authority: published once, the same ids at every later start."""

import logging
from collections.abc import Iterable

from acapy_agent.anoncreds.issuer import AnonCredsIssuer, AnonCredsIssuerError
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.profile import Profile

from wanderbuch.errors import ConfigurationError, ResolutionError
from wanderbuch.faults import describe
from wanderbuch.governance.facts.anoncreds_ids import SchemaId
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.schemas.credential_type import CredentialType

LOGGER = logging.getLogger(__name__)


async def publish_schemas(
    profile: Profile, did: WebvhDid, credential_types: Iterable[CredentialType]
) -> dict[str, SchemaId]:
    """Make sure that each credential type has its schema under `did`, and return their ids by type.

    Raises:
        ConfigurationError: a type changed after its schema was published; a change needs a new version.
        ResolutionError: a schema could not be published.
    """
    return {credential_type.id: await _publish(profile, did, credential_type) for credential_type in credential_types}


async def _publish(profile: Profile, did: WebvhDid, credential_type: CredentialType) -> SchemaId:
    issuer = AnonCredsIssuer(profile)
    name, version = credential_type.name, credential_type.version
    created_schemas = await issuer.get_created_schemas(name, version, did)
    if not created_schemas:
        try:
            await issuer.create_and_register_schema(did, name, version, list(credential_type.attr_names))
        except AnonCredsIssuerError as err:
            # Also raised after a crash between publishing and keeping: the schema is kept by now.
            LOGGER.warning("publishing the schema %s: %s", credential_type.id, describe(err))
        created_schemas = await issuer.get_created_schemas(name, version, did)
    if not created_schemas:
        raise ResolutionError(f"the schema {credential_type.id} could not be published")
    schema_id = SchemaId.parse(created_schemas[0])
    schema = await profile.inject(AnonCredsRegistry).get_schema(profile, schema_id)
    if tuple(schema.schema.attr_names) != credential_type.attr_names:
        raise ConfigurationError(
            f"the attributes of {credential_type.id} are not those that were published under {schema_id}",
            hint="a published credential type never changes; give the changed one a new version",
        )
    return schema_id
