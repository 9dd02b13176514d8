"""The verifier agent on real sockets, with an honest wallet and a lying one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from tests.abuse.town import LEVELS, WELDER, Town

from wanderbuch.agents.machine import AgentHandle, AppError

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]

WELDER_3 = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}


@dataclass
class Scene:
    """Everybody, and the credentials of the two wallets."""

    town: Town
    shipyard: AgentHandle
    worker: AgentHandle
    liar: AgentHandle
    credential: str = ""

    async def ask(self, requirement: dict[str, Any], **how: Any) -> dict[str, Any]:
        asked: dict[str, Any] = await self.shipyard.post("/requests", {"requirement": requirement, **how})
        return asked

    async def ended(self, asked: dict[str, Any]) -> dict[str, Any]:
        path = f"/requests/{asked['id']}"
        found: dict[str, Any] = await self.shipyard.wait_for(path, "state", "DECIDED", "DECLINED", "NO_ANSWER")
        return found

    async def opened(self, wallet: AgentHandle, asked: dict[str, Any], key: str = "short_url") -> str:
        opened = await wallet.post("/invitations", {"url": asked[key]})
        assert opened["kind"] == "request"
        return str(opened["id"])

    async def liars_credential(self, issuer: AgentHandle, **changed: Any) -> str:
        levels = {name: changed.pop(name, value) for name, value in LEVELS.items()}
        held = {each["id"] for each in (await self.liar.get("/credentials"))["items"]}
        made = await issuer.post("/offers", {"claim": {**WELDER, **changed}, **levels})
        opened = await self.liar.post("/invitations", {"url": made["invitation_url"]})
        await issuer.wait_for(f"/offers/{made['id']}", "state", "done")
        assert opened["kind"] == "offer"
        (new,) = {each["id"] for each in (await self.liar.get("/credentials"))["items"]} - held
        return str(new)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    town = Town(tmp_path_factory.mktemp("town"), holders=("worker",), liars=("liar",))
    shipyard = town.machine.add("verifier", "Malta Shipyard", "shipyard.wanderbuch.test")
    scene = Scene(town, shipyard, town.people["worker"], town.people["liar"])
    try:
        await town.open()
        shipyard.configure(governance=town.governance)
        await shipyard.start()
        made = await town.centre.post("/offers", {"claim": WELDER, **LEVELS})
        opened = await scene.worker.post("/invitations", {"url": made["invitation_url"]})
        await scene.worker.post(f"/offers/{opened['id']}/accept")
        done = await scene.worker.wait_for(f"/offers/{opened['id']}", "state", "RECEIVED")
        scene.credential = done["credential_id"]
        yield scene
    finally:
        await town.machine.stop()


def codes(ended: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in ended["decision"]["reasons"]]


async def test_a_welder_proves_a_level_without_showing_it(scene: Scene) -> None:
    asked = await scene.ask(WELDER_3)
    assert asked["state"] == "OPEN"
    assert asked["short_url"].startswith("https://shipyard.wanderbuch.test/i/")
    assert asked["qr_svg"].startswith("<svg")
    request = await scene.opened(scene.worker, asked)
    shown = await scene.worker.get(f"/requests/{request}")
    assert shown["can_answer"]
    assert shown["from"]["did"].startswith("did:webvh:")
    await scene.worker.post(f"/requests/{request}/present", {"credential_id": scene.credential})
    ended = await scene.ended(asked)
    assert (ended["state"], ended["decision"]["verdict"]) == ("DECIDED", "TRUSTED")
    assert codes(ended) == ["issuer.accredited", "subject.none"]
    assert {each["attribute"]: each["meaning"] for each in ended["seen"]} == {
        "occupation_isco08": "Welders and flamecutters",
        "award_year": "2024",
        "expires_on": "does not expire",
        "framework": "National Vocational Qualifications Framework of Sri Lanka",
        "crosswalk_version": "lk-nvq-2023",
        "eqf_min_3": "EQF level 3 or more",
    }
    assert {"eqf_level", "framework_level", "family_name"} <= {each["attribute"] for each in ended["hidden"]}
    await scene.worker.wait_for(f"/requests/{request}", "state", "ACCEPTED")


async def test_the_same_by_predicate_from_the_long_invitation(scene: Scene) -> None:
    asked = await scene.ask({**WELDER_3, "level_proof": "predicate", "subject": "name"})
    request = await scene.opened(scene.worker, asked, "invitation_url")
    await scene.worker.post(f"/requests/{request}/present", {"credential_id": scene.credential})
    ended = await scene.ended(asked)
    assert ended["decision"]["verdict"] == "TRUSTED"
    assert {"family_name": "Perera", "given_names": "Nimal"}.items() <= {
        each["attribute"]: each["value"] for each in ended["seen"]
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
    await scene.liar.wait_for(f"/requests/{request}", "state", "abandoned")
    await scene.liar.post(f"/requests/{request}/forge", {"credential_id": good})
    await scene.liar.wait_for(f"/requests/{request}", "state", "abandoned")
    assert await scene.shipyard.get(f"/requests/{asked['id']}") == ended


async def test_an_issuer_for_cooks_is_refused(scene: Scene) -> None:
    credential = await scene.liars_credential(scene.town.school)
    asked = await scene.ask(WELDER_3)
    request = await scene.opened(scene.liar, asked)
    await scene.liar.post(f"/requests/{request}/forge", {"credential_id": credential})
    ended = await scene.ended(asked)
    assert (ended["decision"]["verdict"], codes(ended)) == ("NOT_TRUSTED", ["issuer.definition_not_accepted"])


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
    forgotten = await scene.shipyard.post(f"/requests/{asked['id']}/forget")
    assert forgotten["seen"] is None
    assert forgotten["decision"]["verdict"] == "TRUSTED"


async def test_asks_nobody_where_nobody_counts(scene: Scene) -> None:
    with pytest.raises(AppError) as caught:
        await scene.ask({**WELDER_3, "jurisdiction": "FRA"})
    assert caught.value.problem["code"] == "presentation.nobody_counts"


async def test_an_unknown_request_is_not_found(scene: Scene) -> None:
    with pytest.raises(AppError) as caught:
        await scene.shipyard.get("/requests/nothing")
    assert caught.value.status == 404


async def test_shows_what_decisions_rest_on(scene: Scene) -> None:
    shown = await scene.shipyard.post("/governance/refresh")
    assert (shown["is_fresh"], shown["current"]["version"], shown["notes"]) == (True, 1, [])
    assert shown["last_refresh"] == "UNCHANGED"


async def test_lists_requests_by_state(scene: Scene) -> None:
    await scene.ended(await scene.ask(WELDER_3, deadline_s=1))
    listed = (await scene.shipyard.get("/requests", state="NO_ANSWER"))["items"]
    assert listed
    assert {each["state"] for each in listed} == {"NO_ANSWER"}
