"""The JSON form of our own statements in a governance file (accreditations, crosswalks), and the names of all of them.

They are closed, where CTE's objects (`cte_model`) are open: a misspelt `excluded_occupations` must not silently widen
what an issuer may do. The other statements of our profile are in `statement_model`.
"""

from typing import ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.governance.facts.sources import HOLDER_BOUND, AnonCredsSource, Binding, SourceId
from wanderbuch.governance.facts.statuses import AnonCredsStatus, StatusId
from wanderbuch.governance.form.formats import (
    BindingName,
    Country,
    CredDefIdText,
    CredentialTypeName,
    CrosswalkVersion,
    Day,
    DidText,
    FrameworkName,
    LevelName,
    Link,
    RevRegDefIdText,
    ScopeCode,
    SourceIdText,
    StatementId,
    StatusIdText,
    Text,
)

# Names of our profile's statement schemas. They are names; nothing is ever fetched from there.
PROFILE_STATEMENTS: Final = "https://w3id.org/wanderbuch/governance/1.0/"
ACCREDITATION: Final = PROFILE_STATEMENTS + "accreditation.json"
CROSSWALK: Final = PROFILE_STATEMENTS + "crosswalk.json"
RECOGNITION: Final = PROFILE_STATEMENTS + "recognition.json"
REGULATION: Final = PROFILE_STATEMENTS + "regulation.json"
VERIFICATION: Final = PROFILE_STATEMENTS + "verification.json"
PROGRAMMES: Final = PROFILE_STATEMENTS + "programmes.json"
REFUSAL: Final = PROFILE_STATEMENTS + "refusal.json"
SUCCESSION: Final = PROFILE_STATEMENTS + "succession.json"
SIGNATORIES: Final = PROFILE_STATEMENTS + "signatories.json"
DIVIDED: Final = PROFILE_STATEMENTS + "divided.json"
LISTING: Final = PROFILE_STATEMENTS + "listing.json"


class Closed(BaseModel):
    """An object of our profile: unknown members are mistakes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, validate_by_alias=True, validate_by_name=False)


class AgentJson(Closed):
    """Who accredited (ELM: accreditingAgent)."""

    name: Text
    did: DidText | None = None


class LevelRangeJson(Closed):
    """From which to which level, both included; framework EQF stands for every framework (ELM: limitEQFLevel)."""

    framework: FrameworkName
    min: LevelName
    max: LevelName


class IntervalJson(Closed):
    """A part of the mandate; both days included, no end = until further notice."""

    start: Day
    end: Day | None = None


class _DecidedJson(Closed):
    """A decision about an accreditation, without the lists that it pins."""

    status: Literal["active", "suspended", "withdrawn"]
    decided_on: Day
    effective_from: Day = Field(description="from which award date on; not later than decided_on")
    decision: Link | None = None
    reason: Text | None = None


class StatusChangeJson(_DecidedJson):
    """A decision about an accreditation."""

    PINS: ClassVar[str] = "statuses"

    statuses: list[StatusIdText] = Field(
        default=[],
        description="the issuer's revocation registries and status lists that existed on decided_on; "
        "earlier awards count only from these",
    )


class StatusChangeJson10(_DecidedJson):
    """A decision about an accreditation, in profile 1.0."""

    PINS: ClassVar[str] = "registries"

    registries: list[RevRegDefIdText] = Field(
        default=[],
        description="the issuer's registries that existed on decided_on; earlier awards count only from these",
    )

    @property
    def statuses(self) -> list[StatusId]:
        """The registries as the present form names them."""
        return [AnonCredsStatus.of(registry) for registry in self.registries]


class ScopeJson(Closed):
    """What an issuer counts for, without what it signs with."""

    id: StatementId
    title: Text | None = None
    credential_types: list[CredentialTypeName] = Field(min_length=1)
    occupations: list[ScopeCode] = Field(min_length=1)
    excluded_occupations: list[ScopeCode] = Field(
        default=[], description="never, whatever any accreditation of this issuer says"
    )
    level_range: LevelRangeJson
    jurisdictions: list[Country] = Field(min_length=1, description="where it counts (ELM: limitJurisdiction)")
    intervals: list[IntervalJson] = Field(min_length=1)
    accrediting_agent: AgentJson = Field(alias="accreditingAgent")
    decision: Link = Field(description="where the decision to accredit can be read")
    redress: Link = Field(description="whom to appeal to")
    quality_assurance: Link | None = None


class AccreditationJson(ScopeJson):
    """What an issuer counts for: occupations, levels, places, times and what it signs with, in one statement.

    The form of profile 1.1. Software that knows profile 1.0 alone refuses a file with one, as it must: it could not
    tell what the statement excludes.
    """

    SOURCES: ClassVar[str] = "sources"

    sources: list[SourceIdText] = Field(min_length=1, description="what it signs with, each with its format in front")
    bindings: list[BindingName] = Field(
        default=list(HOLDER_BOUND),
        min_length=1,
        description='what may tie a credential to its holder; "none" counts only where it stands here',
    )
    status: list[StatusChangeJson] = Field(
        default=[], description="oldest first; none = active since the mandate began"
    )


class AccreditationJson10(ScopeJson):
    """The same in profile 1.0, which knew AnonCreds alone; read as it always was, written no more."""

    SOURCES: ClassVar[str] = "cred_def_ids"

    cred_def_ids: list[CredDefIdText] = Field(min_length=1)
    status: list[StatusChangeJson10] = Field(
        default=[], description="oldest first; none = active since the mandate began"
    )

    @property
    def sources(self) -> list[SourceId]:
        """The credential definitions as the present form names them."""
        return [AnonCredsSource.of(cred_def_id) for cred_def_id in self.cred_def_ids]

    @property
    def bindings(self) -> list[Binding]:
        """What AnonCreds always binds by."""
        return list(HOLDER_BOUND)


type AnyStatusChange = StatusChangeJson | StatusChangeJson10
type AnyAccreditation = AccreditationJson | AccreditationJson10


def accreditation_form(received: object) -> type[AccreditationJson] | type[AccreditationJson10]:
    """Return the form in which an accreditation is written: the old one only if it names `cred_def_ids` alone."""
    is_old = isinstance(received, dict) and "cred_def_ids" in received and "sources" not in received
    return AccreditationJson10 if is_old else AccreditationJson


class AccreditationStatementJson(Closed):
    """All accreditations of one issuer, under its DID."""

    accreditations: list[AccreditationJson | AccreditationJson10] = Field(min_length=1)


class CrosswalkLevelJson(Closed):
    """One level of the framework; null = there is no mapping."""

    level: LevelName
    eqf: int | None = Field(ge=1, le=8)


class CrosswalkJson(Closed):
    """A dated, sourced table from the levels of a framework, lowest first, to EQF levels."""

    version: CrosswalkVersion
    framework: FrameworkName
    valid_from: Day
    valid_until: Day | None = None
    levels: list[CrosswalkLevelJson] = Field(min_length=1)
    source: Text


class CrosswalkStatementJson(Closed):
    """The crosswalks of the author, under the author's DID."""

    crosswalks: list[CrosswalkJson] = Field(min_length=1)
