"""How people are let in and out over REST; a role says where its people are, and how it shows one."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from wanderbuch.agents.people.sign_in import SignIn
from wanderbuch.agents.runtime.app import OPERATOR, ApiModel, Call, Route, post


class SignInInvitationOut(ApiModel):
    """An invitation to make a passkey; it is shown this once."""

    url: str = Field(description="the whole address, as a browser opens it")
    ends_at: datetime


def manager(call: Call[Any]) -> str:
    """Return who asks for a change of people: the operator, also as the holder of a tenant's token, or a person."""
    return OPERATOR.id if call.caller.roles & OPERATOR.roles else call.caller.id


async def invite(sign_in: SignIn[Any], place: str, person_id: str, *, by: str) -> SignInInvitationOut:
    """Invite a person to make a passkey.

    Args:
        sign_in: of the tenant.
        place: where the pages are: "/desk", say.
        person_id: whom.
        by: who invites.

    Raises:
        RefusedError: the site has no passkeys, or the person cannot be let in.
    """
    address = sign_in.needed_passkeys().address
    invitation, secret = await sign_in.invitations.make(person_id, by=by)
    return SignInInvitationOut(url=f"{address.origin}{place}/invitation/{secret}", ends_at=invitation.ends_at)


def sign_in_routes[V: ApiModel](
    path: str,
    place_of: Callable[[Any], str],
    sign_in_of: Callable[[Any], SignIn[Any]],
    view: type[V],
    shown: Callable[[Any], V],
    needs: frozenset[str],
) -> Sequence[Route]:
    """Return the routes that invite, block and let in again.

    Args:
        path: of the role's people: "/officials", say.
        place_of: gives where the pages of an office are.
        sign_in_of: gives the sign-in of an office.
        view: how one person is shown.
        shown: makes it.
        needs: whose routes they are.
    """

    async def invited(office: Any, call: Call[None]) -> SignInInvitationOut:
        return await invite(sign_in_of(office), place_of(office), call.path["id"], by=manager(call))

    async def blocked(office: Any, call: Call[None]) -> V:
        return shown(await sign_in_of(office).people.block(call.path["id"], by=manager(call)))

    async def unblocked(office: Any, call: Call[None]) -> V:
        return shown(await sign_in_of(office).people.unblock(call.path["id"], by=manager(call)))

    return (
        post(
            f"{path}/{{id}}/invitation",
            invited,
            result=SignInInvitationOut,
            status=201,
            summary="Invite to make a passkey; an earlier invitation ends",
            needs=needs,
        ),
        post(f"{path}/{{id}}/block", blocked, result=view, summary="Let in no more, for now", needs=needs),
        post(f"{path}/{{id}}/unblock", unblocked, result=view, summary="Let in again", needs=needs),
    )
