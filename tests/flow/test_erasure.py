"""A worker has an answer erased: over a connection and without one, all of it or but for what a law keeps."""

from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from tests.abuse.town import Town
from tests.flow.employer_scene import WELDER_3, Scene, open_scene

from wanderbuch.agents.machine import AppError

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]

KEEP = {"law": "Health and Safety Act, section 12", "purpose": "showing who was let weld", "until": "2039-12-31"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_town: Town) -> Scene:
    """Whose worker has a credential."""
    return await open_scene(shared_town)


async def answered(scene: Scene, **asked: Any) -> tuple[dict[str, Any], str]:
    """Return a request that the worker has answered, and the id that it has in the wallet."""
    made = await scene.ask(WELDER_3, **asked)
    request = await scene.opened(scene.worker, made)
    await scene.worker.post(f"/requests/{request}/present", {"credential_id": scene.credential})
    return await scene.ended(made), request


async def erased(scene: Scene, request: str) -> dict[str, Any]:
    """Have the worker ask, and return what it was told."""
    await scene.worker.post(f"/requests/{request}/erase")
    return dict(await scene.worker.wait_for(f"/requests/{request}/erasure", "state", "ANSWERED"))


async def refused(scene: Scene, path: str) -> tuple[int, str]:
    with pytest.raises(AppError) as caught:
        await scene.employer.get(path)
    return caught.value.status, caught.value.problem["code"]


async def test_an_answer_without_a_connection_is_erased_and_that_is_proven(scene: Scene) -> None:
    ended, request = await answered(scene)
    path = f"/requests/{ended['id']}"
    receipt = (await scene.employer.get(f"{path}/receipt"))["address"]
    assert await status_of(scene, receipt) == 200
    told = await erased(scene, request)
    assert (set(told["erased"]), told["kept"]) == ({"values", "decision"}, [])
    for gone in (path, f"{path}/receipt", f"{path}/case"):
        assert await refused(scene, gone) == (410, "erased")
    assert ended["id"] not in {open_request["id"] for open_request in (await scene.employer.get("/requests"))["items"]}
    proof = await scene.employer.get(f"{path}/erasure")
    assert (proof["asked_by"], set(proof["erased"]), proof["kept"]) == ("worker", {"values", "decision"}, [])
    assert proof["signed"].count(".") == 2
    assert proof["id"] in {erasure["id"] for erasure in (await scene.employer.get("/erasures"))["items"]}
    events = (await scene.employer.get("/v1/events", limit="500"))["items"]
    assert ("request.erased", {"is_kept": False}) in [
        (event["kind"], event["body"]) for event in events if event["subject"] == ended["id"]
    ]
    assert await status_of(scene, receipt) == 404


async def test_asking_again_is_answered_the_same(scene: Scene) -> None:
    ended, request = await answered(scene)
    first = await erased(scene, request)
    proof = await scene.employer.get(f"/requests/{ended['id']}/erasure")
    assert await erased(scene, request) == first
    assert await scene.employer.get(f"/requests/{ended['id']}/erasure") == proof


async def test_what_a_law_keeps_stays_and_the_worker_is_told_why(scene: Scene) -> None:
    ended, request = await answered(scene, keep=KEEP)
    told = await erased(scene, request)
    assert told["erased"] == ["values"]
    assert {part["what"]: (part["law"], part["until"]) for part in told["kept"]} == {
        "case-file": (KEEP["law"], KEEP["until"]),
        "decision": (KEEP["law"], KEEP["until"]),
    }
    shown = await scene.employer.get(f"/requests/{ended['id']}")
    assert (shown["seen"], shown["decision"]) == (None, ended["decision"])
    assert (await scene.employer.get(f"/requests/{ended['id']}/case"))["file"]
    assert (await scene.employer.get(f"/requests/{ended['id']}/erasure"))["completed_at"] is None


