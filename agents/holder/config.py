"""The holder's own table of the configuration."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from wanderbuch.agents.runtime.invitation_text import InvitationError, read_text
from wanderbuch.plugins.exchange.connecting.invitations import read_invitation_message

_DAY_S = 86_400


def _mediator(value: str) -> str:
    try:
        told = read_text(value)
        if isinstance(told, dict):
            read_invitation_message(told)
    except InvitationError as err:
        raise ValueError(err.message) from err
    return value


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
    mediator: Annotated[str, AfterValidator(_mediator)] | None = None
    """The address of a mediator's invitation, or that invitation: others write there, and `[public]` is left out."""

    @property
    def goes_by_mediator(self) -> bool:
        """Whether the wallet has no address of its own."""
        return self.mediator is not None
