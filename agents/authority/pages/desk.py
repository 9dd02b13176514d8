"""The desk: where officials sign in, see what is to be done, suspend and review.

Drafts are in `desk_drafts`, the editor in `desk_editing`. Every page needs a session but the one that begins it; every
form needs the session's token. Who may do what is decided by `officials`, `drafts` and the desk of the authority, never
by which buttons a page shows.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web
from multidict import MultiDict

from wanderbuch.agents.authority.changes import Frame
from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.drafts import Base, Drafts
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.authority.pages.facts import Register
from wanderbuch.agents.authority.pages.languages import LANGUAGES, Language, Words, negotiated
from wanderbuch.agents.authority.pages.rendering import PageHandler, Pages, language_of
from wanderbuch.agents.authority.pages.search import Query
from wanderbuch.agents.authority.pages.sessions import (
    IDLE,
    Sessions,
    SignedIn,
    drop_cookie,
    refuse_forged,
    refuse_other_sites,
    set_cookie,
)
from wanderbuch.agents.authority.reviews import Finding as ReviewFinding
from wanderbuch.agents.authority.reviews import ReviewState
from wanderbuch.agents.runtime.bodies import read_body
from wanderbuch.agents.runtime.problems import MalformedError, TooSlowError, status_of
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.identifiers import Did
from wanderbuch.store.records import new_id

BASE: Final = "/desk"
SOON: Final = timedelta(days=120)
_MAX_LISTED: Final = 50
_NEW_ID: Final = re.compile(r"[0-9a-f]{32}")
_FORM_DEADLINE_S: Final = 20.0
_MAX_FIELDS: Final = 20_000


@dataclass(frozen=True, slots=True)
class DeskParts:
    """What the desk works on."""

    desk: Desk
    sessions: Sessions
    register: Register

    @property
    def drafts(self) -> Drafts:
        """The drafts."""
        return self.desk.drafts

    @property
    def author(self) -> Did:
        """The authority."""
        return self.desk.publication.place.author

    @property
    def clock(self) -> Callable[[], datetime]:
        """Gives the instant now."""
        return self.desk.publication.clock

    @property
    def register_url(self) -> str:
        """Address of the public register, which is another site."""
        parts = urlsplit(self.desk.publication.place.url)
        return f"{parts.scheme}://{parts.netloc}/registry"

    async def base(self) -> Base:
        """Return the file that is published now."""
        return await self.desk.publication.published()

    def frame(self, base: Base) -> Frame:
        """Return the frame of the version that a draft on `base` would become."""
        return Frame(self.author, self.desk.publication.place.url, (base.version or 0) + 1, (), self.clock())


@dataclass(frozen=True, slots=True)
class DeskVisit:
    """One request of an official, with the form they sent."""

    request: web.Request
    language: Language
    signed_in: SignedIn
    parts: DeskParts
    sent: Any

    @property
    def official(self) -> Official:
        """Who asks."""
        return self.signed_in.official

    @property
    def home(self) -> str:
        """Address of the desk in the reader's language."""
        return f"{BASE}/{self.language.tag}"

    @property
    def words(self) -> Words:
        """The sentences in the reader's language."""
        return Words(self.language)

    def text(self, name: str) -> str:
        """Return a field of the form as text without blanks around it."""
        value = self.sent.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def go(self, path: str) -> web.Response:
        """Return the answer to a form that was done: look at this page now."""
        return web.Response(status=303, headers={"Location": f"{self.home}{path}", "Cache-Control": "no-store"})

    async def draft(self) -> Draft:
        """Return the draft that the address names.

        Raises:
            NotFoundError: there is none.
        """
        return await self.parts.drafts.get(self.request.match_info["id"])


class DeskOffice(Protocol):
    """What the desk's pages read of an authority's office."""

    @property
    def parts(self) -> DeskParts:
        """What they work on."""
        ...


type DeskPage = Callable[[DeskVisit], Awaitable[web.StreamResponse]]


