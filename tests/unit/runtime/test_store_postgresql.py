"""The wallet store on a real PostgreSQL: made once by whoever comes first, told in one line what is wrong, healed."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import base58
import pytest
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.error import ProfileError
from aries_askar import AskarError, AskarErrorCode
from pydantic import SecretStr
from tests.postgresql import Database, PostgresServer

from wanderbuch.agents.machine.certificates import LocalAuthority
from wanderbuch.agents.runtime import store_postgresql
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import StoreConfig
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager, WalletProfile, fatal_reason, is_store_failure
from wanderbuch.errors import ConfigurationError, WanderbuchError
from wanderbuch.store.errors import StoreUnreachableError, StoreVersionError

pytestmark = pytest.mark.needs("postgresql")


def on(database: Database, config: AgentConfig, **store: object) -> AgentConfig:
    table = StoreConfig(url=database.url, **store)  # type: ignore[arg-type]
    return config.model_copy(update={"store": table, "store_password": SecretStr(database.password)})


@pytest.fixture
def shared(agent_config: AgentConfig, database: Database) -> AgentConfig:
    """The configuration of an agent whose store is an empty database."""
    return on(database, agent_config)


async def opened(config: AgentConfig, guard: StoreGuard | None = None) -> WalletProfile:
    manager = WalletManager(config, guard or StoreGuard(lambda _: None))
    try:
        profile = await manager.open(InjectionContext(settings={"ledger.disabled": True}), {})
    finally:
        await manager.started()
    assert isinstance(profile, WalletProfile)
    return profile


@pytest.fixture
async def wallet(shared: AgentConfig) -> AsyncIterator[WalletProfile]:
    profile = await opened(shared)
    yield profile
    await profile.close()


async def refusal(config: AgentConfig, kind: type[WanderbuchError] = ConfigurationError) -> str:
    with pytest.raises(kind) as refused:
        await opened(config)
    told = f"{refused.value.message} | {refused.value.hint}"
    assert "\n" not in told
    assert refused.value.hint
    assert config.store_password is not None
    assert config.store_password.get_secret_value() not in told
    return told


async def put(profile: WalletProfile, name: str, value: str = "value") -> None:
    async with profile.session() as session:
        await session.handle.insert("kind", name, value)


async def count(profile: WalletProfile) -> int:
    async with profile.session() as session:
        count: int = await session.handle.count("kind")
        return count


async def test_what_one_process_keeps_another_finds(shared: AgentConfig, wallet: WalletProfile) -> None:
    await put(wallet, "name")
    other = await opened(shared)
    assert await count(other) == 1
    assert wallet.opened.created
    assert not other.opened.created
    await other.close()


async def test_many_that_start_at_once_on_an_empty_database_find_one_store(shared: AgentConfig) -> None:
    profiles = await asyncio.gather(*(opened(shared) for _ in range(6)))
    for number, profile in enumerate(profiles):
        await put(profile, str(number))
    assert {await count(profile) for profile in profiles} == {6}
    assert [profile.opened.created for profile in profiles].count(True) == 1
    for profile in profiles:
        await profile.close()


async def test_who_starts_waits_until_the_one_before_has_started(shared: AgentConfig) -> None:
    first = WalletManager(shared, StoreGuard(lambda _: None))
    profile = await first.open(InjectionContext(settings={"ledger.disabled": True}), {})
    second = asyncio.create_task(opened(shared))
    await asyncio.sleep(0.3)
    assert not second.done()
    await first.started()
    async with asyncio.timeout(60):
        await (await second).close()
    await profile.close()


async def test_says_who_has_been_starting_for_too_long(shared: AgentConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_postgresql, "LOCK_WAIT_S", 0.2)
    first = WalletManager(shared, StoreGuard(lambda _: None))
    profile = await first.open(InjectionContext(settings={"ledger.disabled": True}), {})
    assert "another process has been starting" in await refusal(shared, StoreUnreachableError)
    await first.started()
    await profile.close()


async def test_what_is_not_there_is_one_line(
    shared: AgentConfig, database: Database, agent_config: AgentConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_postgresql, "SERVER_WAIT_S", 0.3)
    told = await refusal(on(replace(database, port=1), agent_config), StoreUnreachableError)
    assert "PostgreSQL at 127.0.0.1:1 cannot be reached: Connection refused" in told
    told = await refusal(on(replace(database, name="nowhere"), agent_config))
    assert "has no database 'nowhere' | make it: createdb --owner" in told


async def test_a_wrong_password_is_one_line_without_it(database: Database, agent_config: AgentConfig) -> None:
    told = await refusal(on(replace(database, password="not-the-password"), agent_config))
    assert f"refuses the password of the user '{database.user}' | put the right one into [store] password_file" in told


async def test_a_server_that_only_starts_up_is_waited_for(
    postgresql_server: PostgresServer, shared: AgentConfig
) -> None:
    await asyncio.to_thread(postgresql_server.stop)
    opening = asyncio.create_task(opened(shared))
    await asyncio.sleep(0.3)
    await asyncio.to_thread(postgresql_server.start)
    await (await opening).close()


async def test_a_user_that_may_make_no_tables_is_told_how(
    postgresql_server: PostgresServer, agent_config: AgentConfig
) -> None:
    bare = postgresql_server.create_database(owner=False)
    try:
        told = await refusal(on(bare, agent_config))
        assert "may not make tables" in told
        command = told.partition("run: ")[2]
        postgresql_server.admin(command)  # what it says helps
        await (await opened(on(bare, agent_config))).close()
    finally:
        postgresql_server.drop_database(bare)


async def test_refuses_a_wallet_of_another_key_and_leaves_it_as_it_was(shared: AgentConfig) -> None:
    profile = await opened(shared)
    await put(profile, "name")
    await profile.close()
    other = shared.model_copy(update={"wallet_key": SecretStr(base58.b58encode(bytes(32)).decode())})
    assert "was made with another key" in await refusal(other)
    profile = await opened(shared)
    assert await count(profile) == 1
    await profile.close()


async def test_refuses_a_store_of_another_version(shared: AgentConfig, database: Database) -> None:
    await (await opened(shared)).close()
    database.rows("UPDATE config SET value = '2' WHERE name = 'version'")
    assert "another version of Askar" in await refusal(shared, StoreVersionError)
    database.rows("UPDATE config SET value = '1' WHERE name = 'version'")
    await (await opened(shared)).close()


async def test_refuses_tables_of_another_program(shared: AgentConfig, database: Database) -> None:
    database.rows("CREATE TABLE config (id int)")
    assert "has tables of another program (config)" in await refusal(shared)
    assert database.rows("SELECT count(*) FROM config") == [(0,)]


async def test_makes_no_second_store_beside_that_of_another_user(
    postgresql_server: PostgresServer, shared: AgentConfig, database: Database, agent_config: AgentConfig
) -> None:
    """Askar names its schema like the user: a second user would find nothing and begin anew."""
    await (await opened(shared)).close()
    stranger = postgresql_server.create_database()
    postgresql_server.admin(f'GRANT ALL ON DATABASE "{database.name}" TO "{stranger.user}"')
    try:
        told = await refusal(on(replace(stranger, name=database.name), agent_config))
        assert f"has a store already, made by the database user '{database.user}'" in told
    finally:
        postgresql_server.admin(f'REVOKE ALL ON DATABASE "{database.name}" FROM "{stranger.user}"')
        postgresql_server.drop_database(stranger)


@pytest.mark.parametrize("other", [{"role": "verifier"}, {"host": "another.wanderbuch.test"}, {"path": "elsewhere"}])
async def test_refuses_the_store_of_another_agent(shared: AgentConfig, other: dict[str, str]) -> None:
    await (await opened(shared)).close()
    public = shared.public.model_copy(update={name: other[name] for name in ("host", "path") if name in other})
    stranger = shared.model_copy(update={"role": other.get("role", shared.role), "public": public})
    assert "belongs to the tiny of tiny.wanderbuch.test/org, and this is the" in await refusal(stranger)
    await (await opened(shared)).close()


async def test_a_restart_of_the_server_is_healed(postgresql_server: PostgresServer, shared: AgentConfig) -> None:
    told: list[str] = []
    wallet = await opened(shared, StoreGuard(told.append))
    await asyncio.gather(*(put(wallet, f"before {number}") for number in range(20)))  # fills the pool
    for end in (postgresql_server.stop, postgresql_server.kill):
        await asyncio.to_thread(end)
        waiting = [asyncio.create_task(count(wallet)) for _ in range(3)]  # they wait for the server to come back
        await asyncio.sleep(0.2)
        await asyncio.to_thread(postgresql_server.start)
        assert await asyncio.gather(*waiting) == [20, 20, 20]
        assert await asyncio.gather(*(count(wallet) for _ in range(20))) == [20] * 20
    assert not told
    await wallet.close()


async def test_a_connection_that_is_lost_in_a_unit_of_work_is_a_failure_of_the_store(
    postgresql_server: PostgresServer, wallet: WalletProfile
) -> None:
    async def in_a_session() -> None:
        async with wallet.session() as session:
            await session.handle.insert("kind", "kept", "value")
            await asyncio.to_thread(postgresql_server.restart)
            await session.handle.insert("kind", "not kept", "value")

    async def in_a_transaction() -> None:
        async with wallet.transaction() as transaction:
            await transaction.handle.insert("kind", "rolled back", "value")
            await asyncio.to_thread(postgresql_server.restart)
            await transaction.commit()

    for work in (in_a_session, in_a_transaction):
        with pytest.raises((AskarError, ProfileError)) as failed:
            await work()
        assert is_store_failure(failed.value)
    assert await count(wallet) == 1
    assert not wallet.turn.locked()


async def test_a_process_that_sleeps_in_a_transaction_does_not_hold_up_the_others(
    shared: AgentConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGOPTIONS", "")
    monkeypatch.setattr(store_postgresql, "IDLE_TRANSACTION_S", 1)
    sleeping, awake = await opened(shared), await opened(shared)

    async def sleep() -> None:
        async with sleeping.transaction() as transaction:
            await transaction.handle.insert("kind", "asleep", "value")
            await asyncio.sleep(2.5)
            await transaction.commit()

    late = asyncio.create_task(sleep())
    await asyncio.sleep(0.2)
    async with asyncio.timeout(60), awake.transaction() as transaction:
        await transaction.handle.insert("kind", "awake", "value")
        await transaction.commit()
    with pytest.raises((AskarError, ProfileError)) as failed:
        await late
    assert is_store_failure(failed.value)
    assert await count(awake) == await count(sleeping) == 1
    await sleeping.close()
    await awake.close()


async def test_of_many_that_fail_at_once_each_is_a_failure_of_the_store(
    postgresql_server: PostgresServer, wallet: WalletProfile
) -> None:
    """Askar keeps one last error for all: none may be told that a name is taken because another one's is."""
    await put(wallet, "taken")

    async def work(name: str) -> BaseException | None:
        try:
            async with wallet.session() as session:
                while True:
                    await session.handle.count("kind")
                    await session.handle.insert("kind", name, "value")
                    await session.handle.remove("kind", name)
        except (AskarError, ProfileError) as err:
            return err

    async def duplicate() -> BaseException | None:
        while True:
            try:
                await put(wallet, "taken")
            except (AskarError, ProfileError) as err:
                if not isinstance(err, AskarError) or err.code != AskarErrorCode.DUPLICATE:
                    return err

    working = [asyncio.create_task(work(str(number))) for number in range(3)]
    working.append(asyncio.create_task(duplicate()))
    await asyncio.sleep(0.2)
    await asyncio.to_thread(postgresql_server.kill)
    try:
        failed = await asyncio.gather(*working)
    finally:
        await asyncio.to_thread(postgresql_server.start)
    for outcome in failed:
        assert outcome is not None
        assert is_store_failure(outcome), repr(outcome)


