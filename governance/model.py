"""The JSON form of a governance file: DIF Credential Trust Establishment (CTE) 1.0 and our profile's two statements.

CTE says what it does not know is ignored: members of CTE's own objects that CTE does not name lead to a warning
(`validation`), statement schemas it does not name to nothing at all. Our own statements are closed: a misspelt
`excluded_occupations` must not silently widen what an issuer may do.
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

MAX_VERSION: Final = 2**31 - 1


class _Open(BaseModel):
    """An object of CTE: unknown members are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class _Closed(BaseModel):
    """An object of our profile: unknown members are mistakes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, validate_by_alias=True, validate_by_name=False)


class SchemaJson(_Open):
    """A schema the ecosystem uses (CTE, Schemas)."""

    id: Text
    name: Text = Field(description="in our profile the credential type, such as qualification/1.0")


class RoleJson(_Open):
    """What a role may issue and verify (CTE, Roles)."""

    issue: list[Text] = []
    verify: list[Text] = []
    granted_by: Text | None = None


class TrustedGovernanceJson(_Open):
    """Another authority's file (CTE, Trusted Governance). Read, not yet followed."""

    publisher: DidText
    uri: Link


class PreviousVersionJson(_Open):
    """Where an earlier version lies (CTE, Versioning)."""

    version: int = Field(ge=1, le=MAX_VERSION)
    uri: Link


class ParticipantsJson(_Open):
    """Who takes part; `entries` is keyed by the URI of a statement schema, then by DID (CTE, Participants)."""

    id: Text
    author: DidText
    created: Instant
    version: int = Field(ge=1, le=MAX_VERSION)
    entries: dict[str, Any]


class CteFileJson(_Open):
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


class DescriptionJson(_Open):
    """How a participant is called (CTE, Description)."""

    name: Text
    website: Link | None = None
    email: Text | None = None


class RoleGrantJson(_Open):
    """A role of a participant for a time (CTE, Linking Participants to Roles)."""

    start: Instant
    end: Instant | None = None
    role: RoleName


class RolesJson(_Open):
    """The roles of a participant."""

    roles: list[RoleGrantJson]


class AliasJson(_Open):
    """Other DIDs of a participant (CTE, Aliases)."""

    alias_dids: list[DidText]


class AgentJson(_Closed):
    """Who accredited (ELM: accreditingAgent)."""

    name: Text
    did: DidText | None = None


class LevelRangeJson(_Closed):
    """From which to which level, both included; framework EQF stands for every framework (ELM: limitEQFLevel)."""

    framework: FrameworkName
    min: LevelName
    max: LevelName


class IntervalJson(_Closed):
    """A part of the mandate; both days included, no end = until further notice."""

    start: Day
    end: Day | None = None


class StatusChangeJson(_Closed):
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


class AccreditationJson(_Closed):
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


class AccreditationStatementJson(_Closed):
    """All accreditations of one issuer, under its DID."""

    accreditations: list[AccreditationJson] = Field(min_length=1)


class CrosswalkLevelJson(_Closed):
    """One level of the framework; null = there is no mapping."""

    level: LevelName
    eqf: int | None = Field(ge=1, le=8)


class CrosswalkJson(_Closed):
    """A dated, sourced table from the levels of a framework, lowest first, to EQF levels."""

    version: CrosswalkVersion
    framework: FrameworkName
    valid_from: Day
    valid_until: Day | None = None
    levels: list[CrosswalkLevelJson] = Field(min_length=1)
    source: Text


class CrosswalkStatementJson(_Closed):
    """The crosswalks of the author, under the author's DID."""

    crosswalks: list[CrosswalkJson] = Field(min_length=1)


class EntriesJson(BaseModel):
    """The statements this software reads; every other statement schema is ignored."""

    model_config = ConfigDict(strict=True, extra="allow")

    roles: dict[str, RolesJson] = Field(default={}, alias=ROLES)
    description: dict[str, DescriptionJson] = Field(default={}, alias=DESCRIPTION)
    alias: dict[str, AliasJson] = Field(default={}, alias=ALIAS)
    accreditation: dict[str, AccreditationStatementJson] = Field(default={}, alias=ACCREDITATION)
    crosswalk: dict[str, CrosswalkStatementJson] = Field(default={}, alias=CROSSWALK)


class _WholeParticipantsJson(ParticipantsJson):
    entries: EntriesJson  # type: ignore[assignment]


class WholeFileJson(CteFileJson):
    """A governance file with the statements of CTE and of our profile; for the published JSON Schema only."""

    participants: _WholeParticipantsJson
