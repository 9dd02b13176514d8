import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.anoncreds.constants import CATEGORY_REV_LIST
from acapy_agent.anoncreds.issuer import AnonCredsIssuer
from acapy_agent.anoncreds.models.credential_definition import CredDef
from acapy_agent.anoncreds.models.revocation import RevList, RevRegDef
from acapy_agent.anoncreds.models.schema import AnonCredsSchema, GetSchemaResult
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.utils.testing import create_test_profile
from acapy_agent.wallet.did_method import DIDMethods
from acapy_agent.wallet.key_type import KeyTypes
from anoncreds import CredentialDefinition, Schema
from tests.unit.http.tls_host import PrivateAuthority, TlsHost, tls_host

from wanderbuch.governance.facts.identifiers import ResourceId, WebvhDid
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.webvh.dids import create_did
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory
from wanderbuch.plugins.webvh.objects import AttestedObjects
from wanderbuch.plugins.webvh.publisher import FolderPublisher, Publisher
from wanderbuch.plugins.webvh.registry import WebvhRegistry
from wanderbuch.plugins.webvh.revocation import WebvhRevocation

HOST = "centre.example.test"
ENDPOINT = f"https://{HOST}/didcomm"
SIZE = 10


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """ACA-Py keeps tails files below the home folder."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> PrivateAuthority:
    return PrivateAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def host(authority: PrivateAuthority, tmp_path: Path) -> AsyncIterator[TlsHost]:
    async with tls_host(authority, HOST, tmp_path / "public") as running:
        yield running


@pytest.fixture
async def edge(host: TlsHost) -> AsyncIterator[HttpEdge]:
    async with host.edge() as opened:
        yield opened


@pytest.fixture
def publisher(host: TlsHost) -> FolderPublisher:
    return FolderPublisher(host.folder)


async def new_wallet() -> Profile:
    opened = await create_test_profile({"wallet.type": "askar-anoncreds"})
    bind = opened.context.injector.bind_instance
    bind(DIDMethods, DIDMethods())
    bind(KeyTypes, KeyTypes())
    bind(EventBus, EventBus())
    return opened


@pytest.fixture
async def wallet() -> AsyncIterator[Profile]:
    """The training centre's."""
    opened = await new_wallet()
    yield opened
    await opened.close()


@pytest.fixture
async def other_wallet() -> AsyncIterator[Profile]:
    """Somebody else's."""
    opened = await new_wallet()
    yield opened
    await opened.close()


@pytest.fixture
async def did(wallet: Profile, publisher: FolderPublisher) -> WebvhDid:
    return await create_did(
        wallet, host=HOST, path="org", didcomm_endpoint=ENDPOINT, publisher=publisher, prerotation=True
    )


@pytest.fixture
def memory() -> InMemoryLogMemory:
    return InMemoryLogMemory()


@pytest.fixture
def documents(edge: HttpEdge, memory: InMemoryLogMemory) -> WebvhDocuments:
    """Asks the host each time."""
    return WebvhDocuments(edge, memory, lifetime_s=0)


@pytest.fixture
def objects(edge: HttpEdge, documents: WebvhDocuments, memory: InMemoryLogMemory) -> AttestedObjects:
    return AttestedObjects(edge, documents, memory)


class Clock:
    """Comes from an hour ago, a second further each time somebody looks: nobody needs to wait for it."""

    def __init__(self) -> None:
        self.now = int(time.time()) - 3600

    def __call__(self) -> float:
        self.now += 1
        return self.now


def connect(profile: Profile, edge: HttpEdge, publisher: Publisher) -> WebvhRegistry:
    """Give a wallet its registry, as the plugin does."""
    memory = InMemoryLogMemory()
    objects = AttestedObjects(edge, WebvhDocuments(edge, memory, lifetime_s=0), memory)
    registry = WebvhRegistry(objects, publisher, clock=Clock())
    bind = profile.context.injector.bind_instance
    bind(AnonCredsRegistry, AnonCredsRegistry([registry]))
    bind(HttpEdge, edge)
    bind(Publisher, publisher)
    return registry


