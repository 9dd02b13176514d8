"""The first person of a desk that signed up: whoever made the tenant, with every role.

Their id is like nobody else's: who can guess an id spends the tries of its recovery code (`people.tries`).
"""

import secrets
from dataclasses import dataclass
from typing import Final

from wanderbuch.agents.people.rest import invite
from wanderbuch.agents.runtime.app import OPERATOR
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.staff import StaffRole
from wanderbuch.store.errors import DuplicateError

_FIRST: Final = "owner"
_RANDOM_BYTES: Final = 5


@dataclass(frozen=True, slots=True)
class FirstPerson:
    """How they get in; both are shown once.

    Args:
        place: where their desk is.
        link: on which they make a passkey; None where the site has none.
        token: that they sign in with there instead.
        id: what they are called there; recovery asks for it.
    """

    id: str
    place: str
    link: str | None
    token: str | None


async def let_first_in(office: VerifierOffice) -> FirstPerson:
    """Let in who signed up, and return how; errors as with `People.add` and `invite`.

    Raises:
        DuplicateError: they were let in before.
    """
    if any(person.id.partition("-")[0] == _FIRST for person in await office.staff.all()):
        raise DuplicateError("who signed up was let in before")
    name, roles, place = office.tenant.name, tuple(StaffRole), office.access.place
    own_id = f"{_FIRST}-{secrets.token_hex(_RANDOM_BYTES)}"
    if office.access.sign_in.passkeys is None:
        _, token = await office.staff.add(own_id, name=name, roles=roles)
        return FirstPerson(own_id, place, None, token)
    await office.staff.add_without_token(own_id, name=name, roles=roles, by=OPERATOR.id)
    invitation = await invite(office.access.sign_in, place, own_id, by=OPERATOR.id)
    return FirstPerson(own_id, place, invitation.url, None)
