"""A question without a network: shown as codes that follow each other, answered by codes that a camera reads.

The page may use the camera, as no other page of the desk may; what it reads goes to this agent, which judges it like an
answer that came over the network. `wallet/src/desk` makes the script.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.verifier.pages.desk import AskingPages, AskingVisit, about_question
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.http.replaying import FallbackEdge
from wanderbuch.plugins.trust.offline.frames import MAX_FRAMES, FramesError
from wanderbuch.plugins.trust.offline.messages import request_frames
from wanderbuch.plugins.trust.purposes import goal_code
from wanderbuch.plugins.trust.verifying.anoncreds.lesser import may_leave_out
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState

_PERMISSIONS: Final = "camera=(self), geolocation=(), microphone=()"
_BETWEEN: Final = "|"  # no character of a code


class DeskCodes:
    """The handlers of questions by codes.

    Args:
        desk: its pages.
    """

    def __init__(self, desk: AskingPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        codes, served = f"{self._desk.base}/question/{{id}}/codes", self._desk.served
        return {("GET", codes): served(self._show), ("POST", codes): served(self._take)}

    async def _show(self, visit: AskingVisit) -> web.StreamResponse:
        return self._page(visit, await self._question(visit))

    async def _take(self, visit: AskingVisit) -> web.StreamResponse:
        """Have an answer judged; what is none leaves the question open, and is said on the same page."""
        verification, office = await self._question(visit), visit.office
        texts = [text for text in visit.sent.get("codes", "").split(_BETWEEN, MAX_FRAMES + 1) if text]
        try:
            await office.desk.receive_codes(office.tenant.profile, verification.id, texts)
        except FramesError as err:
            return self._page(visit, await self._question(visit), err=err)
        except ExchangeError:  # it was answered, or taken back, meanwhile: the question's page says how it stands
            pass
        return visit.go(f"/question/{verification.id}")

    def _page(
        self, visit: AskingVisit, verification: Verification, *, err: FramesError | None = None
    ) -> web.StreamResponse:
        if verification.state is not VerificationState.OPEN or verification.over is not None:
            return visit.go(f"/question/{verification.id}")
        frames: list[str] = []
        try:
            frames = request_frames(
                question_id=verification.id,
                asker=visit.office.asker.did,
                goal_code=goal_code(verification.requirement.purpose),
                answer_by=verification.answer_by,
                proof_request=verification.proof_request,
                may_leave_out=may_leave_out(verification),
            )
        except FramesError as too_long:
            err = too_long
        edge = visit.office.tenant.edge
        response = self._desk.show(
            visit,
            "desk_codes.html",
            status=422 if err else 200,
            question=verification,
            about=about_question(verification, visit.words),
            frames=_BETWEEN.join(frames),
            err=err,
            fetched_at=edge.recorded_at if isinstance(edge, FallbackEdge) else None,
        )
        response.headers["Permissions-Policy"] = _PERMISSIONS
        return response

    async def _question(self, visit: AskingVisit) -> Verification:
        visit.must_ask()
        return await visit.office.verification(visit.request.match_info["id"][:64])