@pytest.fixture
def registry(wallet: Profile, edge: HttpEdge, publisher: FolderPublisher) -> WebvhRegistry:
    """The training centre's."""
    return connect(wallet, edge, publisher)


@pytest.fixture
def other_registry(other_wallet: Profile, edge: HttpEdge, tmp_path: Path) -> WebvhRegistry:
    """Somebody else's."""
    return connect(other_wallet, edge, FolderPublisher(tmp_path / "other"))


@pytest.fixture(scope="session")
def definition_keys() -> tuple[dict[str, Any], Any, Any]:
    """A credential definition with revocation: seconds of looking for primes, so made once."""
    schema = Schema.create("qualification", "1.0", "did:example:x", ["occupation", "level"])
    public, private, proof = CredentialDefinition.create(
        "did:example:x/schema", schema, "did:example:x", "default", "CL", support_revocation=True
    )
    return public.to_dict(), private, proof


@dataclass
class Issuer:
    """The training centre with its schema, credential definition and one revocation registry with a first list."""

    profile: Profile
    did: WebvhDid
    registry: WebvhRegistry
    publisher: FolderPublisher
    schema_id: ResourceId
    cred_def_id: ResourceId
    registry_id: ResourceId
    definition: RevRegDef

    @property
    def revocation(self) -> WebvhRevocation:
        return WebvhRevocation(self.profile)

    def file(self, resource_id: str) -> Path:
        return self.publisher.folder / "org" / "resources" / resource_id.rpartition("/")[2]

    async def revoke(self, *indexes: int, publish: bool = True) -> Any:
        """Revoke as ACA-Py does: keep the new list, then publish it."""
        result = await self.revocation.revoke_pending_credentials(self.registry_id, additional_crids=list(indexes))
        if publish:
            await self.revocation.update_revocation_list(self.registry_id, result.prev, result.curr, result.revoked)
        return result

    async def kept_list(self) -> RevList:
        kept = await self.revocation.get_created_revocation_list(self.registry_id)
        assert kept is not None
        return kept


@pytest.fixture
async def issuer(
    wallet: Profile,
    did: WebvhDid,
    registry: WebvhRegistry,
    publisher: FolderPublisher,
    definition_keys: tuple[dict[str, Any], Any, Any],
) -> Issuer:
    public, private, proof = definition_keys
    schema = AnonCredsSchema(did, ["occupation", "level"], "qualification", "1.0")
    schema_id = (await registry.register_schema(wallet, schema)).schema_state.schema_id
    cred_def = CredDef.deserialize({**public, "issuerId": did, "schemaId": schema_id})
    schema_result = GetSchemaResult(schema, schema_id, {}, {})
    result = await registry.register_credential_definition(wallet, schema_result, cred_def)
    await AnonCredsIssuer(wallet).store_credential_definition(schema_result, result, private, proof, True, SIZE)
    cred_def_id = result.credential_definition_state.credential_definition_id
    revocation = WebvhRevocation(wallet)
    made = await revocation.create_and_register_revocation_registry_definition(did, cred_def_id, "CL_ACCUM", "0", SIZE)
    assert not isinstance(made, str), made
    await revocation.store_revocation_registry_definition(made)
    first = await revocation.create_and_register_revocation_list(made.rev_reg_def_id)
    assert not isinstance(first, str), first
    await revocation.store_revocation_registry_list(first)
    async with wallet.session() as session:
        entry = await session.handle.fetch(CATEGORY_REV_LIST, made.rev_reg_def_id)
        issued = {**entry.value_json, "next_index": SIZE}
        await session.handle.replace(CATEGORY_REV_LIST, entry.name, value_json=issued, tags=entry.tags)
    return Issuer(
        wallet,
        did,
        registry,
        publisher,
        ResourceId.parse(schema_id),
        ResourceId.parse(cred_def_id),
        ResourceId.parse(made.rev_reg_def_id),
        made.rev_reg_def,
    )
