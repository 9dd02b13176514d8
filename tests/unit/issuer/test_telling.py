"""What becomes of offers is told to the event log, each fact once, wherever the power fails."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
import pytest_asyncio
from tests.unit.issuer.test_power_cuts import restart
from tests.unit.issuer.workshop import Workshop
from tests.unit.power import Power, power
from tests.unit.told import tell_what_was_cut, told

from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.revocations import RevocationIntent
from wanderbuch.store.records import RecordStore

pytestmark = pytest.mark.asyncio(loop_scope="module")

__all__ = ["power"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workshop]:
    folder = tmp_path_factory.mktemp("workshop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        made = Workshop(folder)
        await made.open()
        yield made
        await made.profile.close()


@pytest_asyncio.fixture(loop_scope="module")
async def workshop(opened: Workshop) -> Workshop:
    await restart(opened)
    return opened


async def of(workshop: Workshop, offer: Offer) -> list[tuple[str, dict[str, object]]]:
    return [(kind, body) for kind, subject, body in await told(workshop.profile) if subject == offer.id]


ISSUED = ("credential.issued", {"credential_type": "qualification/1.0"})
KEPT = ("credential.answered", {"receipt": "KEPT"})


async def test_an_offer_tells_nothing_while_it_is_open(workshop: Workshop) -> None:
    assert await of(workshop, await workshop.offer()) == []


async def test_issued_kept_and_revoked(workshop: Workshop) -> None:
    offer = await workshop.issue()
    assert await of(workshop, offer) == [ISSUED]
    await workshop.receive(workshop.ack(await workshop.exchange(offer)))
    await workshop.revocations.request(offer, wait_s=0)
    await workshop.revocations.publish_all()
    assert await of(workshop, offer) == [ISSUED, KEPT, ("credential.revoked", {})]


async def test_declined_and_not_answered(workshop: Workshop) -> None:
    declined, late = await workshop.offer(), await workshop.offer()
    await workshop.receive(workshop.decline(await workshop.exchange(declined)))
    assert await of(workshop, declined) == [("offer.ended", {"state": "DECLINED"})]
    await workshop.desk.sweep(late.answer_by + timedelta(seconds=1))
    assert await of(workshop, late) == [("offer.ended", {"state": "NO_ANSWER"})]


async def test_who_connects_too_late_ends_the_offer_and_that_is_told(workshop: Workshop) -> None:
    offer = await workshop.offer(invitation_id="late")
    past = {"answer_by": datetime.now(UTC) - timedelta(seconds=1)}
    await workshop.desk._offers.change(offer.id, lambda held: held.model_copy(update=past))
    connection = await workshop.connect("late")
    await workshop.receive(workshop.complete(connection), over=connection)
    assert (await workshop.desk._offers.get(offer.id)).state is OfferState.NO_ANSWER
    assert await of(workshop, offer) == [("offer.ended", {"state": "NO_ANSWER"})]


async def test_what_the_log_has_forgotten_is_not_told_again(workshop: Workshop) -> None:
    offer = await workshop.issue()
    tables = workshop.desk._offers._tables
    await tables.events.prune(keep_events=0)
    await workshop.receive(workshop.ack(await workshop.exchange(offer)))
    assert await of(workshop, offer) == [KEPT]


async def test_an_issued_credential_is_told_once_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    for steps in count():
        offer = await workshop.offer(invitation_id=f"told-{steps}")
        request = await workshop.request_for(await workshop.exchange(offer))
        cut = await power.lasts(steps, lambda request=request: workshop.receive(request))
        before = await workshop.desk._offers.get(offer.id)
        assert before.state is OfferState.ISSUED or await of(workshop, offer) == []  # told only after it is saved
        if cut:
            if steps % 2:  # before the next process begins, or when it has repaired the rest
                await tell_what_was_cut(workshop.profile)
            await restart(workshop)
            await workshop.receive(request)
        assert await tell_what_was_cut(workshop.profile) == 0
        assert await of(workshop, offer) == [ISSUED], f"cut after {steps} steps"
        if not cut:
            break
    assert steps > 7


async def test_a_revocation_is_told_once_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    """From the change of the offer on; what comes before has a test of its own (`test_power_cuts`)."""
    for steps in count():
        offer = await workshop.issue()
        intent = RevocationIntent(id=offer.id, registry=str(offer.registry), index=offer.index or 0, connection_id=None)
        await RecordStore(workshop.profile, RevocationIntent).insert(intent)
        at = datetime.now(UTC)
        if cut := await power.lasts(steps, lambda held=intent, at=at: workshop.revocations._conclude(held, at)):
            await workshop.revocations._conclude(intent, at)
        assert await tell_what_was_cut(workshop.profile) == 0
        assert await of(workshop, offer) == [ISSUED, ("credential.revoked", {})], f"cut after {steps} steps"
        if not cut:
            break
    assert steps > 5
