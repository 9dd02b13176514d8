"""A wallet that we did not write takes our credential and answers our questions: the whole design rests on that.

Credo 0.6.3 cannot read the problem report by which a verifier refuses an answer that came without a connection: it
looks for an invitation of its own. So such a wallet shows the answer as sent, but never as accepted.
"""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.interop.credo_wallet import CredoError, CredoWallet
from tests.interop.ecosystem import Ecosystem, Json

pytestmark = [pytest.mark.agents, pytest.mark.needs("node", "compiler"), pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def welder(ecosystem: Ecosystem, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CredoWallet]:
    """A worker's phone with a welder's credential, NVQ 4, which the example crosswalk maps to EQF 4."""
    async with ecosystem.wallet(tmp_path_factory.mktemp("welder")) as wallet:
        await take_credential(ecosystem, wallet)
        yield wallet


async def take_credential(ecosystem: Ecosystem, wallet: CredoWallet, **changes: str) -> Json:
    """Offer a credential, accept it in the wallet, and wait until the issuer knows."""
    offer = await ecosystem.offer(changes)
    await wallet.accept(await wallet.offer_of(await wallet.receive(offer["short_url"])))
    issued: Json = await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
    return issued


async def test_reads_dids_and_every_kind_of_anoncreds_object(ecosystem: Ecosystem, welder: CredoWallet) -> None:
    standing = await ecosystem.centre.get("/standing")
    author = (await ecosystem.authority.get("/identity"))["did"]
    registry = standing["registries"][0]["id"]
    for did in (standing["did"], author):
        assert (await welder.do("resolve", did=did))["id"] == did
    assert (await welder.do("read", kind="schema", id=standing["schema_id"]))["issuerId"] == author
    assert (await welder.do("read", kind="cred_def", id=standing["cred_def_id"]))["issuerId"] == standing["did"]
    assert (await welder.do("read", kind="rev_reg", id=registry))["credDefId"] == standing["cred_def_id"]
    listed = await welder.do("read", kind="status_list", id=registry, timestamp=int(time.time()))
    assert listed["revRegDefId"] == registry


async def test_takes_what_was_offered(ecosystem: Ecosystem, tmp_path: Path) -> None:
    offer = await ecosystem.offer({"framework_level": "3", "details": "Offered by a long address."})
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        received = await wallet.offer_of(await wallet.receive(offer["invitation_url"]))
        preview = await wallet.do("offer", id=received.id)
        assert preview["values"] == offer["values"]
        assert preview["cred_def_id"] == offer["cred_def_id"]
        await wallet.accept(received)
        (credential,) = await wallet.credentials()
        assert {name: str(value) for name, value in credential["values"].items()} == offer["values"]
        issued = await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "state", "ISSUED")
        assert (credential["rev_reg_id"], credential["rev_reg_index"]) == (issued["registry"], str(issued["index"]))


async def test_declined_offer_ends_as_declined(ecosystem: Ecosystem, tmp_path: Path) -> None:
    offer = await ecosystem.offer()
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        await wallet.decline_offer(await wallet.offer_of(await wallet.receive(offer["short_url"])))
        ended = await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "state", "DECLINED", "NO_ANSWER")
        assert ended["state"] == "DECLINED"
        assert await wallet.credentials() == []


async def test_wallet_hears_that_an_offer_is_withdrawn_and_gets_nothing_on_it(
    ecosystem: Ecosystem, welder: CredoWallet
) -> None:
    credentials = await welder.credentials()
    offer = await ecosystem.offer()
    received = await welder.offer_of(await welder.receive(offer["short_url"]))
    assert (await ecosystem.centre.post(f"/offers/{offer['id']}/withdraw"))["state"] == "WITHDRAWN"
    ended = await welder.reached(received, "abandoned")
    assert "This offer is over" in (ended.error or "")
    with pytest.raises(CredoError, match="abandoned"):
        await welder.do("accept_offer", id=received.id)
    assert await welder.credentials() == credentials


