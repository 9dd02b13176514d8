"""The verifier agent on real sockets, with an honest wallet and a lying one."""

import json
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator
from tests.abuse.town import Town
from tests.flow.employer_scene import WELDER_3, Scene, codes, open_scene

from wanderbuch.agents.machine import AgentHandle, AppError

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_town: Town) -> Scene:
    """Whose worker has a credential."""
    return await open_scene(shared_town)


async def test_a_welder_proves_a_level_without_showing_it(scene: Scene) -> None:
    asked = await scene.ask(WELDER_3)
    assert asked["state"] == "OPEN"
    assert asked["short_url"].startswith("https://employer.wanderbuch.test/i/")
    assert asked["qr_svg"] is None  # made when it is looked at
    assert (await scene.employer.get(f"/requests/{asked['id']}"))["qr_svg"].startswith("<svg")
    request = await scene.opened(scene.worker, asked)
    shown = await scene.worker.get(f"/requests/{request}")
    assert shown["can_answer"]
    assert shown["from"]["did"].startswith("did:webvh:")
    await scene.worker.post(f"/requests/{request}/present", {"credential_id": scene.credential})
    ended = await scene.ended(asked)
    assert (ended["state"], ended["decision"]["verdict"]) == ("DECIDED", "TRUSTED")
    assert ended["qr_svg"] is None  # nobody scans it any more
    assert codes(ended) == ["issuer.accredited", "subject.none"]
    assert {attribute["attribute"]: attribute["meaning"] for attribute in ended["seen"]} == {
        "occupation_isco08": "Welders and flamecutters",
        "award_year": "2024",
        "expires_on": "does not expire",
        "framework": "National Vocational Qualifications Framework of Sri Lanka",
        "crosswalk_version": "lk-nvq-2023",
        "eqf_min_3": "EQF level 3 or more",
    }
    assert {"eqf_level", "framework_level", "family_name"} <= {attribute["attribute"] for attribute in ended["hidden"]}
    answer = ended["answer"]
    assert (answer["category"], answer["ask_again"], answer["not_checked"]) == ("accepted", "later", [])
    assert answer["holds_on"] == ended["decision"]["decided_at"][:10]
    assert answer["good_until"] > ended["decision"]["decided_at"]
    assert answer["redress"] == ended["decision"]["redress"] != []
    told = {fact["fact"]: fact for fact in answer["facts"]}
    assert {fact["outcome"] for name, fact in told.items() if name != "holder_named"} == {"holds"}
    assert told["holder_named"]["outcome"] == "not_asked"
    governance = ended["decision"]["governance"]  # the town may have gone on to another version meanwhile
    assert told["issuer_counts"]["evidence"]["version"].endswith(f" {governance['version']}")
    assert all(source["age_s"] is not None for source in answer["sources"])
    await scene.worker.wait_for(f"/requests/{request}", "state", "ACCEPTED")


async def test_the_same_by_predicate_from_the_long_invitation(scene: Scene) -> None:
    asked = await scene.ask({**WELDER_3, "level_proof": "predicate", "subject": "name"})
    request = await scene.opened(scene.worker, asked, "invitation_url")
    await scene.worker.post(f"/requests/{request}/present", {"credential_id": scene.credential})
    ended = await scene.ended(asked)
    assert ended["decision"]["verdict"] == "TRUSTED"
    assert {"family_name": "Perera", "given_names": "Nimal"}.items() <= {
        attribute["attribute"]: attribute["value"] for attribute in ended["seen"]
    }.items()


async def test_a_decline_ends_the_request(scene: Scene) -> None:
    asked = await scene.ask({**WELDER_3, "min_eqf_level": 5})
    request = await scene.opened(scene.worker, asked)
    assert not (await scene.worker.get(f"/requests/{request}"))["can_answer"]
    await scene.worker.post(f"/requests/{request}/decline", {})
    ended = await scene.ended(asked)
    assert (ended["state"], ended["decision"], ended["decline_code"]) == ("DECLINED", None, "abandoned")


async def test_silence_ends_the_request_at_its_deadline(scene: Scene) -> None:
    ended = await scene.ended(await scene.ask(WELDER_3, deadline_s=1))
    assert ended["state"] == "NO_ANSWER"


async def test_a_lie_about_the_level_is_refused_and_a_second_answer_too(scene: Scene) -> None:
    low = await scene.liars_credential(scene.town.centre, framework_level="2", eqf_level=2)
    good = await scene.liars_credential(scene.town.centre)
    asked = await scene.ask(WELDER_3)
    request = await scene.opened(scene.liar, asked)
    await scene.liar.post(f"/requests/{request}/forge", {"credential_id": low})
    ended = await scene.ended(asked)
    assert (ended["decision"]["verdict"], codes(ended)) == ("NOT_TRUSTED", ["proof.invalid"])
    assert ended["seen"] is None
    await scene.liar.wait_for(f"/requests/{request}", "state", "REFUSED_BY_VERIFIER")
    await scene.liar.post(f"/requests/{request}/forge", {"credential_id": good})
    await scene.liar.wait_for(f"/requests/{request}", "state", "REFUSED_BY_VERIFIER")
    assert await scene.employer.get(f"/requests/{asked['id']}") == ended


async def test_an_issuer_for_cooks_is_refused(scene: Scene) -> None:
    credential = await scene.liars_credential(scene.town.school)
    asked = await scene.ask(WELDER_3)
    request = await scene.opened(scene.liar, asked)
    await scene.liar.post(f"/requests/{request}/forge", {"credential_id": credential})
    ended = await scene.ended(asked)
    assert (ended["decision"]["verdict"], codes(ended)) == ("NOT_TRUSTED", ["issuer.definition_not_accepted"])
    assert (ended["answer"]["category"], ended["answer"]["good_until"]) == ("refused", None)
    failed = [fact["fact"] for fact in ended["answer"]["facts"] if fact["outcome"] == "fails"]
    assert failed == ["issuer_counts"]


