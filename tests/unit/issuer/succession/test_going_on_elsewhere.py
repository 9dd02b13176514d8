"""Rows that did not go on where they went first: a batch that was cancelled there, a successor that is no more."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.issuer.batches.scene import Centre
from tests.unit.issuer.succession.pair import BY, Pair
from tests.unit.issuer.succession.test_taking_over import left_open, opened, pair, sealed_by
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import Batch, BatchStateError
from wanderbuch.agents.issuer.batch_records.row import RowState
from wanderbuch.agents.issuer.batches.batch_desk import OtherSuccessorError
from wanderbuch.agents.issuer.batches.claims import read_claims
from wanderbuch.agents.issuer.succession.open_rows import OpenRowsError
from wanderbuch.agents.issuer.succession.rows_here import ROWS_HERE_TYPE
from wanderbuch.agents.issuer.succession.taking_over import NotSuccessorError, StillSuccessorError
from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.signed.jws import sign_jws
from wanderbuch.plugins.webvh.own import own_did
from wanderbuch.plugins.webvh.signing import key_id, sign_as

__all__ = ["opened", "pair"]
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def numbers_of(centre: Centre, batch: Batch) -> list[str]:
    return [row.claim["credential_id"] async for row in read_claims(centre.workshop.profile, batch)]


@pytest.mark.parametrize("removed", [False, True], ids=["kept", "removed"])
async def test_rows_of_a_batch_that_was_cancelled_come_in_again_but_for_what_came_of_it(
    pair: Pair, *, removed: bool
) -> None:
    new = pair.new
    _, sealed = await left_open(pair, 6)
    made, _ = await pair.take(sealed)
    assert made is not None
    await new.desk.start(made.id, by=BY)
    issued = await new.issue(made, 2)
    waits = await new.claim(made, 3)
    await new.desk.row_desk.leave_out(made, 4, by=BY)
    _, rows_read = await pair.take(sealed)
    assert {row.why for row in rows_read.left} == {"again"}

    await new.desk.cancel(made.id, by=BY)
    if removed:
        await new.desk.remove(made.id, by=BY)
    looked = await pair.taking.read(sealed)
    again, rows_read = await pair.take(sealed)
    assert again is not None
    assert [row.number for row in looked.rows] == [row.number for row in rows_read.rows] == [3, 5, 6, 7]
    assert [(row.number, row.why) for row in rows_read.left] == [(2, "again"), (4, "again")]
    assert rows_read.renumbered == ()  # what was cancelled keeps no number
    assert (await new.workshop.desk.get(waits.id)).state.name == "WITHDRAWN"
    assert (await pair.take(sealed))[0] is None
    number = issued.values["credential_id"]
    assert [offer.id for offer in await new.good(number)] == [issued.id]
    assert number not in await numbers_of(new, again)

    if not removed:
        await new.desk.remove(made.id, by=BY)  # later: what is here stays known
        assert (await pair.take(sealed))[0] is None
    await new.desk.cancel(again.id, by=BY)
    _, rows_read = await pair.take(sealed)
    assert [row.number for row in rows_read.rows] == [3, 5, 6, 7]


async def test_a_removal_that_a_crash_cuts_brings_no_row_twice(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    new = pair.new
    _, sealed = await left_open(pair, 3)
    made, _ = await pair.take(sealed)
    assert made is not None
    await new.desk.start(made.id, by=BY)
    await new.issue(made, 2)
    await new.desk.cancel(made.id, by=BY)

    async def fails(*_: Any) -> None:
        raise WanderbuchError("the power failed")

    with monkeypatch.context() as patch:
        patch.setattr(new.desk._batches, "remove", fails)
        with pytest.raises(WanderbuchError, match="power"):
            await new.desk.remove(made.id, by=BY)
    await new.desk.remove(made.id, by=BY)
    _, rows_read = await pair.take(sealed)
    assert [row.number for row in rows_read.rows] == [3, 4]


async def test_a_row_that_says_something_else_stays_out_while_the_cancelled_batch_is_kept(
    pair: Pair, opened: list[Workshop]
) -> None:
    old, new, _ = opened
    batch, sealed = await left_open(pair, 2)
    made, _ = await pair.take(sealed)
    assert made is not None
    await pair.new.desk.cancel(made.id, by=BY)
    rows: list[dict[str, Any]] = [
        {"number": row.number, "claim": dict(row.claim)} async for row in read_claims(old.profile, batch)
    ]
    rows[0]["claim"] |= {"family_name": "Thief"}
    told = {"centre": old.did, "successor": new.did, "made_at": "2026-01-01T00:00:00Z", "batch": batch.id}
    told |= {"title": "Welders", "credential_type": batch.credential_type, "rows": rows}
    looked = await pair.taking.read(await sealed_by(old, told, new))
    assert [(row.number, row.why) for row in looked.left] == [(2, "altered")]


async def test_it_says_when_a_file_was_made(pair: Pair) -> None:
    before = datetime.now(UTC)
    _, sealed = await left_open(pair, 1)
    made_at = (await pair.taking.read(sealed)).made_at
    assert before - timedelta(seconds=1) <= made_at <= datetime.now(UTC)


async def test_nothing_is_handed_over_on_what_the_authority_may_not_say_any_more(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = await pair.old.running(2)
    await pair.named()
    later = datetime.now(UTC) + timedelta(days=400)
    monkeypatch.setattr(pair.handing, "_clock", lambda: later)
    with pytest.raises(NotReadyError):
        await pair.hand_over(batch)
    assert (await pair.old.desk.get(batch.id)).handed_to is None


def with_third(pair: Pair, opened: list[Workshop]) -> Pair:
    """Return the centre with the issuer that the authority names after the first successor; all find each other."""
    third = Pair(opened[0], opened[2])
    third.documents.workshops[:] = pair.documents.workshops[:] = opened
    third.new.made = pair.new.made + 50
    return third


async def test_what_a_former_successor_does_not_have_goes_on_at_the_next_one(
    pair: Pair, opened: list[Workshop]
) -> None:
    old, new, third = pair.old, pair.new, with_third(pair, opened)
    batch = await old.running(5)
    await pair.named()
    sealed = await pair.hand_over(batch)
    made, _ = await pair.take(await pair.hand_over(batch))
    assert made is not None
    await new.desk.start(made.id, by=BY)
    await new.issue(made, 2)
    await new.desk.cancel(made.id, by=BY)  # the first successor gives up: rows 3 to 6 are nowhere
    with pytest.raises(StillSuccessorError):
        await pair.taking.rows_here(Did(old.workshop.did))

    await third.named()  # the authority names another one; so its own scope is published, too
    with pytest.raises(NotSuccessorError):
        await pair.take(sealed)
    with pytest.raises(OtherSuccessorError, match="handed over to"):
        await pair.hand_over(batch)
    told = await pair.taking.rows_here(Did(old.workshop.did))
    assert b"Perera" not in told

    anew = await pair.handing.hand_over_anew(batch.id, told, by=BY)
    assert anew.handed_to == third.new.workshop.did
    assert (await pair.handing.hand_over_anew(batch.id, told, by=BY)).handed_to == anew.handed_to
    file = await third.hand_over(batch)
    again, rows_read = await third.take(file)
    assert again is not None
    assert [row.number for row in rows_read.rows] == [3, 4, 5, 6]
    for number, whose in ((2, new), (3, third.new)):
        look = await old.claiming.look(await old.token(batch, number))
        assert (look.why, look.handed_to) == ("handed-over", whose.workshop.did)
    assert (await old.desk.row(batch, 2))[1].state is RowState.WAITING

    await pair.publish(named=str(new.workshop.did), decided_on="2025-12-31")  # back to the first one
    old_file = await remade(pair, batch, {"made_at": "2025-10-01T00:00:00Z"})
    with pytest.raises(OpenRowsError, match="older"):
        await pair.take(old_file)


async def test_a_word_of_the_day_of_the_decision_must_be_younger_than_the_authoritys_file(
    pair: Pair, opened: list[Workshop]
) -> None:
    """A decision has no instant: the morning's file must not bring what another issuer took at noon."""
    old, new, third = opened
    other = with_third(pair, opened)
    batch = await pair.old.running(2)
    await pair.named()
    now = datetime.now(UTC).replace(microsecond=0)
    before, since, after = ((now - timedelta(minutes=minutes)).isoformat() for minutes in (20, 10, 5))
    today: dict[str, Any] = {"decided_on": now.date().isoformat(), "last_updated": since.replace("+00:00", "Z")}

    morning, evening = [await remade(pair, batch, {"made_at": made_at}) for made_at in (before, after)]
    await pair.named(**today)
    for asked in (pair.taking.read, pair.take):
        with pytest.raises(OpenRowsError, match="older"):
            await asked(morning)
    assert len((await pair.taking.read(evening)).rows) == 2

    await pair.hand_over(batch)
    await other.named(**today)
    told = {"issuer": new.did, "centre": old.did, "batches": {batch.id: [2]}, "format": "wanderbuch-rows-here/1.0"}
    with pytest.raises(OpenRowsError, match="older"):
        await pair.handing.hand_over_anew(batch.id, await said_by(new, told | {"made_at": before}), by=BY)
    anew = await pair.handing.hand_over_anew(batch.id, await said_by(new, told | {"made_at": after}), by=BY)
    assert anew.handed_to == third.did


