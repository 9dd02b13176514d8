"""The pages of signing up, on the app site: a tenant by one field, and its application to the authority.

They are there where the operator has switched signing up on. The token is shown on the one page that made it, and typed
(or filled in by the browser) where the application is sent: nothing of it is kept in a cookie or an address. The same
page leads to the tenant's own desk: who signed up is its first person.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web
from multidict import MultiDict
from pydantic import ValidationError

from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.own_applications import UnfitApplicationError
from wanderbuch.agents.runtime.sign_up import SignUp
from wanderbuch.agents.runtime.tenants import Tenants
from wanderbuch.agents.site.languages import Language, negotiated
from wanderbuch.agents.site.posted_form import read_form
from wanderbuch.agents.site.rendering import PageHandler, Pages, language_of
from wanderbuch.agents.site.safe_text import plain
from wanderbuch.agents.verifier.getting_in.applying_form import (
    MAX_TEXT,
    answer_in,
    applicant_in,
    courses_of,
    shown_form,
    uses_in,
)
from wanderbuch.agents.verifier.getting_in.first_person import FirstPerson, let_first_in
from wanderbuch.agents.verifier.getting_in.kit import KIT
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.signed.application import VerifierWants
from wanderbuch.store.once import own_id

_LOG = logging.getLogger(__name__)
PLACE: Final = "/sign-up"
_STATUS: Final = 422

type _Page = Callable[[VerifierOffice, web.Request, SignUp, Language], Awaitable[web.StreamResponse]]


class SignUpPages:
    """The handlers."""

    def __init__(self) -> None:
        self._pages = Pages(PLACE, KIT)

    def routes(self) -> tuple[PublicRoute, ...]:
        """Return the pages of the app site."""
        pages: Mapping[tuple[str, str], PageHandler] = {
            ("GET", ""): self._welcome,
            ("GET", "/"): self._welcome,
            ("GET", "/{language}/"): self._switched_on(self._form),
            ("POST", "/{language}/"): self._switched_on(self._make),
            ("GET", "/{language}/apply"): self._switched_on(self._apply_form),
            ("POST", "/{language}/apply"): self._switched_on(self._apply),
            ("GET", "/{language}/applications"): self._switched_on(self._course_form),
            ("POST", "/{language}/applications"): self._switched_on(self._course),
            ("GET", "/assets/{digest}/{name}"): self._pages.asset,
        }
        return tuple(PublicRoute(method, PLACE + path, handler) for (method, path), handler in pages.items())

    def _switched_on(self, page: _Page) -> PageHandler:
        """Return the handler of a page; where nobody signs up, it says so and what to do."""

        async def handle(office: VerifierOffice, request: web.Request) -> web.StreamResponse:
            sign_up, language = office.tenant.profile.inject_or(SignUp), language_of(request)
            if language is None:
                raise web.HTTPNotFound
            if sign_up is None:
                return self._show(office, request, "sign_up_off.html", language, status=404)
            return await page(office, request, sign_up, language)

        return handle

    async def _welcome(self, _: VerifierOffice, request: web.Request) -> web.StreamResponse:
        language = negotiated(request.headers.get("Accept-Language", ""))
        raise web.HTTPSeeOther(f"{PLACE}/{language.tag}/", headers={"Vary": "Accept-Language"})

    async def _form(
        self, office: VerifierOffice, request: web.Request, sign_up: SignUp, language: Language
    ) -> web.StreamResponse:
        return self._show(office, request, "sign_up.html", language, name="", failure=None)

    async def _make(
        self, office: VerifierOffice, request: web.Request, sign_up: SignUp, language: Language
    ) -> web.StreamResponse:
        name = (await read_form(request)).get("name", "")[:MAX_TEXT]
        networks = Networks(office.tenant.parts.config.public.trusted_proxies)
        network = networks.of_request(request)
        try:
            record, token = await sign_up.make(name, network=network)
        except WanderbuchError as err:
            status = 429 if err.code == "too-many" else _STATUS
            return self._show(office, request, "sign_up.html", language, status=status, name=name, failure=err)
        return self._show(
            office,
            request,
            "sign_up_done.html",
            language,
            status=201,
            record=record,
            token=token.get_secret_value(),
            app=f"/v1/t/{record.id}",
            first=await _first_person(office, record.id),
            idle_days=sign_up.config.idle_days,
        )

    async def _apply_form(
        self, office: VerifierOffice, request: web.Request, sign_up: SignUp, language: Language
    ) -> web.StreamResponse:
        tenant = request.query.get("tenant", "")[:64]
        return self._show_application(office, request, language, MultiDict(tenant=tenant), failure=None)

    async def _apply(
        self, office: VerifierOffice, request: web.Request, sign_up: SignUp, language: Language
    ) -> web.StreamResponse:
        sent = await read_form(request)
        tenant = sent.get("tenant", "")[:64]
        try:
            own = await _own_office(office, request, sign_up, sent)
            if own is None:
                return self._show_application(office, request, language, sent, failure=None, is_unknown=True)
            told, wants = applicant_in(sent) | {"name": own.name}, VerifierWants(uses=uses_in(sent))
            application_id = _application_id(tenant, sent)
            made = await own.own_applications.apply(told, wants, application_id=application_id)
        except (ValidationError, UnfitApplicationError):
            return self._show_application(office, request, language, sent, failure=None, is_incomplete=True)
        except WanderbuchError as err:
            return self._show_application(office, request, language, sent, failure=err)
        return self._show(office, request, "applied.html", language, made=made, tenant=tenant)

    async def _course_form(
        self, office: VerifierOffice, request: web.Request, sign_up: SignUp, language: Language
    ) -> web.StreamResponse:
        tenant = request.query.get("tenant", "")[:64]
        return self._show(office, request, "course.html", language, courses=None, tenant=tenant)

    async def _course(
        self, office: VerifierOffice, request: web.Request, sign_up: SignUp, language: Language
    ) -> web.StreamResponse:
        """Show how the applications stand; with an answer in the form, give it first."""
        sent = await read_form(request)
        tenant = sent.get("tenant", "")[:64]
        failure: WanderbuchError | None = None
        try:
            own = await _own_office(office, request, sign_up, sent)
        except WanderbuchError as err:
            status = 429 if err.code == "too-many" else _STATUS
            return self._show(
                office, request, "course.html", language, status=status, courses=None, tenant=tenant, failure=err
            )
        if own is None:
            return self._show(
                office, request, "course.html", language, status=_STATUS, courses=None, tenant=tenant, is_unknown=True
            )
        try:
            await answer_in(own, sent)
        except WanderbuchError as err:
            failure = err
        courses = await courses_of(own)
        status = _STATUS if failure else 200
        return self._show(
            office,
            request,
            "course.html",
            language,
            status=status,
            courses=courses,
            tenant=tenant,
            failure=failure,
        )

    def _show_application(
        self,
        office: VerifierOffice,
        request: web.Request,
        language: Language,
        sent: MultiDict[str],
        *,
        failure: WanderbuchError | None,
        is_unknown: bool = False,
        is_incomplete: bool = False,
    ) -> web.Response:
        is_wrong = is_unknown or is_incomplete or failure is not None
        return self._show(
            office,
            request,
            "apply.html",
            language,
            status=_STATUS if is_wrong else 200,
            failure=failure,
            is_unknown=is_unknown,
            is_incomplete=is_incomplete,
            **shown_form(sent, language),
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
        return self._pages.for_one(
            request, template, language, status=status, site_name=plain(office.tenant.name), **values
        )


async def _own_office(
    office: VerifierOffice, request: web.Request, sign_up: SignUp, sent: MultiDict[str]
) -> VerifierOffice | None:
    """Return the office of the tenant whose name and token a form has; None: they do not belong together.

    Raises:
        TooOftenError: this network has tried too often.
        WanderbuchError: the tenant is not served now.
    """
    tenants, tenant = office.tenant.profile.inject(Tenants), sent.get("tenant", "")[:64]
    networks = Networks(office.tenant.parts.config.public.trusted_proxies)
    sign_up.count_try(networks.of_request(request))
    if await tenants.identify(tenant, sent.get("token", "").strip()[:200]) is None:
        return None
    own = await tenants.office(tenant, "verifier")
    if not isinstance(own, VerifierOffice):
        raise web.HTTPNotFound
    return own


async def _first_person(office: VerifierOffice, tenant: str) -> FirstPerson | None:
    """Let in at its desk who made a tenant; None: it does not open yet, and its token lets people in over REST."""
    try:
        own = await office.tenant.profile.inject(Tenants).office(tenant, "verifier")
        return await let_first_in(own) if isinstance(own, VerifierOffice) else None
    except WanderbuchError as err:
        _LOG.warning("tenant %s: nobody was let in at its desk: %s", tenant, err.message)
        return None


def _application_id(tenant: str, sent: MultiDict[str]) -> str | None:
    """Return the id of what a form applies for: the same when one page sends it again, so two clicks make one."""
    if not sent.get("once"):
        return None
    fields = [part for field in sent.items() if field[0] != "token" for part in field]
    return own_id("application by a form", tenant, *fields).replace("-", "")


def sign_up_pages() -> tuple[PublicRoute, ...]:
    """Return the pages of signing up."""
    return SignUpPages().routes()
