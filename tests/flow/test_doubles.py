"""Every route that changes something, asked ten times at once: never a failure, one effect, for the others the same
answer or a clear refusal.

The routes are read from the running agents: one that is new and has no case here fails the first test.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest
import pytest_asyncio
from tests.soak.village import WELDER, Village

from wanderbuch.agents.demo.example import example_claim
from wanderbuch.agents.machine import AgentHandle

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]

AT_ONCE = 10
SUSPECT = "did:webvh:QmXk3Zx9bFBqDGUNqLyXSWEUC3xgjUN1JwPj9pyAGGxVcT:suspect.example.test:org"
EDITOR = "bo"


class Effect(Enum):
    """What ten calls at once come to."""

    ONCE = "one succeeds, the others are told why not"
    SAME = "all succeed, with the same result"
    EACH = "each makes something of its own"
    ANY = "any of them may be refused; nobody is answered by a failure"


@dataclass(frozen=True, slots=True)
class Calls:
    """What is asked ten times, and what must be so afterwards."""

    path: str
    body: Any = None
    effect: Effect = Effect.SAME
    token: str | None = None
    check: Callable[[], Awaitable[None]] | None = None


class Place:
    """Everybody, and what the cases need of them."""

    def __init__(self, village: Village) -> None:
        self.village = village
        self.authority, self.centre = village.authority, village.centre
        self.worker, self.employer = village.worker, village.employer
        self.official = ""
        self.credential = ("", "")

    async def prepare(self) -> None:
        added = await self.authority.post("/officials", {"id": EDITOR, "name": "Bo", "roles": ["editor", "approver"]})
        self.official = added["token"]
        self.credential = await self.village.issue()

    async def asked(self) -> tuple[str, str]:
        """Return the ids of a question with the employer and with the worker."""
        made = await self.employer.post("/requests", {"requirement": WELDER, "deadline_s": 120})
        opened = await self.worker.post("/invitations", {"url": made["invitation_url"]})
        return made["id"], opened["id"]

    async def draft(self, *, submitted: bool = False, **edit: Any) -> dict[str, Any]:
        """Return a draft that changes something."""
        draft = await self.at_desk("POST", "/drafts", {"why": "a test"})
        name = f"Skills of Sri Lanka {secrets.token_hex(4)}"
        edited = await self.at_desk("PATCH", f"/drafts/{draft['id']}", edit or {"header": {"name": name}})
        return await self.at_desk("POST", f"/drafts/{draft['id']}/submit") if submitted else edited

    async def at_desk(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        status, answer = await call(self.authority, method, path, body, self.official)
        assert status < 400, answer
        return dict(answer)


async def call(agent: AgentHandle, method: str, path: str, body: Any, token: str | None) -> tuple[int, Any]:
    """Return status and JSON of one call."""
    headers = {"Authorization": f"Bearer {token or agent.token}"}
    async with agent.app.session.request(
        method, f"{agent.app_url}/v1/{agent.role}{path}", json=body, headers=headers
    ) as response:
        return response.status, await response.json(content_type=None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    village = Village(tmp_path_factory.mktemp("village"), authority={"redress": "mailto:appeals@example.test"})
    try:
        await village.open()
        made = Place(village)
        await made.prepare()
        yield made
    finally:
        await village.machine.stop()


async def open_question(place: Place) -> Calls:
    made = await place.employer.post("/requests", {"requirement": WELDER, "deadline_s": 120})

    async def check() -> None:
        opened = await place.worker.post("/invitations", {"url": made["invitation_url"]})
        await place.worker.post(f"/requests/{opened['id']}/present", {"credential_id": place.credential[1]})
        ended = await place.employer.wait_for(f"/requests/{made['id']}", "state", "DECIDED")
        assert ended["decision"]["verdict"] == "TRUSTED"

    return Calls("/invitations", {"url": made["short_url"]}, check=check)


async def open_offer(place: Place) -> Calls:
    made = await place.centre.post("/offers", {"claim": example_claim(), "deadline_s": 120})

    async def check() -> None:
        opened = await place.worker.post("/invitations", {"url": made["invitation_url"]})
        await place.worker.post(f"/offers/{opened['id']}/accept")
        await place.centre.wait_for(f"/offers/{made['id']}", "receipt", "KEPT")

    return Calls("/invitations", {"url": made["invitation_url"]}, check=check)


async def accept(place: Place) -> Calls:
    made, received = await place.village.offer()

    async def check() -> None:
        done = await place.worker.wait_for(f"/offers/{received}", "state", "RECEIVED")
        await place.centre.wait_for(f"/offers/{made}", "receipt", "KEPT")
        held = [each["id"] for each in (await place.worker.get("/credentials"))["items"]]
        assert held.count(done["credential_id"]) == 1

    return Calls(f"/offers/{received}/accept", effect=Effect.ONCE, check=check)


async def decline_offer(place: Place) -> Calls:
    made, received = await place.village.offer()

    async def check() -> None:
        await place.centre.wait_for(f"/offers/{made}", "state", "DECLINED")

    return Calls(f"/offers/{received}/decline", effect=Effect.ONCE, check=check)


async def present(place: Place) -> Calls:
    question, received = await place.asked()

    async def check() -> None:
        ended = await place.employer.wait_for(f"/requests/{question}", "state", "DECIDED")
        assert ended["decision"]["verdict"] == "TRUSTED"
        await place.worker.wait_for(f"/requests/{received}", "state", "ACCEPTED")

    body = {"credential_id": place.credential[1]}
    return Calls(f"/requests/{received}/present", body, Effect.ONCE, check=check)


async def decline_question(place: Place) -> Calls:
    question, received = await place.asked()

    async def check() -> None:
        await place.employer.wait_for(f"/requests/{question}", "state", "DECLINED")

    return Calls(f"/requests/{received}/decline", {}, Effect.ONCE, check=check)


async def refresh(_: Place) -> Calls:
    return Calls("/governance/refresh", effect=Effect.EACH)


async def judge_again(_: Place) -> Calls:
    return Calls("/offers/refresh", effect=Effect.EACH)


async def make_offer(_: Place) -> Calls:
    return Calls("/offers", {"claim": example_claim(), "deadline_s": 60}, Effect.EACH)


async def revoke(place: Place) -> Calls:
    made, credential = await place.village.issue()

    async def check() -> None:
        view = await place.centre.wait_for(f"/offers/{made}", "state", "REVOKED")
        assert view["revocation"]["state"] == "PUBLISHED"
        assert (await place.worker.get(f"/credentials/{credential}"))["revocation"] == "revoked"

    return Calls(f"/credentials/{made}/revoke", check=check)


async def ask(_: Place) -> Calls:
    return Calls("/requests", {"requirement": WELDER, "deadline_s": 60}, Effect.EACH)


async def hand_over_staple(place: Place) -> Calls:
    question, _ = await place.asked()
    staple = await place.worker.get(f"/credentials/{place.credential[1]}/staple")
    return Calls(f"/requests/{question}/staple", staple, Effect.EACH)


async def forget(place: Place) -> Calls:
    question, received = await place.asked()
    await place.worker.post(f"/requests/{received}/present", {"credential_id": place.credential[1]})
    await place.employer.wait_for(f"/requests/{question}", "state", "DECIDED")
    return Calls(f"/requests/{question}/forget")


async def publish(place: Place) -> Calls:
    current = (await place.authority.get("/identity"))["current"]["version"]
    payload = {**place.village.payload, "version": current + 1}

    async def check() -> None:
        listed = [each["version"] for each in (await place.authority.get("/versions"))["items"]]
        assert listed.count(current + 1) == 1
        assert max(listed) == current + 1

    return Calls("/versions", {"payload": payload}, check=check)


async def reissue(_: Place) -> Calls:
    return Calls("/freshness/reissue", {}, Effect.EACH)


async def add_official(_: Place) -> Calls:
    return Calls("/officials", {"id": f"o-{secrets.token_hex(3)}", "name": "O", "roles": ["editor"]}, Effect.ONCE)


async def one_more_official(place: Place) -> str:
    name = f"o-{secrets.token_hex(3)}"
    await place.authority.post("/officials", {"id": name, "name": "O", "roles": ["editor"]})
    return name


async def change_official(place: Place) -> Calls:
    return Calls(f"/officials/{await one_more_official(place)}", {"name": "Another"})


async def remove_official(place: Place) -> Calls:
    return Calls(f"/officials/{await one_more_official(place)}", effect=Effect.ANY)


async def renew_token(place: Place) -> Calls:
    return Calls(f"/officials/{await one_more_official(place)}/token", effect=Effect.EACH)


async def open_draft(place: Place) -> Calls:
    return Calls("/drafts", {"why": "a test", "id": secrets.token_hex(16)}, token=place.official)


async def edit_draft(place: Place) -> Calls:
    draft = await place.draft()
    body = {"header": {"name": "Skills"}, "revision": draft["revision"]}
    return Calls(f"/drafts/{draft['id']}", body, Effect.ONCE, place.official)


async def schedule_draft(place: Place) -> Calls:
    draft = await place.draft()
    return Calls(f"/drafts/{draft['id']}/schedule", {"not_before": "2030-01-01T00:00:00Z"}, token=place.official)


async def refuse_in_draft(place: Place) -> Calls:
    draft = await place.draft()
    body = {
        "applicant": SUSPECT,
        "id": "2026-017",
        "occupations": ["C7212"],
        "decision": "https://authority.example.test/decisions/17",
        "reason": "no workshop",
    }
    return Calls(f"/drafts/{draft['id']}/refusals", body, Effect.ANY, place.official)


async def submit_draft(place: Place) -> Calls:
    return Calls(f"/drafts/{(await place.draft())['id']}/submit", effect=Effect.ONCE, token=place.official)


async def approve_draft(place: Place) -> Calls:
    draft = await place.draft(submitted=True)
    before = (await place.authority.get("/identity"))["current"]["version"]

    async def check() -> None:
        assert (await place.at_desk("GET", f"/drafts/{draft['id']}"))["state"] == "PUBLISHED"
        assert (await place.authority.get("/identity"))["current"]["version"] == before + 1

    body = {"revision": draft["revision"]}
    return Calls(f"/drafts/{draft['id']}/approve", body, Effect.SAME, place.official, check)


async def reject_draft(place: Place) -> Calls:
    draft = await place.draft(submitted=True)
    return Calls(f"/drafts/{draft['id']}/reject", {"why": "no"}, Effect.SAME, place.official)


async def rebase_draft(place: Place) -> Calls:
    draft = await place.draft(submitted=True)
    return Calls(f"/drafts/{draft['id']}/rebase", {}, Effect.ANY, place.official)


async def suspension(place: Place) -> tuple[str, dict[str, Any]]:
    """Return a centre that counts, and the body that suspends it once."""
    centre = await place.centre.get("/standing")
    return centre["did"], {
        "issuer": centre["did"],
        "why": "under investigation",
        "nothing_counts": True,
        "id": secrets.token_hex(16),
    }


async def suspend(place: Place) -> Calls:
    before = (await place.authority.get("/identity"))["current"]["version"]
    _, body = await suspension(place)

    async def check() -> None:
        assert (await place.authority.get("/identity"))["current"]["version"] == before + 1

    return Calls("/suspensions", body, token=place.official, check=check)


async def close_review(place: Place) -> Calls:
    open_reviews = (await place.at_desk("GET", "/reviews"))["items"]
    body = {"finding": "UPHELD", "note": "as it was"}
    return Calls(f"/reviews/{open_reviews[-1]['id']}/close", body, Effect.ANY, place.official)


async def rotate(place: Place) -> Calls:
    before = (await place.authority.get("/identity"))["current"]["version"]

    async def check() -> None:
        assert (await place.authority.get("/identity"))["current"]["version"] == before + 1

    return Calls("/keys/rotate", {"why": "a test", "id": secrets.token_hex(16)}, check=check)


async def add_witness_proof(_: Place) -> Calls:
    return Calls("/did/witness-proofs", {"proof": {}}, Effect.ANY)


async def withdraw(_: Place) -> Calls:
    return Calls("/did/witness-proofs/withdraw", effect=Effect.ANY)


async def sign(place: Place) -> Calls:
    draft = await place.draft(submitted=True)
    return Calls(f"/drafts/{draft['id']}/signatures", {"jws": "a.b.c"}, Effect.ANY)


type Case = Callable[[Place], Awaitable[Calls]]

# In this order: a suspension comes after everything that needs the centre.
CASES: list[tuple[str, str, str, Case]] = [
    ("worker", "POST", "/invitations", open_question),
    ("worker", "POST", "/invitations", open_offer),
    ("worker", "POST", "/offers/{id}/accept", accept),
    ("worker", "POST", "/offers/{id}/decline", decline_offer),
    ("worker", "POST", "/offers/refresh", judge_again),
    ("worker", "POST", "/requests/{id}/present", present),
    ("worker", "POST", "/requests/{id}/decline", decline_question),
    ("worker", "POST", "/governance/refresh", refresh),
    ("centre", "POST", "/offers", make_offer),
    ("centre", "POST", "/credentials/{id}/revoke", revoke),
    ("centre", "POST", "/governance/refresh", refresh),
    ("employer", "POST", "/requests", ask),
    ("employer", "POST", "/requests/{id}/staple", hand_over_staple),
    ("employer", "POST", "/requests/{id}/forget", forget),
    ("employer", "POST", "/governance/refresh", refresh),
    ("authority", "POST", "/versions", publish),
    ("authority", "POST", "/freshness/reissue", reissue),
    ("authority", "POST", "/officials", add_official),
    ("authority", "PATCH", "/officials/{id}", change_official),
    ("authority", "DELETE", "/officials/{id}", remove_official),
    ("authority", "POST", "/officials/{id}/token", renew_token),
    ("authority", "POST", "/drafts", open_draft),
    ("authority", "PATCH", "/drafts/{id}", edit_draft),
    ("authority", "POST", "/drafts/{id}/schedule", schedule_draft),
    ("authority", "POST", "/drafts/{id}/refusals", refuse_in_draft),
    ("authority", "POST", "/drafts/{id}/submit", submit_draft),
    ("authority", "POST", "/drafts/{id}/approve", approve_draft),
    ("authority", "POST", "/drafts/{id}/reject", reject_draft),
    ("authority", "POST", "/drafts/{id}/rebase", rebase_draft),
    ("authority", "POST", "/drafts/{id}/signatures", sign),
    ("authority", "POST", "/did/witness-proofs", add_witness_proof),
    ("authority", "POST", "/did/witness-proofs/withdraw", withdraw),
    ("authority", "POST", "/keys/rotate", rotate),
    ("authority", "POST", "/suspensions", suspend),
    ("authority", "POST", "/reviews/{id}/close", close_review),
]


async def test_every_route_that_changes_something_has_a_case(place: Place) -> None:
    found = set()
    for who in ("worker", "centre", "employer", "authority"):
        agent: AgentHandle = getattr(place, who)
        described, own = await agent.get("/openapi.json"), f"/v1/{agent.role}/"
        found |= {
            (who, method.upper(), path.removeprefix(own.rstrip("/")))
            for path, methods in described["paths"].items()
            for method in methods
            if path.startswith(own) and method in ("post", "put", "patch", "delete")
        }
    assert found == {(who, method, path) for who, method, path, _ in CASES}


@pytest.mark.parametrize(("who", "method", "route", "case"), CASES)
async def test_ten_calls_at_once_have_one_effect(place: Place, who: str, method: str, route: str, case: Case) -> None:
    agent: AgentHandle = getattr(place, who)
    calls = await case(place)
    answers = await asyncio.gather(*(call(agent, method, calls.path, calls.body, calls.token) for _ in range(AT_ONCE)))
    told = [(status, answer.get("code"), answer.get("detail")) for status, answer in answers if status >= 400]
    assert [each for each in told if each[0] >= 500] == []
    assert all(text for _, _, text in told)
    good = [answer for status, answer in answers if status < 400]
    match calls.effect:
        case Effect.ONCE:
            assert (len(good), {status for status, _, _ in told}) == (1, {409})
        case Effect.SAME:
            assert told == []
            ids = {answer.get("id") or answer.get("draft", {}).get("id") or answer.get("version") for answer in good}
            assert len(ids) == 1
        case Effect.EACH:
            assert told == []
        case Effect.ANY:
            assert {status for status, _, _ in told} <= {400, 404, 409, 422}
    if calls.check is not None:
        await calls.check()
    assert (await agent.get("/health")) is not None


async def test_a_question_opened_at_once_under_its_two_addresses_is_one(place: Place) -> None:
    made = await place.employer.post("/requests", {"requirement": WELDER, "deadline_s": 60})
    urls = [made["invitation_url"], made["short_url"]] * 5
    opened = await asyncio.gather(*(place.worker.post("/invitations", {"url": url}) for url in urls))
    assert len({each["id"] for each in opened}) == 1


async def test_an_agent_that_was_asked_so_much_starts_again(place: Place) -> None:
    await place.worker.stop()
    await place.worker.start()
    listed = (await place.worker.get("/requests"))["items"]
    assert len({each["id"] for each in listed}) == len(listed)
