"""One wallet and some centres for all tests of a file."""

from collections.abc import Iterator

import pytest
from tests.unit.wallet.centre import Centre
from tests.unit.wallet.wallet_process import WalletProcess, wallet_process

from wanderbuch.schemas.credential_type import load_credential_type

QUALIFICATION = list(load_credential_type("qualification/1.0").attr_names)
SMALL = ["occupation", "level"]


@pytest.fixture(scope="module")
def wallet() -> Iterator[WalletProcess]:
    """The wallet, in a process of its own."""
    with wallet_process() as process:
        yield process


@pytest.fixture(scope="module")
def centres(tmp_path_factory: pytest.TempPathFactory) -> list[Centre]:
    """Three: one whose credentials can be revoked, one whose cannot, and one with two attributes."""
    tails = tmp_path_factory.mktemp("tails")
    return [
        Centre.make("did:example:a", QUALIFICATION, tails),
        Centre.make("did:example:b", QUALIFICATION, None),
        Centre.make("did:example:c", SMALL, tails),
    ]
