"""Backups of real stores with several tenants on both engines: made, refused, restored, cut off and restored again."""

import os
import pickle
import shutil
import signal
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acapy_agent.wallet.did_method import DIDMethods
from acapy_agent.wallet.key_type import KeyTypes
from pydantic import SecretStr
from tests.first_store import config_in, copy_of, drop_copy, made_once
from tests.objects import SECRET as OBJECTS_SECRET
from tests.objects import Bucket
from tests.postgresql import ENGINES, Database, PostgresServer
from tests.prepared.running import run_prepared
from tests.unit.cli.cut_off import CUTS
from tests.unit.cli.test_store import SECRET, TENANTS, digests, fill, listed, moved_to, tenant_of, using

from wanderbuch.agents.cli.backup.restoring import restore
from wanderbuch.agents.cli.backup.taking import back_up
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import ObjectsConfig
from wanderbuch.agents.runtime.public_place import public_files
from wanderbuch.agents.runtime.tenant_records import TenantRecord
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.dids import create_did, update_did
from wanderbuch.plugins.webvh.own import own_did
from wanderbuch.plugins.webvh.publisher import FolderPublisher
from wanderbuch.store.entries import fetch_keys
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.records import RecordStore

KEY = "6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4sW"


def silent(_: str) -> None:
    pass


async def live(config: AgentConfig) -> None:
    """Give an agent's store three tenants, and events."""
    await fill(config)
    async with using(config) as (_, tables):
        for name in ("default", *TENANTS):
            for number in range(3):
                await tables.events.append(name, EventKind.OFFER_ENDED, f"o{number}", {"state": "DECLINED"})
        assert await tables.leases.take("default/something", for_s=3600) is not None


