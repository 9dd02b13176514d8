"""For those who write programs: a client made of the description, our own client with its example, sending again."""

import asyncio
import html
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator
from tests.abuse.town import Town
from tests.flow.employer_scene import WELDER_3, Scene, open_scene
from tests.flow.generated import described, generated_client
from tests.flow.webhook_receiver import HOST, receiving

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.client import ApiError, Question, VerifierClient

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "ask_a_worker.py"
WELDER: Question = {
    "place": "Malta",
    "credentials": [{"ask": "qualification", "occupation": "welder", "level": {"at_least": "3"}}],
}
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_town: Town) -> Scene:
    """Whose worker has a credential."""
    return await open_scene(shared_town)


def client_of(agent: AgentHandle, **options: Any) -> VerifierClient:
    return VerifierClient(agent.app_url, agent.token, **options)


async def present(scene: Scene, address: str) -> None:
    """Have the worker answer what is behind an address."""
    opened = await scene.worker.post("/invitations", {"url": address})
    await scene.worker.post(f"/requests/{opened['id']}/present", {"credential_id": scene.credential})


async def sent(
    agent: AgentHandle, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    """Return the status, the body and the headers of an answer."""
    sent_headers = {"Authorization": f"Bearer {agent.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{agent.app_url}{path}", json=body, headers=sent_headers) as response,
    ):
        text = await response.text()
        told = {name.lower(): value for name, value in response.headers.items()}
        return response.status, json.loads(text) if text else None, told


