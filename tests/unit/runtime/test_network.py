"""A bundle is a fall-back for the governance it is of, and for no other."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.trust.ecosystem import webvh

from wanderbuch.agents.runtime.config_tables import GovernanceConfig, NetworkConfig
from wanderbuch.agents.runtime.network import make_edge
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.signed.bundle import Bundle, write_bundle_file
from wanderbuch.plugins.http.replaying import FallbackEdge

AUTHOR = webvh("authority")
URL = f"{AUTHOR.base_url}/governance"
MADE = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "facts.zip"
    path.write_bytes(write_bundle_file(Bundle(AUTHOR, URL, MADE, (), {f"{URL}/current.jws": b"x"})))
    return path


def test_falls_back_on_the_bundle_that_is_configured(bundle: Path) -> None:
    edge = make_edge(NetworkConfig(), GovernanceConfig(url=URL, author=AUTHOR, bundle=bundle))
    assert isinstance(edge, FallbackEdge)
    assert edge.recorded_at == MADE
    for governance in (None, GovernanceConfig(url=URL, author=AUTHOR)):
        assert not isinstance(make_edge(NetworkConfig(), governance), FallbackEdge)


def test_refuses_a_bundle_of_another_governance(bundle: Path) -> None:
    for url, author in ((URL, webvh("other")), (f"{URL}/2", AUTHOR)):
        with pytest.raises(ConfigurationError, match="found that of"):
            make_edge(NetworkConfig(), GovernanceConfig(url=url, author=author, bundle=bundle))


def test_refuses_a_bundle_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK")
    for path in (broken, tmp_path / "missing.zip"):
        with pytest.raises(ConfigurationError, match="cannot be used"):
            make_edge(NetworkConfig(), GovernanceConfig(url=URL, author=AUTHOR, bundle=path))
