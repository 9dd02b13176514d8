"""The people of a training centre's console: who issues, and who lets people in. One person may have both roles."""

from enum import StrEnum
from typing import ClassVar

from wanderbuch.agents.people.person import Person
from wanderbuch.agents.site.desks import desk_cookie
from wanderbuch.agents.site.sessions import SiteSession


class ClerkRole(StrEnum):
    """What somebody may do at the console."""

    CLERK = "clerk"
    ADMINISTRATOR = "administrator"


class Clerk(Person):
    """Somebody who works at the console. The id in the store is their own, such as "n.silva"."""

    category: ClassVar[str] = "wanderbuch.issuer-clerk"

    roles: tuple[ClerkRole, ...]


class ClerkSession(SiteSession):
    """The session of somebody at the console."""

    category: ClassVar[str] = "wanderbuch.issuer-console-session"


def cookie_of(tenant_id: str) -> str:
    """Return the name of the cookie of a console (`desk_cookie`)."""
    return desk_cookie("issuing", tenant_id)
