"""The pages of a question without an account, on the public site: what is asked, the code, the verdict.

`/prove/<language>/` is the form, `/prove/<language>/question/<secret>` what came of it. They work without JavaScript,
set no cookie and ask no other site. Who has the secret sees the verdict; it is in no link that leads elsewhere.
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.runtime.gate.budget import TooOftenError
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, TooSlowError
from wanderbuch.agents.site.languages import Language, negotiated
from wanderbuch.agents.site.occupation_search import Meant, meant_by
from wanderbuch.agents.site.opening import opening
from wanderbuch.agents.site.posted_form import read_form
from wanderbuch.agents.site.rendering import PageHandler, Pages, language_of
from wanderbuch.agents.site.safe_text import plain
from wanderbuch.agents.site.streams import TooManyStreamsError
from wanderbuch.agents.verifier.getting_in.kit import KIT
from wanderbuch.agents.verifier.getting_in.verdict import verdict_of
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.policies.keeping import PolicyBrokenError
from wanderbuch.agents.verifier.receipts import receipt_address
from wanderbuch.agents.verifier.walk_ins.asking import NotRegisteredError, WalkIn, WalkInQuestion
from wanderbuch.errors import CredentialError, WanderbuchError
from wanderbuch.plugins.trust.verifying.asked import NobodyCountsError
from wanderbuch.plugins.trust.verifying.asking import NoGovernanceError, OverAskingError
from wanderbuch.schemas.countries import is_country

PLACE: Final = "/prove"
_MAX_TEXT: Final = 200
_MAX_TOKEN: Final = 64
_LEVELS: Final = "12345678"
_REFUSALS: Final[dict[type[WanderbuchError], tuple[str, int]]] = {
    NoGovernanceError: ("walk.not_now", 503),
    NotRegisteredError: ("walk.closed", 503),
    OverAskingError: ("walk.closed", 503),
    PolicyBrokenError: ("walk.closed", 503),
    NobodyCountsError: ("walk.nobody", 409),
    CredentialError: ("walk.nobody", 409),
    TooOftenError: ("walk.too_often", 429),
}
"""What the page says of what cannot be asked, and its status."""


@dataclass(frozen=True, slots=True)
class _Filled:
    """What was filled in; texts as typed, the rest as understood."""

    text: str
    meant: Meant
    level: str
    place: str

    @classmethod
    def of(cls, sent: Any, language: Language, place: str) -> "_Filled":
        """Return what a form or an address says."""
        text, level = sent.get("occupation", "")[:_MAX_TEXT].strip(), sent.get("level", "")
        wanted = sent.get("country", place)
        meant = meant_by(text, language.tag) if text else Meant(None)
        return cls(
            _in_words(text, language) if meant.code == text else text,
            meant,
            level if level in set(_LEVELS) else "",
            wanted if is_country(wanted) else "",
        )

    def query(self, **changed: str) -> str:
        """Return an address of the form with all this."""
        values = {"occupation": self.text, "level": self.level, "country": self.place, **changed}
        return f"?{urlencode(values)}"


def _in_words(code: str, language: Language) -> str:
    """Return the title of an occupation, if it is found again by it; else its code."""
    title = str(KIT.words(language).occupation(code).striptags())
    return title if meant_by(title, language.tag).code == code else code


class WalkInPages:
    """The handlers."""

    def routes(self) -> tuple[PublicRoute, ...]:
        """Return the routes of the public site."""
        pages: tuple[tuple[str, str, PageHandler], ...] = (
            ("GET", "/{language}/", self._form),
            ("POST", "/{language}/", self._begin),
            ("GET", "/{language}/question/{token}", self._question),
            ("GET", "/{language}/question/{token}/events", self._events),
            ("GET", "/assets/{digest}/{name}", self._asset),
            ("GET", "", self._welcome),
            ("GET", "/", self._welcome),
        )
        return tuple(PublicRoute(method, PLACE + path, _switched_on(handler)) for method, path, handler in pages)

    async def _welcome(self, office: VerifierOffice, request: web.Request) -> web.StreamResponse:
        language = negotiated(request.headers.get("Accept-Language", ""))
        raise web.HTTPSeeOther(
            f"{_base(office)}/{language.tag}/", headers={"Vary": "Accept-Language", "Cache-Control": "no-cache"}
        )

    async def _asset(self, office: VerifierOffice, request: web.Request) -> web.StreamResponse:
        return await _pages(office).asset(office, request)

    async def _form(self, office: VerifierOffice, request: web.Request) -> web.StreamResponse:
        language = _language(request)
        return self._show_form(office, request, language, _Filled.of(request.query, language, _place(office)))

    async def _begin(self, office: VerifierOffice, request: web.Request) -> web.StreamResponse:
        language = _language(request)
        try:
            filled = _Filled.of(await read_form(request), language, _place(office))
        except ForbiddenError:
            empty = _Filled.of({}, language, _place(office))
            return self._show_form(office, request, language, empty, sentence="form.elsewhere", status=403)
        except TooSlowError as err:
            raise web.HTTPRequestTimeout from err
        except MalformedError as err:
            raise web.HTTPBadRequest from err
        code = filled.meant.code
        if code is None or not filled.place:
            return self._show_form(office, request, language, filled, is_asked=True)
        question = WalkInQuestion(code, int(filled.level) if filled.level else None, filled.place, language.tag)
        try:
            token = await office.walk_ins.begin(question, network=network_of(office, request))
        except WanderbuchError as err:
            told = next((told for kind, told in _REFUSALS.items() if isinstance(err, kind)), None)
            if told is None:
                raise
            message, status = told
            response = self._show_form(office, request, language, filled, sentence=message, status=status)
            if isinstance(err, TooOftenError):
                response.headers["Retry-After"] = str(err.wait_s)
            return response
        raise web.HTTPSeeOther(f"{_base(office)}/{language.tag}/question/{token}")

    async def _question(self, office: VerifierOffice, request: web.Request) -> web.StreamResponse:
        language, token = _language(request), request.match_info["token"]
        walk_in = await self._found(office, token)
        if walk_in is None:
            return self._show(office, request, "walk_in_over.html", language, status=404)
        verification = walk_in.verification
        again = _Filled(
            verification.requirement.occupation,
            Meant(None),
            str(verification.requirement.min_eqf_level or ""),
            verification.requirement.jurisdiction,
        )
        short = urlsplit(verification.short_url or "").path
        return self._show(
            office,
            request,
            "walk_in_question.html",
            language,
            verification=verification,
            explained=await office.walk_ins.explained(verification, language.tag),
            verdict=verdict_of(verification, KIT.words(language)),
            ends_at=walk_in.ends_at,
            code=f"{short}/code.svg",
            short=verification.short_url or "",
            opening=opening(request, short=verification.short_url or "", long=verification.invitation_url),
            receipt=receipt_address(office, verification),
            again=f"{_base(office)}/{language.tag}/{again.query()}",
            events=f"{_base(office)}/{language.tag}/question/{token}/events",
        )

    async def _events(self, office: VerifierOffice, request: web.Request) -> web.StreamResponse:
        token, words = request.match_info["token"], KIT.words(_language(request))
        if await self._found(office, token) is None:
            raise web.HTTPNotFound

        async def is_there() -> bool:
            return await self._found(office, token) is not None

        async def source(number: int) -> Any:
            return await office.walk_ins.after(token, number, lambda key: str(words(key).striptags()))

        try:
            return await office.walk_ins.streams.serve(
                request, token, source, is_there, person=network_of(office, request)
            )
        except TooManyStreamsError as err:
            raise web.HTTPTooManyRequests from err

    async def _found(self, office: VerifierOffice, token: str) -> WalkIn | None:
        return None if len(token) > _MAX_TOKEN else await office.walk_ins.find(token)

    def _show_form(
        self,
        office: VerifierOffice,
        request: web.Request,
        language: Language,
        filled: _Filled,
        *,
        is_asked: bool = False,
        sentence: str = "",
        status: int = 200,
    ) -> web.Response:
        choices = [(code, filled.query(occupation=code)) for code in filled.meant.choices]
        return self._show(
            office,
            request,
            "walk_in.html",
            language,
            status=status,
            filled=filled,
            choices=choices if is_asked or filled.text else [],
            is_unknown=bool(filled.text) and filled.meant.code is None and not choices,
            needs_place=is_asked and not filled.place,
            said=sentence,
            countries=KIT.words(language).countries,
        )

    def _show(
        self,
        office: VerifierOffice,
        request: web.Request,
        template: str,
        language: Language,
        *,
        status: int = 200,
        **values: Any,
    ) -> web.Response:
        return _pages(office).for_one(
            request, template, language, status=status, site_name=plain(office.tenant.name), **values
        )


def network_of(office: VerifierOffice, request: web.Request) -> str:
    """Return the network that a request came from."""
    networks = Networks(office.tenant.parts.config.public.trusted_proxies)
    return networks.of_request(request)


def walk_in_routes() -> tuple[PublicRoute, ...]:
    """Return the routes of questions without an account."""
    return WalkInPages().routes()


def _switched_on(handler: PageHandler) -> PageHandler:
    async def handle(office: VerifierOffice, request: web.Request) -> web.StreamResponse:
        if not office.config.walk_in.enabled:
            raise web.HTTPNotFound
        return await handler(office, request)

    return handle


def _language(request: web.Request) -> Language:
    language = language_of(request)
    if language is None:
        raise web.HTTPNotFound
    return language


def _base(office: VerifierOffice) -> str:
    return "/" + office.tenant.place.published(PLACE.removeprefix("/"))


def _pages(office: VerifierOffice) -> Pages:
    return Pages(_base(office), KIT)


def _place(office: VerifierOffice) -> str:
    return office.config.walk_in.place
