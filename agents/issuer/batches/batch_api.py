"""Batches: the REST routes."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch, BatchStateError
from wanderbuch.agents.issuer.batch_records.row import BatchRow
from wanderbuch.agents.issuer.batch_records.slips import pin_of, slip_token
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk, ListNotReadyError
from wanderbuch.agents.issuer.batches.batch_models import (
    BatchesOut,
    BatchLine,
    BatchOut,
    LastDay,
    NewBatch,
    PinOut,
    PinsOut,
    Renewal,
    ResultOut,
    RowEdit,
    RowOut,
    SlipsOut,
    slip_view,
)
from wanderbuch.agents.issuer.batches.claims import claim_digest
from wanderbuch.agents.issuer.batches.gateway import gateway_lines, must_be_claimable
from wanderbuch.agents.issuer.class_list.list_api import read_sent
from wanderbuch.agents.issuer.class_list.listed import ClassRow
from wanderbuch.agents.issuer.class_list.models import ClassListOut
from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.people.rest import manager
from wanderbuch.agents.runtime.app import Call, Route, delete, get, post
from wanderbuch.agents.runtime.listing import LISTED, asked_part
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.governance.lists.table import escaped

_CURSOR_CHARS: Final = 7  # of the number of a row
_MOST_FINDINGS: Final = 50
_RESULT_COLUMNS: Final = ("row", "credential_id", "family_name", "given_names", "state", "slips", "offer", "slip")


class BatchWork(Protocol):
    """What the routes work on: an open issuer's office."""

    @property
    def standing(self) -> Standing:
        """Return what the issuer may attest."""

    @property
    def batches(self) -> BatchDesk:
        """Return its batches."""

    @property
    def config(self) -> IssuerConfig:
        """Return its settings."""

    def slip_address(self, token: str) -> str:
        """Return the address that a slip shows."""

    def message_text(self, language: str, link: str) -> str:
        """Return what a short message says."""


async def _make(office: BatchWork, call: Call[NewBatch]) -> BatchOut:
    if call.once is not None and (made := await office.batches.find(call.once.id)) is not None:
        return await _view(office, made)
    body = call.body
    standing, numbers, at = office.standing, office.batches.claiming.numbers, datetime.now(UTC)
    listed = await read_sent(standing, numbers, body.list, at=at)
    try:
        batch = await office.batches.make(listed, standing.credential_type, body.plan(), call.new_id, by=manager(call))
    except ListNotReadyError as err:
        told = ClassListOut.of(listed).findings[:_MOST_FINDINGS]
        err.members = {"findings": [finding.model_dump(mode="json") for finding in told]}
        raise
    return await _view(office, batch)


async def _every(office: BatchWork, call: Call[None]) -> BatchesOut:
    asked = asked_part(call.query)
    page = await office.batches.page(limit=asked.limit, cursor=asked.cursor)
    return BatchesOut(items=[BatchLine.of(batch) for batch in page.items], next_cursor=page.next_cursor)


async def _show(office: BatchWork, call: Call[None]) -> BatchOut:
    return await _view(office, await office.batches.get(call.path["id"]))


async def _start(office: BatchWork, call: Call[None]) -> BatchOut:
    return await _view(office, await office.batches.start((await _known(office, call)).id, by=manager(call)))


async def _pause(office: BatchWork, call: Call[None]) -> BatchOut:
    return await _view(office, await office.batches.pause((await _known(office, call)).id, by=manager(call)))


async def _resume(office: BatchWork, call: Call[None]) -> BatchOut:
    return await _view(office, await office.batches.resume((await _known(office, call)).id, by=manager(call)))


async def _cancel(office: BatchWork, call: Call[None]) -> BatchOut:
    return await _view(office, await office.batches.cancel((await _known(office, call)).id, by=manager(call)))


async def _extend(office: BatchWork, call: Call[LastDay]) -> BatchOut:
    return await _view(office, await office.batches.extend(call.path["id"], call.body.claim_until, by=manager(call)))


