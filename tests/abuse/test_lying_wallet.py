"""What a cheating wallet tries against a real verifier, over DIDComm, with real proofs. Every cheat fails."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.abuse.town import WELDER, Town

from wanderbuch.agents.machine import AgentHandle

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]

BY_LEVEL = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}
INVALID = ("NOT_TRUSTED", ["proof.invalid"])
BY_PREDICATE = {**BY_LEVEL, "level_proof": "predicate"}


class Scene:
    """An honest issuer, an employer and a liar."""

    def __init__(self, town: Town) -> None:
        assert town.academy is not None
        self.academy: AgentHandle = town.academy
        self.liar, self.employer = town.people["liar"], town.people["employer"]

    async def issue(self, **claim: Any) -> tuple[str, str]:
        """Return the id of an offer that the liar took, and of its credential in the liar's wallet."""
        held = {each["id"] for each in (await self.liar.get("/credentials"))["items"]}
        made = await self.academy.post("/offers", {"claim": {**WELDER, **claim}})
        await self.liar.post("/invitations", {"url": made["short_url"]})
        await self.academy.wait_for(f"/offers/{made['id']}", "receipt", "KEPT")
        (new,) = {each["id"] for each in (await self.liar.get("/credentials"))["items"]} - held
        return made["id"], new

    async def revoke(self, offer_id: str) -> None:
        assert (await self.academy.post(f"/credentials/{offer_id}/revoke"))["published"]

    async def asked(self, requirement: dict[str, Any]) -> tuple[str, str]:
        """Return the ids of one question with the employer and with the liar."""
        made = await self.employer.post("/requests", {"requirement": requirement})
        opened = await self.liar.post("/invitations", {"url": made["short_url"]})
        return made["id"], opened["id"]

    async def decision(self, request_id: str) -> tuple[str, list[str]]:
        path = f"/requests/{request_id}"
        ended = await self.employer.wait_for(path, "state", "DECIDED", "DECLINED", "NO_ANSWER")
        decision = ended["decision"] or {"verdict": ended["state"], "reasons": []}
        return decision["verdict"], [reason["code"] for reason in decision["reasons"]]

    async def lie(self, requirement: dict[str, Any], **choices: Any) -> tuple[str, list[str]]:
        """Put a question, have it answered dishonestly, and return the decision."""
        question, request = await self.asked(requirement)
        await self.liar.post(f"/requests/{request}/forge", choices)
        return await self.decision(question)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    town = Town(tmp_path_factory.mktemp("town"), liars=("liar",), employers=("employer",), academy=True)
    try:
        await town.open()
        yield Scene(town)
    finally:
        await town.machine.stop()


@pytest.mark.parametrize("requirement", [BY_LEVEL, BY_PREDICATE], ids=["thermometer", "predicate"])
async def test_trusts_the_same_tools_used_honestly(scene: Scene, requirement: dict[str, Any]) -> None:
    _, credential = await scene.issue()
    verdict, _ = await scene.lie(requirement, credential_id=credential)
    assert verdict == "TRUSTED"


async def test_refuses_a_level_bit_that_is_zero(scene: Scene) -> None:
    _, low = await scene.issue(framework_level="2")
    assert await scene.lie(BY_LEVEL, credential_id=low) == INVALID


async def test_refuses_a_zero_written_over_with_a_one(scene: Scene) -> None:
    """The proof covers the encoded value only; the raw text beside it is the wallet's to write."""
    _, low = await scene.issue(framework_level="2")
    assert await scene.lie(BY_LEVEL, credential_id=low, raw={"eqf_min_3": "1"}) == INVALID


async def test_refuses_another_trade_written_over(scene: Scene) -> None:
    _, nurse = await scene.issue(occupation_isco08="C2221")
    assert await scene.lie(BY_LEVEL, credential_id=nurse, raw={"occupation_isco08": "C7212"}) == INVALID


async def test_refuses_a_mix_of_two_credentials(scene: Scene) -> None:
    """Scene (f): the trade from one credential, the level from another; the library alone would verify it."""
    _, low_welder = await scene.issue(framework_level="2")
    _, nurse = await scene.issue(occupation_isco08="C2221")
    question, request = await scene.asked(BY_PREDICATE)
    asked = (await scene.liar.get(f"/requests/{request}"))["proof_request"]
    mixed = dict.fromkeys(asked["requested_attributes"], low_welder)
    mixed |= dict.fromkeys(asked["requested_predicates"], nurse)
    await scene.liar.post(f"/requests/{request}/forge", {"credentials": mixed})
    assert await scene.decision(question) == ("NOT_TRUSTED", ["proof.invalid", "presentation.mixed"])


async def test_refuses_a_status_list_from_before_the_revocation(scene: Scene) -> None:
    """Scene (f): the library takes any older list when `non_revoked` has no `from`."""
    offer, credential = await scene.issue()
    before = int(time.time()) - 1  # all that follows may happen within this second
    assert (await scene.lie(BY_LEVEL, credential_id=credential))[0] == "TRUSTED"
    await scene.revoke(offer)
    verdict, codes = await scene.lie(BY_LEVEL, credential_id=credential, status_list_before=before)
    assert (verdict, codes) == ("NOT_TRUSTED", ["revocation.old_list"])


async def test_refuses_a_revoked_credential_on_the_newest_list(scene: Scene) -> None:
    """Scene (g)."""
    offer, credential = await scene.issue()
    await scene.revoke(offer)
    assert await scene.lie(BY_LEVEL, credential_id=credential) == INVALID


async def test_refuses_a_proof_that_says_nothing_about_revocation(scene: Scene) -> None:
    """The library verifies it: what is not in the identifiers is not asked for."""
    offer, credential = await scene.issue()
    await scene.revoke(offer)
    verdict, _ = await scene.lie(BY_LEVEL, credential_id=credential, leave_out_non_revocation=True)
    assert verdict == "NOT_TRUSTED"


async def test_refuses_a_replayed_presentation(scene: Scene) -> None:
    _, credential = await scene.issue()
    first, earlier = await scene.asked(BY_LEVEL)
    await scene.liar.post(f"/requests/{earlier}/forge", {"credential_id": credential})
    assert (await scene.decision(first))[0] == "TRUSTED"
    second, later = await scene.asked(BY_LEVEL)
    await scene.liar.post(f"/requests/{later}/replay", {"of": earlier})
    assert await scene.decision(second) == INVALID


async def test_a_second_answer_changes_nothing(scene: Scene) -> None:
    _, low = await scene.issue(framework_level="2")
    _, good = await scene.issue()
    question, request = await scene.asked(BY_LEVEL)
    await scene.liar.post(f"/requests/{request}/forge", {"credential_id": low})
    refused = await scene.decision(question)
    await scene.liar.post(f"/requests/{request}/forge", {"credential_id": good})
    await scene.asked(BY_LEVEL)  # whatever the second answer does is done by now
    assert await scene.decision(question) == refused
    assert refused == INVALID
