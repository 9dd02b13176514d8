"""How people are let in and out over REST; a role says where its people are, and how it shows them.

The operator lets the first one in, with a token or a link to make a passkey.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field

from wanderbuch.agents.people.adding import add_invited_once, add_once, renew_once
from wanderbuch.agents.people.desk_access import AccessOf
from wanderbuch.agents.people.person_models import NewPerson, PersonChange, PersonOut
from wanderbuch.agents.people.sign_in import SignIn
from wanderbuch.agents.runtime.app import OPERATOR, ApiModel, Call, Route, delete, get, patch, post


class SignInInvitationOut(ApiModel):
    """An invitation to make a passkey; it is shown this once."""

    url: str = Field(description="the whole address, as a browser opens it")
    ends_at: datetime


class PersonAddedOut[V: ApiModel](ApiModel):
    """Somebody with what they sign in with first; it is shown this once."""

    member: V
    token: str | None = None
    invitation: SignInInvitationOut | None = None


@dataclass(frozen=True, slots=True)
class PeopleModels:
    """What goes over the wire about a role's people.

    Args:
        new: somebody to let in.
        change: what to change of somebody.
        shown: somebody.
        every: everybody, as `items`.
        added: somebody who was added; see `PersonAddedOut`.
        renewed: somebody with a new token.
        person: the field of `added` and `renewed` that has the person.
    """

    new: type[NewPerson[Any]]
    change: type[PersonChange[Any]]
    shown: type[PersonOut[Any]]
    every: type[ApiModel]
    added: type[ApiModel]
    renewed: type[ApiModel]
    person: str = "member"


@dataclass(frozen=True, slots=True)
class PeopleSummaries:
    """What the routes are called in the API's description.

    Args:
        one: what one of the people is called: "somebody", say.
    """

    listing: str
    adding: str
    one: str = "somebody"


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


def people_routes(
    path: str,
    access_of: AccessOf[Any, Any],
    models: PeopleModels,
    summaries: PeopleSummaries,
    *,
    needs: frozenset[str] = OPERATOR.roles,
) -> Sequence[Route]:
    """Return the routes that list people, add, change and remove them, invite, block, and let in again.

    Args:
        path: of the role's people: "/officials", say.
        access_of: gives the access to the desk of an office.
        models: what goes over the wire.
        summaries: what the routes are called.
        needs: whose routes they are.
    """
    shown, one = models.shown, summaries.one

    async def every(office: Any, _: Call[None]) -> ApiModel:
        return models.every.model_validate(
            {"items": [shown.of(person) for person in await access_of(office).people.all()]}
        )

    async def add(office: Any, call: Call[Any]) -> ApiModel:
        access, new, by = access_of(office), call.body, manager(call)
        people, sign_in = access.people, access.sign_in
        if new.invite:
            sign_in.needed_passkeys()  # else somebody would be added who cannot be invited
            added = await add_invited_once(
                people, new.id, name=new.name, roles=new.roles, by=by, once=call.once, is_in=sign_in.is_in
            )
            invitation = await invite(sign_in, access.place, added.id, by=by)
            return models.added.model_validate({models.person: shown.of(added), "invitation": invitation})
        person, token = await add_once(people, new.id, name=new.name, roles=new.roles, by=by, once=call.once)
        return models.added.model_validate({models.person: shown.of(person), "token": token})

    async def change(office: Any, call: Call[Any]) -> ApiModel:
        people, body = access_of(office).people, call.body
        return shown.of(await people.change(call.path["id"], name=body.name, roles=body.roles, by=manager(call)))

    async def remove(office: Any, call: Call[None]) -> ApiModel:
        return shown.of(await access_of(office).people.remove(call.path["id"], by=manager(call)))

    async def renew(office: Any, call: Call[None]) -> ApiModel:
        people = access_of(office).people
        person, token = await renew_once(people, call.path["id"], by=manager(call), once=call.once)
        return models.renewed.model_validate({models.person: shown.of(person), "token": token})

    async def invited(office: Any, call: Call[None]) -> SignInInvitationOut:
        access = access_of(office)
        return await invite(access.sign_in, access.place, call.path["id"], by=manager(call))

    async def blocked(office: Any, call: Call[None]) -> ApiModel:
        return shown.of(await access_of(office).people.block(call.path["id"], by=manager(call)))

    async def unblocked(office: Any, call: Call[None]) -> ApiModel:
        return shown.of(await access_of(office).people.unblock(call.path["id"], by=manager(call)))

    person = f"{path}/{{id}}"
    return (
        get(path, every, result=models.every, summary=summaries.listing, needs=needs),
        post(
            path,
            add,
            body=models.new,
            result=models.added,
            status=201,
            summary=summaries.adding,
            needs=needs,
            once=True,
        ),
        patch(person, change, body=models.change, result=shown, summary=f"Change {one}", needs=needs),
        delete(person, remove, result=shown, summary=f"Remove {one} for good", needs=needs),
        post(
            f"{person}/token",
            renew,
            result=models.renewed,
            summary=f"Give {one} a new token",
            needs=needs,
            once=True,
        ),
        post(
            f"{person}/invitation",
            invited,
            result=SignInInvitationOut,
            status=201,
            summary="Invite to make a passkey; an earlier invitation ends",
            needs=needs,
        ),
        post(f"{person}/block", blocked, result=shown, summary="Let in no more, for now", needs=needs),
        post(f"{person}/unblock", unblocked, result=shown, summary="Let in again", needs=needs),
    )
