"""`wanderbuch store`: real stores with several profiles, moved between SQLite and a real PostgreSQL."""

import asyncio
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import base58
import pytest
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.key_type import ED25519
from pydantic import SecretStr
from tests.needs import postgresql_programs
from tests.postgresql import Database, PostgresServer

from wanderbuch.agents.cli.store import moving
from wanderbuch.agents.cli.store.checking import check
from wanderbuch.agents.cli.store.contents import contents_of
from wanderbuch.agents.cli.store.moving import CopyDiffersError, move
from wanderbuch.agents.runtime.config import AgentConfig, StoreConfig
from wanderbuch.agents.runtime.store import DataLock, StoreGuard, WalletManager, WalletProfile
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.errors import ConfigurationError
from wanderbuch.store.records import Record, RecordStore
from wanderbuch.store.tables import Tables, bind_tables, open_tables

pytestmark = pytest.mark.needs("postgresql")

SECRET = "Nimal Perera"
TENANTS = ("colombo", "kandy")


class Note(Record):
    category = "test.note"
    tag_names = frozenset({"about"})

    about: str
    text: str


def moved_to(config: AgentConfig, place: Database | Path) -> AgentConfig:
    if isinstance(place, Path):
        return config.model_copy(update={"store": StoreConfig(), "store_password": None, "data": place})
    return config.model_copy(update={"store": StoreConfig(url=place.url), "store_password": SecretStr(place.password)})


@asynccontextmanager
async def using(config: AgentConfig) -> AsyncIterator[tuple[WalletProfile, Tables]]:
    """A store as an agent has it open."""
    manager = WalletManager(config, StoreGuard(lambda _: None))
    profile = await manager.open(InjectionContext(settings={"ledger.disabled": True}), {})
    await manager.started()
    assert isinstance(profile, WalletProfile)
    tables = await open_tables(await open_engine(config), profile)
    bind_tables(profile, tables)
    try:
        yield profile, tables
    finally:
        await tables.close()
        await profile.close()


async def keep_things(profile: WalletProfile, name: str, number: int) -> None:
    """Keep records, a key and an entry of ACA-Py's kind."""
    notes = RecordStore(profile, Note)
    for at in range(number):
        await notes.insert(Note(id=f"{name}-{at}", about=name, text=SECRET))
    async with profile.session() as session:
        await session.inject(BaseWallet).create_key(ED25519)
        await session.handle.insert("acapy", "entry", SECRET, {"tag": "one", "~plain": "two"})


async def fill(config: AgentConfig, *, number: int = 5) -> None:
    async with using(config) as (profile, tables):
        await keep_things(profile, "default", number)
        for name in TENANTS:
            await profile.store.create_profile(name)
            await keep_things(WalletProfile(profile.opened, profile.context.copy(), profile.guard, name), name, number)
        await tables.numbers.advance("default/status-list/7", 41)
        for at in range(1200):
            await tables.numbers.advance(f"default/further/{at}", at)


@pytest.fixture
async def filled(agent_config: AgentConfig) -> AgentConfig:
    """An agent's configuration, and its store on SQLite with three tenants."""
    await fill(agent_config)
    return agent_config


async def digests(config: AgentConfig) -> dict[str, Any]:
    """What every profile of a store holds, but for what opening it writes."""
    async with using(config) as (profile, _):
        found = {}
        for name in await profile.store.list_profiles():
            contents = await contents_of(profile.store, name)
            found[name] = {part: held for part, held in contents.parts.items() if "wanderbuch" not in part}
        return found


async def test_a_store_with_tenants_moves_to_postgresql_and_back(
    filled: AgentConfig, database: Database, tmp_path: Path
) -> None:
    before = await digests(filled)
    shared, again = moved_to(filled, database), moved_to(filled, tmp_path / "again")
    moved = await move(filled, shared, lambda _: None)
    assert (moved.profiles, moved.keys, moved.rows) == (3, 3, 1201)
    assert await digests(shared) == before
    await move(shared, again, lambda _: None)
    assert await digests(again) == before
    assert await digests(filled) == before  # the source stays
    for config in (shared, again):
        async with using(config) as (profile, tables):
            tenant = WalletProfile(profile.opened, profile.context.copy(), profile.guard, "kandy")
            assert [note.text for note in await RecordStore(tenant, Note).find(about="kandy")] == [SECRET] * 5
            assert await tables.numbers.current("default/status-list/7") == 41
            assert not await tables.numbers.advance("default/status-list/7", 40)
            async with tenant.session() as session:
                assert len(list(await session.handle.fetch_all_keys())) == 1
        assert all(each.is_well for each in await check(config, mend=False))


async def test_the_plain_tables_hold_nothing_of_a_record(filled: AgentConfig, database: Database) -> None:
    await move(filled, moved_to(filled, database), lambda _: None)
    async with using(moved_to(filled, database)) as (profile, _):
        await RecordStore(profile, Note).find(about="default")
    dumped = await asyncio.to_thread(dump, database)
    assert b"test.note" in dumped
    assert SECRET.encode() not in dumped


def dump(database: Database) -> bytes:
    folder = postgresql_programs()
    assert folder is not None
    command = [folder / "pg_dump", "-h", database.host, "-p", str(database.port), "-U", database.user, database.name]
    return subprocess.run(command, env={"PGPASSWORD": database.password}, capture_output=True, check=True).stdout


async def refused(source: AgentConfig, target: AgentConfig) -> str:
    with pytest.raises(ConfigurationError) as err:
        await move(source, target, lambda _: None)
    assert err.value.hint
    return err.value.message


