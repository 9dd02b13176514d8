import asyncio
import gc
import os
import resource
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import base58
import pytest
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.error import ProfileError
from acapy_agent.storage.base import BaseStorage
from acapy_agent.storage.error import StorageError
from acapy_agent.storage.record import StorageRecord
from aries_askar import AskarError, AskarErrorCode, bindings
from pydantic import SecretStr
from tests.askar_answers import all_answered

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import WalletConfig
from wanderbuch.agents.runtime.store import (
    DataLock,
    StoreBusyError,
    StoreGuard,
    WalletManager,
    WalletProfile,
    fatal_reason,
    is_store_failure,
)
from wanderbuch.errors import ConfigurationError


async def opened(config: AgentConfig, guard: StoreGuard | None = None) -> WalletProfile:
    manager = WalletManager(config, guard or StoreGuard(lambda _: None))
    profile = await manager.open(InjectionContext(settings={"ledger.disabled": True}), {})
    assert isinstance(profile, WalletProfile)
    return profile


async def test_sessions_inside_sessions_finish_under_load(wallet: WalletProfile) -> None:
    """Trap 1: `receive_pres_ack` opens a session inside a session; a pool of 4 never finishes with 10 in flight."""

    async def nested(number: int) -> None:
        async with wallet.session() as outer:
            await outer.handle.count("any")
            await asyncio.sleep(0)
            async with wallet.session() as inner:
                await inner.handle.insert("nested", str(number), "x")

    async with asyncio.timeout(60):
        await asyncio.gather(*(nested(number) for number in range(12)))
    async with wallet.session() as session:
        assert await session.handle.count("nested") == 12


async def test_transactions_take_turns_and_hold_no_connection_while_they_wait(wallet: WalletProfile) -> None:
    """Far more than the pool has connections: each would wait on one, and a session would find none left."""
    async with wallet.session() as session:
        await session.handle.insert("kind", "counter", "0")

    async def count() -> None:
        async with wallet.transaction() as transaction:
            counter = await transaction.handle.fetch("kind", "counter", for_update=True)
            await asyncio.sleep(0)
            await transaction.handle.replace("kind", "counter", str(int(counter.value) + 1))
            await transaction.commit()

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks, wallet.transaction() as first:
        for _ in range(100):
            tasks.create_task(count())
        await asyncio.sleep(0.05)
        async with wallet.session() as session:
            assert (await session.handle.fetch("kind", "counter")).value == b"0"
        await first.rollback()
    async with wallet.session() as session:
        assert (await session.handle.fetch("kind", "counter")).value == b"100"


async def test_a_session_inside_a_transaction_finds_a_connection(agent_config: AgentConfig) -> None:
    """Opening one more connection would wait for the transaction that waits for it."""
    for _ in range(5):
        wallet = await opened(agent_config)
        async with asyncio.timeout(15), wallet.transaction() as transaction:
            await transaction.handle.insert("kind", "name", "value")
            async with wallet.session() as one, wallet.session() as other:
                assert await one.handle.count("kind") == await other.handle.count("kind") == 0
        await wallet.close()


async def test_a_transaction_that_fails_or_is_cancelled_gives_its_turn_back(wallet: WalletProfile) -> None:
    async def hang() -> None:
        async with wallet.transaction():
            await asyncio.sleep(60)

    hanging = [asyncio.create_task(hang()) for _ in range(3)]
    await asyncio.sleep(0.05)
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    with pytest.raises(ZeroDivisionError):
        async with wallet.transaction():
            raise ZeroDivisionError
    async with asyncio.timeout(60), wallet.transaction() as transaction:
        await transaction.handle.insert("kind", "name", "value")
        await transaction.commit()
    assert not wallet.turn.locked()


async def test_a_writer_waits_for_an_open_transaction_of_six_seconds_or_longer(agent_config: AgentConfig) -> None:
    """Trap 12: the address asks for a long busy timeout; ACA-Py's own gives up after 5 s."""
    patient = agent_config.model_copy(update={"wallet": WalletConfig()})
    assert "busy_timeout=60000" in WalletManager(patient, StoreGuard(lambda _: None)).uri
    assert "max_connections=32" in WalletManager(patient, StoreGuard(lambda _: None)).uri


