"""The JSON form of a governance file: DIF Credential Trust Establishment (CTE) 1.0, accreditations and crosswalks.

CTE says what it does not know is ignored: members of CTE's own objects that CTE does not name lead to a warning
(`validation`), statement schemas it does not name to nothing at all. Our own statements are closed: a misspelt
`excluded_occupations` must not silently widen what an issuer may do. The other statements of our profile are in
`statement_model`.
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.governance.formats import (
    Country,
    CredDefIdText,
    CredentialTypeName,
    CrosswalkVersion,
    Day,
    DidText,
    FrameworkName,
    HttpsAddress,
    Instant,
    LevelName,
    Link,
    Occupation,
    RevRegDefIdText,
    RoleName,
    StatementId,
    Text,
)

CTE_CONTEXT: Final = "https://identity.foundation/credential-trust-establishment/context.jsonld"
_CTE_STATEMENTS: Final = "https://identity.foundation/credential-trust-establishment/schemas/"
ROLES: Final = _CTE_STATEMENTS + "roles.json"
DESCRIPTION: Final = _CTE_STATEMENTS + "description.json"
ALIAS: Final = _CTE_STATEMENTS + "alias.json"

# Names of our profile's statement schemas. They are names; nothing is ever fetched from there.
PROFILE_STATEMENTS: Final = "https://w3id.org/wanderbuch/governance/1.0/"
ACCREDITATION: Final = PROFILE_STATEMENTS + "accreditation.json"
CROSSWALK: Final = PROFILE_STATEMENTS + "crosswalk.json"
RECOGNITION: Final = PROFILE_STATEMENTS + "recognition.json"
REGULATION: Final = PROFILE_STATEMENTS + "regulation.json"
VERIFICATION: Final = PROFILE_STATEMENTS + "verification.json"
PROGRAMMES: Final = PROFILE_STATEMENTS + "programmes.json"
REFUSAL: Final = PROFILE_STATEMENTS + "refusal.json"
SIGNATORIES: Final = PROFILE_STATEMENTS + "signatories.json"
DIVIDED: Final = PROFILE_STATEMENTS + "divided.json"

MAX_VERSION: Final = 2**31 - 1


class Open(BaseModel):
    """An object of CTE: unknown members are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Closed(BaseModel):
    """An object of our profile: unknown members are mistakes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, validate_by_alias=True, validate_by_name=False)


class SchemaJson(Open):
    """A schema the ecosystem uses (CTE, Schemas)."""

    id: Text
    name: Text = Field(description="in our profile the credential type, such as qualification/1.0")


class RoleJson(Open):
    """What a role may issue and verify (CTE, Roles)."""

    issue: list[Text] = []
    verify: list[Text] = []
    granted_by: Text | None = None


class TrustedGovernanceJson(Open):
    """Another authority's file (CTE, Trusted Governance). It is followed only as far as recognitions say."""

    publisher: DidText = Field(description="who must have signed the file that is fetched")
    uri: HttpsAddress = Field(description="its current signed file")


class PreviousVersionJson(Open):
    """Where an earlier version lies (CTE, Versioning)."""

    version: int = Field(ge=1, le=MAX_VERSION)
    uri: Link


class ParticipantsJson(Open):
    """Who takes part; `entries` is keyed by the URI of a statement schema, then by DID (CTE, Participants)."""

    id: Text
    author: DidText
    created: Instant
    version: int = Field(ge=1, le=MAX_VERSION)
    entries: dict[str, Any]


class CteFileJson(Open):
    """A governance file as CTE 1.0 lays it out."""

    context: str | list[Any] = Field(alias="@context")
    id: Text = Field(description="opaque; the same in every version")
    name: Text
    description: Text | None = None
    version: int = Field(ge=1, le=MAX_VERSION, description="increases with every version published")
    format: Literal["1.0"]
    last_updated: Instant
    author: DidText
    docs_uri: Link | None = None
    ttl: int | None = Field(default=None, ge=1, le=31_622_400, description="seconds")
    trusted_governance: list[TrustedGovernanceJson] = []
    uri: Link | None = None
    current_version: Link | None = None
    previous_versions: list[PreviousVersionJson] = []
    schemas: list[SchemaJson]
    roles: dict[RoleName, RoleJson]
    participants: ParticipantsJson


class DescriptionJson(Open):
    """How a participant is called (CTE, Description)."""

    name: Text
    website: Link | None = None
    email: Text | None = None


class RoleGrantJson(Open):
    """A role of a participant for a time (CTE, Linking Participants to Roles)."""

    start: Instant
    end: Instant | None = None
    role: RoleName


class RolesJson(Open):
    """The roles of a participant."""

    roles: list[RoleGrantJson]


class AliasJson(Open):
    """Other DIDs of a participant (CTE, Aliases)."""

    alias_dids: list[DidText]


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


class StatusChangeJson(Closed):
    """A decision about an accreditation."""

    status: Literal["active", "suspended", "withdrawn"]
    decided_on: Day
    effective_from: Day = Field(description="from which award date on; not later than decided_on")
    registries: list[RevRegDefIdText] = Field(
        default=[],
        description="the issuer's registries that existed on decided_on; earlier awards count only from these",
    )
    decision: Link | None = None
    reason: Text | None = None


class AccreditationJson(Closed):
    """What an issuer counts for: occupations, levels, places, times and credential definitions in one statement."""

    id: StatementId
    title: Text | None = None
    credential_types: list[CredentialTypeName] = Field(min_length=1)
    cred_def_ids: list[CredDefIdText] = Field(min_length=1)
    occupations: list[Occupation] = Field(min_length=1)
    excluded_occupations: list[Occupation] = Field(
        default=[], description="never, whatever any accreditation of this issuer says"
    )
    level_range: LevelRangeJson
    jurisdictions: list[Country] = Field(min_length=1, description="where it counts (ELM: limitJurisdiction)")
    intervals: list[IntervalJson] = Field(min_length=1)
    status: list[StatusChangeJson] = Field(
        default=[], description="oldest first; none = active since the mandate began"
    )
    accrediting_agent: AgentJson = Field(alias="accreditingAgent")
    decision: Link = Field(description="where the decision to accredit can be read")
    redress: Link = Field(description="whom to appeal to")
    quality_assurance: Link | None = None


class AccreditationStatementJson(Closed):
    """All accreditations of one issuer, under its DID."""

    accreditations: list[AccreditationJson] = Field(min_length=1)


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
