"""The REST API of invitations: for an authority that sends its letters by a gateway of its own."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pydantic import AwareDatetime, Field

from wanderbuch.agents.authority.joining.invitation import InvitationState, JoiningInvitation
from wanderbuch.agents.authority.joining.invitations import MOST_INVITED
from wanderbuch.agents.authority.officials import OfficialRole
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post

if TYPE_CHECKING:
    from wanderbuch.agents.authority.office import AuthorityOffice

_EDITOR: Final = frozenset({OfficialRole.EDITOR.value})
_APPROVER: Final = frozenset({OfficialRole.APPROVER.value})


class InviteIn(ApiModel):
    """Whom to invite, by register id, and until when the codes are good."""

    register_ids: list[str] = Field(min_length=1, max_length=MOST_INVITED)
    ends_at: AwareDatetime


class JoiningInvitationOut(ApiModel):
    """An invitation; `withdrawn_by` is the official who withdrew it, or made a newer one for the same institution.

    `others` are DIDs that came with its code after it was used: the letter was in other hands.
    """

    id: str
    register_id: str
    name: str
    state: InvitationState
    invited_by: str
    ends_at: datetime
    tries_left: int
    applicant: str | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    others: list[str]

    @classmethod
    def of(cls, invitation: JoiningInvitation) -> "JoiningInvitationOut":
        """Return an invitation for the wire."""
        told = invitation.model_dump(include=set(cls.model_fields) - {"others"})
        return cls(**told, others=list(invitation.others))


class InvitedOut(ApiModel):
    """An invitation that was just made; `code` is told this once."""

    invitation: JoiningInvitationOut
    email: str | None
    code: str


class InvitedListOut(ApiModel):
    """Invitations that were just made."""

    items: list[InvitedOut]


class JoiningInvitationsOut(ApiModel):
    """Invitations, the oldest first."""

    items: list[JoiningInvitationOut]


async def _invite(office: "AuthorityOffice", call: Call[InviteIn]) -> InvitedListOut:
    editor = await office.desk.officials.get(call.caller.id)
    base = await office.publication.published()
    made = await office.applications.invitations.invite(editor, call.body.register_ids, base, ends_at=call.body.ends_at)
    return InvitedListOut(
        items=[
            InvitedOut(invitation=JoiningInvitationOut.of(one.invitation), email=one.email, code=one.code.shown)
            for one in made
        ]
    )


async def _every(office: "AuthorityOffice", _: Call[None]) -> JoiningInvitationsOut:
    invitations = await office.applications.invitations.all()
    return JoiningInvitationsOut(items=[JoiningInvitationOut.of(one) for one in invitations])


async def _withdraw(office: "AuthorityOffice", call: Call[None]) -> JoiningInvitationOut:
    editor = await office.desk.officials.get(call.caller.id)
    return JoiningInvitationOut.of(await office.applications.invitations.withdraw(call.path["id"], editor))


INVITATION_ROUTES: Final[Sequence[Route]] = (
    post(
        "/invitations",
        _invite,
        body=InviteIn,
        result=InvitedListOut,
        status=201,
        summary="Invite institutions that are listed; their codes are told this once",
        needs=_EDITOR,
    ),
    get("/invitations", _every, result=JoiningInvitationsOut, summary="List invitations", needs=_EDITOR | _APPROVER),
    post(
        "/invitations/{id}/withdraw",
        _withdraw,
        result=JoiningInvitationOut,
        summary="Withdraw an invitation that nobody has used",
        needs=_EDITOR,
    ),
)
