"""Who cheats a worker whose wallet is a page, with real agents: names, questions, addresses, floods, and a short log.

The scene is `wallet_scene.py`'s: an issuer and a verifier with the names of honest ones, and a mediator that lies. What
the wallet would show is asked of the page's own code (`wallet/src/page/views.ts`).
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aries_askar import Key, KeyAlg
from tests.abuse.wallet_scene import CENTRE, QUEUE, REGISTERED, YARD, Scene
from tests.interop.page_wallet_process import PageWalletError
from tests.interop.page_wallet_visits import answers_of
from tests.unit.mediator.phones import Site, forward, message

from wanderbuch.agents.demo.example import example_claim
from wanderbuch.plugins.exchange.connecting.did_documents import bare_key
from wanderbuch.plugins.exchange.packing import pack

pytestmark = [pytest.mark.agents, pytest.mark.needs("node"), pytest.mark.asyncio(loop_scope="session")]

MOST_OPEN = 16


@pytest.fixture
def scene(shared_scene: Scene) -> Scene:
    """The same, by its name."""
    return shared_scene


async def opened(scene: Scene, request: dict[str, Any]) -> dict[str, Any]:
    """Open a question; give what the page would show of it."""
    identifier = (await scene.wallet.do("follow", address=request["short_url"]))["id"]
    view: dict[str, Any] = await scene.wallet.do("view_question", id=identifier)
    return view


async def met(scene: Scene) -> str:
    """Open an invitation of the false centre; give the id of the connection."""
    invitation = await scene.false_centre.post("/invitations")
    identifier = (await scene.wallet.do("follow", address=invitation["invitation_url"]))["id"]
    return await scene.until("connection", id=identifier, state="complete")


async def offers_of(scene: Scene, connection: str) -> dict[str, str]:
    """Return the states of the offers that came over a connection, by id."""
    rows = await scene.wallet.rows("offer")
    return {name: row["state"] for name, row in rows.items() if row["connection"] == connection}


async def test_who_bears_the_name_of_a_listed_employer_is_not_called_by_it(scene: Scene) -> None:
    asked = {"requirement": {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}}
    honest = await opened(scene, await scene.ecosystem.ask(min_eqf_level=3))
    false = await opened(scene, await scene.false_yard.post("/requests", asked))
    assert (honest["asker"]["name"], honest["may"]["verdict"]) == (YARD, "TRUSTED")
    assert honest["registered"] == [
        {"aim": REGISTERED["aim"], "policy": REGISTERED["privacy_policy"], "keepsDays": REGISTERED["keeps_days"]}
    ]
    assert (false["asker"]["name"], false["may"]["verdict"]) == (None, "UNKNOWN")
    assert (false["may"]["code"], false["registered"], false["purposes"]) == ("verifier.not_listed", [], [])
    assert YARD not in json.dumps(false)


async def test_a_request_for_more_than_is_listed_is_named_and_gets_nothing(scene: Scene) -> None:
    view = await opened(scene, scene.too_much)
    assert (view["may"]["verdict"], view["may"]["code"]) == ("NOT_TRUSTED", "verification.attributes")
    assert set(view["beyond"]) == {"family_name", "given_names", "birth_date"}
    assert view["asker"]["name"] == YARD
    sent = len(await scene.wallet.rows("outbox"))
    await scene.wallet.do("decline", id=view["id"], isTold=False)
    assert len(await scene.wallet.rows("outbox")) == sent
    row = (await scene.wallet.rows("question"))[view["id"]]
    assert row["state"] == "declined"
    assert "request" not in row
    assert (await scene.ecosystem.employer.get(f"/requests/{scene.too_much['id']}"))["state"] == "OPEN"


async def test_a_request_for_more_than_is_listed_is_answered_without_it_where_that_may_be_left_out(
    scene: Scene,
) -> None:
    view = await opened(scene, scene.too_much_in_part)
    assert (view["may"]["verdict"], view["mayLeave"]) == ("NOT_TRUSTED", True)
    assert set(view["left"]) == set(view["beyond"]) == {"family_name", "given_names", "birth_date"}
    answers = await answers_of(scene.wallet, view["id"])
    await scene.wallet.do("answer", id=view["id"], answers=answers, isLess=True)
    outcome = await scene.ecosystem.outcome(scene.too_much_in_part)
    assert (outcome["decision"]["verdict"], set(outcome["left_out"])) == ("TRUSTED", set(view["left"]))
    assert not set(view["left"]) & {shown["attribute"] for shown in outcome["seen"]}


async def test_an_issuer_with_the_name_of_another_and_its_bomb(scene: Scene) -> None:
    connection = await met(scene)
    bomb = await scene.false_centre.post("/bombs", {"claim": example_claim(credential_id="FALSE-1"), "count": 40})
    assert bomb["sent"] == 40
    # What was left out comes with the next visits: until nothing more does, and never more than fit.
    for _ in range(6):
        await asyncio.sleep(1)
        await scene.come_again()
        if len(await offers_of(scene, connection)) == MOST_OPEN:
            break
    states = await offers_of(scene, connection)
    assert sorted(states.values()) == ["offered"] * MOST_OPEN
    assert any("too many open offers" in told for told in await scene.wallet.do("dropped"))
    view = await scene.wallet.do("view_offer", id=next(iter(states)))
    assert (view["issuer"]["name"], view["may"]["verdict"]) == (None, "NOT_TRUSTED"), view["may"]
    assert CENTRE not in json.dumps({name: value for name, value in view.items() if name != "values"})
    # Whoever else writes is heard.
    assert (await scene.answer(min_eqf_level=3))["decision"]["verdict"] == "TRUSTED"
    for offer in states:
        await scene.wallet.do("decline_offer", id=offer)


async def test_a_flood_from_a_stranger_takes_no_more_room_than_a_wallet_has(scene: Scene) -> None:
    """Of somebody who knows a key and the mediator, as everybody does who ever wrote to the wallet."""
    granted = (await scene.wallet.rows("mediator"))["granted"]
    (own, *_) = [row["own"] for row in (await scene.wallet.rows("connection")).values() if row["state"] == "complete"]
    before = {kind: await scene.wallet.rows(kind) for kind in ("question", "credential")}
    await scene.wallet.do("leave")
    stranger = Key.generate(KeyAlg.ED25519)
    host, _, port = scene.mediator.target.rpartition(":")
    assert host == "127.0.0.1"
    statuses: list[int] = []
    threads: set[str] = set()
    async with aiohttp.ClientSession() as session:
        site = Site(scene.mediator.host, int(port), scene.ecosystem.machine.ca_file, session)
        for number in range(QUEUE + 40):
            offer = message("issue-credential/2.0/offer-credential", comment=f"{number}", credential_preview={})
            threads.add(offer["@id"])
            packed = json.loads(pack(offer, to=own, own=stranger))
            statuses.append((await site.post(forward(routing_key(granted), own, packed)))[0])
    assert statuses.count(200) <= QUEUE
    assert set(statuses[-40:]) != {200}
    await scene.wallet.visit(egress=True)
    assert (await scene.answer(min_eqf_level=3))["decision"]["verdict"] == "TRUSTED"
    assert await scene.wallet.rows("credential") == before["credential"]
    assert len(await scene.wallet.rows("question")) == len(before["question"]) + 1
    kept = [*(await scene.wallet.rows("offer")).values(), *(await scene.wallet.rows("inbox")).values()]
    assert [row for row in kept if row.get("thread") in threads] == []
    assert not any(thread in json.dumps(kept) for thread in threads)


def routing_key(granted: dict[str, Any]) -> str:
    """Return the key to which the mediator has forwards packed."""
    (key,) = granted["routingKeys"]
    return bare_key(str(key).partition("#")[0])


@asynccontextmanager
async def a_door(port: int) -> AsyncIterator[list[int]]:
    """Listen inside; give a list that grows with whoever knocks."""
    knocks: list[int] = []

    async def answered(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knocks.append(1)
        writer.close()

    async with await asyncio.start_server(answered, "127.0.0.1", port):
        yield knocks


async def test_no_link_or_invitation_leads_inside(scene: Scene) -> None:
    """Neither the wallet knocks there, nor does the mediator that sends its requests."""
    # A public name for a machine inside, which the mediator's own map knows: wallets may not reach it.
    host, port = next(scene.ecosystem.wallet_ports)
    assert f"{host}:443=127.0.0.1:{port}" in scene.ecosystem.machine.connections()
    async with a_door(port) as knocks:
        inside = [f"https://127.0.0.1:{port}/i/x", f"https://localhost:{port}/i/x", f"http://127.0.0.1:{port}/i/x"]
        named = f"https://{host}/i/x"
        for address in [*inside, named]:
            with pytest.raises(PageWalletError) as refused:
                await scene.wallet.do("follow", address=address)
            assert refused.value.code == ("unreachable" if address == named else "malformed"), address
        key = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
        for endpoint in (*inside, named):
            service = {
                "id": "#inline",
                "type": "did-communication",
                "recipientKeys": [key],
                "serviceEndpoint": endpoint,
            }
            invitation = message(
                "out-of-band/1.1/invitation",
                services=[service],
                handshake_protocols=["https://didcomm.org/didexchange/1.1"],
            )
            carried = base64.urlsafe_b64encode(json.dumps(invitation).encode()).decode().rstrip("=")
            link = f"https://shipyard.wanderbuch.test/i?oob={carried}"
            if endpoint == named:
                opened = await scene.wallet.do("follow", address=link)
                await scene.wallet.until("connection", id=opened["id"], state="requested")
                continue
            with pytest.raises(PageWalletError) as refused:
                await scene.wallet.do("follow", address=link)
            assert refused.value.code == "not_public", endpoint
        await asyncio.sleep(2)  # what was to be sent to the public name was tried by now
        assert knocks == []


async def test_a_log_that_the_mediator_shortens_is_not_the_one_that_was_seen(scene: Scene) -> None:
    await met(scene)
    await scene.false_centre.post("/did/rotate")
    links = [(await scene.false_centre.post("/invitations"))["invitation_url"] for _ in range(3)]
    await scene.come_again()
    await scene.wallet.do("follow", address=links[0])
    scene.lie(short=["false-centre.wanderbuch.test/org/did.jsonl"])
    await scene.come_again()
    with pytest.raises(PageWalletError) as refused:
        await scene.wallet.do("follow", address=links[1])
    assert refused.value.code == "check_failed"
    assert "ends before the entry that was seen last" in str(refused.value)
    scene.lie()
    await scene.come_again()
    assert (await scene.wallet.do("follow", address=links[2]))["kind"] == "connection"
