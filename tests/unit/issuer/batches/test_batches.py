"""Batches: what a clerk does with them, who may claim, and what never happens twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aries_askar import Session
from tests.unit.issuer.batches.scene import HOUR, Centre
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch, BatchState, BatchStateError
from wanderbuch.agents.issuer.batch_records.row import (
    MOST_OFFERS,
    BatchRow,
    RowState,
    row_id,
    state_in,
)
from wanderbuch.agents.issuer.batch_records.slips import pin_of, read_token, slip_token
from wanderbuch.agents.issuer.batches.batch_desk import Counts
from wanderbuch.agents.issuer.batches.claiming import _SETTLED_AT_ONCE, ClaimRefusedError, SlipUnknownError
from wanderbuch.agents.issuer.batches.claims import remove_claims
from wanderbuch.agents.issuer.desk import OfferRefusedError
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.agents.issuer.register.number_entries import CertificateNumber
from wanderbuch.plugins.trust.following.trusted import TrustedFile
from wanderbuch.store.category_writes import CategoryWrites
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.errors import StoreError
from wanderbuch.store.event_kinds import EventKind
from wanderbuch.store.record import Record
from wanderbuch.store.records import RecordStore
from wanderbuch.store.tables import tables_of, tenant_of
from wanderbuch.store.writing import Writing

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def centre(workshop: Workshop) -> Centre:
    """A centre whose certificate numbers are new in each test."""
    made = Centre(workshop, made=_NUMBERS[0])
    _NUMBERS[0] += 1000
    return made


_NUMBERS = [0]


async def why(centre: Centre, batch: Batch, number: int = 2, told: str = "") -> str:
    """Return why a slip cannot be claimed."""
    with pytest.raises(ClaimRefusedError) as caught:
        await centre.claim(batch, number, told)
    return caught.value.look.why


async def entries(centre: Centre, category: str, batch: Batch) -> int:
    async with centre.workshop.profile.session() as session:
        kept = await fetch_entries(session, category)
    return sum(batch.id in str(entry.name) or batch.id.encode() in bytes(entry.value) for entry in kept)


async def told(centre: Centre, subject: str) -> list[tuple[str, object]]:
    tables, tenant = tables_of(centre.workshop.profile), tenant_of(centre.workshop.profile)
    return [
        (entry.kind, entry.body) for entry in await tables.events.read(tenant, 0, 10_000) if entry.subject == subject
    ]


async def test_who_looks_at_a_slip_has_no_claim_read(centre: Centre) -> None:
    batch = await centre.running()
    token = await centre.token(batch)
    await remove_claims(centre.workshop.profile, batch)
    assert (await centre.claiming.look(token)).is_open
    with pytest.raises(StoreError):
        await centre.claiming.claim(token)


async def test_a_batch_of_many_rows_costs_a_few_entries_and_no_offer_until_it_is_claimed(centre: Centre) -> None:
    batch = await centre.running(250)
    assert await entries(centre, "wanderbuch.batch-page", batch) == 3
    assert await entries(centre, BatchRow.category, batch) == 0
    assert await centre.desk.counts(batch) == Counts(250, 0, 0, 0, 0)
    claim, row = await centre.desk.row(batch, 251)
    assert (claim["family_name"], row.state) == ("Perera249", RowState.WAITING)
    offer = await centre.claim(batch, 251)
    assert offer.values["family_name"] == "Perera249"
    assert await centre.desk.counts(batch) == Counts(249, 1, 0, 0, 0)


async def test_looking_at_a_slip_changes_nothing(centre: Centre) -> None:
    batch = await centre.running()
    for _ in range(3):
        assert (await centre.claiming.look(await centre.token(batch))).is_open
    assert await entries(centre, BatchRow.category, batch) == 0


async def test_a_slip_is_claimed_once_however_often_the_button_is_pressed(centre: Centre) -> None:
    batch = await centre.running()
    offers = await asyncio.gather(*(centre.claim(batch) for _ in range(8)))
    assert len({offer.id for offer in offers}) == 1
    issued = await centre.issue(batch)
    assert issued.id == offers[0].id
    assert issued.state is OfferState.ISSUED
    assert await why(centre, batch) == "taken"
    assert (await centre.row(batch)).state is RowState.ISSUED
    assert len(await centre.offers(issued.values["credential_id"])) == 1


async def test_who_declines_may_claim_again(centre: Centre) -> None:
    batch = await centre.running()
    offer = await centre.claim(batch)
    await centre.workshop.hand_over(offer)
    await centre.workshop.decline(offer)
    again = await centre.issue(batch)
    assert again.id != offer.id
    assert again.state is OfferState.ISSUED


async def test_a_slip_that_becomes_offers_without_end_is_locked(centre: Centre) -> None:
    batch = await centre.running()
    for _ in range(MOST_OFFERS):
        await centre.workshop.desk.withdraw((await centre.claim(batch)).id)
    assert await why(centre, batch) == "locked"
    await centre.desk.row_desk.retry(batch, 2, by="n.silva")
    assert (await centre.claim(batch)).state is OfferState.OPEN


async def test_nothing_is_offered_but_while_the_batch_runs(centre: Centre) -> None:
    batch = await centre.make()
    assert await why(centre, batch) == "paused"
    await centre.desk.start(batch.id, by="n.silva")
    first = await centre.claim(batch, 2)
    await centre.desk.pause(batch.id, by="n.silva")
    assert await why(centre, batch, 3) == "paused"
    assert (await centre.workshop.desk.get(first.id)).state is OfferState.OPEN
    await centre.desk.resume(batch.id, by="n.silva")
    second = await centre.issue(batch, 3)
    await centre.desk.cancel(batch.id, by="n.silva")
    assert [await why(centre, batch, number) for number in (2, 3, 4)] == ["cancelled", "taken", "cancelled"]
    assert (await centre.workshop.desk.get(first.id)).state is OfferState.WITHDRAWN
    assert (await centre.workshop.desk.get(second.id)).state is OfferState.ISSUED
    with pytest.raises(BatchStateError):
        await centre.desk.resume(batch.id, by="n.silva")
    states = [body for kind, body in await told(centre, batch.id) if kind == EventKind.BATCH_CHANGED.value]
    assert [body["state"] for body in states] == ["READY", "RUNNING", "PAUSED", "RUNNING", "CANCELLED"]  # type: ignore[index]


async def test_a_claim_that_meets_the_end_of_its_batch_leaves_no_open_offer(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = await centre.running()
    make = centre.workshop.desk.make

    async def cancelled_meanwhile(*args: object, **values: object) -> object:
        offer = await make(*args, **values)  # type: ignore[arg-type]
        await centre.desk._batches.change(
            batch.id, lambda kept: kept.model_copy(update={"state": BatchState.CANCELLED})
        )
        return offer

    monkeypatch.setattr(centre.workshop.desk, "make", cancelled_meanwhile)
    assert await why(centre, batch) == "cancelled"
    assert await centre.good((await centre.desk.row(batch, 2))[0]["credential_id"]) == []


async def test_after_the_last_day_nothing_is_offered_until_there_is_more_time(centre: Centre) -> None:
    batch = await centre.running(claim_until=datetime.now(UTC) - timedelta(seconds=1))
    assert await why(centre, batch) == "late"
    await centre.desk.extend(batch.id, datetime.now(UTC) + timedelta(days=1), by="n.silva")
    assert (await centre.claim(batch)).state is OfferState.OPEN


async def test_rows_stay_where_standing_is_lost_and_go_on_when_it_is_back(centre: Centre) -> None:
    batch = await centre.running()
    await centre.workshop.publish(occupations=["C5120"])
    with pytest.raises(OfferRefusedError):
        await centre.claim(batch)
    row = await centre.row(batch)
    assert (row.state, row.begun) == (RowState.WAITING, 0)
    await centre.workshop.publish()
    assert (await centre.issue(batch)).state is OfferState.ISSUED


async def test_an_offer_that_was_refused_when_standing_was_lost_in_between_can_be_claimed_later(centre: Centre) -> None:
    batch = await centre.running()
    offer = await centre.claim(batch)
    await centre.workshop.hand_over(offer)
    await centre.workshop.publish(occupations=["C5120"])
    await centre.workshop.ask(await centre.workshop.desk.get(offer.id))
    assert (await centre.workshop.desk.get(offer.id)).state is OfferState.REFUSED
    assert (await centre.row(batch)).state is RowState.WAITING
    await centre.workshop.publish()
    assert (await centre.issue(batch)).state is OfferState.ISSUED


async def test_while_the_authority_is_away_rows_wait_and_then_go_on(centre: Centre) -> None:
    workshop = centre.workshop
    batch = await centre.running()
    workshop.host.down = True
    try:
        assert (await centre.claim(batch)).state is OfferState.OPEN  # what it said is still fresh
        home = workshop.source._home  # its word has ended: nothing that it said is held any more
        home._trusted = TrustedFile(seen=home.seen, before=home.before, checks_history=home.place.history)
        with pytest.raises(OfferRefusedError):
            await centre.claim(batch, 3)
        row = await centre.row(batch, 3)
        assert (row.state, row.begun) == (RowState.WAITING, 0)
    finally:
        workshop.host.down = False
        await workshop.publish()
    assert (await centre.issue(batch, 3)).state is OfferState.ISSUED


async def test_a_wallet_that_never_comes_uses_up_no_slip(centre: Centre) -> None:
    batch = await centre.running()
    offer = await centre.claim(batch)
    await centre.workshop.desk.sweep(datetime.now(UTC) + 2 * HOUR)
    assert (await centre.workshop.desk.get(offer.id)).state is OfferState.NO_ANSWER
    assert (await centre.row(batch)).state is RowState.WAITING
    again = await centre.issue(batch)
    assert (again.state, again.id == offer.id) == (OfferState.ISSUED, False)
    number = (await centre.desk.row(batch, 2))[0]["credential_id"]
    assert [good.id for good in await centre.good(number)] == [again.id]


async def test_the_wrong_person_took_it_is_one_action(centre: Centre) -> None:
    batch = await centre.running()
    wrong, old = await centre.issue(batch), await centre.token(batch)
    row = await centre.desk.row_desk.renew(batch, 2, slips=1, by="n.silva")
    assert (row.state, row.turn, row.to_end, row.ended) == (RowState.WAITING, 1, (), (wrong.id,))
    assert await centre.workshop.revocations.get_or_none(wrong.id) is not None
    assert (await centre.claiming.look(old)).why == "replaced"
    with pytest.raises(ClaimRefusedError):
        await centre.claiming.claim(old)
    right = await centre.issue(batch)
    await centre.workshop.revocations.publish_all()
    assert (await centre.workshop.desk.get(wrong.id)).state is OfferState.REVOKED
    assert [offer.id for offer in await centre.good(right.values["credential_id"])] == [right.id]


async def test_who_has_the_wrong_slip_and_no_credential_yet_gets_none(centre: Centre) -> None:
    batch = await centre.running()
    offer = await centre.claim(batch)
    await centre.workshop.hand_over(offer)
    request = await centre.workshop.request_for(await centre.workshop.desk.get(offer.id))
    await centre.desk.row_desk.renew(batch, 2, slips=1, by="n.silva")
    await centre.workshop.receive(request, centre.workshop.phone_of(offer))
    assert (await centre.workshop.desk.get(offer.id)).state is OfferState.WITHDRAWN
    assert (await centre.issue(batch)).state is OfferState.ISSUED


async def test_a_row_that_is_left_out_cannot_be_claimed_until_that_is_taken_back(centre: Centre) -> None:
    batch = await centre.running()
    offer = await centre.claim(batch)
    await centre.desk.row_desk.leave_out(batch, 2, by="n.silva")
    assert (await centre.workshop.desk.get(offer.id)).state is OfferState.WITHDRAWN
    assert await why(centre, batch) == "left-out"
    await centre.desk.row_desk.retry(batch, 2, by="n.silva")
    assert (await centre.issue(batch)).state is OfferState.ISSUED


async def test_two_clicks_give_one_new_slip(centre: Centre) -> None:
    batch = await centre.running()
    rows = await asyncio.gather(*(centre.desk.row_desk.renew(batch, 2, slips=1, by="n.silva") for _ in range(5)))
    assert {row.turn for row in rows} == {1}
    with pytest.raises(BatchStateError):
        await centre.desk.row_desk.renew(batch, 2, slips=3, by="n.silva")


async def test_a_cancelled_batch_goes_with_its_claims(centre: Centre) -> None:
    batch = await centre.running()
    await centre.claim(batch)
    with pytest.raises(BatchStateError):
        await centre.desk.remove(batch.id, by="n.silva")
    await centre.desk.cancel(batch.id, by="n.silva")
    token = await centre.token(batch)
    await centre.desk.remove(batch.id, by="n.silva")
    assert await entries(centre, "wanderbuch.batch-page", batch) == 0
    assert await entries(centre, BatchRow.category, batch) == 0
    with pytest.raises(SlipUnknownError):
        await centre.claiming.look(token)


async def test_a_token_of_another_batch_row_or_spelling_is_unknown(centre: Centre) -> None:
    batch, other = await centre.running(), await centre.running()
    token, foreign = await centre.token(batch), await centre.token(other)
    slip = (await centre.claiming.row(batch.id, 2)).slip
    forged = [
        foreign[:22] + token[22:],
        token[:-1] + ("A" if token[-1] != "A" else "Q"),
        token[:42] + chr(ord(token[42]) + 1),
        slip_token(slip, other.secret),
        token + "=",
        "",
        "x" * 43,
    ]
    for one in forged:
        if one == token:
            continue
        with pytest.raises(SlipUnknownError):
            await centre.claiming.claim(one)
    assert read_token(token) is not None


async def test_the_sweep_finds_what_offers_have_become(centre: Centre) -> None:
    batch = await centre.running()
    await centre.issue(batch)
    await centre.desk.sweep(datetime.now(UTC) + timedelta(minutes=2))
    assert (await centre.claiming.row(batch.id, 2)).state is RowState.ISSUED


async def test_the_sweep_finds_of_many_rows_at_once_what_each_offer_has_become(centre: Centre) -> None:
    """More than go into one transaction; who presses the button meanwhile, or was given a new slip, keeps that."""
    batch = await centre.running(_SETTLED_AT_ONCE + 6)
    numbers = range(2, batch.count + 2)
    offers = {number: await centre.claim(batch, number) for number in numbers}
    for number in (2, 3):
        await centre.workshop.hand_over(offers[number])
        await centre.workshop.ask(await centre.workshop.desk.get(offers[number].id))
    for number in numbers[2:-2]:
        await centre.workshop.desk.withdraw(offers[number].id)
    renewed = await centre.desk.row_desk.renew(batch, numbers[-1], slips=1, by="n.silva")
    await asyncio.gather(
        centre.desk.sweep(datetime.now(UTC) + timedelta(minutes=2)), centre.claim(batch, 4), centre.desk.counts(batch)
    )
    states = {number: (await centre.claiming.row(batch.id, number)).state for number in numbers}
    assert states == {
        **dict.fromkeys(numbers, RowState.WAITING),
        **dict.fromkeys((2, 3), RowState.ISSUED),
        **dict.fromkeys((4, numbers[-2]), RowState.OPEN),
    }
    assert await centre.claiming.row(batch.id, numbers[-1]) == renewed
    listed = [row async for row in centre.claiming.rows.every(state=state_in(batch.id, RowState.ISSUED))]
    assert [row.number for row in listed] == [2, 3]
    assert (await centre.desk.counts(batch)).issued == 2


async def test_a_row_of_which_a_clerk_wrote_that_there_is_nothing_to_say_is_claimed_as_others(centre: Centre) -> None:
    batch = await centre.running()
    await centre.desk.row_desk.retry(batch, 2, by="n.silva")
    assert (await centre.claiming.rows.get(row_id(batch.id, 2))).is_untouched
    offer = await centre.claim(batch)
    assert (await centre.row(batch)).offer_id == offer.id == (await centre.claim(batch)).id


@pytest.mark.parametrize("access", [Access.IN_PERSON, Access.PIN])
async def test_an_offer_that_is_refused_leaves_the_row_as_if_nobody_had_come(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, access: Access
) -> None:
    """What is written with an offer is not there without it; nor does the right PIN count as a try."""
    batch = await centre.running(access=access)
    pin = pin_of((await centre.claiming.row(batch.id, 2)).slip, batch.secret)

    replace = Writing.replace

    async def full(self: Writing, record: Record) -> None:
        if isinstance(record, CertificateNumber):
            raise StoreError("the disk was full for a moment")
        await replace(self, record)

    with monkeypatch.context() as patch:
        patch.setattr(Writing, "replace", full)  # of the number, after the row and the offer were announced
        with pytest.raises(StoreError):
            await centre.claim(batch, told=pin)
    kept = await centre.claiming.rows.get_or_none(row_id(batch.id, 2))
    assert kept is None if access is Access.IN_PERSON else kept is not None and kept.is_untouched
    assert [row async for row in centre.claiming.rows.every(state=state_in(batch.id, RowState.OPEN))] == []
    assert (await centre.row(batch)).attempts == 0
    offer = await centre.issue(batch, told=pin)
    assert (await centre.row(batch)).offer_id == offer.id


async def test_a_batch_and_a_row_are_read_once_until_somebody_writes_to_them(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    injector = centre.workshop.profile.context.injector
    injector.bind_instance(CategoryWrites, CategoryWrites())
    fetch, fetched = Session.fetch, list[str]()

    async def noted(self: Session, category: str, name: str, **how: object) -> object:
        fetched.append(category)
        return await fetch(self, category, name, **how)  # type: ignore[arg-type]

    batch = await centre.running(4)
    token = await centre.token(batch)
    await centre.claiming.look(token)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Session, "fetch", noted)
            assert (await centre.claiming.look(token)).is_open
            assert not {Batch.category, BatchRow.category} & {*fetched}
            await centre.claiming.claim(token)
            assert not {Batch.category, BatchRow.category} & {*fetched}
            assert (await centre.claiming.claim(token)).state is OfferState.OPEN
            assert BatchRow.category in fetched  # which was written
        await centre.desk.pause(batch.id, by="n.silva")
        assert (await centre.claiming.look(token)).why == "paused"
        assert await why(centre, batch, 3) == "paused"
        await centre.desk.resume(batch.id, by="n.silva")
        assert (await centre.claim(batch, 3)).state is OfferState.OPEN
        assert (await centre.claiming.look(token)).is_open
        await centre.desk.row_desk.leave_out(batch, 2, by="n.silva")
        assert (await centre.claiming.look(token)).why == "left-out"
        await centre.desk.cancel(batch.id, by="n.silva")
        await centre.desk.remove(batch.id, by="n.silva")
        with pytest.raises(SlipUnknownError):
            await centre.claiming.look(token)
    finally:
        injector.clear_binding(CategoryWrites)


async def test_two_processes_do_not_rely_on_the_batch_that_one_has_read(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody counts writes, as on PostgreSQL, each look reads."""
    batch = await centre.running()
    token, reads, get = await centre.token(batch), list[str](), RecordStore.get_or_none

    async def noted(self: RecordStore[Any], record_id: str) -> object:
        reads.append(record_id)
        return await get(self, record_id)

    monkeypatch.setattr(RecordStore, "get_or_none", noted)
    for times in (1, 2):
        await centre.claiming.look(token)
        assert reads.count(batch.id) >= times
