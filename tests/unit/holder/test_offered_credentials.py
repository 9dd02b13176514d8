"""The credential that follows an accepted offer: compared with it, kept once, refused where it is another."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from acapy_agent.anoncreds.holder import AnonCredsHolder
from tests.unit.holder.offered import CONFIG, OfferedWallet, ReplyRoute, credentials
from tests.unit.trust.ecosystem import WELDER_VALUES, Issuer, values

from wanderbuch.agents.holder import offer_text, offers
from wanderbuch.agents.holder.held_offer import OfferState
from wanderbuch.agents.holder.proving import Prover
from wanderbuch.agents.holder.requesting import own_request
from wanderbuch.agents.holder.role import HolderOffice
from wanderbuch.agents.holder.wallet import list_credentials
from wanderbuch.errors import CredentialError


async def test_keeps_the_credential_that_was_offered(offered: OfferedWallet) -> None:
    offered.place_tails()
    offer = await offered.received()
    assert offer.state is OfferState.RECEIVED
    (in_wallet,) = await credentials(offered)
    assert (in_wallet["referent"], in_wallet["attrs"]) == (offer.id, dict(WELDER_VALUES))
    assert offered.kinds() == ["request-credential", "ack"]
    assert {message["~thread"]["thid"] for message in offered.sent} == {offer.thread_id}
    (listed,) = await list_credentials(offered.profile, check_revocation=True)
    assert (listed.schema_name, listed.issuer_did, listed.rev_reg_id) == (
        "qualification",
        offered.issuer.did,
        offered.issuer.registry_id,
    )
    tagged = await AnonCredsHolder(offered.profile).get_credentials(
        offset=0, limit=10, wql={"attr::occupation_isco08::value": "C7212", "cred_def_id": offered.issuer.cred_def_id}
    )
    assert [credential["referent"] for credential in tagged] == [offer.id]


async def test_the_secrets_of_a_request_go_when_the_credential_is_kept(offered: OfferedWallet) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    assert await own_request(offered.profile, offer.id) is not None
    await offered.receive(await offered.credential(offer))
    assert await own_request(offered.profile, offer.id) is None


async def test_the_acknowledgement_is_the_reply_to_an_issuer_that_waits_for_one(offered: OfferedWallet) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    way_back = ReplyRoute()
    await offered.receive(await offered.credential(offer), waits=way_back)
    assert len(way_back.taken) == 1
    assert offered.kinds() == ["request-credential"]


async def test_acknowledges_again_when_the_same_credential_comes_again(offered: OfferedWallet) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    message = await offered.credential(offer)
    for _ in range(2):
        assert await offered.receive(message)
    assert offered.kinds() == ["request-credential", "ack", "ack"]
    assert len(await credentials(offered)) == 1


async def test_does_not_take_another_credential_once_one_is_kept(offered: OfferedWallet) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    first, second = await offered.credential(offer), await offered.credential(offer)
    await offered.receive(first)
    await offered.receive(second)
    assert offered.kinds() == ["request-credential", "ack"]
    assert len(await credentials(offered)) == 1


async def test_nobody_else_can_bring_the_credential(offered: OfferedWallet) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    message = await offered.credential(offer)
    assert not await offered.receive(message, sender="8HH5gYEeNc3z7PYXmd54d4x6qAfCNrqQqEB3nS7Zfu7K")
    assert (await offered.kept_offer(offer.id)).state is OfferState.ACCEPTED


async def test_nobody_else_can_end_an_offer(offered: OfferedWallet) -> None:
    offer = await offered.receive_offer(offered.offer())
    assert not await offered.receive(offered.report(offer), sender="8HH5gYEeNc3z7PYXmd54d4x6qAfCNrqQqEB3nS7Zfu7K")
    assert (await offered.kept_offer(offer.id)).state is OfferState.OPEN


async def test_refuses_a_credential_with_another_value(offered: OfferedWallet) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    await offered.receive(await offered.credential(offer, values(family_name="Fernando")))
    after = await offered.kept_offer(offer.id)
    assert (after.state, after.note) == (OfferState.REFUSED, "family_name is not what was offered.")
    assert await credentials(offered) == []
    assert offered.kinds() == ["request-credential", "problem-report"]
    report = offered.sent[-1]
    assert report["description"] == {
        "code": "issuance-abandoned",
        "en": "family_name is not what was offered.",
    }
    assert report["~thread"]["thid"] == offer.thread_id


def with_another_signature(content: dict[str, Any]) -> None:
    content["signature"]["p_credential"]["a"] = "1" + content["signature"]["p_credential"]["a"]


def without_signature(content: dict[str, Any]) -> None:
    del content["signature"]


def with_text_for_a_number(content: dict[str, Any]) -> None:
    content["signature"]["p_credential"]["e"] = "x"


def of_another_registry(content: dict[str, Any]) -> None:
    content["rev_reg_id"] = 7


@pytest.mark.parametrize(
    "change", [with_another_signature, without_signature, with_text_for_a_number, of_another_registry]
)
async def test_refuses_a_credential_that_does_not_hold(offered: OfferedWallet, change: Any) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    await offered.receive(await offered.credential(offer, change=change))
    assert (await offered.kept_offer(offer.id)).state is OfferState.REFUSED
    assert await credentials(offered) == []
    assert offered.kinds()[-1] == "problem-report"


async def test_refuses_a_credential_from_the_registry_of_another_definition(
    offered: OfferedWallet, cooking_school: Issuer
) -> None:
    offered.place_tails()
    offer = await offered.accepted()

    def moved(content: dict[str, Any]) -> None:
        content["rev_reg_id"] = cooking_school.registry_id

    await offered.receive(await offered.credential(offer, change=moved))
    assert (await offered.kept_offer(offer.id)).state is OfferState.REFUSED


async def test_refuses_what_is_not_one_credential(offered: OfferedWallet) -> None:
    offer = await offered.accepted()
    message = await offered.credential(offer)
    message["formats"][0]["format"] = "aries/ld-proof-vc@v1.0"
    await offered.receive(message)
    after = await offered.kept_offer(offer.id)
    assert (after.state, after.note) == (OfferState.REFUSED, "What came is not one AnonCreds credential.")


async def test_refuses_a_credential_whose_issuer_lost_its_accreditation(offered: OfferedWallet) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    await offered.publish(accredited=False)
    await offered.receive(await offered.credential(offer))
    assert (await offered.kept_offer(offer.id)).state is OfferState.REFUSED
    assert await credentials(offered) == []


async def test_a_credential_waits_until_its_tails_file_is_there(
    offered: OfferedWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap 3: ACA-Py would download it itself and block the process meanwhile."""
    monkeypatch.setattr("requests.Session.get", lambda *_, **__: pytest.fail("ACA-Py downloads the tails file"))
    offer = await offered.accepted()
    await offered.receive(await offered.credential(offer))
    waiting = await offers.get_offer(offered.profile, CONFIG, offer.id)
    assert waiting.state is OfferState.ACCEPTED
    assert waiting.note == "Its revocation registry could not be fetched and checked."
    assert offered.kinds() == ["request-credential"]
    offered.place_tails()
    await offered.sweep(datetime.now(UTC) + timedelta(seconds=31))
    assert (await offered.kept_offer(offer.id)).state is OfferState.RECEIVED
    assert (await offers.get_offer(offered.profile, CONFIG, offer.id)).note is None
    assert len(await credentials(offered)) == 1
    assert offered.kinds() == ["request-credential", "ack"]


