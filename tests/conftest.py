"""What tests of every kind share: agents of one machine, and a real wallet."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import base58
import pytest
from acapy_agent.config.injection_context import InjectionContext
from pydantic import SecretStr
from tests.needs import skip_what_cannot_run
from tests.postgresql import database, postgresql_server  # noqa: F401 (fixtures for all)
from tests.processes import processes  # noqa: F401

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.runtime.config import Address, AgentConfig, AppConfig, PublicConfig, WalletConfig
from wanderbuch.agents.runtime.role import NoSettings
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager, WalletProfile

os.umask(0o077)  # as in every process of ours: tests write keys too, and keys that others can read are refused


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine lacks something for."""
    skip_what_cannot_run(items)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[LocalMachine]:
    """An empty machine; its agents are stopped at the end."""
    made = LocalMachine(tmp_path / "machine")
    yield made
    await made.stop()


@pytest.fixture
def agent_config(tmp_path: Path) -> AgentConfig:
    """The configuration of an agent that is never started; its wallet lies in the test's folder."""
    here = Address(host="127.0.0.1", port=1)
    return AgentConfig(
        role="tiny",
        name="Tiny",
        data=tmp_path / "data",
        public=PublicConfig(
            host="tiny.wanderbuch.test", listen=here, tls_certificate=tmp_path / "crt", tls_key=tmp_path / "key"
        ),
        app=AppConfig(listen=here),
        wallet=WalletConfig(busy_timeout_ms=20_000, max_connections=32),
        role_settings=NoSettings(),
        app_token=SecretStr("t" * 32),
        wallet_key=SecretStr(base58.b58encode(bytes(range(32))).decode()),
    )


@pytest.fixture
async def wallet(agent_config: AgentConfig) -> AsyncIterator[WalletProfile]:
    """A real, empty wallet store as agents open it."""
    manager = WalletManager(agent_config, StoreGuard(lambda _: None))
    profile = await manager.open(InjectionContext(settings={"ledger.disabled": True}), {})
    yield profile
    await profile.close()
