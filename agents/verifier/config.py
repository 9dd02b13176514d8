"""Settings of a verifier: the table `[verifier]` of its configuration file."""

from pydantic import BaseModel, ConfigDict, Field

_DAY_S = 86_400


class VerifierConfig(BaseModel):
    """How long a verifier waits, works and remembers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer_deadline_s: int = Field(default=600, ge=1, le=30 * _DAY_S)
    """How long a question stands if the call does not say."""

    judging_limit_s: float = Field(default=45.0, gt=0, le=600)
    """How long one judgement may take, downloads included; then the answer is UNKNOWN."""

    keep_seen_days: int = Field(default=30, ge=0, le=3650)
    """How long revealed values are kept. The decision and its reasons stay; the presentation is never stored."""
