"""Settings of the intake: the table `[authority.intake]`."""

from pydantic import BaseModel, ConfigDict, Field


class IntakeConfig(BaseModel):
    """Whether applications are taken, and how many."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = False
    """Whether anybody may apply, at `/intake/applications` on the public site."""

    most_open: int = Field(default=500, ge=1, le=100_000)
    """How many may wait for a decision at once; then the network that has most of them makes room for others."""

    most_of_one: int = Field(default=3, ge=1, le=1000)
    """How many of one applicant may."""

    network_a_minute: float = Field(default=6.0, gt=0, le=600)
    """How many one network may send a minute; as many again at once."""

    network_a_day: int = Field(default=30, ge=1, le=100_000)
    """How many it may send a day: an application waits for officials, and one network is not to take all places."""

    all_a_minute: float = Field(default=30.0, gt=0, le=6000)
    """How many all of them may send a minute."""
