"""A restored store lost certificates that its open rows had brought: they are found, and their numbers are nobody's."""

import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.issuer.batches.scene import HOUR, Centre, class_text
from tests.unit.issuer.workshop import Workshop
from tests.welders import CLAIM

from wanderbuch.agents.cli.store import issued_since as command
from wanderbuch.agents.cli.store.issued_since import IssuedSince, issued_since, leave_out
from wanderbuch.agents.issuer.batch_records.batch import Batch, BatchStateError
from wanderbuch.agents.issuer.batch_records.row import MOST_OFFERS, RowState
from wanderbuch.agents.issuer.batch_records.slips import Slip, offer_id_of_slip, slip_token
from wanderbuch.agents.issuer.batches.claiming import ClaimRefusedError
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.agents.issuer.personal_data import PersonalData
from wanderbuch.agents.issuer.register.number_entries import CertificateNumber
from wanderbuch.agents.issuer.register.numbers import NumberTakenError
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.store.errors import NotFoundError

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLERK = "n.silva"
ELSEWHERE = "did:webvh:QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG:kandy.example"
NO_CONFIG = cast(AgentConfig, None)  # the store is open already
_NUMBERS = [950_000]


@pytest.fixture
def centre(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Centre:
    """A centre on whose store the command works."""
    made = Centre(workshop, made=_NUMBERS[0])
    _NUMBERS[0] += 100

    @asynccontextmanager
    async def opened(*_: Any) -> AsyncIterator[SimpleNamespace]:
        yield SimpleNamespace(profile=workshop.profile, desk=workshop.desk)

    monkeypatch.setattr(command, "opened_issuer", opened)
    monkeypatch.setattr(command, "batch_desk_of", lambda _: made.desk)
    return made


def offer_of(batch: Batch, number: int, *, slip: int = 0, attempt: int = 1) -> str:
    """Return the id of the offer that a row's slip became at some attempt."""
    return offer_id_of_slip(Slip(batch.id, number, slip), batch.secret, attempt)


async def looked_up(tmp_path: Path, *offers: str) -> IssuedSince:
    return await read(tmp_path, *(f"offer {offer}: issued" for offer in offers))


async def read(tmp_path: Path, *lines: str) -> IssuedSince:
    log = tmp_path / "agent.log"
    log.write_text("".join(f"{line}\n" for line in lines))
    return await issued_since(NO_CONFIG, "default", [log])


async def lost(centre: Centre, tmp_path: Path) -> tuple[Batch, str]:
    """Return a batch whose row 2 had brought a certificate and was left out, and the certificate's number."""
    batch = await centre.running()
    number = (await centre.desk.row(batch, 2))[0]["credential_id"]
    since = await looked_up(tmp_path, offer_of(batch, 2))
    assert [(row.batch, row.row, row.offers) for row in since.rows] == [(batch.id, 2, (offer_of(batch, 2),))]
    await leave_out(NO_CONFIG, "default", since)
    return batch, number


async def test_nobody_else_is_offered_the_number_of_a_certificate_that_the_store_lost(
    centre: Centre, tmp_path: Path
) -> None:
    batch, number = await lost(centre, tmp_path)
    assert (await centre.row(batch)).state is RowState.LEFT_OUT
    for claim in ({**CLAIM, "credential_id": number}, (await centre.desk.row(batch, 2))[0]):
        with pytest.raises(NumberTakenError):
            await centre.workshop.desk.make(claim, lifetime=HOUR)
    with pytest.raises(NumberTakenError):
        await centre.make(text=class_text(number, *centre.numbers(1)))
    await centre.desk.cancel(batch.id, by=CLERK)
    with pytest.raises(NumberTakenError):
        await centre.workshop.desk.make({**CLAIM, "credential_id": number}, lifetime=HOUR)


async def test_the_number_of_a_row_that_a_clerk_left_out_is_free(centre: Centre) -> None:
    batch = await centre.running()
    number = (await centre.desk.row(batch, 2))[0]["credential_id"]
    await centre.desk.row_desk.leave_out(batch, 2, by=CLERK)
    await centre.workshop.desk.make({**CLAIM, "credential_id": number}, lifetime=HOUR)


async def test_such_a_row_is_unlocked_only_with_another_number(centre: Centre, tmp_path: Path) -> None:
    batch, number = await lost(centre, tmp_path)
    desk = centre.desk.row_desk
    with pytest.raises(BatchStateError, match="still good"):
        await desk.retry(batch, 2, by=CLERK)
    with pytest.raises(BatchStateError, match="still good"):
        await desk.renew(batch, 2, slips=1, by=CLERK)
    claim = (await centre.desk.row(batch, 2))[0]
    with pytest.raises(NumberTakenError):
        await desk.edit(batch, 2, {**claim, "family_name": "Pereira"}, by=CLERK)
    (other,) = centre.numbers(1)
    await desk.edit(batch, 2, {**claim, "credential_id": other}, by=CLERK)
    await desk.retry(batch, 2, by=CLERK)
    assert (await centre.claim(batch)).values["credential_id"] == other
    with pytest.raises(NumberTakenError):
        await centre.workshop.desk.make({**CLAIM, "credential_id": number}, lifetime=HOUR)


async def test_the_command_again_finds_nothing_and_leaves_what_a_clerk_did_since(
    centre: Centre, tmp_path: Path
) -> None:
    batch, _ = await lost(centre, tmp_path)
    elsewhere = "0" * 32
    assert await looked_up(tmp_path, offer_of(batch, 2), elsewhere) == IssuedSince((), (elsewhere,))
    claim = (await centre.desk.row(batch, 2))[0]
    await centre.desk.row_desk.edit(batch, 2, {**claim, "credential_id": centre.numbers(1)[0]}, by=CLERK)
    await centre.desk.row_desk.retry(batch, 2, by=CLERK)
    await centre.desk.row_desk.renew(batch, 2, slips=1, by=CLERK)
    assert await looked_up(tmp_path, offer_of(batch, 2)) == IssuedSince((), ())


async def test_a_row_that_was_left_out_without_its_number_is_found_again(centre: Centre, tmp_path: Path) -> None:
    batch = await centre.running()
    await centre.desk.row_desk.leave_out(batch, 2, by=CLERK)
    again = await looked_up(tmp_path, offer_of(batch, 2))
    assert [row.row for row in again.rows] == [2]
    await leave_out(NO_CONFIG, "default", again)
    with pytest.raises(BatchStateError, match="still good"):
        await centre.desk.row_desk.retry(batch, 2, by=CLERK)


async def test_its_revocation_is_not_said_to_be_done(centre: Centre, tmp_path: Path) -> None:
    _, number = await lost(centre, tmp_path)
    workshop = centre.workshop
    data = cast(PersonalData, SimpleNamespace(_desk=workshop.desk))
    with pytest.raises(NotFoundError, match="no place"):
        await PersonalData.revoke_erased(data, number, RevocationReason.FRAUD, by=CLERK, wait_s=0)


@pytest.mark.parametrize(
    ("slip", "attempt"),
    [
        (0, MOST_OFFERS),
        (0, MOST_OFFERS + 1),  # it was unlocked
        (0, 6 * MOST_OFFERS),
        (1, MOST_OFFERS + 1),  # offers are counted on from slip to slip
        (3, 4 * MOST_OFFERS),
    ],
)
async def test_an_offer_is_found_after_further_slips_and_unlocking(
    centre: Centre, tmp_path: Path, slip: int, attempt: int
) -> None:
    batch = await centre.running()
    offer = offer_of(batch, 2, slip=slip, attempt=attempt)
    since = await looked_up(tmp_path, offer)
    assert ([(row.row, row.offers) for row in since.rows], since.others) == ([(2, (offer,))], ())


async def test_what_is_beyond_that_is_counted_among_the_others(centre: Centre, tmp_path: Path) -> None:
    batch = await centre.running()
    offers = (offer_of(batch, 2, attempt=1000), offer_of(batch, 2, slip=4))
    assert await looked_up(tmp_path, *offers) == IssuedSince((), tuple(sorted(offers)))


async def taken(centre: Centre, number: str) -> bool:
    """Return whether nobody gets a number."""
    try:
        await centre.workshop.desk.make({**CLAIM, "credential_id": number}, lifetime=HOUR)
    except NumberTakenError:
        return True
    return False


async def test_a_batch_that_was_cancelled_since_the_restore_is_looked_at_too(centre: Centre, tmp_path: Path) -> None:
    batch = await centre.running()
    numbers = [(await centre.desk.row(batch, row))[0]["credential_id"] for row in (2, 3)]
    await centre.desk.cancel(batch.id, by=CLERK)
    since = await looked_up(tmp_path, offer_of(batch, 2))
    assert [(row.row, row.handed_to) for row in since.rows] == [(2, None)]
    await leave_out(NO_CONFIG, "default", since)
    assert [await taken(centre, number) for number in numbers] == [True, False]
    assert await looked_up(tmp_path, offer_of(batch, 2)) == IssuedSince((), ())
    assert not await centre.desk.row_desk.is_let_go(batch, 2)  # taken over from somebody, it does not go back there
    assert await centre.desk.row_desk.is_let_go(batch, 3)
    await centre.desk.remove(batch.id, by=CLERK)
    assert await taken(centre, numbers[0])


async def test_a_row_that_was_handed_over_since_the_restore_goes_to_nobody_else(centre: Centre, tmp_path: Path) -> None:
    batch = await centre.running()
    await centre.desk.hand_over(batch.id, ELSEWHERE, by=CLERK)
    assert await centre.desk.row_desk.open_row(batch, 2) is not None
    since = await looked_up(tmp_path, offer_of(batch, 2))
    assert [(row.row, row.handed_to) for row in since.rows] == [(2, ELSEWHERE)]
    number = (await centre.desk.row(batch, 2))[0]["credential_id"]
    await leave_out(NO_CONFIG, "default", since)
    assert await taken(centre, number)
    assert [await centre.desk.row_desk.open_row(batch, row) is None for row in (2, 3)] == [True, False]
    with pytest.raises(BatchStateError):
        await centre.desk.row_desk.retry(batch, 2, by=CLERK)


async def test_an_earlier_slip_is_worth_nothing_once_a_later_one_had_brought_a_certificate(
    centre: Centre, tmp_path: Path
) -> None:
    batch = await centre.running()
    wrong = slip_token(Slip(batch.id, 2, 0), batch.secret)
    since = await looked_up(tmp_path, offer_of(batch, 2, slip=1, attempt=2))
    await leave_out(NO_CONFIG, "default", since)
    claim = (await centre.desk.row(batch, 2))[0]
    await centre.desk.row_desk.edit(batch, 2, {**claim, "credential_id": centre.numbers(1)[0]}, by=CLERK)
    await centre.desk.row_desk.retry(batch, 2, by=CLERK)
    with pytest.raises(ClaimRefusedError, match="replaced"):
        await centre.claiming.claim(wrong)
    assert (await centre.claim(batch)).state is OfferState.OPEN


async def test_what_an_earlier_slip_had_brought_is_found_where_a_clerk_gave_out_another_since(
    centre: Centre, tmp_path: Path
) -> None:
    batch = await centre.running()
    await centre.desk.row_desk.renew(batch, 2, slips=1, by=CLERK)
    since = await looked_up(tmp_path, offer_of(batch, 2))
    assert ([(row.row, row.slip) for row in since.rows], since.others) == ([(2, 0)], ())
    await leave_out(NO_CONFIG, "default", since)
    assert (await centre.row(batch)).state is RowState.LEFT_OUT


async def test_what_a_later_slip_of_a_row_with_a_certificate_had_brought_is_found(
    centre: Centre, tmp_path: Path
) -> None:
    batch = await centre.running()
    first = await centre.issue(batch)
    since = await looked_up(tmp_path, first.id, offer_of(batch, 2, slip=1, attempt=2))
    assert [(row.row, row.slip) for row in since.rows] == [(2, 1)]
    await leave_out(NO_CONFIG, "default", since)
    assert (
        await centre.good(first.values["credential_id"]) == []
    )  # it was asked to be revoked when the slip was given out
    assert (await centre.row(batch)).state is RowState.LEFT_OUT
    assert await taken(centre, first.values["credential_id"])


async def test_a_certificate_that_came_of_the_same_slip_since_the_restore_stands(
    centre: Centre, tmp_path: Path
) -> None:
    batch = await centre.running()
    again = await centre.issue(batch)
    since = await looked_up(tmp_path, offer_of(batch, 2, attempt=5))
    await leave_out(NO_CONFIG, "default", since)
    assert (await centre.row(batch)).state is RowState.ISSUED
    assert [offer.id for offer in await centre.good(again.values["credential_id"])] == [again.id]
    assert (await looked_up(tmp_path, offer_of(batch, 2, attempt=5))).rows == ()


async def issued_elsewhere(centre: Centre, number: str, caplog: pytest.LogCaptureFixture) -> str:
    """Return the log's line of a certificate, of which this store has forgotten everything."""
    caplog.set_level(logging.INFO)
    issued = await centre.workshop.issue(credential_id=number)
    desk = centre.workshop.desk
    await desk.numbers.index.remove(issued.id)
    await desk.book.offers.remove(issued.id)
    async with centre.workshop.profile.session() as session:
        await session.handle.remove(CertificateNumber.category, await desk.numbers.hashes.id_of(number))
    return next(line for line in caplog.messages if issued.id in line and "issued" in line)


async def test_nobody_gets_a_number_that_the_log_alone_knows(
    centre: Centre, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As of a row that was corrected after the backup, or of the counter."""
    number, free = centre.numbers(2)
    line = await issued_elsewhere(centre, number, caplog)
    assert number not in line
    since = await read(tmp_path, line)
    assert (since.rows, len(since.others), len(since.numbers)) == ((), 1, 1)
    await leave_out(NO_CONFIG, "default", since)
    assert [await taken(centre, one) for one in (f" {number.lower()} ", free)] == [True, False]
    assert (await read(tmp_path, line)).numbers == ()


async def test_a_line_that_this_issuer_did_not_write_names_no_number(
    centre: Centre, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line = await issued_elsewhere(centre, centre.numbers(1)[0], caplog)
    offer_id, entry_id, seal = re.findall("[0-9a-f]{32}", line)
    other = await centre.workshop.desk.numbers.hashes.id_of(centre.numbers(1)[0])
    forged = [(offer_id, other, seal), ("0" * 32, entry_id, seal), (offer_id, entry_id, "0" * 32)]
    lines = [f"offer {offer}: issued, number {entry}-{mac}" for offer, entry, mac in forged]
    assert (await read(tmp_path, *lines)).numbers == ()
    assert (await read(tmp_path, *lines, line)).numbers == (entry_id,)
