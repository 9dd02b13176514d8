"""`wanderbuch store`: real stores with several profiles, moved between SQLite and a real PostgreSQL."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import base58
import pytest
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.key_type import ED25519
from pydantic import SecretStr
from tests.needs import postgresql_programs
from tests.postgresql import Database, PostgresServer
from tests.prepared import start_prepared
from tests.unit.cli.conftest import Run

from wanderbuch.agents.cli.store import checking, moving
from wanderbuch.agents.cli.store.checking import ProfileCheck, check
from wanderbuch.agents.cli.store.contents import contents_of
from wanderbuch.agents.cli.store.moving import CopyDiffersError, move
from wanderbuch.agents.holder.role import ROLE
from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime.config import AgentConfig, load_config
from wanderbuch.agents.runtime.config_tables import StoreConfig
from wanderbuch.agents.runtime.secret_files import write_secret
from wanderbuch.agents.runtime.store import DataLock, StoreGuard, WalletManager, WalletProfile
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.errors import ConfigurationError
from wanderbuch.store.engine import Statement
from wanderbuch.store.entries import fetch_keys
from wanderbuch.store.markers import Markers
from wanderbuch.store.rebuild import Reader
from wanderbuch.store.record import Record
from wanderbuch.store.rows import Indexed
from wanderbuch.store.tables import Tables, bind_tables, open_tables

pytestmark = pytest.mark.needs("postgresql")

SECRET = "Nimal Perera"
TENANTS = ("colombo", "kandy")


NOTE = "test.note"
READER = Reader(
    NOTE,
    "1",
    lambda entry: None if "." in entry.name else Indexed(entry.name, "open", words={"about": entry.tags["about"]}),
)


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


def tenant_of(profile: WalletProfile, name: str) -> WalletProfile:
    if name == "default":
        return profile
    return WalletProfile(profile.opened, profile.context.copy(), profile.guard, name)


async def keep_things(profile: WalletProfile, tables: Tables, name: str, number: int, value: str = SECRET) -> None:
    """Keep records with their rows, a key and an entry of ACA-Py's kind."""
    tenant = tenant_of(profile, name)
    async with tenant.session() as session:
        for at in range(number):
            await session.handle.insert(NOTE, f"{name}-{at}", value, {"about": name})
            await session.handle.insert(NOTE, f"{name}-{at}.seen", "a marker", {"about": name})
        await session.inject(BaseWallet).create_key(ED25519)
        await session.handle.insert("acapy", "entry", SECRET, {"tag": "one", "~plain": "two"})
    await tables.rebuild.ensure(tenant, name, READER)
    await tables.rebuild.ensure_keys(tenant, name)


async def listed(profile: WalletProfile, tables: Tables, name: str) -> list[str]:
    """The records that an agent would find, as it does after it started."""
    await tables.rebuild.ensure(tenant_of(profile, name), name, READER)
    await tables.rebuild.ensure_keys(tenant_of(profile, name), name)
    return sorted(await tables.words.find(name, NOTE, {"about": name}))


async def fill(config: AgentConfig, *, number: int = 5, value: str = SECRET) -> None:
    async with using(config) as (profile, tables):
        for name in TENANTS:
            await profile.store.create_profile(name)
        for name in ("default", *TENANTS):
            await keep_things(profile, tables, name, number, value)
        await tables.numbers.advance("default/status-list/7", 41)
        more = (Statement("INSERT INTO number VALUES (?, ?)", (f"default/further/{at}", at)) for at in range(1200))
        await tables.engine.together(*more)


@pytest.fixture
async def filled(agent_config: AgentConfig) -> AgentConfig:
    """An agent's configuration, and its store on SQLite with three tenants."""
    await fill(agent_config)
    return agent_config


async def digests(config: AgentConfig) -> dict[str, Any]:
    """What every profile of a store holds, but for what opening it writes."""
    async with using(config) as (profile, _):
        digests_by_name = {}
        for name in await profile.store.list_profiles():
            contents = await contents_of(profile.store, name)
            digests_by_name[name] = {
                part: category_contents
                for part, category_contents in contents.parts.items()
                if "wanderbuch" not in part
            }
        return digests_by_name


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
            for name in ("default", *TENANTS):
                assert await listed(profile, tables, name) == [f"{name}-{at}" for at in range(5)]
            assert await tables.numbers.current("default/status-list/7") == 41
            assert not await tables.numbers.advance("default/status-list/7", 40)
            async with tenant_of(profile, "kandy").session() as session:
                (key,) = await fetch_keys(session.handle)
            assert await tables.keys.find([key.name]) == {key.name: "kandy"}
        assert all(report.is_well for report in await check(config, mend=False))


