"""Hard cases of an employer's question, with real agents: keys and DIDs that change, hosts that hold back, people who
collude, relay or flood. Each with a neighbour that is as it should be.

`employer` has seen what was there before; `newcomer` asks for the first time, so nothing is at hand. What others test:
mixed credentials, replays, old lists, int32, ten megabytes, a thousand sessions (`test_lying_wallet`), several
credentials (`test_several_credentials`), standing that changes (`test_changed_standing`), other tenants
(`test_tenant_isolation`), receipts and case files (`tests/flow`), clocks (`test_wrong_clock`).
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.abuse.town import Town
from tests.welders import CLAIM as WELDER
from tests.welders import LEVELS, certificate

from wanderbuch.agents.machine import AgentHandle, AppError

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]

WELDER_3 = {"occupation": "C7212", "jurisdiction": "MLT", "min_eqf_level": 3}
TRADES = {"weld": "C7212", "nurse": "C2221", "cook": "C5120"}
IN_WORDS = {"place": "Malta", "credentials": [{"ask": "qualification", "occupation": "welder"}]}


class Scene:
    """Three issuers, three wallets that lie, one that does not, and two employers."""

    def __init__(self, town: Town) -> None:
        assert town.academy is not None
        self.town, self.academy = town, town.academy
        self.employer, self.newcomer = town.people["employer"], town.people["newcomer"]
        self.worker = town.people["worker"]
        self.liars = [town.people[name] for name in ("liar", "friend", "cousin")]

    async def credential(self, issuer: AgentHandle, wallet: AgentHandle, **changed: Any) -> str:
        """Have a credential issued to a lying wallet; return its id there."""
        before = {credential["id"] for credential in (await wallet.get("/credentials"))["items"]}
        claim = certificate(WELDER, **changed)
        if issuer is self.academy:
            made = await issuer.post("/offers", {"claim": claim})
            await wallet.post("/invitations", {"url": made["short_url"]})
            await issuer.wait_for(f"/offers/{made['id']}", "receipt", "KEPT")
        else:
            made = await issuer.post("/offers", {"claim": claim, **LEVELS})
            await wallet.post("/invitations", {"url": made["invitation_url"]})
            await issuer.wait_for(f"/offers/{made['id']}", "state", "done")
        (new,) = {credential["id"] for credential in (await wallet.get("/credentials"))["items"]} - before
        return str(new)

    async def answered(self, employer: AgentHandle, credential: str, **how: Any) -> dict[str, Any]:
        """Return a question that the liar has answered with a credential."""
        (liar, *_) = self.liars
        made = await employer.post("/requests", {"requirement": WELDER_3})
        opened = await liar.post("/invitations", {"url": made["short_url"]})
        await liar.post(f"/requests/{opened['id']}/forge", {"credential_id": credential, **how})
        return await ended(employer, made)


@pytest.fixture(scope="module")
def scene(shared_town: Town) -> Scene:
    return Scene(shared_town)


async def ended(employer: AgentHandle, made: dict[str, Any]) -> dict[str, Any]:
    path = f"/requests/{made['id']}"
    request: dict[str, Any] = await employer.wait_for(path, "state", "DECIDED", "DECLINED", "NO_ANSWER")
    return request


def told(request: dict[str, Any]) -> tuple[str, str]:
    decision = request["decision"]
    return decision["verdict"], decision["reasons"][0]["code"]


async def test_three_people_who_collude_are_not_one_worker(scene: Scene) -> None:
    """Each proves one part of the very question, each with a link secret of their own; one joins them and sends it."""
    issuers = (scene.town.centre, scene.academy, scene.town.school)
    credential_ids = [
        await scene.credential(issuer, wallet, occupation_isco08=code)
        for issuer, wallet, code in zip(issuers, scene.liars, TRADES.values(), strict=True)
    ]
    credentials = [{"ask": "qualification", "as": name, "occupation": code} for name, code in TRADES.items()]
    made = await scene.employer.post("/questions", {"place": "Malta", "credentials": credentials})
    liar = scene.liars[0]
    opened = await liar.post("/invitations", {"url": made["short_url"]})
    asked = (await liar.get(f"/requests/{opened['id']}"))["proof_request"]
    parts = [
        (await wallet.post("/parts", {"proof_request": only(asked, name), "credentials": {name: one}}))["presentation"]
        for wallet, name, one in zip(scene.liars, TRADES, credential_ids, strict=True)
    ]
    await liar.post(f"/requests/{opened['id']}/send", {"presentation": joined(parts)})
    request = await ended(scene.employer, made)
    assert told(request) == ("NOT_TRUSTED", "proof.invalid")
    assert [credential["decision"]["verdict"] for credential in request["credentials"]] == ["NOT_TRUSTED"] * 3
    assert request["seen"] is None


def only(request: dict[str, Any], group: str) -> dict[str, Any]:
    """Return the part of a request that is about one group: same nonce."""
    asked = request["requested_attributes"]
    return {**request, "requested_attributes": {group: asked[group]}, "requested_predicates": {}}


def joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return presentations of several people as if they were one."""
    first, *others = parts
    for other in others:
        for name, group in other["requested_proof"]["revealed_attr_groups"].items():
            group["sub_proof_index"] += len(first["identifiers"])
            first["requested_proof"]["revealed_attr_groups"][name] = group
        first["identifiers"] += other["identifiers"]
        first["proof"]["proofs"] += other["proof"]["proofs"]
        first["proof"]["aggregated_proof"]["c_list"] += other["proof"]["aggregated_proof"]["c_list"]
    return first


