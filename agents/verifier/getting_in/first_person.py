"""The first person of a desk that signed up: whoever made the tenant, with every role."""

from dataclasses import dataclass
from typing import Final

from wanderbuch.agents.people.rest import invite
from wanderbuch.agents.runtime.app import OPERATOR
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.staff import StaffRole

FIRST: Final = "owner"


@dataclass(frozen=True, slots=True)
class FirstPerson:
    """How they get in; both are shown once.

    Args:
        place: where their desk is.
        link: on which they make a passkey; None where the site has none.
        token: that they sign in with there instead.
    """

    place: str
    link: str | None
    token: str | None


async def let_first_in(office: VerifierOffice) -> FirstPerson:
    """Let in who signed up, and return how; errors as with `People.add` and `invite`."""
    name, roles, place = office.tenant.name, tuple(StaffRole), office.desk_place
    if office.sign_in.passkeys is None:
        _, token = await office.staff.add(FIRST, name=name, roles=roles)
        return FirstPerson(place, None, token)
    await office.staff.add_without_token(FIRST, name=name, roles=roles, by=OPERATOR.id)
    invitation = await invite(office.sign_in, place, FIRST, by=OPERATOR.id)
    return FirstPerson(place, invitation.url, None)
