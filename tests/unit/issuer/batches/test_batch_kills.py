"""The power fails behind every step in the middle of a batch, on each engine: no row is lost, none is issued twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from tests.processes import Processes
from tests.unit.issuer.batches.scene import KIND, Centre, class_text, plan_of, read
from tests.unit.issuer.each_engine import a_minute_passes, leases_end, workshop
from tests.unit.issuer.workshop import Workshop
from tests.unit.power import Power, power

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch, BatchState
from wanderbuch.agents.issuer.batch_records.row import MOST_TRIES, RowState, row_id
from wanderbuch.agents.issuer.batch_records.slips import Slip, pin_of, slip_token
from wanderbuch.agents.issuer.batches import claims, reached, row_steps
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.batches.claiming import ClaimRefusedError, SlipDesk
from wanderbuch.agents.issuer.batches.claims import read_claims
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.errors import WanderbuchError
from wanderbuch.store.errors import StoreError
from wanderbuch.store.records import RecordStore, new_id
from wanderbuch.store.writing import Writing

__all__ = ["power", "workshop"]


async def taken_up(centre: Centre) -> None:
    """Do what a start does, and what the next sweeps do."""
    workshop = centre.workshop
    await workshop.messages()
    await leases_end(workshop)
    workshop.start()
    await workshop.standing.prepare()
    centre.open()
    for minutes in range(2):
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        await workshop.desk.sweep(at)
        await centre.desk.sweep(at)
        await a_minute_passes(workshop)
    await workshop.messages()


async def number_of(centre: Centre, batch: Batch, row: int = 2) -> str:
    return (await centre.desk.row(batch, row))[0]["credential_id"]


async def test_a_batch_is_whole_or_not_there_wherever_the_power_fails(
    workshop: Workshop, power: Power, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (claims, reached):
        monkeypatch.setattr(module, "PAGE_ROWS", 10)  # three pages of few rows: a step is a page
    centre = Centre(workshop)
    for steps in power.cuts():
        batch_id, listed = new_id(), read(class_text(*centre.numbers(25)))
        cut = await power.lasts(steps, lambda at=batch_id, of=listed: centre.desk.make(of, KIND, plan_of(), at))  # type: ignore[misc]
        where = f"cut after {steps} steps"
        if cut:
            await taken_up(centre)
            seen = await centre.desk.find(batch_id)
            assert seen is None or seen.state is BatchState.READY, where
            batch = await centre.desk.make(listed, KIND, plan_of(), batch_id)  # the call comes again, with its key
        else:
            batch = await centre.desk.get(batch_id)
        rows = [row async for row in read_claims(workshop.profile, batch)]
        assert [(row.number, row.claim) for row in rows] == [(row.number, row.claim) for row in listed.rows], where
        assert len([one for one in (await centre.desk.page(limit=200, cursor=None)).items if one.id == batch_id]) == 1
        await centre.desk.cancel(batch_id, by="n.silva")
        await centre.desk.remove(batch_id, by="n.silva")
        if not cut:
            break
    assert steps > 5


async def test_what_nobody_asks_for_again_is_removed(workshop: Workshop, power: Power) -> None:
    centre, batch_id = Centre(workshop), new_id()
    listed = read(class_text(*centre.numbers(3)))
    assert await power.lasts(3, lambda: centre.desk.make(listed, KIND, plan_of(), batch_id))
    await taken_up(centre)
    assert await centre.desk.find(batch_id) is None
    await centre.desk.sweep(datetime.now(UTC) + timedelta(hours=2))
    async with workshop.profile.session() as session:
        assert await session.handle.fetch("wanderbuch.batch-page", f"{batch_id}.0") is None
        assert await session.handle.fetch(Batch.category, batch_id) is None


async def test_a_slip_becomes_one_credential_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    centre = Centre(workshop)
    for steps in power.cuts():
        batch = await centre.running(2)
        number, where = await number_of(centre, batch), f"cut after {steps} steps"
        cut = await power.lasts(steps, lambda of=batch: centre.claim(of))  # type: ignore[misc]
        row = await centre.claiming.row(batch.id, 2)
        made = [one.id for one in await centre.offers(number)]
        assert made == ([] if row.offer_id is None else [row.offer_id]), where  # both, or none
        if cut:
            await taken_up(centre)
        offer = await centre.issue(batch)  # the person presses the button again
        assert offer.state is OfferState.ISSUED, where
        with pytest.raises(ClaimRefusedError):
            await centre.claim(batch)
        assert [kept.id for kept in await centre.good(number)] == [offer.id], where
        assert (await centre.row(batch)).state is RowState.ISSUED, where
        assert (await centre.row(batch, 3)).state is RowState.WAITING, where
        if not cut:
            break
    assert steps > 3


async def test_a_new_slip_leaves_one_good_credential_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    centre = Centre(workshop)
    for steps in power.cuts():
        batch = await centre.running(1)
        number, where = await number_of(centre, batch), f"cut after {steps} steps"
        wrong, old = await centre.issue(batch), await centre.token(batch)
        cut = await power.lasts(steps, lambda of=batch: centre.desk.row_desk.renew(of, 2, slips=1, by="n.silva"))  # type: ignore[misc]
        if cut:
            await taken_up(centre)
            await centre.desk.row_desk.renew(
                batch, 2, slips=1, by="n.silva"
            )  # the clerk, who saw no answer, asks again
        row = await centre.row(batch)
        assert (row.turn, row.to_end, row.ended) == (1, (), (wrong.id,)), where
        assert (await centre.claiming.look(old)).why == "replaced", where
        right = await centre.issue(batch)
        assert [kept.id for kept in await centre.good(number)] == [right.id], where
        await workshop.revocations.publish_all()
        assert (await workshop.desk.get(wrong.id)).state is OfferState.REVOKED, where
        if not cut:
            break
    assert steps > 3


async def test_a_cancelled_batch_leaves_nothing_open_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    centre = Centre(workshop)
    for steps in power.cuts():
        batch = await centre.running(3)
        offers = [await centre.claim(batch, number) for number in (2, 3)]
        locked = await centre.claiming.change(await centre.row(batch, 3), row_steps.locked)
        assert locked.state is RowState.LOCKED  # whose offer is open all the same
        cut = await power.lasts(steps, lambda of=batch: centre.desk.cancel(of.id, by="n.silva"))  # type: ignore[misc]
        where = f"cut after {steps} steps"
        if cut:
            await taken_up(centre)
            if (await centre.desk.get(batch.id)).state is BatchState.RUNNING:
                await centre.desk.cancel(batch.id, by="n.silva")
        states = {(await workshop.desk.get(offer.id)).state for offer in offers}
        assert states == {OfferState.WITHDRAWN}, where
        states = [(await centre.row(batch, number)).state for number in (2, 3, 4)]
        assert states == [RowState.WAITING, RowState.LOCKED, RowState.WAITING], where
        if not cut:
            break
    assert steps > 3


async def test_a_power_cut_gives_no_try_more(workshop: Workshop, power: Power) -> None:
    centre = Centre(workshop)
    for steps in power.cuts():
        batch = await centre.running(1, access=Access.PIN)
        right = pin_of((await centre.claiming.row(batch.id, 2)).slip, batch.secret)
        answers = 0

        async def guess(of: Batch = batch) -> None:
            nonlocal answers
            with pytest.raises(ClaimRefusedError):
                await centre.claim(of, told="nothing")
            answers += 1

        for _ in range(MOST_TRIES - 1):
            await guess()
        cut = await power.lasts(steps, guess)
        if cut:
            await taken_up(centre)
            while (await centre.row(batch)).state is not RowState.LOCKED:
                await guess()
        assert answers <= MOST_TRIES, f"cut after {steps} steps"
        with pytest.raises(ClaimRefusedError):
            await centre.claim(batch, told=right)
        if not cut:
            break
    assert steps > 1


async def test_a_power_cut_takes_one_try_at_most_from_who_knows_the_pin(workshop: Workshop, power: Power) -> None:
    centre = Centre(workshop)
    for steps in power.cuts():
        batch = await centre.running(1, access=Access.PIN)
        right = pin_of((await centre.claiming.row(batch.id, 2)).slip, batch.secret)
        cut = await power.lasts(steps, lambda of=batch, pin=right: centre.claim(of, told=pin))  # type: ignore[misc]
        if cut:
            await taken_up(centre)
        row = await centre.row(batch)
        assert row.tries <= 1, f"cut after {steps} steps"
        assert row.state is not RowState.LOCKED, f"cut after {steps} steps"
        assert (await centre.issue(batch, told=right)).state is OfferState.ISSUED
        if not cut:
            break
    assert steps > 3


async def test_a_store_that_fails_once_at_any_step_loses_no_row(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unlike a cut, an error is raised where the process goes on, and tidies up."""
    centre = Centre(workshop)
    writes = [(RecordStore, "insert"), (RecordStore, "change"), (Writing, "insert"), (Writing, "replace")]
    for fails_at in count():
        batch = await centre.running(1, access=Access.PIN)
        pin = pin_of((await centre.claiming.row(batch.id, 2)).slip, batch.secret)
        number, calls = await number_of(centre, batch), 0

        def failing(write: Any, at: int = fails_at) -> Any:
            async def written(self: object, *args: object) -> object:
                nonlocal calls
                calls += 1
                if calls == at + 1:
                    raise StoreError("the disk was full for a moment")
                return await write(self, *args)

            return written

        with monkeypatch.context() as patch:
            for kind, name in writes:
                patch.setattr(kind, name, failing(getattr(kind, name)))
            failed = False
            try:
                await centre.claim(batch, told=pin)
            except WanderbuchError:
                failed = True
        offer = await centre.issue(batch, told=pin)
        assert [kept.id for kept in await centre.good(number)] == [offer.id], f"failed at write {fails_at}"
        if not failed:
            break
    assert fails_at > 4  # a try, the address, the number, the offer, the row


