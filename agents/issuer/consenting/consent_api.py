"""Who consented for somebody under age, or with help, over REST."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, Protocol

from wanderbuch.agents.issuer.batch_records.batch import Batch
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.consent import Because, Consent, Consenting, Relation
from wanderbuch.agents.issuer.consenting.consents import Consents, ConsentTold
from wanderbuch.agents.people.rest import manager
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.store.errors import NotFoundError

_NUMBER_CHARS: Final = 7


class ConsentWork(Protocol):
    """What the routes work on: an open issuer's office."""

    @property
    def batches(self) -> BatchDesk:
        """Return its batches."""

    @property
    def consents(self) -> Consents:
        """Return who consented."""


class ConsentIn(ApiModel):
    """A consent to write down.

    `because` is under-age or assisted; `relation` what the one who acts for the person, or helps them, is to them:
    never their name. `consenting` says who agreed, `given_on` on which day.
    """

    because: Because
    relation: Relation
    consenting: Consenting
    given_on: date

    def told(self) -> ConsentTold:
        """Return it for `Consents`."""
        return ConsentTold(self.because, self.relation, self.consenting, self.given_on)


class ConsentOut(ApiModel):
    """A consent as it is written down; `by` is the id of who did, `withdrawn_at` when it was taken back."""

    because: Because
    relation: Relation
    consenting: Consenting
    given_on: date
    noted_at: datetime
    by: str
    withdrawn_at: datetime | None


async def _tell_row(office: ConsentWork, call: Call[ConsentIn]) -> ConsentOut:
    batch, number = await _row(office, call.path)
    return _view(await office.consents.tell_of_row(batch, number, call.body.told(), by=manager(call)))


async def _show_row(office: ConsentWork, call: Call[None]) -> ConsentOut:
    batch, number = await _row(office, call.path)
    return _view(await office.consents.of_row(batch.id, number))


async def _withdraw_row(office: ConsentWork, call: Call[None]) -> ConsentOut:
    batch, number = await _row(office, call.path)
    return _view(await office.consents.withdraw_of_row(batch.id, number, by=manager(call)))


async def _tell_offer(office: ConsentWork, call: Call[ConsentIn]) -> ConsentOut:
    return _view(await office.consents.tell_of_offer(call.path["id"], call.body.told(), by=manager(call)))


async def _show_offer(office: ConsentWork, call: Call[None]) -> ConsentOut:
    return _view(await office.consents.of_offer(call.path["id"]))


async def _withdraw_offer(office: ConsentWork, call: Call[None]) -> ConsentOut:
    return _view(await office.consents.withdraw_of_offer(call.path["id"], by=manager(call)))


CONSENT_ROUTES: Final[Sequence[Route]] = (
    post(
        "/batches/{id}/rows/{number}/consent",
        _tell_row,
        body=ConsentIn,
        result=ConsentOut,
        summary="Write down who consented for somebody in a row who is under age or assisted",
    ),
    get("/batches/{id}/rows/{number}/consent", _show_row, result=ConsentOut, summary="Show the consent of a row"),
    post(
        "/batches/{id}/rows/{number}/consent/withdraw",
        _withdraw_row,
        result=ConsentOut,
        summary="Note that the consent of a row was taken back; nothing is left out or revoked by it",
    ),
    post(
        "/offers/{id}/consent",
        _tell_offer,
        body=ConsentIn,
        result=ConsentOut,
        summary="Write down who consented to a certificate for somebody who is under age or assisted",
    ),
    get("/offers/{id}/consent", _show_offer, result=ConsentOut, summary="Show the consent to a certificate"),
    post(
        "/offers/{id}/consent/withdraw",
        _withdraw_offer,
        result=ConsentOut,
        summary="Note that the consent to a certificate was taken back; nothing is revoked by it",
    ),
)


def _view(consent: Consent | None) -> ConsentOut:
    if consent is None:
        raise NotFoundError("no consent is written down here")
    return ConsentOut(
        because=consent.because,
        relation=consent.relation,
        consenting=consent.consenting,
        given_on=consent.given_on,
        noted_at=consent.created_at,
        by=consent.by,
        withdrawn_at=consent.withdrawn_at,
    )


async def _row(office: ConsentWork, path: Mapping[str, str]) -> tuple[Batch, int]:
    text = path["number"]
    if not (text.isascii() and text.isdecimal() and len(text) <= _NUMBER_CHARS):
        raise MalformedError("expected the number of a row")
    return await office.batches.get(path["id"]), int(text)