async def _remove(office: BatchWork, call: Call[None]) -> BatchLine:
    return BatchLine.of(await office.batches.remove(call.path["id"], by=manager(call)))


async def _slips(office: BatchWork, call: Call[None]) -> SlipsOut:
    batch, rows, cursor = await _part(office, call)
    items = [slip_view(row, claimed.claim, _address(office, batch, row)) for claimed, row in rows]
    return SlipsOut(items=items, next_cursor=cursor)


async def _pins(office: BatchWork, call: Call[None]) -> PinsOut:
    batch, rows, cursor = await _part(office, call)
    if batch.access is not Access.PIN:
        raise BatchStateError(f"this batch asks for no PIN, but for: {batch.access.value}")
    items = [PinOut(number=row.number, pin=pin_of(row.slip, batch.secret)) for _, row in rows]
    return PinsOut(items=items, next_cursor=cursor)


async def _result(office: BatchWork, call: Call[None]) -> ResultOut:
    batch, rows, cursor = await _part(office, call)
    text = result_lines(rows, partial(_address, office, batch))
    return ResultOut(filename=f"batch-{batch.id[:8]}.csv", csv=text, next_cursor=cursor)


async def _messages(office: BatchWork, call: Call[None]) -> ResultOut:
    batch, rows, cursor = await _part(office, call)
    must_be_claimable(batch, at=datetime.now(UTC))
    contacts = await office.batches.contacts(batch, [row.number for _, row in rows])
    text = gateway_lines(
        [row for _, row in rows],
        contacts,
        address=partial(_address, office, batch),
        language=office.config.language,
        words=office.message_text,
    )
    return ResultOut(filename=f"messages-{batch.id[:8]}.csv", csv=text, next_cursor=cursor)


async def _row(office: BatchWork, call: Call[None]) -> RowOut:
    batch = await _known(office, call)
    claim, row = await office.batches.row(batch, _number(call))
    return _row_view(office, batch, claim, row)


async def _retry(office: BatchWork, call: Call[None]) -> RowOut:
    batch, number = await _known(office, call), _number(call)
    row = await office.batches.row_desk.retry(batch, number, by=manager(call))
    return _row_view(office, batch, (await office.batches.row(batch, number))[0], row)


async def _leave_out(office: BatchWork, call: Call[None]) -> RowOut:
    batch, number = await _known(office, call), _number(call)
    row = await office.batches.row_desk.leave_out(batch, number, by=manager(call))
    return _row_view(office, batch, (await office.batches.row(batch, number))[0], row)


async def _edit(office: BatchWork, call: Call[RowEdit]) -> RowOut:
    batch, number = await _known(office, call), _number(call)
    row = await office.batches.row_desk.edit(batch, number, call.body.claim, by=manager(call), digest=call.body.digest)
    return _row_view(office, batch, (await office.batches.row(batch, number))[0], row)


async def _renew(office: BatchWork, call: Call[Renewal]) -> RowOut:
    batch, number = await _known(office, call), _number(call)
    row = await office.batches.row_desk.renew(batch, number, slips=call.body.slips, by=manager(call))
    return _row_view(office, batch, (await office.batches.row(batch, number))[0], row)


