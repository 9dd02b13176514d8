"""What a wallet sends about an offer: what is signed, what is not, and what a lost answer brings."""

import json
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import anoncreds
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.thorough import examples
from tests.unit.issuer.workshop import Message, Workshop, credential_of, values_of, with_request
from tests.unit.trust.ecosystem import WELDER_VALUES, values

from wanderbuch.agents.issuer import answering
from wanderbuch.agents.issuer.offers import Offer, OfferState, Receipt
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.attached import decode_attached
from wanderbuch.plugins.exchange.credential_messages import ack_message
from wanderbuch.plugins.exchange.payloads import Payloads
from wanderbuch.plugins.trust.following.trusted import TrustedFile
from wanderbuch.plugins.trust.offer import ReceivedOffer
from wanderbuch.store.entries import fetch_entries

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREDENTIAL, REPORT, OFFER = "issue-credential", "problem-report", "offer-credential"


async def offered(workshop: Workshop, **how: Any) -> Offer:
    """Return an offer that a wallet has, which has heard nothing since."""
    offer = await workshop.offer(**how)
    await workshop.heard()
    return offer


async def issued(workshop: Workshop) -> Offer:
    offer = await workshop.issue()
    await workshop.heard()
    return offer


async def payload_of(workshop: Workshop, offer: Offer) -> object:
    return await Payloads(workshop.profile).find(offer.id)


async def test_signs_what_was_offered_and_notes_its_place(workshop: Workshop) -> None:
    offer = await offered(workshop)
    await workshop.ask(offer)
    ((phone, message),) = await workshop.messages()
    assert phone is workshop.phone_of(offer)
    assert message["~thread"]["thid"] == offer.thread_id
    offer_now = await workshop.desk.get(offer.id)
    assert (offer_now.state, offer_now.wallet) == (OfferState.ISSUED, offer.wallet)
    assert {name: value["raw"] for name, value in values_of(message).items()} == offer_now.values
    credential = credential_of(message)
    assert (offer_now.registry, offer_now.index) == (
        credential["rev_reg_id"],
        credential["signature"]["r_credential"]["i"],
    )


async def processed(workshop: Workshop, message: Message) -> None:
    """Have the library take a credential as a wallet does, with the registry as it is in public."""
    credential = credential_of(message)
    definition = await workshop.registry.get_credential_definition(workshop.profile, credential["cred_def_id"])
    registry = await workshop.registry.get_revocation_registry_definition(workshop.profile, credential["rev_reg_id"])
    anoncreds.Credential.load(json.dumps(credential)).process(
        workshop.metadata,
        workshop.wallets.link_secret,
        anoncreds.CredentialDefinition.load(definition.credential_definition.serialize()),
        anoncreds.RevocationRegistryDefinition.load(registry.revocation_registry.serialize()),
    )


async def test_the_credential_is_one_that_the_wallet_can_keep(workshop: Workshop) -> None:
    offer = await offered(workshop)
    await workshop.ask(offer)
    ((_, message),) = await workshop.messages()
    await processed(workshop, message)


async def test_a_place_that_was_reserved_before_a_revocation_is_as_good_as_one_after_it(workshop: Workshop) -> None:
    registries = workshop.standing._registries
    registries._size = 40
    registry_id = await registries._make(workshop.cred_def_id)
    await registries._steps.set_active_registry(registry_id)
    first, second = await issued(workshop), await issued(workshop)  # with the second one four places are reserved
    assert (first.index, second.index, second.registry) == (1, 2, registry_id)
    await workshop.revocations.request(first, wait_s=0)
    await workshop.revocations.publish_all()
    third = await offered(workshop)
    await workshop.ask(third)
    ((_, message),) = await workshop.messages()
    assert (await workshop.desk.get(third.id)).index == 3
    await processed(workshop, message)
    public = await workshop.registry.get_revocation_list(workshop.profile, registry_id)
    assert [index for index, bit in enumerate(public.revocation_list.revocation_list) if bit] == [1]


