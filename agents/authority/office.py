"""An authority's office for one tenant: what its routes and pages work on, what it does by itself, and its end.

Opening it publishes the schemas, repairs what was interrupted, and keeps the governance file fresh from then on.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib import resources
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.config import AuthorityConfig
from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.history import HistoryLog
from wanderbuch.agents.authority.intake.applications import Applications
from wanderbuch.agents.authority.intake.reception import Reception
from wanderbuch.agents.authority.pages.desk import DeskParts
from wanderbuch.agents.authority.pages.desk_sessions import COOKIE, OFFICIAL_KINDS, DeskSession
from wanderbuch.agents.authority.pages.facts import PublishedRegister
from wanderbuch.agents.authority.party_signing import PartySigning
from wanderbuch.agents.authority.publication import Publication
from wanderbuch.agents.authority.registrar.endpoint import Registrar, SignedBy
from wanderbuch.agents.authority.schemas import publish_schemas
from wanderbuch.agents.authority.trqp_role import open_endpoint, open_snapshot
from wanderbuch.agents.authority.uploads import Uploads
from wanderbuch.agents.authority.versions import PublicationPlace
from wanderbuch.agents.authority.witnesses import WitnessDesk
from wanderbuch.agents.people.desk_access import open_access
from wanderbuch.agents.people.kinds import kinds_in
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.site.works import Works
from wanderbuch.errors import GovernanceError, WanderbuchError
from wanderbuch.governance.facts.anoncreds_ids import SchemaId
from wanderbuch.governance.facts.identifiers import DidUrl, WebvhDid
from wanderbuch.governance.signed.jws import KeyResolver
from wanderbuch.plugins.webvh.dids import begin_rotation, drop_old_key, sign_as
from wanderbuch.plugins.webvh.own import own_did, public_key
from wanderbuch.plugins.webvh.registry_index import published_registries
from wanderbuch.plugins.webvh.signing import key_id
from wanderbuch.schemas.credential_type import load_credential_type

LOGGER = logging.getLogger(__name__)

_TRY_AGAIN_S: Final = 5.0
_DUE_S: Final = 10.0  # how long what is decided and due may hold up the start
_REGISTRIES_TIMEOUT_S: Final = 5.0  # a suspension does not wait longer for the issuer's host
_JSON_SCHEMAS: Final = "wanderbuch.governance.schemas"


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
        if (raw := (await self.public_keys()).get(kid)) is not None:
            return raw
        raise GovernanceError(f"{kid} is not a key that this authority asserts with")

    async def public_keys(self) -> Mapping[DidUrl, bytes]:
        """Return the raw public keys with which the authority's DID asserts now."""
        own = await own_did(self.profile, self.did)
        return {} if own is None else {key_id(own, name): public_key(name) for name in own.assertion_keys}


