"""Settings of an authority: the table `[authority]` of its configuration file."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AuthorityConfig(BaseModel):
    """What an authority publishes, and how long its word stays fresh.

    A consumer trusts the governance file only until the newest freshness statement it has seen ends; so
    `freshness_lifetime_s` is also the longest time for which somebody can keep a consumer on an older file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ecosystem: str = Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")
    """Name of the ecosystem in web addresses: the files lie below `https://<host>/governance/<ecosystem>/`."""

    credential_types: tuple[str, ...] = ("qualification/1.0",)
    """Credential types whose AnonCreds schemas the authority publishes under its DID."""

    freshness_lifetime_s: int = Field(default=3600, ge=1, le=7 * 24 * 3600)
    """For how many seconds a freshness statement is good."""

    reissue_every_s: float = Field(default=600.0, gt=0)
    """After how many seconds the freshness statement is issued anew; must be less than half of its lifetime."""

    @model_validator(mode="after")
    def _leave_room_for_one_failure(self) -> Self:
        if self.reissue_every_s * 2 > self.freshness_lifetime_s:
            raise ValueError("reissue_every_s must be at most half of freshness_lifetime_s")
        return self
