"""The holder's REST API: its routes, and what each does."""

import base64
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder import offers, requests
from wanderbuch.agents.holder.api_models import (
    CredentialOut,
    CredentialsOut,
    DeclineIn,
    ErasureOut,
    InvitationIn,
    OfferOut,
    OffersOut,
    OpenedOut,
    PresentIn,
    RequestOut,
    RequestsOut,
    StapleOut,
    WrongIn,
)
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.erasing import ask_to_erase, asked_erasure
from wanderbuch.agents.holder.fitting import HeldCredential
from wanderbuch.agents.holder.invitations import open_invitation
from wanderbuch.agents.holder.offers import is_accepted
from wanderbuch.agents.holder.peers import governance_name
from wanderbuch.agents.holder.reading import MAX_PAGE, Page
from wanderbuch.agents.holder.wallet import get_credential, list_credentials, type_of
from wanderbuch.agents.runtime.app import Call, Route, get, post
from wanderbuch.agents.runtime.decisions import DecisionOut
from wanderbuch.agents.runtime.governance_state import GOVERNANCE_ROUTES, governance_of
from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.governance.facts.identifiers import Did, IdentifierError, WebvhDid
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.trust.offline.stapling import make_staple
from wanderbuch.schemas.claims import plain_values
from wanderbuch.store.records import NotFoundError, utc_now


class HolderWork(Protocol):
    """What the routes work on: an open holder's office."""

    @property
    def profile(self) -> Profile:
        """Return whose wallet."""

    @property
    def config(self) -> HolderConfig:
        """Return its settings."""

    @property
    def edge(self) -> HttpEdge:
        """Return the way out to other hosts."""

    @property
    def governance(self) -> GovernanceSource | None:
        """Return whose word counts; None if it was not told."""


async def _open(office: HolderWork, call: Call[InvitationIn]) -> OpenedOut:
    opened = await open_invitation(office.profile, office.edge, office.config, call.body.url)
    return OpenedOut(kind=opened.kind, id=opened.id)


async def _every_offer(office: HolderWork, call: Call[None]) -> OffersOut:
    offers_found, total = await offers.list_offers(office.profile, office.config, _page(call.query))
    return OffersOut(items=[OfferOut.of(offer) for offer in offers_found], total=total)


async def _refresh_offers(office: HolderWork, _: Call[None]) -> OffersOut:
    offers_found, total = await offers.refresh_offers(office.profile, office.config)
    return OffersOut(items=[OfferOut.of(offer) for offer in offers_found], total=total)


async def _one_offer(office: HolderWork, call: Call[None]) -> OfferOut:
    return OfferOut.of(await offers.get_offer(office.profile, office.config, call.path["id"]))


async def _accept(office: HolderWork, call: Call[None]) -> OfferOut:
    offer, decision = await offers.accept(office.profile, office.config, call.path["id"])
    if decision is not None and not is_accepted(decision):
        raise RefusedError(
            f"the offer cannot be accepted: it is {decision.verdict.value}. "
            + " ".join(reason.text for reason in decision.reasons),
            members={"judgement": DecisionOut.of(decision).model_dump(mode="json")},
        )
    return OfferOut.of(offer)


async def _decline_offer(office: HolderWork, call: Call[None]) -> OfferOut:
    return OfferOut.of(await offers.decline(office.profile, office.config, call.path["id"]))


async def _wrong(office: HolderWork, call: Call[WrongIn]) -> OfferOut:
    wrong = call.body.wrong
    return OfferOut.of(await offers.decline(office.profile, office.config, call.path["id"], wrong=wrong))


async def _credentials(office: HolderWork, call: Call[None]) -> CredentialsOut:
    credentials = await list_credentials(office.profile, check_revocation=call.query.get("revocation") == "true")
    return CredentialsOut(items=[_shown(office, held_credential) for held_credential in credentials])


async def _credential(office: HolderWork, call: Call[None]) -> CredentialOut:
    return _shown(office, await get_credential(office.profile, call.path["id"]))


async def _staple(office: HolderWork, call: Call[None]) -> StapleOut:
    credential = await get_credential(office.profile, call.path["id"])
    issuer = Did.parse(credential.issuer_did)
    made = await make_staple(governance_of(office.governance), issuer, edge=office.edge, now=utc_now())
    return StapleOut(issuer=issuer, staple=base64.b64encode(made).decode())


async def _every_request(office: HolderWork, call: Call[None]) -> RequestsOut:
    requests_found, total = await requests.list_requests(office.profile, office.config, _page(call.query))
    return RequestsOut(items=[RequestOut.of(request) for request in requests_found], total=total)