async def test_same_request_again_gets_the_same_credential_and_no_second_place(workshop: Workshop) -> None:
    offer = await offered(workshop)
    request = await workshop.ask(offer)
    used = await workshop.used()
    ((_, first),) = await workshop.messages()
    await workshop.receive(request, workshop.phone_of(offer))
    ((_, again),) = await workshop.messages()
    assert again == first
    assert await workshop.used() == used


async def test_another_request_for_an_issued_credential_is_refused(workshop: Workshop) -> None:
    offer = await issued(workshop)
    used = await workshop.used()
    await workshop.ask(offer)
    assert await workshop.heard() == [REPORT]
    assert await workshop.used() == used
    assert (await workshop.desk.get(offer.id)).state is OfferState.ISSUED


async def test_does_not_sign_when_the_accreditation_no_longer_covers_it(workshop: Workshop) -> None:
    offer = await offered(workshop)
    await workshop.publish(occupations=["C75"])
    await workshop.ask(offer)
    assert await workshop.heard() == [REPORT]
    refused = await workshop.desk.get(offer.id)
    assert refused.state is OfferState.REFUSED
    assert refused.reasons
    assert await payload_of(workshop, offer) is None


@pytest.mark.parametrize(
    ("claimed", "may"),
    [
        (dict(WELDER_VALUES), True),
        (values(occupation_isco08="C5120"), False),
        (values(eqf_level="5"), False),
        (values(awarded_on="20190610"), False),
    ],
    ids=["welder", "cook", "level above the crosswalk's", "before the mandate"],
)
async def test_the_governance_file_decides_again_before_anything_is_signed(
    workshop: Workshop, claimed: dict[str, str], may: bool
) -> None:
    offer = ReceivedOffer(workshop.schema_id, workshop.cred_def_id, claimed)
    reasons = await workshop.standing.reasons_not_to_sign(offer, at=datetime.now(UTC))
    assert (not reasons) is may


async def test_refuses_a_request_that_would_keep_the_library_busy(workshop: Workshop) -> None:
    """A challenge of two million digits costs it a minute of a core that nothing can cut short (anoncreds 0.2.3)."""
    offer = await offered(workshop)
    honest = await workshop.request_for(offer)
    content = dict(decode_attached(honest["requests~attach"][0], "requests~attach", max_bytes=1 << 20).content)
    content["blinded_ms_correctness_proof"]["c"] = "9" * 50_000
    await workshop.receive(with_request(honest, content), workshop.phone_of(offer))
    assert await workshop.heard() == [REPORT]
    refused = await workshop.desk.get(offer.id)
    assert [reason.code for reason in refused.reasons] == ["issuing.oversize"]


async def test_a_request_for_another_definition_is_refused(workshop: Workshop) -> None:
    offer = await offered(workshop)
    honest = await workshop.request_for(offer)
    content = dict(decode_attached(honest["requests~attach"][0], "requests~attach", max_bytes=1 << 20).content)
    content["cred_def_id"] += "x"
    await workshop.receive(with_request(honest, content), workshop.phone_of(offer))
    assert await workshop.heard() == [REPORT]
    assert [reason.code for reason in (await workshop.desk.get(offer.id)).reasons] == ["issuing.other"]


async def test_a_request_for_another_offer_is_not_signed_and_its_place_comes_back(workshop: Workshop) -> None:
    """Each offer has a nonce of its own, which the library checks the request against."""
    offer, other = await offered(workshop), await offered(workshop)
    request = await workshop.request_for(other)
    request["~thread"] = {"thid": offer.thread_id}
    await workshop.receive(request, workshop.phone_of(offer))
    assert await workshop.heard() == [REPORT]
    refused = await workshop.desk.get(offer.id)
    assert [reason.code for reason in refused.reasons] == ["issuing.failed"]
    used = await workshop.used()
    await workshop.ask(other)
    assert (await workshop.desk.get(other.id)).state is OfferState.ISSUED
    assert await workshop.used() == used


async def test_does_not_sign_when_governance_is_stale(workshop: Workshop) -> None:
    offer = await offered(workshop)
    workshop.host.down = True
    try:
        home = workshop.source._home
        home._trusted = TrustedFile(seen=home.seen, before=home.before, checks_history=home.place.history)
        await workshop.ask(offer)
    finally:
        workshop.host.down = False
    assert await workshop.heard() == [REPORT]
    assert (await workshop.desk.get(offer.id)).state is OfferState.REFUSED