async def test_a_client_is_made_of_the_description_without_a_warning_and_asks(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = await generated_client(scene.employer, "employer_api", tmp_path, monkeypatch)
    ask, show = module("api.verifier.post_verifier_questions"), module("api.verifier.get_verifier_requests_id")
    question = module("models").WordedQuestion.from_dict(dict(WELDER))
    base = f"{scene.employer.app_url}/v1"
    async with module().AuthenticatedClient(base_url=base, token=scene.employer.token) as client:
        asked = await ask.asyncio(client=client, body=question, idempotency_key=f"{KEY}-generated")
        again = await ask.asyncio(client=client, body=question, idempotency_key=f"{KEY}-generated")
        assert asked.to_dict() == again.to_dict()
        await present(scene, asked.short_url)
        await scene.employer.wait_for(f"/requests/{asked.id}", "state", "DECIDED")
        shown = await show.asyncio(client=client, id=asked.id)
        assert (shown.state.value, shown.decision.verdict.value) == ("DECIDED", "TRUSTED")
        missing = await show.asyncio(client=client, id="0" * 32)
        assert (type(missing).__name__, missing.code, missing.status) == ("Problem", "not-found", 404)


async def test_the_example_asks_waits_decides_and_has_a_receipt(scene: Scene, tmp_path: Path) -> None:
    token = tmp_path / "app.token"
    token.write_text(f"{scene.employer.token}\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable, EXAMPLE, scene.employer.app_url, token, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    first = (await process.stdout.readline()).decode()
    await present(scene, first.rpartition(" ")[2].strip())
    printed = (await process.communicate())[0].decode()
    assert process.returncode == 0, printed
    assert f"it holds on {datetime.now(UTC).date()}" in printed
    assert "receipt: https://employer.wanderbuch.test/" in printed


async def test_who_waits_learns_of_a_decline_and_of_an_end_that_came_before(scene: Scene) -> None:
    async with client_of(scene.employer) as client:
        asked = await client.ask(WELDER)
        waiting = asyncio.create_task(client.ended(asked.id, timeout_s=60))
        opened = await scene.worker.post("/invitations", {"url": asked.short_url})
        await scene.worker.post(f"/requests/{opened['id']}/decline", {})
        ended = await waiting
        assert (ended.state, ended.decision, ended.category) == ("DECLINED", None, None)
        assert await client.ended(asked.id, timeout_s=60) == ended


async def test_a_question_that_is_taken_back_is_answered_by_nobody(scene: Scene) -> None:
    async with client_of(scene.employer) as client:
        asked = await client.ask(WELDER)
        opened = await scene.worker.post("/invitations", {"url": asked.short_url})
        assert (await client.cancel(asked.id)).state == "CANCELLED"
        assert (await client.cancel(asked.id)).state == "CANCELLED"
        await scene.worker.post(f"/requests/{opened['id']}/present", {"credential_id": scene.credential})
        await scene.worker.wait_for(f"/requests/{opened['id']}", "state", "REFUSED_BY_VERIFIER")
        assert (await client.request(asked.id)).state == "CANCELLED"
        decided = await client.ask(WELDER)
        await present(scene, decided.short_url)
        await client.ended(decided.id, timeout_s=60)
        with pytest.raises(ApiError) as caught:
            await client.cancel(decided.id)
        assert (caught.value.status, caught.value.problem_code) == (409, "exchange")


async def test_the_client_reads_lists_to_their_end(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wanderbuch.client.verifier._PAGE", 1)
    async with client_of(scene.employer) as client:
        asked = [(await client.ask(WELDER)).id for _ in range(3)]
        listed = [request.id async for request in client.requests(state="OPEN")]
        assert set(asked) <= set(listed)
        assert len(listed) == len(set(listed))


async def test_a_client_of_a_wrong_token_is_told_so(scene: Scene) -> None:
    async with VerifierClient(scene.employer.app_url, "x" * 40) as client:
        for call in (client.ask(WELDER), client.request("0" * 32), client.ended("0" * 32, timeout_s=10)):
            with pytest.raises(ApiError) as caught:
                await call
            assert (caught.value.status, caught.value.problem_code) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/verifier/questions", WELDER),
        ("/v1/verifier/requests", {"requirement": WELDER_3}),
        ("/v1/verifier/links", {"title": "Welders", "question": WELDER}),
        ("/v1/webhooks", {"url": "https://hooks.wanderbuch.test/x", "kinds": ["request.decided"]}),
    ],
)
async def test_what_is_sent_again_with_its_key_is_made_once(scene: Scene, path: str, body: Any) -> None:
    key = f"{KEY}{path.replace('/', '.')}"
    calls = [sent(scene.employer, "POST", path, body, Idempotency_Key=key) for _ in range(5)]
    answers = await asyncio.gather(*calls)
    assert {status for status, _, _ in answers} == {201}
    assert len({json.dumps(answer, sort_keys=True) for _, answer, _ in answers}) == 1
    other = {**body, "url": "https://hooks.wanderbuch.test/y"} if "url" in body else {**body, "title": "Others"}
    if "title" not in body and "url" not in body:
        other = {**body, "answer_within_s": 60} if "place" in body else {**body, "deadline_s": 60}
    status, problem, _ = await sent(scene.employer, "POST", path, other, Idempotency_Key=key)
    assert (status, problem["code"]) == (422, "idempotency-key-reused")


@pytest.mark.parametrize("path", ["/v1/verifier/questions/explain", "/v1/verifier/governance/refresh"])
async def test_a_key_where_none_is_heard_is_refused(scene: Scene, path: str) -> None:
    status, problem, _ = await sent(scene.employer, "POST", path, Idempotency_Key=KEY)
    assert (status, problem["code"]) == (400, "malformed")
    assert "Idempotency-Key" in problem["detail"]


async def test_who_has_the_newest_already_is_told_so(scene: Scene) -> None:
    asked = await scene.ask(WELDER_3)
    path = f"/v1/verifier/requests/{asked['id']}"
    _, _, headers = await sent(scene.employer, "GET", path)
    assert (await sent(scene.employer, "GET", path, If_None_Match=headers["etag"]))[:2] == (304, None)
    await scene.employer.post(f"/requests/{asked['id']}/cancel")
    status, shown, later = await sent(scene.employer, "GET", path, If_None_Match=headers["etag"])
    assert (status, shown["state"], later["etag"] != headers["etag"]) == (200, "CANCELLED", True)


async def test_a_link_that_filters_of_mail_open_is_neither_answered_nor_used_up(scene: Scene) -> None:
    link = await scene.employer.post("/links", {"title": "Welders", "most_applicants": 1, "question": WELDER})
    asked = await scene.ask(WELDER_3)
    for address in (link["short_url"], asked["short_url"]):
        assert address.isascii()
        assert len(address) <= 76  # mail breaks longer lines
        url = f"https://127.0.0.1:{scene.employer.public_port}{address.removeprefix(scene.employer.public_url)}"
        for accept in ("text/html", "application/json", "*/*"):
            headers = {"Host": scene.employer.public_url.removeprefix("https://"), "Accept": accept}
            async with aiohttp.ClientSession() as session:
                for method in ("HEAD", "GET", "GET"):
                    async with session.request(
                        method, url, headers=headers, ssl=False, allow_redirects=False
                    ) as response:
                        assert response.status < 400, (method, accept)
    shown = await scene.employer.get(f"/links/{link['id']}")
    assert shown["applicants"] == 0
    assert (link["qr_svg"], shown["qr_svg"][:4]) == (None, "<svg")  # drawn when it is looked at
    assert (await scene.employer.get(f"/requests/{asked['id']}"))["state"] == "OPEN"
    await present(scene, link["short_url"])


async def page_of(scene: Scene, address: str, language: str) -> str:
    """Return the page that a browser gets at a short address, as text."""
    url = f"https://127.0.0.1:{scene.employer.public_port}{address.removeprefix(scene.employer.public_url)}"
    headers = {"Host": scene.employer.host, "Accept": "text/html", "Accept-Language": language}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers, ssl=False) as response:
        assert response.status == 200
        return html.unescape(await response.text())


