"""The authority as a role of the runtime: its start, its tasks, its sweep."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.api import Authority, authority_routes
from wanderbuch.agents.authority.config import AuthorityConfig
from wanderbuch.agents.authority.publication import Publication, PublicationPlace, PublishedVersion
from wanderbuch.agents.authority.schemas import publish_schemas
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.app import Route
from wanderbuch.agents.runtime.role import Role
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.identifiers import DidUrl, WebvhDid
from wanderbuch.plugins.webvh.dids import sign_as
from wanderbuch.schemas.credential_type import load_credential_type

LOGGER = logging.getLogger(__name__)

_JSON_SCHEMAS = "wanderbuch.governance.schemas"


@dataclass(frozen=True, slots=True)
class WalletKey:
    """The key in the wallet with which the authority's DID asserts."""

    profile: Profile
    did: WebvhDid

    async def kid(self) -> DidUrl:
        """Return the id of the verification method."""
        return (await sign_as(self.profile, self.did, b""))[0]

    async def sign(self, message: bytes) -> bytes:
        """Return the signature of `message`."""
        return (await sign_as(self.profile, self.did, message))[1]


class AuthorityRole(Role):
    """Says who counts for what."""

    name = "authority"
    settings = AuthorityConfig
    plugins = ("wanderbuch.agents.authority",)
    prerotation = True

    def __init__(self) -> None:
        self._authority: Authority | None = None

    def routes(self, agent: RunningAgent) -> Sequence[Route]:
        """Return the REST API."""
        return authority_routes(lambda: self._authority)

    async def started(self, agent: RunningAgent) -> None:
        """Publish the schemas, repair what was interrupted, and keep the governance file fresh from now on."""
        config = agent.config.settings(AuthorityConfig)
        credential_types = [load_credential_type(each) for each in config.credential_types]
        schema_ids = await publish_schemas(agent.profile, agent.did, credential_types)
        folder = f"governance/{config.ecosystem}"
        publication = Publication(
            PublicationPlace(author=agent.did, folder=folder),
            versions=agent.records(PublishedVersion),
            publisher=agent.publisher,
            key=WalletKey(agent.profile, agent.did),
            freshness_lifetime=timedelta(seconds=config.freshness_lifetime_s),
            clock=lambda: datetime.now(UTC),
        )
        await publication.repair()
        await publication.reissue()
        await _publish_json_schemas(agent)
        self._authority = Authority(
            did=agent.did,
            name=agent.config.name,
            ecosystem=config.ecosystem,
            governance_url=f"{agent.config.public.url}/{folder}",
            publication=publication,
            schema_ids=schema_ids,
        )
        agent.spawn("authority.freshness", _keep_fresh(publication, config.reissue_every_s))

    async def sweep(self, agent: RunningAgent, now: datetime) -> None:
        """Complete and restore what is published."""
        if self._authority is not None:
            await self._authority.publication.repair()

    async def stopping(self, agent: RunningAgent) -> None:
        """Do nothing more: the runtime ends what `started` spawned."""


async def _keep_fresh(publication: Publication, every_s: float) -> None:
    """Issue the freshness statement anew, again and again; ends only by cancellation."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await publication.reissue()
        except WanderbuchError as err:
            LOGGER.warning("the freshness statement could not be issued: %s", err.message)


async def _publish_json_schemas(agent: RunningAgent) -> None:
    """Publish the JSON Schemas of the governance file beside it."""
    for entry in resources.files(_JSON_SCHEMAS).iterdir():
        if entry.name.endswith(".schema.json"):
            path = f"governance/schemas/{entry.name}"
            body = entry.read_bytes()
            if await agent.publisher.get(path) != body:
                await agent.publisher.put(path, body, "application/schema+json")


ROLE = AuthorityRole()
