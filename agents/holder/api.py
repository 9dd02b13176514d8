"""The holder's REST API: models and routes."""

import base64
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Final, Literal, Protocol

from acapy_agent.core.profile import Profile
from pydantic import Field, model_validator

from wanderbuch.agents.holder import offers, requests
from wanderbuch.agents.holder.asked import MAX_REFERENTS, AskedKind
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.erasing import AskedErasure, ask_to_erase, asked_erasure
from wanderbuch.agents.holder.fitting import HeldCredential, Revocation
from wanderbuch.agents.holder.invitations import open_invitation
from wanderbuch.agents.holder.offers import Offer, OfferState, is_accepted
from wanderbuch.agents.holder.opening import InvitationKind
from wanderbuch.agents.holder.peers import Peer, governance_name
from wanderbuch.agents.holder.reading import MAX_PAGE, Page
from wanderbuch.agents.holder.registered_out import RegisteredOut
from wanderbuch.agents.holder.requests import DeclineReason, Fit, Request, RequestState
from wanderbuch.agents.holder.wallet import get_credential, list_credentials, type_of
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.decisions import DecisionOut, ReasonOut
from wanderbuch.agents.runtime.governance_state import GOVERNANCE_ROUTES, governance_of
from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.governance.facts.identifiers import Did, IdentifierError, WebvhDid
from wanderbuch.governance.facts.question import Purpose, Verdict
from wanderbuch.plugins.exchange.erasure_messages import ErasedPart
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.trust.offline.stapling import make_staple
from wanderbuch.schemas.claims import plain_values
from wanderbuch.store.records import NotFoundError, utc_now


class InvitationIn(ApiModel):
    """An invitation, as scanned or pasted."""

    url: str = Field(min_length=8, max_length=65_536)


class OpenedOut(ApiModel):
    """What an invitation brought."""

    kind: InvitationKind
    id: str


class PeerOut(ApiModel):
    """Who is at the other end: `known` only if the governance file names the DID; the label proves nothing."""

    did: str | None
    known: bool
    name: str | None
    unverified_label: str | None

    @classmethod
    def of(cls, peer: Peer) -> "PeerOut":
        """Return the peer for the wire."""
        return cls(did=peer.did, known=peer.is_known, name=peer.name, unverified_label=peer.unverified_label)


class OfferOut(ApiModel):
    """An offer.

    `judgement` is the newest that was made (`decided_at` says when); null if there is none yet, or the offer is over.
    `judgement_is_current` says whether it rests on the newest governance that this wallet knows. Accepting judges anew.
    """

    id: str
    state: OfferState
    from_: PeerOut = Field(serialization_alias="from")
    issuer: str | None
    issuer_name: str | None
    claim: dict[str, str]
    judgement: DecisionOut | None
    judgement_is_current: bool
    deadline: datetime
    note: str | None
    credential_id: str | None

    @classmethod
    def of(cls, offer: Offer) -> "OfferOut":
        """Return the offer for the wire."""
        return cls(
            id=offer.id,
            state=offer.state,
            from_=PeerOut.of(offer.peer),
            issuer=offer.issuer,
            issuer_name=offer.issuer_name,
            claim=dict(offer.claim),
            judgement=DecisionOut.of(offer.judgement) if offer.judgement else None,
            judgement_is_current=offer.judgement_is_current,
            deadline=offer.deadline,
            note=offer.note,
            credential_id=offer.credential_id,
        )


class OffersOut(ApiModel):
    """Offers, newest first: those that were asked for (`limit`, `offset`) of `total`."""

    items: list[OfferOut]
    total: int


class CredentialOut(ApiModel):
    """A credential in the wallet; `values` are the person's own."""

    id: str
    type: str | None
    issuer: str
    issuer_name: str | None
    cred_def_id: str
    values: dict[str, str]
    expires_on: date | None
    revocation: Revocation


class StapleOut(ApiModel):
    """The standing of a credential's issuer, signed by its authority: to hand over to a verifier without a network."""

    issuer: str
    staple: str = Field(description="base64")


class CredentialsOut(ApiModel):
    """The credentials in the wallet."""

    items: list[CredentialOut]


class ItemOut(ApiModel):
    """One thing that a request asks."""

    kind: AskedKind
    attribute: str | None
    text: str


class FitOut(ApiModel):
    """Whether a credential can answer a request; `hidden` is what the verifier would not see of it."""

    credential_id: str
    fits: bool
    reasons: list[ReasonOut]
    hidden: list[str]


class PartOut(ApiModel):
    """One of several credentials that are asked for, and those of the wallet that come nearest to it."""

    name: str
    credentials: list[FitOut]
    credentials_fitting: int


class RequestOut(ApiModel):
    """A proof request; `asking` says whether this verifier may ask it, `purpose` what it says that it is for.

    `title` is the verifier's own word: how it calls its question, and that it keeps the answer, if a law asks for that.

    `credentials` are those of the wallet that come nearest, those that fit first and the newest of them before others;
    `credentials_fitting` says how many fit, of `credentials_total`.
    """

    id: str
    state: RequestState
    from_: PeerOut = Field(serialization_alias="from")
    purpose: Purpose | None
    title: str
    asking: DecisionOut | None
    registered: RegisteredOut | None = Field(description="null: the list says nothing of this verifier")
    asked: list[ItemOut]
    credentials: list[FitOut]
    credentials_fitting: int
    credentials_total: int
    parts: list[PartOut]
    can_answer: bool
    explanation: str
    deadline: datetime
    note: str | None

    @classmethod
    def of(cls, request: Request) -> "RequestOut":
        """Return the request for the wire."""
        return cls(
            id=request.id,
            state=request.state,
            from_=PeerOut.of(request.peer),
            purpose=request.peer.purpose,
            title=request.title,
            asking=DecisionOut.of(request.asking) if request.asking else None,
            registered=RegisteredOut.of(request.registered) if request.registered else None,
            asked=[ItemOut(kind=item.kind, attribute=item.attribute, text=item.text) for item in request.asked],
            credentials=[_fit(fit) for fit in request.fits],
            credentials_fitting=request.fitting,
            credentials_total=request.total,
            parts=[
                PartOut(name=part.name, credentials=[_fit(fit) for fit in part.fits], credentials_fitting=part.fitting)
                for part in request.parts
            ],
            can_answer=not _over_asks(request) and _can_answer(request),
            explanation=_explain(request),
            deadline=request.deadline,
            note=request.note,
        )