@pytest.fixture(scope="session")
def lived_store(postgresql_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A store on PostgreSQL that has lived; it is copied."""
    config = config_in(tmp_path_factory.mktemp("lived"))
    return made_once(postgresql_server, lambda made: live(moved_to(config, made)))


@pytest.fixture(params=ENGINES)
async def lived(request: pytest.FixtureRequest, agent_config: AgentConfig) -> AsyncIterator[AgentConfig]:
    """An agent's configuration, its store with three tenants, events, and something published."""
    config, copied = agent_config, None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgresql_server")
        copied = copy_of(server, request.getfixturevalue("lived_store"))
        config = moved_to(config, copied)
        config.data.mkdir(mode=0o700)
    else:
        await live(config)
    publisher = FolderPublisher(config.public_folder)
    await publisher.put("org/did.jsonl", b"three\n", "text/jsonl", number=3)
    await publisher.put("governance/parts/00ff.json", b"{}", "application/json")
    yield config
    if copied is not None:
        drop_copy(server, copied)


def emptied(config: AgentConfig, request: pytest.FixtureRequest, folder: Path) -> AgentConfig:
    """The same agent on a machine that has nothing."""
    if not config.store.is_shared:
        return config.model_copy(update={"data": folder})
    server: PostgresServer = request.getfixturevalue("postgresql_server")
    database = server.create_database()
    request.addfinalizer(lambda: server.drop_database(database))
    return moved_to(config, database).model_copy(update={"data": folder})


def hidden(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


async def refused(config: AgentConfig, backup: Path) -> str:
    with pytest.raises(ConfigurationError) as err:
        await restore(config, backup, silent)
    assert err.value.hint
    return err.value.message


async def test_a_backup_brings_back_every_tenant_on_a_machine_that_has_nothing(
    lived: AgentConfig, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    before = await digests(lived)
    backup = tmp_path / "one.backup"
    size, left_out = await back_up(lived, backup)
    assert (size, left_out) == (backup.stat().st_size, 0)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert hidden(tmp_path) == []

    fresh = emptied(lived, request, tmp_path / "fresh")
    restored = await restore(fresh, backup, silent)

    assert await digests(fresh) == before
    assert await digests(lived) == before
    assert (restored.public_put, restored.public_kept) == (2, 0)
    assert "the public folder was lost too" in restored.warnings[0]
    async with using(fresh) as (profile, tables):
        for name in ("default", *TENANTS):
            assert await listed(profile, tables, name) == [f"{name}-{at}" for at in range(5)]
        assert await tables.numbers.current("default/status-list/7") == 41
        assert await tables.leases.take("default/something") is not None  # who held it is gone
        async with tenant_of(profile, "kandy").session() as session:
            (key,) = await fetch_keys(session.handle)
        assert await tables.keys.find([key.name]) == {key.name: "kandy"}
    publisher = FolderPublisher(fresh.public_folder)
    assert await publisher.get("org/did.jsonl") == b"three\n"
    with pytest.raises(ConfigurationError, match=r"a newer org/did\.jsonl"):
        await publisher.put("org/did.jsonl", b"two\n", "text/jsonl", number=2)


async def test_numbers_of_events_go_on_far_above_those_that_were_given_out_since(
    lived: AgentConfig, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    await back_up(lived, tmp_path / "one.backup")
    async with using(lived) as (_, tables):
        later = [
            await tables.events.append("kandy", EventKind.OFFER_ENDED, f"later-{number}", {"state": "DECLINED"})
            for number in range(20)
        ]
    fresh = emptied(lived, request, tmp_path / "fresh")
    await restore(fresh, tmp_path / "one.backup", silent)
    async with using(fresh) as (_, tables):
        events = await tables.events.read("kandy", 0, 100)
        assert [event.number for event in events[:-1]] == [1, 2, 3]
        assert (events[-1].kind, events[-1].body) == ("store.restored", {"after": 3})
        assert events[-1].number > max(later) + 1_000_000
        next_one = await tables.events.append("kandy", EventKind.OFFER_ENDED, "next", {"state": "DECLINED"})
        assert next_one == events[-1].number + 1
        # What is kept are so many events, not so many numbers.
        assert await tables.events.prune(keep_events=5) == 0
        assert await tables.events.prune(keep_events=3) == 4  # two here, one of each other tenant
        assert [event.number for event in await tables.events.read("kandy", 0, 9)] == [3, events[-1].number, next_one]


async def test_what_is_published_already_stays(
    lived: AgentConfig, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    await back_up(lived, tmp_path / "one.backup")
    fresh = emptied(lived, request, tmp_path / "fresh")
    newer = FolderPublisher(fresh.public_folder)
    await newer.put("org/did.jsonl", b"four\n", "text/jsonl", number=4)
    restored = await restore(fresh, tmp_path / "one.backup", silent)
    assert (restored.public_put, restored.public_kept) == (1, 1)
    assert await newer.get("org/did.jsonl") == b"four\n"
    assert await newer.get("governance/parts/00ff.json") == b"{}"


async def test_what_is_known_to_be_older_in_public_gives_way(
    lived: AgentConfig, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    await back_up(lived, tmp_path / "one.backup")
    fresh = emptied(lived, request, tmp_path / "fresh")
    older = FolderPublisher(fresh.public_folder)
    await older.put("org/did.jsonl", b"two\n", "text/jsonl", number=2)
    restored = await restore(fresh, tmp_path / "one.backup", silent)
    assert (restored.public_put, restored.public_kept) == (2, 0)
    assert await older.get("org/did.jsonl") == b"three\n"
    with pytest.raises(ConfigurationError, match="a newer"):
        await older.put("org/did.jsonl", b"two\n", "text/jsonl", number=2)


async def test_a_public_file_that_lost_its_number_stays_since_nobody_knows_how_new_it_is(
    lived: AgentConfig, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """As where the folder was copied without what is hidden in it."""
    await back_up(lived, tmp_path / "one.backup")
    fresh = emptied(lived, request, tmp_path / "fresh")
    there = fresh.public_folder / "org" / "did.jsonl"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"four\n")
    restored = await restore(fresh, tmp_path / "one.backup", silent)
    assert (restored.public_put, restored.public_kept) == (1, 1)
    assert there.read_bytes() == b"four\n"


@pytest.mark.parametrize("in_bucket", [False, True], ids=["folder", "bucket"])
async def test_what_is_ahead_in_public_is_taken_up_for_each_tenant(
    lived: AgentConfig, request: pytest.FixtureRequest, tmp_path: Path, in_bucket: bool
) -> None:
    (lived.public_folder / "org" / "did.jsonl").unlink()
    if in_bucket:
        table: Bucket = request.getfixturevalue("bucket")
        public = lived.public.model_copy(update={"objects": ObjectsConfig.model_validate(table.table())})
        lived = lived.model_copy(update={"public": public, "objects_secret": SecretStr(OBJECTS_SECRET)})
    publisher = public_files(lived).publisher()
    at = {"default": "org", "kandy": "kandy"}
    async with using(lived) as (profile, _):
        for kind in (DIDMethods, KeyTypes):
            profile.context.injector.bind_instance(kind, kind())
        record = TenantRecord(id="kandy", name="Kandy", host=lived.public.host, path="kandy", roles={"issuer": {}})
        await RecordStore(profile, TenantRecord).insert(record)
        dids = {
            name: await create_did(
                tenant_of(profile, name),
                host=lived.public.host,
                path=path,
                didcomm_endpoint="https://tiny.wanderbuch.test/didcomm",
                publisher=publisher,
                prerotation=False,
            )
            for name, path in at.items()
        }
    await back_up(lived, tmp_path / "one.backup")
    async with using(lived) as (profile, _):
        await update_did(tenant_of(profile, "kandy"), dids["kandy"], publisher=publisher, didcomm_endpoint=None)
    fresh = emptied(lived, request, tmp_path / "fresh")
    if not in_bucket:
        shutil.copytree(lived.public_folder, fresh.public_folder)
    restored = await restore(fresh, tmp_path / "one.backup", silent)
    told = [note for note in restored.done if note.kind == "did"]
    assert [note.tenant for note in told] == ["kandy"]
    assert restored.public_put == 0
    assert not any("was lost too" in warning for warning in restored.warnings)
    async with using(fresh) as (profile, _):
        own = {name: await own_did(tenant_of(profile, name), did) for name, did in dids.items()}
    assert {name: kept and kept.number for name, kept in own.items()} == {"default": 1, "kandy": 2}


async def test_what_is_no_file_of_ours_in_public_is_left_out(lived: AgentConfig, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not for a backup")
    (lived.public_folder / "org" / "link.json").symlink_to(secret)
    (lived.public_folder / "org" / "a name with spaces").write_text("x")
    os.mkfifo(lived.public_folder / "org" / "pipe")
    _, left_out = await back_up(lived, tmp_path / "one.backup")
    assert left_out == 3
    assert b"not for a backup" not in (tmp_path / "one.backup").read_bytes()


async def test_nothing_secret_or_personal_can_be_read_in_a_backup(lived: AgentConfig, tmp_path: Path) -> None:
    await back_up(lived, tmp_path / "one.backup")
    body = (tmp_path / "one.backup").read_bytes()
    assert b"test.note" in body  # of the plain tables
    for secret in (SECRET, lived.wallet_key.get_secret_value(), lived.app_token.get_secret_value()):
        assert secret.encode() not in body
    if lived.store_password is not None:
        assert lived.store_password.get_secret_value().encode() not in body


async def test_a_store_that_is_there_is_never_written_over(lived: AgentConfig, tmp_path: Path) -> None:
    before = await digests(lived)
    await back_up(lived, tmp_path / "one.backup")
    assert "there is a store at" in await refused(lived, tmp_path / "one.backup")
    assert await digests(lived) == before


async def test_a_backup_never_takes_the_place_of_a_file(lived: AgentConfig, tmp_path: Path) -> None:
    (tmp_path / "one.backup").write_text("mine")
    with pytest.raises(ConfigurationError, match="is there already"):
        await back_up(lived, tmp_path / "one.backup")
    assert (tmp_path / "one.backup").read_text() == "mine"


async def test_another_key_another_agent_and_another_engine_are_refused(
    lived: AgentConfig, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    backup = tmp_path / "one.backup"
    await back_up(lived, backup)
    fresh = emptied(lived, request, tmp_path / "fresh")
    other_key = fresh.model_copy(update={"wallet_key": SecretStr(KEY)})
    assert "was made with another wallet key" in await refused(other_key, backup)
    with pytest.raises(ConfigurationError, match=r"(does not open with the wallet|made with another) key"):
        await back_up(lived.model_copy(update={"wallet_key": SecretStr(KEY)}), tmp_path / "two.backup")
    assert not (tmp_path / "two.backup").exists()
    other = fresh.model_copy(update={"role": "issuer"})
    assert "is a backup of the tiny of tiny.wanderbuch.test/org" in await refused(other, backup)
    if fresh.store.is_shared:
        on_sqlite = moved_to(fresh, tmp_path / "fresh")
        assert "of a store on postgresql, and the configuration has sqlite" in await refused(on_sqlite, backup)
    assert not (tmp_path / "fresh" / "wallet").exists()
    await restore(fresh, backup, silent)  # nothing was written by any of them


async def killed(config: AgentConfig, path: Path, what: str, cut: str) -> None:
    """Run it in a process of its own until it kills itself."""
    code, _, err = await run_prepared("tests.unit.cli.cut_off", what, str(path), cut, told=pickle.dumps(config))
    assert code == -signal.SIGKILL, err[-2000:]


@pytest.mark.parametrize(("what", "cut"), CUTS.values(), ids=CUTS)
async def test_what_was_killed_is_run_again(
    lived: AgentConfig, request: pytest.FixtureRequest, tmp_path: Path, what: str, cut: str
) -> None:
    before, backup = await digests(lived), tmp_path / "one.backup"
    fresh = emptied(lived, request, tmp_path / "fresh")
    if what == "backup":
        await killed(lived, backup, what, cut)
        assert not backup.exists()
        await back_up(lived, backup)
    else:
        await back_up(lived, backup)
        await killed(fresh, backup, what, cut)
        if "before the store" not in request.node.name:
            with pytest.raises(ConfigurationError, match="only half copied"):
                async with using(fresh):
                    pass
    await restore(fresh, backup, silent)
    assert await digests(fresh) == before
    assert hidden(tmp_path) == []
    assert [path for path in lived.data.rglob("*") if path.parent.name == ".copies" and path.name != "lock"] == []


def test_an_event_of_a_restore_holds_a_number_alone() -> None:
    assert Event(EventKind.STORE_RESTORED, "restore-1", {"after": 3}).text() == '{"after":3}'
