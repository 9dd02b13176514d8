"""The verifier's REST API: what goes over the wire."""

import base64
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from itertools import zip_longest
from typing import Any, Final

from pydantic import Field

from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.agents.runtime.decisions import DecisionOut, GovernanceRefOut
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.verifier.answers import AskAgain, ReasonedAnswerOut, ask_again
from wanderbuch.agents.verifier.keep_models import KeepIn, KeepOut
from wanderbuch.agents.verifier.shown import in_words, labels
from wanderbuch.errors import CredentialError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import (
    LevelProof,
    Purpose,
    Requirement,
    Subject,
    TrustDecision,
    Verdict,
)
from wanderbuch.governance.signed.stapling import MAX_STAPLE_BYTES
from wanderbuch.plugins.trust.verifying.asked import AskedGroup, AwardPrecision
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.schemas.countries import is_country
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.schemas.languages import is_language
from wanderbuch.schemas.occupations import OccupationCode

_MOST_HIDDEN: Final = 64


class RequirementIn(ApiModel):
    """What must be true.

    `award_precision` "day" asks for the exact date of the award: needed only if a decision said so.
    """

    occupation: str = Field(max_length=32, examples=["C7212"], description="of language/1.0 the language, such as mlt")
    jurisdiction: str = Field(pattern="^[A-Z]{3}$", examples=["MLT"])
    min_eqf_level: int | None = Field(default=None, ge=1, le=8)
    credential_type: str = Field(default="qualification/1.0", max_length=64)
    level_proof: LevelProof = LevelProof.THERMOMETER
    subject: Subject = Subject.NONE
    not_revoked: bool = True
    purpose: Purpose = Purpose.EMPLOYMENT
    min_cefr_level: str | None = Field(default=None, pattern="^[ABC][12]$", description="of language/1.0")
    min_months: int | None = Field(default=None, ge=1, le=1200, description="of experience/1.0")
    not_before: date | None = Field(default=None, description="when it was awarded, or the work ended, at the earliest")
    least_subject: Subject | None = Field(
        default=None, description="less than `subject`: the worker may leave the rest out; null: they may not"
    )

    def parsed(self) -> Requirement:
        """Return the requirement as the rules take it.

        Raises:
            CredentialError: the occupation or the country does not exist.
        """
        if not is_language(self.occupation):
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
    keep: KeepIn | None = None


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
    CANCELLED = "CANCELLED"

    @classmethod
    def of(cls, state: VerificationState) -> "RequestState":
        """Return the state as callers see it: what is being judged is still open."""
        return cls.OPEN if state is VerificationState.JUDGING else cls(state.value)

    @property
    def meant(self) -> tuple[VerificationState, ...]:
        """The states of a verification that callers see as this one."""
        return tuple(state for state in VerificationState if RequestState.of(state) is self)


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
    def of(cls, verification: Verification) -> "RequestSummary":
        """Return a verification in short."""
        return cls(
            id=verification.id,
            state=RequestState.of(verification.state),
            requirement=RequirementIn.of(verification.requirement),
            verdict=verification.decision.verdict if verification.decision else None,
            created_at=verification.created_at,
            deadline=verification.answer_by,
            ended_at=verification.ended_at,
        )


class Requests(ApiModel):
    """The requests, oldest first; `next_cursor` is null where the list ends."""

    items: list[RequestSummary]
    next_cursor: str | None


class AskedCredentialOut(ApiModel):
    """One credential that was asked for, and what became of it; `seen` as for the whole."""

    name: str
    requirement: RequirementIn
    award_precision: AwardPrecision
    decision: DecisionOut | None
    seen: list[SeenOut] | None
    hidden: list[HiddenOut]


class RequestOut(RequestSummary):
    """A request: what was asked, how to answer it, and how it ended.

    `seen` is null where nothing was accepted, or where it has been forgotten since; `qr_svg` is null in the answer to
    the question itself (it is made when the request is looked at) and once the request has ended. `invitation_url` and
    `short_url` are empty where the question was put to a wallet again: it has no code to show. `credentials` has
    each credential that was asked for; `requirement`, `award_precision`, `seen` and `hidden` are those of the first,
    and `decision` is the whole one. `left_out` has the attributes that were asked, and left out of the answer as
    `least_subject` allows.
    """

    award_precision: AwardPrecision
    words: list[str]
    proof_request: dict[str, Any]
    invitation_url: str
    short_url: str
    qr_svg: str | None
    decision: DecisionOut | None
    answer: ReasonedAnswerOut | None
    keep: KeepOut | None
    seen: list[SeenOut] | None
    hidden: list[HiddenOut]
    left_out: list[str]
    decline_code: str | None
    ask_again: AskAgain | None
    ref: str | None
    credentials: list[AskedCredentialOut]

    @classmethod
    def shown(cls, verification: Verification, *, seen: Mapping[str, str] | None, qr_svg: str | None) -> "RequestOut":
        """Return a verification in full.

        Args:
            verification: as it stands.
            seen: the values that were revealed, if they are there.
            qr_svg: its QR code.
        """
        first, *further = (
            _credential(group, decision, seen=_seen_of(group, verification, seen), left_out=verification.left_out)
            for group, decision in zip_longest(verification.groups, verification.decisions)
        )
        return cls(
            **RequestSummary.of(verification).model_dump(),
            award_precision=first.award_precision,
            words=list(verification.words),
            proof_request=verification.proof_request,
            invitation_url=verification.invitation_url,
            short_url=verification.short_url or verification.invitation_url,
            qr_svg=qr_svg,
            decision=DecisionOut.of(verification.decision) if verification.decision else None,
            keep=None
            if verification.keeping is None
            else KeepOut(
                law=verification.keeping.law, purpose=verification.keeping.purpose, until=verification.keeping.until
            ),
            answer=ReasonedAnswerOut.of(verification.decision, verification.grounds) if verification.decision else None,
            seen=first.seen,
            hidden=first.hidden,
            left_out=list(verification.left_out),
            decline_code=verification.decline_code,
            ask_again=ask_again(verification.decision),
            ref=verification.ref,
            credentials=[first, *further],
        )


def _credential(
    group: AskedGroup, decision: TrustDecision | None, *, seen: Mapping[str, str] | None, left_out: tuple[str, ...]
) -> AskedCredentialOut:
    credential_type = load_credential_type(group.requirement.credential_type)
    told = None if seen is None else in_words(credential_type, seen)
    return AskedCredentialOut(
        name=group.group,
        requirement=RequirementIn.of(group.requirement),
        award_precision=group.award_precision,
        decision=DecisionOut.of(decision) if decision else None,
        seen=None
        if told is None
        else [SeenOut(attribute=e.attribute, label=e.label, value=e.value, meaning=e.meaning) for e in told],
        hidden=list(_hidden(credential_type.id, (*group.hidden, *left_out))),
    )


def _seen_of(group: AskedGroup, verification: Verification, seen: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """Return what was seen of one credential; see `judgement.Judgement.shown`."""
    if seen is None or not verification.further:
        return seen
    return {name.partition(".")[2]: value for name, value in seen.items() if name.partition(".")[0] == group.group}


@lru_cache(_MOST_HIDDEN)
def _hidden(credential_type_id: str, names: tuple[str, ...]) -> tuple[HiddenOut, ...]:
    """Return what is not asked for, with labels: the same for every question with the same requirement."""
    told = labels(load_credential_type(credential_type_id), names)
    return tuple(HiddenOut(attribute=name, label=label) for name, label in zip(names, told, strict=True))


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
