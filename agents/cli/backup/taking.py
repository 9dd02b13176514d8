"""`wanderbuch backup`: an agent's store and public files in one file, also while it runs.

    wanderbuch backup --config issuer.toml --to backups/issuer-2026-11-27.backup

The store comes first, then the public folder: what is published meanwhile is newer than the store, never older, and a
restore takes it up. The wallet key, tokens, passwords and TLS keys are never in a backup: keep them elsewhere.
"""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from wanderbuch.agents.cli.backup.archive import PUBLIC, STORE, Header, Writer, is_plain
from wanderbuch.agents.cli.disk_errors import disk_errors, refuse_root_on
from wanderbuch.agents.cli.store import ConfigOption, JsonOption, load_agent
from wanderbuch.agents.cli.terminal_text import counted
from wanderbuch.agents.machine.interrupting import run_to_the_end
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.publisher import NUMBERS
from wanderbuch.store.schema import VERSION as TABLES_VERSION

MARK: Final = ".folder"
WALLET: Final = f"{STORE}wallet.db"
TABLES: Final = f"{STORE}index.db"


def command(
    config: ConfigOption,
    to: Annotated[Path, typer.Option("--to", help="The file to make; nothing may be there.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Write an agent's store and public files to one file; the agent may run meanwhile."""
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    size, left_out = run_to_the_end(back_up(load_agent(config), to.absolute()))
    if as_json:
        print(json.dumps({"file": str(to), "bytes": size, "left_out": left_out}))  # noqa: T201
        return
    console.print(f"{to} is whole: {size} bytes.")
    if left_out:
        console.print(f"{counted(left_out, 'file')} of the public folder left out: not ours.")
    console.print(
        "It opens with the wallet key alone, which is not in it: keep that, the tokens and the TLS keys elsewhere."
    )


async def back_up(config: AgentConfig, target: Path) -> tuple[int, int]:
    """Make a backup; return its size, and how many files of the public folder are left out.

    Raises:
        ConfigurationError: something is in the way; the one line says what.
        StoreUnreachableError: the database does not answer.
    """
    _check_target(config, target)
    refuse_root_on(config.data)
    with disk_errors("the backup was not made", "then try again; nothing is left of it"):
        return await _back_up(config, target)


async def _back_up(config: AgentConfig, target: Path) -> tuple[int, int]:
    from wanderbuch.agents.cli.backup.sqlite_copies import copies_folder, copy_sqlite

    made_at = int(time.time())
    with copies_folder(config) as folder:
        if not config.store.is_shared:
            wallet, tables = await copy_sqlite(config, folder)
            writer = Writer(target, _header(config, made_at, {}), config.wallet_key.get_secret_value())
            try:
                await asyncio.to_thread(writer.add_file, WALLET, wallet)
                await asyncio.to_thread(writer.add_file, TABLES, tables)
                return await asyncio.to_thread(_finish, writer, config)
            finally:
                writer.abandon()
        from wanderbuch.agents.cli.backup.postgresql_copies import columns_of, copy_out, snapshot
        from wanderbuch.agents.runtime.store_postgresql import open_store

        await (await open_store(config)).close()  # refuses another wallet key
        async with snapshot(config) as connection:
            columns = await columns_of(connection, config)
            writer = Writer(target, _header(config, made_at, columns), config.wallet_key.get_secret_value())
            try:
                await copy_out(connection, config, columns, writer)
                return await asyncio.to_thread(_finish, writer, config)
            finally:
                writer.abandon()


def _check_target(config: AgentConfig, target: Path) -> None:
    if target.resolve().is_relative_to(config.public_folder.resolve()):
        raise ConfigurationError(
            f"{target} lies in the public folder, where everybody could fetch it", hint="name another folder"
        )


def _header(config: AgentConfig, made_at: int, columns: dict[str, list[str]]) -> Header:
    engine = "postgresql" if config.store.is_shared else "sqlite"
    public = config.public
    return Header(
        config.role, public.host, public.path, engine, made_at, version("wanderbuch"), TABLES_VERSION, columns
    )


def _finish(writer: Writer, config: AgentConfig) -> tuple[int, int]:
    """Write the public folder and the end."""
    left_out = 0
    if config.public.objects is not None:  # they lie in a bucket, and stay there
        return writer.finish(), left_out
    for path in _public_files(config.public_folder):
        name = PUBLIC + path.relative_to(config.public_folder).as_posix()
        if not is_plain(name) or not writer.add_file(name, path):
            left_out += 1
    return writer.finish(), left_out


def _not_silently(err: OSError) -> None:
    """Refuse to pass over a folder that cannot be read, unless it is not there."""
    if not isinstance(err, FileNotFoundError):
        raise err


def _public_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a public folder, each folder's numbers before its files.

    So a file is never older than its number: what a restore takes up from it has that number or a greater one.
    """
    for root, folders, names in os.walk(folder, onerror=_not_silently):
        here = Path(root)
        if here.name != NUMBERS and NUMBERS in folders:
            folders.remove(NUMBERS)
            yield from sorted((here / NUMBERS).iterdir())
        folders[:] = sorted(folder for folder in folders if not (here / folder).is_symlink())
        yield from (here / name for name in sorted(names) if not name.startswith(".") or name == MARK)
