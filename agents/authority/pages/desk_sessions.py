"""What officials sign in with at the authority's desk, and their sessions."""

from typing import ClassVar, Final

from wanderbuch.agents.people.account import Account
from wanderbuch.agents.people.invitations import Invitation
from wanderbuch.agents.people.kinds import SignInKinds
from wanderbuch.agents.people.openid import OutsideAccount
from wanderbuch.agents.people.passkeys import Passkey
from wanderbuch.agents.site.desks import desk_cookie
from wanderbuch.agents.site.sessions import SiteSession
from wanderbuch.store.tables import DEFAULT_TENANT

COOKIE: Final = desk_cookie("desk", DEFAULT_TENANT)


class DeskSession(SiteSession):
    """The session of an official."""

    category: ClassVar[str] = "wanderbuch.authority-desk-session"


class OfficialAccount(Account):
    """The recovery code and handle of an official, in a tenant that has other roles too."""

    category: ClassVar[str] = "wanderbuch.authority-official-account"


class OfficialPasskey(Passkey):
    """A passkey of an official, in a tenant that has other roles too."""

    category: ClassVar[str] = "wanderbuch.authority-official-passkey"


class OfficialInvitation(Invitation):
    """An invitation of an official, in a tenant that has other roles too."""

    category: ClassVar[str] = "wanderbuch.authority-official-invitation"


class OfficialOutsideAccount(OutsideAccount):
    """An account elsewhere of an official, in a tenant that has other roles too."""

    category: ClassVar[str] = "wanderbuch.authority-official-outside-account"


OFFICIAL_KINDS: Final = SignInKinds(OfficialAccount, OfficialPasskey, OfficialInvitation, OfficialOutsideAccount)
