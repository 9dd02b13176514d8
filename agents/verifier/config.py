"""Settings of a verifier: the table `[verifier]` of its configuration file."""

from pydantic import BaseModel, ConfigDict, Field

_DAY_S = 86_400


class WalkInConfig(BaseModel):
    """`[verifier.walk_in]`: questions without an account; for a verifier that does nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = False
    """Whether there is a page for them, at `/prove/`. All that this verifier asks is then removed when it is over."""

    place: str = Field(default="", pattern="^([A-Z]{3})?$")
    """The country that the page suggests, as three capitals."""

    answer_s: int = Field(default=600, ge=30, le=3600)
    """How long a worker may take to answer."""

    shown_s: int = Field(default=900, ge=30, le=_DAY_S)
    """How long a verdict can be looked at after that."""

    most_open: int = Field(default=200, ge=1, le=10_000)
    """How many there may be at once."""

    network_a_minute: float = Field(default=6.0, gt=0, le=600)
    """How many one network may put a minute; as many again at once."""

    all_a_minute: float = Field(default=60.0, gt=0, le=6000)
    """How many all of them may put a minute."""


class VerifierConfig(BaseModel):
    """How long a verifier waits, works and remembers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer_deadline_s: int = Field(default=600, ge=1, le=30 * _DAY_S)
    """How long a question stands if the call does not say."""

    judging_limit_s: float = Field(default=45.0, gt=0, le=600)
    """How long one judgement may take, downloads included; then the answer is UNKNOWN."""

    keep_seen_days: int = Field(default=30, ge=0, le=3650)
    """How long revealed values are kept. The decision and its reasons stay; the presentation is never stored."""

    oldest_facts_h: int | None = Field(default=None, ge=1, le=8760)
    """How old, in hours, facts of a bundle may be for a yes; on older ones the answer is UNKNOWN. Not said: as long as
    the authority vouches for them."""

    walk_in: WalkInConfig = WalkInConfig()
    """Questions without an account; off unless they are switched on."""
