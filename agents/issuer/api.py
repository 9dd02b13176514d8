"""The issuer's REST API: its standing, offers, and revocation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.desk import Desk
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.issuer.views import (
    NewOffer,
    Offers,
    OfferView,
    RevocationView,
    StandingView,
    accreditation_view,
    governance_view,
    offer_line,
    offer_view,
    registry_view,
    revocation_view,
)
from wanderbuch.agents.runtime.app import Call, Route, get, post
from wanderbuch.agents.runtime.listing import LISTED, asked_part
from wanderbuch.agents.runtime.problems import MalformedError, NotReadyError


@dataclass(frozen=True, slots=True)
class Office:
    """What the routes work on."""

    name: str
    config: IssuerConfig
    standing: Standing
    desk: Desk
    revocations: Revocations


def issuer_routes(office: Callable[[], Office | None]) -> Sequence[Route]:
    """Return the issuer's routes.

    Args:
        office: what they work on; None before the role has started.
    """

    def started() -> Office:
        if (found := office()) is None:
            raise NotReadyError("the issuer is starting")
        return found

    async def standing(_: Call[None]) -> StandingView:
        return await standing_view(started())

    async def refresh(_: Call[None]) -> StandingView:
        await started().standing.refresh()
        return await standing_view(started())

    async def make(call: Call[NewOffer]) -> OfferView:
        held = started()
        lifetime = timedelta(seconds=call.body.deadline_s or held.config.offer_deadline_s)
        return offer_view(await held.desk.make(call.body.claim, lifetime=lifetime), None)

    async def show(call: Call[None]) -> OfferView:
        held = started()
        offer = await held.desk.get(call.path["id"])
        return offer_view(offer, await held.revocations.get_or_none(offer.id))

    async def every(call: Call[None]) -> Offers:
        state, asked = _state(call.query.get("state")), asked_part(call.query)
        page = await started().desk.page(state, limit=asked.limit, cursor=asked.cursor)
        return Offers(items=[offer_line(each) for each in page.items], next_cursor=page.next_cursor)

    async def revoke(call: Call[None]) -> RevocationView:
        held = started()
        offer = await held.desk.get(call.path["id"])
        return revocation_view(await held.revocations.request(offer, wait_s=held.config.publish_wait_s))

    return (
        get("/standing", standing, result=StandingView, summary="Show what this issuer may attest, and with what"),
        post(
            "/governance/refresh", refresh, result=StandingView, summary="Ask the authority now, and show the standing"
        ),
        post("/offers", make, body=NewOffer, result=OfferView, status=201, summary="Offer a credential"),
        get("/offers", every, result=Offers, summary="List offers, the newest first", query=("state", *LISTED)),
        get("/offers/{id}", show, result=OfferView, summary="Show an offer and what became of it"),
        post(
            "/credentials/{id}/revoke",
            revoke,
            result=RevocationView,
            summary="Revoke the credential of an offer; `published` says whether the new status list is public",
        ),
    )


async def standing_view(office: Office) -> StandingView:
    """Return the issuer's standing as the API shows it."""
    standing = office.standing
    ground, snapshot = standing.ground(), standing.snapshot()
    cred_def_id = ground.cred_def_id if ground else None
    return StandingView(
        did=standing.did,
        name=office.name,
        credential_type=standing.credential_type.id,
        ready=ground is not None,
        waiting_for=standing.waiting_for or None,
        schema_id=ground.schema_id if ground else None,
        cred_def_id=cred_def_id,
        registries=[registry_view(each) for each in await standing.registries()],
        governance=governance_view(snapshot.ref, snapshot.fresh_until) if snapshot else None,
        accreditations=[accreditation_view(each, cred_def_id) for each in standing.accreditations()],
    )


def _state(text: str | None) -> OfferState | None:
    if text is None:
        return None
    try:
        return OfferState(text)
    except ValueError as err:
        raise MalformedError(f"unknown state; allowed: {', '.join(each.value for each in OfferState)}") from err
