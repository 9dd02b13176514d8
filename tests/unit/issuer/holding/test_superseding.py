"""An attestation has one valid holding: what takes a credential's place, step by step and wherever the power fails."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from tests.unit.issuer.batches.scene import Centre
from tests.unit.issuer.each_engine import a_minute_passes, leases_end, workshop
from tests.unit.issuer.workshop import Workshop
from tests.unit.power import Power, PowerCutError, power

from wanderbuch.agents.issuer.acts import Act, ActLog
from wanderbuch.agents.issuer.desk import OfferRefusedError
from wanderbuch.agents.issuer.holding.successor import BOTH_STAND, Successor, SuccessorState, Why
from wanderbuch.agents.issuer.holding.superseding import SupersededError
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.register.numbers import NumberTakenError
from wanderbuch.agents.issuer.register.offer_words import claim_of
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.store.records import RecordStore

__all__ = ["power", "workshop"]

BY = "n.silva"
NUMBERS = count(1)


def right(old: Offer, **changed: str) -> dict[str, str]:
    """Return what the certificate of an offer should say."""
    return claim_of(old) | {"family_name": "Pereira"} | changed


async def issued(workshop: Workshop) -> Offer:
    """Return a certificate with a number of its own."""
    return await workshop.issue(credential_id=f"H-{next(NUMBERS)}")


async def valid(workshop: Workshop, *offers: str) -> list[str]:
    """Return which of these offers brought a credential that nobody asked to revoke."""
    kept = []
    for offer_id in offers:
        offer = await workshop.desk.find(offer_id)
        is_revoked = await workshop.revocations.get_or_none(offer_id) is not None
        if offer is not None and offer.state is OfferState.ISSUED and not is_revoked:
            kept.append(offer_id)
    return kept


async def kept_by_wallet(workshop: Workshop, offer_id: str) -> Offer:
    """Have a wallet take what is offered, and say that it keeps it."""
    offer = await workshop.desk.get(offer_id)
    if offer.wallet is None:
        await workshop.hand_over(offer)
        offer = await workshop.desk.get(offer_id)
    await workshop.ask(offer)
    offer = await workshop.desk.get(offer_id)
    await workshop.acknowledge(offer)
    return await workshop.desk.get(offer_id)


async def sweep(workshop: Workshop, after: timedelta = timedelta()) -> None:
    await a_minute_passes(workshop)
    await workshop.superseding.sweep(datetime.now(UTC) + after)


async def handed_over(workshop: Workshop, offer_id: str | None) -> Offer:
    """Have a wallet take what is offered, and say nothing of it."""
    await workshop.hand_over(await workshop.desk.get(str(offer_id)))
    await workshop.ask(await workshop.desk.get(str(offer_id)))
    return await workshop.desk.get(str(offer_id))


async def successor_of(workshop: Workshop, old: Offer) -> Successor:
    record = await workshop.superseding.find(old.id)
    assert record is not None
    return record


async def begun_before(workshop: Workshop, old: Offer, ago: timedelta) -> None:
    """Have a superseding be so old."""
    kept = await successor_of(workshop, old)
    update = {"offered_at": kept.created_at - ago, "asked_at": kept.created_at - ago}
    await RecordStore(workshop.profile, Successor).change(old.id, lambda one: one.model_copy(update=update))


async def misspelt(workshop: Workshop) -> tuple[Offer, Successor, str]:
    """Return a credential that is misspelt, and what is offered in its place."""
    old = await issued(workshop)
    made = await workshop.superseding.begin(old.id, Why.MISSPELT, right(old), by=BY)
    assert made.next_id is not None
    return old, made, made.next_id


async def test_the_old_one_stands_until_the_new_one_is_taken(workshop: Workshop) -> None:
    old, made, new_id = await misspelt(workshop)
    new = await workshop.desk.get(new_id)
    assert (made.state, new.state, new.supersedes) == (SuccessorState.OFFERED, OfferState.OPEN, old.id)
    assert new.values["family_name"] == "Pereira"
    assert made.until is not None
    assert made.until - made.created_at < BOTH_STAND + timedelta(minutes=1)
    await sweep(workshop)
    assert await valid(workshop, old.id, new_id) == [old.id]
    asked_again = await workshop.superseding.begin(old.id, Why.MISSPELT, right(old), by=BY)
    assert asked_again.next_id == new_id
    for why, claim in ((Why.RENEWAL, None), (Why.MISSPELT, right(old, family_name="Perreira"))):
        with pytest.raises(SupersededError):
            await workshop.superseding.begin(old.id, why, claim, by=BY)
    await kept_by_wallet(workshop, new_id)  # its word alone ends the old one; no sweep is needed
    assert await valid(workshop, old.id, new_id) == [new_id]
    successor = await workshop.superseding.find(old.id)
    assert successor is not None
    assert (successor.state, successor.next_id, successor.claim) == (SuccessorState.DONE, new_id, None)
    acts = [entry.what for entry in await ActLog(workshop.profile).entries()]
    assert acts == [f"{old.id} misspelt"]
    intent = await workshop.revocations.get_or_none(old.id)
    assert intent is not None
    assert intent.reason is RevocationReason.REPLACED
    await workshop.revocations.publish_all()
    assert (await workshop.desk.get(old.id)).state is OfferState.REVOKED
    with pytest.raises(SupersededError):  # what was taken is superseded itself
        await workshop.superseding.again(old.id, by=BY)


async def test_thirty_days_are_the_most_but_a_renewal_lapses(workshop: Workshop) -> None:
    old, _, new_id = await misspelt(workshop)
    renewed = await issued(workshop)
    renewal = await workshop.superseding.begin(renewed.id, Why.RENEWAL, None, by=BY)
    await sweep(workshop, BOTH_STAND - timedelta(hours=1))
    assert await valid(workshop, old.id, renewed.id) == [old.id, renewed.id]
    await sweep(workshop, BOTH_STAND + timedelta(minutes=1))
    assert await valid(workshop, old.id, renewed.id) == [renewed.id]
    successor = await workshop.superseding.find(renewed.id)
    assert successor is not None
    assert successor.state is SuccessorState.LAPSED
    assert (await workshop.desk.get(str(renewal.next_id))).state is OfferState.WITHDRAWN
    again = await workshop.superseding.begin(renewed.id, Why.LOST_PHONE, None, by=BY)
    assert (again.state, again.past) == (SuccessorState.OFFERED, (renewal.next_id,))
    assert (await workshop.desk.get(new_id)).state is OfferState.OPEN


async def test_wrong_level_wrong_person_and_fraud_are_revoked_at_once(workshop: Workshop) -> None:
    for why, offers in ((Why.WRONG_PERSON, True), (Why.WRONG_LEVEL, False), (Why.FRAUD, False)):
        old = await issued(workshop)
        made = await workshop.superseding.begin(old.id, why, None, by=BY)
        assert made.state is SuccessorState.DONE, why
        assert (made.next_id is not None) is offers, why
        assert await valid(workshop, old.id) == [], why
    with pytest.raises(SupersededError):
        await workshop.superseding.begin((fake := await issued(workshop)).id, Why.FRAUD, right(fake), by=BY)


async def test_the_wrong_person_loses_it_even_where_nothing_may_be_offered_now(workshop: Workshop) -> None:
    old, other = await issued(workshop), await issued(workshop)
    await workshop.publish(occupations=["C75"])
    with pytest.raises(OfferRefusedError):
        await workshop.superseding.begin(other.id, Why.MISSPELT, right(other), by=BY)
    made = await workshop.superseding.begin(old.id, Why.WRONG_PERSON, None, by=BY)
    assert made.state is SuccessorState.OFFERING
    assert await valid(workshop, old.id, other.id) == [other.id]
    await workshop.publish()
    await sweep(workshop, timedelta(hours=2))
    successor = await workshop.superseding.find(old.id)
    assert successor is not None
    assert (successor.state, successor.next_id) == (SuccessorState.DONE, made.next_id)
    await kept_by_wallet(workshop, str(made.next_id))
    assert await valid(workshop, old.id, str(made.next_id)) == [made.next_id]


async def test_declined_it_is_offered_again_and_dropped_it_is_withdrawn(workshop: Workshop) -> None:
    old, _, first = await misspelt(workshop)
    await workshop.hand_over(await workshop.desk.get(first))
    await workshop.decline(await workshop.desk.get(first))
    made = await workshop.superseding.again(old.id, by=BY)
    assert (made.state, made.past) == (SuccessorState.OFFERED, (first,))
    assert (await workshop.desk.get(str(made.next_id))).values["family_name"] == "Pereira"
    assert (await workshop.superseding.again(old.id, by=BY)).next_id == made.next_id  # it is open
    dropped = await workshop.superseding.drop(old.id, by=BY)
    assert dropped.state is SuccessorState.LAPSED
    assert (await workshop.desk.get(str(made.next_id))).state is OfferState.WITHDRAWN
    assert await valid(workshop, old.id) == [old.id]


async def test_a_new_slip_ends_what_took_the_place_of_the_old_ones_credential(workshop: Workshop) -> None:
    centre = Centre(workshop)
    batch = await centre.running(1)
    number = (await centre.desk.row(batch, 2))[0]["credential_id"]
    old = await centre.issue(batch)
    made = await workshop.superseding.begin(old.id, Why.LOST_PHONE, None, by=BY)
    new = await kept_by_wallet(workshop, str(made.next_id))
    second = await workshop.superseding.begin(new.id, Why.RENEWAL, None, by=BY)
    await centre.desk.row_desk.renew(batch, 2, slips=1, by=BY)
    assert await centre.good(number) == []
    assert (await workshop.desk.get(str(second.next_id))).state is OfferState.WITHDRAWN
    right = await centre.issue(batch)
    assert [offer.id for offer in await centre.good(number)] == [right.id]


async def test_it_keeps_the_number_and_takes_no_other_ones(workshop: Workshop) -> None:
    centre = Centre(workshop)
    batch = await centre.running(1)
    number = (await centre.desk.row(batch, 2))[0]["credential_id"]
    old, third = await centre.issue(batch), await issued(workshop)
    theirs = right(old, credential_id=claim_of(third)["credential_id"])
    with pytest.raises(NumberTakenError):
        await workshop.superseding.begin(old.id, Why.MISSPELT, theirs, by=BY)
    assert await workshop.superseding.find(old.id) is None
    made = await workshop.superseding.begin(old.id, Why.MISSPELT, right(old), by=BY)
    new = await kept_by_wallet(workshop, str(made.next_id))
    assert claim_of(new)["credential_id"] == number
    assert new.made_by == BY
    again = await workshop.superseding.begin(new.id, Why.MISSPELT, right(old, family_name="Peiris"), by=BY)
    await kept_by_wallet(workshop, str(again.next_id))
    assert [offer.id for offer in await centre.good(number)] == [again.next_id]
    with pytest.raises(NumberTakenError):
        await workshop.make(credential_id=number, family_name="Another")


async def test_after_a_fraud_nothing_takes_its_place(workshop: Workshop) -> None:
    old, _, new_id = await misspelt(workshop)
    await workshop.hand_over(await workshop.desk.get(new_id))
    await workshop.revocations.request(old, wait_s=0, reason=RevocationReason.FRAUD)  # not by way of superseding
    await workshop.ask(await workshop.desk.get(new_id))
    new = await workshop.desk.get(new_id)
    assert (new.state, [one.code for one in new.reasons]) == (OfferState.REFUSED, ["issuing.ended"])
    with pytest.raises(SupersededError):
        await workshop.superseding.again(old.id, by=BY)
    other, _, open_id = await misspelt(workshop)
    await workshop.revocations.request(other, wait_s=0, reason=RevocationReason.FRAUD)
    await sweep(workshop, timedelta(hours=2))
    assert (await workshop.desk.get(open_id)).state is OfferState.WITHDRAWN
    successor = await workshop.superseding.find(other.id)
    assert successor is not None
    assert successor.state is SuccessorState.DONE


async def test_after_a_fraud_what_a_silent_wallet_has_is_not_valid_either(workshop: Workshop) -> None:
    old = await issued(workshop)
    made = await workshop.superseding.begin(old.id, Why.LOST_PHONE, None, by=BY)
    new = await handed_over(workshop, made.next_id)
    third = await workshop.superseding.begin(new.id, Why.RENEWAL, None, by=BY)
    last = await handed_over(workshop, third.next_id)
    assert await valid(workshop, old.id, new.id, last.id) == [old.id, new.id, last.id]
    await workshop.revocations.request(old, wait_s=0, reason=RevocationReason.FRAUD)
    await sweep(workshop, timedelta(hours=2))
    assert await valid(workshop, old.id, new.id, last.id) == []
    for offer_id in (new.id, last.id):
        intent = await workshop.revocations.get_or_none(offer_id)
        assert intent is not None
        assert intent.reason is RevocationReason.FRAUD


async def test_what_a_crash_left_signed_is_not_issued_after_a_fraud(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _, new_id = await misspelt(workshop)
    await workshop.hand_over(await workshop.desk.get(new_id))
    teller = workshop.desk.book.teller
    with monkeypatch.context() as patch:  # the payload is kept, and its marker is not

        async def kept_only(offer: Offer, *_: object, first: Callable[..., Awaitable[None]], **__: object) -> None:
            async with workshop.profile.transaction() as transaction:
                await first(transaction.handle)
                await transaction.commit()
            raise PowerCutError

        patch.setattr(teller, "add", kept_only)
        with pytest.raises(PowerCutError):
            await workshop.ask(await workshop.desk.get(new_id))
    new = await workshop.desk.get(new_id)
    assert (new.state, await workshop.desk.book.payloads.find(new_id) is None) == (OfferState.OPEN, False)
    await workshop.revocations.request(old, wait_s=0, reason=RevocationReason.FRAUD)
    assert await workshop.desk.answering.take_up(new) is None
    new = await workshop.desk.get(new_id)
    assert (new.state, [one.code for one in new.reasons]) == (OfferState.REFUSED, ["issuing.ended"])
    assert await workshop.desk.book.payloads.find(new_id) is None


@pytest.mark.parametrize("why", [Why.RENEWAL, Why.LOST_PHONE])
async def test_what_is_offered_once_more_after_thirty_days_stands_as_long_again(workshop: Workshop, why: Why) -> None:
    old = await issued(workshop)
    made = await workshop.superseding.begin(old.id, why, None, by=BY)
    silent = await handed_over(workshop, made.next_id)
    await begun_before(workshop, old, BOTH_STAND + timedelta(minutes=1))
    await sweep(workshop)
    assert await valid(workshop, old.id, silent.id) == [silent.id]  # as far as anybody knows
    assert (await successor_of(workshop, old)).may_offer_again(silent, datetime.now(UTC))
    again = await workshop.superseding.again(old.id, by=BY)
    await sweep(workshop, timedelta(hours=2))
    offer = await workshop.desk.get(str(again.next_id))
    assert offer.state is OfferState.OPEN
    assert offer.answer_by - offer.created_at == BOTH_STAND
    assert (await successor_of(workshop, old)).state is SuccessorState.DONE
    await kept_by_wallet(workshop, offer.id)
    assert await valid(workshop, old.id, silent.id, offer.id) == [offer.id]


async def test_a_new_one_revoked_before_a_wallet_said_that_it_has_it_ends_nothing(workshop: Workshop) -> None:
    for why in (Why.LOST_PHONE, Why.RENEWAL):
        old = await issued(workshop)
        made = await workshop.superseding.begin(old.id, why, None, by=BY)
        new = await handed_over(workshop, made.next_id)
        await workshop.revocations.request(new, wait_s=0, reason=RevocationReason.ASKED)
        await workshop.revocations.publish_all()
        await sweep(workshop, timedelta(hours=2))
        assert await valid(workshop, old.id, new.id) == [old.id]
        again = await workshop.superseding.again(old.id, by=BY)
        assert (await workshop.desk.get(str(again.next_id))).state is OfferState.OPEN
        last = await handed_over(workshop, again.next_id)
        await workshop.revocations.request(last, wait_s=0, reason=RevocationReason.MISTAKE)
        if why is Why.RENEWAL:
            await sweep(workshop, BOTH_STAND + timedelta(hours=1))
        else:
            await workshop.superseding.drop(old.id, by=BY)
        assert (await successor_of(workshop, old)).state is SuccessorState.LAPSED
        assert await valid(workshop, old.id, last.id) == [old.id]


async def test_a_new_one_revoked_for_fraud_takes_the_old_one_with_it(workshop: Workshop) -> None:
    old = await issued(workshop)
    made = await workshop.superseding.begin(old.id, Why.LOST_PHONE, None, by=BY)
    new = await handed_over(workshop, made.next_id)
    await workshop.revocations.request(new, wait_s=0, reason=RevocationReason.FRAUD)
    for refused in (workshop.superseding.again, workshop.superseding.drop):
        with pytest.raises(SupersededError):
            await refused(old.id, by=BY)
    await sweep(workshop, timedelta(hours=2))
    intent = await workshop.revocations.get_or_none(old.id)
    assert intent is not None
    assert intent.reason is RevocationReason.FRAUD


async def test_a_new_one_that_is_superseded_itself_is_not_offered_again(workshop: Workshop) -> None:
    old = await issued(workshop)
    made = await workshop.superseding.begin(old.id, Why.LOST_PHONE, None, by=BY)
    new = await handed_over(workshop, made.next_id)
    await workshop.superseding.begin(new.id, Why.LOST_PHONE, None, by=BY)
    with pytest.raises(SupersededError):
        await workshop.superseding.again(old.id, by=BY)


async def test_what_may_never_be_offered_to_the_right_person_is_dropped(workshop: Workshop) -> None:
    old = await issued(workshop)
    await workshop.publish(occupations=["C75"])
    made = await workshop.superseding.begin(old.id, Why.WRONG_PERSON, None, by=BY)
    assert made.may_drop
    with pytest.raises(SupersededError):
        async with workshop.superseding.settled(old):
            pass
    dropped = await workshop.superseding.drop(old.id, by=BY)
    assert (dropped.state, dropped.claim, dropped.next_id) == (SuccessorState.DONE, None, None)
    assert not dropped.may_drop
    async with workshop.superseding.settled(old):
        pass
    await workshop.publish()
    await sweep(workshop, timedelta(hours=2))
    assert [one async for one in workshop.desk.book.offers.every() if one.supersedes == old.id] == []
    intent = await workshop.revocations.get_or_none(old.id)
    assert intent is not None
    assert intent.reason is RevocationReason.WRONG_PERSON


async def test_who_asks_for_an_end_after_a_theft_still_gets_the_new_one(workshop: Workshop) -> None:
    old = await issued(workshop)
    made = await workshop.superseding.begin(old.id, Why.LOST_PHONE, None, by=BY)
    await workshop.revocations.request(old, wait_s=0, reason=RevocationReason.ASKED)
    await sweep(workshop, timedelta(hours=2))
    await kept_by_wallet(workshop, str(made.next_id))
    assert await valid(workshop, old.id, str(made.next_id)) == [made.next_id]


async def taken_up(workshop: Workshop) -> None:
    """Do what a start does, and what the next sweeps do."""
    await workshop.messages()
    await leases_end(workshop)
    workshop.start()
    await workshop.standing.prepare()
    for minutes in range(2):
        await workshop.desk.sweep(datetime.now(UTC) + timedelta(minutes=minutes))
        await sweep(workshop, timedelta(minutes=minutes))
    await workshop.messages()


@pytest.mark.parametrize("why", [Why.MISSPELT, Why.WRONG_PERSON])
async def test_one_valid_holding_is_left_wherever_the_power_fails(workshop: Workshop, power: Power, why: Why) -> None:
    for steps in power.cuts():
        old, where = await issued(workshop), f"cut after {steps} steps"
        claim = right(old) if why is Why.MISSPELT else None

        async def work(old_id: str = old.id, claim: dict[str, str] | None = claim) -> None:
            made = await workshop.superseding.begin(old_id, why, claim, by=BY)
            await kept_by_wallet(workshop, str(made.next_id))

        cut = await power.lasts(steps, work)
        if cut:
            await taken_up(workshop)
            made = await workshop.superseding.begin(old.id, why, claim, by=BY)  # the clerk, who saw no answer
            await kept_by_wallet(workshop, str(made.next_id))
            await sweep(workshop, timedelta(hours=2))
        successor = await workshop.superseding.find(old.id)
        assert successor is not None, where
        assert (successor.state, successor.past) == (SuccessorState.DONE, ()), where
        made_here = [one async for one in workshop.desk.book.offers.every() if one.supersedes == old.id]
        assert [one.id for one in made_here] == [successor.next_id], where
        assert await valid(workshop, old.id, str(successor.next_id)) == [successor.next_id], where
        if not cut:
            break
    assert steps > 8


async def test_offered_once_more_nothing_is_lost_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    for steps in power.cuts():
        old, where = await issued(workshop), f"cut after {steps} steps"
        made = await workshop.superseding.begin(old.id, Why.LOST_PHONE, None, by=BY)
        silent = await handed_over(workshop, made.next_id)

        async def work(old_id: str = old.id) -> None:
            await workshop.superseding.again(old_id, by=BY)

        cut = await power.lasts(steps, work)
        if cut:
            await taken_up(workshop)
            await workshop.revocations.publish_all()
            await sweep(workshop, timedelta(hours=2))
        assert old.id in await valid(workshop, old.id), where
        again = await workshop.superseding.again(old.id, by=BY)  # the clerk, who saw no answer
        assert len(again.past) == 1, where
        await kept_by_wallet(workshop, str(again.next_id))
        assert await valid(workshop, old.id, silent.id, str(again.next_id)) == [again.next_id], where
        if not cut:
            break
    assert steps > 4


async def test_dropped_it_stays_so_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    for steps in power.cuts():
        (old, _, new_id), where = await misspelt(workshop), f"cut after {steps} steps"

        async def work(old_id: str = old.id) -> None:
            await workshop.superseding.drop(old_id, by=BY)

        cut = await power.lasts(steps, work)
        if cut:
            await taken_up(workshop)
        is_noted = f"{old.id}" in [
            entry.what for entry in await ActLog(workshop.profile).entries() if entry.act is Act.SUPERSEDING_DROPPED
        ]
        await sweep(workshop, BOTH_STAND + timedelta(hours=1))
        assert await valid(workshop, old.id) == ([old.id] if is_noted else []), where
        state = (await workshop.desk.get(new_id)).state
        assert state is (OfferState.WITHDRAWN if is_noted else OfferState.OPEN), where
        if not cut:
            break
    assert steps > 2