async def test_a_request_on_a_thread_of_nothing_is_told_that_it_is_over(workshop: Workshop) -> None:
    offer = await offered(workshop)
    request = await workshop.request_for(offer)
    request["~thread"] = {"thid": f"{'0' * 32}.o"}
    await workshop.receive(request, workshop.phone_of(offer))
    ((_, report),) = await workshop.messages()
    assert report["@type"].endswith(REPORT)
    assert report["~thread"]["thid"] == f"{'0' * 32}.o"
    assert (await workshop.desk.get(offer.id)).state is OfferState.OPEN


async def test_an_offer_of_another_issuer_is_not_signed(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a wallet was restored for another tenant."""
    offer = await offered(workshop)
    monkeypatch.setattr(workshop.standing, "did", type(workshop.did)(f"{workshop.did}x"))
    await workshop.ask(offer)
    assert await workshop.heard() == [REPORT]
    assert [reason.code for reason in (await workshop.desk.get(offer.id)).reasons] == ["issuing.foreign"]


async def test_late_request_ends_as_no_answer(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    offer = await workshop.make(lifetime=timedelta(hours=1))
    await workshop.hand_over(offer)
    request = await workshop.request_for(offer)
    await workshop.heard()
    monkeypatch.setattr(answering, "datetime", TwoHoursLater)
    await workshop.receive(request, workshop.phone_of(offer))
    assert await workshop.heard() == [REPORT]
    ended = await workshop.desk.get(offer.id)
    assert (ended.state, ended.ended_at) == (OfferState.NO_ANSWER, offer.answer_by)


class TwoHoursLater(datetime):
    """A clock."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime.now(tz) + timedelta(hours=2)


async def test_decline_ends_the_offer_and_what_comes_later_gets_nothing(workshop: Workshop) -> None:
    offer = await offered(workshop)
    assert await workshop.decline(offer)
    assert (await workshop.desk.get(offer.id)).state is OfferState.DECLINED
    await workshop.ask(offer)
    assert await workshop.heard() == [REPORT]
    assert (await workshop.desk.get(offer.id)).state is OfferState.DECLINED


async def test_another_wallet_is_not_heard(workshop: Workshop) -> None:
    offer, elsewhere = await offered(workshop), await offered(workshop)
    stranger, request = workshop.phone_of(elsewhere), await workshop.request_for(offer)
    assert not await workshop.receive(ack_message(thread_id=offer.thread_id), stranger)
    await workshop.receive(request, stranger)
    ((phone, report),) = await workshop.messages()
    assert (phone, report["@type"].rpartition("/")[2]) == (stranger, REPORT)
    assert (await workshop.desk.get(offer.id)).state is OfferState.OPEN
    await workshop.receive(request, workshop.phone_of(offer))
    assert (await workshop.desk.get(offer.id)).state is OfferState.ISSUED


async def test_acknowledgement_counts_only_for_what_was_sent(workshop: Workshop) -> None:
    early = await offered(workshop)
    await workshop.acknowledge(early)
    assert (await workshop.desk.get(early.id)).receipt is Receipt.NONE
    offer = await issued(workshop)
    assert await payload_of(workshop, offer) is not None
    for _ in range(2):
        await workshop.acknowledge(offer)
        assert (await workshop.desk.get(offer.id)).receipt is Receipt.KEPT
    assert await payload_of(workshop, offer) is None


async def test_a_wallet_that_could_not_keep_a_credential_does_not_undo_it_and_may_keep_it_after_all(
    workshop: Workshop,
) -> None:
    offer = await issued(workshop)
    await workshop.decline(offer)
    offer_now = await workshop.desk.get(offer.id)
    assert (offer_now.state, offer_now.receipt) == (OfferState.ISSUED, Receipt.REJECTED)
    await workshop.acknowledge(offer)
    await workshop.decline(offer)
    assert (await workshop.desk.get(offer.id)).receipt is Receipt.KEPT
    assert await payload_of(workshop, offer) is None


async def test_an_acknowledgement_that_says_that_it_went_wrong_is_no_word_that_the_credential_is_kept(
    workshop: Workshop,
) -> None:
    offer = await issued(workshop)
    assert await workshop.acknowledge(offer, status="FAIL")
    assert (await workshop.desk.get(offer.id)).receipt is Receipt.REJECTED
    assert await workshop.acknowledge(offer)  # it has kept it after all
    assert (await workshop.desk.get(offer.id)).receipt is Receipt.KEPT


async def test_a_wallet_that_has_not_kept_its_credential_yet_gets_it_again(workshop: Workshop) -> None:
    offer = await issued(workshop)
    before = await entries(workshop)
    assert await workshop.acknowledge(offer, status="PENDING")
    assert ((await workshop.desk.get(offer.id)).receipt, await entries(workshop)) == (Receipt.NONE, before)
    await workshop.desk.sweep(datetime.now(UTC) + timedelta(minutes=1))
    again = [message for phone, message in await workshop.messages() if phone is workshop.phone_of(offer)]
    assert [message["@type"].rpartition("/")[2] for message in again] == [CREDENTIAL]


@pytest.mark.parametrize("status", [None, "ok", "", True, ["OK"], {"OK": "OK"}, "O" * 10_000])
async def test_an_acknowledgement_that_says_nothing_known_is_refused(workshop: Workshop, status: object) -> None:
    offer = await issued(workshop)
    with pytest.raises(ExchangeError, match="OK, FAIL or PENDING"):
        await workshop.acknowledge(offer, status=status)
    assert (await workshop.desk.get(offer.id)).receipt is Receipt.NONE
    assert await payload_of(workshop, offer) is not None


async def test_proposal_leaves_nothing_behind(workshop: Workshop) -> None:
    phone = workshop.phone_of(await offered(workshop))
    before = await entries(workshop)
    proposal = {"@type": "https://didcomm.org/issue-credential/2.0/propose-credential", "@id": "a-proposal"}
    await workshop.receive(proposal, phone)
    assert await workshop.heard() == [REPORT]
    assert await entries(workshop) == before


async def entries(workshop: Workshop) -> int:
    async with workshop.profile.session() as session:
        return len(await fetch_entries(session, None))


async def test_level_awarded_in_the_eqf_itself_needs_no_crosswalk(workshop: Workshop) -> None:
    offer = await offered(workshop, framework="EQF", framework_level="4")
    await workshop.ask(offer)
    assert await workshop.heard() == [CREDENTIAL]
    assert (offer.values["eqf_level"], offer.values["crosswalk_version"]) == ("4", "none")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ATTACHMENT = st.fixed_dictionaries(
    {}, optional={"@id": JSON, "data": st.dictionaries(st.just("base64") | st.just("json"), JSON)}
)
REQUEST = st.fixed_dictionaries(
    {},
    optional={
        "formats": JSON | st.lists(st.fixed_dictionaries({}, optional={"attach_id": JSON, "format": JSON}), max_size=2),
        "requests~attach": JSON | st.lists(ATTACHMENT, max_size=2),
        "comment": JSON,
    },
)


@given(members=REQUEST)
@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_malformed_message_gets_a_report_or_silence_and_never_a_record(
    workshop: Workshop, members: dict[str, Any]
) -> None:
    offer = await a_standing_offer(workshop)
    before = await entries(workshop)
    phone = workshop.phone_of(offer)
    for kind in ("request-credential", "ack", "propose-credential"):
        message = {**members, "@type": f"https://didcomm.org/issue-credential/2.0/{kind}", "@id": "x"}
        await workshop.receive(message | {"~thread": {"thid": offer.thread_id}}, phone)
    assert set(await workshop.heard()) <= {REPORT}
    assert (await workshop.desk.get(offer.id)).state is OfferState.OPEN
    assert await entries(workshop) == before


_STANDING: dict[int, Offer] = {}


async def a_standing_offer(workshop: Workshop) -> Offer:
    """Return one offer for all examples of a test."""
    if id(workshop) not in _STANDING:
        _STANDING[id(workshop)] = await offered(workshop)
    return _STANDING[id(workshop)]
