"""The authority as a role of the runtime: its start, its tasks, its sweep."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.api import Authority, authority_routes
from wanderbuch.agents.authority.config import AuthorityConfig
from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.history import HistoryLog
from wanderbuch.agents.authority.history_api import public_history_routes
from wanderbuch.agents.authority.pages.mounting import AuthorityPages
from wanderbuch.agents.authority.pages.sessions import DeskSession
from wanderbuch.agents.authority.publication import Publication
from wanderbuch.agents.authority.schemas import publish_schemas
from wanderbuch.agents.authority.trqp_role import trqp_routes
from wanderbuch.agents.authority.versions import PublicationPlace
from wanderbuch.agents.authority.witnesses import WitnessDesk, witness_routes
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.app import Caller, PublicRoute, Route
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.agents.runtime.role import Role
from wanderbuch.errors import GovernanceError, WanderbuchError
from wanderbuch.governance.identifiers import DidUrl, WebvhDid
from wanderbuch.governance.jws import KeyResolver
from wanderbuch.plugins.webvh.dids import begin_rotation, drop_old_key, sign_as
from wanderbuch.plugins.webvh.document import Service
from wanderbuch.plugins.webvh.own import own_did, public_key
from wanderbuch.plugins.webvh.registry_index import published_registries
from wanderbuch.plugins.webvh.signing import key_id
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.store.records import utc_now

LOGGER = logging.getLogger(__name__)

_DUE_S = 10.0  # how long what is decided and due may hold up the start
_REGISTRIES_TIMEOUT_S = 5.0  # a suspension does not wait longer for the issuer's host
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

    async def public_key(self, kid: DidUrl) -> bytes:
        """Return one of the raw public keys with which the authority's DID asserts now.

        Raises:
            GovernanceError: it asserts with no key of this id.
        """
        own = await own_did(self.profile, self.did)
        if own is not None:
            for name in own.assertion_keys:
                if key_id(own, name) == kid:
                    return public_key(name)
        raise GovernanceError(f"{kid} is not a key that this authority asserts with")


class AuthorityRole(Role):
    """Says who counts for what."""

    name = "authority"
    settings = AuthorityConfig
    plugins = ("wanderbuch.agents.authority",)
    prerotation = True

    def __init__(self) -> None:
        self._authority: Authority | None = None
        self._pages = AuthorityPages(clock=utc_now)

    def routes(self, agent: RunningAgent) -> Sequence[Route]:
        """Return the REST API."""
        return (
            *authority_routes(lambda: self._authority),
            *witness_routes(lambda: WitnessDesk(agent.profile, agent.did, agent.publisher, approved=self.desk.go_on)),
        )

    def services(self, config: AgentConfig) -> Sequence[Service]:
        """Name the governance file and, if it answers, the TRQP endpoint (TRQP 2.0, Identifiers, authority_id)."""
        settings = config.settings(AuthorityConfig)
        file = f"{config.public.url}/governance/{settings.ecosystem}/current.jws"
        trqp = Service("trqp", "TRQP", f"{config.public.url}/trqp/{settings.trqp.version}")
        return (Service("governance", "GovernanceFile", file), *((trqp,) if settings.trqp.enabled else ()))

    def public_routes(self, agent: RunningAgent) -> Sequence[PublicRoute]:
        """Return what is answered beside the files."""
        config = agent.config.settings(AuthorityConfig)
        folder = f"governance/{config.ecosystem}"
        return (
            *public_history_routes(folder, lambda: self.desk.history),
            *trqp_routes(agent, config.trqp, lambda: self._authority.publication if self._authority else None),
            *self._pages.public_routes(),
        )

    def app_pages(self, agent: RunningAgent) -> Sequence[PublicRoute]:
        """Return the officials' desk."""
        return self._pages.app_pages()

    async def identify(self, agent: RunningAgent, token: str) -> Caller | None:
        """Return the official with this token."""
        official = await self.desk.officials.by_token(token)
        if official is None:
            return None
        return Caller(official.id, frozenset(role.value for role in official.roles))

    @property
    def desk(self) -> Desk:
        """Where the officials work.

        Raises:
            NotReadyError: the role has not started yet.
        """
        if self._authority is None:
            raise NotReadyError("the authority is starting")
        return self._authority.desk

    async def started(self, agent: RunningAgent) -> None:
        """Publish the schemas, repair what was interrupted, and keep the governance file fresh from now on."""
        config = agent.config.settings(AuthorityConfig)
        credential_types = [load_credential_type(each) for each in config.credential_types]
        schema_ids = await publish_schemas(agent.profile, agent.did, credential_types)
        key, place = WalletKey(agent.profile, agent.did), _place(agent, config)
        publication = Publication(
            place,
            profile=agent.profile,
            publisher=agent.publisher,
            key=key,
            history=HistoryLog(agent.profile, publisher=agent.publisher, folder=place.folder, clock=utc_now),
            resolve_key=_resolver(agent, key),
            freshness_lifetime=timedelta(seconds=config.freshness_lifetime_s),
            divide_above_bytes=config.divide_above_bytes,
            clock=utc_now,
        )
        desk = Desk(
            agent.profile,
            publication,
            four_eyes=config.four_eyes,
            redress=config.redress,
            rotate_key=lambda: begin_rotation(agent.profile, agent.did, publisher=agent.publisher),
            drop_old_key=lambda: drop_old_key(agent.profile, agent.did, publisher=agent.publisher),
            find_registries=lambda issuer: _registries_of(agent, issuer),
        )
        await publication.repair()
        with contextlib.suppress(TimeoutError):  # it may ask an issuer's host; what is not done then, a sweep does
            async with asyncio.timeout(_DUE_S):
                await desk.go_on()
        await publication.reissue()
        await _publish_json_schemas(agent)
        self._authority = Authority(
            did=agent.did,
            name=agent.config.name,
            ecosystem=config.ecosystem,
            governance_url=place.url,
            desk=desk,
            schema_ids=schema_ids,
        )
        self._pages.start(desk, agent.records(DeskSession))
        agent.spawn("authority.freshness", _keep_fresh(publication, config.reissue_every_s))

    async def sweep(self, agent: RunningAgent, now: datetime) -> None:
        """Complete and restore what is published, and go on with what is decided and due."""
        if self._authority is not None:
            await self._authority.publication.repair(everything=False)
            await self._authority.desk.go_on()

    async def stopping(self, agent: RunningAgent) -> None:
        """Do nothing more: the runtime ends what `started` spawned."""


