"""The wallet store on PostgreSQL: found, made or refused, by any number of processes that start at once.

1. A connection of our own is made first: what is wrong with the server, the password, the database or TLS is told in
   one line. A server that only starts up is waited for.
2. It takes an advisory lock, so that the processes of an agent start one after the other: Askar's tables, ACA-Py's
   version record and its upgrades are made by the first, and found by the others. The lock goes with the connection.
3. The tables are looked at before Askar does: it would make an empty store beside one of another database user.
4. Askar opens the store; a key of its own refuses another wallet's.
5. The store says whose it is: two agents on one database would each take the other's keys for their own.

Askar keeps its tables in a schema that is named like the database user. Two of its options cannot be used (0.5.0):
`schema` makes provisioning fail, and of two further options in the address one may be lost, so that the certificate's
authority, and what the server is asked for each connection, are given by the environment.
"""

import asyncio
import json
import os
import re
import time
from typing import TYPE_CHECKING, Any, Final

from aries_askar import AskarError, AskarErrorCode, Store

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.store_tables import conninfo
from wanderbuch.errors import ConfigurationError, WanderbuchError
from wanderbuch.store.errors import StoreUnreachableError, StoreVersionError

if TYPE_CHECKING:
    import psycopg

ACQUIRE_S: Final = 8
"""How long a session waits for a connection; below the 10 s after which ACA-Py would leave Askar's to itself."""
IDLE_TRANSACTION_S: Final = 20
"""A transaction of a process that sleeps (stopped, or its machine is moved) ends then: it would hold up the others."""
SERVER_WAIT_S: Final = 15.0
LOCK_WAIT_S: Final = 120.0
_POLL_S: Final = 0.1
_CONNECT_S: Final = 5
HALF_COPIED: Final = "wanderbuch.half-copied"
"""Name of a profile that a store has until all of another was copied into it; no tenant's can have a dot."""
_LOCK: Final = (0x57424348, 1)  # "WBCH"; the second number says what is locked: starting
_ASKAR_TABLES: Final = ("config", "profiles", "items", "items_tags")
_IDENTITY: Final = ("wanderbuch_store", "agent")

# What the server says while it comes up, or has no connection to spare: it heals.
_PASSING: Final = re.compile(r"starting up|shutting down|recovery mode|too many (clients|connections)|connection slots")
_TLS: Final = re.compile(r"certificate|SSL|TLS")
# Errors after which the process had better end: what it holds open cannot work again, or the data is damaged. Nothing
# else is fatal on PostgreSQL: a connection that is lost is replaced, and what was not committed was not done.
_FATAL: Final = (
    (re.compile(r"read-only transaction"), "the wallet store cannot be written to (the server is read-only)"),
    (re.compile(r"invalid page in block|could not read block|missing chunk number"), "the wallet store is damaged"),
    (re.compile(r"password authentication failed"), "the server refuses the password of the wallet store"),
    (re.compile(r'database ".*" does not exist'), "the database of the wallet store is gone"),
    (re.compile(r'relation "(items|items_tags|profiles|config)" does not exist'), "the wallet store's tables are gone"),
)


def fatal_on_postgresql(text: str) -> str | None:
    """Return why a store on PostgreSQL cannot be relied on after an error with this text, or None if it can."""
    return next((reason for pattern, reason in _FATAL if pattern.search(text)), None)


def askar_uri(config: AgentConfig) -> str:
    """Return how Askar reaches the database, with the password; not for logs."""
    size, tls = config.store.connections, "verify-full" if config.store.ca_file else "prefer"
    pool = f"max_connections={size}&min_connections=1&connect_timeout={ACQUIRE_S}"
    return f"{config.store.address.with_password(_password(config))}?{pool}&sslmode={tls}"


