"""The credential definition: which schema, made once, found again at every later start.

Not called `definition`: ACA-Py takes a module of that name in a plugin for a list of protocol versions.
"""

import logging

from acapy_agent.anoncreds.issuer import AnonCredsIssuer, AnonCredsIssuerError
from acapy_agent.anoncreds.models.credential_definition import CredDefResult
from acapy_agent.core.error import BaseError
from acapy_agent.core.event_bus import Event
from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.on_ledger import is_beside
from wanderbuch.errors import ConfigurationError, ResolutionError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, SchemaId
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.indy.errors import reason_of
from wanderbuch.plugins.indy.keeping import KEEP_FIRST, free_tag, waiting_definition, write_definition

LOGGER = logging.getLogger(__name__)

_TAG = "wanderbuch"


class _QuietIssuer(AnonCredsIssuer):  # type: ignore[misc]  # acapy_agent has no types
    """ACA-Py's issuer, whose definitions start no chain of events: registries are made by `registries`."""

    async def notify(self, event: Event) -> None:
        """Tell nobody."""


def schema_in_force(
    configured: SchemaId | None, credential_type: str, snapshot: GovernanceSnapshot | None, did: Did
) -> SchemaId | None:
    """Return the schema on which `did` makes definitions: the configured one, else the governance file's.

    Raises:
        ConfigurationError: the governance file names more than one.
    """
    if configured is not None or snapshot is None:
        return configured
    listed = [schema_id for schema_id in snapshot.file.schema_ids(credential_type) if is_beside(schema_id, did)]
    if len(listed) > 1:
        raise ConfigurationError(
            f"the governance file names {len(listed)} schemas for {credential_type}",
            hint="say in [issuer] schema_id which one to issue",
        )
    return SchemaId.parse(listed[0]) if listed else None


async def ensure_definition(profile: Profile, did: Did, schema_id: SchemaId) -> CredDefId:
    """Return the newest credential definition of `did` on `schema_id`; it is made if there is none.

    A crash between publishing and keeping leaves a published definition that nobody can sign with; the next start makes
    another. One for a ledger is kept first, and goes on when it could not be written; one of a wallet that is lost has
    its tag there, so another tag is taken.

    Raises:
        ResolutionError: the schema could not be fetched and checked, or the definition could not be published.
    """
    issuer = _QuietIssuer(profile)
    if await issuer.get_created_credential_definitions(issuer_id=did, schema_id=schema_id):
        return CredDefId.parse(await issuer.match_created_credential_definitions(issuer_id=did, schema_id=schema_id))
    try:
        if did.method != "webvh":
            return await _written(issuer, did, schema_id)
        result = await _made(issuer, did, schema_id)
    except (AnonCredsIssuerError, BaseError) as err:
        raise ResolutionError(f"the credential definition on {schema_id} could not be made: {reason_of(err)}") from err
    return CredDefId.parse(result.credential_definition_state.credential_definition_id)


async def _written(issuer: _QuietIssuer, did: Did, schema_id: SchemaId) -> CredDefId:
    job_id = await waiting_definition(issuer.profile, did, schema_id)
    if job_id is None:
        tag = await free_tag(issuer.profile, did, schema_id, _TAG)
        job_id = str((await _made(issuer, did, schema_id, tag, keeps_first=True)).job_id)
    cred_def_id = CredDefId.parse(await write_definition(issuer.profile, job_id))
    await issuer.finish_cred_def(job_id, cred_def_id)
    return cred_def_id


async def _made(
    issuer: _QuietIssuer, did: Did, schema_id: SchemaId, tag: str = _TAG, *, keeps_first: bool = False
) -> CredDefResult:
    LOGGER.info("making a credential definition on %s", schema_id)
    options = {"support_revocation": True, **({KEEP_FIRST: True} if keeps_first else {})}
    return await issuer.create_and_register_credential_definition(
        did, schema_id, tag=tag, signature_type="CL", options=options
    )