async def test_the_plain_tables_hold_nothing_of_a_record(filled: AgentConfig, database: Database) -> None:
    await move(filled, moved_to(filled, database), lambda _: None)
    async with using(moved_to(filled, database)) as (profile, tables):
        assert await listed(profile, tables, "default")
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
        async with using(whole) as (profile, tables):
            await keep_things(profile, tables, "default", 1)
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
        contents = await real(store, profile)
        asked.append(profile)
        if len(asked) == 4:  # the second profile, in the target
            contents.parts["entries acapy"].digest += 1
        return contents

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
    reports = {report.tenant: report for report in await check(filled, mend=False)}
    assert set(reports) == {"default", *TENANTS}
    assert all(report.is_well for report in reports.values())
    assert reports["kandy"].by_category[NOTE] == 10
    assert reports["kandy"].rows == 5
    assert (reports["kandy"].missing, reports["kandy"].superfluous, reports["kandy"].keys) == (0, 0, 1)


def at_index(config: AgentConfig, statement: str) -> None:
    with sqlite3.connect(config.data / "index" / "index.db") as connection:
        connection.execute(statement)
    connection.close()


async def test_check_tells_what_the_index_lacks_and_has_it_mended(filled: AgentConfig) -> None:
    at_index(filled, "DELETE FROM row WHERE tenant = 'kandy' AND id = 'kandy-3'")
    (lacking,) = [report for report in await check(filled, mend=False) if not report.is_well]
    assert (lacking.tenant, lacking.missing) == ("kandy", 1)
    assert [report.tenant for report in await check(filled, mend=True) if report.missing] == ["kandy"]
    async with using(filled) as (profile, tables):
        assert len(await listed(profile, tables, "kandy")) == 5
    assert all(report.is_well for report in await check(filled, mend=False))


class Exchange(Record):
    category: ClassVar[str] = "test.exchange"
    ended_by: str = ""

    def index_state(self) -> str:
        return "ENDED" if self.ended_by else "OPEN"


async def default_of(config: AgentConfig) -> ProfileCheck:
    """Return what a check says of the default tenant."""
    return next(report for report in await check(config, mend=False) if report.tenant == "default")


async def test_check_finds_markers_by_the_rows_of_their_records(filled: AgentConfig) -> None:
    async with using(filled) as (profile, _):
        exchanges = Markers(profile, Exchange, names=("ended",))
        for name in ("one", "two", "three"):
            await exchanges.insert(Exchange(id=name))
        assert await exchanges.add("one", "ended", {"ended_by": "us"})
        assert [exchange.id async for exchange in exchanges.every(state="ENDED")] == ["one"]
    for statement in (  # the row of a register of these records
        "INSERT INTO built SELECT tenant, 'test.register', version FROM built WHERE kind = 'test.exchange'",
        "CREATE TABLE copied AS SELECT * FROM row WHERE kind = 'test.exchange'",
        "UPDATE copied SET kind = 'test.register'",
        "INSERT INTO row SELECT * FROM copied",
        "DROP TABLE copied",
    ):
        at_index(filled, statement)
    report = await default_of(filled)
    assert (report.missing, report.superfluous, report.is_well) == (0, 0, True)
    at_index(filled, "DELETE FROM row WHERE kind = 'test.exchange' AND id = 'one'")
    report = await default_of(filled)
    assert (report.missing, report.is_well) == (2, False)  # the record, and its marker


async def test_check_misses_nothing_that_was_removed_while_it_looked(
    filled: AgentConfig, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch_while_others_remove(handle: Any) -> Any:
        if await handle.fetch(NOTE, "default-2"):
            await handle.remove(NOTE, "default-2")
            database.rows("DELETE FROM wanderbuch.row WHERE id = 'default-2' RETURNING id")
        return await fetch_keys(handle)

    shared = moved_to(filled, database)
    await move(filled, shared, lambda _: None)
    async with using(shared) as (profile, tables):
        assert "default-2" in await listed(profile, tables, "default")
        monkeypatch.setattr(checking, "fetch_keys", fetch_while_others_remove)
        reports = {report.tenant: report for report in await check(shared, mend=False)}
    assert reports["default"].is_well
    assert reports["default"].rows == 4


async def test_mending_reads_also_the_state_of_a_record_anew(filled: AgentConfig) -> None:
    at_index(filled, "UPDATE row SET state = 'another' WHERE tenant = 'kandy' AND id = 'kandy-3'")
    await check(filled, mend=True)
    async with using(filled) as (profile, tables):
        await listed(profile, tables, "kandy")
        rows = await tables.engine.run("SELECT state FROM row WHERE id = 'kandy-3'")
    assert ("open",) in rows


async def test_check_tells_a_row_without_its_record_and_calls_that_well(filled: AgentConfig) -> None:
    async with using(filled) as (profile, _), profile.session() as session:
        await session.handle.remove(NOTE, "default-2")
    reports = {report.tenant: report for report in await check(filled, mend=False)}
    assert (reports["default"].superfluous, reports["default"].missing) == (1, 0)
    assert reports["default"].is_well


async def test_check_tells_a_damaged_entry(filled: AgentConfig, database: Database) -> None:
    shared = moved_to(filled, database)
    await move(filled, shared, lambda _: None)
    database.rows("UPDATE items SET value = overlay(value PLACING '\\\\xffffffff'::bytea FROM 20)"
                  " WHERE id = (SELECT max(id) FROM items WHERE kind = 2)")  # fmt: skip
    assert [report for report in await check(shared, mend=False) if report.unread]


async def test_check_looks_at_a_postgresql_that_is_used_and_at_no_folder_that_is(
    filled: AgentConfig, database: Database
) -> None:
    shared = moved_to(filled, database)
    await move(filled, shared, lambda _: None)
    async with using(shared):
        assert all(report.is_well for report in await check(shared, mend=False))
        with pytest.raises(ConfigurationError, match="in use"):
            await check(shared, mend=True)
    lock = DataLock(filled.data)
    with pytest.raises(ConfigurationError, match="another process uses"):
        await check(filled, mend=False)
    lock.release()


@pytest.fixture
def holder(machine: LocalMachine) -> AgentHandle:
    """The layout of an agent that the command line knows."""
    handle = machine.add("holder", "Nimal", "nimal.wanderbuch.test")
    handle.write_config()
    return handle


def store_command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "wanderbuch.agents.cli", "store", *map(str, arguments)]


