"""What becomes of offers is told to the event log, each fact once, wherever the power fails."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.issuer.conftest import restart
from tests.unit.issuer.workshop import Workshop
from tests.unit.power import Power, power
from tests.unit.told import tell_what_was_cut, told

from wanderbuch.agents.issuer.intents import RevocationIntent
from wanderbuch.agents.issuer.offers import Offer, OfferState, Receipt
from wanderbuch.store.tables import tables_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

__all__ = ["power"]

ISSUED = ("credential.issued", {"credential_type": "qualification/1.0"})
KEPT = ("credential.answered", {"receipt": "KEPT"})
REJECTED = ("credential.answered", {"receipt": "REJECTED"})
REVOKED = ("credential.revoked", {})
DAY = timedelta(days=1)


async def of(workshop: Workshop, offer: Offer) -> list[tuple[str, dict[str, object]]]:
    return [(kind, body) for kind, subject, body in await told(workshop.profile) if subject == offer.id]


async def test_an_offer_tells_nothing_while_it_is_open(workshop: Workshop) -> None:
    assert await of(workshop, await workshop.offer()) == []


async def test_issued_kept_and_revoked(workshop: Workshop) -> None:
    offer = await workshop.issue()
    assert await of(workshop, offer) == [ISSUED]
    for _ in range(2):
        await workshop.acknowledge(offer)
    await workshop.revocations.request(await workshop.desk.get(offer.id), wait_s=0)
    await workshop.revocations.publish_all()
    assert await of(workshop, offer) == [ISSUED, KEPT, REVOKED]


async def test_rejected_and_kept_after_all(workshop: Workshop) -> None:
    offer = await workshop.issue()
    await workshop.decline(offer)
    assert await of(workshop, offer) == [ISSUED, REJECTED]
    await workshop.acknowledge(offer)
    assert (await of(workshop, offer))[:2] == [ISSUED, REJECTED]


async def test_declined_withdrawn_and_not_answered(workshop: Workshop) -> None:
    declined, withdrawn, late = [await workshop.offer() for _ in range(3)]
    await workshop.decline(declined)
    assert await of(workshop, declined) == [("offer.ended", {"state": "DECLINED"})]
    await workshop.desk.withdraw(withdrawn.id)
    assert await of(workshop, withdrawn) == [("offer.ended", {"state": "WITHDRAWN"})]
    await workshop.desk.sweep(late.answer_by + timedelta(seconds=1))
    assert await of(workshop, late) == [("offer.ended", {"state": "NO_ANSWER"})]


async def test_what_the_log_has_forgotten_is_not_told_again(workshop: Workshop) -> None:
    offer = await workshop.issue()
    await tables_of(workshop.profile).events.prune(keep_events=0)
    await workshop.acknowledge(offer)
    assert await of(workshop, offer) == [KEPT]


async def test_an_issued_credential_is_told_once_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    steps = 0
    for steps in power.cuts():
        offer = await workshop.offer()
        request, phone = await workshop.request_for(offer), workshop.phone_of(offer)
        cut = await power.lasts(steps, lambda r=request, p=phone: workshop.receive(r, p))
        before = await workshop.desk.book.offers.get(offer.id)
        assert before.state is OfferState.ISSUED or await of(workshop, offer) == []  # told only after it is saved
        if cut:
            if steps % 2:  # before the next process begins, or when it has repaired the rest
                await tell_what_was_cut(workshop.profile)
            await restart(workshop)
            await workshop.receive(request, phone)
        assert await tell_what_was_cut(workshop.profile) == 0
        assert await of(workshop, offer) == [ISSUED], f"cut after {steps} steps"
        if not cut:
            break
    assert steps > 5


async def test_a_credential_that_was_kept_is_told_once_wherever_the_power_fails(
    workshop: Workshop, power: Power
) -> None:
    steps = 0
    for steps in power.cuts():
        offer = await workshop.issue()
        phone = workshop.phone_of(offer)
        cut = await power.lasts(steps, lambda o=offer: workshop.acknowledge(o))
        if cut:
            await restart(workshop)
            await workshop.desk.sweep(datetime.now(UTC) + timedelta(seconds=31))  # when it is sent again
            if (await workshop.desk.get(offer.id)).receipt is Receipt.NONE:
                workshop.wallets.by_offer[offer.id] = phone
                await workshop.acknowledge(offer)
        assert await of(workshop, offer) == [ISSUED, KEPT], f"cut after {steps} steps"
        assert await workshop.desk.book.payloads.find(offer.id) is None
        assert offer.id not in {offer.id for offer in await workshop.desk.book.offers.due(datetime.now(UTC) + DAY)}
        if not cut:
            break
    assert steps > 3


async def test_a_revocation_is_told_once_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    """From the change of the offer on; what comes before has a test of its own (`test_power_cuts`)."""
    steps = 0
    for steps in power.cuts():
        offer = await workshop.issue()
        intent = RevocationIntent(id=offer.id, registry=str(offer.registry), index=offer.index or 0)
        await workshop.revocations._intents.insert(intent)
        at = datetime.now(UTC)
        if cut := await power.lasts(
            steps, lambda interrupted=intent, at=at: workshop.revocations._conclude(interrupted, at)
        ):
            await workshop.revocations._conclude(intent, at)
        assert await tell_what_was_cut(workshop.profile) == 0
        assert await of(workshop, offer) == [ISSUED, REVOKED], f"cut after {steps} steps"
        if not cut:
            break
    assert steps > 5
