"""The entrance of a site whose people have passkeys: signing in, recovery codes, and invitations.

A browser that is not signed in gets a random cookie of its own, which is in the purpose of every challenge: an answer
to a challenge of another browser is refused (login CSRF, relayed answers). Nothing is stored for it.
"""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web
from multidict import MultiDict

from wanderbuch.agents.people.desk_access import AccessOf
from wanderbuch.agents.people.pages.outside import OutsideEntrance
from wanderbuch.agents.people.pages.saying import error_values
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.people.sign_in import ACCOUNT, Entered, InvitationEndedError, SignIn
from wanderbuch.agents.runtime.problems import status_of
from wanderbuch.agents.site.entrance import Entrance, SignedInVisit
from wanderbuch.agents.site.forged import form_token
from wanderbuch.agents.site.languages import LANGUAGES, Language, negotiated
from wanderbuch.agents.site.posted_form import read_form
from wanderbuch.agents.site.rendering import PageHandler, Pages, language_of
from wanderbuch.agents.site.sessions import IDLE, SignedIn
from wanderbuch.errors import WanderbuchError

_COOKIE_BYTES: Final = 32

type _Step[O] = Callable[[O, web.Request, Language, MultiDict[str]], Awaitable[web.StreamResponse]]
type _Again[O] = Callable[[O, web.Request, Language, WanderbuchError], Awaitable[web.StreamResponse]]


