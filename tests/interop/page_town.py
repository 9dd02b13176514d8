"""A worker's phone in Chromium, among real agents: authority, centre, employer, mediator, wallet host."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from playwright.async_api import Browser, async_playwright
from tests.browser.conftest import ARGUMENTS
from tests.interop.asked_paths import AskedPaths
from tests.interop.ecosystem import Ecosystem, running_ecosystem
from tests.interop.phone_line import PhoneLine
from tests.needs import chromium_program

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.certificates import trusted_by_chromium

MEDIATOR: Final = "mediator.wanderbuch.test"
WALLET: Final = "wallet.wanderbuch.test"
OTHERS: Final = ["authority.wanderbuch.test", "centre.wanderbuch.test", "shipyard.wanderbuch.test"]


@dataclass(frozen=True)
class PageTown:
    """The agents, and a browser that finds them by their names.

    Args:
        url: of the wallet.
        line: of all phones.
    """

    ecosystem: Ecosystem
    host: AgentHandle
    mediator: AgentHandle
    browser: Browser
    url: str
    line: PhoneLine


def _add(machine: LocalMachine) -> None:
    mediator = machine.add("mediator", "Mediator", MEDIATOR)
    mediator.configure(mediator={"egress": True, "egress_hosts": OTHERS})
    machine.add("wallet_host", "Wallets of Lanka (example)", WALLET)


@asynccontextmanager
async def page_town(
    folder: Path,
    *,
    worker: bool = False,
    authority_options: Mapping[str, object] = MappingProxyType({}),
    authority_body_bytes: int | None = None,
    asked: AskedPaths | None = None,
    program: Path | None = None,
) -> AsyncIterator[PageTown]:
    """Start everybody, and a browser that trusts the machine's names.

    Args:
        folder: where everything is written.
        worker: whether there is a holder's agent, too.
        authority_options: further ones of the authority's table.
        authority_body_bytes: how large a governance file may be handed to it, other than by default.
        asked: counts what the mediator fetches for wallets.
        program: the browser; by default `chromium_program`.
    """

    def further(machine: LocalMachine) -> None:
        _add(machine)
        if authority_body_bytes is not None:
            authority = next(agent for agent in machine.agents if agent.role == "authority")
            authority.configure(app={"max_body_bytes": authority_body_bytes})

    async with running_ecosystem(
        folder, worker=worker, further=further, authority_options=authority_options
    ) as ecosystem:
        handles = {agent.host: agent for agent in ecosystem.machine.agents}
        mediator, host = handles[MEDIATOR], handles[WALLET]
        view = await ecosystem.authority.get("/identity")
        host.configure(
            governance={"url": view["governance_url"], "author": view["did"]},
            wallet_host={"mediator": f"https://{MEDIATOR}/mediator"},
        )
        line = PhoneLine()
        async with AsyncExitStack() as lines, async_playwright() as playwright:
            if asked is not None:
                others = [handles[name] for name in OTHERS]
                counted = await lines.enter_async_context(asked.before(ecosystem.machine, others))
                mediator.configure(network={"connect": counted})
            await mediator.start()
            await host.start()
            ends = {
                server.host: await lines.enter_async_context(line.to(server.host, server.target))
                for server in (mediator, host)
            }
            rules = ",".join(f"MAP {name}:443 {end}" for name, end in ends.items())
            trusted = trusted_by_chromium(server.folder / "public.crt" for server in (mediator, host))
            browser = await playwright.chromium.launch(
                executable_path=program or chromium_program(),
                args=[*ARGUMENTS, f"--host-resolver-rules={rules}", trusted],
            )
            try:
                yield PageTown(ecosystem, host, mediator, browser, f"https://{WALLET}", line)
            finally:
                await browser.close()
