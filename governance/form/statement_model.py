"""The JSON form of our profile's statements about other authorities, rules, verifiers, programmes and who signs.

What each one means is said in `statements`; all are closed, as in `model`.
"""

from typing import Final, Literal

from pydantic import Field, RootModel

from wanderbuch.governance.form.formats import (
    AttributeName,
    Country,
    CredentialTypeName,
    Day,
    DidText,
    Digest,
    EqfLevelName,
    FrameworkName,
    LevelName,
    Link,
    Occupation,
    Sha256,
    StatementId,
    Text,
)
from wanderbuch.governance.form.model import Closed, IntervalJson

MAX_ONWARD: Final = 3  # a chain has at most four authorities after one's own
MAX_PARTS: Final = 4_096
MAX_BITS: Final = 16  # so that parts can be even where there are so many
MAX_BITS_10: Final = 12  # a part for each bucket

type PurposeName = Literal["employment", "study", "regulated-profession"]


class EqfRangeJson(Closed):
    """From which to which EQF level, both included: what two frameworks have in common."""

    framework: Literal["EQF"]
    min: EqfLevelName
    max: EqfLevelName


class DecisionJson(Closed):
    """A decision about a recognition."""

    status: Literal["active", "suspended", "withdrawn"]
    decided_on: Day
    effective_from: Day = Field(description="from which award date on; not later than decided_on")
    decision: Link | None = None
    reason: Text | None = None


class RecognitionJson(Closed):
    """What the issuers of another authority count for here; under the DID of that authority."""

    id: StatementId
    credential_types: list[CredentialTypeName] = Field(min_length=1)
    occupations: list[Occupation] = Field(min_length=1)
    excluded_occupations: list[Occupation] = Field(
        default=[], description="never, whatever any recognition of this authority says"
    )
    level_range: EqfRangeJson
    purposes: list[PurposeName] = Field(min_length=1)
    jurisdictions: list[Country] = Field(min_length=1, description="where it counts (ELM: limitJurisdiction)")
    intervals: list[IntervalJson] = Field(min_length=1, description="award dates that count")
    status: list[DecisionJson] = Field(default=[], description="oldest first; none = active since the first interval")
    onward: int = Field(
        default=0, ge=0, le=MAX_ONWARD, description="how many further authorities it may bring in; 0 = its own issuers"
    )
    decision: Link = Field(description="where the agreement can be read")
    redress: Link = Field(description="whom to appeal to")


class RecognitionStatementJson(Closed):
    """All recognitions of one authority, under its DID."""

    recognitions: list[RecognitionJson] = Field(min_length=1)


class RegulationJson(Closed):
    """Occupations that may only be practised with the destination's own decision; under the author's DID."""

    id: StatementId
    occupations: list[Occupation] = Field(min_length=1)
    jurisdictions: list[Country] = Field(min_length=1)
    intervals: list[IntervalJson] = Field(min_length=1, description="while that is so, on the day of the decision")
    competent_authority: Text = Field(description="who decides")
    decision: Link = Field(description="the legal basis")
    redress: Link = Field(description="whom to appeal to")


class RegulationStatementJson(Closed):
    """All regulated occupations, under the author's DID."""

    regulations: list[RegulationJson] = Field(min_length=1)


class SuccessionJson(Closed):
    """Who goes on with what a centre leaves open; under the author's DID."""

    id: StatementId
    centre: DidText = Field(description="whose open certificates are taken over")
    successor: DidText = Field(description="the issuer that takes them over")
    decided_on: Day
    decision: Link = Field(description="where the decision can be read")
    reason: Text | None = Field(default=None, description="public; nothing about workers")


class SuccessionStatementJson(Closed):
    """All successions, under the author's DID."""

    successions: list[SuccessionJson] = Field(min_length=1)


