"""A store of records as a process opens it: Askar and the plain tables, on either engine."""

from dataclasses import dataclass, field

from acapy_agent.config.injection_context import InjectionContext
from pydantic import SecretStr
from tests.postgresql import Database

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import StoreConfig
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager, WalletProfile
from wanderbuch.store.postgresql import open_postgresql
from wanderbuch.store.sqlite import open_sqlite
from wanderbuch.store.tables import Tables, bind_tables, open_tables


@dataclass
class Processes:
    """Opens one store as one process after the other does; on PostgreSQL also beside another."""

    config: AgentConfig
    database: Database | None
    opened: list[tuple[WalletProfile, Tables]] = field(default_factory=list)

    async def another(self) -> WalletProfile:
        config = self.config
        if self.database is not None:
            config = config.model_copy(
                update={
                    "store": StoreConfig(url=self.database.url),
                    "store_password": SecretStr(self.database.password),
                }
            )
        manager = WalletManager(config, StoreGuard(lambda _: None))
        profile = await manager.open(InjectionContext(settings={"ledger.disabled": True}), {})
        assert isinstance(profile, WalletProfile)
        await manager.started()
        if self.database is None:
            engine = open_sqlite(config.data / "index" / "index.db")
        else:
            engine = await open_postgresql(self.database.dsn, connections=4)
        tables = await open_tables(engine, profile)
        bind_tables(profile, tables)
        self.opened.append((profile, tables))
        return profile

    async def end(self) -> None:
        """End all processes."""
        while self.opened:
            profile, tables = self.opened.pop()
            await tables.close()
            await profile.close()
