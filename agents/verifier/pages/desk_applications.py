"""The desk's own applications to the authority: how they stand, what it asked back, and a form for a new one.

Whoever signed up has the same by their token (`getting_in.sign_up_pages`); here the session says who they are. The
desk's log has who sent what, by its number.
"""

from collections.abc import Mapping

from aiohttp import web
from multidict import MultiDict
from pydantic import ValidationError

from wanderbuch.agents.runtime.own_applications import OwnApplication, UnfitApplicationError
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.verifier.desk_log import DeskAct
from wanderbuch.agents.verifier.getting_in.applying_form import (
    answer_in,
    applicant_in,
    courses_of,
    shown_form,
    uses_in,
)
from wanderbuch.agents.verifier.pages.desk import AskingPages, AskingVisit
from wanderbuch.agents.verifier.staff import StaffRole
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.signed.application import VerifierWants

_STATUS = 422


class OwnApplicationPages:
    """The handlers of the pages; they are for administrators.

    Args:
        desk: its pages.
    """

    def __init__(self, desk: AskingPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        path, served = f"{self._desk.base}/applications", self._desk.served
        return {
            ("GET", path): served(self._every),
            ("POST", path): served(self._answer),
            ("GET", f"{path}/new"): served(self._form),
            ("POST", f"{path}/new"): served(self._apply),
        }

    async def _every(
        self, visit: AskingVisit, *, status: int = 200, failure: WanderbuchError | None = None
    ) -> web.StreamResponse:
        visit.person.must(StaffRole.ADMINISTRATOR)
        courses = await courses_of(visit.office)
        return self._desk.show(visit, "desk_applications.html", status=status, courses=courses, failure=failure)

    async def _answer(self, visit: AskingVisit) -> web.StreamResponse:
        visit.person.must(StaffRole.ADMINISTRATOR)
        own, application_id = visit.office.own_applications, visit.text("application")[:64]
        before = await own.find(application_id)
        try:
            answered = await answer_in(visit.office, visit.sent)
        except WanderbuchError as err:
            kept = await own.find(application_id)
            if before is not None and kept is not None and kept.application.revision > before.application.revision:
                await _note(visit, kept)  # it waits until the authority can be reached
            return await self._every(visit, status=_STATUS, failure=err)
        if answered is not None:
            await _note(visit, answered)
        return visit.go("/applications")

    async def _form(
        self,
        visit: AskingVisit,
        *,
        status: int = 200,
        is_incomplete: bool = False,
        failure: WanderbuchError | None = None,
    ) -> web.StreamResponse:
        visit.person.must(StaffRole.ADMINISTRATOR)
        sent = visit.sent if status != 200 else MultiDict[str]()
        return self._desk.show(
            visit,
            "desk_apply.html",
            status=status,
            is_incomplete=is_incomplete,
            failure=failure,
            **shown_form(sent, visit.language),
        )

    async def _apply(self, visit: AskingVisit) -> web.StreamResponse:
        visit.person.must(StaffRole.ADMINISTRATOR)
        own, application_id = visit.office.own_applications, visit.own_id("application")
        try:
            wants = VerifierWants(uses=uses_in(visit.sent))
            told = applicant_in(visit.sent) | {"name": visit.office.name}
            await _note(visit, await own.apply(told, wants, application_id=application_id))
        except (ValidationError, UnfitApplicationError):
            return await self._form(visit, status=_STATUS, is_incomplete=True)
        except WanderbuchError as err:
            kept = await own.find(application_id)
            if kept is None:
                return await self._form(visit, status=_STATUS, failure=err)
            await _note(visit, kept)  # it waits until the authority can be reached
        return visit.go("/applications")


async def _note(visit: AskingVisit, sent: OwnApplication) -> None:
    """Write down who sent a revision of an application; told again it writes nothing."""
    await visit.office.log.note(
        DeskAct.APPLIED,
        by=visit.person.id,
        what=sent.id,
        key=f"applied:{sent.id}:{sent.application.revision}",
    )
