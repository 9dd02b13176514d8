"""A task that is cancelled in the middle of a call to the wallet store ends, and leaves nothing open."""

import asyncio
from collections import Counter

import pytest
from acapy_agent.config.injection_context import InjectionContext
from pydantic import SecretStr
from tests.askar_answers import all_answered
from tests.postgresql import ENGINES, Database

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import StoreConfig
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager, WalletProfile
from wanderbuch.store.entries import fetch_entries


async def opened(config: AgentConfig) -> WalletProfile:
    manager = WalletManager(config, StoreGuard(lambda _: None))
    profile = await manager.open(InjectionContext(settings={"ledger.disabled": True}), {})
    await manager.started()
    assert isinstance(profile, WalletProfile)
    return profile


@pytest.fixture(params=ENGINES)
def config(request: pytest.FixtureRequest, agent_config: AgentConfig) -> AgentConfig:
    if request.param == "sqlite":
        return agent_config
    database: Database = request.getfixturevalue("database")
    return agent_config.model_copy(
        update={"store": StoreConfig(url=database.url), "store_password": SecretStr(database.password)}
    )


@pytest.mark.parametrize("is_transaction", [True, False])
async def test_the_cancellation_is_what_it_ends_with(config: AgentConfig, is_transaction: bool) -> None:
    """Else a deadline looks like a failure of the store, and a loop that goes on after failures never ends."""
    wallet = await opened(config)
    ends: Counter[str] = Counter()
    for number in range(60):

        async def work(number: int = number) -> None:
            async with wallet.transaction() if is_transaction else wallet.session() as session:
                for index in range(50):
                    await session.handle.insert("note", f"{number}-{index}", b"x")
                if is_transaction:
                    await session.commit()

        task = asyncio.create_task(work())
        await asyncio.sleep(0.002 + 0.0003 * (number % 20))
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        ends[type(ended).__name__] += 1
    assert set(ends) <= {"CancelledError", "NoneType"}
    assert ends["CancelledError"] > 0
    async with asyncio.timeout(60), wallet.transaction() as session:
        await session.handle.insert("note", "after", b"x")
        await session.commit()
    await wallet.close()
    await all_answered()


async def test_a_deadline_is_told_as_one(config: AgentConfig) -> None:
    wallet = await opened(config)

    async def read_on() -> None:
        async with wallet.session() as session:
            while True:
                await fetch_entries(session, "note")

    for number in range(20):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(read_on(), 0.003 + 0.0002 * number)
    await wallet.close()
    await all_answered()


async def test_a_store_is_closed_once_whoever_else_asks_and_whoever_is_cancelled(config: AgentConfig) -> None:
    """Else the second one is told of an invalid handle, and what was cut is neither open nor closed."""
    wallet = await opened(config)
    async with wallet.session() as session:  # one that is kept open for who comes next
        await session.handle.insert("note", "name", b"x")
    closing = [asyncio.create_task(wallet.close()) for _ in range(3)]
    await asyncio.sleep(0)
    closing[0].cancel()
    ends = await asyncio.gather(*closing, return_exceptions=True)
    assert [type(end).__name__ for end in ends] == ["CancelledError", "NoneType", "NoneType"]
    again = await opened(config)
    async with again.session() as session:
        assert (await session.handle.fetch("note", "name")).value == b"x"
    await again.close()