async def test_an_applicant_leaves_the_link_with_the_answer(scene: Scene) -> None:
    question = {"place": "MLT", "credentials": [{"ask": "qualification", "occupation": "C7212"}]}
    link = await scene.employer.post("/links", {"title": "Welders", "question": question})
    opened = await scene.worker.post("/invitations", {"url": link["short_url"]})
    await scene.worker.post(f"/requests/{opened['id']}/present", {"credential_id": scene.credential})
    (applicant,) = (await scene.employer.get(f"/links/{link['id']}/applicants"))["items"]
    await scene.employer.wait_for(f"/requests/{applicant['id']}", "state", "DECIDED")
    told = await erased(scene, opened["id"])
    assert "decision" in told["erased"]
    assert (await scene.employer.get(f"/links/{link['id']}/applicants"))["items"] == []
    assert await refused(scene, f"/requests/{applicant['id']}") == (410, "erased")


async def test_a_wallet_answers_a_second_question_over_its_connection_until_an_answer_is_erased(scene: Scene) -> None:
    """By a code the title is what the link claims; over the connection it is the verifier's own word."""
    question = {"place": "MLT", "credentials": [{"ask": "qualification", "occupation": "C7212"}]}
    link = await scene.employer.post("/links", {"title": "Welders", "question": question})
    opened = await scene.worker.post("/invitations", {"url": link["short_url"]})
    await scene.worker.post(f"/requests/{opened['id']}/present", {"credential_id": scene.credential})
    (applicant,) = (await scene.employer.get(f"/links/{link['id']}/applicants"))["items"]
    await scene.employer.wait_for(f"/requests/{applicant['id']}", "state", "DECIDED")
    before = (await scene.worker.get("/requests"))["total"]
    asked = await scene.employer.post(f"/requests/{applicant['id']}/again-same-wallet")
    assert asked["id"] != applicant["id"]
    await scene.worker.wait_for("/requests", "total", before + 1)
    second = (await scene.worker.get("/requests"))["items"][0]
    assert (second["state"], second["is_from_link"]) == ("OPEN", False)
    assert applicant["ref"] in second["title"]
    await scene.worker.post(f"/requests/{second['id']}/present", {"credential_id": scene.credential})
    ended = await scene.employer.wait_for(f"/requests/{asked['id']}", "state", "DECIDED")
    assert ended["decision"]["verdict"] == "TRUSTED"
    assert (await scene.employer.get(f"/requests/{applicant['id']}"))["state"] == "DECIDED"
    by_code = await scene.opened(scene.worker, await scene.ask(WELDER_3))
    assert (await scene.worker.get(f"/requests/{by_code}"))["is_from_link"] is True
    await erased(scene, second["id"])
    with pytest.raises(AppError) as caught:
        await scene.employer.post(f"/requests/{applicant['id']}/again-same-wallet")
    assert caught.value.status == 409, "whoever had an answer erased is asked no more"


async def test_the_verifier_erases_what_was_asked_by_post_or_telephone(scene: Scene) -> None:
    ended, _ = await answered(scene)
    made = await scene.employer.post(f"/requests/{ended['id']}/erase")
    assert (made["asked_by"], made["signed"], set(made["erased"])) == ("verifier", None, {"values", "decision"})
    assert await scene.employer.post(f"/requests/{ended['id']}/erase") == made
    assert await refused(scene, f"/requests/{ended['id']}") == (410, "erased")


async def test_where_nothing_was_shown_there_is_nothing_to_erase(scene: Scene) -> None:
    request = await scene.opened(scene.worker, await scene.ask(WELDER_3))
    with pytest.raises(AppError) as caught:
        await scene.worker.post(f"/requests/{request}/erase")
    assert (caught.value.status, caught.value.problem["code"]) == (409, "exchange")
    with pytest.raises(AppError) as unknown:
        await scene.worker.get(f"/requests/{request}/erasure")
    assert unknown.value.status == 404


async def status_of(scene: Scene, receipt: str) -> int:
    """Return how the public site answers at the address of a receipt."""
    place = receipt.removeprefix(scene.employer.public_url)
    address = f"https://127.0.0.1:{scene.employer.public_port}{place}"
    headers = {"Host": scene.employer.public_url.removeprefix("https://")}
    async with aiohttp.ClientSession() as session, session.get(address, headers=headers, ssl=False) as response:
        return response.status
