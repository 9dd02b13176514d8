"""Settings of an issuer: the table `[issuer]` of its configuration file."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from wanderbuch.governance.identifiers import SchemaId


class IssuerConfig(BaseModel):
    """What an issuer issues, and how long it waits for an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    credential_type: str = "qualification/1.0"
    """The credential type that is issued."""

    schema_id: Annotated[str, AfterValidator(SchemaId.parse)] | None = None
    """The authority's AnonCreds schema of this type; without it, the one that the governance file names."""

    registry_size: int = Field(default=1000, ge=4, le=32_768)
    """Places in one revocation registry. Greater registries hide a holder among more others, and cost more."""

    offer_deadline_s: int = Field(default=3600, ge=1, le=30 * 24 * 3600)
    """How long an offer stands if the call does not say."""

    publish_wait_s: float = Field(default=10.0, ge=0, le=60)
    """How long a call to revoke waits for the new status list to be published before it answers."""
