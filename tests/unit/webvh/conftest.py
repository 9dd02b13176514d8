from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acapy_agent.core.profile import Profile
from acapy_agent.utils.testing import create_test_profile
from tests.unit.http.tls_host import PrivateAuthority, TlsHost, tls_host

from wanderbuch.governance.identifiers import WebvhDid
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.webvh.dids import create_did
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory
from wanderbuch.plugins.webvh.objects import AttestedObjects
from wanderbuch.plugins.webvh.publisher import FolderPublisher

HOST = "centre.example.test"
ENDPOINT = f"https://{HOST}/didcomm"


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
    return await create_test_profile({"wallet.type": "askar-anoncreds"})


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