async def test_says_once_that_a_locked_store_cannot_be_relied_on(agent_config: AgentConfig) -> None:
    """Trap 12: also where ACA-Py wraps the error or swallows it."""
    failures: list[str] = []
    hasty = agent_config.model_copy(update={"wallet": agent_config.wallet.model_copy(update={"busy_timeout_ms": 50})})
    wallet = await opened(hasty, StoreGuard(failures.append))
    async with wallet.session() as session, wallet.transaction() as thief:
        await thief.handle.insert("kind", "held", "x")
        storage = session.inject(BaseStorage)
        with pytest.raises((StorageError, AskarError)):
            await storage.add_record(StorageRecord("kind", "value"))
        with pytest.raises((StorageError, AskarError)):
            await storage.add_record(StorageRecord("kind", "other"))
    await wallet.close()
    assert failures == ["the wallet store is locked by another writer (database is locked)"]


async def test_an_ordinary_error_is_not_fatal(wallet: WalletProfile) -> None:
    failures: list[str] = []
    wallet.guard = StoreGuard(failures.append)
    async with wallet.session() as session:
        await session.handle.insert("kind", "name", "value")
        with pytest.raises(AskarError):
            await session.handle.insert("kind", "name", "value")
    assert not failures


@pytest.mark.parametrize(
    ("code", "fatal"), [(5, True), (517, True), (13, True), (778, True), (11, True), (1, False), (19, False)]
)
def test_knows_which_errors_of_sqlite_are_fatal(code: int, fatal: bool) -> None:
    err = AskarError(AskarErrorCode.BACKEND, f"Caused by: error returned from database: (code: {code}) words")
    assert (fatal_reason(err) is not None) is fatal


async def test_refuses_a_wallet_of_another_key_and_leaves_it_as_it_was(agent_config: AgentConfig) -> None:
    profile = await opened(agent_config)
    async with profile.session() as session:
        await session.handle.insert("kind", "name", "value")
    await profile.close()
    other = agent_config.model_copy(update={"wallet_key": SecretStr(base58.b58encode(bytes(32)).decode())})
    with pytest.raises(ConfigurationError, match="made with another key"):
        await opened(other)
    profile = await opened(agent_config)
    async with profile.session() as session:
        assert await session.handle.count("kind") == 1
    await profile.close()


async def test_refuses_a_file_that_is_no_wallet(agent_config: AgentConfig) -> None:
    agent_config.wallet_file.parent.mkdir(parents=True)
    agent_config.wallet_file.write_text("hello " * 1000)
    with pytest.raises(ConfigurationError, match="is not a wallet"):
        await opened(agent_config)


def test_a_data_folder_belongs_to_one(tmp_path: Path) -> None:
    first = DataLock(tmp_path / "data")
    with pytest.raises(ConfigurationError, match="another process uses"):
        DataLock(tmp_path / "data")
    first.release()
    DataLock(tmp_path / "data").release()


def test_a_full_disk_is_fatal_and_keeps_what_was_there(tmp_path: Path) -> None:
    """A file size limit stands in for a full disk: SQLite gets the same failing write."""
    ended = subprocess.run(
        [sys.executable, __file__, str(tmp_path / "wallet.db")],
        capture_output=True,
        text=True,
        timeout=60,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3]),  # it runs as a program, by its file
            "PYTHONDONTWRITEBYTECODE": "1",  # half a file of compiled code would stay
        },
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000)),
    )
    assert ended.returncode == 0, ended.stderr
    assert "full" in ended.stdout
    again = sqlite3.connect(tmp_path / "wallet.db")
    assert again.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert again.execute("SELECT count(*) FROM items").fetchone()[0] == int(ended.stdout.split()[0])


async def _fill(path: Path) -> None:
    """Write until the disk is full, then say how many writes were acknowledged and what the guard said."""
    from aries_askar import Store

    failures: list[str] = []
    guard = StoreGuard(failures.append)
    store = await Store.provision(f"sqlite://{path}", "raw", base58.b58encode(bytes(32)).decode())
    written = 0
    try:
        while True:
            async with store as session:
                await session.insert("kind", str(written), "x" * 20_000)
            written += 1
    except AskarError as err:
        guard.look(err)
    print(written, *failures)


if __name__ == "__main__":
    asyncio.run(_fill(Path(sys.argv[1])))


