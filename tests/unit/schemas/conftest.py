from typing import Any

import pytest

from wanderbuch.schemas.credential_type import CredentialType, load_credential_type


@pytest.fixture(scope="session")
def qualification() -> CredentialType:
    return load_credential_type("qualification/1.0")


@pytest.fixture
def welder(qualification: CredentialType) -> dict[str, Any]:
    """The claim of a welder from Sri Lanka, NVQ 4, whose skills were recognised from work."""
    return {attribute.name: attribute.example for attribute in qualification.claimed}