class StartingLock:
    """Held by the one process that starts on a store; the others wait for their turn."""

    def __init__(self, config: AgentConfig) -> None:
        self._config = config
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def take(self) -> "psycopg.AsyncConnection[Any]":
        """Wait for the turn and return the connection that holds it; does nothing if this process has it.

        Raises:
            ConfigurationError, StoreUnreachableError: no connection can be made; one line says why.
        """
        if self._connection is None:
            connection = await connect(self._config)
            try:
                await self._wait(connection)
            except BaseException:
                await connection.close()
                raise
            self._connection = connection
        return self._connection

    async def release(self) -> None:
        """Let the next process start; does nothing if this one has not the turn."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _wait(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            row = await (await connection.execute("SELECT pg_try_advisory_lock(%s, %s)", _LOCK)).fetchone()
            if row and row[0]:
                return
            if time.monotonic() > deadline:
                raise StoreUnreachableError(
                    f"another process has been starting on {self._config.store.address} for {LOCK_WAIT_S:g} s",
                    hint="look at the log of the other processes of this agent, and stop one that hangs",
                )
            await asyncio.sleep(_POLL_S)


async def connect(config: AgentConfig) -> "psycopg.AsyncConnection[Any]":
    """Return a connection; a server that only starts up is waited for.

    Raises:
        ConfigurationError: the server does not let us in.
        StoreUnreachableError: there is none.
    """
    import psycopg  # here: an agent with a store on SQLite has no use for it

    deadline = time.monotonic() + SERVER_WAIT_S
    while True:
        try:
            how = conninfo(config)
            return await psycopg.AsyncConnection.connect(how, autocommit=True, connect_timeout=_CONNECT_S)
        except psycopg.OperationalError as err:
            told = _why_not_connected(config, str(err))
            if not isinstance(told, StoreUnreachableError) or time.monotonic() > deadline:
                raise told from err
        await asyncio.sleep(_POLL_S)


async def open_wallet_store(config: AgentConfig, connection: "psycopg.AsyncConnection[Any]") -> tuple[Store, bool]:
    """Open the store, or make it in an empty database; steps 3 to 5.

    Args:
        config: the agent's.
        connection: which has the turn of starting.

    Returns:
        The store, and whether it was made.

    Raises:
        ConfigurationError: it is not ours, or cannot be made.
        StoreVersionError: it is of another version.
    """
    is_there = await has_store(config, connection)  # 3
    store = await (open_store if is_there else provision_store)(config)  # 4
    try:
        await _refuse_half_copied(config, store)
        await _own(config, store)  # 5
    except BaseException:
        await store.close()
        raise
    return store, not is_there


async def open_store(config: AgentConfig) -> Store:
    """Open the store that is there; errors as with `open_wallet_store`."""
    _set_environment(config)
    try:
        return await Store.open(askar_uri(config), "raw", _key(config))
    except AskarError as err:
        raise _why_not_opened(config, err) from err


async def provision_store(config: AgentConfig, *, profile: str | None = None) -> Store:
    """Make a store in an empty database, in one transaction; errors as with `open_wallet_store`.

    Args:
        config: the agent's.
        profile: the name of its default profile, else a random one.
    """
    _set_environment(config)
    try:
        return await Store.provision(askar_uri(config), "raw", _key(config), profile=profile)
    except AskarError as err:
        raise _why_not_opened(config, err) from err


def _set_environment(config: AgentConfig) -> None:
    """Tell libpq's variables, which Askar reads for each connection too, what the address cannot."""
    if config.store.ca_file:
        os.environ["PGSSLROOTCERT"] = str(config.store.ca_file)
    before = os.environ.get("PGOPTIONS", "")
    if "idle_in_transaction_session_timeout" not in before:
        ends = f"-c idle_in_transaction_session_timeout={IDLE_TRANSACTION_S}s"
        os.environ["PGOPTIONS"] = f"{before} {ends}".strip()


async def has_store(config: AgentConfig, connection: "psycopg.AsyncConnection[Any]") -> bool:
    """Return whether Askar's tables are there for this user; if they are not, whether they can be made is looked at.

    Raises:
        ConfigurationError: they cannot be made, or are not ours.
    """
    address = config.store.address
    rows = await (
        await connection.execute(
            "SELECT c.relname, pg_table_is_visible(c.oid), n.nspname FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND c.relname = ANY(%s)"
            " AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'",
            [list(_ASKAR_TABLES)],
        )
    ).fetchall()
    ours = {name for name, is_visible, _ in rows if is_visible}
    if ours == set(_ASKAR_TABLES):
        return True
    if ours:
        raise ConfigurationError(
            f"the database {address} has tables of another program ({', '.join(sorted(ours))})",
            hint="give the agent a database of its own: [store] url",
        )
    for schema in {schema for _, is_visible, schema in rows if not is_visible}:
        if {name for name, _, owner in rows if owner == schema} == set(_ASKAR_TABLES):
            raise ConfigurationError(
                f"the database {address} has a store already, made by the database user {schema!r}",
                hint=f"[store] url names {address.user!r}: name that user, or give the agent a database of its own",
            )
    allowed = await (await connection.execute("SELECT has_database_privilege(current_database(), 'CREATE')")).fetchone()
    if not (allowed and allowed[0]):
        raise ConfigurationError(
            f"the database user {address.user!r} may not make tables in {address}",
            hint=f'as its owner run: GRANT CREATE ON DATABASE "{address.database}" TO "{address.user}"',
        )
    return False


