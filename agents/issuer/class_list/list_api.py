"""Class lists: the route that reads one and keeps nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

from wanderbuch.agents.issuer.class_list.judged import read_judged
from wanderbuch.agents.issuer.class_list.listed import ClassList
from wanderbuch.agents.issuer.class_list.models import ClassListIn, ClassListOut, for_programs
from wanderbuch.agents.issuer.desk import OfferDesk
from wanderbuch.agents.issuer.register.numbers import CertificateNumbers
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.runtime.app import Call, Route, post
from wanderbuch.governance.lists.table import TableError


class Reads(Protocol):
    """What the route works on: an open issuer's office."""

    @property
    def standing(self) -> Standing:
        """Return what it may attest."""

    @property
    def desk(self) -> OfferDesk:
        """Return its offers."""


async def _read(office: Reads, call: Call[ClassListIn]) -> ClassListOut:
    return ClassListOut.of(await read_sent(office.standing, office.desk.numbers, call.body, at=datetime.now(UTC)))


async def read_sent(standing: Standing, numbers: CertificateNumbers, sent: ClassListIn, *, at: datetime) -> ClassList:
    """Return the list of a body, each row judged as its offer will be.

    Args:
        standing: of the issuer.
        numbers: of its certificates.
        sent: the list, and what the caller says about it.
        at: now.

    Raises:
        TableError: it cannot be read; what the caller may say is called as in the body.
    """
    try:
        return await read_judged(standing, numbers, sent.list, sent.settings(), sent.choices(), at=at)
    except TableError as err:
        hint = None if err.hint is None else for_programs(err.hint)
        raise TableError(for_programs(err.message), hint=hint, fault=err.fault) from err


CLASS_LIST_ROUTES: Final[Sequence[Route]] = (
    post(
        "/class-lists/read",
        _read,
        body=ClassListIn,
        result=ClassListOut,
        summary="Read a class list and say what is ready and what to look at, cell by cell; nothing is kept",
    ),
)
