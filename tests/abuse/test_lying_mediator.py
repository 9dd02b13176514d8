"""A mediator that lies to a wallet in the page, with real agents: it can keep things from it, and nothing else.

It is `rogues/lying_mediator.py`: it reorders, drops and replays what waits for wallets all the time, and answers for
others what a test tells it to. The wallet is `wallet/` in a process of its own; all others are honest.
"""

import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
import pytest_asyncio
from tests.interop.ecosystem import Ecosystem, running_ecosystem
from tests.interop.page_wallet_process import PageWallet, PageWalletError, page_wallet
from tests.interop.page_wallet_visits import answers_of

from wanderbuch.agents.machine import AgentHandle, LocalMachine

pytestmark = [pytest.mark.agents, pytest.mark.needs("node"), pytest.mark.asyncio(loop_scope="module")]

HOST: Final = "liar.wanderbuch.test"
OTHERS: Final = ["authority.wanderbuch.test", "centre.wanderbuch.test", "shipyard.wanderbuch.test"]


@dataclass
class Scene:
    """Everybody, and the wallet."""

    ecosystem: Ecosystem
    mediator: AgentHandle
    wallet: PageWallet
    offer: str = ""

    def lie(self, **lies: object) -> None:
        (self.mediator.folder / "lies.json").write_text(json.dumps(lies))

    async def until(self, kind: str, **what: object) -> str:
        """Wait, and come again where something was kept back: as a worker who opens the page once more."""
        for _ in range(6):
            if await self.wallet.lives_s("until", 10, kind=kind, **what):
                return await self.wallet.until(kind, **what)
            await self.wallet.do("leave")
            await self.wallet.visit(egress=True)
        raise AssertionError(f"no {kind} is {what}")

    async def take(self, **changes: str) -> str:
        """Take a qualification; give the id of its offer at the centre."""
        offer = await self.ecosystem.offer(changes)
        await self.wallet.do("follow", address=offer["short_url"])
        received = await self.until("offer", state="offered")
        await self.wallet.do("accept", id=received)
        await self.until("offer", id=received, state="kept")
        await self.ecosystem.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
        return str(offer["id"])

    async def answer(self, **requirement: object) -> dict[str, Any]:
        """Answer the employer; give the end of it."""
        request = await self.ecosystem.ask(**requirement)
        opened = (await self.wallet.do("follow", address=request["short_url"]))["id"]
        await self.wallet.do("answer", id=opened, answers=await answers_of(self.wallet, opened))
        return await self.ecosystem.outcome(request)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    made: list[AgentHandle] = []

    def add(machine: LocalMachine) -> None:
        command = (sys.executable, "-m", "rogues.lying_mediator")
        egress = {"egress": True, "egress_hosts": OTHERS}
        made.append(machine.add("mediator", "Mediator", HOST, command=command, mediator=egress))

    async with running_ecosystem(tmp_path_factory.mktemp("lies"), further=add) as ecosystem:
        await made[0].start()
        async with page_wallet(ecosystem.machine, HOST) as wallet:
            await wallet.visit(egress=True)
            scene = Scene(ecosystem, made[0], wallet)
            scene.offer = await scene.take()
            yield scene


async def test_what_is_reordered_dropped_and_replayed_is_done_once(scene: Scene) -> None:
    outcome = await scene.answer(min_eqf_level=3)
    assert outcome["decision"]["verdict"] == "TRUSTED", outcome["decision"]
    second = await scene.take(credential_id="CWC-2024-SECOND")
    states = [row["state"] for row in (await scene.wallet.rows("offer")).values()]
    assert states == ["kept", "kept"]
    assert len(await scene.wallet.rows("credential")) == 2
    told = json.loads((scene.mediator.folder / "told.json").read_text())
    assert min(told["left_out"], told["replayed"]) > 0, told
    for offer in (scene.offer, second):
        assert (await scene.ecosystem.centre.get(f"/offers/{offer}"))["state"] == "ISSUED"


async def test_an_altered_file_of_the_issuer_is_not_believed_and_nothing_is_kept(scene: Scene) -> None:
    scene.lie(alter=["/did.jsonl"])
    count = len(await scene.wallet.rows("connection"))
    offer = await scene.ecosystem.offer({"credential_id": "CWC-2024-ALTERED"})
    # Another wallet, which knows nothing of the centre: one that does has its log, and goes on from there.
    async with page_wallet(scene.ecosystem.machine, HOST) as other:
        await other.visit(egress=True)
        with pytest.raises(PageWalletError) as refused:
            await other.do("follow", address=offer["short_url"])
        assert refused.value.code in {"check_failed", "malformed"}
        (connection,) = (await other.rows("connection")).values()
        assert (connection["state"], connection["why"]) == ("failed", "check_failed")
        assert await other.rows("offer") == {}
    assert len(await scene.wallet.rows("connection")) == count
    scene.lie()


async def test_a_question_that_took_the_place_of_another_is_answered_as_what_it_is(scene: Scene) -> None:
    asked, other = [await scene.ecosystem.ask(min_eqf_level=level) for level in (3, 2)]
    scene.lie(swap={asked["short_url"]: other["short_url"]})
    opened = (await scene.wallet.do("follow", address=asked["short_url"]))["id"]
    scene.lie()
    await scene.wallet.do("answer", id=opened, answers=await answers_of(scene.wallet, opened))
    # The employer has the answer to what it asked there; of what it asked here nobody said anything.
    assert (await scene.ecosystem.outcome(other))["decision"]["verdict"] == "TRUSTED"
    assert (await scene.ecosystem.employer.get(f"/requests/{asked['id']}"))["state"] == "OPEN"


async def test_a_list_that_is_kept_back_makes_nobody_trusted(scene: Scene) -> None:
    """The last one: the certificates are revoked."""
    scene.lie(old=["/resources/"])
    for row in await scene.wallet.rows("offer"):
        assert not await scene.wallet.do("revoked", id=row)  # what it was told first
    for offer in (await scene.ecosystem.centre.get("/offers"))["items"]:
        if offer["state"] == "ISSUED":
            assert (await scene.ecosystem.centre.post(f"/credentials/{offer['id']}/revoke"))["published"]
    request = await scene.ecosystem.ask(min_eqf_level=3)
    opened = (await scene.wallet.do("follow", address=request["short_url"]))["id"]
    try:
        await scene.wallet.do("answer", id=opened, answers=await answers_of(scene.wallet, opened))
    except PageWalletError as refused:  # the notice has come
        assert "revoked" in str(refused)  # noqa: PT017
        return
    ended = await scene.ecosystem.outcome(request)
    assert ended["decision"]["verdict"] == "NOT_TRUSTED", ended["decision"]
