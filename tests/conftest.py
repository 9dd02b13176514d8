"""What tests of every kind share: agents of one machine, and a real wallet."""

import gc
import os
import signal
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from acapy_agent.config.injection_context import InjectionContext
from hypothesis.internal.conjecture import providers
from tests.askar_answers import all_answered
from tests.divided_imports import import_own_share
from tests.first_store import config_in, database_with_store, first_store  # noqa: F401 (fixtures for all)
from tests.issuer_keys import choose_length, keep_issuer_keys
from tests.memory_folder import use_memory
from tests.needs import skip_what_cannot_run
from tests.objects import bucket, object_store  # noqa: F401 (fixtures for all)
from tests.postgresql import database, postgresql_server  # noqa: F401 (fixtures for all)
from tests.prepared import share_prepared, start_prepared
from tests.processes import processes  # noqa: F401
from tests.session_fixtures import refuse_copies
from tests.shared_town import OneWorkerForATown, leave_town, order_modules, shared_town  # noqa: F401
from tests.small_pages import want_small_pages
from tests.thorough import examples, leave_to_soak
from tests.tiers import mark_system, refuse_divided_towns

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.native_tasks import use_native_tasks
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager, WalletProfile

os.umask(0o077)  # as in every process of ours: tests write keys too, and keys that others can read are refused

# Whoever started the tests may ignore these (nohup, a shell's &), and what tests start would, too. A handler here
# is not inherited: children begin as from a terminal.
for _number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)

# Tasks in C, and one thread for Askar's and AnonCreds' calls, as in every agent: others take half as long again.
use_native_tasks()
os.environ.setdefault("TOKIO_WORKER_THREADS", "1")

# What an agent that runs looks through for garbage, and when.
_COLLECTING = (10_000, 10, 20)

# Examples do not depend on which of our modules are loaded: Hypothesis would read all of them for their constants, in
# each process, and draw otherwise in a run of one file than in one of all.
providers._get_local_constants = lambda: providers._local_constants

# The same examples in each run, and no limit of time for one: a machine may be busy, and what failed must fail again.
hypothesis.settings.register_profile(
    "wanderbuch",
    deadline=None,
    derandomize=True,
    max_examples=examples(100),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("wanderbuch")


def pytest_configure(config: pytest.Config) -> None:
    """Say where temporary folders are made, before the first is, and what all processes of tests share."""
    use_memory(config)
    keep_issuer_keys(config)
    want_small_pages(config)
    share_prepared(config)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Look for no garbage while tests are collected: nothing is, and what is there stays to the end."""
    gc.disable()
    try:
        import_own_share(session.config)
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(*_COLLECTING)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Say of each test which of `make test` and `make system` it belongs to."""
    mark_system(item)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to `make soak` what is its; skip what this machine lacks something for; order who shares a town."""
    leave_to_soak(config, items)
    refuse_copies(items)
    refuse_divided_towns(items)
    skip_what_cannot_run(items)
    order_modules(items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let issuers have keys as this test needs them."""
    choose_length(item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Let a town end with its last test."""
    try:
        return (yield)
    finally:
        leave_town(item, nextitem)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneWorkerForATown | None:
    """Give files to workers, where they are to be given by file."""
    return OneWorkerForATown(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[LocalMachine]:
    """An empty machine; its agents are stopped at the end."""
    made = LocalMachine(tmp_path / "machine", start_child=start_prepared)
    yield made
    await made.stop()


@pytest.fixture
def agent_config(tmp_path: Path) -> AgentConfig:
    """The configuration of an agent that is never started; its wallet lies in the test's folder."""
    return config_in(tmp_path)


@pytest.fixture
async def wallet(agent_config: AgentConfig) -> AsyncIterator[WalletProfile]:
    """A real, empty wallet store as agents open it."""
    manager = WalletManager(agent_config, StoreGuard(lambda _: None))
    profile = await manager.open(InjectionContext(settings={"ledger.disabled": True}), {})
    yield profile
    await profile.close()
    await all_answered()
