"""An employer whose clock is wrong when an answer comes: it trusts nobody by it, and refuses nobody.

`tests/soak/test_wrong_clocks.py` has the clocks of wallets and issuers too, and every offset; here is one employer of
the shared town, real to its TLS and its store, whose process is told another time (libfaketime).
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.abuse.town import Town
from tests.soak.wrong_clock import RIGHT, WrongClocks
from tests.welders import CLAIM, certificate

from wanderbuch.agents.machine import AgentHandle

pytestmark = [pytest.mark.agents, pytest.mark.needs("faketime"), pytest.mark.asyncio(loop_scope="session")]

WELDER_3 = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}
WEEK_S = 7 * 86_400


class Scene:
    """An employer with a clock of its own, and a wallet with a good certificate and one that was revoked."""

    def __init__(self, town: Town, clocks: WrongClocks) -> None:
        assert town.late is not None
        assert town.academy is not None
        self.employer: AgentHandle = town.late
        self.academy: AgentHandle = town.academy
        self.liar, self.clocks = town.people["liar"], clocks
        self.good = self.revoked = ""

    async def prepare(self) -> None:
        _, self.good = await self.issue(credential_id="LATE-1")
        offer, self.revoked = await self.issue(credential_id="LATE-2")
        assert (await self.academy.post(f"/credentials/{offer}/revoke"))["published"]

    async def issue(self, **claim: Any) -> tuple[str, str]:
        before = {credential["id"] for credential in (await self.liar.get("/credentials"))["items"]}
        made = await self.academy.post("/offers", {"claim": certificate(CLAIM, **claim)})
        await self.liar.post("/invitations", {"url": made["short_url"]})
        await self.academy.wait_for(f"/offers/{made['id']}", "receipt", "KEPT")
        (new,) = {credential["id"] for credential in (await self.liar.get("/credentials"))["items"]} - before
        return made["id"], new

    async def asked(self) -> tuple[str, str]:
        """Return the ids of a question that was put by the right time, here and with the wallet."""
        made = await self.employer.post("/requests", {"requirement": WELDER_3, "deadline_s": WEEK_S})
        opened = await self.liar.post("/invitations", {"url": made["short_url"]})
        return made["id"], opened["id"]

    async def told(self, asked: tuple[str, str], credential: str) -> dict[str, Any]:
        question, request = asked
        await self.liar.post(f"/requests/{request}/forge", {"credential_id": credential})
        ended: dict[str, Any] = await self.employer.wait_for(f"/requests/{question}", "state", "DECIDED")
        return ended


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_town: Town, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    clocks = WrongClocks(tmp_path_factory.mktemp("clocks"))
    scene = Scene(shared_town, clocks)
    scene.employer.command = clocks.command("late", scene.employer.command)
    scene.employer.configure(governance=shared_town.governance)
    await scene.employer.start()
    await scene.prepare()
    yield scene
    await scene.employer.stop()


async def verdicts(scene: Scene, *, offset: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is decided of a good answer and of a revoked one while the employer's clock is wrong."""
    questions = [await scene.asked() for _ in range(2)]
    scene.clocks.set("late", offset)
    try:
        good, revoked = scene.good, scene.revoked
        return await scene.told(questions[0], good), await scene.told(questions[1], revoked)
    finally:
        scene.clocks.set("late", RIGHT)


async def test_by_the_right_clock_one_is_trusted_and_one_is_refused(scene: Scene) -> None:
    good, revoked = await verdicts(scene, offset=RIGHT)
    assert good["decision"]["verdict"] == "TRUSTED"
    assert revoked["decision"]["verdict"] == "NOT_TRUSTED"


@pytest.mark.parametrize("offset", ["+2h", "-2h"])
async def test_by_a_wrong_clock_nobody_is_trusted_and_a_good_answer_is_not_refused(scene: Scene, offset: str) -> None:
    good, revoked = await verdicts(scene, offset=offset)
    assert good["decision"]["verdict"] in {"UNKNOWN", "STALE"}
    assert good["answer"]["category"] in {"not_checked", "too_old"}
    assert revoked["decision"]["verdict"] != "TRUSTED"
    again, gone = await verdicts(scene, offset=RIGHT)  # somebody has set it
    assert (again["decision"]["verdict"], gone["decision"]["verdict"]) == ("TRUSTED", "NOT_TRUSTED")
