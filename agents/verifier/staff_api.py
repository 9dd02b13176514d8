"""The people of the desk over REST: the operator lets the first one in, with a token or a link to make a passkey."""

from collections.abc import Sequence
from typing import Final

from wanderbuch.agents.people.adding import add_invited_once, add_once, renew_once
from wanderbuch.agents.people.person_models import NewPerson, PersonChange, PersonOut
from wanderbuch.agents.people.rest import SignInInvitationOut, invite, manager, sign_in_routes
from wanderbuch.agents.runtime.app import OPERATOR, ApiModel, Call, Route, delete, get, patch, post
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.staff import StaffRole


class NewStaffMember(NewPerson[StaffRole]):
    """Somebody to let in."""


class StaffChange(PersonChange[StaffRole]):
    """What to change of somebody."""


class StaffMemberOut(PersonOut[StaffRole]):
    """Somebody who works at the desk."""


class StaffOut(ApiModel):
    """Everybody, also who was removed."""

    items: list[StaffMemberOut]


class StaffAddedOut(ApiModel):
    """Somebody with what they sign in with first; it is shown this once."""

    member: StaffMemberOut
    token: str | None = None
    invitation: SignInInvitationOut | None = None


async def _every(office: VerifierOffice, _: Call[None]) -> StaffOut:
    return StaffOut(items=[StaffMemberOut.of(member) for member in await office.staff.all()])


async def _add(office: VerifierOffice, call: Call[NewStaffMember]) -> StaffAddedOut:
    new, by = call.body, manager(call)
    if new.invite:
        office.sign_in.needed_passkeys()  # else somebody would be added who cannot be invited
        added = await add_invited_once(
            office.staff, new.id, name=new.name, roles=new.roles, by=by, once=call.once, is_in=office.sign_in.is_in
        )
        invitation = await invite(office.sign_in, office.desk_place, added.id, by=by)
        return StaffAddedOut(member=StaffMemberOut.of(added), invitation=invitation)
    member, token = await add_once(office.staff, new.id, name=new.name, roles=new.roles, by=by, once=call.once)
    return StaffAddedOut(member=StaffMemberOut.of(member), token=token)


async def _change(office: VerifierOffice, call: Call[StaffChange]) -> StaffMemberOut:
    changed = await office.staff.change(call.path["id"], name=call.body.name, roles=call.body.roles, by=manager(call))
    return StaffMemberOut.of(changed)


async def _remove(office: VerifierOffice, call: Call[None]) -> StaffMemberOut:
    return StaffMemberOut.of(await office.staff.remove(call.path["id"], by=manager(call)))


async def _renew(office: VerifierOffice, call: Call[None]) -> StaffAddedOut:
    member, token = await renew_once(office.staff, call.path["id"], by=manager(call), once=call.once)
    return StaffAddedOut(member=StaffMemberOut.of(member), token=token)


STAFF_ROUTES: Final[Sequence[Route]] = (
    get("/people", _every, result=StaffOut, summary="List the people of the desk"),
    post(
        "/people",
        _add,
        body=NewStaffMember,
        result=StaffAddedOut,
        status=201,
        summary="Let somebody in at the desk",
        once=True,
    ),
    patch("/people/{id}", _change, body=StaffChange, result=StaffMemberOut, summary="Change somebody"),
    delete("/people/{id}", _remove, result=StaffMemberOut, summary="Remove somebody for good"),
    post("/people/{id}/token", _renew, result=StaffAddedOut, summary="Give somebody a new token", once=True),
    *sign_in_routes(
        "/people",
        lambda office: office.desk_place,
        lambda office: office.sign_in,
        StaffMemberOut,
        StaffMemberOut.of,
        OPERATOR.roles,
    ),
)
