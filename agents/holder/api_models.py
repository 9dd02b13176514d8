"""What the holder's REST API takes and shows: its models, and how requests are explained."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from wanderbuch.agents.holder.asked import MAX_REFERENTS, AskedKind
from wanderbuch.agents.holder.erasing import AskedErasure
from wanderbuch.agents.holder.fitting import Revocation
from wanderbuch.agents.holder.offers import Offer, OfferState
from wanderbuch.agents.holder.opening import InvitationKind
from wanderbuch.agents.holder.peers import Peer
from wanderbuch.agents.holder.registered_out import RegisteredOut
from wanderbuch.agents.holder.requests import DeclineReason, Fit, Request, RequestState
from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.agents.runtime.decisions import DecisionOut, ReasonOut
from wanderbuch.governance.facts.question import Purpose, Verdict
from wanderbuch.plugins.exchange.erasure_messages import ErasedPart
from wanderbuch.plugins.exchange.wrong import WrongPart

_STATE_TEXTS = {
    RequestState.PRESENTED: "The proof was sent; the verifier has not confirmed it yet.",
    RequestState.ACCEPTED: "The verifier confirmed the proof.",
    RequestState.ACKNOWLEDGED: "The verifier has the proof; it did not say what it decided.",
    RequestState.REFUSED_BY_VERIFIER: "The verifier did not accept the proof, or ended the exchange.",
    RequestState.DECLINED: "Declined.",
    RequestState.NO_ANSWER: "The exchange was not finished in time.",
}


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

    `title` says how the question is called, and that the answer is kept, if a law asks for that. Over a connection it
    is the verifier's own word. Where `is_from_link`, it is what the link says, and so are `purpose` and the reference
    in the title: whoever made the link wrote them, and need not be the verifier that `from` names.

    `credentials` are those of the wallet that come nearest, those that fit first and the newest of them before others;
    `credentials_fitting` says how many fit, of `credentials_total`.

    `may_be_left_out` has the attributes that an answer may leave out, all of them together; `asking_without` says
    whether this verifier may ask the rest. A verifier that asks for too much in these alone can be answered without
    them (`can_leave_out`). `left_out` says whether they were left out of the answer.
    """

    id: str
    state: RequestState
    from_: PeerOut = Field(serialization_alias="from")
    purpose: Purpose | None
    title: str
    is_from_link: bool
    asking: DecisionOut | None
    registered: RegisteredOut | None = Field(description="null: no list that is fresh says anything of this verifier")
    asked: list[ItemOut]
    credentials: list[FitOut]
    credentials_fitting: int
    credentials_total: int
    parts: list[PartOut]
    can_answer: bool
    may_be_left_out: list[str]
    asking_without: DecisionOut | None
    can_leave_out: bool
    left_out: bool
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
            is_from_link=request.is_from_link,
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
            may_be_left_out=list(request.may_be_left_out),
            asking_without=DecisionOut.of(request.asking_without) if request.asking_without else None,
            can_leave_out=_can_leave_out(request),
            left_out=request.left_out,
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
    leave_out: bool = Field(default=False, description="answer without what may be left out")

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


class WrongIn(ApiModel):
    """What is wrong in an offer; the issuer is told, and can make a right one."""

    wrong: list[WrongPart] = Field(min_length=1, max_length=len(WrongPart))


class DeclineIn(ApiModel):
    """What the verifier is told."""

    reason: DeclineReason = DeclineReason.UNWILLING


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


def _can_leave_out(request: Request) -> bool:
    """Whether the wallet can answer without what may be left out."""
    without = request.asking_without
    return without is not None and without.verdict is not Verdict.NOT_TRUSTED and _can_answer(request)


def _explain(request: Request) -> str:
    """Say in one or two sentences where the person stands with this request."""
    if request.state is not RequestState.OPEN:
        return _STATE_TEXTS[request.state]
    if not request.asked:
        return request.note or "What is asked cannot be read."
    if request.asking is not None and _over_asks(request) and _can_leave_out(request):
        without = ", ".join(request.may_be_left_out)
        return f"This verifier may not ask all of that. Answer without {without}, or decline."
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
