"""Whose tables they are, when they are read anew from Askar, and the key of the hashes."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from aries_askar import Entry, Store

from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.store.errors import StoreVersionError
from wanderbuch.store.event_kinds import EventKind
from wanderbuch.store.hashing import hash_of
from wanderbuch.store.rebuild import Reader
from wanderbuch.store.rows import Indexed
from wanderbuch.store.sqlite import open_sqlite
from wanderbuch.store.tables import Tables, bind_tables, open_tables, tables_of, tenant_of

_KIND = "wanderbuch.offer"


def _read(entry: Entry) -> Indexed | None:
    text = bytes(entry.value).decode()
    return None if text == "marker" else Indexed(entry.name, text, words={"name": text})


_READER = Reader(_KIND, "1", _read)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "index" / "index.db"


async def _keep(wallet: WalletProfile, count: int) -> None:
    async with wallet.session() as session:
        for number in range(count):
            await session.handle.insert(_KIND, f"r{number:04}", "open" if number % 2 else "closed")
        await session.handle.insert(_KIND, "r.taken", "marker")


async def _open(file: Path, wallet: WalletProfile) -> Tables:
    return await open_tables(open_sqlite(file), wallet)


async def _is_read_anew(file: Path, wallet: WalletProfile) -> bool:
    """Open and close the tables and tell whether what was complete is complete no more."""
    tables = await _open(file, wallet)
    anew = await tables.engine.run("SELECT kind FROM built") == []
    await tables.rebuild.ensure(wallet, "default", _READER)
    await tables.close()
    return anew


async def test_records_that_are_older_than_the_index_are_read(file: Path, wallet: WalletProfile) -> None:
    await _keep(wallet, 450)
    tables = await _open(file, wallet)
    await asyncio.gather(*(tables.rebuild.ensure(wallet, "default", _READER) for _ in range(3)))

    assert await tables.rows.count("default", _KIND) == 450
    page = await tables.rows.page("default", _KIND, states=["open"], limit=2)
    assert [row.id for row in page.rows] == ["r0449", "r0447"]
    assert len(await tables.words.find("default", _KIND, {"name": "closed"})) == 225
    await tables.close()


async def test_what_was_closed_with_its_wallet_is_not_read_again(file: Path, wallet: WalletProfile) -> None:
    assert await _is_read_anew(file, wallet)
    assert not await _is_read_anew(file, wallet)


async def test_a_process_that_was_killed_costs_no_reading(file: Path, wallet: WalletProfile) -> None:
    tables = await _open(file, wallet)
    await tables.rebuild.ensure(wallet, "default", _READER)
    await tables.engine.close()  # without Tables.close: as a kill leaves it
    assert not await _is_read_anew(file, wallet)


async def test_a_machine_that_went_down_does(file: Path, wallet: WalletProfile) -> None:
    tables = await _open(file, wallet)
    await tables.rebuild.ensure(wallet, "default", _READER)
    await tables.engine.run("UPDATE meta SET value = 'another boot' WHERE name = 'opened-in-boot'")
    await tables.engine.close()
    assert await _is_read_anew(file, wallet)


async def test_a_file_that_is_not_the_wallets_is_read_anew(file: Path, wallet: WalletProfile) -> None:
    assert await _is_read_anew(file, wallet)
    backup = shutil.copy(file, f"{file}.backup")
    assert not await _is_read_anew(file, wallet)
    shutil.copy(backup, file)  # an older file, put back
    assert await _is_read_anew(file, wallet)
    await asyncio.to_thread(file.unlink)
    assert await _is_read_anew(file, wallet)


async def test_what_is_indexed_otherwise_is_read_again(file: Path, wallet: WalletProfile) -> None:
    await _keep(wallet, 3)
    tables = await _open(file, wallet)
    await tables.rebuild.ensure(wallet, "default", _READER)
    newer = Reader(_KIND, "2", lambda entry: Indexed(entry.name, "all"))
    await tables.rebuild.ensure(wallet, "default", newer)
    assert await tables.rows.count("default", _KIND, states=["all"]) == 4
    await tables.close()


async def test_reading_anew_takes_away_what_is_old_and_superfluous_alone(file: Path, wallet: WalletProfile) -> None:
    await _keep(wallet, 2)
    tables = await _open(file, wallet)
    await tables.rows.add("default", _KIND, Indexed("old"), is_new=True)
    await tables.engine.run("UPDATE row SET at = at - 700")
    await tables.rows.add("default", _KIND, Indexed("young"), is_new=True)
    await tables.rebuild.ensure(wallet, "default", _READER)
    ids = [row.id for row in (await tables.rows.page("default", _KIND, newest_first=False)).rows]
    assert sorted(ids) == ["r0000", "r0001", "young"]
    await tables.close()


async def test_an_operator_may_ask_for_it(file: Path, wallet: WalletProfile) -> None:
    await _keep(wallet, 2)
    tables = await _open(file, wallet)
    await tables.rebuild.ensure(wallet, "default", _READER)
    await tables.engine.run("DELETE FROM row")
    await tables.rebuild.ensure(wallet, "default", _READER)
    assert await tables.rows.count("default", _KIND) == 0
    await tables.rebuild.forget("another")
    await tables.rebuild.ensure(wallet, "default", _READER)
    assert await tables.rows.count("default", _KIND) == 0
    await tables.rebuild.forget("default")
    await tables.rebuild.ensure(wallet, "default", _READER)
    assert await tables.rows.count("default", _KIND) == 2
    await tables.close()


async def test_keys_that_are_older_than_the_index_are_found(file: Path, wallet: WalletProfile) -> None:
    from acapy_agent.wallet.base import BaseWallet
    from acapy_agent.wallet.key_type import ED25519

    async with wallet.session() as session:
        key = await session.inject(BaseWallet).create_key(ED25519)
    tables = await _open(file, wallet)
    assert await tables.keys.find([key.verkey]) == {}
    await tables.rebuild.ensure_keys(wallet, "default")
    assert await tables.keys.find([key.verkey]) == {key.verkey: "default"}
    await tables.close()


async def test_a_profile_of_its_own_is_read_for_its_tenant(file: Path, wallet: WalletProfile) -> None:
    await _keep(wallet, 1)
    store: Store = wallet.store
    await store.create_profile("centre-7")
    async with store.session("centre-7") as session:
        await session.insert(_KIND, "theirs", "open")
    other = _Tenant(wallet, "centre-7")
    tables = await _open(file, wallet)
    await tables.rebuild.ensure(wallet, "default", _READER)
    await tables.rebuild.ensure(other, tenant_of(other), _READER)
    assert [row.id for row in (await tables.rows.page("centre-7", _KIND)).rows] == ["theirs"]
    assert [row.id for row in (await tables.rows.page("default", _KIND)).rows] == ["r0000"]
    await tables.close()


class _Tenant:
    """What is asked of a profile, for another profile of the same store."""

    def __init__(self, wallet: WalletProfile, profile_id: str) -> None:
        self.opened, self.store, self.profile_id = wallet.opened, wallet.store, profile_id


async def test_one_key_of_hashes_a_store_however_many_start_at_once(wallet: WalletProfile) -> None:
    keyed_hashs = await asyncio.gather(*(hash_of(wallet) for _ in range(8)))
    assert len({keyed_hash.of("x") for keyed_hash in keyed_hashs}) == 1
    async with wallet.session() as session:
        await session.handle.replace("wanderbuch.store", "hash-key", b"short")
    with pytest.raises(StoreVersionError, match="damaged"):
        await hash_of(wallet)


async def test_a_profile_finds_what_was_bound_for_its_store(file: Path, wallet: WalletProfile) -> None:
    tables = await _open(file, wallet)
    bind_tables(wallet, tables)
    assert tables_of(wallet) is tables
    assert tables_of(_Tenant(wallet, "x")) is tables
    assert tenant_of(wallet) == "default"
    assert tenant_of(_Tenant(wallet, "x")) == "x"
    await tables.close()


async def test_in_somebody_elses_acapy_the_tables_are_in_memory_and_read_from_askar(wallet: WalletProfile) -> None:
    await _keep(wallet, 3)
    tables = tables_of(wallet)
    assert tables_of(wallet) is tables
    await tables.rebuild.ensure(wallet, tenant_of(wallet), _READER)
    assert await tables.rows.count("default", _KIND) == 3


async def test_nothing_personal_and_no_key_is_in_the_file(file: Path, wallet: WalletProfile) -> None:
    tables = await _open(file, wallet)
    await tables.rows.add("default", _KIND, Indexed("r", "open", words={"name": "Zebedäus Quux"}), is_new=True)
    await tables.close()
    mode, content = await asyncio.to_thread(lambda: (file.stat().st_mode & 0o777, file.read_bytes()))
    assert mode == 0o600
    assert b"quux" not in content.lower()
    with closing(sqlite3.connect(file)) as connection:
        assert [row[0] for row in connection.execute("SELECT name FROM meta ORDER BY name")] == [
            "stamp",
            "version",
            "wallet",
        ]


async def test_another_wallets_index_is_emptied_and_its_events_are_not_shown(
    file: Path, wallet: WalletProfile, caplog: pytest.LogCaptureFixture
) -> None:
    tables = await _open(file, wallet)
    await tables.events.append("default", EventKind.TENANT_MADE, "galle", {})
    await tables.close()
    again = await _open(file, wallet)
    assert len(await again.events.read("default", 0, 10)) == 1  # its own
    # As of another wallet: only this one's key makes this mark.
    await again.engine.run("UPDATE meta SET value = 'anothers' WHERE name = 'wallet'")
    await again.close()

    tables = await _open(file, wallet)
    assert await tables.events.read("default", 0, 10) == []
    assert "another wallet" in caplog.text
    await tables.close()


async def test_an_index_that_is_missing_is_told_but_not_at_the_first_start(
    file: Path, wallet: WalletProfile, caplog: pytest.LogCaptureFixture
) -> None:
    await (await _open(file, wallet)).close()
    assert "missing" not in caplog.text
    shutil.rmtree(file.parent)
    await (await _open(file, wallet)).close()
    assert "the index was missing" in caplog.text
