"""`wanderbuch restore`: a backup put in place of a store that is lost, and what is newer taken up.

    wanderbuch restore issuer-2026-11-27.backup --config issuer.toml

1. The backup is this agent's, made with this wallet key, of a format and tables that this program knows, and whole to
   its last byte: only then is anything written.
2. No process of the agent runs, and none can start. The place is empty, or carries the mark that a restore (or a move)
   left which did not come to its end: then what that left is removed.
3. The store is put in place with the mark in it. From the first byte until the mark goes no agent opens it, or makes
   another one in its place.
4. Public files are put where they are missing.
5. What was published after the backup is taken up, places that may be in use are given to nobody (`catching_up`).
6. The mark goes.

A restore that is cut off anywhere is run again.
"""

import asyncio
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from aries_askar import AskarError, Store
from rich.console import Console

from wanderbuch.agents.cli.backup.archive import PUBLIC, ArchiveError, sync_folder
from wanderbuch.agents.cli.backup.archive_reading import BackupFile, Member
from wanderbuch.agents.cli.backup.catching_up import catch_up, remove_mark
from wanderbuch.agents.cli.backup.postgresql_copies import copy_in
from wanderbuch.agents.cli.backup.restore_note import RestoreNote
from wanderbuch.agents.cli.backup.restored_files import RestoredFiles, is_empty
from wanderbuch.agents.cli.backup.taking import TABLES, WALLET
from wanderbuch.agents.cli.disk_errors import disk_errors, refuse_root_on
from wanderbuch.agents.cli.store import ConfigOption, JsonOption, load_agent
from wanderbuch.agents.cli.store.places import locked, place_of
from wanderbuch.agents.machine.interrupting import run_to_the_end
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.privacy import make_data_folder
from wanderbuch.agents.runtime.store import RESTORING
from wanderbuch.agents.runtime.store_postgresql import (
    HALF_COPIED,
    StartingLock,
    has_store,
    open_store,
    provision_store,
)
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.errors import ConfigurationError
from wanderbuch.store.schema import VERSION as TABLES_VERSION

