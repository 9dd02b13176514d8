"""The pages of an authority as the runtime mounts them: before the authority has started, and after."""

from collections.abc import Callable, Sequence
from datetime import datetime

from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.pages.desk import DeskPages, DeskParts
from wanderbuch.agents.authority.pages.desk_drafts import DeskDrafts
from wanderbuch.agents.authority.pages.desk_editing import DeskEditing
from wanderbuch.agents.authority.pages.facts import Facts, PublishedRegister, VersionLine
from wanderbuch.agents.authority.pages.registry import PublicPages
from wanderbuch.agents.authority.pages.sessions import DeskSession, Sessions
from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.governance.history import Entry
from wanderbuch.store.records import RecordStore


class AuthorityPages:
    """The public register and the officials' desk of one authority.

    Routes are mounted before the authority has started; until `start` they answer that nothing is published yet.

    Args:
        clock: the instant now, aware UTC.
    """

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._register: PublishedRegister | None = None
        self._parts: DeskParts | None = None
        self._clock = clock

    def start(self, desk: Desk, sessions: RecordStore[DeskSession]) -> None:
        """Serve what this desk publishes from now on."""
        self._register = PublishedRegister(desk.publication)
        signed_in = Sessions(sessions, desk.officials, clock=self._clock)
        self._parts = DeskParts(desk=desk, sessions=signed_in, register=self._register)

    def public_routes(self) -> Sequence[PublicRoute]:
        """Return the routes of the public site."""
        return PublicPages(self, clock=self._clock).routes()

    def app_pages(self) -> Sequence[PublicRoute]:
        """Return the routes of the app site; each sees to it by itself who asks."""
        desk = DeskPages(lambda: self._parts)
        handlers = {**DeskEditing(desk).handlers(), **DeskDrafts(desk).handlers(), **desk.handlers()}
        return tuple(PublicRoute(method, path, handler) for (method, path), handler in handlers.items())

    async def facts(self) -> Facts | None:
        """Return what is published now (`facts.Register`)."""
        return await self._register.facts() if self._register else None

    async def versions(self) -> Sequence[VersionLine]:
        """Return all published versions (`facts.Register`)."""
        return await self._register.versions() if self._register else ()

    async def history(self) -> Sequence[Entry]:
        """Return the newest entries of the history (`facts.Register`)."""
        return await self._register.history() if self._register else ()
