"""The public register, for everybody and without JavaScript: search, institutions, occupations, recognition, the file.

All pages lie below `/registry/<language>/`; `/registry/` sends a reader to the language their browser asks for. Who
looks at what is not kept, and no page asks another site for anything.
"""

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from wanderbuch.agents.authority.pages.asking import Asked, answer
from wanderbuch.agents.authority.pages.facts import RegisterOffice
from wanderbuch.agents.authority.pages.kit import KIT
from wanderbuch.agents.authority.pages.recognition_view import OtherAuthority, authorities, map_of, recognition_on
from wanderbuch.agents.authority.pages.search import PAGE_SIZE, Query, concerns
from wanderbuch.agents.authority.pages.standing_view import Mandate, State, mandate_on, state_of, timeline
from wanderbuch.agents.authority.pages.visit import Visit
from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.site.languages import LANGUAGES, negotiated
from wanderbuch.agents.site.occupation_search import meant_by
from wanderbuch.agents.site.rendering import PageHandler, Pages, language_of
from wanderbuch.governance.facts.file import Accreditation
from wanderbuch.governance.facts.groups import covers_whole, overlap
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.governance.facts.listings import ListedAccreditation, RegisterId
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.schemas.occupations import OccupationCode, isco08, major_groups

BASE: Final = "/registry"
_MAX_SUMMARY: Final = 3  # occupations of an institution named in a list


class PublicPages:
    """The handlers of the public register."""

    def __init__(self) -> None:
        self._pages = Pages(BASE, KIT)

    def routes(self) -> Sequence[PublicRoute]:
        """Return the routes of the public site."""
        pages: dict[str, PageHandler] = {
            "/{language}/": self._served(self._search),
            "/{language}/occupations": self._served(self._occupations),
            "/{language}/occupation/{code}": self._served(self._occupation),
            "/{language}/institution/{did}": self._served(self._institution),
            "/{language}/institution/{did}/answer": self._served(self._institution),
            "/{language}/listed/{register_id:.+}": self._served(self._listed),
            "/{language}/recognition": self._served(self._recognition),
            "/{language}/file": self._served(self._file),
            "/{language}/occupations.json": self._suggestions,
            "/assets/{digest}/{name}": self._pages.asset,
            "": self._welcome,
            "/{rest:.*}": self._lost,
        }
        return tuple(PublicRoute("GET", BASE + path, _at_the_top(handler)) for path, handler in pages.items())

    def _served(self, page: Callable[[Visit], Any]) -> PageHandler:
        async def handle(office: RegisterOffice, request: web.Request) -> web.StreamResponse:
            language = language_of(request)
            if language is None:
                return await self._lost(office, request)
            facts = await office.register.facts()
            if facts is None:
                return self._pages.for_everybody(request, "empty.html", language, status=503, file=None)
            now = office.clock().astimezone(UTC)
            response: web.StreamResponse = await page(Visit(request, language, facts, now, office.register))
            return response

        return handle

    def _show(self, visit: Visit, template: str, *, status: int = 200, **values: Any) -> web.Response:
        return self._pages.for_everybody(
            visit.request,
            template,
            visit.language,
            status=status,
            file=visit.facts.file,
            facts=visit.facts,
            today=visit.today,
            days=visit.days,
            now_fresh=visit.facts.snapshot.is_fresh(visit.now),
            prove=visit.register.prove_url,
            mandate_on=mandate_on,
            recognition_on=recognition_on,
            **values,
        )

    async def _welcome(self, _: object, request: web.Request) -> web.StreamResponse:
        language = negotiated(request.headers.get("Accept-Language", ""))
        raise web.HTTPSeeOther(
            f"{BASE}/{language.tag}/", headers={"Vary": "Accept-Language", "Cache-Control": "no-cache"}
        )

    async def _lost(self, office: RegisterOffice, request: web.Request) -> web.StreamResponse:
        if request.path.rstrip("/") == BASE:
            return await self._welcome(office, request)
        first = request.path.removeprefix(BASE).strip("/").partition("/")[0]
        if request.path == f"{BASE}/{first}" and first in LANGUAGES:
            raise web.HTTPPermanentRedirect(f"{BASE}/{first}/")
        language = LANGUAGES.get(first) or negotiated(request.headers.get("Accept-Language", ""))
        facts = await office.register.facts()
        file = facts.file if facts else None
        return self._pages.for_everybody(request, "lost.html", language, status=404, file=file, what="page", asked="")

    def _missing(self, visit: Visit, what: str, asked: str) -> web.Response:
        return self._show(visit, "lost.html", status=404, what=what, asked=asked)

    async def _search(self, visit: Visit) -> web.StreamResponse:
        asked, facts = visit.asked, visit.facts
        meant = meant_by(asked("occupation"), visit.language.tag)
        is_unclear = bool(asked("occupation").strip()) and meant.code is None
        query = Query(asked("name").strip(), meant.code or "", visit.country)
        hits = None
        if not is_unclear and not (query.is_empty and "occupation" not in visit.request.query):
            hits = facts.tables.find(query, visit.page)
        return self._show(
            visit,
            "search.html",
            query=query,
            typed=asked("occupation"),
            meant=meant,
            is_unclear=is_unclear,
            found=hits,
            rows=_rows(visit, hits.dids if hits else (), query),
            page_size=PAGE_SIZE,
            majors=major_groups(),
        )

    async def _occupations(self, visit: Visit) -> web.StreamResponse:
        tables = visit.facts.tables
        return self._show(visit, "occupations.html", majors=major_groups(), concerns=tables.concerns)

    async def _occupation(self, visit: Visit) -> web.StreamResponse:
        asked = visit.request.match_info["code"]
        if asked not in isco08().codes:
            return self._missing(visit, "occupation", asked)
        code = OccupationCode.parse(asked)
        query = Query("", code, visit.country)
        hits = visit.facts.tables.find(query, visit.page)
        file = visit.facts.file
        return self._show(
            visit,
            "occupation.html",
            code=code,
            query=query,
            found=hits,
            rows=_rows(visit, hits.dids, query),
            page_size=PAGE_SIZE,
            regulations=[regulation for regulation in file.regulations if overlap(regulation.occupations, code)],
            recognised=[
                authority for authority in authorities(visit.facts, visit.days) if _carries(authority, code, visit.days)
            ],
        )

    async def _institution(self, visit: Visit) -> web.StreamResponse:
        asked = visit.request.match_info["did"]
        try:
            did = Did.parse(asked)
        except IdentifierError:
            return self._missing(visit, "institution", asked)
        file, facts = visit.facts.file, visit.facts
        if not facts.tables.knows(did):
            return self._missing(visit, "institution", asked)
        return self._show(
            visit,
            "institution.html",
            did=did,
            participant=file.index.participants.get(did),
            accreditations=file.index.by_issuer.get(did, ()),
            refusals=[refusal for refusal in file.refusals if refusal.applicant == did],
            programmes=[programme for programme in file.programmes if programme.provider == did],
            verifications=[verification for verification in file.verifications if verification.verifier == did],
            mandate=state_of(file, did, visit.days),
            events=timeline(file, did, visit.days),
            answer=answer(visit, did) if visit.request.path.endswith("/answer") else None,
            asked=Asked.of(visit),
        )

    async def _listed(self, visit: Visit) -> web.StreamResponse:
        """Show an institution that is not connected yet; where it is, send the reader on."""
        asked, file = visit.request.match_info["register_id"], visit.facts.file
        listing = visit.facts.tables.listing(asked)
        if listing is not None:
            return self._show(visit, "listed.html", listing=listing, mandate=Mandate(State.LISTED))
        connected = next((one.did for one in file.listings if one.register_id == asked and one.did is not None), None)
        if connected is None:
            return self._missing(visit, "institution", asked)
        raise web.HTTPSeeOther(f"{BASE}/{visit.language.tag}/institution/{quote(connected, safe='')}")

    async def _recognition(self, visit: Visit) -> web.StreamResponse:
        listed = authorities(visit.facts, visit.days)
        drawing = map_of(visit.facts, listed, visit.language)
        return self._show(visit, "recognition.html", authorities=listed, drawing=drawing)

    async def _file(self, visit: Visit) -> web.StreamResponse:
        versions, history = await visit.register.versions(), await visit.register.history()
        return self._show(visit, "file.html", versions=versions, history=history)

    async def _suggestions(self, _: object, request: web.Request) -> web.StreamResponse:
        """Answer with all titles of occupations, for the list that a browser offers while one types."""
        language = language_of(request)
        if language is None:
            raise web.HTTPNotFound
        words = KIT.words(language)
        titles = [f"{words.occupation(code).striptags()} ({code})" for code in isco08().codes]
        return web.json_response(titles, headers={"Cache-Control": "public, max-age=86400"})