_CLOCK_S: Final = 300
"""So much may two clocks differ."""
_RESTORE_INTO: Final = "restore into an empty database or data folder, or remove what is there; nothing was changed"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored.

    Args:
        made_at: when the backup was made.
        public_put: public files that were missing, or older.
        public_kept: public files that were there.
        done: what was done so that nothing is given twice or goes back.
        warnings: what nobody can know, and somebody has to look at.
    """

    made_at: datetime
    public_put: int
    public_kept: int
    done: tuple[RestoreNote, ...]
    warnings: tuple[str, ...]


def command(
    backup: Annotated[Path, typer.Argument(help="The file that `wanderbuch backup` made.", show_default=False)],
    config: ConfigOption,
    as_json: JsonOption = False,
) -> None:
    """Put a backup in place of a store that is lost; the public folder, if it is there, is kept and taken up."""
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    restored = run_to_the_end(restore(load_agent(config), backup, lambda text: console.print(text)))
    if as_json:
        print(json.dumps({**asdict(restored), "made_at": restored.made_at.isoformat()}))  # noqa: T201
        return
    console.print(
        f"The agent is as it was at {restored.made_at.isoformat(timespec='seconds')}, with these differences:"
    )
    for note in restored.done:
        console.print(f"  {note.tenant}: {note.text}")
    console.print(f"Public files: {restored.public_put} put, {restored.public_kept} kept as they were.")
    for warning in restored.warnings:
        console.print(f"Look at this: {warning}")
    console.print("Now start the agent. Never start it anywhere on the store that was lost.")


async def restore(config: AgentConfig, path: Path, say: Callable[[str], None]) -> Restored:
    """Restore an agent.

    Args:
        config: of the agent.
        path: of the backup.
        say: told what is being done.

    Raises:
        ConfigurationError: the backup is not this agent's or not whole, the place is not empty or in use, or what is
            published cannot be taken up.
        StoreUnreachableError: the database does not answer.
    """
    refuse_root_on(config.data)
    again = "then run the restore again; no agent opens what it left"
    with disk_errors("the restore did not come to its end", again):
        return await _restore(config, path, say)


async def _restore(config: AgentConfig, path: Path, say: Callable[[str], None]) -> Restored:
    engine = "postgresql" if config.store.is_shared else "sqlite"
    who = (config.role, config.public.host, config.public.path)
    archive = BackupFile.for_agent(
        path, config.wallet_key.get_secret_value(), who=who, engine=engine, tables=TABLES_VERSION
    )
    _check_clock(archive.header.made_at, time.time(), "here")
    say("reading the backup")
    await asyncio.to_thread(archive.verify)  # 1
    async with AsyncExitStack() as stack:
        starting = StartingLock(config) if config.store.is_shared else None
        await locked(stack, config, starting, alone=True)  # 2
        in_bucket = config.public.objects is not None
        was_lost = not in_bucket and is_empty(config.public_folder)
        files = RestoredFiles(config.public_folder, is_used=not in_bucket)
        say("putting the store in place")
        members = archive.members()
        if starting is None:
            await _put_sqlite(config, members)  # 3, with the mark in it
        else:
            first = await _put_postgresql(config, starting, archive, members)
            for member in first:
                await asyncio.to_thread(files.take, member)
        say("putting public files where they are missing")
        await asyncio.to_thread(_put_public, members, files)  # 4
        made_at = archive.header.made_at
        done = await catch_up(config, made_at=made_at, say=say)  # 5
        await remove_mark(config)  # 6
    warnings = [*_warnings(config, datetime.fromtimestamp(made_at, UTC), was_lost=was_lost)]
    return Restored(datetime.fromtimestamp(made_at, UTC), files.put, files.kept, tuple(done), tuple(warnings))


def _check_clock(made_at: int, now: float, where: str) -> None:
    """Refuse a clock of before the backup: fences and event numbers go by it, and would go back."""
    if now < made_at - _CLOCK_S:
        raise ConfigurationError(
            f"the backup was made at {_instant(made_at)}, and the clock {where} says {_instant(int(now))}",
            hint="set the clock right, then try again; nothing was changed",
        )


def _instant(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _put_public(members: Iterator[Member], files: RestoredFiles) -> None:
    for member in members:  # ends only where the backup was whole
        if not member.name.startswith(PUBLIC):
            raise ArchiveError(f"the member {member.name!r} of the backup is out of place")
        files.take(member)


async def _put_sqlite(config: AgentConfig, members: Iterator[Member]) -> None:
    wallet_file, index = config.wallet_file, config.data / "index"
    await _clear_half(config)
    if index.exists() and any(index.iterdir()):
        raise ConfigurationError(f"there are tables in {index} already", hint=_RESTORE_INTO)
    make_data_folder(config.data)
    for folder in (wallet_file.parent, index):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    staged = wallet_file.with_name(RESTORING)
    try:
        await asyncio.to_thread(_expect(members, WALLET).write_to, staged)
        store = await _open_sqlite(config, staged)
        try:
            if HALF_COPIED not in await store.list_profiles():
                await store.create_profile(HALF_COPIED)
        finally:
            await store.close()
        await asyncio.to_thread(_settle, staged)
        staged.replace(wallet_file)
        sync_folder(wallet_file.parent)
    except BaseException:
        _empty(staged)
        raise
    await asyncio.to_thread(_expect(members, TABLES).write_to, index / "index.db")
    sync_folder(index)


def _settle(wallet: Path) -> None:
    """Have the mark stand in the file itself, on the disk, not in a log beside it that a rename leaves behind."""
    try:
        with closing(sqlite3.connect(wallet, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as err:
        raise ConfigurationError(
            f"{wallet} cannot be written: {err}", hint="check the disk and its room, then run the restore again"
        ) from err


def _empty(staged: Path) -> None:
    """Leave nothing of a wallet that was not put in place but its name: while that is there, no agent makes a store."""
    with suppress(OSError):
        _remove_logs(staged)
        os.truncate(staged, 0)


def _remove_logs(wallet: Path) -> None:
    for suffix in ("-wal", "-shm"):
        wallet.with_name(wallet.name + suffix).unlink(missing_ok=True)


async def _clear_half(config: AgentConfig) -> None:
    """Remove what a restore left that did not come to its end; refuse whatever else is there."""
    wallet_file = config.wallet_file
    if wallet_file.exists():
        store = await _open_sqlite(config, wallet_file)
        try:
            is_half = HALF_COPIED in await store.list_profiles()
        finally:
            await store.close()
        if not is_half:
            raise ConfigurationError(f"there is a store at {place_of(config)} already", hint=_RESTORE_INTO)
        wallet_file.with_name(RESTORING).touch(mode=0o600)
        shutil.rmtree(config.data / "index", ignore_errors=True)  # first: while the wallet is there, its mark is
        _remove_logs(wallet_file)
        wallet_file.unlink()
    _remove_logs(wallet_file.with_name(RESTORING))


async def _open_sqlite(config: AgentConfig, file: Path) -> Store:
    try:
        return await Store.open(f"sqlite://{file.as_posix()}", "raw", config.wallet_key.get_secret_value())
    except AskarError as err:
        raise ConfigurationError(
            f"{file} is there, and does not open with the wallet key of the configuration", hint=_RESTORE_INTO
        ) from err


async def _put_postgresql(
    config: AgentConfig, starting: StartingLock, archive: BackupFile, members: Iterator[Member]
) -> list[Member]:
    connection = await starting.take()
    clock = await (await connection.execute("SELECT extract(epoch FROM clock_timestamp())")).fetchone()
    if clock is not None:
        _check_clock(archive.header.made_at, float(clock[0]), "of the database")
    if await has_store(config, connection):
        store = await open_store(config)
    else:
        store = await provision_store(config, profile=HALF_COPIED)
    try:
        if HALF_COPIED not in await store.list_profiles():
            raise ConfigurationError(f"there is a store at {place_of(config)} already", hint=_RESTORE_INTO)
    finally:
        await store.close()
    await (await open_engine(config)).close()  # makes the plain tables
    return await copy_in(config, archive.header.columns, members)


def _expect(members: Iterator[Member], name: str) -> Member:
    member = next(members, None)
    if member is None or member.name != name:
        raise ArchiveError(f"the backup has no {name} where it belongs", hint="take another backup")
    return member


def _warnings(config: AgentConfig, made_at: datetime, *, was_lost: bool) -> Iterator[str]:
    since = made_at.isoformat(timespec="seconds")
    if was_lost:
        yield (
            f"the public folder was lost too, and is that of {since}: revocations, versions and changes of a DID that"
            " were published later are not known here. If a copy of the folder is left anywhere, do not start the"
            " agent: put the copy in place, empty the store, and restore again"
        )
    yield (
        f"what was withdrawn after {since} counts again: tenants removed or suspended, tokens and people of the desk,"
        " values that were forgotten, case files that were destroyed. Do it again before others reach the agent"
    )
    if config.role == "issuer":
        yield f"credentials signed after {since} are valid and not in this store: it cannot revoke them"
        yield (
            f"rows of batches that were claimed after {since} look open here, and their slips good. Before you start"
            " the agent, have them found in its log of then: wanderbuch store issued-since --log <file> --leave-out"
        )