class VerificationJson(Closed):
    """What one verifier may ask for; under its DID."""

    id: StatementId
    credential_type: CredentialTypeName
    attributes: list[AttributeName] = Field(default=[], description="may be asked to be shown; nothing else may")
    predicates: list[AttributeName] = Field(default=[], description="about which a predicate may be asked")
    purposes: list[PurposeName] = Field(min_length=1)
    jurisdictions: list[Country] = Field(min_length=1)
    intervals: list[IntervalJson] = Field(min_length=1, description="when it may ask")
    legal_basis: Link
    redress: Link = Field(description="whom to complain to")
    aim: Text | None = Field(default=None, description="what it is for, in the verifier's own words, for the worker")
    privacy_policy: Link | None = None
    keeps_days: int | None = Field(default=None, ge=0, le=36500, description="how long answers are kept; 0: not at all")


class VerificationStatementJson(Closed):
    """All that one verifier may ask for, under its DID."""

    verifications: list[VerificationJson] = Field(min_length=1)


class CompetenceUnitJson(Closed):
    """A part of a programme that can be assessed by itself; without a level it has the programme's."""

    id: StatementId
    title: Text
    level: LevelName | None = None


class ProgrammeJson(Closed):
    """What an accredited issuer teaches or assesses; under its DID."""

    id: StatementId
    accreditation: StatementId = Field(description="id of the accreditation of the same DID that covers it")
    title: Text
    occupation: Occupation
    framework: FrameworkName
    level: LevelName
    units: list[CompetenceUnitJson] = Field(default=[])
    learning_settings: list[Literal["formal", "non-formal", "informal-rpl"]] = Field(min_length=1)
    intervals: list[IntervalJson] = Field(min_length=1, description="while it is offered")


class ProgrammesStatementJson(Closed):
    """All programmes of one issuer, under its DID."""

    programmes: list[ProgrammeJson] = Field(min_length=1)


class RefusalJson(Closed):
    """An accreditation that was applied for and refused; under the applicant's DID."""

    id: StatementId
    occupations: list[Occupation] = Field(min_length=1)
    decided_on: Day
    decision: Link
    reason: Text
    redress: Link = Field(description="whom to appeal to")


class RefusalStatementJson(Closed):
    """All refusals of one applicant, under its DID."""

    refusals: list[RefusalJson] = Field(min_length=1)


class PartyJson(Closed):
    """One who signs."""

    did: DidText
    name: Text
    kind: Literal["authority", "employers", "workers", "other"]


class SignatoriesJson(Closed):
    """Who must sign a version and how many of them; under the author's DID."""

    threshold: int = Field(ge=1, le=32)
    parties: list[PartyJson] = Field(min_length=1, max_length=32)


class PartJson(Closed):
    """A part of a divided file: what its bytes are, whatever address they come from, and of how many buckets."""

    sha256: Sha256
    bytes: int = Field(ge=2)
    buckets: int = Field(ge=1, le=1 << MAX_BITS, description="how many, from where the part before ends")


class DividedJson(Closed):
    """That the records of participants lie in parts beside this file; under the author's DID."""

    bits: int = Field(
        ge=1, le=MAX_BITS, description="how many first bits of the SHA-256 of a participant's DID name its bucket"
    )
    parts: list[PartJson] = Field(
        min_length=1, max_length=MAX_PARTS, description="in order; together they have each bucket once"
    )


class PartJson10(Closed):
    """A part as it was first stated: of one bucket."""

    digest: Digest
    bytes: int = Field(ge=2)


class DividedJson10(Closed):
    """The same as it was first stated: a part for each bucket. Read as it always was, written where parts are so."""

    bits: int = Field(
        ge=1, le=MAX_BITS_10, description="how many first bits of the SHA-256 of a participant's DID name its part"
    )
    parts: list[PartJson10] = Field(description="one for each value of these bits, in order")


type AnyDivided = DividedJson | DividedJson10


class AnyDividedJson(RootModel[DividedJson | DividedJson10]):
    """In which parts the records of participants lie, in either form."""


def divided_form(received: object) -> type[AnyDivided]:
    """Return in which form received JSON states a division: in the first one, if a part has the member `digest`."""
    parts = received.get("parts") if isinstance(received, dict) else None
    first = parts[0] if isinstance(parts, list) and parts else None
    return DividedJson10 if isinstance(first, dict) and "digest" in first else DividedJson
