"""A centre's event log as somebody reads it who integrates: as a stream that breaks off, and by a webhook."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from tests.flow.test_issuing import Place, stands
from tests.flow.webhook_receiver import HOST, Receiver, receiving

from wanderbuch.agents.machine import AgentHandle

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]


@asynccontextmanager
async def following(agent: AgentHandle, last: int | None) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    headers = {"Authorization": f"Bearer {agent.token}", "Accept": "text/event-stream"}
    if last is not None:
        headers["Last-Event-ID"] = str(last)

    async def events(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
        async for line in response.content:
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))

    timeout = aiohttp.ClientTimeout(total=120)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{agent.app_url}/v1/events", headers=headers) as response,
    ):
        assert response.status == 200
        yield events(response)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Place, Receiver]]:
    folder: Path = tmp_path_factory.mktemp("events")
    place = Place(folder / "place")
    async with receiving(place.machine) as receiver:
        try:
            await place.open(other=False)
            yield place, receiver
        finally:
            await place.machine.stop()


async def test_issued_and_revoked_as_a_stream_and_by_a_webhook(town: tuple[Place, Receiver]) -> None:
    place, receiver = town
    await stands(place.centre)
    hook = await place.centre.post("/v1/webhooks", {"url": f"https://{HOST}/wanderbuch"})
    receiver.secret = hook["secret"]
    assert "secret" not in await place.centre.get(f"/v1/webhooks/{hook['id']}")

    async with following(place.centre, None) as events:
        issued, _ = await place.issue()
        first = await anext(events)
        second = await anext(events)
    assert (first["kind"], first["subject"]) == ("credential.issued", issued["id"])
    assert (second["kind"], second["body"]) == ("credential.answered", {"receipt": "KEPT"})

    # The connection is gone while the credential is revoked; the reader comes back with the number it has.
    await place.centre.post(f"/credentials/{issued['id']}/revoke")
    async with following(place.centre, first["number"]) as events:
        again, third = await anext(events), await anext(events)
    assert again == second
    assert (third["kind"], third["subject"], third["body"]) == ("credential.revoked", issued["id"], {})

    kinds = ["credential.issued", "credential.answered", "credential.revoked", "revocation.told"]
    assert await receiver.wait(4) == [(kind, issued["id"]) for kind in kinds]
    assert receiver.statuses[:3] == [503, 503, 200]
    assert len(set(receiver.ids[:3])) == 1
    told = (await place.centre.get("/v1/events"))["items"][-1]
    assert (told["kind"], told["number"]) == ("revocation.told", third["number"] + 1)
    shown = await place.centre.wait_for(f"/v1/webhooks/{hook['id']}", "delivered_to", told["number"])
    assert (shown["state"], shown["failures"], shown["waiting"]) == ("RUNNING", 0, 0)
    assert [delivery["status"] for delivery in shown["recent"]] == [200, 200, 200, 200, 503, 503]


async def test_the_log_stays_across_a_restart_and_a_declined_offer_follows(town: tuple[Place, Receiver]) -> None:
    place, receiver = town
    before = await place.centre.get("/v1/events")
    await place.centre.stop()
    await place.centre.start()
    await stands(place.centre)
    assert (await place.centre.get("/v1/events"))["items"] == before["items"]
    made, received = await place.offer()
    async with following(place.centre, before["last"]) as events:
        await place.worker.post(f"/offers/{received}/decline")
        ended = await anext(events)
    assert (ended["number"], ended["kind"], ended["subject"]) == (before["last"] + 1, "offer.ended", made["id"])
    assert ended["body"] == {"state": "DECLINED"}
    assert (await receiver.wait(len(before["items"]) + 1))[-1] == ("offer.ended", made["id"])


async def test_the_authority_tells_versions(town: tuple[Place, Receiver]) -> None:
    place, _ = town
    told = await place.authority.get("/v1/events")
    assert [item["body"] for item in told["items"] if item["kind"] == "version.published"] == [
        {"version": number} for number in range(1, place.version + 1)
    ]


async def test_the_wallet_tells_what_it_keeps_and_what_was_declined(town: tuple[Place, Receiver]) -> None:
    """The ends that ACA-Py's own handlers write are told too."""
    place, _ = town
    told = await place.worker.get("/v1/events")
    kinds = [(item["kind"], item["body"]) for item in told["items"]]
    assert kinds == [("wallet.credential-kept", {}), ("wallet.offer-ended", {"state": "DECLINED"})]


async def test_a_stream_ends_cleanly_when_the_centre_stops(town: tuple[Place, Receiver]) -> None:
    place, _ = town
    async with following(place.centre, None) as events:
        await place.centre.stop()
        assert [event async for event in events] == []  # an answer that broke off would raise


async def test_nobody_reads_without_the_token(town: tuple[Place, Receiver]) -> None:
    place, _ = town
    async with aiohttp.ClientSession() as session:
        for accept in ("application/json", "text/event-stream"):
            headers = {"Authorization": f"Bearer {'x' * 32}", "Accept": accept}
            async with session.get(f"{place.authority.app_url}/v1/events", headers=headers) as response:
                assert response.status == 401
