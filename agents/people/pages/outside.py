"""Going to a provider of accounts and coming back.

The way there is a link, since the content security policy lets no form lead to another site. What a browser went for,
and in which language, stands in a cookie of its own: the session's (`SameSite=Strict`) does not come with an answer
from another site, this one (`SameSite=Lax`) does. For the same reason the way back ends on a page that leads on.

An account becomes a person's for ever, so whoever takes up an invitation has seen on its page whom it invites: another
way there leads to that page. Else a link could make an account of its reader's another person's, without a question.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from aiohttp import web

from wanderbuch.agents.people.openid import Returned
from wanderbuch.agents.people.openid_provider import OpenIdRefusedError
from wanderbuch.agents.people.pages.saying import error_values
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.people.sign_in import Entered, SignIn
from wanderbuch.agents.runtime.problems import status_of
from wanderbuch.agents.site.languages import LANGUAGES, Language, negotiated
from wanderbuch.agents.site.rendering import PageHandler, Pages, language_of
from wanderbuch.errors import WanderbuchError

_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{43}\.([a-z]{2,3})\.([A-Za-z0-9._~-]{0,200})")
_COOKIE_S: Final = 20 * 60
_MAX_PARAMETER: Final = 2000


class Door[O, P: Person](Protocol):
    """The entrance of the site, as far as it is needed here."""

    @property
    def pages(self) -> Pages:
        """Makes its pages."""
        ...

    def network_of(self, office: O, request: web.Request, /) -> str:
        """Return the network that a request comes from."""
        ...

    def cookie_of(self, office: O) -> str:
        """Return the name of the session's cookie."""
        ...

    def show(
        self, office: O, request: web.Request, template: str, language: Language, *, status: int, **values: Any
    ) -> web.Response:
        """Return a page for somebody who is not signed in."""
        ...

    async def let_in_from_elsewhere(
        self, office: O, request: web.Request, language: Language, entered: Entered[P]
    ) -> web.Response:
        """Begin a session of somebody who comes from another site."""
        ...


class OutsideEntrance[O, P: Person]:
    """Lets people in with an account elsewhere.

    Args:
        entrance: of the site.
        sign_in_of: gives how the people of an office sign in.
    """

    def __init__(self, entrance: Door[O, P], sign_in_of: Callable[[O], SignIn[P]]) -> None:
        self._entrance = entrance
        self._sign_in_of = sign_in_of

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        base = self._entrance.pages.base
        return {
            ("GET", f"{base}/openid/callback"): self._back,
            ("GET", f"{base}/{{language}}/openid"): self._go,
            ("GET", f"{base}/{{language}}/openid/{{secret}}"): self._go,
        }

    async def _go(self, office: O, request: web.Request) -> web.StreamResponse:
        """Send a browser to the provider."""
        language, secret = language_of(request) or negotiated(""), request.match_info.get("secret", "")
        browser = f"{secrets.token_urlsafe(32)}.{language.tag}.{secret}"
        try:
            if not _COOKIE.fullmatch(browser):
                raise OpenIdRefusedError("this is no link that we gave out")
            if secret and request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
                page = f"{self._entrance.pages.base}/{language.tag}/invitation/{secret}"
                return web.Response(status=303, headers={"Location": page, "Cache-Control": "no-store"})
            url = await self._sign_in_of(office).needed_outside().begin(browser)
        except WanderbuchError as err:
            return self._problem(office, request, language, err)
        response = web.Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})
        response.set_cookie(
            self._cookie(office), browser, max_age=_COOKIE_S, path="/", httponly=True, secure=True, samesite="Lax"
        )
        return response

    async def _back(self, office: O, request: web.Request) -> web.StreamResponse:
        """Let in whom the provider vouches for."""
        browser = request.cookies.get(self._cookie(office), "")
        went = _COOKIE.fullmatch(browser)
        language = LANGUAGES.get(went[1] if went else "") or negotiated(request.headers.get("Accept-Language", ""))
        try:
            if went is None:
                raise OpenIdRefusedError("you did not come from here", hint="open the page to sign in, then try again")
            entered = await self._entered(office, request, went[2], _returned(request, browser))
        except WanderbuchError as err:
            return self._problem(office, request, language, err)
        response = await self._entrance.let_in_from_elsewhere(office, request, language, entered)
        response.del_cookie(self._cookie(office), path="/", httponly=True, secure=True, samesite="Lax")
        return response

    async def _entered(self, office: O, request: web.Request, secret: str, returned: Returned) -> Entered[P]:
        sign_in, network = self._sign_in_of(office), self._entrance.network_of(office, request)
        if secret:
            return await sign_in.accept_with_account(secret, returned, network=network)
        return await sign_in.by_account(returned, network=network)

    def _problem(self, office: O, request: web.Request, language: Language, err: WanderbuchError) -> web.Response:
        values: dict[str, Any] = error_values(err)
        return self._entrance.show(office, request, "problem.html", language, status=status_of(err), **values)

    def _cookie(self, office: O) -> str:
        return f"{self._entrance.cookie_of(office)}-openid"


def _returned(request: web.Request, browser: str) -> Returned:
    """Return what came back with the browser.

    Raises:
        OpenIdRefusedError: the provider let nobody in, or what came back is not one answer.
    """
    query = request.query
    if any(len(query.getall(name)) > 1 or len(value) > _MAX_PARAMETER for name, value in query.items()):
        raise OpenIdRefusedError("the provider's answer cannot be read")
    if "code" not in query or "state" not in query:
        raise OpenIdRefusedError("the provider did not let you in", hint="try again, or sign in another way")
    return Returned(browser=browser, state=query["state"], code=query["code"], issuer=query.get("iss"))
