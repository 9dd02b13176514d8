"""Open rows at the console: a centre gives them out as files for its successor, and a successor takes files in.

To hand a batch over ends it for good, so an administrator does. The files are the same whenever they are asked for
again. What a file brings can be looked at first: the form has a button for that, and nothing is kept.
"""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from aiohttp import web

from wanderbuch.agents.issuer.batch_records.batch import Access
from wanderbuch.agents.issuer.batches.batch_plan import FACTS, BatchPlan
from wanderbuch.agents.issuer.console.class_lists import MONTHS
from wanderbuch.agents.issuer.console.clerks import ClerkRole
from wanderbuch.agents.issuer.console.pages import ConsolePages, ConsoleVisit
from wanderbuch.agents.issuer.succession.taking_over import TakeOver
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.rendering import SECURITY_HEADERS, PageHandler
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import Did, IdentifierError

_MONTH: Final = timedelta(days=31)
_SHOWN: Final = 200


class ConsoleSuccession:
    """The handlers of handing over and taking over.

    Args:
        console: its pages.
    """

    def __init__(self, console: ConsolePages) -> None:
        self._console = console

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        served, base = self._console.served, self._console.base
        return {
            ("GET", f"{base}/batch/{{id}}/hand-over"): served(self._form),
            ("POST", f"{base}/batch/{{id}}/hand-over"): served(self._hand_over),
            ("POST", f"{base}/batch/{{id}}/hand-over-anew"): served(self._hand_over_anew, takes_file=True),
            ("POST", f"{base}/batch/{{id}}/open-rows"): served(self._file),
            ("GET", f"{base}/take-over"): served(self._take_form),
            ("POST", f"{base}/take-over"): served(self._take, takes_file=True),
            ("POST", f"{base}/rows-here"): served(self._rows_here),
        }

    async def _form(
        self, visit: ConsoleVisit, *, err: WanderbuchError | None = None, sentence: str = "", status: int = 200
    ) -> web.StreamResponse:
        visit.person.must(ClerkRole.ADMINISTRATOR)
        office = visit.office
        batch = await office.batches.get(visit.named)
        named = office.handing.successor()
        is_another = named is not None and batch.handed_to not in (None, str(named.successor))
        return self._console.show(
            visit,
            "console_hand_over.html",
            status=status,
            batch=batch,
            may_work=visit.person.may(ClerkRole.CLERK),
            counts=await office.batches.counts(batch),
            file_parts=office.handing.parts_of(batch),
            successor=office.handing.called(batch.handed_to),
            named="" if named is None else str(named.successor),
            another=office.handing.called(None) if is_another else None,
            said=sentence,
            err=err,
        )

    async def _hand_over(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.person.must(ClerkRole.ADMINISTRATOR)
        if visit.text("sure") != "yes":
            raise MalformedError("tick the box to confirm")
        try:
            await visit.office.handing.begin(visit.named, by=visit.person.id, only_to=visit.text("to") or None)
        except WanderbuchError as err:
            return await self._form(visit, err=err, status=409)
        return visit.go(f"/batch/{visit.named}/hand-over")

    async def _hand_over_anew(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.person.must(ClerkRole.ADMINISTRATOR)
        rows_here, has_none = _file_in(visit), visit.text("none") == "yes"
        if bool(rows_here) is has_none:
            raise MalformedError("expected either the file that says which certificates it has, or that it has none")
        try:
            await visit.office.handing.hand_over_anew(
                visit.named, rows_here or None, by=visit.person.id, only_to=visit.text("to") or None
            )
        except WanderbuchError as err:
            return await self._form(visit, err=err, status=409)
        return visit.go(f"/batch/{visit.named}/hand-over")

    async def _file(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Return one file, or the page that says that nothing is open."""
        visit.person.must(ClerkRole.ADMINISTRATOR)
        after = visit.text("after")
        if not (after.isascii() and after.isdecimal() and len(after) < 8):
            raise MalformedError("expected the part of a batch")
        if (await visit.office.batches.get(visit.named)).handed_to is None:
            raise MalformedError("hand the batch over first, and confirm it")
        try:
            part = await visit.office.handing.hand_over(visit.named, by=visit.person.id, after=int(after))
        except WanderbuchError as err:
            return await self._form(visit, err=err, status=409)
        if not part.rows:
            return await self._form(visit, sentence="console.hand_over_nothing")
        return _download(part.sealed, f"open-rows-{visit.named[:8]}-{after}.json")

    async def _take_form(
        self,
        visit: ConsoleVisit,
        *,
        take_over: TakeOver | None = None,
        batch_id: str = "",
        err: WanderbuchError | None = None,
        status: int = 200,
    ) -> web.StreamResponse:
        visit.must_issue()
        office = visit.office
        kind = office.standing.credential_type
        return self._console.show(
            visit,
            "console_take_over.html",
            status=status,
            centres=[office.taking.called(one.centre) for one in office.taking.centres()],
            former=[(centre, office.taking.called(centre)) for centre in await office.taking.former_centres()],
            found=take_over,
            left=() if take_over is None else take_over.left[:_SHOWN],
            batch_id=batch_id,
            months=MONTHS,
            facts=[name for name in FACTS if name in kind.attr_names],
            filled={name: visit.text(name)[:_SHOWN] for name in ("access", "fact", "months")},
            err=err,
        )

    async def _take(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        file = _file_in(visit)
        taking, months = visit.office.taking, visit.text("months")
        try:
            if visit.text("look"):
                return await self._take_form(visit, take_over=await taking.read(file))
            if visit.text("access") not in [one.value for one in Access] or months not in map(str, MONTHS):
                raise MalformedError("expected how people show who they are, and how long slips are good")
            access = Access(visit.text("access"))
            plan = BatchPlan(
                title="",
                access=access,
                fact=(visit.text("fact") or None) if access is Access.FACT else None,
                claim_until=visit.office.tenant.clock() + int(months) * _MONTH,
            )
            batch, take_over = await taking.take(file, plan, by=visit.person.id)
        except WanderbuchError as err:
            return await self._take_form(visit, err=err, status=409)
        return await self._take_form(visit, take_over=take_over, batch_id="" if batch is None else batch.id)

    async def _rows_here(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Return, as a file, which rows of a centre are here, once the authority names another issuer for it."""
        visit.must_issue()
        try:
            centre = Did.parse(visit.text("centre"))
        except IdentifierError as err:
            raise MalformedError("expected the DID of a centre") from err
        try:
            file = await visit.office.taking.rows_here(centre)
        except WanderbuchError as err:
            return await self._take_form(visit, err=err, status=409)
        return _download(file, "rows-here.json")


def _file_in(visit: ConsoleVisit) -> bytes:
    """Return the file that was sent; empty: none was."""
    try:
        return base64.b64decode(visit.sent.get("file", ""), validate=True)
    except ValueError as err:
        raise MalformedError("expected a file") from err


def _download(content: bytes, name: str) -> web.Response:
    headers = {
        **SECURITY_HEADERS,
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return web.Response(body=content, content_type="application/json", headers=headers)