async def remade(pair: Pair, batch: Batch, changed: dict[str, Any]) -> bytes:
    """Return a file of a batch for the first successor, as the centre made it some day."""
    old, new = pair.old.workshop, pair.new.workshop
    rows = [{"number": row.number, "claim": dict(row.claim)} async for row in read_claims(old.profile, batch)]
    told = {"centre": old.did, "successor": new.did, "batch": batch.id, "title": "Welders"}
    told |= {"credential_type": batch.credential_type, "rows": rows, **changed}
    return await sealed_by(old, told, new)


async def test_without_its_word_somebody_says_that_a_former_successor_has_none(
    pair: Pair, opened: list[Workshop]
) -> None:
    third = with_third(pair, opened)
    batch = await pair.old.running(2)
    with pytest.raises(BatchStateError):
        await pair.handing.hand_over_anew(batch.id, None, by=BY)
    await pair.named()
    await pair.hand_over(batch)
    await third.named()
    await pair.handing.hand_over_anew(batch.id, None, by="a.perera")
    made, rows_read = await third.take(await third.hand_over(batch))
    assert made is not None
    assert [row.number for row in rows_read.rows] == [2, 3]
    lines = [line for line in await pair.old.desk.log.entries() if batch.id in line.what]
    assert any(line.by == "a.perera" and third.new.workshop.did in line.what for line in lines)


