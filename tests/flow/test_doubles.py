"""Every route that changes something, asked ten times at once: never a failure, one effect, for the others the same
answer or a clear refusal.

The routes are read from the running agents: one that is new and has no case here fails the first test.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.flow.application_doubles import APPLICATION_CASES
from tests.flow.authority_doubles import AUTHORITY_CASES
from tests.flow.batch_doubles import BATCH_CASES, NO_SERVER
from tests.flow.desk_doubles import DESK_CASES
from tests.flow.doubles import Calls, Case, Effect, Place, call
from tests.flow.holding_doubles import HOLDING_CASES
from tests.flow.joining_doubles import JOINING_CASES
from tests.flow.register_doubles import REGISTER_CASES
from tests.prepared import start_prepared
from tests.soak.village import WELDER, Village

from wanderbuch.agents.demo.example import example_claim
from wanderbuch.agents.machine import AgentHandle

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

AT_ONCE = 10
AUTHORITY = {
    "redress": "mailto:appeals@example.test",
    "intake": {
        "enabled": True,
        "most_of_one": 100,
        "network_a_minute": 600,
        "network_a_day": 10_000,
        "all_a_minute": 600,
    },
}

CENTRE = {"smtp": NO_SERVER}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    village = Village(
        tmp_path_factory.mktemp("village"),
        authority=AUTHORITY,
        centre=CENTRE,
        start_child=start_prepared,
    )
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
        answer = [credential["id"] for credential in (await place.worker.get("/credentials"))["items"]]
        assert answer.count(done["credential_id"]) == 1

    return Calls(f"/offers/{received}/accept", check=check)


async def decline_offer(place: Place) -> Calls:
    made, received = await place.village.offer()

    async def check() -> None:
        await place.centre.wait_for(f"/offers/{made}", "state", "DECLINED")

    return Calls(f"/offers/{received}/decline", check=check)


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


KEEP = {"law": "Safety Act, 12", "purpose": "showing who was let weld", "until": "2039-12-31"}
IN_WORDS = {
    "place": "MLT",
    "credentials": [{"ask": "qualification", "occupation": "C7212", "level": {"at_least": "3"}}],
}


async def ask_in_words(_: Place) -> Calls:
    return Calls("/questions", IN_WORDS, Effect.EACH)


async def ask_once_more(place: Place) -> Calls:
    made = await place.employer.post("/questions", IN_WORDS)
    return Calls(f"/requests/{made['id']}/again", effect=Effect.EACH)


async def ask_wallet_once_more(place: Place) -> Calls:
    """Ten clicks make one question: the wallet is asked once more, and not ten times."""
    link = await place.employer.post("/links", {"title": "Welders", "question": IN_WORDS})
    await place.worker.post("/invitations", {"url": link["invitation_url"]})
    (applicant,) = (await place.employer.get(f"/links/{link['id']}/applicants"))["items"]
    await place.employer.post(f"/requests/{applicant['id']}/cancel")
    return Calls(f"/requests/{applicant['id']}/again-same-wallet", effect=Effect.SAME)


async def explain_question(_: Place) -> Calls:
    return Calls("/questions/explain", {"question": IN_WORDS}, Effect.EACH)


async def look_at_paper(place: Place) -> Calls:
    paper = {"centre": "did:web:centre.example", "occupation": "welder", "place": "Malta", "awarded_on": "2020-05-04"}
    return Calls("/papers", paper, Effect.SAME)


async def explain_policy(_: Place) -> Calls:
    return Calls("/policy/explain", {"document": {"places": ["Malta"]}}, Effect.SAME)


async def set_policy(place: Place) -> Calls:
    """One that refuses nothing, so that all that comes after can be asked."""
    kept = await place.employer.get("/policy")
    loose = {"revocation": "dangerously_accept_revoked", "alike": "dangerously_allowed"}

    async def check() -> None:
        assert (await place.employer.get("/policy"))["revision"] == kept["revision"] + 1

    return Calls("/policy", {"document": loose, "revision": kept["revision"]}, Effect.ANY, check=check)


async def make_link(_: Place) -> Calls:
    return Calls("/links", {"title": "Welders", "question": IN_WORDS}, Effect.EACH)


async def close_link(place: Place) -> Calls:
    made = await place.employer.post("/links", {"title": "Welders", "question": IN_WORDS})

    async def check() -> None:
        assert not (await place.employer.get(f"/links/{made['id']}"))["is_open"]

    return Calls(f"/links/{made['id']}/close", effect=Effect.SAME, check=check)


async def widen_link(place: Place) -> Calls:
    made = await place.employer.post("/links", {"title": "Welders", "question": IN_WORDS, "most_applicants": 5})

    async def check() -> None:
        assert (await place.employer.get(f"/links/{made['id']}"))["most_applicants"] == 7

    return Calls(f"/links/{made['id']}/widen", {"most_applicants": 7}, Effect.SAME, check=check)


async def destroy_case(place: Place) -> Calls:
    question, received = await place.asked(keep=KEEP)
    await place.worker.post(f"/requests/{received}/present", {"credential_id": place.credential[1]})
    decided = await place.employer.wait_for(f"/requests/{question}", "state", "DECIDED")
    assert "case.not_kept" not in {reason["code"] for reason in decided["decision"]["reasons"]}
    kept = await place.employer.get(f"/requests/{question}/case")
    assert kept["law"] == KEEP["law"]

    async def check() -> None:
        for part in ("case", "case/key"):
            assert (await call(place.employer, "GET", f"/requests/{question}/{part}", None, None))[0] == 404

    return Calls(f"/requests/{question}/case/destroy", effect=Effect.SAME, check=check)


async def hand_over_staple(place: Place) -> Calls:
    question, _ = await place.asked()
    staple = await place.worker.get(f"/credentials/{place.credential[1]}/staple")
    return Calls(f"/requests/{question}/staple", staple, Effect.EACH)


async def forget(place: Place) -> Calls:
    question, received = await place.asked()
    await place.worker.post(f"/requests/{received}/present", {"credential_id": place.credential[1]})
    await place.employer.wait_for(f"/requests/{question}", "state", "DECIDED")
    return Calls(f"/requests/{question}/forget")


async def erase(place: Place) -> Calls:
    question, received = await place.asked()
    await place.worker.post(f"/requests/{received}/present", {"credential_id": place.credential[1]})
    await place.employer.wait_for(f"/requests/{question}", "state", "DECIDED")
    return Calls(f"/requests/{question}/erase", effect=Effect.SAME)


async def have_erased(place: Place) -> Calls:
    question, received = await place.asked()
    await place.worker.post(f"/requests/{received}/present", {"credential_id": place.credential[1]})
    await place.employer.wait_for(f"/requests/{question}", "state", "DECIDED")

    async def check() -> None:
        await place.worker.wait_for(f"/requests/{received}/erasure", "state", "ANSWERED")
        events = (await place.employer.get("/v1/events", limit="500"))["items"]
        assert [event["kind"] for event in events if event["subject"] == question].count("request.erased") == 1

    return Calls(f"/requests/{received}/erase", effect=Effect.SAME, check=check)


async def cancel(place: Place) -> Calls:
    question, _ = await place.asked()

    async def check() -> None:
        assert (await place.employer.get(f"/requests/{question}"))["state"] == "CANCELLED"

    return Calls(f"/requests/{question}/cancel", effect=Effect.SAME, check=check)


async def withdraw_offer(place: Place) -> Calls:
    made = await place.centre.post("/offers", {"claim": example_claim()})

    async def check() -> None:
        assert (await place.centre.get(f"/offers/{made['id']}"))["state"] == "WITHDRAWN"

    return Calls(f"/offers/{made['id']}/withdraw", effect=Effect.SAME, check=check)


# In this order: what publishes a version comes after what is judged on one, a suspension after everything that needs
# the centre.
CASES: list[tuple[str, str, str, Case]] = [
    ("worker", "POST", "/invitations", open_question),
    ("worker", "POST", "/invitations", open_offer),
    ("worker", "POST", "/offers/{id}/accept", accept),
    ("worker", "POST", "/offers/{id}/decline", decline_offer),
    ("worker", "POST", "/offers/refresh", judge_again),
    ("worker", "POST", "/requests/{id}/present", present),
    ("worker", "POST", "/requests/{id}/decline", decline_question),
    ("worker", "POST", "/requests/{id}/erase", have_erased),
    ("worker", "POST", "/governance/refresh", refresh),
    ("centre", "POST", "/offers", make_offer),
    ("centre", "POST", "/offers/{id}/withdraw", withdraw_offer),
    ("centre", "POST", "/credentials/{id}/revoke", revoke),
    *BATCH_CASES,
    *REGISTER_CASES,
    *HOLDING_CASES,
    ("centre", "POST", "/governance/refresh", refresh),
    ("employer", "POST", "/requests", ask),
    ("employer", "POST", "/questions", ask_in_words),
    ("employer", "POST", "/requests/{id}/again", ask_once_more),
    ("employer", "POST", "/requests/{id}/again-same-wallet", ask_wallet_once_more),
    ("employer", "POST", "/questions/explain", explain_question),
    ("employer", "POST", "/links", make_link),
    ("employer", "POST", "/papers", look_at_paper),
    ("employer", "POST", "/policy/explain", explain_policy),
    ("employer", "PUT", "/policy", set_policy),
    ("employer", "POST", "/links/{id}/close", close_link),
    ("employer", "POST", "/links/{id}/widen", widen_link),
    ("employer", "POST", "/requests/{id}/case/destroy", destroy_case),
    ("employer", "POST", "/requests/{id}/staple", hand_over_staple),
    ("employer", "POST", "/requests/{id}/forget", forget),
    *DESK_CASES,
    ("employer", "POST", "/requests/{id}/erase", erase),
    ("employer", "POST", "/requests/{id}/cancel", cancel),
    ("employer", "POST", "/governance/refresh", refresh),
    *JOINING_CASES,
    *APPLICATION_CASES,
    *AUTHORITY_CASES,
]


async def test_every_route_that_changes_something_has_a_case(place: Place) -> None:
    covered = set()
    for who in ("worker", "centre", "employer", "authority"):
        agent: AgentHandle = getattr(place, who)
        described, own = await agent.get("/openapi.json"), f"/{agent.role}/"
        covered |= {
            (who, method.upper(), path.removeprefix(own.rstrip("/")))
            for path, methods in described["paths"].items()
            for method in methods
            if path.startswith(own) and method in ("post", "put", "patch", "delete")
        }
    assert covered == {(who, method, path) for who, method, path, _ in CASES}


@pytest.mark.parametrize(("who", "method", "route", "case"), CASES)
async def test_ten_calls_at_once_have_one_effect(place: Place, who: str, method: str, route: str, case: Case) -> None:
    agent: AgentHandle = getattr(place, who)
    calls = await case(place)
    answers = await asyncio.gather(*(call(agent, method, calls.path, calls.body, calls.token) for _ in range(AT_ONCE)))
    told = [(status, answer.get("code"), answer.get("detail")) for status, answer in answers if status >= 400]
    assert [answer for answer in told if answer[0] >= 500] == []
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


async def test_calls_with_one_key_make_one_thing(place: Place) -> None:
    """Of every route that describes the key."""
    keyed = []
    for who, method, route, case in CASES:
        agent: AgentHandle = getattr(place, who)
        path = (await agent.get("/openapi.json"))["paths"][f"/{agent.role}{route}"]
        if "Idempotency-Key" not in {parameter["name"] for parameter in path[method.lower()].get("parameters", ())}:
            continue
        keyed.append(route)
        calls, key = await case(place), secrets.token_hex(16)
        answers = [await call(agent, method, calls.path, calls.body, calls.token, key=key) for _ in range(2)]
        assert {status for status, _ in answers} <= {200, 201}, (route, answers)
        first, second = [answer.get("id", answer) for _, answer in answers]
        assert first == second, route
    assert {"/offers", "/questions", "/links", "/templates", "/applications", "/people", "/officials"} <= set(keyed)


async def test_a_question_opened_at_once_under_its_two_addresses_is_one(place: Place) -> None:
    made = await place.employer.post("/requests", {"requirement": WELDER, "deadline_s": 60})
    urls = [made["invitation_url"], made["short_url"]] * 5
    opened = await asyncio.gather(*(place.worker.post("/invitations", {"url": url}) for url in urls))
    assert len({request["id"] for request in opened}) == 1


async def test_an_agent_that_was_asked_so_much_starts_again(place: Place) -> None:
    await place.worker.stop()
    await place.worker.start()
    listed = (await place.worker.get("/requests"))["items"]
    assert len({request["id"] for request in listed}) == len(listed)
