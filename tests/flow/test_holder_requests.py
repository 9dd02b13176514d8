"""The holder agent and a real verifier: what is asked is told, the answer is the person's."""

from typing import Any

import pytest
from tests.abuse.town import Town
from tests.unit.trust.ecosystem import verification
from tests.welders import CLAIM as WELDER
from tests.welders import certificate

from wanderbuch.agents.machine import AgentHandle, AppError

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]

WELDER_3 = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}


class Scene:
    """An academy, an employer and a worker."""

    def __init__(self, town: Town, employer: str = "employer") -> None:
        assert town.academy is not None
        self.town = town
        self.academy: AgentHandle = town.academy
        self.worker, self.employer = town.people["worker"], town.people[employer]

    async def issue(self, **claim: Any) -> tuple[str, str]:
        """Return the id of an offer that the worker accepted, and of the credential."""
        made = await self.academy.post("/offers", {"claim": certificate(WELDER, **claim)})
        opened = await self.worker.post("/invitations", {"url": made["short_url"]})
        await self.worker.post(f"/offers/{opened['id']}/accept")
        done = await self.worker.wait_for(f"/offers/{opened['id']}", "state", "RECEIVED")
        return made["id"], done["credential_id"]

    async def asked(self, **requirement: Any) -> tuple[str, dict[str, Any]]:
        """Return the id of a question with the employer, and the question as the worker sees it."""
        made = await self.employer.post("/requests", {"requirement": {**WELDER_3, **requirement}})
        opened = await self.worker.post("/invitations", {"url": made["short_url"]})
        return made["id"], await self.worker.get(f"/requests/{opened['id']}")

    async def refused(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        with pytest.raises(AppError) as caught:
            await self.worker.post(path, body)
        assert caught.value.status == 409
        return caught.value.problem


@pytest.fixture
def scene(shared_town: Town) -> Scene:
    return Scene(shared_town)


@pytest.fixture
def listed(shared_town: Town) -> Scene:
    """With the employer of whom the governance file may say what it may ask."""
    return Scene(shared_town, employer="listed")


def fits(shown: dict[str, Any], credential: str) -> dict[str, Any]:
    (credential_fit,) = [candidate for candidate in shown["credentials"] if candidate["credential_id"] == credential]
    return dict(credential_fit)


async def test_an_answer_may_leave_out_what_the_question_allows_and_the_employer_is_told(scene: Scene) -> None:
    _, credential = await scene.issue()
    question, shown = await scene.asked(subject="name_and_birth_date", least_subject="name")
    assert (shown["may_be_left_out"], shown["can_leave_out"]) == (["birth_date"], True)
    path = f"/requests/{shown['id']}"
    done = await scene.worker.post(f"{path}/present", {"credential_id": credential, "leave_out": True})
    assert done["left_out"]
    ended = await scene.employer.wait_for(f"/requests/{question}", "state", "DECIDED")
    assert ended["decision"]["verdict"] == "TRUSTED"
    codes = [reason["code"] for reason in ended["decision"]["reasons"]]
    assert codes[-2:] == ["subject.shown", "subject.birth_date_left_out"]
    assert ended["left_out"] == ["birth_date"]
    seen = {value["attribute"] for value in ended["seen"]}
    assert "family_name" in seen
    assert "birth_date" not in seen
    assert "birth_date" in {hidden["attribute"] for hidden in ended["hidden"]}
    assert (await scene.worker.wait_for(path, "state", "ACCEPTED"))["left_out"]
    receipt = await scene.employer.get(f"/requests/{question}/receipt")
    assert "subject.birth_date_left_out" in receipt["content"]["decided"]["reasons"]


async def test_what_may_not_be_left_out_is_not_left_out(scene: Scene) -> None:
    _, credential = await scene.issue()
    _, shown = await scene.asked(subject="name_and_birth_date")
    assert (shown["may_be_left_out"], shown["can_leave_out"]) == ([], False)
    with pytest.raises(AppError, match="nothing in this request may be left out"):
        await scene.worker.post(f"/requests/{shown['id']}/present", {"credential_id": credential, "leave_out": True})
    with pytest.raises(AppError, match="to ask for less than"):
        await scene.asked(subject="none", least_subject="none")


async def test_tells_what_is_asked_by_whom_and_what_stays_hidden(scene: Scene) -> None:
    _, credential = await scene.issue()
    question, shown = await scene.asked()
    texts = [item["text"] for item in shown["asked"]]
    assert "Proves: EQF level 3 or more. The level stays hidden." in texts
    assert "Proves: the credential is not revoked." in texts
    assert any(text.startswith("Required: ") and "C7212 (Welders" in text for text in texts)
    identity = await scene.employer.get("/identity")
    assert shown["from"] == {
        "did": identity["did"],
        "known": False,
        "name": None,
        "unverified_label": "employer",
    }
    fit = fits(shown, credential)
    assert fit["fits"]
    assert {"family_name", "eqf_level", "framework_level", "credential_id"} <= set(fit["hidden"])
    done = await scene.worker.post(f"/requests/{shown['id']}/present", {"credential_id": credential})
    assert done["state"] == "PRESENTED"
    await scene.worker.wait_for(f"/requests/{shown['id']}", "state", "ACCEPTED")
    ended = await scene.employer.wait_for(f"/requests/{question}", "state", "DECIDED")
    assert ended["decision"]["verdict"] == "TRUSTED"
    again = await scene.refused(f"/requests/{shown['id']}/present", {"credential_id": credential})
    assert again["code"] == "exchange"


async def test_will_not_show_a_level_that_is_too_low_and_can_decline(scene: Scene) -> None:
    """Scene (c): an honest wallet."""
    _, low = await scene.issue(framework_level="2")
    question, shown = await scene.asked(min_eqf_level=5)
    assert [reason["code"] for reason in fits(shown, low)["reasons"]] == ["fit.level"]
    assert not shown["can_answer"]
    assert shown["explanation"].startswith("No credential can answer.")
    problem = await scene.refused(f"/requests/{shown['id']}/present", {"credential_id": low})
    assert [reason["code"] for reason in problem["reasons"]] == ["fit.level"]
    ended = await scene.worker.post(f"/requests/{shown['id']}/decline", {"reason": "NO_FITTING_CREDENTIAL"})
    assert ended["state"] == "DECLINED"
    await scene.employer.wait_for(f"/requests/{question}", "state", "DECLINED")


async def test_will_not_show_a_revoked_credential(scene: Scene) -> None:
    """Scene (g): an honest wallet."""
    offer, credential = await scene.issue()
    _, before = await scene.asked()
    assert fits(before, credential)["fits"]
    assert (await scene.academy.post(f"/credentials/{offer}/revoke"))["published"]
    problem = await scene.refused(f"/requests/{before['id']}/present", {"credential_id": credential})
    assert [reason["code"] for reason in problem["reasons"]] == ["fit.revoked"]
    _, after = await scene.asked()
    assert [reason["code"] for reason in fits(after, credential)["reasons"]] == ["fit.revoked"]


async def test_answers_by_predicate_from_one_credential(scene: Scene) -> None:
    _, low = await scene.issue(framework_level="2")
    _, good = await scene.issue()
    question, shown = await scene.asked(level_proof="predicate")
    assert not fits(shown, low)["fits"]
    assert fits(shown, good)["fits"]
    await scene.worker.post(f"/requests/{shown['id']}/present", {"credential_id": good})
    ended = await scene.employer.wait_for(f"/requests/{question}", "state", "DECIDED")
    assert ended["decision"]["verdict"] == "TRUSTED"


async def test_takes_the_issuers_standing_along(scene: Scene) -> None:
    _, credential = await scene.issue()
    question, _ = await scene.asked()
    staple = await scene.worker.get(f"/credentials/{credential}/staple")
    stapled = await scene.employer.post(f"/requests/{question}/staple", staple)
    governance = await scene.employer.get("/governance")
    assert governance["freshness"] == "FRESH"
    assert (stapled["issuer"], stapled["current"]) == (staple["issuer"], governance["current"])
    broken = {**staple, "staple": staple["staple"][:400] + "AAAA" + staple["staple"][404:]}
    with pytest.raises(AppError) as caught:
        await scene.employer.post(f"/requests/{question}/staple", broken)
    assert caught.value.status == 422


async def test_a_listed_verifier_that_asks_for_more_gets_no_answer(listed: Scene) -> None:
    _, credential = await listed.issue()
    _, before = await listed.asked(subject="name")
    assert before["asking"]["verdict"] == "UNKNOWN"
    assert before["purpose"] == "employment"
    employer = (await listed.employer.get("/identity"))["did"]
    await listed.town.publish(may_ask={employer: verification()})
    for agent in (listed.worker, listed.employer):
        await agent.post("/governance/refresh")
    problem = await listed.refused(f"/requests/{before['id']}/present", {"credential_id": credential})
    assert problem["decision"]["verdict"] == "NOT_TRUSTED"
    after = await listed.worker.get(f"/requests/{before['id']}")
    assert after["explanation"].startswith("This verifier may not ask that.")
    assert not after["can_answer"]
    with pytest.raises(AppError) as caught:  # and its own agent does not ask it any more
        await listed.employer.post("/requests", {"requirement": {**WELDER_3, "subject": "name"}})
    assert (caught.value.status, caught.value.problem["decision"]["verdict"]) == (409, "NOT_TRUSTED")
    _, allowed = await listed.asked()
    assert allowed["asking"]["verdict"] == "TRUSTED"
    done = await listed.worker.post(f"/requests/{allowed['id']}/present", {"credential_id": credential})
    assert done["state"] == "PRESENTED"


async def test_knows_no_request_or_credential_that_is_not_there(scene: Scene) -> None:
    _, shown = await scene.asked()
    for path, body in (("/requests/none/present", "x"), (f"/requests/{shown['id']}/present", "none")):
        with pytest.raises(AppError) as caught:
            await scene.worker.post(path, {"credential_id": body})
        assert caught.value.status == 404
