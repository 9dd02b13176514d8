"""The free places of a centre that closes are revoked from its store, before its public files are handed over."""

from collections.abc import Sequence

from acapy_agent.core.error import BaseError

from wanderbuch.agents.cli.store.stopped_issuer import opened_issuer
from wanderbuch.agents.issuer.closing import ClosedPlaces, close_places
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.public_place import public_files
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.indy.errors import reason_of


async def close_free(config: AgentConfig, tenant: str) -> Sequence[ClosedPlaces]:
    """Publish what is to be revoked, and revoke every place that is free.

    Args:
        config: of the agent, which does not run.
        tenant: the issuer's.

    Raises:
        ConfigurationError: the store cannot be used, the public files are not here, or a list could not be published.
    """
    await public_files(config).check()
    async with opened_issuer(config, tenant) as issuer:
        log = f"{'/'.join(issuer.own.did.path)}/did.jsonl"
        if await issuer.publisher.get(log) is None:
            raise ConfigurationError(
                f"the public files of {issuer.own.did} are not here: {log} is missing",
                hint="bring them to where the configuration has them; a list that nobody serves closes nothing",
            )
        try:
            await issuer.revocations.publish_all()
            return await close_places(issuer.profile)
        except BaseError as err:
            raise ConfigurationError(
                f"a status list could not be published: {reason_of(err)}", hint="the same again goes on"
            ) from err
