"""Who consented for somebody under age, or with help: a form on the page of a row, and on that of a certificate."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from aiohttp import web

from wanderbuch.agents.issuer.consent import Because, Consent, Consenting, Relation
from wanderbuch.agents.issuer.consenting.consents import ConsentTold
from wanderbuch.agents.issuer.console.pages import ConsolePages, ConsoleVisit
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.rendering import PageHandler


@dataclass(frozen=True, slots=True)
class ConsentShown:
    """What a page shows of a consent, and what its form offers.

    Args:
        kept: what is written down, None if nothing is.
        today: the day that the form shows first, ISO 8601.
    """

    kept: Consent | None
    today: str
    because: tuple[str, ...] = tuple(one.value for one in Because)
    relation: tuple[str, ...] = tuple(one.value for one in Relation)
    consenting: tuple[str, ...] = tuple(one.value for one in Consenting)


class ConsoleConsents:
    """The handlers of the form.

    Args:
        console: its pages.
    """

    def __init__(self, console: ConsolePages) -> None:
        self._console = console

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        served, base = self._console.served, self._console.base
        row, issued = f"{base}/batch/{{id}}/row/{{number}}", f"{base}/issued/{{id}}"
        return {
            ("POST", f"{row}/consent"): served(self._tell_row),
            ("POST", f"{row}/consent/withdraw"): served(self._withdraw_row),
            ("POST", f"{issued}/consent"): served(self._tell_offer),
            ("POST", f"{issued}/consent/withdraw"): served(self._withdraw_offer),
        }

    async def _tell_row(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        batch, number = await visit.office.batches.get(visit.named), _number(visit)
        await visit.office.consents.tell_of_row(batch, number, _told(visit), by=visit.person.id)
        return visit.go(f"/batch/{batch.id}/row/{number}")

    async def _withdraw_row(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        batch, number = await visit.office.batches.get(visit.named), _number(visit)
        await visit.office.consents.withdraw_of_row(batch.id, number, by=visit.person.id)
        return visit.go(f"/batch/{batch.id}/row/{number}")

    async def _tell_offer(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        offer = await visit.office.desk.get(visit.named)
        await visit.office.consents.tell_of_offer(offer.id, _told(visit), by=visit.person.id)
        return visit.go(f"/issued/{offer.id}")

    async def _withdraw_offer(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        offer = await visit.office.desk.get(visit.named)
        await visit.office.consents.withdraw_of_offer(offer.id, by=visit.person.id)
        return visit.go(f"/issued/{offer.id}")


def consent_shown(kept: Consent | None, at: datetime) -> ConsentShown:
    """Return what a page shows of a consent."""
    return ConsentShown(kept, at.date().isoformat())


def _told(visit: ConsoleVisit) -> ConsentTold:
    try:
        given_on = date.fromisoformat(visit.text("given_on"))
    except ValueError as err:
        raise MalformedError("expected the day on which consent was given") from err
    return ConsentTold(
        _chosen(visit, "because", Because),
        _chosen(visit, "relation", Relation),
        _chosen(visit, "consenting", Consenting),
        given_on,
    )


def _chosen[E: StrEnum](visit: ConsoleVisit, name: str, kind: type[E]) -> E:
    try:
        return kind(visit.text(name))
    except ValueError as err:
        raise MalformedError(f"expected {name}: one of {', '.join(one.value for one in kind)}") from err


def _number(visit: ConsoleVisit) -> int:
    text = visit.request.match_info["number"]
    if not (text.isascii() and text.isdecimal() and len(text) < 8):
        raise MalformedError("expected the number of a row")
    return int(text)
