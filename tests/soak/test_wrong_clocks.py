"""Clocks that are wrong at real agents, set while they run: whatever a clock says, nobody is trusted who should not be.

The rules themselves are tested in `tests/unit/trust/verifying/test_clocks.py`; here are TLS, the governance file, lists
and wallets, each by the clock of its own process. Of two certificates one was revoked. However wrong a clock is:

- the revoked one is never TRUSTED;
- the good one is never NOT_TRUSTED: what could not be checked is no refusal;
- when the clock is right again, both are what they are.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.soak.village import WELDER, Village
from tests.soak.wrong_clock import HOW_TO_INSTALL, RIGHT, WrongClocks, library

from wanderbuch.agents.machine import AppError

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(library() is None, reason=HOW_TO_INSTALL),
]

REFUSED = "REFUSED BY A CALL"
"""The question was not put, or not answered: whoever called was told why."""


class Scene:
    """Everybody, with a clock each, and two certificates of the worker: one good, one revoked."""

    def __init__(self, village: Village, clocks: WrongClocks) -> None:
        self.village, self.clocks = village, clocks
        self.good = self.revoked = ""

    async def prepare(self) -> None:
        _, self.good = await self.village.issue()
        offer, self.revoked = await self.village.issue()
        await self.village.centre.post(f"/credentials/{offer}/revoke")

    async def told(self, credential: str) -> tuple[str, str]:
        """Return the verdict on an answer with a credential, and the code of its first reason."""
        employer, worker = self.village.employer, self.village.worker
        try:
            made = await employer.post("/requests", {"requirement": WELDER, "deadline_s": 7 * 86_400})
            opened = await worker.post("/invitations", {"url": made["invitation_url"]})
            await worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
        except AppError as err:
            return REFUSED, str(err)
        ended: dict[str, Any] = await employer.wait_for(f"/requests/{made['id']}", "state", "DECIDED", "DECLINED")
        decision = ended["decision"]
        return str(decision["verdict"]), str(decision["reasons"][0]["code"])

    async def is_right(self) -> None:
        good, revoked = await self.told(self.good), await self.told(self.revoked)
        assert good[0] == "TRUSTED", good
        assert revoked[0] in {"NOT_TRUSTED", REFUSED}, revoked


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("clocks")
    clocks, village = WrongClocks(folder), Village(folder / "village", centre={"registry_size": 32})
    agents = {"centre": village.centre, "worker": village.worker, "employer": village.employer}
    for name, agent in agents.items():
        agent.command = clocks.command(name, agent.command)
    made = Scene(village, clocks)
    try:
        await village.open()
        await made.prepare()
        yield made
    finally:
        await village.machine.stop()


@pytest.mark.parametrize("who", ["employer", "worker"])
@pytest.mark.parametrize("offset", ["+2h", "-2h", "+400d"])
async def test_nobody_is_trusted_by_a_wrong_clock(scene: Scene, who: str, offset: str) -> None:
    await scene.is_right()
    scene.clocks.set(who, offset)
    try:
        good, revoked = await scene.told(scene.good), await scene.told(scene.revoked)
        print(f"{who} {offset}: good {good}, revoked {revoked}")
        assert good[0] != "NOT_TRUSTED"
        assert revoked[0] != "TRUSTED"
        if who == "employer":  # who decides by a wrong clock trusts nobody at all
            assert good[0] != "TRUSTED"
    finally:
        scene.clocks.set(who, RIGHT)
    await scene.is_right()


async def test_a_list_of_the_issuers_future_is_no_refusal_and_no_trust(scene: Scene) -> None:
    """The last one: what the issuer has dated two hours ahead does not count before that."""
    offer, withdrawn = await scene.village.issue()
    scene.clocks.set("centre", "+2h")
    await scene.village.centre.post(f"/credentials/{offer}/revoke")
    scene.clocks.set("centre", RIGHT)
    good, gone = await scene.told(scene.good), await scene.told(withdrawn)
    print(f"centre +2h: good {good}, revoked {gone}")
    assert good[0] in {"UNKNOWN", "STALE", REFUSED}
    assert gone[0] in {"UNKNOWN", "STALE", REFUSED}
