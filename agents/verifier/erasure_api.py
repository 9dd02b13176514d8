"""Erasures: routes."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import Enum
from typing import Final, Self

from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.listing import LISTED, asked_part
from wanderbuch.agents.verifier.erasing.erasure import ErasedError, Erasure
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.plugins.exchange.erasure_messages import ErasedPart


class AskedBy(Enum):
    """Who asked that an answer be erased."""

    WORKER = "worker"
    VERIFIER = "verifier"


class KeptOut(ApiModel):
    """What a law keeps, until when."""

    what: ErasedPart
    law: str
    purpose: str
    until: date


class ErasureOut(ApiModel):
    """An erasure; `id` is that of the request.

    `signed` is what the worker's wallet signed, a compact JWS by the key that had answered; null where the verifier
    erased by itself. What `kept` names is erased after its last day; `completed_at` says when that was.
    """

    id: str
    asked_by: AskedBy
    signed: str | None
    asked_at: datetime
    erased_at: datetime | None
    erased: list[ErasedPart]
    kept: list[KeptOut]
    completed_at: datetime | None

    @classmethod
    def of(cls, erasure: Erasure) -> Self:
        """Return an erasure for the wire."""
        return cls(
            id=erasure.id,
            asked_by=AskedBy.VERIFIER if erasure.key is None else AskedBy.WORKER,
            signed=erasure.signed,
            asked_at=erasure.created_at,
            erased_at=erasure.erased_at,
            erased=list(erasure.erased),
            kept=[
                KeptOut(what=part.what, law=part.law, purpose=part.purpose, until=part.until) for part in erasure.kept
            ],
            completed_at=erasure.completed_at,
        )


class ErasuresOut(ApiModel):
    """The erasures, newest first; `next_cursor` is null where the list ends."""

    items: list[ErasureOut]
    next_cursor: str | None


async def _every(office: VerifierOffice, call: Call[None]) -> ErasuresOut:
    asked = asked_part(call.query)
    page = await office.eraser.page(limit=asked.limit, cursor=asked.cursor)
    return ErasuresOut(items=[ErasureOut.of(erasure) for erasure in page.items], next_cursor=page.next_cursor)


async def _show(office: VerifierOffice, call: Call[None]) -> ErasureOut:
    return ErasureOut.of(await office.eraser.get(call.path["id"]))


async def _erase(office: VerifierOffice, call: Call[None]) -> ErasureOut:
    erasure = await office.eraser.find(call.path["id"])
    if erasure is None:
        try:
            verification = await office.verification(call.path["id"])
        except ErasedError:  # another process did so between the two looks
            erasure = await office.eraser.get(call.path["id"])
        else:
            return ErasureOut.of(await office.eraser.erase(verification, key=None, signed=None))
    return ErasureOut.of(await office.eraser.finish(erasure))


ERASURE_ROUTES: Final[Sequence[Route]] = (
    get("/erasures", _every, result=ErasuresOut, summary="List what was erased, the newest first", query=LISTED),
    get("/requests/{id}/erasure", _show, result=ErasureOut, summary="Show what was erased of an answer, and what not"),
    post(
        "/requests/{id}/erase",
        _erase,
        result=ErasureOut,
        summary="Erase what is kept of an answer, as its worker has asked in another way",
    ),
)
