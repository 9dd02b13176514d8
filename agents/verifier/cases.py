"""The case file of a decision as the REST API gives it: sealed, and its key apart."""

import base64
from datetime import date, datetime

from wanderbuch.agents.runtime.app import ApiModel, Call
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.store.records import NotFoundError


class CaseOut(ApiModel):
    """A sealed case file (a compact JWE): it may be copied anywhere, and opens with its key alone."""

    file: str
    sha256: str
    law: str
    purpose: str
    until: date
    decided_at: datetime


class CaseKeyOut(ApiModel):
    """The key of a case file, base64.

    Whoever has it and the file can prove to others what the worker showed. A copy of it that is kept elsewhere is not
    destroyed on the last day.
    """

    key: str
    until: date


class CaseDestroyedOut(ApiModel):
    """A case file whose key is gone."""

    id: str


async def show_case(office: VerifierOffice, call: Call[None]) -> CaseOut:
    """Return the case file of a request."""
    held = await _held(office, call)
    kept = await office.cases.get(held, at=office.tenant.clock())
    if kept is None or held.keeping is None:
        raise _missing(held)
    return CaseOut(
        file=kept.sealed,
        sha256=kept.digest,
        law=held.keeping.law,
        purpose=held.keeping.purpose,
        until=kept.until,
        decided_at=kept.decided_at,
    )


async def show_key(office: VerifierOffice, call: Call[None]) -> CaseKeyOut:
    """Return the key of a request's case file."""
    held = await _held(office, call)
    key = await office.cases.key(held, at=office.tenant.clock())
    if key is None or held.keeping is None:
        raise _missing(held)
    return CaseKeyOut(key=base64.b64encode(key).decode("ascii"), until=held.keeping.until)


async def destroy_case(office: VerifierOffice, call: Call[None]) -> CaseDestroyedOut:
    """Destroy the key of a request's case file before its last day.

    Raises:
        NotFoundError: its answer was not to be kept.
        ExchangeError: it is open: its case file may still be made.
    """
    held = await _held(office, call)
    if held.keeping is None:
        raise _missing(held)
    if not held.state.is_final:
        raise ExchangeError(
            "expected a request that has ended, found one that is open: a case file may still be made of its answer",
            hint="take the question back, or wait for its end",
        )
    await office.cases.destroy(held.id)
    return CaseDestroyedOut(id=held.id)


async def _held(office: VerifierOffice, call: Call[None]) -> Verification:
    return await office.verification(call.path["id"])


def _missing(held: Verification) -> NotFoundError:
    if held.keeping is None:
        return NotFoundError("there is no case file: the question did not say that the answer would be kept")
    return NotFoundError(
        f"there is no case file: nothing is decided yet, it could not be kept (the decision says so then), or its key"
        f" was destroyed, as it is after {held.keeping.until.isoformat()}"
    )
