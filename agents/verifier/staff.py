"""The people of a verifier's desk: who asks, who reads what was asked, who lets people in.

One person may have every role: in a household it is one. Whoever only reads sees no value of a credential.
"""

from enum import StrEnum
from typing import ClassVar, Final

from wanderbuch.agents.people.account import Account
from wanderbuch.agents.people.invitations import Invitation
from wanderbuch.agents.people.kinds import SignInKinds
from wanderbuch.agents.people.openid import OutsideAccount
from wanderbuch.agents.people.passkeys import Passkey
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


class StaffAccount(Account):
    """The recovery code and handle of somebody at the desk, in a tenant that has other roles too."""

    category: ClassVar[str] = "wanderbuch.verifier-staff-account"


class StaffPasskey(Passkey):
    """A passkey of somebody at the desk, in a tenant that has other roles too."""

    category: ClassVar[str] = "wanderbuch.verifier-staff-passkey"


class StaffInvitation(Invitation):
    """An invitation of somebody at the desk, in a tenant that has other roles too."""

    category: ClassVar[str] = "wanderbuch.verifier-staff-invitation"


class StaffOutsideAccount(OutsideAccount):
    """An account elsewhere of somebody at the desk, in a tenant that has other roles too."""

    category: ClassVar[str] = "wanderbuch.verifier-staff-outside-account"


STAFF_KINDS: Final = SignInKinds(StaffAccount, StaffPasskey, StaffInvitation, StaffOutsideAccount)


def cookie_of(tenant_id: str) -> str:
    """Return the name of the cookie of a desk (`desk_cookie`)."""
    return desk_cookie("asking", tenant_id)
