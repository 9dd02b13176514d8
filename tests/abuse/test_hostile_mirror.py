"""What stands in the authority's place can delay and withhold; it cannot bring back, change or freeze."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.abuse.town import Town
from tests.welders import CLAIM as WELDER
from tests.welders import LEVELS

from wanderbuch.agents.machine import AgentHandle, AppError

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]

WELDER_3 = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}
FRESHNESS_S = 8


class Scene:
    """An employer and a wallet that reach the authority through the mirror."""

    def __init__(self, town: Town) -> None:
        assert town.mirror is not None
        self.town, self.mirror = town, town.mirror
        self.employer: AgentHandle = town.people["employer"]
        self.liar: AgentHandle = town.people["liar"]

    async def publish(self, *, without: AgentHandle | None = None) -> int:
        await self.town.publish(without=without)
        return self.town.version

    async def serve(self, mode: str, **how: Any) -> None:
        await self.mirror.post("/mode", {"mode": mode, **how})

    async def refreshed(self) -> dict[str, Any]:
        shown: dict[str, Any] = await self.employer.post("/governance/refresh")
        return shown

    async def credential(self) -> str:
        """Have a welder's credential from the centre."""
        items = (await self.liar.get("/credentials"))["items"]
        if items:
            return str(items[0]["id"])
        made = await self.town.centre.post("/offers", {"claim": WELDER, **LEVELS})
        await self.liar.post("/invitations", {"url": made["invitation_url"]})
        await self.town.centre.wait_for(f"/offers/{made['id']}", "state", "done")
        return str((await self.liar.get("/credentials"))["items"][0]["id"])

    async def asked(self) -> tuple[str, str]:
        made = await self.employer.post("/requests", {"requirement": WELDER_3})
        opened = await self.liar.post("/invitations", {"url": made["short_url"]})
        return made["id"], opened["id"]

    async def answered(self, question: str, request: str) -> dict[str, Any]:
        await self.liar.post(f"/requests/{request}/forge", {"credential_id": await self.credential()})
        ended = await self.employer.wait_for(f"/requests/{question}", "state", "DECIDED")
        return dict(ended["decision"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town_scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    town = Town(
        tmp_path_factory.mktemp("town"),
        liars=("liar",),
        employers=("employer",),
        mirror=True,
        authority={"freshness_lifetime_s": FRESHNESS_S, "reissue_every_s": 1},
    )
    try:
        await town.open()
        yield Scene(town)
    finally:
        await town.machine.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def scene(town_scene: Scene) -> AsyncIterator[Scene]:
    """The mirror honest, and the newest version with everybody in it."""
    await town_scene.serve("PASS")
    await town_scene.publish()
    shown = await town_scene.refreshed()
    assert (shown["current"]["version"], shown["is_fresh"]) == (town_scene.town.version, True)
    yield town_scene
    await town_scene.serve("PASS")


def codes(problems: list[dict[str, str]]) -> set[str]:
    return {problem["code"] for problem in problems}


async def test_trusts_through_a_mirror_that_passes_everything(scene: Scene) -> None:
    assert (await scene.answered(*await scene.asked()))["verdict"] == "TRUSTED"
    assert (await scene.mirror.get("/state"))["lies"] == 0


async def test_an_older_file_does_not_bring_back_who_was_withdrawn(scene: Scene) -> None:
    """Scene (h): the file and the statement about it are validly signed, and the statement has not run out."""
    older = scene.town.version
    question, request = await scene.asked()
    newer = await scene.publish(without=scene.town.centre)
    assert (await scene.refreshed())["current"]["version"] == newer
    await scene.serve("OLDER", version=older)
    shown = await scene.refreshed()
    assert (shown["last_refresh"], shown["current"]["version"]) == ("REFUSED", newer)
    assert "governance.rollback" in codes(shown["notes"])
    decision = await scene.answered(question, request)
    assert decision["verdict"] in {"NOT_TRUSTED", "STALE"}
    assert decision["governance"]["version"] == newer


async def test_an_altered_file_changes_nothing(scene: Scene) -> None:
    """Scene (i): cooks made welders, with the old signature."""
    before = (await scene.refreshed())["current"]
    await scene.serve("ALTERED", find='"C512"', replace='"C72"')
    shown = await scene.refreshed()
    assert (shown["last_refresh"], shown["current"]) == ("REFUSED", before)


async def test_a_frozen_file_goes_stale(scene: Scene) -> None:
    """Scene (j): the authority publishes a withdrawal that the mirror never passes on."""
    question, request = await scene.asked()
    await scene.mirror.post("/capture")
    await scene.serve("FROZEN")
    await scene.publish(without=scene.town.centre)
    await scene.employer.wait_for("/governance", "is_fresh", False)
    assert not (await scene.refreshed())["is_fresh"]
    assert (await scene.answered(question, request))["verdict"] == "STALE"


async def test_a_silent_authority_goes_stale_and_comes_back(scene: Scene) -> None:
    await scene.serve("DOWN")
    assert (await scene.refreshed())["last_refresh"] == "UNREACHABLE"
    await scene.employer.wait_for("/governance", "is_fresh", False)
    assert (await scene.answered(*await scene.asked()))["verdict"] == "STALE"
    await scene.serve("PASS")
    assert (await scene.refreshed())["is_fresh"]
    assert (await scene.answered(*await scene.asked()))["verdict"] == "TRUSTED"


async def test_the_mirror_says_what_it_cannot_do(scene: Scene) -> None:
    with pytest.raises(AppError) as caught:
        await scene.serve("OLDER", version=4711)
    assert caught.value.status == 400
