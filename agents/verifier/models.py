"""The verifier's REST API: what goes over the wire."""

import base64
from datetime import datetime
from enum import Enum
from typing import Any

from pydantic import Field

from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.agents.runtime.decisions import DecisionOut, GovernanceRefOut
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.verifier.shown import in_words, labels
from wanderbuch.errors import CredentialError
from wanderbuch.governance.identifiers import Did
from wanderbuch.governance.question import (
    LevelProof,
    Purpose,
    Requirement,
    Subject,
    TrustDecision,
    Verdict,
)
from wanderbuch.governance.stapling import MAX_STAPLE_BYTES
from wanderbuch.plugins.trust.exchange import Verification, VerificationState
from wanderbuch.plugins.trust.request import AwardPrecision
from wanderbuch.schemas.countries import is_country
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.schemas.occupations import OccupationCode


class RequirementIn(ApiModel):
    """What must be true.

    `award_precision` "day" asks for the exact date of the award: needed only if a decision said so.
    """

    occupation: str = Field(max_length=32, examples=["C7212"])
    jurisdiction: str = Field(pattern="^[A-Z]{3}$", examples=["MLT"])
    min_eqf_level: int | None = Field(default=None, ge=1, le=8)
    credential_type: str = Field(default="qualification/1.0", max_length=64)
    level_proof: LevelProof = LevelProof.THERMOMETER
    subject: Subject = Subject.NONE
    not_revoked: bool = True
    purpose: Purpose = Purpose.EMPLOYMENT

    def parsed(self) -> Requirement:
        """Return the requirement as the rules take it.

        Raises:
            CredentialError: the occupation or the country does not exist.
        """
        OccupationCode.parse(self.occupation)
        if not is_country(self.jurisdiction):
            raise CredentialError(
                f"expected a country of ISO 3166-1 as jurisdiction, found {self.jurisdiction}",
                hint="such as MLT or LKA",
            )
        return Requirement(**{name: getattr(self, name) for name in type(self).model_fields})

    @classmethod
    def of(cls, requirement: Requirement) -> "RequirementIn":
        """Return a requirement for the wire."""
        return cls(**{name: getattr(requirement, name) for name in cls.model_fields})


class NewRequest(ApiModel):
    """A question to put."""

    requirement: RequirementIn
    award_precision: AwardPrecision = AwardPrecision.YEAR
    deadline_s: int | None = Field(default=None, ge=1, le=30 * 86_400)


class SeenOut(ApiModel):
    """One value that was revealed, and what it says."""

    attribute: str
    label: str
    value: str
    meaning: str


class HiddenOut(ApiModel):
    """One attribute of the credential that was not revealed."""

    attribute: str
    label: str


class RequestState(Enum):
    """Where a request stands; all but OPEN are final."""

    OPEN = "OPEN"
    DECIDED = "DECIDED"
    DECLINED = "DECLINED"
    NO_ANSWER = "NO_ANSWER"

    @classmethod
    def of(cls, state: VerificationState) -> "RequestState":
        """Return the state as callers see it: what is being judged is still open."""
        return cls.OPEN if state is VerificationState.JUDGING else cls(state.value)

    @property
    def meant(self) -> tuple[VerificationState, ...]:
        """The states of a verification that callers see as this one."""
        return tuple(state for state in VerificationState if RequestState.of(state) is self)


class AskAgain(Enum):
    """Whether asking again may lead to another answer, and how."""

    SAME = "same"  # something could not be fetched or checked, or was replaced meanwhile
    WITH_DAY = "with_day"  # with award_precision "day"


# Reasons that go away by themselves.
_PASSING = frozenset({"revocation.old_list", "judgement.too_slow", "judgement.interrupted"})


class RequestSummary(ApiModel):
    """A request in a list."""

    id: str
    state: RequestState
    requirement: RequirementIn
    verdict: Verdict | None
    created_at: datetime
    deadline: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, held: Verification) -> "RequestSummary":
        """Return a verification in short."""
        return cls(
            id=held.id,
            state=RequestState.of(held.state),
            requirement=RequirementIn.of(held.requirement),
            verdict=held.decision.verdict if held.decision else None,
            created_at=held.created_at,
            deadline=held.answer_by,
            ended_at=held.ended_at,
        )


class Requests(ApiModel):
    """The requests, oldest first; `next_cursor` is null where the list ends."""

    items: list[RequestSummary]
    next_cursor: str | None


class RequestOut(RequestSummary):
    """A request: what was asked, how to answer it, and how it ended.

    `seen` is null where nothing was accepted, or where it has been forgotten since.
    """

    award_precision: AwardPrecision
    words: list[str]
    proof_request: dict[str, Any]
    invitation_url: str
    short_url: str
    qr_svg: str
    decision: DecisionOut | None
    seen: list[SeenOut] | None
    hidden: list[HiddenOut]
    decline_code: str | None
    ask_again: AskAgain | None

    @classmethod
    def shown(cls, held: Verification, *, qr_svg: str) -> "RequestOut":
        """Return a verification in full."""
        credential_type = load_credential_type(held.requirement.credential_type)
        seen = None if held.seen is None else in_words(credential_type, held.seen)
        return cls(
            **RequestSummary.of(held).model_dump(),
            award_precision=held.award_precision,
            words=list(held.words),
            proof_request=held.proof_request,
            invitation_url=held.invitation_url,
            short_url=held.short_url or held.invitation_url,
            qr_svg=qr_svg,
            decision=DecisionOut.of(held.decision) if held.decision else None,
            seen=None
            if seen is None
            else [SeenOut(attribute=e.attribute, label=e.label, value=e.value, meaning=e.meaning) for e in seen],
            hidden=[
                HiddenOut(attribute=name, label=label)
                for name, label in zip(held.hidden, labels(credential_type, held.hidden), strict=True)
            ],
            decline_code=held.decline_code,
            ask_again=ask_again(held.decision),
        )


def ask_again(decision: TrustDecision | None) -> AskAgain | None:
    """Return whether asking again may help."""
    if decision is None or decision.verdict is Verdict.TRUSTED:
        return None
    codes = {reason.code for reason in decision.reasons}
    if "award.date_needed" in codes:
        return AskAgain.WITH_DAY
    if decision.verdict in (Verdict.UNKNOWN, Verdict.STALE) or codes & _PASSING:
        return AskAgain.SAME
    return None


class StapleIn(ApiModel):
    """An issuer's own standing, handed over by whoever answers."""

    issuer: str = Field(max_length=2048)
    staple: str = Field(max_length=MAX_STAPLE_BYTES * 4 // 3 + 4, description="base64")

    def parsed(self) -> tuple[Did, bytes]:
        """Return the issuer and the staple's bytes.

        Raises:
            IdentifierError: the issuer is no DID.
            MalformedError: the staple is not base64.
        """
        try:
            return Did.parse(self.issuer), base64.b64decode(self.staple, validate=True)
        except ValueError as err:  # also for what is not ASCII
            raise MalformedError("expected the staple in base64") from err


class StapleOut(ApiModel):
    """What a staple says: for this issuer only, until then."""

    issuer: str
    current: GovernanceRefOut
    fresh_until: datetime | None


class IdentityOut(ApiModel):
    """Who asks: the DID that invitations name, and the name that wallets show beside it."""

    did: str
    name: str