async def test_an_issuer_that_rotates_its_key_counts_for_what_it_awarded_before_and_after(scene: Scene) -> None:
    """A key signs what it publishes; who knows the issuer's log knows which key it was."""
    centre, liar = scene.town.centre, scene.liars[0]
    before = await scene.credential(centre, liar)
    assert told(await scene.answered(scene.employer, before))[0] == "TRUSTED"
    await centre.post("/did/rotate")
    after = await scene.credential(centre, liar)
    for employer in (scene.employer, scene.newcomer):  # one knows the old key, one has never seen it
        for credential in (before, after):
            assert told(await scene.answered(employer, credential))[0] == "TRUSTED"


async def test_a_status_list_that_its_host_holds_back_is_no_refusal_and_trusts_nobody(scene: Scene) -> None:
    credential = await scene.credential(scene.academy, scene.liars[0])
    lists = [path for path in resources(scene.academy) if '"anonCredsStatusList"' in path.read_text()]
    assert lists
    away = {path: path.read_bytes() for path in lists}
    liar, newcomer = scene.liars[0], scene.newcomer  # who has never seen anything of the academy
    made = await newcomer.post("/requests", {"requirement": WELDER_3})
    opened = await liar.post("/invitations", {"url": made["short_url"]})
    asked = made["proof_request"]
    credentials = dict.fromkeys(asked["requested_attributes"], credential)
    part = await liar.post("/parts", {"proof_request": asked, "credentials": credentials})
    try:
        for path in away:
            path.unlink()
        await liar.post(f"/requests/{opened['id']}/send", {"presentation": part["presentation"]})
        request = await ended(newcomer, made)
        assert told(request)[0] == "UNKNOWN"
        assert request["answer"]["category"] == "not_checked"
    finally:
        for path, content in away.items():
            path.write_bytes(content)
    assert told(await scene.answered(scene.employer, credential))[0] == "TRUSTED"


def resources(issuer: AgentHandle) -> list[Path]:
    """Return the files that an issuer serves as resources of its DID."""
    return [path for path in issuer.public_folder.rglob("resources/*") if path.is_file()]


class TestALink:
    async def test_one_wallet_that_comes_thirty_times_has_one_place(self, scene: Scene) -> None:
        link = await scene.employer.post("/links", {"title": "Flooded", "question": IN_WORDS, "most_applicants": 3})
        liar = scene.liars[0]
        opened = [await liar.post("/invitations", {"url": link["invitation_url"]})]
        opened += await asyncio.gather(*(liar.post("/invitations", {"url": link["invitation_url"]}) for _ in range(30)))
        assert len({request["id"] for request in opened}) == 1
        assert (await scene.employer.get(f"/links/{link['id']}"))["applicants"] == 1

    async def test_a_link_that_others_have_filled_is_told_of_and_can_be_widened(self, scene: Scene) -> None:
        credential = await accepted(scene)
        link = await scene.employer.post("/links", {"title": "Full", "question": IN_WORDS, "most_applicants": 2})
        for liar in scene.liars[:2]:
            await liar.post("/invitations", {"url": link["invitation_url"]})
        with pytest.raises(AppError):
            await scene.worker.post("/invitations", {"url": link["invitation_url"]})
        full = await scene.employer.get(f"/links/{link['id']}")
        assert (full["is_full"], full["is_open"], full["applicants"]) == (True, False, 2)
        await scene.employer.post(f"/links/{link['id']}/widen", {"most_applicants": 3})
        opened = await scene.worker.post("/invitations", {"url": link["invitation_url"]})
        await scene.worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
        applicants = (await scene.employer.get(f"/links/{link['id']}/applicants"))["items"]
        assert told(await ended(scene.employer, applicants[2]))[0] == "TRUSTED"