async def test_a_session_after_the_store_was_closed_says_nothing_of_its_own(
    agent_config: AgentConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an agent ends, its last line is what a person reads; ACA-Py's session complained after it."""
    unraisable: list[object] = []
    profile = await opened(agent_config)
    await profile.close()
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    profile.opened = None  # as ACA-Py leaves it
    with pytest.raises(Exception, match="NoneType"):
        profile.session()
    gc.collect()
    assert unraisable == []


async def test_of_many_who_insert_one_name_at_once_all_others_are_told_that_it_is_taken(wallet: WalletProfile) -> None:
    """Askar tells one of two calls that fail at once the other's error, or none: of 2,000 it was 38."""
    told: Counter[str] = Counter()

    async def insert(name: str) -> None:
        async with wallet.session() as session:
            try:
                await session.handle.insert("kind", name, "x" * 2000, {"tag": "value"})
            except AskarError as err:
                told[err.code.name] += 1

    async def remove(name: str) -> None:
        async with wallet.session() as session:
            try:
                await session.handle.remove("kind", name)
            except AskarError as err:
                told[err.code.name] += 1

    for number in range(60):
        await asyncio.gather(
            *(insert(f"name-{number}") for _ in range(10)), *(remove(f"other-{number}") for _ in range(4))
        )
    assert told == {"DUPLICATE": 540, "NOT_FOUND": 240}


async def test_an_error_that_says_nothing_is_not_taken_for_another(wallet: WalletProfile) -> None:
    async with wallet.session() as session:
        handle = session.handle
        with pytest.raises(AskarError) as error:
            await handle.insert("kind", "name", "x", {"tag": 1})
    assert error.value.code not in (AskarErrorCode.DUPLICATE, AskarErrorCode.NOT_FOUND, AskarErrorCode.SUCCESS)


def test_errors_that_are_each_others_context_are_looked_at_once() -> None:
    """As when a session is closed while the wallet is: without an end, the process would never have stopped."""
    failures: list[str] = []
    one, other = AskarError(AskarErrorCode.BACKEND, "closed"), StorageError("closed")
    one.__context__, other.__context__ = other, one
    StoreGuard(failures.append).look(one)
    assert failures == []
    other.__cause__ = AskarError(AskarErrorCode.BACKEND, "database or disk is full (code: 13)")
    StoreGuard(failures.append).look(one)
    assert len(failures) == 1


async def test_a_call_that_fails_otherwise_raises_its_own_error(wallet: WalletProfile) -> None:
    async with wallet.session() as session:
        with pytest.raises(AskarError) as error:
            await session.handle.commit()  # not a transaction
    assert error.value.__cause__ is None


async def test_a_session_that_does_not_come_in_time_is_a_failure_of_the_store(
    agent_config: AgentConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told as a deadline, it was a 500 to whoever asked, and was taken for a deadline of their own by others."""
    monkeypatch.setattr("wanderbuch.agents.runtime.store._OPENED_S", 0.3)
    failures: list[str] = []
    wallet = await opened(agent_config.model_copy(update={"wallet": WalletConfig()}), StoreGuard(failures.append))
    async with wallet.store.transaction(wallet.profile_id) as other:  # past our turns, as another process would
        await other.insert("kind", "held", "x")
        with pytest.raises(StoreBusyError, match="opened no session") as failed:
            async with wallet.transaction():
                pass
    assert is_store_failure(failed.value)
    assert failures == []
    monkeypatch.undo()
    async with asyncio.timeout(60), wallet.transaction() as session:  # what was given up holds nothing
        await session.handle.insert("kind", "after", "x")
        await session.commit()
    await wallet.close()
    await all_answered()


async def test_a_deadline_around_a_session_stays_a_deadline(agent_config: AgentConfig) -> None:
    wallet = await opened(agent_config.model_copy(update={"wallet": WalletConfig()}))
    async with wallet.store.transaction(wallet.profile_id) as other:
        await other.insert("kind", "held", "x")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), wallet.transaction():
                pass
    await wallet.close()
    await all_answered()


@pytest.mark.parametrize("code", [AskarErrorCode.SUCCESS, AskarErrorCode.DUPLICATE])
async def test_a_session_that_is_told_another_calls_error_is_a_failure_of_the_store(
    wallet: WalletProfile, monkeypatch: pytest.MonkeyPatch, code: AskarErrorCode
) -> None:
    """Askar keeps the last error of the whole process in one place; opening a session can mean neither of these."""

    async def told_anothers(*_: object) -> None:
        raise AskarError(code, "None")

    monkeypatch.setattr(bindings, "session_start", told_anothers)
    with pytest.raises(ProfileError) as failed:
        async with wallet.transaction():
            pass
    assert is_store_failure(failed.value)
