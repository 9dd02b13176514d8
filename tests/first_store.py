"""A database in which the agent of `agent_config` has a store already, as after its first start.

    def test_x(database_with_store: Database, agent_config: AgentConfig) -> None: ...

To make the tables of a store takes longer than most tests of what is in them. So it is made once in a process of tests,
and copied. What a first start makes is tested on `database`, which is empty.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from typing import Any

import base58
import pytest
from psycopg import sql
from pydantic import SecretStr
from tests.postgresql import Database, PostgresServer
from tests.two_processes import two_processes

from wanderbuch.agents.machine.postgresql import KNOWS_STRATEGIES
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import Address, AppConfig, PublicConfig, WalletConfig
from wanderbuch.agents.runtime.role_settings import NoSettings

__all__ = ["config_in", "copy_of", "database_with_store", "drop_copy", "first_store", "made_once"]


def config_in(folder: Path) -> AgentConfig:
    """Return the configuration of an agent that is never started; its wallet lies in a folder."""
    here = Address(host="127.0.0.1", port=1)
    return AgentConfig(
        role="tiny",
        name="Tiny",
        data=folder / "data",
        public=PublicConfig(
            host="tiny.wanderbuch.test", listen=here, tls_certificate=folder / "crt", tls_key=folder / "key"
        ),
        app=AppConfig(listen=here),
        wallet=WalletConfig(busy_timeout_ms=20_000, max_connections=24),  # opened again and again
        role_settings=NoSettings(),
        app_token=SecretStr("t" * 32),
        wallet_key=SecretStr(base58.b58encode(bytes(range(32))).decode()),
    )


@pytest.fixture(scope="session")
def first_store(postgresql_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Database:
    """The one that is copied; nobody may be connected to it."""

    async def start(made: Database) -> None:
        async with two_processes(config_in(tmp_path_factory.mktemp("first")), made):
            pass

    return made_once(postgresql_server, start)


def made_once(server: PostgresServer, fill: Callable[[Database], Coroutine[Any, Any, None]]) -> Database:
    """Return a database that was filled, and that nobody is connected to."""
    made = server.create_database()
    with ThreadPoolExecutor(1) as thread:  # whoever asks for it first may be a coroutine
        thread.submit(lambda: asyncio.run(fill(made))).result()
    ended = sql.SQL("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = {}")
    server.admin(ended.format(sql.Literal(made.name)))
    return made


def copy_of(server: PostgresServer, store: Database) -> Database:
    """Return a copy of a database that nobody is connected to, with the same owner."""
    made = replace(store, name=f"wb_{token_hex(6)}")
    names = map(sql.Identifier, (made.name, store.user, store.name))
    with server._superuser() as connection:
        copied = sql.SQL("STRATEGY FILE_COPY" if connection.info.server_version >= KNOWS_STRATEGIES else "")
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} {}").format(*names, copied))
    return made


def drop_copy(server: PostgresServer, made: Database) -> None:
    """Remove a copy, whoever is connected; its owner has others."""
    server.admin(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(made.name)))


@pytest.fixture
def database_with_store(postgresql_server: PostgresServer, first_store: Database) -> Iterator[Database]:
    """A database with a store that nobody has used; removed at the end."""
    made = copy_of(postgresql_server, first_store)
    yield made
    drop_copy(postgresql_server, made)