async def test_the_page_of_a_link_says_what_is_asked_before_and_after_somebody_answered(scene: Scene) -> None:
    link = await scene.employer.post("/links", {"title": "A secret yard", "question": WELDER})
    asked = await scene.employer.post("/questions", {**WELDER, "subject": "name"})
    pages = {}
    for made in (link, asked):
        page = await page_of(scene, made["short_url"], "fr")
        assert "Ce que l’expéditeur apprendrait" in page
        assert "Soudeurs et oxycoupeurs" in page
        assert "A secret yard" not in page
        pages[made["id"]] = page
    words = await scene.employer.get(f"/requests/{asked['id']}/words", language="ar")
    in_arabic = re.sub(r"<[^>]+>", "", await page_of(scene, asked["short_url"], "ar"))
    assert len(words["learnt"]) > 4
    for sentence in (*words["learnt"], *words["not_learnt"]):
        assert sentence in in_arabic
    for made in (link, asked):
        await present(scene, made["short_url"])
    await scene.employer.wait_for(f"/requests/{asked['id']}", "state", "DECIDED")
    for made in (link, asked):
        assert await page_of(scene, made["short_url"], "fr") == pages[made["id"]]


async def test_a_decision_comes_signed_by_a_webhook_once_and_says_no_value(scene: Scene) -> None:
    """To a server that fails once; the same event as on the log, and nothing of what was shown."""
    async with receiving(scene.town.machine, port=scene.town.hooks_port) as receiver:
        told = {"url": f"https://{HOST}/wanderbuch", "kinds": ["request.decided"]}
        hook = await scene.employer.post("/v1/webhooks", told)
        receiver.secret, receiver.fails = hook["secret"], 1
        ended = await scene.answered(subject="name")
        assert await receiver.wait(1) == [("request.decided", ended["id"])]
        assert receiver.statuses == [503, 200]
        assert len(set(receiver.ids)) == 1
        (event,) = receiver.taken
        assert event["data"]["body"]["verdict"] == ended["decision"]["verdict"] == "TRUSTED"
        log = (await scene.employer.get("/v1/events", after=str(event["data"]["number"] - 1)))["items"]
        assert {"tenant": "default", **log[0]} == event["data"]
        assert "Perera" not in json.dumps(event)
        second = await scene.answered()
        assert (await receiver.wait(2))[1] == ("request.decided", second["id"])
        assert receiver.statuses[2:] == [200]
        shown = await scene.employer.wait_for(f"/v1/webhooks/{hook['id']}", "failures", 0)
        assert shown["state"] == "RUNNING"
        await scene.employer.app.delete(f"/v1/webhooks/{hook['id']}")


async def test_every_answer_of_the_flow_is_as_the_description_says(scene: Scene) -> None:
    document, ended = await described(scene.employer), await scene.answered()
    at = f"/v1/verifier/requests/{ended['id']}"
    for path, place in {
        at: "/verifier/requests/{id}",
        f"{at}/receipt": "/verifier/requests/{id}/receipt",
        "/v1/verifier/requests": "/verifier/requests",
        "/v1/verifier/links": "/verifier/links",
        "/v1/verifier/erasures": "/verifier/erasures",
        "/v1/verifier/identity": "/verifier/identity",
        "/v1/verifier/governance": "/verifier/governance",
        "/v1/verifier/questions/schema": "/verifier/questions/schema",
        "/v1/events": "/events",
        "/v1/webhooks": "/webhooks",
    }.items():
        status, answer, _ = await sent(scene.employer, "GET", path)
        assert status == 200, (path, answer)
        schema = document["paths"][place]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": document["components"]}).validate(answer)
