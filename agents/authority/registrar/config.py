"""Settings of the registrar's API: the table `[authority.registrar]`."""

from pydantic import BaseModel, ConfigDict, Field


class RegistrarConfig(BaseModel):
    """Whether the registered verifiers are read as EUDI TS5 has it, and how often."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = False
    """Answer below `/registrar/v1/` on the public site. Who asks here tells the authority whom they deal with; the file
    does not."""

    requests_per_second: float = Field(default=20.0, ge=0, le=1_000_000)
    """How many questions one network may ask in the long run; 0: as many as it likes (a proxy limits them)."""

    burst: int = Field(default=50, ge=1, le=1_000_000)
    """How many questions it may ask at once."""
