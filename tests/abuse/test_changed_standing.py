"""What counts changes between the award, the question and the answer: the answer says what counts at its instant."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.abuse.town import Town
from tests.welders import CLAIM as WELDER
from tests.welders import LEVELS, certificate

from wanderbuch.agents.machine import AgentHandle

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]

WELDER_3 = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}


class Scene:
    """A wallet with a credential of the centre, one of a mill that nobody accredits, and an employer."""

    def __init__(self, town: Town, mill: AgentHandle) -> None:
        self.town, self.mill = town, mill
        self.employer, self.liar = town.people["employer"], town.people["liar"]

    async def credential(self, issuer: AgentHandle, **changed: Any) -> str:
        before = {credential["id"] for credential in (await self.liar.get("/credentials"))["items"]}
        made = await issuer.post("/offers", {"claim": certificate(WELDER, **changed), **LEVELS})
        await self.liar.post("/invitations", {"url": made["invitation_url"]})
        await issuer.wait_for(f"/offers/{made['id']}", "state", "done")
        (new,) = {credential["id"] for credential in (await self.liar.get("/credentials"))["items"]} - before
        return str(new)

    async def everybody_counts(self) -> None:
        """Publish a file with everybody in it, whatever was published before."""
        await self.town.publish()
        await self.employer.post("/governance/refresh")

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


def withdrawn(*registries: str) -> dict[str, Any]:
    """Return what an authority notes of an accreditation that it withdrew, and which lists existed then."""
    return {
        "status": "withdrawn",
        "decided_on": "2025-03-01",
        "effective_from": "2025-03-01",
        "statuses": [f"anoncreds:{registry}" for registry in registries],
    }


async def test_an_accreditation_withdrawn_since_the_award_counts_for_what_was_awarded_before(scene: Scene) -> None:
    """Asked before the withdrawal, answered after it; awards before it, after it, and in its year: the day decides."""
    await scene.everybody_counts()
    town, centre = scene.town, scene.town.centre
    days = {"before": "2024-06-10", "after": "2026-01-10", "just before": "2025-01-10", "just after": "2025-03-01"}
    credentials = {when: await scene.credential(centre, awarded_on=day) for when, day in days.items()}
    asked = {when: await scene.asked() for when in credentials}
    registry = (await centre.get("/standing"))["registry_id"]
    await town.publish(status={centre.host: [withdrawn(registry)]})
    await scene.employer.post("/governance/refresh")
    ended = {when: await scene.answered(asked[when], credentials[when]) for when in credentials}
    verdicts = {when: (request["decision"]["verdict"], codes(request)[0]) for when, request in ended.items()}
    assert verdicts == {
        "before": ("TRUSTED", "issuer.accredited"),
        "after": ("NOT_TRUSTED", "status.withdrawn"),
        "just before": ("NOT_TRUSTED", "award.date_needed"),
        "just after": ("NOT_TRUSTED", "award.date_needed"),
    }
    assert ended["after"]["answer"]["category"] == "refused"
    assert {request["decision"]["governance"]["version"] for request in ended.values()} == {town.version}
    days_told = {"just before": ("TRUSTED", "issuer.accredited"), "just after": ("NOT_TRUSTED", "status.withdrawn")}
    for when, expected in days_told.items():
        again = await scene.employer.post(f"/requests/{asked[when][0]}/again")  # with the day, which was lacking
        opened = await scene.liar.post("/invitations", {"url": again["short_url"]})
        told = await scene.answered((again["id"], opened["id"]), credentials[when])
        assert (told["decision"]["verdict"], codes(told)[0]) == expected, when


async def test_an_award_dated_back_beyond_a_withdrawal_does_not_count(scene: Scene) -> None:
    """The date is the issuer's own word: a list that did not exist when it was withdrawn proves no earlier award."""
    await scene.everybody_counts()
    credential = await scene.credential(scene.town.centre)
    asked = await scene.asked()
    await scene.town.publish(status={scene.town.centre.host: [withdrawn()]})
    await scene.employer.post("/governance/refresh")
    ended = await scene.answered(asked, credential)
    assert (ended["decision"]["verdict"], codes(ended)[0]) == ("NOT_TRUSTED", "registry.not_pinned")
