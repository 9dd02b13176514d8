"""Copies of the two SQLite files of an agent, also while it runs.

First the wallet, then the plain tables. Each write of a record begins with its row and ends with its events, so of two
copies in this order the tables may know more than the wallet, as after a crash, never less of what cannot be read
again: an event that they have is not told twice, and what is only listed is read anew from the wallet when the backup
is restored.

The wallet is copied by SQLite's online backup in one step: a reader of its write-ahead log, which holds up nobody. The
tables belong to the agent's process alone, which is asked for a copy by its REST API.
"""

import asyncio
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import aiohttp
from aries_askar import AskarError, Store

from wanderbuch.agents.machine.app_client import AppClient, AppError
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.copying import COPIES, TABLES_COPY
from wanderbuch.agents.runtime.store import DataLock
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.errors import ConfigurationError
from wanderbuch.store.sqlite import SqliteEngine

_WALLET_COPY: Final = "wallet.db"
_LOCK: Final = "lock"


@contextmanager
def copies_folder(config: AgentConfig) -> Iterator[Path]:
    """Give the folder for copies to one backup at a time; it is empty at the beginning, and goes at the end.

    Raises:
        ConfigurationError: another backup of this agent is being made.
    """
    folder = config.data / COPIES
    if not config.data.is_dir():
        raise ConfigurationError(f"there is no data folder {config.data}", hint="check data in the configuration")
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            raise ConfigurationError(
                "another backup of this agent is being made", hint="wait until it is done"
            ) from err
        try:
            _clear(folder)
            yield folder
        finally:
            _clear(folder)


async def copy_sqlite(config: AgentConfig, folder: Path) -> tuple[Path, Path]:
    """Return a copy of the wallet, opened once with the wallet key, and one of the plain tables.

    Raises:
        ConfigurationError: there is no wallet, it has another key, or the agent does not answer.
    """
    if not config.wallet_file.exists():
        raise ConfigurationError(f"there is no store at {config.wallet_file.parent}", hint="check data")
    wallet, tables = folder / _WALLET_COPY, folder / TABLES_COPY
    lock: DataLock | None = None
    with suppress(ConfigurationError):
        lock = DataLock(config.data)
    try:
        await asyncio.to_thread(_copy_wallet, config.wallet_file, wallet)
        await _open_once(config, wallet)
        if lock is None:
            await _ask_for_tables(config)
        else:
            engine = await open_engine(config)
            try:
                if isinstance(engine, SqliteEngine):
                    await engine.copy_to(tables)
            finally:
                await engine.close()
    finally:
        if lock is not None:
            lock.release()
    return wallet, tables


def _copy_wallet(source: Path, target: Path) -> None:
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(source, timeout=60)) as wallet, closing(sqlite3.connect(target)) as copy:
            wallet.execute("PRAGMA query_only = ON")
            wallet.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as err:
        raise ConfigurationError(
            f"the wallet {source} cannot be copied into {target.parent}: {err}",
            hint="check the disk and its room, and that the file is a wallet; nothing is left of the backup",
        ) from err


async def _open_once(config: AgentConfig, wallet: Path) -> None:
    try:
        store = await Store.open(f"sqlite://{wallet.as_posix()}", "raw", config.wallet_key.get_secret_value())
    except AskarError as err:
        raise ConfigurationError(
            f"the wallet {config.wallet_file} does not open with the wallet key of the configuration",
            hint="set [wallet] key_file (or WANDERBUCH_WALLET_KEY) to the key it was made with; nothing was written",
        ) from err
    await store.close()


async def _ask_for_tables(config: AgentConfig) -> None:
    """Have the agent's process copy its plain tables."""
    listen = config.app.listen
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)  # noqa: S104 (asked, not bound)
    place = f"[{host}]" if ":" in host else host
    client = AppClient("backup", "", f"http://{place}:{listen.port}", config.app_token.get_secret_value())
    try:
        await client.post("")
    except (AppError, aiohttp.ClientError, TimeoutError, OSError) as err:
        raise ConfigurationError(
            f"the agent runs, and does not copy its tables: {err}",
            hint="look whether it is ready (`wanderbuch … ready`) and has this app token, then try again",
        ) from err
    finally:
        await client.session.close()


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != _LOCK:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
