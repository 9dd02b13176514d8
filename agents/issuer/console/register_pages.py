"""The register at the console: search, list, export. What is searched for travels in the form, never in an address."""

import asyncio
import json
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from wanderbuch.agents.issuer.console.claim_view import name_of
from wanderbuch.agents.issuer.console.issuing import reason_in
from wanderbuch.agents.issuer.console.pages import ConsolePages, ConsoleVisit
from wanderbuch.agents.issuer.many_revoked import MOST_REVOKED
from wanderbuch.agents.issuer.register.offer_words import claim_of, number_of
from wanderbuch.agents.issuer.register.register import ISSUED, RegisterPage, RegisterQuery, csv_of
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.agents.issuer.revoking_api import ids_of
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.occupation_search import meant_by
from wanderbuch.agents.site.rendering import SECURITY_HEADERS, PageHandler
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.store.once import own_id

_A_PAGE: Final = 50
_MAX_TEXT: Final = 200
_MAX_ID: Final = 64


class ConsoleRegister:
    """The handlers of the register.

    Args:
        console: its pages.
    """

    def __init__(self, console: ConsolePages) -> None:
        self._console = console

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        served, base = self._console.served, self._console.base
        return {
            ("GET", f"{base}/register"): served(self._list),
            ("POST", f"{base}/register"): served(self._list),
            ("POST", f"{base}/register/export.csv"): served(self._export),
            ("POST", f"{base}/register/revoke"): served(self._revoke),
            ("GET", f"{base}/register/revoked/{{id}}"): served(self._revoked),
            ("POST", f"{base}/issued/{{id}}/access.json"): served(self._access),
            ("POST", f"{base}/issued/{{id}}/erase"): served(self._erase),
        }

    async def _list(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Show what is looked for; without a form, the newest."""
        visit.must_issue()
        query, is_known = _query(visit)
        page = RegisterPage((), None)
        if is_known:
            page = await visit.office.register.search(query, limit=_A_PAGE, cursor=visit.text("cursor")[:64] or None)
        lines = []
        for offer in page.items:
            claim, kind = claim_of(offer), load_credential_type(offer.credential_type)
            lines.append((offer, name_of(claim), number_of(claim), claim.get(kind.about, "")))
        return self._console.show(
            visit,
            "console_register.html",
            lines=lines,
            asked=_asked(visit),
            batch=await self._batch(visit, query),
            states=[state.value for state in ISSUED],
            is_known=is_known,
            is_search=visit.request.method == "POST",
            next_cursor=page.next_cursor,
        )

    async def _batch(self, visit: ConsoleVisit, query: RegisterQuery) -> str:
        """Return what the batch that is searched is called: its id, if it was removed since."""
        batch = await visit.office.batches.find(query.batch_id) if query.batch_id else None
        return query.batch_id if batch is None else batch.title

    async def _revoke(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Ask why, then revoke what was ticked, or all that a search finds, if it still is what was shown."""
        visit.must_issue()
        office, is_all, call_id = visit.office, visit.text("all") == "yes", visit.own_id("revoke")
        if await office.many_revocations.find(call_id) is not None:  # a second click: what it asks for is found no more
            await office.many_revocations.resume(call_id, wait_s=office.config.publish_wait_s)
            return visit.go(f"/register/revoked/{call_id}")
        if is_all:
            query, is_known = _query(visit)
            ids = await ids_of(office.register, query) if is_known else []
        else:
            query, ids = RegisterQuery(), [one[:_MAX_ID] for one in visit.sent.getall("id", [])][:_A_PAGE]
        shown, is_sure = own_id("certificates", *sorted(ids)), visit.text("sure") == "yes"
        if not ids or len(ids) > MOST_REVOKED or not is_sure or visit.text("shown") != shown:
            return self._console.show(
                visit,
                "console_revoke.html",
                status=200 if ids else 422,
                ids=() if is_all else ids,
                shown=shown,
                is_changed=is_sure,
                count=len(ids),
                most=MOST_REVOKED,
                asked=_asked(visit),
                batch=await self._batch(visit, query),
                occupation=query.occupation,
                reasons=[reason.value for reason in RevocationReason],
            )
        await office.many_revocations.revoke(
            ids, reason_in(visit), by=visit.person.id, wait_s=office.config.publish_wait_s, call_id=call_id
        )
        return visit.go(f"/register/revoked/{call_id}")

    async def _revoked(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Show what came of it."""
        visit.must_issue()
        now = await visit.office.many_revocations.get(visit.named)
        return self._console.show(visit, "console_revoked.html", now=now, call=now.call)

    async def _access(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Give all that is kept of a person as one file."""
        visit.must_issue()
        content = await visit.office.personal_data.access(visit.named, by=visit.person.id)
        headers = {
            **SECURITY_HEADERS,
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="personal-data.json"',
        }
        text = json.dumps(content, ensure_ascii=False, indent=1)
        return web.Response(text=text, content_type="application/json", headers=headers)

    async def _erase(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Erase a certificate's data, or say which law has them kept."""
        visit.must_issue()
        if visit.text("sure") != "yes":
            raise MalformedError("tick the box to confirm")
        done = await visit.office.personal_data.erase(visit.named, by=visit.person.id)
        return self._console.show(visit, "console_erased.html", done=done)

    async def _export(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Send what is looked for as a file, page by page."""
        visit.must_issue()
        query, is_known = _query(visit)
        if not is_known:
            raise MalformedError("expected an occupation that is known")
        response = web.StreamResponse(headers=SECURITY_HEADERS)
        response.content_type = "text/csv"
        response.headers["Content-Disposition"] = 'attachment; filename="register.csv"'
        response.headers["Cache-Control"] = "no-store"
        await response.prepare(visit.request)
        is_first = True
        async for offers in visit.office.register.every(query):
            text = await asyncio.to_thread(csv_of, offers, with_header=is_first)
            await response.write(text.encode())
            is_first = False
        await response.write_eof()
        return response


def _asked(visit: ConsoleVisit) -> dict[str, str]:
    """Return what is looked for, as it was typed; all forms of a page carry all of it, so that none finds more."""
    typed = {name: visit.text(name)[:_MAX_TEXT] for name in ("number", "name", "occupation", "state")}
    return typed | {"batch": _batch_id(visit)}


def _batch_id(visit: ConsoleVisit) -> str:
    return visit.text("batch")[:_MAX_ID] or visit.request.query.get("batch", "")[:_MAX_ID]


def _query(visit: ConsoleVisit) -> tuple[RegisterQuery, bool]:
    """Return what a form looks for, and whether its occupation is one that is known."""
    occupation, is_known = visit.text("occupation").strip()[:_MAX_TEXT], True
    if occupation:
        code = meant_by(occupation, visit.language.tag).code
        occupation, is_known = code or "", code is not None
    state = next((one for one in ISSUED if one.value == visit.text("state")), None)
    if state is None and visit.text("state"):
        raise MalformedError(f"expected no state, or one of {', '.join(one.value for one in ISSUED)}")
    return (
        RegisterQuery(
            number=visit.text("number").strip()[:_MAX_TEXT],
            name=visit.text("name")[:_MAX_TEXT],
            occupation=occupation,
            batch_id=_batch_id(visit),
            state=state,
        ),
        is_known,
    )
