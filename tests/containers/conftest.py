"""Images of this checkout, and those that its compose files stand on, made once."""

import pytest
from tests.containers.images import of_debian, ours


@pytest.fixture(scope="session")
def image() -> str:
    """Our image, of this checkout."""
    return ours()


@pytest.fixture(scope="session")
def proxy_image() -> str:
    """The image of the proxy."""
    return of_debian("proxy")


@pytest.fixture(scope="session")
def database_image() -> str:
    """The image of the database."""
    return of_debian("database")
