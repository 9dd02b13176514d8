"""What all pages of the console share: who may see them, the frame they stand in, and words for what a file says.

Every page needs a session but the one that begins it; every form needs the session's token. Who may do what is looked
up at each page (`ClerkRole`): it does not rest on which buttons a page shows.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from aiohttp import web

from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.console.clerks import Clerk, ClerkRole
from wanderbuch.agents.issuer.console.console import Console
from wanderbuch.agents.issuer.console.kit import KIT
from wanderbuch.agents.issuer.desk import OfferDesk
from wanderbuch.agents.issuer.joining.joining import Joining
from wanderbuch.agents.issuer.mailing.postman import Postman
from wanderbuch.agents.issuer.many_revoked import ManyRevocations
from wanderbuch.agents.issuer.personal_data import PersonalData
from wanderbuch.agents.issuer.register.counts import CountsDesk
from wanderbuch.agents.issuer.register.register import IssuedRegister
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.people.pages.desk import PeopleDesk
from wanderbuch.agents.people.pages.entrance import PeopleEntrance
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.site.entrance import SignedInVisit
from wanderbuch.agents.site.rendering import PageHandler, Pages
from wanderbuch.schemas.occupations import isco08
from wanderbuch.store.records import new_id

_TITLES_MAX_AGE_S: Final = 3600
_MAX_ID: Final = 64


class ConsoleOffice(Protocol):
    """What the pages work on: an open issuer's office."""

    @property
    def tenant(self) -> Tenant:
        """Return whose it is."""

    @property
    def config(self) -> IssuerConfig:
        """Return its settings."""

    @property
    def console(self) -> Console:
        """Return its console."""

    @property
    def standing(self) -> Standing:
        """Return what it may attest, and with what."""

    @property
    def desk(self) -> OfferDesk:
        """Return where it makes offers."""

    @property
    def revocations(self) -> Revocations:
        """Return its revocations."""

    @property
    def batches(self) -> BatchDesk:
        """Return its batches."""

    @property
    def register(self) -> IssuedRegister:
        """Return the register of what it has issued."""

    @property
    def counts(self) -> CountsDesk:
        """Return how many certificates it has issued."""

    @property
    def personal_data(self) -> PersonalData:
        """Return what it keeps of persons."""

    @property
    def many_revocations(self) -> ManyRevocations:
        """Return its calls that revoke."""

    @property
    def postman(self) -> Postman:
        """Return what writes to the people of its batches."""

    @property
    def joining(self) -> Joining:
        """Return how it joins."""

    def slip_address(self, token: str) -> str:
        """Return the address that a slip shows."""


class ConsoleVisit(SignedInVisit[ConsoleOffice, Clerk]):
    """One request of somebody who works at the console, with the form they sent."""

    __slots__ = ()

    def must_issue(self) -> None:
        """Go on only if they may issue.

        Raises:
            ForbiddenError: they may not.
        """
        self.person.must(ClerkRole.CLERK)

    @property
    def named(self) -> str:
        """Return the id that the address names."""
        return self.request.match_info["id"][:_MAX_ID]


type ConsolePage = Callable[[ConsoleVisit], Awaitable[web.StreamResponse]]


class ConsolePages:
    """Serves the pages of one console, and those of its people.

    Args:
        base: where it is.
    """

    def __init__(self, base: str) -> None:
        self.pages = Pages(base, KIT)
        self.entrance: PeopleEntrance[ConsoleOffice, Clerk] = PeopleEntrance(
            self.pages,
            lambda office: office.console.sessions,
            lambda office: office.console.sign_in,
            frame="console.html",
            network_of=lambda office, request: office.console.networks.of(
                request.remote, request.headers.getall("X-Forwarded-For", [])
            ),
        )
        self.people: PeopleDesk[ConsoleOffice, Clerk] = PeopleDesk(self.entrance, lambda office: office.console.sign_in)

    @property
    def base(self) -> str:
        """Where the console is, in any language."""
        return f"{self.pages.base}/{{language}}"

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        return {
            **self.people.handlers(),
            ("GET", f"{self.base}/occupations.json"): self.served(self._titles),
        }

    def served(self, page: ConsolePage, *, takes_file: bool = False) -> PageHandler:
        """Return the handler that lets only people of the console see a page, and shows what went wrong as a page."""

        async def handle(visit: SignedInVisit[ConsoleOffice, Clerk]) -> web.StreamResponse:
            return await page(
                ConsoleVisit(visit.request, visit.language, visit.signed_in, visit.office, visit.sent, visit.pages)
            )

        return self.entrance.served(handle, takes_file=takes_file)

    def show(self, visit: ConsoleVisit, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """Return a page of the console."""
        return self.entrance.show(
            visit.request,
            template,
            visit.language,
            visit.signed_in,
            status=status,
            centre_name=visit.office.tenant.name,
            page_id=new_id(),
            **values,
        )

    async def _titles(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Answer with the titles of occupations in the page's language, for suggestions while one types."""
        words = visit.words
        titles = [str(words.occupation(code).striptags()) for code in isco08().codes if len(code) == len("C7212")]
        response = web.json_response(titles)
        response.headers["Cache-Control"] = f"private, max-age={_TITLES_MAX_AGE_S}"
        return response
