"""The routes of a verifier's own applications to its authority."""

from datetime import datetime
from typing import Final

from pydantic import Field

from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.applicant import ApplicantIn
from wanderbuch.agents.runtime.own_applications import ApplicationStanding, OwnApplication
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.governance.signed.application import IntendedUse, VerifierWants


class NewApplication(ApplicantIn):
    """Who applies, and what it wants to ask. `name` is by default that of the tenant."""

    uses: list[IntendedUse] = Field(min_length=1, max_length=12)


class ApplicationAnswer(ApiModel):
    """An answer to what the authority asked back; `uses` only where they change."""

    answer: str = Field(min_length=1, max_length=2000)
    uses: list[IntendedUse] | None = Field(default=None, min_length=1, max_length=12)


class OwnApplicationOut(ApiModel):
    """An application, and how it stands at the authority; null: it has not been reached yet."""

    id: str
    name: str
    made_at: datetime
    revision: int
    uses: list[IntendedUse]
    standing: ApplicationStanding | None

    @classmethod
    def of(cls, own: OwnApplication) -> "OwnApplicationOut":
        """Return an application for the wire."""
        application = own.application
        return cls(
            id=own.id,
            name=application.name,
            made_at=application.made_at,
            revision=application.revision,
            uses=list(application.wants.uses) if isinstance(application.wants, VerifierWants) else [],
            standing=own.standing,
        )


class OwnApplicationsOut(ApiModel):
    """The applications, as they stood when they were looked at last."""

    items: list[OwnApplicationOut]


class WalkInMonth(ApiModel):
    """How many questions without an account ended how, in one month."""

    month: str
    accepted: int
    refused: int
    not_checked: int
    declined: int
    unanswered: int


class WalkInMonths(ApiModel):
    """The counts of questions without an account, the newest month first."""

    items: list[WalkInMonth]


async def _apply(office: VerifierOffice, call: Call[NewApplication]) -> OwnApplicationOut:
    if call.once is not None and (made := await office.own_applications.find(call.once.id)) is not None:
        return OwnApplicationOut.of(await office.own_applications.look(made.id))  # the call came again
    told, wants = call.body.told(office.name), VerifierWants(uses=tuple(call.body.uses))
    return OwnApplicationOut.of(await office.own_applications.apply(told, wants, application_id=call.new_id))


async def _every(office: VerifierOffice, _: Call[None]) -> OwnApplicationsOut:
    return OwnApplicationsOut(items=[OwnApplicationOut.of(own) for own in await office.own_applications.all()])


async def _look(office: VerifierOffice, call: Call[None]) -> OwnApplicationOut:
    return OwnApplicationOut.of(await office.own_applications.look(call.path["id"]))


async def _answer(office: VerifierOffice, call: Call[ApplicationAnswer]) -> OwnApplicationOut:
    application_id, once = call.path["id"], call.once
    if once is not None and once.is_done:  # the call came again
        return OwnApplicationOut.of(await office.own_applications.look(application_id))
    wants = None if call.body.uses is None else VerifierWants(uses=tuple(call.body.uses))
    answered_by = None if once is None else once.id
    own = await office.own_applications.answer(application_id, call.body.answer, wants, answered_by=answered_by)
    return OwnApplicationOut.of(own)


async def _walk_ins(office: VerifierOffice, _: Call[None]) -> WalkInMonths:
    counts = await office.walk_ins.counts.all()
    return WalkInMonths(
        items=[WalkInMonth(month=count.id, **count.model_dump(exclude={"id", "created_at"})) for count in counts]
    )


APPLICATION_ROUTES: Final[tuple[Route, ...]] = (
    post(
        "/applications",
        _apply,
        body=NewApplication,
        result=OwnApplicationOut,
        status=201,
        summary="Apply to the authority to be registered with what is asked",
        once=True,
    ),
    get("/applications", _every, result=OwnApplicationsOut, summary="List the applications to the authority"),
    get("/applications/{id}", _look, result=OwnApplicationOut, summary="Ask the authority how an application stands"),
    post(
        "/applications/{id}/answer",
        _answer,
        body=ApplicationAnswer,
        result=OwnApplicationOut,
        summary="Answer what the authority asked back",
        once=True,
    ),
    get("/walk-ins", _walk_ins, result=WalkInMonths, summary="Count the questions that were put without an account"),
)
