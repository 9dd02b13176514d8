"""The entrance of a site for people who sign in: their language, their session, their forms, and errors as pages.

A role says who its people are and gives view functions; each takes a `SignedInVisit`:

    entrance = Entrance(Pages("/desk", KIT), sessions_of, name_of, frame="desk.html")
    routes = {**entrance.handlers(), ("GET", "/desk/{language}/"): entrance.served(dashboard)}

Every page but sign-in needs a session; every form needs the session's token.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web
from multidict import MultiDict

from wanderbuch.agents.runtime.problems import status_of
from wanderbuch.agents.site.forged import refuse_forged
from wanderbuch.agents.site.languages import LANGUAGES, Language, Words, negotiated
from wanderbuch.agents.site.posted_form import read_form
from wanderbuch.agents.site.rendering import PageHandler, Pages, language_of
from wanderbuch.agents.site.sessions import IDLE, Person, Sessions, SignedIn
from wanderbuch.agents.site.streams import is_stream
from wanderbuch.errors import WanderbuchError
from wanderbuch.store.once import own_id
from wanderbuch.store.records import new_id


@dataclass(frozen=True, slots=True)
class SignedInVisit[O, P: Person]:
    """One request of somebody who is signed in, with the form they sent.

    Args:
        office: of the role, as the runtime gave it.
        sent: the fields of the form; none if it was not a form.
    """

    request: web.Request
    language: Language
    signed_in: SignedIn[P]
    office: O
    sent: MultiDict[str]
    pages: Pages

    @property
    def person(self) -> P:
        """Who asks."""
        return self.signed_in.person

    @property
    def home(self) -> str:
        """Address of the site in the reader's language."""
        return f"{self.pages.base}/{self.language.tag}"

    @property
    def words(self) -> Words:
        """The sentences in the reader's language."""
        return self.pages.kit.words(self.language)

    def text(self, name: str) -> str:
        """Return a field of the form as text without blanks around it."""
        return self.sent.get(name, "").strip()

    def own_id(self, kind: str) -> str:
        """Return the id of what this form makes: the same when it is sent again from one page, so two clicks make one.

        A page says which it is by the field `once`; without it, and for what was changed in the form, the id is fresh.

        Args:
            kind: what is made; a page may have forms for several.
        """
        if not self.text("once"):
            return new_id()
        fields = [part for field in self.sent.items() if field[0] != "form_token" for part in field]
        return own_id(f"{kind} by a form", self.person.id, *fields).replace("-", "")  # in the form of `new_id`

    def go(self, path: str, **query: object) -> web.Response:
        """Return the answer to a form that was done: look at this page now, asked for with these parameters."""
        asked = {name: str(value) for name, value in query.items()}
        address = f"{self.home}{path}{'?' if asked else ''}{urlencode(asked, safe=':', quote_via=quote)}"
        return web.Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})


type SignedInPage[O, P: Person] = Callable[[SignedInVisit[O, P]], Awaitable[web.StreamResponse]]


