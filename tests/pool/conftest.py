"""One pool for all tests of this folder, whole again after each of them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.pool.nodes import IndyPool
from tests.pool.trustee import Identity, Trustee, new_identity
from tests.pool.wallets import Wallet, ledger

from wanderbuch.plugins.http.edge import HttpEdge


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests here need a pool; they fail where none can be made, since `make pool` is asked for by name."""
    for item in items:
        if item.path.is_relative_to(__file__.rpartition("/")[0]):
            item.add_marker(pytest.mark.pool)


@pytest.fixture(scope="session")
def running_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndyPool]:
    """Four nodes that take part."""
    pool = IndyPool(tmp_path_factory.mktemp("indy"))
    try:
        pool.start()
        yield pool
    finally:
        pool.stop()


@pytest.fixture
def pool(running_pool: IndyPool) -> Iterator[IndyPool]:
    """The pool, with all four nodes; a test may end or freeze some."""
    yield running_pool
    running_pool.start()


@pytest.fixture
def trustee(pool: IndyPool) -> Trustee:
    """Who may write who else may write."""
    return Trustee(pool.genesis)


@pytest.fixture
async def edge() -> AsyncIterator[HttpEdge]:
    async with HttpEdge() as opened:
        yield opened


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """ACA-Py keeps tails files below the home folder."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
async def wallets(pool: IndyPool, edge: HttpEdge, tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Wallet]]]:
    """Opens wallets whose only ledger is the pool; arguments are further keys of its configuration."""
    opened: list[Wallet] = []

    async def open_wallet(**further: Any) -> Wallet:
        wallet = await Wallet.open(ledger(pool.genesis, **further), edge, tmp_path / f"public{len(opened)}")
        opened.append(wallet)
        return wallet

    yield open_wallet
    for wallet in opened:
        await wallet.close()


@pytest.fixture
async def identity(trustee: Trustee) -> Identity:
    """A DID that may write."""
    made = new_identity()
    await trustee.register(made)
    return made
