"""The power fails behind every step of a handing over and of a taking over: no row is lost, and none goes on twice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.processes import Processes
from tests.unit.issuer.batches.scene import Centre, plan_of
from tests.unit.issuer.each_engine import a_minute_passes, leases_end, workshop
from tests.unit.issuer.succession.pair import BY, Pair
from tests.unit.issuer.workshop import Workshop
from tests.unit.power import Power, power

from wanderbuch.agents.issuer.batch_records.batch import Batch, BatchState
from wanderbuch.agents.issuer.batches.claiming import ClaimRefusedError
from wanderbuch.agents.issuer.batches.claims import read_claims
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.errors import WanderbuchError

__all__ = ["power", "workshop"]


@pytest.fixture
async def other(workshop: Workshop, tmp_path: Path) -> AsyncIterator[Workshop]:
    """Another issuer, beside the one whose power fails."""
    made = Workshop(tmp_path / "other", beside=workshop)
    await made.open()
    yield made
    await made.sending.stop(wait_s=5)
    await made.profile.close()


async def taken_up(pair: Pair, centre: Centre) -> None:
    """Do what a start does at one of them, and what the next sweeps do."""
    workshop = centre.workshop
    await workshop.messages()
    await leases_end(workshop)
    workshop.start()
    await workshop.standing.prepare()
    pair.open()
    for minutes in range(2):
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        await workshop.desk.sweep(at)
        await centre.desk.sweep(at)
        await a_minute_passes(workshop)
    await workshop.messages()


async def offers_kept(centre: Centre) -> dict[str, int]:
    """Return the family names in batches that are whole, and in how many rows each stands."""
    names: dict[str, int] = {}
    for batch in (await centre.desk.page(limit=200, cursor=None)).items:
        async for row in read_claims(centre.workshop.profile, batch):
            name = row.claim["credential_id"]
            names[name] = names.get(name, 0) + 1
    return names


async def test_handed_over_or_still_claimed_wherever_the_power_fails(
    workshop: Workshop, other: Workshop, power: Power
) -> None:
    pair = Pair(workshop, other)
    for steps in power.cuts():
        where = f"cut after {steps} steps"
        await pair.publish(old={"status": []})
        batch = await pair.old.running(4)
        await pair.old.issue(batch, 2)
        waits = await pair.old.claim(batch, 3)
        await pair.named(old={"status": []})  # it could issue still
        cut = await power.lasts(steps, lambda of=batch: pair.hand_over(of))  # type: ignore[misc]
        if cut:
            await taken_up(pair, pair.old)
        state = (await pair.old.desk.get(batch.id)).state
        if state is BatchState.RUNNING:
            await pair.old.claim(batch, 4)
        else:
            assert state is BatchState.HANDED_OVER, where
            for number in (3, 4, 5):
                with pytest.raises(ClaimRefusedError):
                    await pair.old.claim(batch, number)
        made, rows_read = await pair.take(await pair.hand_over(batch))
        assert made is not None, where
        assert [row.number for row in rows_read.rows] == [3, 4, 5], where
        assert (await workshop.desk.get(waits.id)).state is not OfferState.OPEN, where
        if not cut:
            break
    assert steps > 3


async def test_taken_over_once_wherever_the_power_fails(workshop: Workshop, other: Workshop, power: Power) -> None:
    pair = Pair(other, workshop)
    for steps in power.cuts():
        where = f"cut after {steps} steps"
        batch = await pair.old.running(6)
        names = [row.claim["credential_id"] async for row in read_claims(other.profile, batch)]
        await pair.named()
        sealed = await pair.hand_over(batch)
        cut = await power.lasts(steps, lambda of=sealed: pair.take(of))  # type: ignore[misc]
        if cut:
            await taken_up(pair, pair.new)
            await pair.take(await pair.hand_over(batch))  # a second file, made after the crash
        assert (await pair.take(sealed))[0] is None, where
        kept = await offers_kept(pair.new)
        assert [kept.get(name) for name in names] == [1] * len(names), where
        await pair.publish(old={"status": []})
        if not cut:
            break
    assert steps > 6


@pytest.mark.needs("postgresql")
async def test_two_processes_take_over_at_once_and_each_row_goes_on_once(processes: Processes, tmp_path: Path) -> None:
    first = Workshop(tmp_path, processes.first.profile)
    second = Workshop(tmp_path, processes.second.profile, beside=first)
    old = Workshop(tmp_path / "old", beside=first)
    await first.open()
    await old.open()
    await second.open_wallet()
    second.did, second.schema_id = first.did, first.schema_id
    second.start()
    await second.standing.prepare()
    pair = Pair(old, first)
    pair.documents.workshops.append(second)
    beside = Centre(second)
    batch = await pair.old.running(12)
    names = [row.claim["credential_id"] async for row in read_claims(old.profile, batch)]
    await pair.named()
    files = [await pair.hand_over(batch), await pair.hand_over(batch)]
    takers = [pair.taking, pair.taker(beside)]
    plan = plan_of(title="")
    await asyncio.gather(*(takers[at % 2].take(files[at // 2], plan, by=BY) for at in range(4)))
    kept = await offers_kept(pair.new)
    assert [kept.get(name) for name in names] == [1] * len(names)
    for process in (first, second, old):
        await process.sending.stop(wait_s=5)
    await old.profile.close()


@pytest.mark.needs("postgresql")
async def test_a_claim_at_one_process_and_a_handing_over_at_another(processes: Processes, tmp_path: Path) -> None:
    first = Workshop(tmp_path, processes.first.profile)
    second = Workshop(tmp_path, processes.second.profile, beside=first)
    new = Workshop(tmp_path / "new", beside=first)
    await first.open()
    await new.open()
    await second.open_wallet()
    second.did, second.schema_id = first.did, first.schema_id
    second.start()
    await second.standing.prepare()
    pair = Pair(first, new)
    pair.documents.workshops.append(second)
    beside = Centre(second)
    batch = await pair.old.running(8)
    await pair.named(old={"status": []})
    claims = [claimed(beside, batch, number) for number in range(2, 10)]
    sealed, *_ = await asyncio.gather(pair.hand_over(batch), *claims)
    _, rows_read = await pair.take(sealed)
    assert [row.number for row in rows_read.rows] == list(range(2, 10))
    for name in [row.claim["credential_id"] async for row in read_claims(first.profile, batch)]:
        assert await beside.good(name) == []
    for process in (first, second, new):
        await process.sending.stop(wait_s=5)
    await new.profile.close()


async def claimed(centre: Centre, batch: Batch, number: int) -> bool:
    """Claim a slip, and return whether it became an offer."""
    try:
        await centre.claim(batch, number)
    except WanderbuchError:
        return False
    return True
