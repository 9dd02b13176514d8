"""A stock Credo wallet connects with our mediator, is granted mediation and gets an offer, while the mediator is killed
at each message in turn: before it has it, and before its answer is there.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.interop.credo_wallet import CredoError
from tests.interop.ecosystem import Ecosystem, running_ecosystem
from tests.soak.cutting_relay import CuttingRelay

from wanderbuch.agents.machine import LocalMachine

pytestmark = pytest.mark.needs("node", "compiler")

HOST = "mediator.wanderbuch.test"
MEDIATOR = {"invitation": f"https://{HOST}/mediator", "pickup": "PickUpV2LiveMode"}
OPENED = 3
"""So often a person opens an app that shows an error."""
EMPTY = 3
"""The messages up to the grant: request, complete, mediate-request. Credo 0.6.3 sends none of them a second time: it
waits for the answer (`returnWhenIsConnected`), or takes mediation that it asked for as granted, and asks the mediator
nothing any more. Nobody knows the wallet then, so there is nothing in it, and its person sets it up anew."""


async def gets_an_offer(ecosystem: Ecosystem, folder: Path) -> int | None:
    """Return how often the app was opened until an offer came; None: it never came."""
    for opened in range(1, OPENED + 1):
        try:
            async with ecosystem.wallet(folder, mediator=MEDIATOR) as wallet:
                offer = await ecosystem.offer()
                await wallet.offer_of(await wallet.receive(offer["short_url"]))
        except CredoError:
            continue
        return opened
    return None


async def test_every_message_of_connecting_may_be_the_mediators_last(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    def add(machine: LocalMachine) -> None:
        machine.add("mediator", "Mediator", HOST)

    async with running_ecosystem(tmp_path / "ecosystem", further=add) as ecosystem:
        (mediator,) = [agent for agent in ecosystem.machine.agents if agent.host == HOST]
        await mediator.start()
        relay = CuttingRelay(ecosystem.machine, mediator)
        await relay.open()
        outcomes: dict[tuple[str, int], int | None] = {}
        try:
            for after in (False, True):
                for number in range(1, 40):
                    relay.cut_at(number, after=after)
                    opened = await gets_an_offer(ecosystem, tmp_path / f"wallet-{number}-{after}")
                    if not relay.has_cut:
                        break
                    outcomes["after" if after else "before", number] = opened
        finally:
            relay.leave()
        try:
            assert await gets_an_offer(ecosystem, tmp_path / "anew") == 1
        finally:
            await relay.close()
    tell(f"{len(outcomes)} power cuts; opened again: { {name: n for name, n in outcomes.items() if n != 1} }")
    assert len(outcomes) > 6
    assert [at for at, opened in outcomes.items() if opened is None and at[1] > EMPTY] == []
