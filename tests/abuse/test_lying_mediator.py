"""A mediator that lies to a wallet in the page, with real agents: it can keep things from it, and nothing else.

It is `rogues/lying_mediator.py` (`wallet_scene.py`): it reorders, drops and replays what waits for wallets all the
time, and answers for others what a test tells it to. The wallet is `wallet/` in a process of its own.
"""

import json

import pytest
from tests.abuse.wallet_scene import HOST, Scene
from tests.interop.page_wallet_process import PageWalletError, page_wallet
from tests.interop.page_wallet_visits import answers_of

pytestmark = [pytest.mark.agents, pytest.mark.needs("node"), pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def scene(shared_scene: Scene) -> Scene:
    """The same, by its name."""
    return shared_scene


async def test_what_is_reordered_dropped_and_replayed_is_done_once(scene: Scene) -> None:
    outcome = await scene.answer(min_eqf_level=3)
    assert outcome["decision"]["verdict"] == "TRUSTED", outcome["decision"]
    second = await scene.take(credential_id="CWC-2024-SECOND")
    states = [row["state"] for row in (await scene.wallet.rows("offer")).values()]
    assert states.count("kept") == 2
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
    for row in await scene.wallet.rows("credential"):
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
