"""A stock Credo wallet takes and proves while its mediator is killed again and again, at any moment.

The person does what a person does: what the app could not do they do once more. Nothing may be lost that was taken: the
offer, the credential, the question and the notice come in the end. A round has four kills, one at a random moment of
each step: over many rounds one comes between any two messages. WANDERBUCH_SOAK_KILLS sets another number of kills.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.interop.credo_wallet import CredoError, CredoWallet
from tests.interop.ecosystem import Ecosystem, running_ecosystem

from wanderbuch.agents.machine import AgentHandle, LocalMachine

ROUNDS = max(1, int(os.environ.get("WANDERBUCH_SOAK_KILLS") or 60) // 4)
HOST = "mediator.wanderbuch.test"
STEP_S = 180.0  # in which the whole of a step comes, with a kill in it and the sweeps of a minute
MOMENT_S = 2.5
AGAIN_S = 15.0

pytestmark = pytest.mark.needs("node", "compiler")


def add_mediator(machine: LocalMachine) -> None:
    machine.add("mediator", "Mediator", HOST)


@pytest.fixture
async def ecosystem(tmp_path: Path) -> AsyncIterator[Ecosystem]:
    async with running_ecosystem(tmp_path / "ecosystem", further=add_mediator) as running:
        (mediator,) = [agent for agent in running.machine.agents if agent.host == HOST]
        await mediator.start()
        yield running


async def patiently[T](act: Callable[[], Awaitable[T]], failed: Counter[str]) -> T:
    """Act, and once more where the app says that it could not."""
    async with asyncio.timeout(STEP_S):
        while True:
            try:
                return await act()
            except CredoError as err:
                failed[str(err).split(",", 1)[0][:60]] += 1
                await asyncio.sleep(1)


class Kills:
    """Kills the mediator once within each step, at a random moment, and starts it again."""

    def __init__(self, mediator: AgentHandle, rng: random.Random) -> None:
        self._mediator = mediator
        self._rng = rng
        self.count = 0

    async def during[T](self, step: Awaitable[T]) -> T:
        """Have a step done while the mediator is killed."""

        async def kill() -> None:
            await asyncio.sleep(self._rng.uniform(0, MOMENT_S))
            await self._mediator.kill()
            self.count += 1
            await self._mediator.start()

        done, _ = await asyncio.gather(step, kill())
        return done


async def test_nothing_is_lost_whenever_the_mediator_is_killed(
    ecosystem: Ecosystem, tmp_path: Path, rng: random.Random, tell: Callable[[str], None]
) -> None:
    (mediator,) = [agent for agent in ecosystem.machine.agents if agent.host == HOST]
    kills, failed = Kills(mediator, rng), Counter[str]()
    invitation = {"invitation": f"https://{HOST}/mediator", "pickup": "PickUpV2LiveMode"}
    for number in range(ROUNDS):
        async with ecosystem.wallet(tmp_path / f"wallet-{number}", mediator=invitation) as wallet:
            issued = await kills.during(_take(ecosystem, wallet, failed))
            for _ in range(2):
                await kills.during(_prove(ecosystem, wallet, failed))
            await kills.during(_hear(ecosystem, wallet, issued))
            await wallet.has_all(timeout_s=STEP_S)
    tell(f"{kills.count} kills in {ROUNDS} rounds; the app said: {dict(failed)}")


async def _take(ecosystem: Ecosystem, wallet: CredoWallet, failed: Counter[str]) -> str:
    """Take a credential; an offer whose handshake was cut off is scanned anew."""

    async def take() -> str:
        offer = await ecosystem.offer(deadline_s=3600)
        invitation = await wallet.receive(offer["short_url"])
        offered = await wallet.until(
            lambda seen: (
                seen.kind == "credential"
                and seen.state == "offer-received"
                and seen.connection_id == invitation.connection_id
            ),
            timeout_s=AGAIN_S + 60,
        )
        await wallet.do("accept_offer", id=offered.id)
        await wallet.reached(offered, "done", timeout_s=STEP_S)
        return str(offer["id"])

    return await patiently(take, failed)


async def _prove(ecosystem: Ecosystem, wallet: CredoWallet, failed: Counter[str]) -> None:
    async def prove() -> None:
        request = await ecosystem.ask(min_eqf_level=3, deadline_s=3600)
        received = await wallet.request_of(await wallet.receive(request["short_url"]))
        await wallet.answer(received)
        assert (await ecosystem.outcome(request, timeout_s=STEP_S))["decision"]["verdict"] == "TRUSTED"

    await patiently(prove, failed)


async def _hear(ecosystem: Ecosystem, wallet: CredoWallet, offer_id: str) -> None:
    assert (await ecosystem.centre.post(f"/credentials/{offer_id}/revoke"))["published"]
    await wallet.until(lambda seen: seen.kind == "revocation", timeout_s=STEP_S)
