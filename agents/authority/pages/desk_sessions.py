"""The sessions of the authority's desk."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, Final

from wanderbuch.agents.authority.officials import Official
from wanderbuch.agents.people.sign_in import SignIn
from wanderbuch.agents.site.sessions import Sessions, SiteSession
from wanderbuch.store.records import RecordStore

COOKIE: Final = "__Host-desk"


class DeskSession(SiteSession):
    """The session of an official."""

    category: ClassVar[str] = "wanderbuch.authority-desk-session"


type DeskSessions = Sessions[DeskSession, Official]


def desk_sessions(
    records: RecordStore[DeskSession], sign_in: SignIn[Official], *, clock: Callable[[], datetime]
) -> DeskSessions:
    """Return the sessions of one authority's desk."""
    return Sessions(DeskSession, records, sign_in, cookie=COOKIE, clock=clock)
