"""Images of this checkout, and those that its compose files stand on, made once."""

from pathlib import Path

import pytest
from tests.containers.images import build

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def image() -> str:
    """Our image, of this checkout."""
    return build(ROOT, "localhost/wanderbuch:checked")


@pytest.fixture(scope="session")
def proxy_image() -> str:
    """The image of the proxy."""
    return _of_debian("proxy")


@pytest.fixture(scope="session")
def database_image() -> str:
    """The image of the database."""
    return _of_debian("database")


def _of_debian(name: str) -> str:
    file = ROOT / "compose" / f"{name}.Containerfile"
    return build(ROOT, f"localhost/wanderbuch-{name}:checked", containerfile=file, has_python=False)
