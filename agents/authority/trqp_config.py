"""Settings of the authority's TRQP endpoint: the table `[authority.trqp]` of its configuration file."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.agents.runtime.role_settings import BesideFile

VERSION: Final = "2.0"


class TrqpConfig(BaseModel):
    """Whether and how the authority answers TRQP questions on its public site."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = False
    """Answer below `/trqp/<version>/`. Who asks here tells the authority whom they deal with; the file does not."""

    version: Literal["2.0"] = VERSION
    """Version of the protocol; a part of the address."""

    token_file: BesideFile | None = None
    """File with the bearer token that callers must send; without it everybody may ask."""

    requests_per_second: float = Field(default=50.0, ge=0, le=1_000_000)
    """How many questions a client address may ask in the long run; 0: as many as it likes (a proxy limits them)."""

    burst: int = Field(default=100, ge=1, le=1_000_000)
    """How many questions a client address may ask at once."""