async def test_a_row_that_was_written_and_says_nothing_is_claimed_on_each_engine(workshop: Workshop) -> None:
    centre = Centre(workshop)
    batch = await centre.running(2)
    await centre.desk.row_desk.retry(batch, 2, by="n.silva")
    assert (await centre.claiming.rows.get(row_id(batch.id, 2))).is_untouched
    offer = await centre.claim(batch)
    assert (await centre.claiming.row(batch.id, 2)).offer_id == offer.id
    assert (await centre.issue(batch)).id == offer.id


@pytest.mark.needs("postgresql")
async def test_two_processes_make_one_offer_of_a_slip(
    processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = Workshop(tmp_path_factory.mktemp("issuer"), processes.first.profile)
    await first.open()
    second = Workshop(first.folder, processes.second.profile, beside=first)
    await second.open_wallet()
    second.schema_id = first.schema_id
    second.start()
    await second.standing.prepare()
    await second.source.refresh()
    one = Centre(first)
    other = SlipDesk(second.profile, second.desk, second.revocations, lifetime=timedelta(hours=1))
    batch = await one.running(4)
    for number in (2, 3, 4, 5):
        token = await one.token(batch, number)
        calls = [claiming.claim(token) for claiming in (one.claiming, other) * 3]
        assert len({offer.id for offer in await asyncio.gather(*calls)}) == 1
    issued = await one.issue(batch, 2)
    renewed = await BatchDesk(second.profile, other).row_desk.renew(batch, 2, slips=1, by="n.silva")
    assert (renewed.turn, renewed.ended) == (1, (issued.id,))
    with pytest.raises(ClaimRefusedError):
        await one.claiming.claim(slip_token(Slip(batch.id, 2, 0), batch.secret))
    await asyncio.gather(first.sending.stop(wait_s=5), second.sending.stop(wait_s=5))
