"""The holder's own table of the configuration."""

from pydantic import BaseModel, ConfigDict, Field

_DAY_S = 86_400


class HolderConfig(BaseModel):
    """`[holder]`: deadlines of the holder agent; every exchange has one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    offer_deadline_s: int = Field(default=_DAY_S, ge=1, le=90 * _DAY_S)
    """An offer that is not answered, or a credential that does not come, ends after this."""
    request_deadline_s: int = Field(default=3_600, ge=1, le=90 * _DAY_S)
    """A proof request that is not answered, or an answer that is not confirmed, ends after this."""
    invitation_wait_s: int = Field(default=20, ge=1, le=120)
    """How long to wait for the connection and the message that an invitation promises."""
    keep_ended_days: int = Field(default=30, ge=0, le=3_650)
    """How long ended exchanges can still be looked up; credentials are kept until the person removes them."""