async def accepted(scene: Scene) -> str:
    """Return the id of a credential that the honest worker has taken."""
    made = await scene.academy.post("/offers", {"claim": WELDER})
    opened = await scene.worker.post("/invitations", {"url": made["short_url"]})
    await scene.worker.post(f"/offers/{opened['id']}/accept")
    done = await scene.worker.wait_for(f"/offers/{opened['id']}", "state", "RECEIVED")
    return str(done["credential_id"])


async def test_a_question_relayed_to_somebody_else_names_who_asks_and_the_desks_reference(scene: Scene) -> None:
    """What is left: whoever lets another answer is not found out by cryptography, unless a name is asked.

    The worker's wallet shows the employer and the reference of the liar's session, not those of one of their own; the
    employer who asked for a name sees the worker's, not the liar's; and the session is the worker's then.
    """
    credential = await accepted(scene)
    question = {**IN_WORDS, "subject": "name", "ref": "K7-42"}
    made = await scene.employer.post("/questions", question)
    liar = scene.liars[0]
    mine = await liar.post("/invitations", {"url": made["short_url"]})
    relayed = await scene.worker.post("/invitations", {"url": made["invitation_url"]})
    shown = await scene.worker.get(f"/requests/{relayed['id']}")
    assert shown["title"] == "employer [K7-42]"
    identity = await scene.employer.get("/identity")
    assert identity["did"] in str(shown)
    await scene.worker.post(f"/requests/{relayed['id']}/present", {"credential_id": credential})
    request = await ended(scene.employer, made)
    assert told(request)[0] == "TRUSTED"
    assert "subject.shown" in [reason["code"] for reason in request["decision"]["reasons"]]
    assert WELDER["family_name"] in {attribute["value"] for attribute in request["seen"]}
    await liar.post(f"/requests/{mine['id']}/forge", {"credential_id": await scene.credential(scene.town.centre, liar)})
    assert (await scene.employer.get(f"/requests/{made['id']}"))["decision"] == request["decision"]


async def test_a_question_is_put_once_more_as_it_was_and_the_first_answer_stays(scene: Scene) -> None:
    credential = await accepted(scene)
    made = await scene.employer.post("/questions", {**IN_WORDS, "ref": "K7-43", "answer_within_s": 900})
    for _ in range(2):
        opened = await scene.worker.post("/invitations", {"url": made["short_url"]})
        await scene.worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
        first = await ended(scene.employer, made)
        assert (told(first)[0], first["ref"]) == ("TRUSTED", "K7-43")
        again = await scene.employer.post(f"/requests/{made['id']}/again")
        assert (again["state"], again["ref"], again["words"]) == ("OPEN", "K7-43", first["words"])
        assert again["proof_request"]["nonce"] != first["proof_request"]["nonce"]
        assert (await scene.employer.get(f"/requests/{made['id']}"))["decision"] == first["decision"]
        made = again


async def test_an_issuer_that_has_ended_its_did_is_trusted_by_nobody_who_looks(scene: Scene) -> None:
    """Last: nothing of it comes back."""
    school, liar = scene.town.school, scene.liars[0]
    cook = {**WELDER_3, "occupation": "C5120"}
    credential = await scene.credential(school, liar, occupation_isco08="C5120")
    made = await scene.employer.post("/requests", {"requirement": cook})
    opened = await liar.post("/invitations", {"url": made["short_url"]})
    await liar.post(f"/requests/{opened['id']}/forge", {"credential_id": credential})
    assert told(await ended(scene.employer, made))[0] == "TRUSTED"
    await school.post("/did/deactivate")
    made = await scene.newcomer.post("/requests", {"requirement": cook})
    opened = await liar.post("/invitations", {"url": made["short_url"]})
    await liar.post(f"/requests/{opened['id']}/forge", {"credential_id": credential})
    request = await ended(scene.newcomer, made)
    assert request["decision"]["verdict"] == "UNKNOWN"
    assert request["answer"]["category"] == "not_checked"
