"""Issuing to one person at the console: a form, what the wallet will show, then a code on the screen or on paper.

It is an offer like every other (`OfferDesk.make`): nothing is kept before the last button, and what the authority does
not let the centre attest is said on the preview. Sent twice, the same page makes one offer.

An old paper certificate is judged as every award is, on its day of award; and the credential says in its details that
it was written from paper, and when.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup

from wanderbuch.agents.issuer.acts import Act
from wanderbuch.agents.issuer.batch_records.slips import own_number
from wanderbuch.agents.issuer.class_list.listed import NUMBER
from wanderbuch.agents.issuer.console.claim_form import ClaimForm, blank_form, checked, read_claim_form, shared_values
from wanderbuch.agents.issuer.console.claim_view import lines_of_values, name_of
from wanderbuch.agents.issuer.console.clerks import ClerkRole
from wanderbuch.agents.issuer.console.consent_pages import consent_shown
from wanderbuch.agents.issuer.console.holding_pages import SAME_AGAIN
from wanderbuch.agents.issuer.console.pages import ConsolePages, ConsoleVisit
from wanderbuch.agents.issuer.console.slip_view import slip_of
from wanderbuch.agents.issuer.desk import OfferRefusedError
from wanderbuch.agents.issuer.holding.successor import SuccessorState
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.register.numbers import NumberTakenError
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.agents.runtime.problems import MalformedError, NotReadyError
from wanderbuch.agents.runtime.qr import qr_svg
from wanderbuch.agents.site.progress import ProgressShown
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.site.streams import Message
from wanderbuch.agents.site.works import WorkState
from wanderbuch.errors import ExchangeError
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.question import Reason, Verdict
from wanderbuch.schemas.claims import plain_values
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.store.records import DuplicateError

LIFETIMES: Final[Mapping[str, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}
"""How long an offer may stand: as long as somebody is at the counter, or until the slip is used at home."""
_LOOK_EVERY_S: Final = 0.7
_DETAILS: Final = "details"
_STATES: Final = {OfferState.OPEN: 1}
_OVER: Final = 2


class ConsoleIssuing:
    """The handlers of issuing to one person.

    Args:
        console: its pages.
    """

    def __init__(self, console: ConsolePages) -> None:
        self._console = console

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        base, served = self._console.base, self._console.served
        issued = f"{base}/issued/{{id}}"
        return {
            ("GET", f"{base}/issue"): served(self._form),
            ("POST", f"{base}/issue"): served(self._sent),
            ("GET", issued): served(self._show),
            ("GET", f"{issued}/slip"): served(self._slip),
            ("GET", f"{issued}/events"): served(self._follow),
            ("POST", f"{issued}/withdraw"): served(self._withdraw),
            ("POST", f"{issued}/again"): served(self._again),
            ("POST", f"{issued}/revoke"): served(self._revoke),
        }

    async def _form(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        office, kind = visit.office, visit.office.standing.credential_type
        filled: Mapping[str, str] = {"awarding_body": office.tenant.name}
        if like := visit.request.query.get("like", "")[:64]:
            offer = await office.desk.get(like)
            filled = shared_values(plain_values(kind, offer.values))
        return self._show_form(visit, blank_form(kind, filled, visit.words))

    def _show_form(self, visit: ConsoleVisit, form: ClaimForm, *, status: int = 200) -> web.Response:
        return self._console.show(
            visit,
            "console_issue.html",
            status=status,
            form=form,
            number=NUMBER,
            lifetimes=tuple(LIFETIMES),
            lifetime=visit.text("lifetime") or "hour",
            from_paper=bool(visit.text("from_paper")),
            ready=visit.office.standing.ground() is not None,
        )

    async def _sent(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        kind, at = visit.office.standing.credential_type, visit.office.tenant.clock()
        number = own_number(visit.own_id("number"), 0)
        last_day = days_anywhere(at).last
        form = read_claim_form(kind, visit.sent, visit.words, at=last_day, number=number)
        if form.is_whole:  # with what is added to it, which may be too long with what was written
            checked(kind, form, _claim(visit, form), last_day)
        if not form.is_whole:
            return self._show_form(visit, form, status=422)
        match visit.text("step"):
            case "change":
                return self._show_form(visit, form)
            case "offer":
                return await self._offer(visit, form)
            case _:
                return await self._preview(visit, form)

    async def _preview(
        self, visit: ConsoleVisit, form: ClaimForm, *, reasons: Sequence[Reason] | None = None, status: int = 200
    ) -> web.StreamResponse:
        office, claim = visit.office, _claim(visit, form)
        kind, waiting_for = office.standing.credential_type, ""
        level = 0
        if office.standing.ground() is None:
            waiting_for = office.standing.waiting_for
            values: Mapping[str, str] = claim
        else:
            draft = await office.standing.draft(claim, at=office.tenant.clock())
            values = draft.offer.values
            level = int(values.get("eqf_level", "0"))
            if reasons is None:
                reasons = () if draft.decision.verdict is Verdict.TRUSTED else draft.decision.reasons
        return self._console.show(
            visit,
            "console_preview.html",
            status=status,
            form=form,
            lines=lines_of_values(kind, values, visit.words),
            level=level,
            reasons=reasons or (),
            waiting_for=waiting_for,
            lifetime=_lifetime(visit),
            from_paper=bool(visit.text("from_paper")),
            name=name_of(form.claim),
        )

    async def _offer(self, visit: ConsoleVisit, form: ClaimForm) -> web.StreamResponse:
        office, offer_id = visit.office, visit.own_id("offer")
        if await office.desk.find(offer_id) is None:
            try:
                await office.desk.make(
                    _claim(visit, form), lifetime=LIFETIMES[_lifetime(visit)], offer_id=offer_id, by=visit.person.id
                )
                await _note(visit, Act.OFFERED, offer_id)
            except DuplicateError:  # a second click
                pass
            except OfferRefusedError as err:
                return await self._preview(visit, form, reasons=err.decision.reasons, status=409)
            except NumberTakenError as err:
                for line in form.lines:
                    if line.name == NUMBER:
                        line.problem = f"{err.message}: {err.hint}"
                return self._show_form(visit, form, status=409)
            except NotReadyError:
                return await self._preview(visit, form, status=503)
        return visit.go(f"/issued/{offer_id}")

    async def _show(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        offer = await visit.office.desk.get(visit.named)
        kind = load_credential_type(offer.credential_type)
        office, now = visit.office, visit.office.tenant.clock()
        successor = await office.superseding.find(offer.id)
        next_id = None if successor is None else successor.next_id
        next_offer = None if next_id is None else await office.desk.find(next_id)
        is_open, address = offer.state is OfferState.OPEN, offer.short_url or offer.invitation_url
        return self._console.show(
            visit,
            "console_issued.html",
            offer=offer,
            is_open=is_open,
            is_issued=offer.state.has_credential,
            intent=await office.revocations.get_or_none(offer.id),
            reasons=[reason.value for reason in RevocationReason],
            report=await office.reports.find(offer.id),
            consent=consent_shown(await office.consents.of_offer(offer.id), office.tenant.clock()),
            successor=successor,
            next_offer=next_offer,
            may_offer_again=successor is not None and successor.may_offer_again(next_offer, now),
            may_repeat=await _may_repeat(visit, offer),
            may_drop=successor is not None and successor.may_drop,
            may_replace=successor is None or successor.state is SuccessorState.LAPSED,
            whys=[why.value for why in SAME_AGAIN],
            is_revoked=offer.state is OfferState.REVOKED,
            name=name_of(offer.values),
            lines=lines_of_values(kind, offer.values, visit.words),
            code=Markup(qr_svg(address)) if is_open and address else None,  # noqa: S704 (made here, an address of ours)
            address=address,
            progress=ProgressShown(
                f"{visit.home}/issued/{offer.id}/events", str(_state_text(visit, offer)), WorkState(1, "")
            )
            if is_open
            else None,
        )

    async def _slip(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Return the slip of an offer alone, to be printed."""
        visit.must_issue()
        offer = await visit.office.desk.get(visit.named)
        address = offer.short_url or offer.invitation_url
        if offer.state is not OfferState.OPEN or address is None:
            return visit.go(f"/issued/{offer.id}")
        return self._console.show(
            visit,
            "console_slips.html",
            back=f"/issued/{offer.id}",
            slips=[slip_of(name_of(offer.values), offer.values, address)],
            until=offer.answer_by,
            asks="in-person",
            fact=None,
            next_after=None,
            is_running=True,
            files=[],
        )

    async def _follow(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Tell the page when the offer goes on; it looks in the store, where any process may have written it."""
        visit.must_issue()
        office, offer_id = visit.office, (await visit.office.desk.get(visit.named)).id

        async def source(number: int) -> Message:
            while True:
                offer = await office.desk.get(offer_id)
                step = _STATES.get(offer.state, _OVER)
                if step > number:
                    is_over = step == _OVER
                    text = "" if is_over else str(_state_text(visit, offer))
                    data: dict[str, Any] = {"text": text, "done": 0, "of": 0, "over": is_over}
                    return Message(step, "progress", data, is_last=is_over)
                await asyncio.sleep(_LOOK_EVERY_S)

        return await office.console.access.sessions.stream(
            visit.request, visit.person, source, still_may=lambda clerk: clerk.may(ClerkRole.CLERK)
        )

    async def _withdraw(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        with contextlib.suppress(ExchangeError):  # the wallet was first: the page shows that
            offer = await visit.office.desk.get(visit.named)
            if offer.state is OfferState.OPEN:
                await _note(visit, Act.WITHDRAWN, offer.id)
            await visit.office.desk.withdraw(offer.id)
        return visit.go(f"/issued/{visit.named}")

    async def _revoke(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Revoke a certificate at once: the wrong person has it, or it says what is not so."""
        visit.must_issue()
        if visit.text("sure") != "yes":
            raise MalformedError("tick the box to confirm")
        office, offer = visit.office, await visit.office.desk.get(visit.named)
        if offer.state is OfferState.ISSUED:
            await office.many_revocations.revoke(
                (offer.id,), reason_in(visit), by=visit.person.id, wait_s=office.config.publish_wait_s
            )
        return visit.go(f"/issued/{visit.named}")

    async def _again(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Offer the same once more, after it ended without a credential; in the place of another one, if it was so."""
        visit.must_issue()
        office = visit.office
        before, offer_id = await office.desk.get(visit.named), visit.own_id("offer")
        if before.state is OfferState.OPEN or before.state.has_credential:
            return visit.go(f"/issued/{before.id}")
        if before.supersedes is not None:
            made = await office.superseding.again(before.supersedes, by=visit.person.id)
            is_made = made.next_id is not None and await office.desk.find(made.next_id) is not None
            return visit.go(f"/issued/{made.next_id if is_made else made.id}")
        kind = load_credential_type(before.credential_type)
        plain = plain_values(kind, before.values)
        claim = {attribute.name: plain[attribute.name] for attribute in kind.claimed if attribute.name in plain}
        if await office.desk.find(offer_id) is None:
            with contextlib.suppress(DuplicateError):  # a second click
                await office.desk.make(claim, lifetime=LIFETIMES["hour"], offer_id=offer_id, by=visit.person.id)
                await _note(visit, Act.OFFERED, offer_id)
        return visit.go(f"/issued/{offer_id}")


def _claim(visit: ConsoleVisit, form: ClaimForm) -> dict[str, str]:
    """Return the claim of a form; one from paper says so in its details."""
    kind = visit.office.standing.credential_type
    if not visit.text("from_paper") or _DETAILS not in kind.attr_names:
        return dict(form.claim)
    absent = kind.attribute(_DETAILS).absent
    told = form.claim.get(_DETAILS, "")
    told = "" if absent is not None and told == absent.raw else told
    at = visit.office.tenant.clock().date()
    return {**form.claim, _DETAILS: f"{told} (Written from a paper certificate on {at.isoformat()}.)".strip()}


def reason_in(visit: ConsoleVisit) -> RevocationReason:
    """Return why a form revokes."""
    return next((one for one in RevocationReason if one == visit.text("reason")), RevocationReason.OTHER)


async def _note(visit: ConsoleVisit, act: Act, offer_id: str) -> None:
    await visit.office.batches.log.note(act, by=visit.person.id, what=offer_id, key=f"{act}.{offer_id}")


async def _may_repeat(visit: ConsoleVisit, offer: Offer) -> bool:
    """Return whether an offer that ended without a credential may be made once more."""
    if offer.state is OfferState.OPEN or offer.state.has_credential:
        return False
    if offer.supersedes is None:
        return True
    office = visit.office
    successor = await office.superseding.find(offer.supersedes)
    if successor is None or successor.next_id != offer.id or not await office.desk.book.may_follow(offer.supersedes):
        return False
    return successor.may_offer_again(offer, office.tenant.clock())


def _lifetime(visit: ConsoleVisit) -> str:
    asked = visit.text("lifetime")
    return asked if asked in LIFETIMES else "hour"


def _state_text(visit: ConsoleVisit, offer: Offer) -> Markup:
    return visit.words("console.offer.taken" if offer.wallet is not None else "console.offer.waiting")
