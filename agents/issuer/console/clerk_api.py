"""The people of the console over REST: the operator lets the first one in, with a token or a link to make a passkey."""

from collections.abc import Sequence
from typing import Final, Protocol

from wanderbuch.agents.issuer.console.clerks import ClerkRole
from wanderbuch.agents.issuer.console.console import Console
from wanderbuch.agents.people.adding import add_invited_once, add_once, renew_once
from wanderbuch.agents.people.person_models import NewPerson, PersonChange, PersonOut
from wanderbuch.agents.people.rest import SignInInvitationOut, invite, manager, sign_in_routes
from wanderbuch.agents.runtime.app import OPERATOR, ApiModel, Call, Route, delete, get, patch, post


class ConsoleWork(Protocol):
    """What the routes work on: an open issuer's office."""

    @property
    def console(self) -> Console:
        """Return its console."""


class NewClerk(NewPerson[ClerkRole]):
    """Somebody to let in."""


class ClerkChange(PersonChange[ClerkRole]):
    """What to change of somebody."""


class ClerkOut(PersonOut[ClerkRole]):
    """Somebody who works at the console."""


class ClerksOut(ApiModel):
    """Everybody, also who was removed."""

    items: list[ClerkOut]


class ClerkAddedOut(ApiModel):
    """Somebody with what they sign in with first; it is shown this once."""

    member: ClerkOut
    token: str | None = None
    invitation: SignInInvitationOut | None = None


async def _every(office: ConsoleWork, _: Call[None]) -> ClerksOut:
    return ClerksOut(items=[ClerkOut.of(clerk) for clerk in await office.console.clerks.all()])


async def _add(office: ConsoleWork, call: Call[NewClerk]) -> ClerkAddedOut:
    new, by, console = call.body, manager(call), office.console
    if new.invite:
        console.sign_in.needed_passkeys()  # else somebody would be added who cannot be invited
        added = await add_invited_once(
            console.clerks, new.id, name=new.name, roles=new.roles, by=by, once=call.once, is_in=console.sign_in.is_in
        )
        invitation = await invite(console.sign_in, console.place, added.id, by=by)
        return ClerkAddedOut(member=ClerkOut.of(added), invitation=invitation)
    member, token = await add_once(console.clerks, new.id, name=new.name, roles=new.roles, by=by, once=call.once)
    return ClerkAddedOut(member=ClerkOut.of(member), token=token)


async def _change(office: ConsoleWork, call: Call[ClerkChange]) -> ClerkOut:
    clerks, body = office.console.clerks, call.body
    return ClerkOut.of(await clerks.change(call.path["id"], name=body.name, roles=body.roles, by=manager(call)))


async def _remove(office: ConsoleWork, call: Call[None]) -> ClerkOut:
    return ClerkOut.of(await office.console.clerks.remove(call.path["id"], by=manager(call)))


async def _renew(office: ConsoleWork, call: Call[None]) -> ClerkAddedOut:
    member, token = await renew_once(office.console.clerks, call.path["id"], by=manager(call), once=call.once)
    return ClerkAddedOut(member=ClerkOut.of(member), token=token)


CLERK_ROUTES: Final[Sequence[Route]] = (
    get("/people", _every, result=ClerksOut, summary="List the people of the console"),
    post(
        "/people",
        _add,
        body=NewClerk,
        result=ClerkAddedOut,
        status=201,
        summary="Let somebody in at the console",
        once=True,
    ),
    patch("/people/{id}", _change, body=ClerkChange, result=ClerkOut, summary="Change somebody"),
    delete("/people/{id}", _remove, result=ClerkOut, summary="Remove somebody for good"),
    post("/people/{id}/token", _renew, result=ClerkAddedOut, summary="Give somebody a new token", once=True),
    *sign_in_routes(
        "/people",
        lambda office: office.console.place,
        lambda office: office.console.sign_in,
        ClerkOut,
        ClerkOut.of,
        OPERATOR.roles,
    ),
)
