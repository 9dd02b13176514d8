"""Officials, drafts, reviews and signing as the REST API shows and takes them."""

from datetime import date, datetime
from typing import Any, Self

from pydantic import AwareDatetime, Field, model_validator

from wanderbuch.agents.authority.changes import PartKind
from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.draft_changes import PartDifference
from wanderbuch.agents.authority.findings import finding_json
from wanderbuch.agents.authority.officials import OFFICIAL_ID, OfficialRole
from wanderbuch.agents.authority.reviews import ReviewFinding, ReviewState, SuspensionReview
from wanderbuch.agents.people.person_models import NewPerson, PersonChange, PersonOut
from wanderbuch.agents.people.rest import SignInInvitationOut
from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.agents.work.case import Step
from wanderbuch.governance.form.findings import Finding
from wanderbuch.governance.signed.history import MAX_WHY, Action

_REQUEST_ID = r"^[0-9a-f]{32}$"


class NewOfficial(NewPerson[OfficialRole]):
    """An official to add."""

    id: str = Field(pattern=f"^{OFFICIAL_ID}$", description="public; never given twice")


class OfficialChange(PersonChange[OfficialRole]):
    """What to change of an official."""


class OfficialOut(PersonOut[OfficialRole]):
    """An official."""


class OfficialViews(ApiModel):
    """All officials."""

    items: list[OfficialOut]


class OfficialWithToken(ApiModel):
    """An official with the token to sign in with; it is shown this once."""

    official: OfficialOut
    token: str


class OfficialAdded(ApiModel):
    """An official with what they sign in with first; it is shown this once."""

    official: OfficialOut
    token: str | None = None
    invitation: SignInInvitationOut | None = None


class NewDraft(ApiModel):
    """A draft to open."""

    why: str = Field(min_length=1, max_length=MAX_WHY, description="public; nothing about workers")
    id: str | None = Field(
        default=None, pattern=_REQUEST_ID, description="32 hexadecimal digits; a repeated request opens no second draft"
    )


class Edit(ApiModel):
    """Changes of parts: whole new values, null to remove a part."""

    header: dict[str, Any] = Field(default={}, description="by CTE member or statement schema")
    records: dict[str, dict[str, Any] | None] = Field(default={}, description="by DID")
    undo: list[str] = Field(default=[], description="parts whose change is taken out of the draft")
    revision: int | None = Field(default=None, description="the revision that you read")


class Schedule(ApiModel):
    """From when on it may be published."""

    not_before: AwareDatetime | None


class Approval(ApiModel):
    """What is approved."""

    revision: int = Field(description="the revision that you read")
    digest: str | None = Field(
        default=None, max_length=200, description="the draft's digest as you read it; other changes are refused then"
    )


class GivenReason(ApiModel):
    """Why."""

    why: str = Field(min_length=1, max_length=MAX_WHY)


class Rebase(ApiModel):
    """Whose value stands, part by part."""

    keep: list[str] = Field(default=[], description="parts for which the draft's value stands")
    drop: list[str] = Field(default=[], description="parts for which the published value stands")


class NewRefusal(ApiModel):
    """An accreditation that was refused."""

    applicant: str
    id: str
    occupations: list[str] = Field(min_length=1)
    decision: str
    reason: str = Field(min_length=1, max_length=MAX_WHY, description="public; nothing about workers")
    redress: str | None = None
    decided_on: date | None = None


class DraftOut(ApiModel):
    """A draft."""

    id: str
    why: str
    state: DraftState
    action: Action
    revision: int
    digest: str | None = Field(description="of its changes, from when it is submitted")
    base_version: int | None
    opened_by: str
    editors: list[str]
    approved_by: str | None
    not_before: datetime | None
    version: int | None
    conflicts: list[str]
    trail: list[Step]
    created_at: datetime

    @classmethod
    def of(cls, draft: Draft) -> Self:
        """Return a draft as the API shows it."""
        return cls(
            **draft.model_dump(include=set(cls.model_fields) - {"approved_by", "editors", "conflicts", "trail"}),
            approved_by=draft.approved_by,
            editors=list(draft.editors),
            conflicts=list(draft.conflicts),
            trail=list(draft.trail),
        )


