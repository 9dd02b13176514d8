"""What the issuer's REST API shows."""

from datetime import date, datetime

from pydantic import Field

from wanderbuch.agents.issuer.intents import GIVE_UP, RevocationIntent, RevocationState
from wanderbuch.agents.issuer.offers import Offer, OfferState, ReasonRecord, Receipt
from wanderbuch.agents.issuer.registries import Registry, RegistryState
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.agents.issuer.typed_claims import TypedClaim, TypedValues
from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.agents.runtime.qr import qr_svg
from wanderbuch.governance.facts.file import Accreditation, Status
from wanderbuch.governance.facts.format_ids import ANONCREDS
from wanderbuch.governance.facts.question import GovernanceRef
from wanderbuch.schemas.claims import plain_values
from wanderbuch.schemas.credential_type import load_credential_type


class NewOffer(ApiModel):
    """A claim to offer."""

    claim: TypedClaim
    deadline_s: int | None = Field(default=None, ge=1, le=30 * 24 * 3600)


class RevocationOut(ApiModel):
    """How far a revocation has come.

    `published` is true once the public status list revokes the credential; before that, verifiers cannot know.
    `told_at` is when the wallet said that it has the notice; until `told_until` it is sent again. `given_up_at` is when
    that ended without a word of the wallet.
    """

    id: str
    state: RevocationState
    published: bool
    requested_at: datetime
    published_at: datetime | None
    listed_at: datetime | None
    told_at: datetime | None
    told_until: datetime | None
    given_up_at: datetime | None
    registry: str
    index: int
    reason: RevocationReason | None


class OfferOut(ApiModel):
    """An offer and what became of it.

    `qr_svg` is made when the offer is looked at: in the answer to who makes it, it is null. `supersedes` is the offer
    whose credential this one takes the place of, `superseded_by` the last one that takes the place of this one's.
    """

    id: str
    state: OfferState
    credential_type: str
    cred_def_id: str
    values: TypedValues
    created_at: datetime
    answer_by: datetime
    ended_at: datetime | None
    invitation_url: str | None
    short_url: str | None
    qr_svg: str | None
    governance_version: int
    receipt: Receipt
    registry: str | None
    index: int | None
    reasons: list[ReasonRecord]
    revocation: RevocationOut | None
    batch: str | None
    made_by: str | None
    supersedes: str | None
    superseded_by: str | None


class OfferLine(ApiModel):
    """An offer in a list; nothing personal."""

    id: str
    state: OfferState
    created_at: datetime
    answer_by: datetime
    ended_at: datetime | None


class Offers(ApiModel):
    """Offers, the newest first; `next_cursor` is null where the list ends."""

    items: list[OfferLine]
    next_cursor: str | None


class RegistryOut(ApiModel):
    """A revocation registry."""

    id: str
    state: RegistryState
    size: int
    used: int


class IssuingGovernanceOut(ApiModel):
    """The governance file that this issuer goes by."""

    id: str
    version: int
    digest: str
    fresh_until: datetime | None


class SpanOut(ApiModel):
    """Days, both ends included."""

    first: date
    last: date


class AccreditationOut(ApiModel):
    """One accreditation of this issuer, as the governance file states it."""

    id: str
    status: Status
    credential_types: list[str]
    covers_this_definition: bool
    occupations: list[str]
    excluded_occupations: list[str]
    framework: str
    lowest_level: str
    highest_level: str
    jurisdictions: list[str]
    mandate: list[SpanOut]


class StandingOut(ApiModel):
    """What this issuer may attest, and with what."""

    did: str
    name: str
    credential_type: str
    ready: bool
    waiting_for: str | None
    schema_id: str | None
    cred_def_id: str | None
    registries: list[RegistryOut]
    governance: IssuingGovernanceOut | None
    accreditations: list[AccreditationOut]


def offer_view(
    offer: Offer, revocation: RevocationIntent | None, *, with_qr: bool = True, superseded_by: str | None = None
) -> OfferOut:
    """Return an offer as the API shows it."""
    is_open = offer.state is OfferState.OPEN
    return OfferOut(
        id=offer.id,
        state=offer.state,
        credential_type=offer.credential_type,
        cred_def_id=offer.cred_def_id,
        values=plain_values(load_credential_type(offer.credential_type), offer.values),
        created_at=offer.created_at,
        answer_by=offer.answer_by,
        ended_at=offer.ended_at,
        invitation_url=offer.invitation_url if is_open else None,
        short_url=offer.short_url if is_open else None,
        qr_svg=qr_svg(offer.short_url) if with_qr and is_open and offer.short_url else None,
        governance_version=offer.governance_version,
        receipt=offer.receipt,
        registry=offer.registry,
        index=offer.index,
        reasons=list(offer.reasons),
        revocation=revocation_view(revocation) if revocation else None,
        batch=offer.batch_id,
        made_by=offer.made_by,
        supersedes=offer.supersedes,
        superseded_by=superseded_by,
    )


def offer_line(offer: Offer) -> OfferLine:
    """Return an offer as a list shows it."""
    return OfferLine(
        id=offer.id,
        state=offer.state,
        created_at=offer.created_at,
        answer_by=offer.answer_by,
        ended_at=offer.ended_at,
    )


def revocation_view(intent: RevocationIntent) -> RevocationOut:
    """Return a revocation as the API shows it."""
    return RevocationOut(
        id=intent.id,
        state=intent.state,
        published=intent.state is RevocationState.PUBLISHED,
        requested_at=intent.created_at,
        published_at=intent.published_at,
        listed_at=intent.listed_at,
        told_at=intent.told_at,
        told_until=None if intent.published_at is None else intent.published_at + GIVE_UP,
        given_up_at=intent.given_up_at,
        registry=intent.registry,
        index=intent.index,
        reason=intent.reason,
    )


def registry_view(registry: Registry) -> RegistryOut:
    """Return a registry as the API shows it."""
    return RegistryOut(id=registry.id, state=registry.state, size=registry.size, used=registry.used)


def governance_view(ref: GovernanceRef, fresh_until: datetime | None) -> IssuingGovernanceOut:
    """Return a governance file as the API shows it."""
    return IssuingGovernanceOut(id=ref.id, version=ref.version, digest=ref.digest, fresh_until=fresh_until)


def accreditation_view(accreditation: Accreditation, cred_def_id: str | None) -> AccreditationOut:
    """Return an accreditation as the API shows it."""
    levels = accreditation.level_range
    return AccreditationOut(
        id=accreditation.id,
        status=accreditation.status,
        credential_types=list(accreditation.credential_types),
        covers_this_definition=cred_def_id is not None and f"{ANONCREDS}{cred_def_id}" in accreditation.sources,
        occupations=list(accreditation.occupations),
        excluded_occupations=list(accreditation.excluded_occupations),
        framework=levels.framework,
        lowest_level=levels.lowest,
        highest_level=levels.highest,
        jurisdictions=list(accreditation.jurisdictions),
        mandate=[SpanOut(first=span.first, last=span.last) for span in accreditation.intervals],
    )
