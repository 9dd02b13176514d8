"""Agents of ours that wallets and agents of others meet: one town for the modules that `tests/shared_town.py` names."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.interop.ecosystem import Ecosystem, running_ecosystem
from tests.interop.stock_acapy import lay_out
from tests.shared_town import RUNNING

from wanderbuch.agents.machine import LocalMachine

MEDIATOR = "mediator.wanderbuch.test"
MEDIATOR_OF_TWO = "mediators.wanderbuch.test"
MEDIATOR_OF_PAGES = "pages.wanderbuch.test"


def add_mediators(machine: LocalMachine) -> None:
    """Lay out the mediators; the module that needs one starts it."""
    machine.add("mediator", "Mediator", MEDIATOR)
    machine.add("mediator", "Mediator of two processes", MEDIATOR_OF_TWO, processes=2)
    hosts = ["authority.wanderbuch.test", "centre.wanderbuch.test", "shipyard.wanderbuch.test"]
    egress = {"egress": True, "egress_hosts": hosts}
    machine.add("mediator", "Mediator of pages", MEDIATOR_OF_PAGES, mediator=egress)


@pytest.fixture(scope="session")
def ministry() -> tuple[str, int]:
    """Name and port of a stock ACA-Py, which its module starts."""
    return lay_out("ministry")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_ecosystem(
    ministry: tuple[str, int], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ecosystem]:
    """Everybody; a module may restart them, and leaves them running."""
    folder = tmp_path_factory.mktemp("ecosystem")
    async with running_ecosystem(folder, worker=True, others=[ministry], further=add_mediators) as running:
        RUNNING["shared_ecosystem"] = running.machine
        yield running


@pytest.fixture(scope="session")
def ecosystem(shared_ecosystem: Ecosystem) -> Ecosystem:
    """The same, by the name of its kind."""
    return shared_ecosystem