async def test_offer_accepted_too_late_gives_nothing(ecosystem: Ecosystem, welder: CredoWallet) -> None:
    credentials = await welder.credentials()
    offer = await ecosystem.offer(deadline_s=8)
    received = await welder.offer_of(await welder.receive(offer["short_url"]))
    await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "state", "NO_ANSWER")
    await welder.do("accept_offer", id=received.id)
    await welder.reached(received, "abandoned")
    assert await welder.credentials() == credentials
    assert (await ecosystem.centre.get(f"/offers/{offer['id']}"))["state"] == "NO_ANSWER"


async def test_level_is_proven_by_one_group_and_stays_hidden(ecosystem: Ecosystem, welder: CredoWallet) -> None:
    request = await ecosystem.ask(min_eqf_level=3)
    assert request["proof_request"]["requested_predicates"] == {}
    assert len(request["proof_request"]["requested_attributes"]) == 1
    received = await welder.request_of(await welder.receive(request["short_url"]))
    await welder.answer(received)
    outcome = await ecosystem.outcome(request)
    assert outcome["decision"]["verdict"] == "TRUSTED", outcome["decision"]
    await welder.reached(received, "done")
    seen = {attribute["attribute"]: attribute["value"] for attribute in outcome["seen"]}
    assert seen["eqf_min_3"] == "1"
    assert seen["occupation_isco08"] == "C7212"
    assert not {"eqf_level", "framework_level", "eqf_min_4", "eqf_min_5", "family_name", "birth_date"} & set(seen)


async def test_level_is_proven_by_predicate(ecosystem: Ecosystem, welder: CredoWallet) -> None:
    request = await ecosystem.ask(min_eqf_level=3, level_proof="predicate", subject="name")
    assert len(request["proof_request"]["requested_predicates"]) == 1
    await welder.answer(await welder.request_of(await welder.receive(request["invitation_url"])))
    outcome = await ecosystem.outcome(request)
    assert outcome["decision"]["verdict"] == "TRUSTED", outcome["decision"]
    seen = {attribute["attribute"] for attribute in outcome["seen"]}
    assert "family_name" in seen
    assert not {name for name in seen if name.startswith("eqf_")}


async def test_wallet_that_knows_one_request_answers_all_of_a_question_that_brings_two(
    ecosystem: Ecosystem, welder: CredoWallet
) -> None:
    request = await ecosystem.ask(subject="name_and_birth_date", least_subject="none")
    received = await welder.request_of(await welder.receive(request["short_url"]))
    await welder.answer(received)
    outcome = await ecosystem.outcome(request)
    assert outcome["decision"]["verdict"] == "TRUSTED", outcome["decision"]
    await welder.reached(received, "done")
    assert {"family_name", "birth_date"} <= {shown["attribute"] for shown in outcome["seen"]}
    assert outcome["left_out"] == []


@pytest.mark.parametrize(
    ("level_proof", "why"),
    [("thermometer", "Unable to automatically select"), ("predicate", "Predicate is not satisfied")],
)
async def test_wallet_declines_a_level_that_it_cannot_prove(
    ecosystem: Ecosystem, welder: CredoWallet, level_proof: str, why: str
) -> None:
    request = await ecosystem.ask(min_eqf_level=5, level_proof=level_proof)
    received = await welder.request_of(await welder.receive(request["short_url"]))
    with pytest.raises(CredoError, match=why):
        await welder.answer(received)
    await welder.decline(received)
    outcome = await ecosystem.outcome(request)
    assert (outcome["state"], outcome["decision"], outcome["seen"]) == ("DECLINED", None, None)


async def test_request_that_nobody_answers_ends_at_its_deadline(ecosystem: Ecosystem, welder: CredoWallet) -> None:
    request = await ecosystem.ask(min_eqf_level=3, deadline_s=8)
    late = await welder.request_of(await welder.receive(request["short_url"]))
    outcome = await ecosystem.outcome(request)
    assert (outcome["state"], outcome["decision"]) == ("NO_ANSWER", None)
    await welder.answer(late)
    assert not welder.has_reached(late, "done")
    assert (await ecosystem.employer.get(f"/requests/{request['id']}"))["state"] == "NO_ANSWER"


