"""An inviter and a wallet, on each engine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.first_store import copy_of, drop_copy
from tests.postgresql import ENGINES, Database
from tests.unit.exchange.connecting.ends import End
from tests.unit.power import power

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import StoreConfig, WalletConfig

__all__ = ["power"]

SMALL = WalletConfig(busy_timeout_ms=20_000, max_connections=8)  # opened again and again


def shared(config: AgentConfig, database: Database) -> AgentConfig:
    password = SecretStr(database.password)
    return config.model_copy(update={"store": StoreConfig(url=database.url), "store_password": password})


@pytest.fixture(params=ENGINES)
async def ends(
    request: pytest.FixtureRequest, agent_config: AgentConfig, tmp_path: Path
) -> AsyncIterator[tuple[End, End]]:
    made: list[End] = []
    databases: list[Database] = []
    for name in ("inviter", "wallet"):
        config = agent_config.model_copy(update={"data": tmp_path / name, "wallet": SMALL})
        if request.param != "sqlite":
            store = request.getfixturevalue("first_store")
            databases.append(copy_of(request.getfixturevalue("postgresql_server"), store))
            config = shared(config, databases[-1])
        made.append(End(config, name))
        await made[-1].start()
    yield made[0], made[1]
    for end in made:
        await end.stop()
    for database in databases:
        drop_copy(request.getfixturevalue("postgresql_server"), database)
