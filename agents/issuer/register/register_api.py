"""The register: the REST routes. A search is a POST, since a name in an address stays in logs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol, Self

from pydantic import Field

from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.register.register import ISSUED, IssuedRegister, RegisterQuery, csv_of, register_cells
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, post
from wanderbuch.agents.runtime.listing import MAX_LISTED
from wanderbuch.agents.runtime.problems import MalformedError

_MAX_TEXT: Final = 200


class RegisterSearch(ApiModel):
    """What is looked for; all that is given must hold, and without anything all certificates are listed.

    `number` is exact; `name` is words of a name, each whole or, from three letters on, its beginning.
    """

    number: str = Field(default="", max_length=_MAX_TEXT)
    name: str = Field(default="", max_length=_MAX_TEXT)
    occupation: str = Field(default="", max_length=64)
    batch: str = Field(default="", max_length=64)
    state: OfferState | None = None
    limit: int = Field(default=50, ge=1, le=MAX_LISTED)
    cursor: str | None = Field(default=None, max_length=64)

    def query(self) -> RegisterQuery:
        """Return it as the register takes it.

        Raises:
            MalformedError: the state is none of a certificate.
        """
        if self.state is not None and self.state not in ISSUED:
            raise MalformedError(f"expected a state of {', '.join(state.value for state in ISSUED)}")
        return RegisterQuery(self.number, self.name, self.occupation, self.batch, self.state)


class RegisterLine(ApiModel):
    """A certificate in the register; `id` is its offer's."""

    number: str
    family_name: str
    given_names: str
    occupation: str
    framework: str
    level: str
    awarded_on: str
    issued_at: datetime
    state: OfferState
    batch: str | None
    id: str

    @classmethod
    def of(cls, offer: Offer) -> Self:
        """Return a certificate as the API shows it."""
        number, family, given, occupation, framework, level, awarded_on, *_ = register_cells(offer)
        return cls(
            number=number,
            family_name=family,
            given_names=given,
            occupation=occupation,
            framework=framework,
            level=level,
            awarded_on=awarded_on,
            issued_at=offer.issued_at or offer.created_at,
            state=offer.state,
            batch=offer.batch_id,
            id=offer.id,
        )


class RegisterOut(ApiModel):
    """Certificates, the newest first; `next_cursor` is null where the list ends."""

    items: list[RegisterLine]
    next_cursor: str | None


class RegisterFile(ApiModel):
    """Certificates as CSV; the first part has the names of the columns above."""

    filename: str
    csv: str
    next_cursor: str | None


class RegisterWork(Protocol):
    """What the routes work on: an open issuer's office."""

    @property
    def register(self) -> IssuedRegister:
        """Return its register."""


async def _search(office: RegisterWork, call: Call[RegisterSearch]) -> RegisterOut:
    page = await office.register.search(call.body.query(), limit=call.body.limit, cursor=call.body.cursor)
    return RegisterOut(items=[RegisterLine.of(offer) for offer in page.items], next_cursor=page.next_cursor)


async def _export(office: RegisterWork, call: Call[RegisterSearch]) -> RegisterFile:
    page = await office.register.search(call.body.query(), limit=call.body.limit, cursor=call.body.cursor)
    text = csv_of(page.items, with_header=call.body.cursor is None)
    return RegisterFile(filename="register.csv", csv=text, next_cursor=page.next_cursor)


REGISTER_ROUTES: Final[Sequence[Route]] = (
    post(
        "/register/search",
        _search,
        body=RegisterSearch,
        result=RegisterOut,
        summary="Search the certificates that were issued, the newest first",
    ),
    post(
        "/register/export",
        _export,
        body=RegisterSearch,
        result=RegisterFile,
        summary="Give what a search finds as CSV",
    ),
)