async def test_a_duplicate_inside_a_transaction_is_told_and_the_transaction_goes_on(wallet: WalletProfile) -> None:
    await put(wallet, "taken")
    async with wallet.transaction() as transaction:
        with pytest.raises(AskarError) as refused:
            await transaction.handle.insert("kind", "taken", "value")
        assert refused.value.code == AskarErrorCode.DUPLICATE
        await transaction.handle.insert("kind", "free", "value")
        await transaction.commit()
    assert await count(wallet) == 2


async def test_sessions_inside_sessions_finish_under_load_with_four_connections(
    agent_config: AgentConfig, database: Database
) -> None:
    wallet = await opened(on(database, agent_config, connections=4))

    async def nested(number: int) -> None:
        async with wallet.session() as outer:
            await outer.handle.count("kind")
            await asyncio.sleep(0)
            async with wallet.session() as inner:
                await inner.handle.count("kind")
                await asyncio.sleep(0)
                await put(wallet, str(number))

    async with asyncio.timeout(60):
        await asyncio.gather(*(nested(number) for number in range(30)))
    assert await count(wallet) == 30
    assert len(database.rows("SELECT 1 FROM pg_stat_activity WHERE datname = current_database()")) <= 4 + 1
    await wallet.close()


@pytest.mark.parametrize("connections", [4, 8])
async def test_transactions_inside_sessions_finish_beside_transactions_outside_of_any(
    agent_config: AgentConfig, database: Database, connections: int
) -> None:
    wallet = await opened(on(database, agent_config, connections=connections))

    async def write(name: str) -> None:
        async with wallet.transaction() as transaction:
            await asyncio.sleep(0)
            await transaction.handle.insert("kind", name, "value")
            await transaction.commit()

    async def write_inside_a_session(name: str) -> None:
        async with wallet.session() as session:
            await session.handle.count("kind")
            await write(name)

    async with asyncio.timeout(60):
        inside = (write_inside_a_session(f"inside {number}") for number in range(50))
        await asyncio.gather(*inside, *(write(str(number)) for number in range(50)))
    assert await count(wallet) == 100
    await wallet.close()


