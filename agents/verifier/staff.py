"""The people of a verifier's desk: who asks, who reads what was asked, who lets people in.

One person may have every role: in a household it is one. Whoever only reads sees no value of a credential.
"""

from enum import StrEnum
from typing import ClassVar, Final

from wanderbuch.agents.people.person import Person
from wanderbuch.agents.site.desks import desk_cookie
from wanderbuch.agents.site.sessions import SiteSession
from wanderbuch.store.tables import DEFAULT_TENANT

COOKIE: Final = desk_cookie("asking", DEFAULT_TENANT)


class StaffRole(StrEnum):
    """What somebody may do at the desk."""

    ASKER = "asker"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class StaffMember(Person):
    """Somebody who works at the desk. The id in the store is their own, such as "m.borg"."""

    category: ClassVar[str] = "wanderbuch.verifier-staff"

    roles: tuple[StaffRole, ...]


class StaffSession(SiteSession):
    """The session of somebody at the desk."""

    category: ClassVar[str] = "wanderbuch.verifier-desk-session"


def cookie_of(tenant_id: str) -> str:
    """Return the name of the cookie of a desk (`desk_cookie`)."""
    return desk_cookie("asking", tenant_id)