class RequestsOut(ApiModel):
    """Proof requests, newest first: those that were asked for (`limit`, `offset`) of `total`."""

    items: list[RequestOut]
    total: int


class PresentIn(ApiModel):
    """The person's consent: which credential answers, or which for each that is asked for, by its name."""

    credential_id: str | None = Field(default=None, min_length=1, max_length=128)
    credentials: dict[str, Annotated[str, Field(min_length=1, max_length=128)]] | None = Field(
        default=None, min_length=1, max_length=MAX_REFERENTS
    )

    @property
    def named(self) -> str | dict[str, str]:
        """What the person named."""
        return self.credential_id if self.credential_id is not None else self.credentials or {}

    @model_validator(mode="after")
    def _names_one_way(self) -> "PresentIn":
        if (self.credential_id is None) == (self.credentials is None):
            raise ValueError("expected either credential_id or credentials")
        return self


class KeptOut(ApiModel):
    """What a verifier keeps for a law, as it says, and until when."""

    what: ErasedPart
    law: str
    purpose: str
    until: date


class ErasureOut(ApiModel):
    """That a verifier was asked to erase an answer; `answered_at` is null until it says what it did."""

    request_id: str
    state: Literal["ASKED", "ANSWERED"]
    asked_at: datetime
    answered_at: datetime | None
    erased: list[ErasedPart]
    kept: list[KeptOut]

    @classmethod
    def of(cls, asked: AskedErasure) -> "ErasureOut":
        """Return it for the wire."""
        return cls(
            request_id=asked.id,
            state="ASKED" if asked.answered_at is None else "ANSWERED",
            asked_at=asked.created_at,
            answered_at=asked.answered_at,
            erased=list(asked.erased),
            kept=[KeptOut(what=part.what, law=part.law, purpose=part.purpose, until=part.until) for part in asked.kept],
        )


class DeclineIn(ApiModel):
    """What the verifier is told."""

    reason: DeclineReason = DeclineReason.UNWILLING


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
    done = await requests.present(office.profile, office.config, call.path["id"], call.body.named)
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


def _fit(fit: Fit) -> FitOut:
    return FitOut(
        credential_id=fit.credential_id,
        fits=not fit.misfits,
        reasons=[ReasonOut.of(reason) for reason in fit.misfits],
        hidden=list(fit.hidden),
    )


def _can_answer(request: Request) -> bool:
    """Whether the wallet has a credential for it, or for each that is asked for."""
    return all(part.fitting for part in request.parts) if request.parts else request.fitting > 0


def _over_asks(request: Request) -> bool:
    return request.asking is not None and request.asking.verdict is Verdict.NOT_TRUSTED


def _explain(request: Request) -> str:
    """Say in one or two sentences where the person stands with this request."""
    if request.state is not RequestState.OPEN:
        return _STATE_TEXTS[request.state]
    if not request.asked:
        return request.note or "What is asked cannot be read."
    if request.asking is not None and _over_asks(request):
        return "This verifier may not ask that. " + " ".join(reason.text for reason in request.asking.reasons)
    if not request.fits:
        return "There is no credential in this wallet that could answer."
    if request.parts and _can_answer(request):
        return f"{len(request.parts)} credentials are asked for; choose one for each, or decline."
    if request.parts:
        missing = ", ".join(part.name for part in request.parts if not part.fitting)
        return f"No credential can answer for: {missing}." if missing else "One credential cannot answer for two."
    if request.fitting:
        return f"{request.fitting} of {request.total} credentials can answer; choose one, or decline."
    closest = request.fits[0]
    return "No credential can answer. The closest: " + " ".join(reason.text for reason in closest.misfits)


_PAGE = ("limit", "offset")
_STATE_TEXTS = {
    RequestState.PRESENTED: "The proof was sent; the verifier has not confirmed it yet.",
    RequestState.ACCEPTED: "The verifier confirmed the proof.",
    RequestState.ACKNOWLEDGED: "The verifier has the proof; it did not say what it decided.",
    RequestState.REFUSED_BY_VERIFIER: "The verifier did not accept the proof, or ended the exchange.",
    RequestState.DECLINED: "Declined.",
    RequestState.NO_ANSWER: "The exchange was not finished in time.",
}


HOLDER_ROUTES: Final[Sequence[Route]] = (
    post("/invitations", _open, body=InvitationIn, result=OpenedOut, summary="Open an invitation"),
    get("/offers", _every_offer, result=OffersOut, summary="List offers as they were last judged", query=_PAGE),
    post("/offers/refresh", _refresh_offers, result=OffersOut, summary="Judge the newest open offers now, and list"),
    get("/offers/{id}", _one_offer, result=OfferOut, summary="Show an offer and how it is judged now"),
    post("/offers/{id}/accept", _accept, result=OfferOut, summary="Accept an offer that is TRUSTED"),
    post("/offers/{id}/decline", _decline_offer, result=OfferOut, summary="Decline an offer"),
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