async def test_never_writes_over_a_store_that_is_whole(filled: AgentConfig, database: Database, tmp_path: Path) -> None:
    for place in (database, tmp_path / "other"):
        whole = moved_to(filled, place)
        async with using(whole) as (profile, _):
            await keep_things(profile, "whole", 1)
        before = await digests(whole)
        assert "there is a store at" in await refused(filled, whole)
        assert await digests(whole) == before


async def test_refuses_a_store_that_is_used(
    filled: AgentConfig, database: Database, postgresql_server: PostgresServer, tmp_path: Path
) -> None:
    shared = moved_to(filled, database)
    lock = DataLock(filled.data)
    assert "another process uses the data folder" in await refused(filled, shared)
    lock.release()
    await move(filled, shared, lambda _: None)
    async with using(shared):
        assert "is in use" in await refused(shared, moved_to(filled, tmp_path / "other"))
    other = postgresql_server.create_database()
    try:
        async with using(moved_to(filled, other)):
            assert "is in use" in await refused(filled, moved_to(filled, other))
    finally:
        postgresql_server.drop_database(other)


async def test_refuses_its_own_place_and_one_without_a_store(
    filled: AgentConfig, database: Database, tmp_path: Path
) -> None:
    assert "already" in await refused(filled, filled)
    nothing = moved_to(filled, tmp_path / "nothing")
    assert "there is no store" in await refused(nothing, moved_to(filled, database))
    assert "there is no store" in await refused(moved_to(filled, database), nothing)


async def test_refuses_a_target_of_another_key(filled: AgentConfig, tmp_path: Path) -> None:
    target = moved_to(filled, tmp_path / "other")
    key = SecretStr(base58.b58encode(bytes(32)).decode())
    async with using(target.model_copy(update={"wallet_key": key})):
        pass
    assert "is not a store with this wallet key" in await refused(filled, target)


@pytest.mark.parametrize("kind", ["postgresql", "folder"])
async def test_a_copy_that_differs_stays_half_copied_and_the_next_one_is_whole(
    filled: AgentConfig, database: Database, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = moved_to(filled, database if kind == "postgresql" else tmp_path / "other")
    real, asked = contents_of, []

    async def late_difference(store: Any, profile: str) -> Any:
        found = await real(store, profile)
        asked.append(profile)
        if len(asked) == 4:  # the second profile, in the target
            found.parts["entries acapy"].digest += 1
        return found

    monkeypatch.setattr(moving, "contents_of", late_difference)
    with pytest.raises(CopyDiffersError, match="differs in entries acapy"):
        await move(filled, target, lambda _: None)
    monkeypatch.setattr(moving, "contents_of", real)
    with pytest.raises(ConfigurationError, match="only half copied"):
        async with using(target):
            pass
    told: list[str] = []
    await move(filled, target, told.append)
    assert told[0] == "what a move left that did not come to its end is removed"
    assert await digests(target) == await digests(filled)


async def test_check_counts_what_is_there(filled: AgentConfig) -> None:
    async with using(filled) as (profile, tables):
        await tables.rebuild.ensure_keys(profile, "default")
    found = {each.tenant: each for each in await check(filled, mend=False)}
    assert set(found) == {"default", *TENANTS}
    assert all(each.is_well for each in found.values())
    assert found["kandy"].by_category["test.note"] == found["kandy"].rows == 5
    assert (found["kandy"].missing, found["kandy"].superfluous, found["kandy"].keys) == (0, 0, 1)


def at_index(config: AgentConfig, statement: str) -> None:
    with sqlite3.connect(config.data / "index" / "index.db") as connection:
        connection.execute(statement)
    connection.close()


async def test_check_tells_what_the_index_lacks_and_has_it_mended(filled: AgentConfig) -> None:
    at_index(filled, "DELETE FROM row WHERE tenant = 'kandy' AND id = 'kandy-3'")
    (lacking,) = [each for each in await check(filled, mend=False) if not each.is_well]
    assert (lacking.tenant, lacking.missing) == ("kandy", 1)
    await check(filled, mend=True)
    async with using(filled) as (profile, _):
        tenant = WalletProfile(profile.opened, profile.context.copy(), profile.guard, "kandy")
        assert len(await RecordStore(tenant, Note).find(about="kandy")) == 5
    assert all(each.is_well for each in await check(filled, mend=False))


async def test_check_tells_a_row_without_its_record_and_calls_that_well(filled: AgentConfig) -> None:
    async with using(filled) as (profile, _), profile.session() as session:
        await session.handle.remove("test.note", "default-2")
    found = {each.tenant: each for each in await check(filled, mend=False)}
    assert (found["default"].superfluous, found["default"].missing) == (1, 0)
    assert found["default"].is_well


async def test_check_tells_a_damaged_entry(filled: AgentConfig, database: Database) -> None:
    shared = moved_to(filled, database)
    await move(filled, shared, lambda _: None)
    database.rows("UPDATE items SET value = overlay(value PLACING '\\\\xffffffff'::bytea FROM 20)"
                  " WHERE id = (SELECT max(id) FROM items WHERE kind = 2)")  # fmt: skip
    assert [each for each in await check(shared, mend=False) if each.unread]


async def test_check_looks_at_a_postgresql_that_is_used_and_at_no_folder_that_is(
    filled: AgentConfig, database: Database
) -> None:
    shared = moved_to(filled, database)
    await move(filled, shared, lambda _: None)
    async with using(shared):
        assert all(each.is_well for each in await check(shared, mend=False))
        with pytest.raises(ConfigurationError, match="in use"):
            await check(shared, mend=True)
    lock = DataLock(filled.data)
    with pytest.raises(ConfigurationError, match="another process uses"):
        await check(filled, mend=False)
    lock.release()
