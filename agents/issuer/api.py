"""The issuer's REST API: its standing, offers, and revocation."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol

from wanderbuch.agents.issuer.acts import Act
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.desk import OfferDesk
from wanderbuch.agents.issuer.holding.superseding import Superseding
from wanderbuch.agents.issuer.models import (
    NewOffer,
    OfferOut,
    Offers,
    RevocationOut,
    StandingOut,
    accreditation_view,
    governance_view,
    offer_line,
    offer_view,
    registry_view,
    revocation_view,
)
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.people.rest import manager
from wanderbuch.agents.runtime.app import Call, Route, get, post
from wanderbuch.agents.runtime.listing import LISTED, asked_part
from wanderbuch.agents.runtime.problems import MalformedError


class IssuerWork(Protocol):
    """What the routes work on: an open issuer's office."""

    @property
    def name(self) -> str:
        """Return what the issuer is called."""

    @property
    def config(self) -> IssuerConfig:
        """Return its settings."""

    @property
    def standing(self) -> Standing:
        """Return what it may attest, and with what."""

    @property
    def desk(self) -> OfferDesk:
        """Return where it makes offers."""

    @property
    def batches(self) -> BatchDesk:
        """Return its batches, and the log of who did what."""

    @property
    def revocations(self) -> Revocations:
        """Return its revocations."""

    @property
    def superseding(self) -> Superseding:
        """Return what takes the place of its credentials."""


async def _standing(office: IssuerWork, _: Call[None]) -> StandingOut:
    return await standing_view(office)


async def _refresh(office: IssuerWork, _: Call[None]) -> StandingOut:
    await office.standing.refresh()
    return await standing_view(office)


async def _make(office: IssuerWork, call: Call[NewOffer]) -> OfferOut:
    lifetime = timedelta(seconds=call.body.deadline_s or office.config.offer_deadline_s)
    if call.once is not None and (made := await office.desk.find(call.once.id)) is not None:
        return offer_view(made, None, with_qr=False)
    made = await office.desk.make(call.body.claim, lifetime=lifetime, offer_id=call.new_id, by=manager(call))
    return offer_view(made, None, with_qr=False)


async def _show(office: IssuerWork, call: Call[None]) -> OfferOut:
    offer = await office.desk.get(call.path["id"])
    successor = await office.superseding.find(offer.id)
    next_id = None if successor is None else successor.next_id
    return offer_view(offer, await office.revocations.get_or_none(offer.id), superseded_by=next_id)


async def _every(office: IssuerWork, call: Call[None]) -> Offers:
    state, asked = _state(call.query.get("state")), asked_part(call.query)
    page = await office.desk.page(state, limit=asked.limit, cursor=asked.cursor)
    return Offers(items=[offer_line(offer) for offer in page.items], next_cursor=page.next_cursor)


async def _withdraw(office: IssuerWork, call: Call[None]) -> OfferOut:
    offer = await office.desk.get(call.path["id"])
    if offer.state is OfferState.OPEN:
        await office.batches.log.note(Act.WITHDRAWN, by=manager(call), what=offer.id, key=f"{Act.WITHDRAWN}.{offer.id}")
    return offer_view(await office.desk.withdraw(offer.id), None)


async def _revoke(office: IssuerWork, call: Call[None]) -> RevocationOut:
    offer = await office.desk.get(call.path["id"])
    if offer.state is OfferState.ISSUED:
        await office.batches.log.note(Act.REVOKED, by=manager(call), what=offer.id, key=f"{Act.REVOKED}.{offer.id}")
    return revocation_view(await office.revocations.request(offer, wait_s=office.config.publish_wait_s))


ISSUER_ROUTES: Final[Sequence[Route]] = (
    get("/standing", _standing, result=StandingOut, summary="Show what this issuer may attest, and with what"),
    post("/governance/refresh", _refresh, result=StandingOut, summary="Ask the authority now, and show the standing"),
    post("/offers", _make, body=NewOffer, result=OfferOut, status=201, summary="Offer a credential", once=True),
    get("/offers", _every, result=Offers, summary="List offers, the newest first", query=("state", *LISTED)),
    get("/offers/{id}", _show, result=OfferOut, summary="Show an offer and what became of it"),
    post("/offers/{id}/withdraw", _withdraw, result=OfferOut, summary="End an open offer, and tell the wallet"),
    post(
        "/credentials/{id}/revoke",
        _revoke,
        result=RevocationOut,
        summary="Revoke the credential of an offer; `published` says whether the new status list is public",
    ),
)


async def standing_view(office: IssuerWork) -> StandingOut:
    """Return the issuer's standing as the API shows it."""
    standing = office.standing
    ground, snapshot = standing.ground(), standing.snapshot()
    cred_def_id = ground.cred_def_id if ground else None
    return StandingOut(
        did=standing.did,
        name=office.name,
        credential_type=standing.credential_type.id,
        ready=ground is not None,
        waiting_for=standing.waiting_for or None,
        schema_id=ground.schema_id if ground else None,
        cred_def_id=cred_def_id,
        registries=[registry_view(registry) for registry in await standing.registries()],
        governance=governance_view(snapshot.ref, snapshot.fresh_until) if snapshot else None,
        accreditations=[accreditation_view(accreditation, cred_def_id) for accreditation in standing.accreditations()],
    )


def _state(text: str | None) -> OfferState | None:
    if text is None:
        return None
    try:
        return OfferState(text)
    except ValueError as err:
        raise MalformedError(
            f"unknown state; allowed: {', '.join(offer_state.value for offer_state in OfferState)}"
        ) from err