REQUESTS = "/v1/verifier/requests"
ASKED = {"requirement": WELDER_3}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", REQUESTS, b"{", 400),
        ("POST", REQUESTS, b"[]", 400),
        ("POST", REQUESTS, json.dumps({"requirement": {**WELDER_3, "ocupation": "C7212"}}).encode(), 400),
        ("POST", REQUESTS, json.dumps({"requirement": {**WELDER_3, "occupation": "C9999"}}).encode(), 422),
        ("POST", REQUESTS, json.dumps({"requirement": {**WELDER_3, "jurisdiction": "XXX"}}).encode(), 422),
        ("POST", REQUESTS, json.dumps({"requirement": {**WELDER_3, "jurisdiction": "FRA"}}).encode(), 422),
        ("POST", REQUESTS, b" " * (4 * 1024 * 1024), 413),
        ("GET", REQUESTS + "?state=nowhere", None, 400),
        ("GET", REQUESTS + "?cursor=made-up", None, 400),
        ("GET", REQUESTS + "?page=1", None, 400),
        ("GET", REQUESTS + "/nothing", None, 404),
        ("POST", REQUESTS + "/nothing/forget", None, 404),
        ("GET", "/v1/t/nobody/verifier/requests", None, 404),
        ("GET", "/v1/verifier/nothing", None, 404),
        ("PUT", REQUESTS, None, 405),
    ],
)
async def test_every_error_is_a_problem_as_the_description_says(
    scene: Scene, method: str, path: str, body: bytes | None, status: int
) -> None:
    answer, document = await raw(scene.employer, method, path, body)
    assert answer[0] == status
    check_problem(document, answer)


async def test_a_wrong_token_is_a_problem_too(scene: Scene) -> None:
    answer, document = await raw(scene.employer, "GET", REQUESTS, None, token="wrong" * 8)
    assert answer[0] == 401
    check_problem(document, answer)


async def raw(
    verifier: AgentHandle, method: str, path: str, body: bytes | None, *, token: str | None = None
) -> tuple[tuple[int, str, Any], dict[str, Any]]:
    """Return what a verifier answers, as it came, and its own description of itself."""
    headers = {"Authorization": f"Bearer {token or verifier.token}"}
    async with aiohttp.ClientSession(verifier.app_url, headers=headers) as session:
        async with session.request(method, path, data=body) as response:
            answer = (response.status, response.content_type, await response.json(content_type=None))
        async with session.get("/openapi.json") as response:
            return answer, await response.json()


def check_problem(document: dict[str, Any], answer: tuple[int, str, Any]) -> None:
    """Refuse what is not as the description says of errors."""
    content = document["components"]["responses"]["Problem"]["content"]
    assert answer[1] in content
    schema = {**content[answer[1]]["schema"], "components": document["components"]}
    Draft202012Validator(schema).validate(answer[2])
    assert answer[2]["status"] == answer[0]


async def test_an_answer_sent_to_another_request_is_refused(scene: Scene) -> None:
    credential = await scene.liars_credential(scene.town.centre)
    first, second = await scene.ask(WELDER_3), await scene.ask(WELDER_3)
    earlier, later = await scene.opened(scene.liar, first), await scene.opened(scene.liar, second)
    await scene.liar.post(f"/requests/{earlier}/forge", {"credential_id": credential})
    assert (await scene.ended(first))["decision"]["verdict"] == "TRUSTED"
    await scene.liar.post(f"/requests/{later}/replay", {"of": earlier})
    ended = await scene.ended(second)
    assert (ended["decision"]["verdict"], codes(ended)) == ("NOT_TRUSTED", ["proof.invalid"])


async def test_what_was_seen_can_be_forgotten_at_once(scene: Scene) -> None:
    asked = await scene.ask(WELDER_3)
    request = await scene.opened(scene.worker, asked)
    await scene.worker.post(f"/requests/{request}/present", {"credential_id": scene.credential})
    await scene.ended(asked)
    forgotten = await scene.employer.post(f"/requests/{asked['id']}/forget")
    assert forgotten["seen"] is None
    assert forgotten["decision"]["verdict"] == "TRUSTED"


async def test_asks_nobody_where_nobody_counts(scene: Scene) -> None:
    with pytest.raises(AppError) as caught:
        await scene.ask({**WELDER_3, "jurisdiction": "FRA"})
    assert caught.value.problem["code"] == "presentation.nobody_counts"


async def test_an_unknown_request_is_not_found(scene: Scene) -> None:
    with pytest.raises(AppError) as caught:
        await scene.employer.get("/requests/nothing")
    assert caught.value.status == 404


async def test_shows_what_decisions_rest_on(scene: Scene) -> None:
    await scene.employer.post("/governance/refresh")
    shown = await scene.employer.post("/governance/refresh")
    assert (shown["is_fresh"], shown["current"]["version"], shown["notes"]) == (True, scene.town.version, [])
    assert shown["last_refresh"] == "UNCHANGED"


async def test_lists_requests_by_state(scene: Scene) -> None:
    await scene.ended(await scene.ask(WELDER_3, deadline_s=1))
    listed = (await scene.employer.get("/requests", state="NO_ANSWER"))["items"]
    assert listed
    assert {request["state"] for request in listed} == {"NO_ANSWER"}