async def test_sessions_and_transactions_that_nobody_closes_hold_nothing_for_ever(wallet: WalletProfile) -> None:
    """ACA-Py's outbound transport opens one for each message and leaves it to the collector."""

    async def leave_open() -> None:
        session = await wallet.session()
        await session.handle.count("kind")
        transaction = await wallet.transaction()
        await transaction.handle.count("kind")

    async with asyncio.timeout(60):
        for _ in range(20):
            await leave_open()
    assert await count(wallet) == 0


async def test_transactions_of_one_profile_take_turns_and_those_of_two_do_not(wallet: WalletProfile) -> None:
    await wallet.store.create_profile("another")
    another = WalletProfile(wallet.opened, wallet.context, wallet.guard, profile_id="another")
    same = WalletProfile(wallet.opened, wallet.context, wallet.guard, profile_id="another")
    async with asyncio.timeout(60), wallet.transaction() as one, another.transaction() as other:
        await one.handle.insert("kind", "name", "value")
        await other.handle.insert("kind", "name", "value")
        assert same.turn.locked()
        await other.commit()
        await one.commit()
    assert await count(another) == await count(wallet) == 1


async def test_on_sqlite_transactions_of_all_profiles_take_turns(agent_config: AgentConfig) -> None:
    wallet = await opened(agent_config)
    await wallet.store.create_profile("another")
    another = WalletProfile(wallet.opened, wallet.context, wallet.guard, profile_id="another")
    assert another.turn is wallet.turn
    await wallet.close()