class AuthorityOffice:
    """An authority's work for one tenant.

    What routes and pages use: `desk`, `history`, `publication`, `register`, `parts` (of the desk's pages), `trqp`,
    `registrar`, `witnesses`. Made by `open_office`.
    """

    def __init__(self, tenant: Tenant, config: AuthorityConfig, schema_ids: Mapping[str, SchemaId]) -> None:
        """Prepare; nothing is read or written yet.

        Raises:
            ConfigurationError: the token of the TRQP endpoint cannot be read.
        """
        key = WalletKey(tenant.profile, tenant.did)
        place = _place(tenant, config)
        self.tenant = tenant
        self.config = config
        self.schema_ids = schema_ids
        self.clock = tenant.clock
        self.history = HistoryLog(tenant.profile, publisher=tenant.publisher, folder=place.folder, clock=self.clock)
        self.publication = Publication(
            place,
            profile=tenant.profile,
            publisher=tenant.publisher,
            key=key,
            history=self.history,
            resolve_key=_resolver(tenant, key),
            freshness_lifetime=timedelta(seconds=config.freshness_lifetime_s),
            reissue_every=timedelta(seconds=config.reissue_every_s),
            divide_above_bytes=config.divide_above_bytes,
            clock=self.clock,
            lease=tenant.lease,
        )
        self.desk = Desk(
            tenant.profile,
            self.publication,
            four_eyes=config.four_eyes,
            redress=config.redress,
            rotate_key=partial(begin_rotation, tenant.profile, tenant.did, publisher=tenant.publisher),
            drop_old_key=partial(drop_old_key, tenant.profile, tenant.did, publisher=tenant.publisher),
            find_statuses=self._registries_of,
        )
        self.register = PublishedRegister(self.publication, prove_url=config.prove_url)
        kinds = kinds_in(tenant.config.roles, OFFICIAL_KINDS)
        access = open_access(tenant, self.desk.officials, DeskSession, cookie=COOKIE, kinds=kinds)
        self.applications = Applications(tenant.profile, self.desk, config.intake, clock=self.clock)
        self.reception = Reception(
            self.applications,
            config.intake,
            did=tenant.did,
            resolve_key=_resolver(tenant, key),
            networks=access.networks,
            clock=self.clock,
        )
        self.parts = DeskParts(
            name=tenant.name,
            desk=self.desk,
            applications=self.applications,
            uploads=Uploads(tenant.profile, self.desk, clock=self.clock),
            party_signing=PartySigning(
                tenant.profile,
                tenant.edge,
                key,
                _resolver(tenant, key),
                own_file=self.register.file,
                four_eyes=config.four_eyes,
                clock=self.clock,
            ),
            access=access,
            register=self.register,
            works=Works(tenant.spawn),
        )
        own = open_snapshot(tenant, self.publication)
        self.trqp = open_endpoint(tenant, config.trqp, own)
        self.registrar = (
            Registrar(
                SignedBy(tenant.did, key, key.public_keys, tenant.place.site_url),
                snapshot=own,
                first=own.first,
                config=config.registrar,
                networks=access.networks,
                clock=self.clock,
            )
            if config.registrar.enabled
            else None
        )
        self.witnesses = WitnessDesk(tenant.profile, tenant.did, tenant.publisher, approved=self.desk.go_on)
        self._stop_following = self.publication.statements.follow(tenant.spawn)

    @property
    def ecosystem(self) -> str:
        """The name of the ecosystem in addresses."""
        return self.config.ecosystem

    @property
    def governance_url(self) -> str:
        """The address of the folder of the governance file."""
        return self.publication.place.url

    async def sweep(self, now: datetime) -> None:
        """Complete and restore what is published, and go on with what is decided and due."""
        await self.publication.repair(everything=False)
        await self.publication.keep_fresh()
        await self.applications.go_on(self.applications.go_on_with)
        await self.desk.go_on()

    async def close(self) -> None:
        """Listen to other processes no more, and end the streams; the tenant ends what the office spawned."""
        self._stop_following()
        self.parts.access.close()

    async def begin(self) -> None:
        """Repair what was interrupted, go on with what is due, and keep the governance file fresh from now on."""
        await self.publication.repair()
        with contextlib.suppress(TimeoutError):  # it may ask an issuer's host; what is not done then, a sweep does
            async with asyncio.timeout(_DUE_S):
                await self.desk.go_on()
        await self.publication.keep_fresh()
        await self._publish_json_schemas()
        self.tenant.spawn("authority.freshness", self._keep_fresh())

    async def _keep_fresh(self) -> None:
        """Issue the freshness statement anew whenever it is due; ends only by cancellation."""
        while True:
            await asyncio.sleep(self._pause_s())
            try:
                await self.publication.keep_fresh()
            except WanderbuchError as err:
                LOGGER.warning("the freshness statement could not be issued: %s", err.message)
            except Exception:  # whatever it was, everybody's trust ends with the last statement: try again
                LOGGER.exception("the freshness statement could not be issued")

    def _pause_s(self) -> float:
        """Return how long to wait: until the next one is due; not long if it could not be issued.

        Several processes do not wake in step: one of them issues it, and the others find that it was done.
        """
        every_s, due_at = self.config.reissue_every_s, self.publication.statements.reissue_at()
        left_s = every_s if due_at is None else (due_at - self.clock()).total_seconds()
        wait_s = max(min(left_s, every_s), min(every_s, _TRY_AGAIN_S))
        return wait_s + random.uniform(0, min(1.0, every_s / 20))  # noqa: S311 (no secret)

    async def _registries_of(self, issuer: str) -> Sequence[str]:
        return await published_registries(self.tenant.edge, WebvhDid.parse(issuer), timeout_s=_REGISTRIES_TIMEOUT_S)

    async def _publish_json_schemas(self) -> None:
        """Publish the JSON Schemas of the governance file beside it."""
        publisher = self.tenant.publisher
        for entry in resources.files(_JSON_SCHEMAS).iterdir():
            if entry.name.endswith(".schema.json"):
                path = self.tenant.place.published(f"governance/schemas/{entry.name}")
                body = entry.read_bytes()
                if await publisher.get(path) != body:
                    await publisher.put(path, body, "application/schema+json")


async def open_office(tenant: Tenant) -> AuthorityOffice:
    """Publish the schemas, and open the office.

    Raises:
        ResolutionError: a schema could not be published.
        ConfigurationError: what is configured cannot be, or the public folder cannot be written to.
    """
    config = tenant.settings(AuthorityConfig)
    credential_types = [load_credential_type(credential_type) for credential_type in config.credential_types]
    schema_ids = await publish_schemas(tenant.profile, tenant.did, credential_types)
    office = AuthorityOffice(tenant, config, schema_ids)
    await office.begin()
    return office


def _place(tenant: Tenant, config: AuthorityConfig) -> PublicationPlace:
    folder = f"governance/{config.ecosystem}"
    return PublicationPlace(
        author=tenant.did, folder=tenant.place.published(folder), url=f"{tenant.place.site_url}/{folder}"
    )


def _resolver(tenant: Tenant, key: WalletKey) -> KeyResolver:
    """Return what gives the keys of signers: our own from the wallet, those of others from their DID documents."""

    async def resolve(kid: DidUrl) -> bytes:
        return await (key.public_key(kid) if kid.did == key.did else tenant.documents.assertion_key(kid))

    return resolve
