"""The sessions of the authority's desk."""

from typing import ClassVar, Final

from wanderbuch.agents.site.desks import desk_cookie
from wanderbuch.agents.site.sessions import SiteSession
from wanderbuch.store.tables import DEFAULT_TENANT

COOKIE: Final = desk_cookie("desk", DEFAULT_TENANT)


class DeskSession(SiteSession):
    """The session of an official."""

    category: ClassVar[str] = "wanderbuch.authority-desk-session"