class PeopleEntrance[O, P: Person](Entrance[O, P]):
    """Lets people in.

    Args:
        pages: of the site.
        access_of: gives the access to the desk of an office.
        name_of: gives what it is called.
        frame: the template that the pages of the entrance stand in.
    """

    def __init__(self, pages: Pages, access_of: AccessOf[O, P], name_of: Callable[[O], str], *, frame: str) -> None:
        super().__init__(pages, lambda office: access_of(office).sessions, name_of, frame=frame)
        self._access_of = access_of
        self._outside = OutsideEntrance(self, self._sign_in_of)

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers of the entrance by method and path."""
        base = self.pages.base
        invitation = f"{base}/{{language}}/invitation/{{secret}}"
        return {
            **super().handlers(),
            **self._outside.handlers(),
            ("POST", f"{base}/{{language}}/sign-in/passkey"): self._posted(self._by_passkey, self._sign_in_again),
            ("GET", f"{base}/{{language}}/recover"): self._recover_page,
            ("POST", f"{base}/{{language}}/recover"): self._posted(self._recover, self._recover_again),
            ("GET", f"{base}/invitation/{{secret}}"): self._invitation_in_their_language,
            ("GET", invitation): self._invitation_page,
            ("POST", invitation): self._posted(self._accept, self._invitation_again),
        }

    async def sign_in_form(
        self,
        office: O,
        request: web.Request,
        language: Language,
        *,
        status: int = 200,
        failed: bool = False,
        err: WanderbuchError | None = None,
    ) -> web.Response:
        """Return the page to sign in at, with all ways in; see `Entrance.sign_in_form`."""
        passkeys, outside = self._sign_in_of(office).passkeys, self._sign_in_of(office).outside
        has_left = outside is not None and "left" in request.query
        browser, is_new = self._browser(office, request)
        response = self.show(
            office,
            request,
            "people_sign_in.html",
            language,
            status=status,
            failed=failed,
            ended="ended" in request.query,
            ceremony=await passkeys.begin_sign_in(_hashed(browser)) if passkeys else None,
            idle_minutes=int(IDLE.total_seconds() // 60),
            provider=outside.provider.client.name if outside else None,
            sign_out_url=await outside.sign_out_url() if outside and has_left else None,
            **error_values(err),
        )
        if is_new and passkeys:
            response.set_cookie(
                self._browser_cookie(office), browser, path="/", httponly=True, secure=True, samesite="Strict"
            )
        return response

    async def let_in_with(
        self, office: O, request: web.Request, language: Language, entered: Entered[P]
    ) -> web.StreamResponse:
        """Begin a session; show the recovery code first, if there is a new one."""
        sessions = self._access_of(office).sessions
        await sessions.sign_out(request)
        value = await sessions.begin(entered.person, entered.means)
        if entered.code is None:
            return self.let_in(office, language, value)
        signed_in = SignedIn(entered.person, form_token(value), entered.means)
        response = self.show_code(office, request, language, signed_in, entered.code)
        sessions.set_cookie(response, value)
        return response

    async def let_in_from_elsewhere(
        self, office: O, request: web.Request, language: Language, entered: Entered[P]
    ) -> web.Response:
        """Begin a session of somebody who comes from another site, on a page that goes on by itself."""
        sessions = self._access_of(office).sessions
        await sessions.sign_out(request)
        value = await sessions.begin(entered.person, entered.means)
        signed_in = SignedIn(entered.person, form_token(value), entered.means)
        response = self.show(office, request, "people_come.html", language, signed_in)
        sessions.set_cookie(response, value)
        return response

    def network_of(self, office: O, request: web.Request, /) -> str:
        """Return the network that a request comes from."""
        return self._access_of(office).networks.of_request(request)

    def cookie_of(self, office: O) -> str:
        """Return the name of the session's cookie; others begin with it."""
        return self._access_of(office).sessions.cookie

    def show_code(
        self, office: O, request: web.Request, language: Language, signed_in: SignedIn[P], code: str
    ) -> web.Response:
        """Return the page with a new recovery code; nobody can show it again."""
        return self.show(office, request, "people_code.html", language, signed_in, code=code)

    def _posted(self, step: _Step[O], again: _Again[O]) -> PageHandler:
        """Return the handler of a form of somebody who is not signed in; what went wrong is shown beside the form."""

        async def handle(office: O, request: web.Request) -> web.StreamResponse:
            language = language_of(request)
            if language is None:
                return await self._welcome(office, request)
            try:
                return await step(office, request, language, await read_form(request))
            except WanderbuchError as err:
                return await again(office, request, language, err)

        return handle

    # With a passkey

    async def _by_passkey(
        self, office: O, request: web.Request, language: Language, sent: MultiDict[str]
    ) -> web.StreamResponse:
        browser, _ = self._browser(office, request)
        entered = await self._sign_in_of(office).by_passkey(
            _hashed(browser), ticket=sent.get("ticket", ""), answer=sent.get("answer", "")
        )
        return await self.let_in_with(office, request, language, entered)

    async def _sign_in_again(
        self, office: O, request: web.Request, language: Language, err: WanderbuchError
    ) -> web.StreamResponse:
        return await self.sign_in_form(office, request, language, status=status_of(err), err=err)

    # With a recovery code

    async def _recover_page(self, office: O, request: web.Request) -> web.StreamResponse:
        language = language_of(request)
        if language is None:
            return await self._welcome(office, request)
        return self.show(office, request, "people_recover.html", language, **error_values(None))

    async def _recover(
        self, office: O, request: web.Request, language: Language, sent: MultiDict[str]
    ) -> web.StreamResponse:
        entered = await self._sign_in_of(office).recover(
            sent.get("id", ""), sent.get("code", ""), network=self.network_of(office, request)
        )
        return await self.let_in_with(office, request, language, entered)

    async def _recover_again(
        self, office: O, request: web.Request, language: Language, err: WanderbuchError
    ) -> web.StreamResponse:
        return self.show(office, request, "people_recover.html", language, status=status_of(err), **error_values(err))

    # With an invitation

    async def _invitation_in_their_language(self, _: O, request: web.Request) -> web.StreamResponse:
        language = negotiated(request.headers.get("Accept-Language", ""))
        raise web.HTTPSeeOther(
            f"{self.pages.base}/{language.tag}/invitation/{request.match_info['secret']}",
            headers={"Cache-Control": "no-store"},
        )

    async def _invitation_page(self, office: O, request: web.Request) -> web.StreamResponse:
        language = LANGUAGES.get(request.match_info["language"]) or negotiated("")
        return await self._show_invitation(office, request, language, None)

    async def _accept(
        self, office: O, request: web.Request, language: Language, sent: MultiDict[str]
    ) -> web.StreamResponse:
        entered = await self._sign_in_of(office).accept(
            request.match_info["secret"],
            ticket=sent.get("ticket", ""),
            answer=sent.get("answer", ""),
            label=sent.get("label", ""),
        )
        return await self.let_in_with(office, request, language, entered)

    async def _invitation_again(
        self, office: O, request: web.Request, language: Language, err: WanderbuchError
    ) -> web.StreamResponse:
        return await self._show_invitation(office, request, language, err)

    async def _show_invitation(
        self, office: O, request: web.Request, language: Language, err: WanderbuchError | None
    ) -> web.StreamResponse:
        """Return the page of an invitation; the secret is in its address, so no other site learns the address."""
        secret, person, ceremony = request.match_info["secret"], None, None
        outside = self._sign_in_of(office).outside
        try:
            person, ceremony = await self._sign_in_of(office).begin_accepting(secret)
        except InvitationEndedError as ended:
            err = ended
        return self.show(
            office,
            request,
            "people_invitation.html",
            language,
            status=200 if err is None else status_of(err),
            person=person,
            ceremony=ceremony,
            secret=secret,
            provider=outside.provider.client.name if outside else None,
            **error_values(err),
        )

    async def _sign_out(self, visit: SignedInVisit[O, P]) -> web.StreamResponse:
        response = await super()._sign_out(visit)
        if visit.signed_in.means.startswith(f"{ACCOUNT}:"):  # they are still signed in at the provider
            response.headers["Location"] = f"{visit.home}/sign-in?left=1"
        return response

    def _sign_in_of(self, office: O) -> SignIn[P]:
        return self._access_of(office).sign_in

    def _browser(self, office: O, request: web.Request) -> tuple[str, bool]:
        """Return what the browser is known by, and whether it is new."""
        value = request.cookies.get(self._browser_cookie(office), "")
        if 0 < len(value) <= 100 and value.isascii():
            return value, False
        return secrets.token_urlsafe(_COOKIE_BYTES), True

    def _browser_cookie(self, office: O) -> str:
        return f"{self._access_of(office).sessions.cookie}-browser"


def _hashed(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()