async def test_a_tails_file_that_takes_long_holds_nobody_up(
    offered: OfferedWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanderbuch.agents.holder.tails_beside._TAILS_S", 0.05)
    silent = asyncio.Event()

    async def get(*_: Any, **__: Any) -> Any:
        await silent.wait()
        raise CredentialError("there is none")

    monkeypatch.setattr("wanderbuch.agents.holder.tails_beside.place_tails", get)
    offer = await offered.accepted()
    async with asyncio.timeout(60):
        await offered.receive(await offered.credential(offer))
    assert (await offered.kept_offer(offer.id)).waits_since is not None
    silent.set()


async def test_no_tails_file_is_fetched_for_a_wallet_that_was_closed(
    offered: OfferedWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanderbuch.agents.holder.tails_beside._TAILS_S", 0.05)
    ended = asyncio.Event()

    async def get(*_: Any, **__: Any) -> Any:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    monkeypatch.setattr("wanderbuch.agents.holder.tails_beside.place_tails", get)
    offered.profile.context.injector.bind_instance(Prover, Prover())
    offer = await offered.accepted()
    await offered.receive(await offered.credential(offer))
    assert not ended.is_set()
    assert offer_text._AT_HAND[offered.profile.store]
    office = HolderOffice.__new__(HolderOffice)
    office.profile, office._offers = offered.profile, offered.sweeper
    await office.close()
    assert ended.is_set()
    assert not offer_text._AT_HAND[offered.profile.store]


async def test_of_a_credential_that_waits_and_another_the_first_is_kept(offered: OfferedWallet) -> None:
    offer = await offered.accepted()
    first, second = await offered.credential(offer), await offered.credential(offer)
    await offered.receive(first)
    offered.place_tails()
    await offered.receive(second)
    (kept,) = await credentials(offered)
    assert kept["cred_rev_id"] == str(json.loads(_attached(first))["signature"]["r_credential"]["i"])


def _attached(message: dict[str, Any]) -> bytes:
    return base64.b64decode(message["credentials~attach"][0]["data"]["base64"])


async def test_a_credential_whose_issuer_cannot_be_judged_now_waits(offered: OfferedWallet) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    message = await offered.credential(offer)
    offered.now -= timedelta(days=1)
    await offered.publish()  # what is vouched for is over by now
    await offered.receive(message)
    waiting = await offered.kept_offer(offer.id)
    assert (waiting.state, waiting.waits_since is not None) == (OfferState.ACCEPTED, True)
    offered.now = datetime.now(UTC)
    await offered.publish()
    await offered.receive(message)
    assert (await offered.kept_offer(offer.id)).state is OfferState.RECEIVED


async def test_a_credential_that_was_not_asked_for_is_not_taken(offered: OfferedWallet) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    message = await offered.credential(offer)
    open_one = await offered.receive_offer(offered.offer())
    message["~thread"]["thid"] = open_one.thread_id
    await offered.receive(message)
    assert (await offered.kept_offer(open_one.id)).state is OfferState.OPEN
    assert await credentials(offered) == []