class DeskPages:
    """The handlers of the desk."""

    def __init__(self) -> None:
        self.pages = Pages(BASE)

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        return {
            ("GET", BASE): self._welcome,
            ("GET", f"{BASE}/"): self._welcome,
            ("GET", f"{BASE}/assets/{{digest}}/{{name}}"): self.pages.asset,
            ("GET", f"{BASE}/{{language}}"): self._welcome,
            ("GET", f"{BASE}/{{language}}/sign-in"): self._sign_in_page,
            ("POST", f"{BASE}/{{language}}/sign-in"): self._sign_in,
            ("POST", f"{BASE}/{{language}}/sign-out"): self.served(self._sign_out),
            ("GET", f"{BASE}/{{language}}/"): self.served(self._dashboard),
            ("GET", f"{BASE}/{{language}}/suspend"): self.served(self._suspend_page),
            ("POST", f"{BASE}/{{language}}/suspend"): self.served(self._suspend),
            ("POST", f"{BASE}/{{language}}/review"): self.served(self._review),
            ("GET", f"{BASE}/{{language}}/{{lost}}"): self.served(self._lost),
        }

    def served(self, page: DeskPage) -> PageHandler:
        """Return the handler that lets only officials see a page, and shows what went wrong as a page."""

        async def handle(office: DeskOffice, request: web.Request) -> web.StreamResponse:
            language, parts = language_of(request), office.parts
            if language is None:
                return await self._welcome(office, request)
            signed_in = await parts.sessions.who(request)
            if signed_in is None:
                return self._to_sign_in(request, language)
            try:
                sent: Any = {}
                if request.method == "POST":
                    refuse_other_sites(request)
                    sent = await _form(request)
                    refuse_forged(signed_in, sent.get("form_token"))
                return await page(DeskVisit(request, language, signed_in, parts, sent))
            except WanderbuchError as err:
                return self._problem(request, language, signed_in, status_of(err), err.message, err.hint)

        return handle

    def show(self, visit: DeskVisit, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """Return a page of the desk."""
        return self.pages.for_one(
            visit.request,
            template,
            visit.language,
            status=status,
            me=visit.official,
            form_token=visit.signed_in.form_token,
            register=f"{visit.parts.register_url}/{visit.language.tag}",
            is_editor=visit.official.may(OfficialRole.EDITOR),
            is_approver=visit.official.may(OfficialRole.APPROVER),
            **values,
        )

    def _problem(
        self,
        request: web.Request,
        language: Language,
        signed_in: SignedIn | None,
        status: int,
        message: object,
        hint: str | None,
    ) -> web.Response:
        return self.pages.for_one(
            request,
            "desk_problem.html",
            language,
            status=status,
            me=signed_in.official if signed_in else None,
            form_token=signed_in.form_token if signed_in else "",
            message=message,
            hint=hint,
        )

    async def _welcome(self, _: object, request: web.Request) -> web.StreamResponse:
        language = language_of(request) or negotiated(request.headers.get("Accept-Language", ""))
        raise web.HTTPSeeOther(f"{BASE}/{language.tag}/", headers={"Cache-Control": "no-store"})

    async def _lost(self, visit: DeskVisit) -> web.StreamResponse:
        words = visit.words
        return self._problem(visit.request, visit.language, visit.signed_in, 404, words("lost.page"), None)

    def _to_sign_in(self, request: web.Request, language: Language) -> web.StreamResponse:
        ended = "?ended=1" if request.cookies else ""
        raise web.HTTPSeeOther(f"{BASE}/{language.tag}/sign-in{ended}", headers={"Cache-Control": "no-store"})

    async def _sign_in_page(self, _: object, request: web.Request) -> web.StreamResponse:
        language = LANGUAGES.get(request.match_info["language"]) or negotiated("")
        return self._sign_in_form(request, language, 200, failed=False)

    def _sign_in_form(self, request: web.Request, language: Language, status: int, *, failed: bool) -> web.Response:
        return self.pages.for_one(
            request,
            "desk_sign_in.html",
            language,
            status=status,
            me=None,
            form_token="",
            failed=failed,
            ended="ended" in request.query,
            idle_minutes=int(IDLE.total_seconds() // 60),
        )

    async def _sign_in(self, office: DeskOffice, request: web.Request) -> web.StreamResponse:
        language = language_of(request)
        if language is None:
            return await self._welcome(office, request)
        try:
            refuse_other_sites(request)
            sent = await _form(request)
        except WanderbuchError as err:
            return self._problem(request, language, None, status_of(err), err.message, err.hint)
        token = sent.get("token", "")
        value = await office.parts.sessions.sign_in(token) if isinstance(token, str) else None
        if value is None:
            return self._sign_in_form(request, language, 403, failed=True)
        await office.parts.sessions.sign_out(
            request
        )  # a session that this browser had before is worth nothing any more
        response = web.Response(
            status=303, headers={"Location": f"{BASE}/{language.tag}/", "Cache-Control": "no-store"}
        )
        set_cookie(response, value)
        return response

    async def _sign_out(self, visit: DeskVisit) -> web.StreamResponse:
        await visit.parts.sessions.sign_out(visit.request)
        response = visit.go("/sign-in")
        drop_cookie(response)
        return response

    async def _dashboard(self, visit: DeskVisit) -> web.StreamResponse:
        parts = visit.parts
        drafts = [each for each in await parts.drafts.all() if each.state is not DraftState.PUBLISHED]
        facts = await parts.register.facts()
        today = parts.clock().astimezone(UTC).date()
        asked = visit.request.query.get("name", "")[:200].strip()
        found = facts.tables.find(Query(name=asked)).dids if facts and asked else ()
        return self.show(
            visit,
            "desk_dashboard.html",
            drafts=[each for each in reversed(drafts) if each.state is not DraftState.REJECTED][:_MAX_LISTED],
            rejected=[each for each in reversed(drafts) if each.state is DraftState.REJECTED][:_MAX_LISTED],
            endings=facts.tables.endings(today, today + SOON, _MAX_LISTED) if facts else [],
            reviews=await parts.desk.reviews.all(state=ReviewState.OPEN),
            new_id=new_id(),
            file=facts.file if facts else None,
            now_fresh=facts is not None and facts.snapshot.is_fresh(parts.clock()),
            facts=facts,
            asked=asked,
            names={each.id: each.name for each in await parts.desk.officials.all()},
            found=[(did, facts.file.participant_name(did)) for did in found] if facts else [],
        )

    async def _suspend_page(self, visit: DeskVisit) -> web.StreamResponse:
        did = Did.parse(visit.request.query.get("did", ""))
        record = await (await visit.parts.base()).record(did) or {}
        name = (record.get("description") or {}).get("name")
        return self.show(visit, "desk_suspend.html", did=did, name=name, record=record, new_id=new_id())

    async def _suspend(self, visit: DeskVisit) -> web.StreamResponse:
        did = Did.parse(visit.text("did"))
        if visit.text("sure") != "yes":
            raise MalformedError("tick the box to confirm the suspension")
        registries = [line.strip() for line in visit.text("registries").splitlines() if line.strip()]
        nothing_counts = visit.text("nothing_counts") == "yes"
        if nothing_counts and registries:
            raise MalformedError("either name registries, or tick that nothing counts")
        draft = await visit.parts.desk.suspend(
            did,
            visit.official,
            why=visit.text("why"),
            registries=registries,
            nothing_counts=nothing_counts,
            draft_id=chosen_id(visit),
        )
        return visit.go(f"/draft/{draft.id}")

    async def _review(self, visit: DeskVisit) -> web.StreamResponse:
        found = {each.value: each for each in ReviewFinding}.get(visit.text("finding"))
        if found is None:
            raise MalformedError("choose whether the suspension was right")
        reviews = visit.parts.desk.reviews
        await reviews.close(visit.text("id"), visit.official, finding=found, note=visit.text("why"))
        return visit.go("/")


async def _form(request: web.Request) -> Any:
    """Return the form that was sent.

    Raises:
        MalformedError: it is none.
        TooSlowError: it did not arrive in time.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise MalformedError("expected a form")
    try:
        sent = await read_body(request, deadline_s=_FORM_DEADLINE_S)
        return MultiDict(parse_qsl(sent.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except web.HTTPRequestTimeout as err:
        raise TooSlowError(f"the form did not arrive within {_FORM_DEADLINE_S:g} s") from err
    except (web.HTTPRequestEntityTooLarge, web.HTTPBadRequest, ValueError) as err:
        raise MalformedError("the form can not be read, or is too large") from err


def chosen_id(visit: DeskVisit) -> str:
    """Return the id that the form's page chose, so that a form sent twice does its work once.

    Raises:
        MalformedError: the form has none.
    """
    text = visit.text("new_id")
    if not _NEW_ID.fullmatch(text):
        raise MalformedError("expected the id that the page chose")
    return text
