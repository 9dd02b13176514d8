"""An invitation as it is kept: for which institution, until when, how many tries are left, and who has used it.

Its code is not kept, only the key that is worked out of it (`governance.signed.check_in`).
"""

from datetime import datetime
from enum import Enum
from typing import ClassVar

from wanderbuch.store.once import own_id
from wanderbuch.store.records import Record

MOST_TRIES = 5
_MOST_OTHERS = 8


class InvitationState(Enum):
    """How an invitation stands."""

    OPEN = "OPEN"
    USED = "USED"
    SPENT = "SPENT"  # no try is left
    WITHDRAWN = "WITHDRAWN"  # by officials, or by a newer one for the same institution


class JoiningInvitation(Record):
    """An invitation of one listed institution; its id follows from the handle of the code.

    Args:
        register_id: whom it invites.
        name: how the register calls it.
        key: of the code, hexadecimal.
        ends_at: from then on the code is worth nothing.
        invited_by: the official.
        used_by: the case of the application that used it.
        applicant: the DID of that.
        withdrawn_by: the official who withdrew it, or invited the same institution anew.
        withdrawn_at: when.
        others: DIDs that came with the right code after that, at most eight: the letter was in other hands.
    """

    category: ClassVar[str] = "wanderbuch.joining-invitation"
    tag_names: ClassVar[tuple[str, ...]] = ("register_id",)

    register_id: str
    name: str
    key: str
    ends_at: datetime
    invited_by: str
    state: InvitationState = InvitationState.OPEN
    tries_left: int = MOST_TRIES
    used_by: str | None = None
    applicant: str | None = None
    others: tuple[str, ...] = ()
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None

    def index_state(self) -> str:
        """Return its state."""
        return self.state.value

    def is_over(self, at: datetime) -> bool:
        """Return whether nobody can check in with it any more."""
        return self.state is not InvitationState.OPEN or at >= self.ends_at

    def withdrawn(self, *, by: str, at: datetime) -> "JoiningInvitation":
        """Return it as somebody has withdrawn it; who did that first stays named."""
        if self.state is InvitationState.WITHDRAWN:
            return self
        return self.model_copy(update={"state": InvitationState.WITHDRAWN, "withdrawn_by": by, "withdrawn_at": at})

    def with_other(self, did: str) -> "JoiningInvitation":
        """Return it with one more that came too late with the right code."""
        if did in self.others or len(self.others) >= _MOST_OTHERS:
            return self
        return self.model_copy(update={"others": (*self.others, did)})


def invitation_id(handle: str) -> str:
    """Return the id of the invitation that a code's handle names."""
    return own_id("joining-invitation", handle)