class Entrance[O, P: Person]:
    """Lets people in.

    Args:
        pages: of the site.
        sessions_of: gives the sessions of an office.
        name_of: gives what an office is called: it stands above its pages, also before anybody has signed in.
        frame: the template that the pages of the entrance stand in.
    """

    def __init__(
        self, pages: Pages, sessions_of: Callable[[O], Sessions[Any, P]], name_of: Callable[[O], str], *, frame: str
    ) -> None:
        self.pages = pages
        self._sessions_of = sessions_of
        self._name_of = name_of
        self._frame = frame

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers of the entrance by method and path."""
        base = self.pages.base
        return {
            ("GET", base): self._welcome,
            ("GET", f"{base}/"): self._welcome,
            ("GET", f"{base}/assets/{{digest}}/{{name}}"): self.pages.asset,
            ("GET", f"{base}/{{language}}"): self._welcome,
            ("GET", f"{base}/{{language}}/sign-in"): self._sign_in_page,
            ("POST", f"{base}/{{language}}/sign-in"): self._sign_in,
            ("POST", f"{base}/{{language}}/sign-out"): self.served(self._sign_out),
        }

    def last_handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handler of every address that has no page; it goes after all others."""
        return {("GET", f"{self.pages.base}/{{language}}/{{lost:.*}}"): self.served(self._lost)}

    def served(self, page: SignedInPage[O, P], *, takes_file: bool = False) -> PageHandler:
        """Return the handler that lets only people with a session see a page, and shows what went wrong as a page.

        Args:
            page: the page.
            takes_file: whether its form may have a file.
        """

        async def handle(office: O, request: web.Request) -> web.StreamResponse:
            language, sessions = language_of(request), self._sessions_of(office)
            if language is None:
                return await self._welcome(office, request)
            signed_in = await sessions.who(request, is_busy=not is_stream(request))
            if signed_in is None:
                return self._to_sign_in(request, language)
            try:
                sent: MultiDict[str] = MultiDict()
                if request.method == "POST":
                    sent = await read_form(request, takes_file=takes_file)
                    refuse_forged(signed_in.form_token, sent.get("form_token"))
                return await page(SignedInVisit(request, language, signed_in, office, sent, self.pages))
            except WanderbuchError as err:
                return self._problem(office, request, language, signed_in, status_of(err), err.message, err.hint)

        return handle

    def show(
        self,
        office: O,
        request: web.Request,
        template: str,
        language: Language,
        signed_in: SignedIn[P] | None = None,
        *,
        status: int = 200,
        **values: Any,
    ) -> web.Response:
        """Return a page in the frame of the site, for one person or for nobody yet."""
        return self.pages.for_one(
            request,
            template,
            language,
            status=status,
            frame=self._frame,
            desk_name=self._name_of(office),
            me=signed_in.person if signed_in else None,
            form_token=signed_in.form_token if signed_in else "",
            **values,
        )

    def _problem(
        self,
        office: O,
        request: web.Request,
        language: Language,
        signed_in: SignedIn[P] | None,
        status: int,
        message: object,
        hint: str | None,
    ) -> web.Response:
        return self.show(
            office, request, "problem.html", language, signed_in, status=status, message=message, hint=hint
        )

    async def _welcome(self, _: O, request: web.Request) -> web.StreamResponse:
        language = language_of(request) or negotiated(request.headers.get("Accept-Language", ""))
        raise web.HTTPSeeOther(f"{self.pages.base}/{language.tag}/", headers={"Cache-Control": "no-store"})

    async def _lost(self, visit: SignedInVisit[O, P]) -> web.StreamResponse:
        missing = visit.words("lost.page")
        return self._problem(visit.office, visit.request, visit.language, visit.signed_in, 404, missing, hint=None)

    def _to_sign_in(self, request: web.Request, language: Language) -> web.StreamResponse:
        ended = "?ended=1" if request.cookies else ""
        raise web.HTTPSeeOther(
            f"{self.pages.base}/{language.tag}/sign-in{ended}", headers={"Cache-Control": "no-store"}
        )

    async def _sign_in_page(self, office: O, request: web.Request) -> web.StreamResponse:
        language = LANGUAGES.get(request.match_info["language"]) or negotiated("")
        return await self.sign_in_form(office, request, language)

    async def sign_in_form(
        self, office: O, request: web.Request, language: Language, *, status: int = 200, failed: bool = False
    ) -> web.Response:
        """Return the page to sign in at; further ways in are added by overriding it.

        Args:
            office: where somebody signs in.
            request: theirs.
            language: of the page.
            status: of the answer.
            failed: whether a token was sent that nobody has.
        """
        return self.show(
            office,
            request,
            "sign_in.html",
            language,
            status=status,
            failed=failed,
            ended="ended" in request.query,
            idle_minutes=int(IDLE.total_seconds() // 60),
        )

    def let_in(self, office: O, language: Language, value: str) -> web.Response:
        """Return the answer that gives the browser a session and leads to the first page."""
        response = web.Response(
            status=303, headers={"Location": f"{self.pages.base}/{language.tag}/", "Cache-Control": "no-store"}
        )
        self._sessions_of(office).set_cookie(response, value)
        return response

    async def _sign_in(self, office: O, request: web.Request) -> web.StreamResponse:
        language, sessions = language_of(request), self._sessions_of(office)
        if language is None:
            return await self._welcome(office, request)
        try:
            sent = await read_form(request)
        except WanderbuchError as err:
            return self._problem(office, request, language, None, status_of(err), err.message, err.hint)
        value = await sessions.sign_in(sent.get("token", ""))
        if value is None:
            return await self.sign_in_form(office, request, language, status=403, failed=True)
        await sessions.sign_out(request)  # a session that this browser had before is worth nothing any more
        return self.let_in(office, language, value)

    async def _sign_out(self, visit: SignedInVisit[O, P]) -> web.StreamResponse:
        sessions = self._sessions_of(visit.office)
        await sessions.sign_out(visit.request)
        response = visit.go("/sign-in")
        sessions.drop_cookie(response)
        return response
