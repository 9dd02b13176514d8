"""Links for many at the desk: what is given to applicants, and who applied, by reference."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from markupsafe import Markup

from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.runtime.qr import qr_svg
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.verifier.applicants import list_applicants
from wanderbuch.agents.verifier.links.link import REFERENCES, QuestionLink
from wanderbuch.agents.verifier.pages.desk import AskingPages, AskingVisit, badge_of
from wanderbuch.agents.verifier.questions.document import read_kept
from wanderbuch.agents.verifier.questions.explaining import marked_worker_words
from wanderbuch.agents.verifier.reading import read_question
from wanderbuch.errors import WanderbuchError
from wanderbuch.store.records import utc_now

_A_PAGE: Final = 50


class DeskLinks:
    """The handlers of links.

    Args:
        desk: its pages.
    """

    def __init__(self, desk: AskingPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        base, served = self._desk.base, self._desk.served
        return {
            ("GET", f"{base}/links"): served(self._every),
            ("GET", f"{base}/link/{{id}}"): served(self._show),
            ("POST", f"{base}/link/{{id}}/close"): served(self._close),
            ("POST", f"{base}/link/{{id}}/widen"): served(self._widen),
        }

    async def _every(self, visit: AskingVisit) -> web.StreamResponse:
        visit.must_ask()
        cursor = visit.request.query.get("cursor", "")[:200] or None
        page = await visit.office.links.page(limit=_A_PAGE, cursor=cursor)
        return self._desk.show(visit, "desk_links.html", links=page.items, next_cursor=page.next_cursor, now=utc_now())

    async def _show(self, visit: AskingVisit) -> web.StreamResponse:
        visit.must_ask()
        link = await visit.office.links.get(visit.request.match_info["id"][:64])
        last = max(1, -(-link.taken // _A_PAGE))
        page = min(_page(visit.request.query.get("page", "")), last)
        applicants = await list_applicants(visit.office, link, (page - 1) * _A_PAGE, page * _A_PAGE)
        return self._desk.show(
            visit,
            "desk_link.html",
            link=link,
            is_open=link.is_open(utc_now()),
            code=Markup(qr_svg(link.short_url)),  # noqa: S704 (made here, of an address of ours)
            applicants=applicants,
            badge=badge_of,
            page=page,
            last_page=last,
            learnt=await _learnt(visit, link),
            most_of_all=REFERENCES,
        )

    async def _close(self, visit: AskingVisit) -> web.StreamResponse:
        visit.must_ask()
        link = await visit.office.links.close(visit.request.match_info["id"][:64], by=visit.person.id)
        return visit.go(f"/link/{link.id}")

    async def _widen(self, visit: AskingVisit) -> web.StreamResponse:
        visit.must_ask()
        text = visit.text("most")
        most = int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0
        if not 1 <= most <= REFERENCES:
            raise MalformedError(f"expected a number of applicants from 1 to {REFERENCES}")
        link = await visit.office.links.widen(visit.request.match_info["id"][:64], most, by=visit.person.id)
        return visit.go(f"/link/{link.id}")


async def _learnt(visit: AskingVisit, link: QuestionLink) -> tuple[Markup, ...]:
    """Return what the link's question tells a worker, in the page's language; nothing where it cannot be read now."""
    try:
        question = read_kept(link.question)
        asked = await read_question(visit.office, question)
    except WanderbuchError:
        return ()
    return marked_worker_words(asked.asked, keeping=question.keeping, language=visit.language.tag, levels=asked.levels)


def _page(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 5 else 1
