"""The people of a training centre's console: who issues, and who lets people in. One person may have both roles."""

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


class ClerkAccount(Account):
    """The recovery code and handle of somebody at the console."""

    category: ClassVar[str] = "wanderbuch.issuer-clerk-account"


class ClerkPasskey(Passkey):
    """A passkey of somebody at the console."""

    category: ClassVar[str] = "wanderbuch.issuer-clerk-passkey"


class ClerkInvitation(Invitation):
    """An invitation of somebody to the console."""

    category: ClassVar[str] = "wanderbuch.issuer-clerk-invitation"


class ClerkOutsideAccount(OutsideAccount):
    """An account elsewhere of somebody at the console."""

    category: ClassVar[str] = "wanderbuch.issuer-clerk-outside-account"


CLERK_KINDS: Final = SignInKinds(ClerkAccount, ClerkPasskey, ClerkInvitation, ClerkOutsideAccount)


def cookie_of(tenant_id: str) -> str:
    """Return the name of the cookie of a console (`desk_cookie`)."""
    return desk_cookie("issuing", tenant_id)
