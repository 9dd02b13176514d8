"""Batches at the console: how far each has come, its rows, its slips and PINs on paper, and what clerks do with them.

Slips and PINs are two pages, since they are given apart. What is printed is made when it is looked at: a slip is worked
out of the batch's secret, and kept nowhere. "The wrong person took it" is one button: `BatchDesk.renew`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Final

from aiohttp import web

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch, BatchState, BatchStateError
from wanderbuch.agents.issuer.batch_records.row import BatchRow, RowState, state_in
from wanderbuch.agents.issuer.batch_records.slips import pin_of, slip_token
from wanderbuch.agents.issuer.batches.batch_api import result_lines
from wanderbuch.agents.issuer.batches.claims import claim_digest
from wanderbuch.agents.issuer.batches.gateway import gateway_lines, must_be_claimable, must_reach_from_afar
from wanderbuch.agents.issuer.class_list.listed import ClassRow
from wanderbuch.agents.issuer.console.claim_form import ClaimForm, blank_form, read_claim_form
from wanderbuch.agents.issuer.console.claim_view import claim_lines, name_of
from wanderbuch.agents.issuer.console.clerks import ClerkRole
from wanderbuch.agents.issuer.console.consent_pages import consent_shown
from wanderbuch.agents.issuer.console.pages import ConsolePages, ConsoleVisit
from wanderbuch.agents.issuer.console.slip_view import files_of, paper_slip, slip_lines, slip_of
from wanderbuch.agents.issuer.desk import OfferRefusedError
from wanderbuch.agents.issuer.mailing.mailing import MOST_DAYS, MOST_REMINDERS
from wanderbuch.agents.issuer.mailing.postman import MailPlan
from wanderbuch.agents.issuer.pages.slip_words import message_text
from wanderbuch.agents.issuer.slip_sheets.order import MOST_SLIPS
from wanderbuch.agents.issuer.slip_sheets.sheets import SheetsError
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.rendering import SECURITY_HEADERS, PageHandler
from wanderbuch.errors import ExchangeError, WanderbuchError
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.store.errors import NotFoundError

_A_PAGE: Final = 50
_ON_PAPER: Final = 48  # six sheets with eight slips each
_MONTH: Final = timedelta(days=31)
_LISTED: Final = (RowState.LOCKED, RowState.OPEN, RowState.ISSUED, RowState.LEFT_OUT)
_CLAIMED_YET: Final = (RowState.WAITING, RowState.LOCKED, RowState.OPEN)
_EDITED: Final = (RowState.WAITING, RowState.LOCKED, RowState.LEFT_OUT, RowState.OPEN)

type _Rows = list[tuple[ClassRow, BatchRow]]


class ConsoleBatches:
    """The handlers of batches.

    Args:
        console: its pages.
    """

    def __init__(self, console: ConsolePages) -> None:
        self._console = console

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        served, base = self._console.served, self._console.base
        batch, row = f"{base}/batch/{{id}}", f"{base}/batch/{{id}}/row/{{number}}"
        return {
            ("GET", f"{base}/batches"): served(self._every),
            ("GET", batch): served(self._show),
            ("GET", f"{batch}/slips"): served(self._slips),
            ("GET", f"{batch}/slips.pdf"): served(self._sheets),
            ("GET", f"{batch}/pins"): served(self._pins),
            ("GET", f"{batch}/result.csv"): served(self._result),
            ("GET", f"{batch}/messages.csv"): served(self._messages),
            ("POST", f"{batch}/do/{{step}}"): served(self._step),
            ("GET", row): served(self._row),
            ("GET", f"{row}/edit"): served(self._edit_form),
            ("POST", f"{row}/edit"): served(self._edit),
            ("POST", f"{row}/do/{{step}}"): served(self._row_step),
        }

    async def _every(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        batches = visit.office.batches
        page = await batches.page(limit=_A_PAGE, cursor=visit.request.query.get("cursor", "")[:200] or None)
        return self._console.show(
            visit,
            "console_batches.html",
            batches=[(batch, await batches.counts(batch)) for batch in page.items],
            next_cursor=page.next_cursor,
            takes_over=bool(visit.office.taking.centres()),
        )

    async def _show(
        self, visit: ConsoleVisit, *, err: WanderbuchError | None = None, status: int = 200
    ) -> web.StreamResponse:
        batch = await self._batch(visit)
        asked, after = visit.request.query.get("state", ""), _after(visit)
        state = next((one for one in _LISTED if one.value == asked), None)
        counts = await visit.office.batches.counts(batch)
        if state is None:
            rows = await visit.office.batches.rows(batch, after=after, limit=_A_PAGE)
        else:
            rows = await self._in_state(visit, batch, state)
        return self._console.show(
            visit,
            "console_batch.html",
            status=status,
            batch=batch,
            state=batch.state.value,
            counts=counts,
            states=[(one.value, count) for one, count in _counted(counts) if count],
            asked=asked if state else "",
            rows=[(name_of(claimed.claim), claimed.claim.get("credential_id", ""), row) for claimed, row in rows],
            next_after=rows[-1][1].number if state is None and len(rows) == _A_PAGE else None,
            is_over=visit.office.tenant.clock() > batch.claim_until,
            may_mail=_may_mail(visit, batch),
            mailing=await visit.office.postman.of(batch.id),
            may_hand_over=_may_hand_over(visit, batch),
            err=err,
        )

    async def _in_state(self, visit: ConsoleVisit, batch: Batch, state: RowState) -> _Rows:
        batches = visit.office.batches
        page = await batches.claiming.rows.page(state=state_in(batch.id, state), limit=_A_PAGE)
        rows = [(ClassRow(row.number, (await batches.row(batch, row.number))[0]), row) for row in page.items]
        return sorted(rows, key=lambda one: one[1].number)

    async def _step(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Do what a button says."""
        batch, batches, by = await self._batch(visit), visit.office.batches, visit.person.id
        step = visit.request.match_info["step"]
        if step in ("cancel", "remove") and visit.text("sure") != "yes":
            raise MalformedError("tick the box to confirm")
        try:
            match step:
                case "start":
                    await batches.start(batch.id, by=by)
                case "pause":
                    await batches.pause(batch.id, by=by)
                case "resume":
                    await batches.resume(batch.id, by=by)
                case "cancel":
                    await batches.cancel(batch.id, by=by)
                case "extend":
                    if visit.text("until") != batch.claim_until.isoformat():  # it was done: a reload, or a second click
                        return visit.go(f"/batch/{batch.id}")
                    at = visit.office.tenant.clock()
                    await batches.extend(batch.id, max(at, batch.claim_until) + 3 * _MONTH, by=by)
                case "mail":
                    await visit.office.postman.begin(batch, _mail_plan(visit), by=by)
                case "mail-stop":
                    await visit.office.postman.end(batch, by=by)
                case "remove":
                    await batches.remove(batch.id, by=by)
                    return visit.go("/batches")
                case _:
                    raise MalformedError("expected a step of the page of a batch")
        except ExchangeError as err:
            return await self._show(visit, err=err, status=409)
        return visit.go(f"/batch/{batch.id}")

    async def _slips(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Return slips to print, for rows that somebody may still claim."""
        batch = await self._batch(visit)
        if (over := _over(batch)) is not None:
            return await self._show(visit, err=over, status=409)
        rows, next_after = await self._on_paper(visit, batch)
        told = [(name_of(claimed.claim), claimed.claim, self._address(visit, batch, row)) for claimed, row in rows]
        slips = await asyncio.to_thread(lambda: [slip_of(*one) for one in told])  # a code takes 8 ms
        return self._console.show(
            visit,
            "console_slips.html",
            back=f"/batch/{batch.id}",
            slips=slips,
            until=batch.claim_until,
            asks=batch.access.value,
            fact=batch.fact,
            next_after=next_after,
            is_running=batch.state is BatchState.RUNNING,
            files=[] if visit.office.sheets is None else files_of(batch),
        )

    async def _sheets(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Return slips as a PDF, for rows that somebody may still claim."""
        batch, sheets, after = await self._batch(visit), visit.office.sheets, _after(visit)
        if sheets is None or after not in files_of(batch):
            raise NotFoundError("there is no such file of slips")
        if (over := _over(batch)) is not None:
            return await self._show(visit, err=over, status=409)
        rows = await visit.office.batches.rows(batch, after=after, limit=MOST_SLIPS)
        try:
            pdf = await sheets.pdf(
                [
                    paper_slip(name_of(claimed.claim), claimed.claim, self._address(visit, batch, row))
                    for claimed, row in rows
                    if row.state in _CLAIMED_YET
                ],
                language=visit.words.language,
                heading=batch.title,
                centre=visit.office.tenant.name,
                lines=slip_lines(batch, visit.words),
            )
        except SheetsError as err:
            return await self._show(visit, err=err, status=409)
        return _file(pdf, f"slips-{batch.id[:8]}-{after + 1}.pdf", content_type="application/pdf")

    async def _pins(self, visit: ConsoleVisit) -> web.StreamResponse:
        batch = await self._batch(visit)
        if batch.access is not Access.PIN:
            return visit.go(f"/batch/{batch.id}")
        if (over := _over(batch)) is not None:
            return await self._show(visit, err=over, status=409)
        rows, next_after = await self._on_paper(visit, batch)
        return self._console.show(
            visit,
            "console_pins.html",
            batch=batch,
            pins=[(name_of(claimed.claim), pin_of(row.slip, batch.secret)) for claimed, row in rows],
            next_after=next_after,
        )

    async def _on_paper(self, visit: ConsoleVisit, batch: Batch) -> tuple[_Rows, int | None]:
        """Return rows that somebody may still claim, and after which row the next ones stand."""
        rows = await visit.office.batches.rows(batch, after=_after(visit), limit=_ON_PAPER)
        if number := visit.request.query.get("row", ""):
            claim, row = await visit.office.batches.row(batch, _number(number))
            rows = [(ClassRow(row.number, claim), row)]
        next_after = rows[-1][1].number if len(rows) == _ON_PAPER else None
        return [one for one in rows if one[1].state in _CLAIMED_YET], next_after

    async def _result(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Return what has become of the rows as a file."""
        batch = await self._batch(visit)
        text = "".join([part async for part in self._parts(visit, batch)])
        return _file(f"\ufeff{text}", f"batch-{batch.id[:8]}.csv")

    async def _messages(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Return links and short texts as a file for the centre's own gateway; programs read it, so without a mark."""
        batch, office = await self._batch(visit), visit.office
        try:
            must_reach_from_afar(batch)
            must_be_claimable(batch, at=office.tenant.clock())
        except BatchStateError as err:
            return await self._show(visit, err=err, status=409)
        words, after, parts = partial(message_text, office.tenant.name), 0, list[str]()
        while rows := await office.batches.rows(batch, after=after, limit=200):
            parts.append(
                gateway_lines(
                    [row for _, row in rows],
                    await office.batches.contacts(batch, [row.number for _, row in rows]),
                    address=lambda row: self._address(visit, batch, row),
                    language=office.config.language,
                    words=words,
                    with_header=after == 0,
                )
            )
            after = rows[-1][1].number
        return _file("".join(parts), f"messages-{batch.id[:8]}.csv")

    async def _parts(self, visit: ConsoleVisit, batch: Batch) -> AsyncIterator[str]:
        after = 0
        while rows := await visit.office.batches.rows(batch, after=after, limit=200):
            yield result_lines(rows, lambda row: self._address(visit, batch, row), with_header=after == 0)
            after = rows[-1][1].number

    async def _row(
        self, visit: ConsoleVisit, *, err: WanderbuchError | None = None, status: int = 200
    ) -> web.StreamResponse:
        batch = await self._batch(visit)
        claim, row = await visit.office.batches.row(batch, _number(visit.request.match_info["number"]))
        kind = load_credential_type(batch.credential_type)
        mail, may_mail_again = None, False
        if _may_mail(visit, batch):
            mail, may_mail_again = await visit.office.postman.shown(batch, row)
        return self._console.show(
            visit,
            "console_row.html",
            status=status,
            batch=batch,
            row=row,
            name=name_of(claim),
            lines=claim_lines(kind, claim, visit.words),
            address=self._address(visit, batch, row),
            mail=None if mail is None else mail.value,
            consent=consent_shown(
                await visit.office.consents.of_row(batch.id, row.number), visit.office.tenant.clock()
            ),
            may_mail_again=may_mail_again,
            is_open=row.state in (RowState.WAITING, RowState.OPEN, RowState.LOCKED)
            and batch.state is not BatchState.HANDED_OVER,
            may_edit=row.state in _EDITED and batch.state not in (BatchState.CANCELLED, BatchState.HANDED_OVER),
            is_handed_over=batch.state is BatchState.HANDED_OVER,
            issued=(row.offer_id or "") if row.state is RowState.ISSUED else "",
            err=err,
        )

    async def _row_step(self, visit: ConsoleVisit) -> web.StreamResponse:
        batch, batches, by = await self._batch(visit), visit.office.batches, visit.person.id
        number, slips = _number(visit.request.match_info["number"]), visit.text("slips")
        does: Mapping[str, Callable[[], Awaitable[object]]] = {
            "retry": lambda: batches.row_desk.retry(batch, number, by=by),
            "mail-again": lambda: visit.office.postman.again(batch, number, by=by),
            "leave-out": lambda: batches.row_desk.leave_out(batch, number, by=by),
            "renew": lambda: batches.row_desk.renew(batch, number, slips=_number(slips), by=by),
        }
        step = does.get(visit.request.match_info["step"])
        if step is None:
            raise MalformedError("expected a step of the page of a row")
        if visit.request.match_info["step"] == "renew" and visit.text("sure") != "yes":
            raise MalformedError("tick the box to confirm")
        try:
            await step()
        except ExchangeError as err:
            return await self._row(visit, err=err, status=409)
        return visit.go(f"/batch/{batch.id}/row/{number}")

    # Editing in place

    async def _edit_form(self, visit: ConsoleVisit) -> web.StreamResponse:
        batch = await self._batch(visit)
        claim, row = await visit.office.batches.row(batch, _number(visit.request.match_info["number"]))
        form = blank_form(load_credential_type(batch.credential_type), claim, visit.words)
        return self._show_edit(visit, batch, row, form, digest=claim_digest(claim))

    def _show_edit(
        self,
        visit: ConsoleVisit,
        batch: Batch,
        row: BatchRow,
        form: ClaimForm,
        *,
        digest: str,
        err: WanderbuchError | None = None,
        status: int = 200,
    ) -> web.Response:
        return self._console.show(
            visit,
            "console_edit.html",
            status=status,
            batch=batch,
            row=row,
            form=form,
            digest=digest,
            number="",
            reasons=err.decision.reasons if isinstance(err, OfferRefusedError) else (),
            err=None if isinstance(err, OfferRefusedError) else err,
        )

    async def _edit(self, visit: ConsoleVisit) -> web.StreamResponse:
        batch, batches = await self._batch(visit), visit.office.batches
        number = _number(visit.request.match_info["number"])
        claim, row = await batches.row(batch, number)
        at = days_anywhere(visit.office.tenant.clock()).last
        kind = load_credential_type(batch.credential_type)
        form = read_claim_form(kind, visit.sent, visit.words, at=at, number=claim.get("credential_id", ""))
        digest = visit.text("digest")  # of what the clerk saw, also where the form is shown again
        if not form.is_whole:
            return self._show_edit(visit, batch, row, form, digest=digest, status=422)
        try:
            await batches.row_desk.edit(batch, number, form.claim, by=visit.person.id, digest=digest)
        except (ExchangeError, OfferRefusedError) as err:
            return self._show_edit(visit, batch, row, form, digest=digest, err=err, status=409)
        return visit.go(f"/batch/{batch.id}/row/{number}")

    async def _batch(self, visit: ConsoleVisit) -> Batch:
        visit.must_issue()
        return await visit.office.batches.get(visit.named)

    def _address(self, visit: ConsoleVisit, batch: Batch, row: BatchRow) -> str:
        return visit.office.slip_address(slip_token(row.slip, batch.secret))


def _over(batch: Batch) -> BatchStateError | None:
    """Return why nothing of a batch is put on paper any more: no slip of it can be claimed here. None: it may be."""
    if batch.state is BatchState.CANCELLED:
        return BatchStateError("this batch was cancelled: none of its slips can be claimed", hint="make a new batch")
    if batch.state is BatchState.HANDED_OVER:
        return BatchStateError(
            "this batch was handed over: none of its slips can be claimed here",
            hint="the issuer that goes on with it takes its open rows in, and prints slips of its own",
        )
    return None


def _may_hand_over(visit: ConsoleVisit, batch: Batch) -> bool:
    """Return whether this person may hand a batch over, or did: the authority has named a successor."""
    if not visit.person.may(ClerkRole.ADMINISTRATOR) or batch.state is BatchState.CANCELLED:
        return False
    return batch.state is BatchState.HANDED_OVER or visit.office.handing.successor() is not None


def _may_mail(visit: ConsoleVisit, batch: Batch) -> bool:
    """Return whether people of a batch can be written to."""
    return visit.office.postman.config is not None and batch.contacts > 0 and batch.access is not Access.IN_PERSON


def _mail_plan(visit: ConsoleVisit) -> MailPlan:
    days, most = visit.text("days"), visit.text("most")
    for text in (days, most):
        if not (text.isascii() and text.isdecimal() and len(text) < 4):
            raise MalformedError("expected a whole number of days, and of reminders")
    if not (1 <= int(days) <= MOST_DAYS and int(most) <= MOST_REMINDERS):
        raise MalformedError(f"expected 1 to {MOST_DAYS} days, and at most {MOST_REMINDERS} reminders")
    return MailPlan(int(days), int(most), again=visit.text("again") == "yes")


def _file(content: str | bytes, name: str, *, content_type: str = "text/csv") -> web.Response:
    headers = {
        **SECURITY_HEADERS,
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    if isinstance(content, str):
        return web.Response(text=content, content_type=content_type, headers=headers)
    return web.Response(body=content, content_type=content_type, headers=headers)


def _counted(counts: object) -> list[tuple[RowState, int]]:
    return [(state, getattr(counts, state.value.lower())) for state in (RowState.WAITING, *_LISTED)]


def _after(visit: ConsoleVisit) -> int:
    text = visit.request.query.get("after", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 0


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 8):
        raise NotFoundError("there is no such row")
    return int(text)