async def _one_request(office: HolderWork, call: Call[None]) -> RequestOut:
    most = _page(call.query).limit if "limit" in call.query else requests.MOST_FITS
    return RequestOut.of(await requests.get_request(office.profile, office.config, call.path["id"], most=most))


async def _present(office: HolderWork, call: Call[PresentIn]) -> RequestOut:
    done = await requests.present(
        office.profile, office.config, call.path["id"], call.body.named, leave_out=call.body.leave_out
    )
    return RequestOut.of(done)


async def _decline(office: HolderWork, call: Call[DeclineIn]) -> RequestOut:
    return RequestOut.of(await requests.decline(office.profile, office.config, call.path["id"], call.body.reason))


async def _erase(office: HolderWork, call: Call[None]) -> ErasureOut:
    return ErasureOut.of(await ask_to_erase(office.profile, call.path["id"]))


async def _erasure(office: HolderWork, call: Call[None]) -> ErasureOut:
    asked = await asked_erasure(office.profile, call.path["id"])
    if asked is None:
        raise NotFoundError("nobody was asked to erase an answer to this request")
    return ErasureOut.of(asked)


def _page(query: Mapping[str, str]) -> Page:
    """Return the page that is asked for.

    Raises:
        MalformedError: a number is none, or out of bounds.
    """

    def number(name: str, default: int, lowest: int, highest: int) -> int:
        text = query.get(name, str(default))
        if not (text.isascii() and text.isdecimal() and len(text) <= 9) or not lowest <= int(text) <= highest:
            raise MalformedError(f"expected {name} from {lowest} to {highest}")
        return int(text)

    return Page(limit=number("limit", Page().limit, 1, MAX_PAGE), offset=number("offset", 0, 0, 10**9 - 1))


def _shown(office: HolderWork, credential: HeldCredential) -> CredentialOut:
    known = type_of(credential)
    try:
        name = governance_name(office.profile, WebvhDid.parse(credential.issuer_did))
    except IdentifierError:
        name = None
    return CredentialOut(
        id=credential.id,
        type=known.id if known else None,
        issuer=credential.issuer_did,
        issuer_name=name,
        cred_def_id=credential.cred_def_id,
        values=plain_values(known, credential.values) if known else dict(credential.values),
        expires_on=credential.expires_on,
        revocation=credential.revocation,
    )


_PAGE = ("limit", "offset")


HOLDER_ROUTES: Final[Sequence[Route]] = (
    post("/invitations", _open, body=InvitationIn, result=OpenedOut, summary="Open an invitation"),
    get("/offers", _every_offer, result=OffersOut, summary="List offers as they were last judged", query=_PAGE),
    post("/offers/refresh", _refresh_offers, result=OffersOut, summary="Judge the newest open offers now, and list"),
    get("/offers/{id}", _one_offer, result=OfferOut, summary="Show an offer and how it is judged now"),
    post("/offers/{id}/accept", _accept, result=OfferOut, summary="Accept an offer that is TRUSTED"),
    post("/offers/{id}/decline", _decline_offer, result=OfferOut, summary="Decline an offer"),
    post(
        "/offers/{id}/wrong",
        _wrong,
        body=WrongIn,
        result=OfferOut,
        summary="Decline an offer in which something is wrong",
    ),
    get(
        "/credentials",
        _credentials,
        result=CredentialsOut,
        summary="List credentials; revocation=true looks it up",
        query=("revocation",),
    ),
    get("/credentials/{id}", _credential, result=CredentialOut, summary="Show a credential, its revocation looked up"),
    get(
        "/credentials/{id}/staple",
        _staple,
        result=StapleOut,
        summary="Take the issuer's standing along, for a verifier without a network",
    ),
    get("/requests", _every_request, result=RequestsOut, summary="List proof requests", query=_PAGE),
    get(
        "/requests/{id}",
        _one_request,
        result=RequestOut,
        summary="Show what is asked, by whom, and the `limit` credentials that come nearest",
        query=("limit",),
    ),
    post(
        "/requests/{id}/present",
        _present,
        body=PresentIn,
        result=RequestOut,
        summary="Answer with one credential, named here",
    ),
    post("/requests/{id}/decline", _decline, body=DeclineIn, result=RequestOut, summary="Decline a request"),
    post(
        "/requests/{id}/erase",
        _erase,
        result=ErasureOut,
        summary="Ask the verifier to erase what it keeps of an answer",
    ),
    get("/requests/{id}/erasure", _erasure, result=ErasureOut, summary="Show what a verifier says that it erased"),
    *GOVERNANCE_ROUTES,
)
