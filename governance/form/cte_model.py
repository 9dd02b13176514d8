"""The JSON form of a governance file as DIF Credential Trust Establishment (CTE) 1.0 has it.

CTE says what it does not know is ignored: members of CTE's own objects that CTE does not name lead to a warning
(`validation`), statement schemas it does not name to nothing at all. Our own statements are in `model` and
`statement_model`.
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.governance.form.formats import DidText, HttpsAddress, Instant, Link, RoleName, Text

CTE_CONTEXT: Final = "https://identity.foundation/credential-trust-establishment/context.jsonld"
_CTE_STATEMENTS: Final = "https://identity.foundation/credential-trust-establishment/schemas/"
ROLES: Final = _CTE_STATEMENTS + "roles.json"
DESCRIPTION: Final = _CTE_STATEMENTS + "description.json"
ALIAS: Final = _CTE_STATEMENTS + "alias.json"

MAX_VERSION: Final = 2**31 - 1


class Open(BaseModel):
    """An object of CTE: unknown members are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


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
