"""Two processes' view of one store on a real PostgreSQL, in one process: each with connections and tables of its own.

@pytest.fixture
async def two(agent_config: AgentConfig, database: Database) -> AsyncIterator[Two]:
    async with two_processes(agent_config, database) as opened:
        yield opened
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.event_bus import EventBus
from acapy_agent.wallet.did_method import DIDMethods
from acapy_agent.wallet.key_type import KeyTypes
from pydantic import SecretStr
from tests.askar_answers import all_answered
from tests.postgresql import Database

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import StoreConfig
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager, WalletProfile
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.store.tables import bind_tables, open_tables, tables_of


@dataclass(frozen=True)
class Two:
    """The default tenant's profile, as each of two processes has it open."""

    first: WalletProfile
    second: WalletProfile

    async def end_leases(self) -> None:
        """Let the time pass that a sleeping owner of a lease does not notice."""
        await tables_of(self.second).engine.run("UPDATE lease SET until = store_now() - 1")


@asynccontextmanager
async def two_processes(config: AgentConfig, database: Database) -> AsyncIterator[Two]:
    """Open a store twice."""
    shared = config.model_copy(
        update={"store": StoreConfig(url=database.url), "store_password": SecretStr(database.password)}
    )
    async with AsyncExitStack() as opened:
        opened.push_async_callback(all_answered)
        yield Two(await _process(shared, opened), await _process(shared, opened))


async def _process(config: AgentConfig, opened: AsyncExitStack) -> WalletProfile:
    manager = WalletManager(config, StoreGuard(lambda _: None))
    profile = await manager.open(InjectionContext(settings={"ledger.disabled": True}), {})
    await manager.started()
    assert isinstance(profile, WalletProfile)
    opened.push_async_callback(profile.close)
    tables = await open_tables(await open_engine(config), profile)
    opened.push_async_callback(tables.close)
    bind_tables(profile, tables)
    for kind in (DIDMethods, KeyTypes, EventBus):
        profile.context.injector.bind_instance(kind, kind())
    return profile
