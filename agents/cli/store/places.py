"""A store that a command opens: found, locked against its agent, and closed again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from acapy_agent.config.injection_context import InjectionContext

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.store import DataLock, OpenWallet, StoreGuard, WalletManager, WalletProfile
from wanderbuch.agents.runtime.store_postgresql import StartingLock, has_store
from wanderbuch.errors import ConfigurationError

_OTHERS = (
    "SELECT count(DISTINCT client_port) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)

_ENDING_S: Final = 3.0
"""So long PostgreSQL may show connections of a process that has just ended."""

_PAUSE_S: Final = 0.2


def place_of(config: AgentConfig) -> str:
    """Return where the store of an agent is, for people."""
    return str(config.store.address) if config.store.is_shared else str(config.wallet_file.parent)


@asynccontextmanager
async def opened_store(config: AgentConfig, *, alone: bool) -> AsyncIterator[WalletProfile]:
    """Open the store of an agent, which must be there.

    Args:
        config: the agent's.
        alone: no process of the agent may use it, or start to, until it is closed. On SQLite that is always so.

    Raises:
        ConfigurationError: there is none, it is not ours, or it is used.
        StoreUnreachableError: it does not answer.
    """
    async with AsyncExitStack() as stack:
        manager = WalletManager(config, StoreGuard(lambda _: None))
        await locked(stack, config, manager.starting, alone=alone)
        if manager.starting is None:
            is_there = config.wallet_file.exists()
        else:
            is_there = await has_store(config, await manager.starting.take())
        if not is_there:
            raise ConfigurationError(f"there is no store at {place_of(config)}", hint="check [store] url and data")
        profile = await manager.open(InjectionContext(settings={"ledger.disabled": True}), {})
        stack.push_async_callback(profile.close)
        if not alone:
            await manager.started()
        yield profile


async def locked(stack: AsyncExitStack, config: AgentConfig, starting: StartingLock | None, *, alone: bool) -> None:
    """Hold a place until the stack ends.

    Args:
        stack: gives it back.
        config: of the place.
        starting: the lock of a PostgreSQL; None for SQLite.
        alone: refuse it while somebody is connected.

    Raises:
        ConfigurationError: somebody uses it.
    """
    if starting is None:
        stack.callback(DataLock(config.data).release)
        return
    connection = await starting.take()
    stack.push_async_callback(starting.release)
    end = asyncio.get_running_loop().time() + _ENDING_S
    while alone and (row := await (await connection.execute(_OTHERS)).fetchone()) and row[0]:
        if asyncio.get_running_loop().time() > end:
            raise ConfigurationError(
                f"the database {place_of(config)} is in use: {row[0]} connections",
                hint="stop every process of the agent, and whatever else is connected",
            )
        await asyncio.sleep(_PAUSE_S)


async def profile_names(opened: OpenWallet) -> dict[str, str | None]:
    """Return the tenants of a store: Askar's name of each profile, and what it is opened by (None: the default one)."""
    default = await opened.store.get_default_profile()
    names = sorted(await opened.store.list_profiles())
    return {name: None if name == default else name for name in names}