@pytest.mark.parametrize(
    ("text", "fatal"),
    [
        ("cannot execute INSERT in a read-only transaction", True),
        ("invalid page in block 7 of relation base/1/2", True),
        ('relation "items" does not exist', True),
        ('relation "other" does not exist', False),
        ("terminating connection due to administrator command", False),
        ("sorry, too many clients already", False),
        ("deadlock detected", False),
    ],
)
def test_knows_which_errors_of_postgresql_are_fatal(text: str, fatal: bool) -> None:
    err = AskarError(AskarErrorCode.BACKEND, f"Backend error\nCaused by: error returned from database: {text}")
    assert (fatal_reason(err) is not None) is fatal


async def test_says_once_that_a_read_only_server_cannot_be_relied_on(shared: AgentConfig, database: Database) -> None:
    await (await opened(shared)).close()
    told: list[str] = []
    wallet = await opened(shared, StoreGuard(told.append))
    await count(wallet)
    database.rows(f'ALTER ROLE "{database.user}" SET default_transaction_read_only = on')
    database.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                  " AND pid <> pg_backend_pid()")  # fmt: skip
    for name in ("one", "two"):
        with pytest.raises((AskarError, ProfileError)):
            await put(wallet, name)
    assert told == ["the wallet store cannot be written to (the server is read-only)"]
    await wallet.close()


