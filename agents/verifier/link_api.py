"""Links for many applicants: routes."""

from collections.abc import Sequence
from typing import Final

from wanderbuch.agents.runtime.app import Call, Route, get, post
from wanderbuch.agents.runtime.listing import LISTED, asked_part
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.runtime.qr import qr_svg
from wanderbuch.agents.verifier.applicants import list_applicants
from wanderbuch.agents.verifier.links.models import (
    ApplicantOut,
    ApplicantsOut,
    LinkOut,
    LinksOut,
    MoreApplicants,
    NewLink,
)
from wanderbuch.agents.verifier.making_links import make_link
from wanderbuch.agents.verifier.models import RequestSummary
from wanderbuch.agents.verifier.office import VerifierOffice

_CURSOR_CHARS: Final = 6  # of the number of a place


async def _make(office: VerifierOffice, call: Call[NewLink]) -> LinkOut:
    if call.once is not None and (made := await office.links.find(call.once.id)) is not None:
        # The call came again: it is answered as before.
        most = call.body.most_applicants
        made = made.model_copy(update={"taken": 0, "freed": 0, "most": most, "is_closed": False})
        return LinkOut.of(made)
    return LinkOut.of(await make_link(office, call.body, link_id=call.new_id))  # its code is drawn when it is looked at


async def _every(office: VerifierOffice, call: Call[None]) -> LinksOut:
    asked = asked_part(call.query)
    page = await office.links.page(limit=asked.limit, cursor=asked.cursor)
    return LinksOut(items=[LinkOut.of(link) for link in page.items], next_cursor=page.next_cursor)


async def _show(office: VerifierOffice, call: Call[None]) -> LinkOut:
    link = await office.links.get(call.path["id"])
    return LinkOut.of(link, qr_svg=qr_svg(link.short_url))


async def _close(office: VerifierOffice, call: Call[None]) -> LinkOut:
    return LinkOut.of(await office.links.close(call.path["id"]))


async def _widen(office: VerifierOffice, call: Call[MoreApplicants]) -> LinkOut:
    return LinkOut.of(await office.links.widen(call.path["id"], call.body.most_applicants))


async def _applicants(office: VerifierOffice, call: Call[None]) -> ApplicantsOut:
    asked, link = asked_part(call.query), await office.links.get(call.path["id"])
    text = asked.cursor or "0"
    first = int(text) if text.isascii() and text.isdigit() and len(text) <= _CURSOR_CHARS else -1
    if first < 0 or text != str(first):
        raise MalformedError("expected a cursor of this list")
    end = min(link.taken, first + asked.limit)
    applicants = await list_applicants(office, link, first, end)
    return ApplicantsOut(
        items=[ApplicantOut(**RequestSummary.of(request).model_dump(), ref=ref) for ref, request in applicants],
        next_cursor=str(end) if end < link.taken else None,
    )


LINK_ROUTES: Final[Sequence[Route]] = (
    post(
        "/links", _make, body=NewLink, result=LinkOut, status=201, summary="Make a link that many may answer", once=True
    ),
    get("/links", _every, result=LinksOut, summary="List the links", query=LISTED),
    get("/links/{id}", _show, result=LinkOut, summary="Show a link"),
    post("/links/{id}/close", _close, result=LinkOut, summary="Close a link; who has begun may still answer"),
    post("/links/{id}/widen", _widen, body=MoreApplicants, result=LinkOut, summary="Let more apply by a link"),
    get("/links/{id}/applicants", _applicants, result=ApplicantsOut, summary="List the applicants", query=LISTED),
)
