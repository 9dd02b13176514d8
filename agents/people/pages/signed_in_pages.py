"""What the pages of every desk share: their entrance, the pages of people, and the frame they stand in.

Every page needs a session but the one that begins it; every form needs the session's token. Who may do what is looked
up at each page: it does not rest on which buttons a page shows.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web

from wanderbuch.agents.people.desk_access import AccessOf
from wanderbuch.agents.people.pages.desk import PeopleDesk
from wanderbuch.agents.people.pages.entrance import PeopleEntrance
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.site.entrance import SignedInVisit
from wanderbuch.agents.site.rendering import Kit, PageHandler, Pages
from wanderbuch.schemas.occupations import isco08
from wanderbuch.store.records import new_id

_TITLES_MAX_AGE_S: Final = 3600

type DeskPage[V: SignedInVisit[Any, Any]] = Callable[[V], Awaitable[web.StreamResponse]]
"""A view function of a desk, for its own kind of visit."""


class SignedInPages[O, P: Person, V: SignedInVisit[Any, Any]]:
    """Serves the pages of one desk.

    Args:
        base: where it is.
        kit: what its pages are made of.
        visit: its own kind of visit.
        access_of: gives the access to the desk of an office.
        name_of: gives what the office is called.
        frame: the template that the pages of the entrance stand in.
    """

    def __init__(
        self,
        base: str,
        kit: Kit,
        visit: type[V],
        access_of: AccessOf[O, P],
        name_of: Callable[[O], str],
        *,
        frame: str,
    ) -> None:
        self.pages = Pages(base, kit)
        self.entrance: PeopleEntrance[O, P] = PeopleEntrance(self.pages, access_of, name_of, frame=frame)
        self._people: PeopleDesk[O, P] = PeopleDesk(
            self.entrance, access_of, lambda visited: self.shared(self._own(visited))
        )
        self._visit = visit

    @property
    def base(self) -> str:
        """Where the desk is, in any language."""
        return f"{self.pages.base}/{{language}}"

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        return self._people.handlers()

    def served(self, page: DeskPage[V], *, takes_file: bool = False) -> PageHandler:
        """Return the handler that lets only people of the desk see a page, and shows what went wrong as a page.

        Args:
            page: the page.
            takes_file: whether its form may have a file.
        """

        async def handle(visit: SignedInVisit[O, P]) -> web.StreamResponse:
            return await page(self._own(visit))

        return self.entrance.served(handle, takes_file=takes_file)

    def show(self, visit: V, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """Return a page of the desk."""
        shown = {"page_id": new_id(), **self.shared(visit), **values}
        return self.entrance.show(
            visit.office, visit.request, template, visit.language, visit.signed_in, status=status, **shown
        )

    def _own(self, visit: SignedInVisit[O, P]) -> V:
        return self._visit(visit.request, visit.language, visit.signed_in, visit.office, visit.sent, visit.pages)

    def shared(self, visit: V) -> Mapping[str, Any]:
        """Return what all templates of the desk know."""
        return {}

    async def titles(self, visit: V) -> web.StreamResponse:
        """Answer with the titles of occupations in the page's language, for suggestions while one types."""
        words = visit.words
        titles = [str(words.occupation(code).striptags()) for code in isco08().codes if len(code) == len("C7212")]
        response = web.json_response(titles)
        response.headers["Cache-Control"] = f"private, max-age={_TITLES_MAX_AGE_S}"
        return response