BATCH_ROUTES: Final[Sequence[Route]] = (
    post(
        "/batches", _make, body=NewBatch, result=BatchOut, status=201, summary="Make a batch of a class list", once=True
    ),
    get("/batches", _every, result=BatchesOut, summary="List the batches, the newest first", query=LISTED),
    get("/batches/{id}", _show, result=BatchOut, summary="Show a batch and how far it has come"),
    delete("/batches/{id}", _remove, result=BatchLine, summary="Remove a cancelled batch with its claims"),
    post("/batches/{id}/start", _start, result=BatchOut, summary="Have its slips claimed from now on"),
    post("/batches/{id}/pause", _pause, result=BatchOut, summary="Make no further offer for now"),
    post("/batches/{id}/resume", _resume, result=BatchOut, summary="Go on with a batch that was paused"),
    post("/batches/{id}/cancel", _cancel, result=BatchOut, summary="End a batch, and withdraw what is open"),
    post("/batches/{id}/extend", _extend, body=LastDay, result=BatchOut, summary="Say until when slips may be claimed"),
    get("/batches/{id}/slips", _slips, result=SlipsOut, summary="List the rows with their slips", query=LISTED),
    get("/batches/{id}/pins", _pins, result=PinsOut, summary="List the PINs, to be given apart", query=LISTED),
    get("/batches/{id}/result", _result, result=ResultOut, summary="Give the rows' results as CSV", query=LISTED),
    get(
        "/batches/{id}/messages",
        _messages,
        result=ResultOut,
        summary="Give links and short texts for a gateway of the centre's own as CSV",
        query=LISTED,
    ),
    get("/batches/{id}/rows/{number}", _row, result=RowOut, summary="Show a row with its claim"),
    post(
        "/batches/{id}/rows/{number}/edit",
        _edit,
        body=RowEdit,
        result=RowOut,
        summary="Correct a row that nobody has claimed; its slip stays good",
    ),
    post("/batches/{id}/rows/{number}/retry", _retry, result=RowOut, summary="Unlock a row: its slip is good again"),
    post("/batches/{id}/rows/{number}/leave-out", _leave_out, result=RowOut, summary="Let nobody claim a row"),
    post(
        "/batches/{id}/rows/{number}/renew",
        _renew,
        body=Renewal,
        result=RowOut,
        summary="The wrong person took it: revoke what the slip brought, and give a new slip",
    ),
)


def result_lines(
    rows: Iterable[tuple[ClassRow, BatchRow]], address: Callable[[BatchRow], str], *, with_header: bool = True
) -> str:
    """Return what has become of rows as lines of CSV.

    Args:
        rows: with their claims.
        address: gives that of a row's slip.
        with_header: whether the names of the columns stand above.
    """
    text = io.StringIO()
    lines = csv.writer(text)
    if with_header:
        lines.writerow(_RESULT_COLUMNS)
    for claimed, row in rows:
        own = [claimed.claim.get(name, "") for name in _RESULT_COLUMNS[1:4]]
        offer, slips = row.offer_id or "", str(row.turn + 1)
        cells = [str(row.number), *own, row.state.value, slips, offer, address(row)]
        lines.writerow([escaped(cell) for cell in cells])
    return text.getvalue()


async def _view(office: BatchWork, batch: Batch) -> BatchOut:
    return BatchOut.of(batch, await office.batches.counts(batch))


async def _known(office: BatchWork, call: Call[Any]) -> Batch:
    return await office.batches.get(call.path["id"])


async def _part(office: BatchWork, call: Call[None]) -> tuple[Batch, list[tuple[ClassRow, BatchRow]], str | None]:
    """Return the batch, the part of its rows that is asked for, and the cursor of the next one."""
    asked, batch = asked_part(call.query), await _known(office, call)
    text = asked.cursor or "0"
    after = int(text) if text.isascii() and text.isdigit() and len(text) <= _CURSOR_CHARS else -1
    if after < 0 or text != str(after):
        raise MalformedError("expected a cursor of this list")
    rows = await office.batches.rows(batch, after=after, limit=asked.limit)
    return batch, rows, str(rows[-1][1].number) if len(rows) == asked.limit else None


def _row_view(office: BatchWork, batch: Batch, claim: Mapping[str, str], row: BatchRow) -> RowOut:
    return RowOut(
        slip=slip_view(row, claim, _address(office, batch, row)), claim=dict(claim), digest=claim_digest(claim)
    )


def _address(office: BatchWork, batch: Batch, row: BatchRow) -> str:
    return office.slip_address(slip_token(row.slip, batch.secret))


def _number(call: Call[Any]) -> int:
    text = call.path["number"]
    if not (text.isascii() and text.isdigit() and len(text) <= _CURSOR_CHARS):
        raise MalformedError("expected the number of a row")
    return int(text)