def _at_the_top(handler: PageHandler) -> PageHandler:
    """Serve a page only where its links lead: on a host of the authority's own, not below a tenant's path."""

    async def handle(office: RegisterOffice, request: web.Request) -> web.StreamResponse:
        if not request.path.startswith(BASE):
            raise web.HTTPNotFound
        return await handler(office, request)

    return handle


def _carries(authority: OtherAuthority, code: OccupationCode, days: DateSpan) -> bool:
    """Whether what is recognised of an authority now is for an occupation, or for all of a group of them."""
    now = [
        recognition for recognition in authority.recognitions if recognition_on(recognition, days).state is State.COUNTS
    ]
    scope = [one for recognition in now for one in recognition.occupations]
    excluded = [one for recognition in authority.recognitions for one in recognition.excluded_occupations]
    return covers_whole(scope, excluded, code)


def _rows(visit: Visit, dids: Sequence[Did | RegisterId], query: Query) -> list[dict[str, Any]]:
    """Return what a list of institutions says of each."""
    file, rows = visit.facts.file, []
    for key in dids:
        listing = visit.facts.tables.listing(key)
        did = Did(key)
        scopes: Sequence[Accreditation | ListedAccreditation] = file.index.by_issuer.get(did, ())
        if listing is not None:
            scopes = listing.accredited_for
        relevant = [scope for scope in scopes if concerns(scope, query.occupation, query.country)]
        accredited = [scope for scope in relevant if isinstance(scope, Accreditation)]
        codes = list(dict.fromkeys(code for accreditation in relevant for code in accreditation.occupations))
        rows.append(
            {
                "did": did,
                "listing": listing,
                "name": listing.name if listing else file.participant_name(did),
                "mandate": Mandate(State.LISTED) if listing else state_of(file, did, visit.days, accredited or None),
                "codes": codes[:_MAX_SUMMARY],
                "more_codes": max(0, len(codes) - _MAX_SUMMARY),
                "levels": list(dict.fromkeys(accreditation.level_range for accreditation in relevant)),
                "countries": sorted({country for accreditation in relevant for country in accreditation.jurisdictions}),
            }
        )
    return rows
