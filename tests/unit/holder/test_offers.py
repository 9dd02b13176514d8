"""Offers on our own path: judged, accepted, compared, kept; real wallet, real credentials, real envelopes."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.holder.offered import CONFIG, OfferedWallet, credentials
from tests.unit.trust.ecosystem import WELDER_VALUES, Issuer, values

from wanderbuch.agents.holder import keeping, offers
from wanderbuch.agents.holder.held_offer import OfferState, held_offers
from wanderbuch.agents.holder.requesting import own_request
from wanderbuch.agents.holder.wallet import list_credentials
from wanderbuch.errors import CredentialError, ExchangeError
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.trust.judgements import JudgementBook, is_current


async def test_a_trusted_offer_waits_for_the_person(offered: OfferedWallet) -> None:
    offer = await offered.receive_offer(offered.offer())
    shown = await offers.get_offer(offered.profile, CONFIG, offer.id)
    assert shown.state is OfferState.OPEN
    assert shown.judgement is not None
    assert (shown.judgement.verdict, shown.judgement_is_current) == (Verdict.TRUSTED, True)
    assert shown.peer.unverified_label == "centre"
    assert shown.issuer == offered.issuer.did
    assert "Perera" not in repr(shown)
    assert offered.sent == []


async def test_the_judgement_of_an_offer_is_kept_when_it_comes(offered: OfferedWallet, cooking_school: Issuer) -> None:
    made = [
        await offered.receive_offer(offered.offer()),
        await offered.receive_offer(offered.offer(issuer=cooking_school)),
    ]
    book, source = JudgementBook(offered.profile), offered.profile.inject(GovernanceSource)
    kept = await book.every([offer.id for offer in made])
    assert [kept[offer.id].verdict for offer in made] == [Verdict.TRUSTED, Verdict.NOT_TRUSTED]
    assert all(is_current(decision, source.snapshot(), at=offered.now) for decision in kept.values())
    late = offered.now + timedelta(days=400)  # nobody has vouched for the governance since
    assert not any(is_current(decision, source.snapshot(), at=late) for decision in kept.values())
    await offered.publish(accredited=False)
    assert not any(is_current(decision, source.snapshot(), at=offered.now) for decision in kept.values())


@pytest.mark.parametrize(("size", "taken"), [(200_000, True), (300_000, False)])
async def test_takes_no_offer_larger_than_honest_ones(offered: OfferedWallet, size: int, taken: bool) -> None:
    large = offered.offer({**WELDER_VALUES, "family_name": "x" * size})
    if taken:
        await offered.receive_offer(large)
    else:
        with pytest.raises(ExchangeError, match="at most"):
            await offered.receive_offer(large)
    assert len(await offered.every()) == int(taken)


def without_format(message: dict[str, Any]) -> None:
    message["formats"] = []


def of_another_format(message: dict[str, Any]) -> None:
    message["formats"][0]["format"] = "hlindy/cred-abstract@v2.0"


def with_two_attachments(message: dict[str, Any]) -> None:
    message["offers~attach"] *= 2


def without_preview(message: dict[str, Any]) -> None:
    del message["credential_preview"]


def with_more_attributes_than_any_type_has(message: dict[str, Any]) -> None:
    message["credential_preview"]["attributes"] *= 3


def with_broken_base64(message: dict[str, Any]) -> None:
    message["offers~attach"][0]["data"]["base64"] = "%%%"


@pytest.mark.parametrize(
    "spoil",
    [
        without_format,
        of_another_format,
        with_two_attachments,
        without_preview,
        with_more_attributes_than_any_type_has,
        with_broken_base64,
    ],
)
async def test_what_is_not_one_anoncreds_offer_is_never_kept(offered: OfferedWallet, spoil: Any) -> None:
    message = offered.offer()
    spoil(message)
    with pytest.raises(ExchangeError):
        await offered.receive_offer(message)
    assert await offered.every() == []


async def test_an_untrusted_offer_cannot_be_accepted(offered: OfferedWallet, cooking_school: Issuer) -> None:
    offer = await offered.receive_offer(offered.offer(issuer=cooking_school))
    shown, decision = await offers.accept(offered.profile, CONFIG, offer.id)
    assert (shown.state, decision.verdict) == (OfferState.OPEN, Verdict.NOT_TRUSTED)
    await offered.settled()
    assert offered.sent == []


async def test_an_issuer_that_was_accredited_after_the_last_look_is_trusted_when_the_person_accepts(
    offered: OfferedWallet,
) -> None:
    await offered.publish(accredited=False)
    offer = await offered.receive_offer(offered.offer())
    offered.now += timedelta(seconds=1)
    await offered.publish(refresh=False)  # the file held is fresh, and says no
    assert (await offers.accept(offered.profile, CONFIG, offer.id))[1].verdict is Verdict.TRUSTED


@pytest.mark.parametrize("stale", [True, False])
async def test_an_offer_that_cannot_be_judged_waits_until_it_can(offered: OfferedWallet, stale: bool) -> None:
    if stale:
        offered.now -= timedelta(days=1)
        await offered.publish()
    else:
        await offered.publish(accredited=False)
    offer = await offered.receive_offer(offered.offer())
    kept = await JudgementBook(offered.profile).get(offer.id)
    assert kept is not None
    assert kept.verdict is not Verdict.TRUSTED
    offered.now = datetime.now(UTC)
    await offered.publish()
    shown, decision = await offers.accept(offered.profile, CONFIG, offer.id)
    assert (shown.state, decision.verdict) == (OfferState.ACCEPTED, Verdict.TRUSTED)


async def test_an_offer_is_judged_anew_when_it_is_accepted(offered: OfferedWallet) -> None:
    offer = await offered.receive_offer(offered.offer())
    await offered.publish(accredited=False)
    _, decision = await offers.accept(offered.profile, CONFIG, offer.id)
    assert decision.verdict is Verdict.NOT_TRUSTED
    assert (await offered.kept_offer(offer.id)).state is OfferState.OPEN
    shown, _ = await offers.list_offers(offered.profile, CONFIG)
    assert shown[0].judgement == decision


async def test_another_offer_on_the_thread_of_an_open_one_is_not_taken(offered: OfferedWallet) -> None:
    """What the person accepts must be what they saw."""
    first = offered.offer()
    offer = await offered.receive_offer(first)
    other = offered.offer(values(family_name="Fernando"), thread=offer.thread_id)
    assert (await offered.receive_offer(other)).id == offer.id
    shown = await offers.get_offer(offered.profile, CONFIG, offer.id)
    assert shown.claim["family_name"] == "Perera"
    assert await offered.receive_offer(first) == offer  # delivered again
    assert len(await offered.every()) == 1


async def test_a_second_offer_on_an_accepted_thread_is_not_taken(offered: OfferedWallet) -> None:
    offer = await offered.accepted()
    await offered.receive_offer(offered.offer(values(family_name="Fernando"), thread=offer.thread_id))
    assert await offered.kept_offer(offer.id) == offer
    assert (await offers.get_offer(offered.profile, CONFIG, offer.id)).claim["family_name"] == "Perera"


async def test_two_credentials_are_asked_for_with_unlinkable_requests(offered: OfferedWallet) -> None:
    for _ in range(2):
        await offered.accepted()
    requests = [json.dumps(message["requests~attach"]) for message in offered.sent]
    assert len(set(requests)) == 2
    made = [
        json.loads(own.request)
        for offer in await offered.every()
        if (own := await own_request(offered.profile, offer.id))
    ]
    for member in ("entropy", "nonce", "blinded_ms"):
        assert len({json.dumps(request[member]) for request in made}) == 2


async def test_a_declined_offer_cannot_be_accepted_and_the_issuer_is_told(offered: OfferedWallet) -> None:
    offer = await offered.receive_offer(offered.offer())
    shown = await offers.decline(offered.profile, CONFIG, offer.id)
    assert (shown.state, shown.note) == (OfferState.DECLINED, "The holder declines the offer.")
    with pytest.raises(ExchangeError):
        await offers.accept(offered.profile, CONFIG, offer.id)
    assert (await offers.decline(offered.profile, CONFIG, offer.id)).state is OfferState.DECLINED
    await offered.settled()
    assert offered.kinds() == ["problem-report"]


@pytest.mark.parametrize("accepted", [True, False])
async def test_an_issuer_can_end_an_offer(offered: OfferedWallet, accepted: bool) -> None:
    offered.place_tails()
    offer = await offered.accepted() if accepted else await offered.receive_offer(offered.offer())
    message = await offered.credential(offer) if accepted else None
    assert await offered.receive(offered.report(offer))
    shown = await offers.get_offer(offered.profile, CONFIG, offer.id)
    assert (shown.state, shown.note) == (OfferState.ENDED_BY_ISSUER, "issuance-abandoned: sorry")
    if message is not None:
        await offered.receive(message)
    assert await credentials(offered) == []


async def test_an_issuer_cannot_end_what_is_kept(offered: OfferedWallet) -> None:
    offered.place_tails()
    offer = await offered.received()
    assert await offered.receive(offered.report(offer))
    assert (await offered.kept_offer(offer.id)).state is OfferState.RECEIVED


async def test_an_end_that_comes_while_the_credential_is_completed_leaves_none(
    offered: OfferedWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    message = await offered.credential(offer)
    complete = keeping._completed

    async def slow(*args: Any) -> bytes:
        done = await complete(*args)
        await offered.receive(offered.report(offer))
        return done

    monkeypatch.setattr(keeping, "_completed", slow)
    await offered.receive(message)
    assert (await offered.kept_offer(offer.id)).state is OfferState.ENDED_BY_ISSUER
    assert await credentials(offered) == []
    assert offered.kinds() == ["request-credential"]


async def test_a_credential_with_names_in_another_spelling_is_kept_and_read_by_its_attributes(
    offered: OfferedWallet,
) -> None:
    """AnonCreds ignores case and spaces: an issuer on other software may spell names so, and the signature holds."""
    offered.place_tails()
    spelled = {f" {name.title()}": value for name, value in WELDER_VALUES.items()}
    offer = await offered.accepted(offered.offer(spelled))
    await offered.receive(await offered.credential(offer, spelled))
    assert offered.kinds()[-1] == "ack"
    (kept,) = await list_credentials(offered.profile, check_revocation=False)
    assert dict(kept.values) == dict(WELDER_VALUES)
    assert kept.expires_on is None


async def test_a_credential_with_one_attribute_in_two_spellings_is_never_kept(offered: OfferedWallet) -> None:
    """The library takes such values and signs one of the two: which one, the text does not tell."""
    offered.place_tails()
    offer = await offered.accepted()
    await offered.receive(await offered.credential(offer, {**WELDER_VALUES, "Family_Name": "Silva"}))
    assert await credentials(offered) == []
    assert (await offered.kept_offer(offer.id)).state is OfferState.REFUSED


async def test_an_offer_without_a_proper_proof_of_its_key_cannot_be_answered(offered: OfferedWallet) -> None:
    bare = offered.offer()
    content = json.loads(base64.b64decode(bare["offers~attach"][0]["data"]["base64"]))
    content["key_correctness_proof"]["c"] = "1"
    offer = await offered.receive_offer(offered.offer(raw=content))
    with pytest.raises(CredentialError, match="cannot"):
        await offers.accept(offered.profile, CONFIG, offer.id)
    assert (await offered.kept_offer(offer.id)).state is OfferState.OPEN


async def test_what_is_kept_of_an_offer_is_small(offered: OfferedWallet) -> None:
    """Nine tenths of an offer are its issuer's proof of its key."""
    offer = await offered.receive_offer(offered.offer())
    async with offered.profile.session() as session:
        record = await session.handle.fetch("wanderbuch.held_offer", offer.id)
        text = await session.handle.fetch("wanderbuch.held_offer.text", offer.id)
    assert b"Perera" not in record.value
    assert len(record.value) + len(text.value) < 12_000
    assert await held_offers(offered.profile).count() == 1