async def killed_at(text: str, *arguments: str | Path) -> None:
    """Run a command and kill it as it says `text`."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as lines:
        with os.fdopen(writing, "wb") as told:
            process = await start_prepared(store_command(*arguments), stdout=told, stderr=told)
        line_told = await asyncio.to_thread(next, (line for line in lines if text in line), None)
        process.kill()
        assert line_told is not None
        assert await process.wait() == -signal.SIGKILL


def test_a_move_that_was_killed_is_begun_anew_by_the_next(
    holder: AgentHandle, database: Database, tmp_path: Path, run: Run
) -> None:
    config = load_config(holder.config_path, {}, role=ROLE)
    target = moved_to(config, database)
    password = tmp_path / "password"
    write_secret(password, database.password.encode())
    to = ("move", "--config", holder.config_path, "--to", database.url, "--password-file", password)

    async def opened() -> None:
        async with using(target):
            pass

    async def prepared() -> None:
        await fill(config, number=100)
        await killed_at("profile 2 of 3", *to)
        with pytest.raises(ConfigurationError, match="only half copied"):
            await opened()

    with asyncio.Runner() as runner:
        runner.run(prepared())
    code, _, told = run("store", *map(str, to))
    assert code == 0, told
    assert "what a move left that did not come to its end is removed" in told
    assert "are copied and the same in both places" in told
    assert f'put url = "{database.url}" into [store]' in told
    assert database.password not in told
    with asyncio.Runner() as runner:
        assert runner.run(digests(target)) == runner.run(digests(config))

    holder.use_store(database.url, database.password)
    holder.write_config()
    code, printed, _ = run("store", "check", "--config", str(holder.config_path), "--json")
    assert code == 0
    assert {moved["tenant"]: moved["entries"] >= 201 for moved in json.loads(printed)["tenants"]} == dict.fromkeys(
        ("default", *TENANTS), True
    )


def test_a_move_to_a_disk_that_takes_no_more_is_one_line_and_is_run_again(
    holder: AgentHandle, tmp_path: Path, run: Run
) -> None:
    """A limit on the size of files stands for that disk."""
    config = load_config(holder.config_path, {}, role=ROLE)
    with asyncio.Runner() as runner:
        runner.run(fill(config, number=40, value="x" * 10_000))
    to = ("move", "--config", holder.config_path, "--to", tmp_path / "other")
    limited = ["prlimit", "--fsize=600000", *store_command(*to)]
    done = subprocess.run(limited, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2, done.stderr
    assert "the move did not come to its end" in done.stderr.splitlines()[-1]
    assert "run it again" in done.stderr.splitlines()[-1]
    code, _, told = run("store", *map(str, to))
    assert code == 0, told


def test_the_command_says_what_is_wrong_in_one_line(holder: AgentHandle, database: Database, run: Run) -> None:
    config = load_config(holder.config_path, {}, role=ROLE)
    with_password = f"postgresql://{database.user}:{database.password}@{database.host}/{database.name}"
    for arguments, expected in [
        (("check",), "there is no store at"),
        (("move", "--to", with_password), "a password does not belong in the address"),
        (("move", "--to", database.url), "no password for --to"),
        (("move", "--to", str(config.data)), "already"),
    ]:
        code, _, told = run("store", *arguments, "--config", str(holder.config_path))
        (line,) = told.splitlines()
        assert (code, expected in line) == (2, True), line
        assert database.password not in line


def test_check_shows_a_table_and_what_to_do(holder: AgentHandle, run: Run) -> None:
    config = load_config(holder.config_path, {}, role=ROLE)
    with asyncio.Runner() as runner:
        runner.run(fill(config, number=3))
    code, printed, _ = run("store", "check", "--config", str(holder.config_path))
    assert code == 0
    assert printed.count("well") == 3
    at_index(config, "DELETE FROM row WHERE tenant = 'kandy' AND id = 'kandy-1'")
    code, printed, _ = run("store", "check", "--config", str(holder.config_path))
    assert code == 1
    assert "not well" in printed
    assert "run this with --mend" in printed
    code, printed, _ = run("store", "check", "--mend", "--config", str(holder.config_path))
    assert code == 0
    assert "read anew at the next start" in printed
