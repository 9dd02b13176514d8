"""Certificates that are not right, at the console: what their workers say, and what is put in their place.

What is wrong is a list of tasks, each with its certificate. There, another one is put in its place: the same again, for
a lost phone, a renewal or the wrong person; or a corrected one, from a form that says what the old one says. What may
be done and what comes of it is `holding.superseding`'s.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from wanderbuch.agents.issuer.class_list.listed import NUMBER
from wanderbuch.agents.issuer.console.claim_form import ClaimForm, blank_form, read_claim_form
from wanderbuch.agents.issuer.console.claim_view import name_of
from wanderbuch.agents.issuer.console.pages import ConsolePages, ConsoleVisit
from wanderbuch.agents.issuer.desk import OfferRefusedError
from wanderbuch.agents.issuer.holding.report import ReportState
from wanderbuch.agents.issuer.holding.successor import Successor, Why
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.register.numbers import NumberTakenError
from wanderbuch.agents.issuer.register.offer_words import claim_of, number_of
from wanderbuch.agents.runtime.problems import MalformedError, NotReadyError
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.errors import ExchangeError, WanderbuchError
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.schemas.credential_type import load_credential_type

SAME_AGAIN: Final = (Why.LOST_PHONE, Why.RENEWAL, Why.WRONG_PERSON)
"""Reasons for which the same is offered once more."""
CORRECTED: Final = (Why.MISSPELT, Why.WRONG_LEVEL)
"""Reasons for which something else is offered."""
_A_PAGE: Final = 50


class ConsoleHolding:
    """The handlers of what is wrong, and of what is put in its place.

    Args:
        console: its pages.
    """

    def __init__(self, console: ConsolePages) -> None:
        self._console = console

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        served, base = self._console.served, self._console.base
        issued = f"{base}/issued/{{id}}"
        return {
            ("GET", f"{base}/reports"): served(self._reports),
            ("POST", f"{base}/reports/{{id}}/close"): served(self._close),
            ("GET", f"{issued}/correct"): served(self._form),
            ("POST", f"{issued}/correct"): served(self._correct),
            ("POST", f"{issued}/replace"): served(self._replace),
            ("POST", f"{issued}/offer-again"): served(self._again),
            ("POST", f"{issued}/keep-old"): served(self._drop),
        }

    async def _reports(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Show what waits for somebody, the newest first."""
        visit.must_issue()
        office, cursor = visit.office, visit.request.query.get("cursor", "")[:64] or None
        page = await office.reports.page(ReportState.OPEN, limit=_A_PAGE, cursor=cursor)
        reports = [(report, await office.desk.find(report.id)) for report in page.items]
        return self._console.show(
            visit,
            "console_reports.html",
            lines=[
                (report, name_of(offer.values), number_of(claim_of(offer)))
                for report, offer in reports
                if offer is not None  # it was erased a moment ago
            ],
            next_cursor=page.next_cursor,
        )

    async def _close(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        await visit.office.reports.close(visit.named, by=visit.person.id)
        return visit.go("/reports")

    async def _form(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        offer = await visit.office.desk.get(visit.named)
        kind = load_credential_type(offer.credential_type)
        return self._show_form(visit, offer, blank_form(kind, claim_of(offer), visit.words))

    def _show_form(
        self,
        visit: ConsoleVisit,
        offer: Offer,
        form: ClaimForm,
        *,
        err: WanderbuchError | None = None,
        status: int = 200,
    ) -> web.Response:
        is_refused = isinstance(err, OfferRefusedError)
        return self._console.show(
            visit,
            "console_correct.html",
            status=status,
            offer=offer,
            name=name_of(offer.values),
            form=form,
            why=visit.text("why"),
            whys=[why.value for why in CORRECTED],
            reasons=err.decision.reasons if isinstance(err, OfferRefusedError) else (),
            err=None if is_refused else err,
        )

    async def _correct(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Offer what is right in the place of what is wrong."""
        visit.must_issue()
        office, offer = visit.office, await visit.office.desk.get(visit.named)
        kind, claim = load_credential_type(offer.credential_type), claim_of(offer)
        at = days_anywhere(office.tenant.clock()).last
        form = read_claim_form(kind, visit.sent, visit.words, at=at, number=number_of(claim))
        if not form.is_whole:
            return self._show_form(visit, offer, form, status=422)
        why = _why(visit, CORRECTED)
        try:
            made = await office.superseding.begin(offer.id, why, form.claim, by=visit.person.id)
        except NumberTakenError as err:
            for line in form.lines:
                if line.name == NUMBER:
                    line.problem = f"{err.message}: {err.hint}"
            return self._show_form(visit, offer, form, status=409)
        except (ExchangeError, OfferRefusedError) as err:
            return self._show_form(visit, offer, form, err=err, status=409)
        except NotReadyError as err:
            return self._show_form(visit, offer, form, err=err, status=503)
        return await self._seen_to(visit, made)

    async def _replace(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Offer the same once more."""
        visit.must_issue()
        if visit.text("sure") != "yes":
            raise MalformedError("tick the box to confirm")
        why = _why(visit, SAME_AGAIN)
        return await self._seen_to(
            visit, await visit.office.superseding.begin(visit.named, why, None, by=visit.person.id)
        )

    async def _again(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        return await self._seen_to(visit, await visit.office.superseding.again(visit.named, by=visit.person.id))

    async def _drop(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        await visit.office.superseding.drop(visit.named, by=visit.person.id)
        return visit.go(f"/issued/{visit.named}")

    async def _seen_to(self, visit: ConsoleVisit, made: Successor) -> web.StreamResponse:
        """Close what the worker said of it, and show the next offer, if it could be made."""
        if await visit.office.reports.find(made.id) is not None:
            await visit.office.reports.close(made.id, by=visit.person.id)
        is_made = made.next_id is not None and await visit.office.desk.find(made.next_id) is not None
        return visit.go(f"/issued/{made.next_id if is_made else made.id}")


def _why(visit: ConsoleVisit, among: tuple[Why, ...]) -> Why:
    for why in among:
        if why.value == visit.text("why"):
            return why
    raise MalformedError(f"expected a reason: {', '.join(why.value for why in among)}")