@pytest.fixture
def authority_file(postgresql_server: PostgresServer, tmp_path: Path) -> Iterator[Path]:
    """The certificate of the authority of the server, which takes connections with TLS alone while this is used."""
    authority = LocalAuthority()
    authority.write_certificate(tmp_path / "ca.crt")
    data = postgresql_server.data
    authority.write_server("localhost", data / "server.crt", data / "server.key")
    for name in ("server.crt", "server.key"):
        os.chown(data / name, data.stat().st_uid, data.stat().st_gid)
    access, settings = data / "pg_hba.conf", data / "postgresql.auto.conf"
    before = access.read_text()
    postgresql_server.stop()
    access.write_text(before.replace("host ", "hostssl "))
    settings.write_text("ssl = on\n")
    postgresql_server.start()
    yield tmp_path / "ca.crt"
    postgresql_server.stop()
    access.write_text(before)
    settings.write_text("")
    postgresql_server.start()
    os.environ.pop("PGSSLROOTCERT", None)


async def test_with_an_authority_every_connection_is_tls(
    authority_file: Path, database: Database, agent_config: AgentConfig
) -> None:
    here = replace(database, host="localhost")
    wallet = await opened(on(here, agent_config, ca_file=authority_file))
    await put(wallet, "name")
    in_use = "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = current_database()"
    assert here.rows(in_use) == [(True,)]
    await wallet.close()


async def test_refuses_a_server_of_another_authority_and_one_of_another_name(
    authority_file: Path, database: Database, agent_config: AgentConfig, tmp_path: Path
) -> None:
    other = tmp_path / "other.crt"
    LocalAuthority().write_certificate(other)
    told = await refusal(on(replace(database, host="localhost"), agent_config, ca_file=other))
    assert "no TLS connection to PostgreSQL at localhost" in told
    assert "no TLS connection" in await refusal(on(database, agent_config, ca_file=authority_file))


async def test_askar_itself_refuses_a_server_of_another_authority(
    authority_file: Path, database: Database, agent_config: AgentConfig, tmp_path: Path
) -> None:
    """Our own connection is refused first; but the wallet's must not depend on that."""
    other = tmp_path / "other.crt"
    LocalAuthority().write_certificate(other)
    good = on(replace(database, host="localhost"), agent_config, ca_file=authority_file)
    bad = on(replace(database, host="localhost"), agent_config, ca_file=other)
    async with await store_postgresql.connect(good) as connection:
        with pytest.raises(StoreUnreachableError, match="certificate"):
            await store_postgresql.open_wallet_store(bad, connection)
        misnamed = on(database, agent_config, ca_file=authority_file)
        with pytest.raises(StoreUnreachableError, match="certificate"):
            await store_postgresql.open_wallet_store(misnamed, connection)
        store, created = await store_postgresql.open_wallet_store(good, connection)
        assert created
        await store.close()
