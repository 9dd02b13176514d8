"""The holder agent against real issuers: what is offered is judged, what comes is compared."""

from typing import Any

import pytest
from tests.abuse.town import Town
from tests.welders import CLAIM as WELDER
from tests.welders import LEVELS

from wanderbuch.agents.machine import AgentHandle, AppError

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def town(shared_town: Town) -> Town:
    return shared_town


@pytest.fixture
def worker(town: Town) -> AgentHandle:
    return town.people["worker"]


async def offered(issuer: AgentHandle, worker: AgentHandle, claim: dict[str, Any], **how: Any) -> tuple[str, str]:
    """Return the ids of the same offer with the issuer and with the worker."""
    made = await issuer.post("/offers", {"claim": claim, **LEVELS, **how})
    opened = await worker.post("/invitations", {"url": made["invitation_url"]})
    assert opened["kind"] == "offer"
    return made["id"], opened["id"]


async def refused(worker: AgentHandle, offer_id: str) -> dict[str, Any]:
    with pytest.raises(AppError) as caught:
        await worker.post(f"/offers/{offer_id}/accept")
    assert caught.value.status == 409
    return caught.value.problem


async def test_accepts_and_keeps_what_an_accredited_centre_offers(town: Town, worker: AgentHandle) -> None:
    issued, offer_id = await offered(town.centre, worker, WELDER)
    shown = await worker.get(f"/offers/{offer_id}")
    assert (shown["state"], shown["judgement"]["verdict"]) == ("OPEN", "TRUSTED")
    assert shown["from"] == {
        "did": town.issuers[town.centre.host]["did"],
        "known": True,
        "name": town.centre.host,
        "unverified_label": "centre",
    }
    assert shown["claim"]["occupation_isco08"] == "C7212"
    await worker.post(f"/offers/{offer_id}/accept")
    done = await worker.wait_for(f"/offers/{offer_id}", "state", "RECEIVED")
    await town.centre.wait_for(f"/offers/{issued}", "state", "done")
    credential = await worker.get(f"/credentials/{done['credential_id']}")
    assert (credential["revocation"], credential["values"]["eqf_min_4"]) == ("valid", "1")
    assert (await worker.post(f"/offers/{offer_id}/accept"))["credential_id"] == done["credential_id"]
    with pytest.raises(AppError, match="found one that is RECEIVED"):
        await worker.post(f"/offers/{offer_id}/decline")


async def test_refuses_a_welder_offered_by_a_school_for_cooks(town: Town, worker: AgentHandle) -> None:
    issued, offer_id = await offered(town.school, worker, WELDER)
    assert (await worker.get(f"/offers/{offer_id}"))["judgement"]["verdict"] == "NOT_TRUSTED"
    assert (await refused(worker, offer_id))["judgement"]["verdict"] == "NOT_TRUSTED"
    assert (await worker.post(f"/offers/{offer_id}/decline"))["state"] == "DECLINED"
    assert (await town.school.get(f"/offers/{issued}"))["state"] == "offer-sent"


async def test_refuses_a_credential_that_is_not_what_was_offered(town: Town, worker: AgentHandle) -> None:
    before = len((await worker.get("/credentials"))["items"])
    issued, offer_id = await offered(town.centre, worker, WELDER, issue_instead={"family_name": "Fernando"})
    await worker.post(f"/offers/{offer_id}/accept")
    ended = await worker.wait_for(f"/offers/{offer_id}", "state", "REFUSED", "RECEIVED")
    assert (ended["state"], ended["note"]) == ("REFUSED", "family_name is not what was offered.")
    assert len((await worker.get("/credentials"))["items"]) == before
    await town.centre.wait_for(f"/offers/{issued}", "state", "abandoned")


async def test_opening_an_invitation_twice_shows_the_same_offer(town: Town, worker: AgentHandle) -> None:
    made = await town.centre.post("/offers", {"claim": WELDER, **LEVELS})
    first = await worker.post("/invitations", {"url": made["invitation_url"]})
    assert await worker.post("/invitations", {"url": made["invitation_url"]}) == first


@pytest.mark.parametrize(
    "url", ["http://centre.wanderbuch.test/i/1", "https://centre.wanderbuch.test/?oob=!!", "welder"]
)
async def test_refuses_what_is_no_invitation(worker: AgentHandle, url: str) -> None:
    with pytest.raises(AppError) as caught:
        await worker.post("/invitations", {"url": url})
    assert caught.value.problem["code"] in {"exchange.invitation", "malformed"}
