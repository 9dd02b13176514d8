"""A store on PostgreSQL as text: every table of both schemas, out of one snapshot, and back into an empty store.

Not `pg_dump`: a backup so needs no program beside this one, and cannot be of another version than the server. The rows
are PostgreSQL's own COPY text, in members of some megabytes, so that neither side holds a table in memory. The tables
themselves are made by who uses them: Askar, and ours.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from wanderbuch.agents.cli.backup.archive import STORE, ArchiveError, Writer
from wanderbuch.agents.cli.backup.archive_reading import Member
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.store_postgresql import HALF_COPIED
from wanderbuch.agents.runtime.store_tables import conninfo
from wanderbuch.errors import ConfigurationError
from wanderbuch.store.errors import StoreUnreachableError
from wanderbuch.store.postgresql import SCHEMA
from wanderbuch.store.schema import ALL

_CHUNK_BYTES: Final = 4 * 1024 * 1024
_CONNECT_S: Final = 10
WALLET: Final = "wallet"
"""Stands for Askar's schema, which is named like the user."""
_ASKAR: Final = ("config", "profiles", "items", "items_tags")  # in the order in which they refer to one another
_MARK_ID: Final = -1
_SEQUENCE: Final = f"{SCHEMA}.row_number"


@asynccontextmanager
async def snapshot(config: AgentConfig) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Give a connection that sees one instant of the store, and holds up nobody.

    Raises:
        StoreUnreachableError: the server does not let us in, or went away.
    """
    async with _connected(config) as connection:
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield connection
        await connection.execute("COMMIT")


async def columns_of(connection: psycopg.AsyncConnection[Any], config: AgentConfig) -> dict[str, list[str]]:
    """Return the columns of every table.

    Raises:
        ConfigurationError: a table is missing: no agent has made a store there.
    """
    columns: dict[str, list[str]] = {}
    for name, schema, table in _tables(config):
        rows = await connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
            " ORDER BY ordinal_position",
            [schema, table],
        )
        columns[name] = [str(column) for (column,) in await rows.fetchall()]
        if not columns[name]:
            raise ConfigurationError(
                f"there is no store at {config.store.address}: the table {schema}.{table} is missing",
                hint="check [store] url",
            )
    return columns


async def copy_out(
    connection: psycopg.AsyncConnection[Any], config: AgentConfig, columns: dict[str, list[str]], writer: Writer
) -> None:
    """Write every table to a backup."""
    for name, schema, table in _tables(config):
        number, chunk = 0, bytearray()
        async with connection.cursor() as cursor, cursor.copy(_copy("TO STDOUT", schema, table, columns[name])) as rows:
            async for row in rows:
                chunk += row
                if len(chunk) >= _CHUNK_BYTES:
                    writer.add_bytes(f"{STORE}{name}/{number:08d}", bytes(chunk))
                    number, chunk = number + 1, bytearray()
        writer.add_bytes(f"{STORE}{name}/{number:08d}", bytes(chunk))


async def copy_in(config: AgentConfig, columns: dict[str, list[str]], members: Iterator[Member]) -> list[Member]:
    """Fill a store that carries the mark of a copy, in one transaction; the mark stays.

    Args:
        config: of the target.
        columns: as the backup has them.
        members: of the backup; those of the store come first, and are used up.

    Returns:
        The first member behind them, if there is one.

    Raises:
        ArchiveError: the tables here are others.
    """
    async with _connected(config) as connection, connection.transaction():
        if await columns_of(connection, config) != columns:
            raise ArchiveError(
                "the tables of the database are not those of the backup",
                hint="restore it with the version of Wanderbuch that made it; nothing was changed",
            )
        mark = await connection.execute("UPDATE profiles SET id = %s WHERE name = %s", [_MARK_ID, HALF_COPIED])
        if mark.rowcount != 1:
            raise ConfigurationError("the store has lost the mark of a half copy", hint="empty the database, try again")
        for _, schema, table in reversed(list(_tables(config))):
            where = sql.SQL(" WHERE id <> {}").format(_MARK_ID) if table == "profiles" else sql.SQL("")
            await connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(schema, table)) + where)
        left = await _fill(connection, config, columns, members)
        for table in ("profiles", "items", "items_tags"):
            await connection.execute(
                sql.SQL(
                    "SELECT setval(pg_get_serial_sequence({}, 'id'), greatest((SELECT max(id) FROM {}), 1))"
                ).format(sql.Literal(f'"{_user(config)}".{table}'), sql.Identifier(_user(config), table))
            )
        last = sql.SQL("SELECT setval({}, greatest((SELECT max(number) FROM {}), 1))")
        await connection.execute(last.format(sql.Literal(_SEQUENCE), sql.Identifier(SCHEMA, "row")))
    return left


async def _fill(
    connection: psycopg.AsyncConnection[Any],
    config: AgentConfig,
    columns: dict[str, list[str]],
    members: Iterator[Member],
) -> list[Member]:
    places = {name: (schema, table) for name, schema, table in _tables(config)}
    for member in members:
        name = member.name.removeprefix(STORE).rpartition("/")[0]
        if not member.name.startswith(STORE):
            return [member]
        if name not in places:
            raise ArchiveError(f"the backup has a table {name[:60]!r}, which no store has", hint="nothing was changed")
        statement = _copy("FROM STDIN", *places[name], columns[name])
        async with connection.cursor() as cursor, cursor.copy(statement) as rows:
            for block in member.blocks():
                await rows.write(block)
    return []


def _tables(config: AgentConfig) -> Iterator[tuple[str, str, str]]:
    """Yield name in the backup, schema and table of each."""
    for table in _ASKAR:
        yield f"{WALLET}/{table}", _user(config), table
    for table in ("meta", *ALL):
        yield f"tables/{table}", SCHEMA, table


def _copy(direction: LiteralString, schema: str, table: str, columns: list[str]) -> sql.Composed:
    listed = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    return sql.SQL("COPY {} ({}) " + direction).format(sql.Identifier(schema, table), listed)


def _user(config: AgentConfig) -> str:
    return config.store.address.user


@asynccontextmanager
async def _connected(config: AgentConfig) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    try:
        async with await psycopg.AsyncConnection.connect(
            conninfo(config), autocommit=True, connect_timeout=_CONNECT_S, application_name="wanderbuch backup"
        ) as connection:
            for setting in ("idle_in_transaction_session_timeout", "statement_timeout"):
                await connection.execute(f"SET {setting} = 0".encode())
            yield connection
    except psycopg.Error as err:
        message = getattr(getattr(err, "diag", None), "message_primary", None) or type(err).__name__
        raise StoreUnreachableError(
            f"the store {config.store.address} cannot be read or written: {message}",
            hint="free some space on the disk of the database"
            if isinstance(err, psycopg.errors.DiskFull)
            else "check that the database runs and lets us in",
        ) from err
