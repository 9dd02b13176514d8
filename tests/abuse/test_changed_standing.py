"""What counts changes between the award, the question and the answer: the answer says what counts at its instant."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.abuse.town import Town
from tests.welders import CLAIM as WELDER
from tests.welders import LEVELS

from wanderbuch.agents.machine import AgentHandle

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="session")]

WELDER_3 = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}


class Scene:
    """A wallet with a credential of the centre, one of a mill that nobody accredits, and an employer."""

    def __init__(self, town: Town, mill: AgentHandle) -> None:
        self.town, self.mill = town, mill
        self.employer, self.liar = town.people["employer"], town.people["liar"]

    async def credential(self, issuer: AgentHandle) -> str:
        held = {each["id"] for each in (await self.liar.get("/credentials"))["items"]}
        made = await issuer.post("/offers", {"claim": WELDER, **LEVELS})
        await self.liar.post("/invitations", {"url": made["invitation_url"]})
        await issuer.wait_for(f"/offers/{made['id']}", "state", "done")
        (new,) = {each["id"] for each in (await self.liar.get("/credentials"))["items"]} - held
        return str(new)

    async def asked(self) -> tuple[str, str]:
        made = await self.employer.post("/requests", {"requirement": WELDER_3})
        opened = await self.liar.post("/invitations", {"url": made["short_url"]})
        return made["id"], opened["id"]

    async def answered(self, asked: tuple[str, str], credential: str) -> dict[str, Any]:
        question, request = asked
        await self.liar.post(f"/requests/{request}/forge", {"credential_id": credential})
        ended: dict[str, Any] = await self.employer.wait_for(f"/requests/{question}", "state", "DECIDED")
        return ended


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_town: Town) -> AsyncIterator[Scene]:
    mill = shared_town.mill
    assert mill is not None
    mill.configure(rogue_issuer={"schema_id": shared_town.schema_id, "registry_size": 16})
    await mill.start()
    yield Scene(shared_town, mill)
    await mill.stop()
    await shared_town.publish()  # with everybody in it again
    await shared_town.look()


def codes(ended: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in ended["decision"]["reasons"]]


async def test_refuses_a_definition_of_ones_own_with_the_right_schema(scene: Scene) -> None:
    ended = await scene.answered(await scene.asked(), await scene.credential(scene.mill))
    assert (ended["decision"]["verdict"], codes(ended)) == ("NOT_TRUSTED", ["issuer.definition_not_accepted"])


async def test_an_answer_rests_on_the_version_of_its_instant_not_of_the_question(scene: Scene) -> None:
    credential = await scene.credential(scene.town.centre)
    asked = await scene.asked()
    await scene.town.publish()
    await scene.employer.post("/governance/refresh")
    ended = await scene.answered(asked, credential)
    assert ended["decision"]["verdict"] == "TRUSTED"
    assert ended["decision"]["governance"]["version"] == scene.town.version


async def test_an_accreditation_that_is_gone_since_the_question_does_not_count(scene: Scene) -> None:
    credential = await scene.credential(scene.town.centre)
    asked = await scene.asked()
    await scene.town.publish(without=scene.town.centre)
    await scene.employer.post("/governance/refresh")
    ended = await scene.answered(asked, credential)
    assert (ended["decision"]["verdict"], codes(ended)[0]) == ("NOT_TRUSTED", "issuer.not_accredited")
    told = {fact["fact"]: fact["outcome"] for fact in ended["answer"]["facts"]}
    assert (told["genuine"], told["issuer_counts"]) == ("holds", "fails")
