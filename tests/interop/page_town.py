"""A worker's phone in Chromium, among real agents: authority, centre, employer, mediator, wallet host."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, async_playwright
from tests.browser.conftest import ARGUMENTS
from tests.interop.ecosystem import Ecosystem, running_ecosystem
from tests.needs import chromium_program

from wanderbuch.agents.machine import AgentHandle, LocalMachine

MEDIATOR: Final = "mediator.wanderbuch.test"
WALLET: Final = "wallet.wanderbuch.test"
OTHERS: Final = ["authority.wanderbuch.test", "centre.wanderbuch.test", "shipyard.wanderbuch.test"]


@dataclass(frozen=True)
class PageTown:
    """The agents, and a browser that finds them by their names.

    Args:
        url: of the wallet.
    """

    ecosystem: Ecosystem
    host: AgentHandle
    mediator: AgentHandle
    browser: Browser
    url: str


def _add(machine: LocalMachine) -> None:
    mediator = machine.add("mediator", "Mediator", MEDIATOR)
    mediator.configure(mediator={"egress": True, "egress_hosts": OTHERS})
    machine.add("wallet_host", "Wallets of Lanka (example)", WALLET)


@asynccontextmanager
async def page_town(folder: Path) -> AsyncIterator[PageTown]:
    """Start everybody, and a browser that trusts the machine's names."""
    async with running_ecosystem(folder, further=_add) as ecosystem:
        handles = {agent.host: agent for agent in ecosystem.machine.agents}
        mediator, host = handles[MEDIATOR], handles[WALLET]
        view = await ecosystem.authority.get("/identity")
        host.configure(
            governance={"url": view["governance_url"], "author": view["did"]},
            wallet_host={"mediator": f"https://{MEDIATOR}/mediator"},
        )
        await mediator.start()
        await host.start()
        rules = ",".join(f"MAP {each.host}:443 {each.target}" for each in (mediator, host))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium_program(), args=[*ARGUMENTS, f"--host-resolver-rules={rules}"]
            )
            try:
                yield PageTown(ecosystem, host, mediator, browser, f"https://{WALLET}")
            finally:
                await browser.close()