async def _refuse_half_copied(config: AgentConfig, store: Store) -> None:
    if HALF_COPIED in await store.list_profiles():
        raise half_copied(str(config.store.address))


def half_copied(where: str) -> ConfigurationError:
    """Return the error of a store whose move did not come to its end."""
    return ConfigurationError(
        f"the store {where} was only half copied",
        hint="run `wanderbuch store move`, or `wanderbuch restore`, again; or go on with the store that was copied",
    )


async def _own(config: AgentConfig, store: Store) -> None:
    """Write down whose store it is, or refuse another agent's."""
    who = {"role": config.role, "host": config.public.host, "path": config.public.path}
    async with store.transaction() as transaction:
        identity = await transaction.fetch(*_IDENTITY)
        if identity is None:
            await transaction.insert(*_IDENTITY, json.dumps(who))
            await transaction.commit()
            return
        owner = {**who, **json.loads(identity.value)}
    if owner != who:
        raise ConfigurationError(
            f"the store {config.store.address} belongs to the {owner['role']} of {owner['host']}/{owner['path']},"
            f" and this is the {who['role']} of {who['host']}/{who['path']}",
            hint="set role, [public] host and path as they were, or give each agent a database of its own: [store] url",
        )


def _why_not_connected(config: AgentConfig, text: str) -> WanderbuchError:
    """Return in one line why there is no connection."""
    address = config.store.address
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    message = next((line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line), None)
    if message is None and _TLS.search(text):
        return ConfigurationError(
            f"no TLS connection to PostgreSQL at {address.place}: {_reason(lines[0]) if lines else 'no reason given'}",
            hint="[store] ca_file must hold the authority of the server's certificate, and url the name in it",
        )
    if message is None or _PASSING.search(message):
        reason = message or (_reason(lines[0]) if lines else "no answer")
        return StoreUnreachableError(
            f"PostgreSQL at {address.place} cannot be reached: {reason}",
            hint="check that it runs and takes connections from here, and [store] url",
        )
    if "password" in message:
        return ConfigurationError(
            f"PostgreSQL at {address.place} refuses the password of the user {address.user!r}",
            hint="put the right one into [store] password_file (or WANDERBUCH_STORE_PASSWORD)",
        )
    if "does not exist" in message and address.database in message:
        return ConfigurationError(
            f"PostgreSQL at {address.place} has no database {address.database!r}",
            hint=f"make it: createdb --owner={address.user} {address.database}",
        )
    return ConfigurationError(
        f"PostgreSQL at {address.place} does not let the user {address.user!r} in: {message}",
        hint="check its pg_hba.conf, and [store] url",
    )


def _why_not_opened(config: AgentConfig, err: AskarError) -> WanderbuchError:
    address = config.store.address
    if err.code == AskarErrorCode.ENCRYPTION:
        return ConfigurationError(
            f"the store {address} was made with another key",
            hint="set [wallet] key_file (or WANDERBUCH_WALLET_KEY) to the key it was made with; nothing was changed",
        )
    if err.code == AskarErrorCode.UNSUPPORTED:
        return StoreVersionError(
            f"the store {address} was made by another version of Askar, and this one cannot read it",
            hint="run the version of Wanderbuch that made it, or restore a backup of its own; nothing was changed",
        )
    reason = str(err).splitlines()[-1].removeprefix("Caused by: ")
    return StoreUnreachableError(f"the store {address} cannot be opened: {reason}", hint="look at the server's log")


def _reason(line: str) -> str:
    """Return what libpq says without the address, which we say ourselves."""
    return line.rpartition("failed: ")[2] or line


def _key(config: AgentConfig) -> str:
    return config.wallet_key.get_secret_value()


def _password(config: AgentConfig) -> str:
    if config.store_password is None:
        raise ConfigurationError(
            "there is no store password", hint="set WANDERBUCH_STORE_PASSWORD, or [store] password_file"
        )
    return config.store_password.get_secret_value()