def _place(agent: RunningAgent, config: AuthorityConfig) -> PublicationPlace:
    folder = f"governance/{config.ecosystem}"
    return PublicationPlace(author=agent.did, folder=folder, url=f"{agent.config.public.url}/{folder}")


def _resolver(agent: RunningAgent, key: WalletKey) -> KeyResolver:
    """Return what gives the keys of signers: our own from the wallet, those of others from their DID documents."""

    async def resolve(kid: DidUrl) -> bytes:
        return await (key.public_key(kid) if kid.did == key.did else agent.documents.assertion_key(kid))

    return resolve


async def _registries_of(agent: RunningAgent, issuer: str) -> Sequence[str]:
    return await published_registries(agent.edge, WebvhDid.parse(issuer), timeout_s=_REGISTRIES_TIMEOUT_S)


async def _keep_fresh(publication: Publication, every_s: float) -> None:
    """Issue the freshness statement anew, again and again; ends only by cancellation."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await publication.reissue()
        except WanderbuchError as err:
            LOGGER.warning("the freshness statement could not be issued: %s", err.message)
        except Exception:  # whatever it was, everybody's trust ends with the last statement: try again
            LOGGER.exception("the freshness statement could not be issued")


async def _publish_json_schemas(agent: RunningAgent) -> None:
    """Publish the JSON Schemas of the governance file beside it."""
    for entry in resources.files(_JSON_SCHEMAS).iterdir():
        if entry.name.endswith(".schema.json"):
            path = f"governance/schemas/{entry.name}"
            body = entry.read_bytes()
            if await agent.publisher.get(path) != body:
                await agent.publisher.put(path, body, "application/schema+json")


ROLE = AuthorityRole()
