"""The rows of vaults on both engines: who wrote last goes on, a base stands for all before, what is deleted is gone."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
from tests.postgresql import ENGINES

from wanderbuch.agents.wallet_host import vaults as vaults_module
from wanderbuch.agents.wallet_host.vaults import VaultBounds, Vaults, VaultState, WriteOutcome
from wanderbuch.store.engine import Engine, Rows, Statement
from wanderbuch.store.hashing import KeyedHash
from wanderbuch.store.postgresql import open_postgresql
from wanderbuch.store.sqlite import open_sqlite
from wanderbuch.store.tables import tables_on

BOUNDS = VaultBounds(vaults=3, bytes=10, revisions=3, all_bytes=25)


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    """An empty engine: SQLite in a file, or PostgreSQL."""
    if request.param == "sqlite":
        opened: Engine = open_sqlite(tmp_path / "index" / "index.db")
    else:
        opened = await open_postgresql(request.getfixturevalue("database").dsn, connections=4)
    yield opened
    await opened.close()


@pytest.fixture
def vaults(engine: Engine) -> Vaults:
    return Vaults("default", tables_on(engine, KeyedHash(bytes(range(32)))), BOUNDS)


async def test_a_vault_is_written_read_taken_over_and_deleted(
    vaults: Vaults, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, yours = vaults.id_of(b"\1" * 32), vaults.id_of(b"\2" * 32)
    assert await vaults.state(mine) == VaultState()
    assert await vaults.write(mine, b"one", after=4, is_base=False) == (WriteOutcome.OVERTAKEN, 0)
    assert await vaults.write(mine, b"one", after=0, is_base=True) == (WriteOutcome.TAKEN, 1)
    assert await vaults.write(mine, b"one", after=0, is_base=True) == (WriteOutcome.TAKEN, 1)  # sent again
    assert await vaults.write(mine, b"another", after=0, is_base=True) == (WriteOutcome.OVERTAKEN, 1)
    assert await vaults.write(mine, b"two", after=1, is_base=False) == (WriteOutcome.TAKEN, 2)
    assert await vaults.write(mine, b"new", after=1, is_base=False) == (WriteOutcome.OVERTAKEN, 2)
    assert await vaults.write(mine, b"three", after=2, is_base=False) == (WriteOutcome.FULL, 2)  # 11 bytes
    assert await vaults.read(mine) == (_state(2, 1, b"two"), [b"one", b"two"])
    assert await vaults.write(mine, b"x" * 11, after=2, is_base=True) == (WriteOutcome.FULL, 2)
    assert await vaults.write(mine, b"0123456", after=2, is_base=True) == (WriteOutcome.TAKEN, 3)
    assert await vaults.write(mine, b"0123456", after=2, is_base=True) == (WriteOutcome.TAKEN, 3)
    assert await vaults.read(mine) == (_state(3, 3, b"0123456"), [b"0123456"])
    for number in (3, 4):
        assert await vaults.write(mine, b"a", after=number, is_base=False) == (WriteOutcome.TAKEN, number + 1)
    assert await vaults.write(mine, b"a", after=5, is_base=False) == (WriteOutcome.FULL, 5)  # revisions
    assert await vaults.counts() == (1, 9)

    assert await vaults.read(yours) == (VaultState(), [])
    assert not await vaults.delete(yours, signature="s")
    assert await vaults.delete(mine, signature="s")
    assert await vaults.delete(mine, signature="s")
    gone = VaultState(5, 3, is_deleted=True, deletion="s")
    assert (await vaults.state(mine), await vaults.read(mine)) == (gone, (gone, []))
    assert await engine.run("SELECT sealed FROM vault_revision") == []
    for after in (0, 5):
        assert await vaults.write(mine, b"b", after=after, is_base=True) == (WriteOutcome.DELETED, 5)
    assert await vaults.counts() == (0, 0)

    # As many as there may be; the deleted one is not among them.
    assert await vaults.write(vaults.id_of(b"\5" * 32), b"v", after=0, is_base=True) == (WriteOutcome.TAKEN, 1)
    assert await vaults.write(yours, b"y", after=0, is_base=True) == (WriteOutcome.TAKEN, 1)
    third, fourth = vaults.id_of(b"\3" * 32), vaults.id_of(b"\4" * 32)
    assert await vaults.write(third, b"z", after=0, is_base=True) == (WriteOutcome.TAKEN, 1)
    assert await vaults.write(fourth, b"w", after=0, is_base=True) == (WriteOutcome.FULL, 0)
    today = vaults_module._today()
    monkeypatch.setattr(vaults_module, "_today", lambda: today + 40)
    assert (await vaults.state(yours)).number == 1  # somebody asked
    await vaults.forget_old(days=30)
    assert [await vaults.state(name) for name in (mine, third)] == [VaultState(), VaultState()]
    assert await vaults.read(yours) == (_state(1, 1, b"y"), [b"y"])
    assert await vaults.write(fourth, b"w", after=0, is_base=True) == (WriteOutcome.TAKEN, 1)


async def test_who_makes_vaults_and_does_not_come_back_gives_way(
    vaults: Vaults, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, seen, unused = (vaults.id_of(bytes([number]) * 32) for number in range(3))
    for vault in (used, seen, unused):
        assert await vaults.write(vault, b"12345678", after=0, is_base=True) == (WriteOutcome.TAKEN, 1)
    assert await vaults.write(used, b"2", after=1, is_base=False) == (WriteOutcome.TAKEN, 2)
    fresh = vaults.id_of(b"\7" * 32)
    assert await vaults.write(fresh, b"new", after=0, is_base=True) == (WriteOutcome.FULL, 0)
    today = vaults_module._today()
    monkeypatch.setattr(vaults_module, "_today", lambda: today + 31)
    assert (await vaults.state(seen)).number == 1
    assert await vaults.write(fresh, b"x" * 9, after=0, is_base=True) == (WriteOutcome.FULL, 0)  # 26 bytes
    assert await vaults.state(unused) == VaultState()
    assert await engine.run("SELECT number FROM vault_revision WHERE id = ?", unused) == []
    assert await vaults.write(fresh, b"x" * 8, after=0, is_base=True) == (WriteOutcome.TAKEN, 1)
    assert [(await vaults.state(vault)).number for vault in (used, seen)] == [2, 1]


async def test_of_many_who_write_at_once_upon_one_number_one_is_taken(vaults: Vaults) -> None:
    vault = vaults.id_of(b"\1" * 32)
    assert await vaults.write(vault, b"1", after=0, is_base=True) == (WriteOutcome.TAKEN, 1)
    writes = (vaults.write(vault, bytes([number]), after=1, is_base=number % 2 == 0) for number in range(8))
    written = await asyncio.gather(*writes)
    assert sorted(outcome.name for outcome, _ in written) == ["OVERTAKEN"] * 7 + ["TAKEN"]
    state, revisions = await vaults.read(vault)
    assert (state.number, revisions[-1]) == (2, bytes([[outcome for outcome, _ in written].index(WriteOutcome.TAKEN)]))


async def test_who_means_another_revision_of_that_number_is_overtaken(vaults: Vaults) -> None:
    vault, digests = vaults.id_of(b"\2" * 32), [sha256(content).hexdigest() for content in (b"1", b"other")]
    await vaults.write(vault, b"1", after=0, is_base=True)
    assert (await vaults.state(vault)).digest == digests[0]
    assert await vaults.write(vault, b"2", after=1, is_base=True, upon=digests[1]) == (WriteOutcome.OVERTAKEN, 1)
    assert await vaults.write(vault, b"2", after=1, is_base=False, upon=digests[0]) == (WriteOutcome.TAKEN, 2)
    assert await vaults.write(vault, b"2", after=1, is_base=False, upon=digests[0]) == (WriteOutcome.TAKEN, 2)  # again


async def test_the_row_of_a_vault_is_changed_before_its_revisions(vaults: Vaults, engine: Engine) -> None:
    """Whoever changes it has it alone then: a write at the same time leaves nothing behind."""
    orders: list[list[bool]] = []

    class Noting:
        """The engine, which notes which table every statement of a transaction changes."""

        run = staticmethod(engine.run)

        @staticmethod
        async def together(*statements: Statement) -> list[Rows]:
            orders.append(["vault_revision" not in statement.sql for statement in statements])
            return await engine.together(*statements)

    vaults._engine = Noting()  # type: ignore[assignment]
    vault = vaults.id_of(b"\1" * 32)
    await vaults.write(vault, b"1", after=0, is_base=True)
    await vaults.delete(vault, signature="s")
    await vaults.forget_old(days=-1)
    assert [order[0] for order in orders] == [True] * 3
    assert await engine.run("SELECT * FROM vault") == await engine.run("SELECT * FROM vault_revision") == []


async def test_of_writes_and_a_deletion_at_once_nothing_is_left(vaults: Vaults, engine: Engine) -> None:
    for number in range(8):
        vault = vaults.id_of(bytes([number]) * 32)
        if number > 1:  # as many as fit
            await engine.run("DELETE FROM vault")
        assert await vaults.write(vault, b"1", after=0, is_base=True) == (WriteOutcome.TAKEN, 1)
        steps = [
            vaults.write(vault, b"2", after=1, is_base=False),
            vaults.write(vault, b"1", after=0, is_base=True),  # sent again
            vaults.delete(vault, signature="s"),
        ]
        await asyncio.gather(*steps)
        assert (await vaults.state(vault)).is_deleted
        assert await engine.run("SELECT sealed FROM vault_revision") == []


def _state(number: int, base: int, newest: bytes) -> VaultState:
    return VaultState(number, base, sha256(newest).hexdigest())
