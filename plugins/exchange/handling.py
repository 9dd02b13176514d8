"""The table of what we handle ourselves, message type by message type; each role has its part of it.

    class IssuerRole(Role):
        handlers = {"issue-credential/2.0/request-credential": Handler(take_request, knows=knows_offer), …}

The gate asks `knows` before anything waits or is kept; `take` runs when the sender's turn comes, inside the deadline of
its budget, and commits before it returns: only then does the sender get its 200. A handler may be called twice with the
same message, also at once, also in two processes.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from acapy_agent.core.profile import Profile

from wanderbuch.plugins.exchange.incoming import Incoming

type Take = Callable[[Any, Incoming], Awaitable[bool]]
"""Takes (office, message); False: it is about nothing of this role, so another role of the tenant may take it.

Raises:
    ExchangeError: the message is refused; nothing was kept, its sender is not told.
"""

type Knows = Callable[[Incoming], Awaitable[bool]]
"""Tells whether a message belongs to something of ours that its sender may write to: the thread, and the keys.

Reads by name, at most a few entries; needs no office. Whoever has a connection (its key is that of a live channel) may
send without being asked for.
"""


async def knows_nobody(_: Incoming) -> bool:
    """Know nobody: only who has a connection may send this."""
    return False


type BudgetOf = Callable[[Incoming], Awaitable[str | None]]
"""Tells whose budget a message uses that may come from anybody; None: it is about nothing of ours, and is refused.

Reads by name, at most one entry; needs no office.
"""


@dataclass(frozen=True, slots=True)
class Handler:
    """How one message type is handled.

    Args:
        take: takes it.
        knows: tells whether it belongs to something of ours.
        begins_connection: it answers an invitation, from a key that is new to us: so the invitation is looked at first.
        is_kept: whether its envelope may be kept where it cannot be handled at once; else its sender waits, or is told
            to come again.
        own_connections: it takes only what comes over connections that invitations of its role made; the rest is for
            other roles of the tenant, or for ACA-Py.
        budget: it may come from anybody, anonymously too, for somebody whom we know; nothing else is asked then.
        asked_again: its sender waits for the answer, which is worth nothing later: it is never kept. Where it cannot be
            taken now, the connection ends, and its sender asks again.
        takes_tail: it may have bytes behind it (`Received`, 4).
    """

    take: Take
    knows: Knows = knows_nobody
    begins_connection: bool = False
    budget: BudgetOf | None = None
    is_kept: bool = True
    own_connections: bool = False
    asked_again: bool = False
    takes_tail: bool = False


@dataclass(frozen=True, slots=True)
class Invited:
    """An open invitation of ours.

    Args:
        reusable: whether it is for many.
        is_untouched: nobody has been given what it is for, so nobody is looked for who may have been.
        is_over: nobody else is given what it is for; it is found still, so that who comes can be told.
        network_a_day: how many of one network may answer it a day, where what they get stays; None: any number.
    """

    reusable: bool
    is_untouched: bool = False
    is_over: bool = False
    network_a_day: int | None = None


type FindInvitation = Callable[[Profile, str], Awaitable[Invited | None]]
"""Finds an open invitation of ours by its id; None: there is none. Reads by name."""