async def test_nothing_hostile_says_what_is_elsewhere(pair: Pair, opened: list[Workshop]) -> None:
    old, new, third = opened
    other = with_third(pair, opened)
    batch = await pair.old.running(2)
    await pair.named()
    await pair.hand_over(batch)
    await other.publish(named=str(third.did), decided_on="2025-12-31")
    whole: dict[str, Any] = {
        "format": "wanderbuch-rows-here/1.0",
        "issuer": new.did,
        "centre": old.did,
        "made_at": datetime.now(UTC).isoformat(),
        "batches": {batch.id: [2]},
    }
    files = {
        "nothing": b"",
        "no JWS": b"{}",
        "by another": await said_by(third, whole),
        "of another": await said_by(third, whole | {"issuer": third.did}),
        "about another centre": await said_by(new, whole | {"centre": third.did}),
        "before the decision": await said_by(new, whole | {"made_at": "2025-10-01T00:00:00Z"}),
        "another document": await said_by(new, whole, typ="wanderbuch-open-rows+jws"),
        "another form": await said_by(new, whole | {"format": "wanderbuch-rows-here/2.0"}),
        "a member more": await said_by(new, whole | {"x": 1}),
        "from the future": await said_by(new, whole | {"made_at": "2999-01-01T00:00:00Z"}),
        "no numbers": await said_by(new, whole | {"batches": {batch.id: ["2"]}}),
        "a truth for a number": await said_by(new, whole | {"batches": {batch.id: [True]}}),
        "a number with a point": await said_by(new, whole | {"batches": {batch.id: [2.0]}}),
        "a batch of another form": await said_by(new, whole | {"batches": {"../x": [2]}}),
    }
    taken = []
    for name, file in files.items():
        try:
            await pair.handing.hand_over_anew(batch.id, file, by=BY)
        except WanderbuchError:
            continue
        taken.append(name)
    assert taken == []
    assert (await pair.old.desk.get(batch.id)).handed_to == new.did
    await pair.handing.hand_over_anew(batch.id, await said_by(new, whole), by=BY)
    assert (await other.handing.hand_over(batch.id, by=BY)).rows == 1


async def said_by(workshop: Workshop, told: dict[str, Any], *, typ: str = ROWS_HERE_TYPE) -> bytes:
    """Return what an issuer says that it has, as one would say it that writes into it what it likes."""
    own = await own_did(workshop.profile, workshop.did)
    assert own is not None
    kid = key_id(own, own.assertion_keys[0])

    async def sign(message: bytes) -> bytes:
        return (await sign_as(workshop.profile, kid, message))[1]

    return await sign_jws(json.dumps(told).encode(), kid=kid, typ=typ, sign=sign)
