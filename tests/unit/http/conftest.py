from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.http.tls_host import PrivateAuthority, TlsHost, tls_host

from wanderbuch.plugins.http.edge import HttpEdge


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> PrivateAuthority:
    return PrivateAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def host(authority: PrivateAuthority, tmp_path: Path) -> AsyncIterator[TlsHost]:
    async with tls_host(authority, "registry.example.test", tmp_path / "public") as running:
        yield running


@pytest.fixture
async def edge(host: TlsHost) -> AsyncIterator[HttpEdge]:
    async with host.edge() as opened:
        yield opened