async def test_finds_the_right_one_of_several_credentials(ecosystem: Ecosystem, tmp_path: Path) -> None:
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        await take_credential(ecosystem, wallet, framework_level="5", credential_id="NVQ-2024-000005")
        await take_credential(ecosystem, wallet, framework_level="3", credential_id="NVQ-2024-000003")
        request = await ecosystem.ask(min_eqf_level=5)
        received = await wallet.request_of(await wallet.receive(request["short_url"]))
        assert len((await wallet.matches(received))["attributes"]["qualification"]) == 1
        await wallet.answer(received)
        assert (await ecosystem.outcome(request))["decision"]["verdict"] == "TRUSTED"


async def test_further_business_goes_over_the_connection_that_is_there(ecosystem: Ecosystem, tmp_path: Path) -> None:
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        connections = set()
        for number in ("NVQ-2024-000001", "NVQ-2024-000002"):
            offer = await ecosystem.offer({"credential_id": number})
            invitation = await wallet.receive(offer["short_url"], reuse=True)
            connections.add(invitation.connection_id)
            await wallet.accept(await wallet.offer_of(invitation))
            await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "state", "ISSUED")
        assert len(connections) == 1
        assert len(await wallet.credentials()) == 2


async def test_further_business_goes_over_a_connection_of_its_own(ecosystem: Ecosystem, tmp_path: Path) -> None:
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        connections = set()
        for number in ("NVQ-2024-000001", "NVQ-2024-000002"):
            offer = await ecosystem.offer({"credential_id": number})
            invitation = await wallet.receive(offer["short_url"])
            connections.add(invitation.connection_id)
            await wallet.accept(await wallet.offer_of(invitation))
            await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
        assert {connection["state"] for connection in await wallet.do("connections")} == {"completed"}
        assert len(connections) == len(await wallet.credentials()) == 2


async def test_second_wallet_on_the_same_invitation_is_told_and_gets_no_offer(
    ecosystem: Ecosystem, tmp_path: Path
) -> None:
    offer = await ecosystem.offer()
    async with ecosystem.wallet(tmp_path / "first") as first, ecosystem.wallet(tmp_path / "second") as second:
        received = await first.offer_of(await first.receive(offer["short_url"]))
        await second.receive(offer["short_url"])
        told = await second.told("/problem_report")
        assert told.code == "request_not_accepted"
        await first.accept(received)
        await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
        assert second.events == []


async def test_revoked_credential_is_never_trusted(ecosystem: Ecosystem, tmp_path: Path) -> None:
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        issued = await take_credential(ecosystem, wallet)
        before = await ecosystem.ask(min_eqf_level=4)
        await wallet.answer(await wallet.request_of(await wallet.receive(before["short_url"])))
        assert (await ecosystem.outcome(before))["decision"]["verdict"] == "TRUSTED"

        revoked = await ecosystem.centre.post(f"/credentials/{issued['id']}/revoke")
        assert revoked["published"]
        await wallet.until(lambda seen: seen.kind == "revocation")

        honest = await ecosystem.ask(min_eqf_level=4)
        received = await wallet.request_of(await wallet.receive(honest["short_url"]))
        with pytest.raises(CredoError, match="Unable to automatically select"):
            await wallet.answer(received)
        await wallet.decline(received)
        assert (await ecosystem.outcome(honest))["state"] == "DECLINED"

        stubborn = await ecosystem.ask(min_eqf_level=4)
        await wallet.answer(await wallet.request_of(await wallet.receive(stubborn["short_url"])), with_revoked=True)
        outcome = await ecosystem.outcome(stubborn)
        assert (outcome["state"], outcome["decision"]["verdict"]) == ("DECIDED", "NOT_TRUSTED")
        assert outcome["seen"] is None
        assert not wallet.has_reached(received, "done")


async def test_revocation_does_not_wait_for_a_wallet_that_cannot_be_reached(
    ecosystem: Ecosystem, tmp_path: Path
) -> None:
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        issued = await take_credential(ecosystem, wallet)
        await wallet.switch_off()
        assert (await ecosystem.centre.post(f"/credentials/{issued['id']}/revoke"))["published"]
        request = await ecosystem.ask(min_eqf_level=4)
        received = await wallet.request_of(await wallet.receive(request["short_url"]))
        assert (await wallet.matches(received))["attributes"] == {"qualification": []}