class DraftViews(ApiModel):
    """Drafts, the oldest first."""

    items: list[DraftOut]


class DifferenceOut(ApiModel):
    """What the draft makes of one part."""

    kind: PartKind
    key: str
    before: Any
    after: Any
    conflict: bool

    @classmethod
    def of(cls, difference: PartDifference) -> Self:
        """Return a difference as the API shows it."""
        return cls(
            kind=difference.kind,
            key=difference.key,
            before=difference.before,
            after=difference.after,
            conflict=difference.conflict,
        )


class DifferenceViews(ApiModel):
    """Every part that the draft changes."""

    items: list[DifferenceOut]


class FindingOut(ApiModel):
    """Something wrong, or worth a second look."""

    severity: str
    path: str
    rule: str
    message: str
    fix: str

    @classmethod
    def of(cls, finding: Finding) -> Self:
        """Return a finding as the API shows it."""
        return cls(**finding_json(finding))


class FindingViews(ApiModel):
    """All findings."""

    items: list[FindingOut]


class NewSuspension(ApiModel):
    """An issuer to suspend at once."""

    issuer: str
    why: str = Field(min_length=1, max_length=MAX_WHY, description="public; nothing about workers")
    effective_from: date | None = Field(default=None, description="award dates from then on; by default today")
    statuses: list[str] = Field(
        default=[],
        description="registries and status lists that exist now; none: those that the issuer itself lists, "
        "its own word, at most 100",
    )
    nothing_counts: bool = Field(default=False, description="name no registry: nothing of the issuer counts any more")
    decision: str | None = Field(default=None, description="address of the decision")
    id: str | None = Field(default=None, pattern=_REQUEST_ID, description="a repeated request suspends once")


class ReviewOut(ApiModel):
    """A second look at a suspension."""

    id: str
    issuer: str
    decided_by: str
    why: str
    state: ReviewState
    closed_by: str | None
    closed_at: datetime | None
    finding: ReviewFinding | None
    note: str | None
    created_at: datetime

    @classmethod
    def of(cls, review: SuspensionReview) -> Self:
        """Return a review as the API shows it."""
        return cls(**review.model_dump())


class ReviewViews(ApiModel):
    """Reviews, the oldest first."""

    items: list[ReviewOut]


class ClosedReview(ApiModel):
    """What a second look found."""

    finding: ReviewFinding
    note: str = Field(min_length=1, max_length=MAX_WHY, description="public; nothing about workers")


class SuspensionOut(ApiModel):
    """A suspension: its draft and the review that stays open."""

    draft: DraftOut
    review: ReviewOut


class Rotation(ApiModel):
    """A change of the signing key."""

    why: str = Field(min_length=1, max_length=MAX_WHY)
    id: str | None = Field(default=None, pattern=_REQUEST_ID, description="a repeated request rotates once")


class SigningOut(ApiModel):
    """What a party signs."""

    draft_id: str
    version: int
    signed_by: list[str]
    missing: list[str] = Field(description="DIDs of who could still sign")
    payload: str = Field(description="the exact text of the next version")
    signing_input: str | None = Field(description="for the key asked for: the exact ASCII text to sign with Ed25519")


class NewSignature(ApiModel):
    """A party's signature: a compact JWS, or the key and the bare signature over `signing_input`."""

    jws: str | None = None
    kid: str | None = None
    signature: str | None = Field(default=None, description="base64url of 64 bytes")

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.jws is None) == (self.kid is None and self.signature is None):
            raise ValueError("give either jws, or kid and signature")
        if self.jws is None and (self.kid is None or self.signature is None):
            raise ValueError("give both kid and signature")
        return self


class RecordOut(ApiModel):
    """Everything the published file says about one participant; null if nothing."""

    version: int | None
    record: dict[str, Any] | None


class HeaderOut(ApiModel):
    """The parts of the published file's header that can be changed, by name."""

    version: int | None
    header: dict[str, Any]
