"""Class lists: the route that reads one and keeps nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

from wanderbuch.agents.issuer.class_list.judged import read_judged
from wanderbuch.agents.issuer.class_list.models import ClassListIn, ClassListOut
from wanderbuch.agents.issuer.desk import OfferDesk
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.runtime.app import Call, Route, post


class Reads(Protocol):
    """What the route works on: an open issuer's office."""

    @property
    def standing(self) -> Standing:
        """Return what it may attest."""

    @property
    def desk(self) -> OfferDesk:
        """Return its offers."""


async def _read(office: Reads, call: Call[ClassListIn]) -> ClassListOut:
    body, numbers = call.body, office.desk.numbers
    listed = await read_judged(
        office.standing, numbers, body.list, body.settings(), body.choices(), at=datetime.now(UTC)
    )
    return ClassListOut.of(listed)


CLASS_LIST_ROUTES: Final[Sequence[Route]] = (
    post(
        "/class-lists/read",
        _read,
        body=ClassListIn,
        result=ClassListOut,
        summary="Read a class list and say what is ready and what to look at, cell by cell; nothing is kept",
    ),
)
