"""Revoking one certificate or thousands with a reason: the REST routes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol, Self

from pydantic import Field

from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.many_revoked import MOST_REVOKED, ManyRevocations, RevokedNow
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.agents.issuer.register.register import IssuedRegister, RegisterQuery
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.agents.people.rest import manager
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.problems import MalformedError


class NewRevocation(ApiModel):
    """Which certificates to revoke, and why: either their ids, or the batch of which all are."""

    credentials: list[str] = Field(default=[], max_length=MOST_REVOKED)
    batch: str | None = Field(default=None, min_length=1, max_length=64)
    reason: RevocationReason


class ManyRevokedOut(ApiModel):
    """What came of a call.

    `asked` certificates this call was the first to ask for, `before` had been asked for by others; `refused` are ids
    of which there is no certificate: they count once it `is_done`; until then it is under way and goes on by itself.
    `published` are revoked in public by now, `waiting` are to be.
    """

    id: str
    requested_at: datetime
    reason: RevocationReason
    by: str
    is_done: bool
    asked: int
    before: int
    refused: list[str]
    published: int
    waiting: int

    @classmethod
    def of(cls, now: RevokedNow) -> Self:
        """Return a call as the API shows it."""
        call = now.call
        return cls(
            id=call.id,
            requested_at=call.created_at,
            reason=call.reason,
            by=call.by,
            is_done=call.is_done,
            asked=call.asked or 0,
            before=call.before,
            refused=list(call.refused),
            published=now.published,
            waiting=now.waiting,
        )


class RevokingWork(Protocol):
    """What the routes work on: an open issuer's office."""

    @property
    def config(self) -> IssuerConfig:
        """Return its settings."""

    @property
    def register(self) -> IssuedRegister:
        """Return its register."""

    @property
    def many_revocations(self) -> ManyRevocations:
        """Return its calls that revoke."""


async def _revoke(office: RevokingWork, call: Call[NewRevocation]) -> ManyRevokedOut:
    many, body = office.many_revocations, call.body
    if call.once is not None and await many.find(call.once.id) is not None:
        return ManyRevokedOut.of(await many.resume(call.once.id, wait_s=office.config.publish_wait_s))
    if (body.batch is None) == (not body.credentials):
        raise MalformedError("expected either credentials or a batch")
    ids = body.credentials if body.batch is None else await ids_of(office.register, RegisterQuery(batch_id=body.batch))
    now = await many.revoke(
        ids, body.reason, by=manager(call), wait_s=office.config.publish_wait_s, call_id=call.new_id
    )
    return ManyRevokedOut.of(now)


async def _show(office: RevokingWork, call: Call[None]) -> ManyRevokedOut:
    return ManyRevokedOut.of(await office.many_revocations.get(call.path["id"]))


async def ids_of(register: IssuedRegister, query: RegisterQuery) -> list[str]:
    """Return the ids of the valid certificates that a search finds; none, if it is for revoked ones.

    They are more than may be revoked at once, if that many are found.
    """
    if query.state is not None and query.state is not OfferState.ISSUED:
        return []
    valid = RegisterQuery(query.number, query.name, query.occupation, query.batch_id, OfferState.ISSUED)
    ids: list[str] = []
    async for offers in register.every(valid):
        ids += [offer.id for offer in offers]
        if len(ids) > MOST_REVOKED:
            break
    return ids


REVOKING_ROUTES: Final[Sequence[Route]] = (
    post(
        "/revocations",
        _revoke,
        body=NewRevocation,
        result=ManyRevokedOut,
        status=201,
        summary="Revoke one certificate or thousands, with a reason; published in one status list a registry",
        once=True,
    ),
    get("/revocations/{id}", _show, result=ManyRevokedOut, summary="Show what came of a call that revokes"),
)
