"""Under which kinds a role keeps what its people sign in with.

One tenant may have several roles, each with people of its own, whose ids are their own: "ann" of one desk is not "ann"
of another. So what lets somebody in is kept apart by role, like the people themselves: else an invitation or a passkey
of one would let its holder in as the other.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from wanderbuch.agents.people.account import Account
from wanderbuch.agents.people.invitations import Invitation
from wanderbuch.agents.people.openid import OutsideAccount
from wanderbuch.agents.people.passkeys import Passkey


@dataclass(frozen=True, slots=True)
class SignInKinds:
    """The kinds of records of one role.

    Args:
        account: recovery codes and handles.
        passkey: passkeys.
        invitation: links by which people make their first passkey.
        outside: accounts elsewhere.
    """

    account: type[Account] = Account
    passkey: type[Passkey] = Passkey
    invitation: type[Invitation] = Invitation
    outside: type[OutsideAccount] = OutsideAccount


USUAL_KINDS: Final = SignInKinds()
"""Of a role that a tenant has alone."""


def kinds_in(roles: Collection[str], own: SignInKinds) -> SignInKinds:
    """Return under which kinds a role of a tenant keeps it.

    Where there are other roles nothing under the usual kinds lets anybody in: nobody can say whose it was.

    Args:
        roles: all roles of the tenant, which never change.
        own: the kinds that no other role has.
    """
    return own if len(roles) > 1 else USUAL_KINDS
