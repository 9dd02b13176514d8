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
    verification = await _verification(office, call)
    kept = await office.cases.get(verification, at=office.tenant.clock())
    if kept is None or verification.keeping is None:
        raise _missing(verification)
    return CaseOut(
        file=kept.sealed,
        sha256=kept.digest,
        law=verification.keeping.law,
        purpose=verification.keeping.purpose,
        until=kept.until,
        decided_at=kept.decided_at,
    )


async def show_key(office: VerifierOffice, call: Call[None]) -> CaseKeyOut:
    """Return the key of a request's case file."""
    verification = await _verification(office, call)
    key = await office.cases.key(verification, at=office.tenant.clock())
    if key is None or verification.keeping is None:
        raise _missing(verification)
    return CaseKeyOut(key=base64.b64encode(key).decode("ascii"), until=verification.keeping.until)


async def destroy_case(office: VerifierOffice, call: Call[None]) -> CaseDestroyedOut:
    """Destroy the key of a request's case file before its last day.

    Raises:
        NotFoundError: its answer was not to be kept.
        ExchangeError: it is open: its case file may still be made.
    """
    verification = await _verification(office, call)
    if verification.keeping is None:
        raise _missing(verification)
    if not verification.state.is_final:
        raise ExchangeError(
            "expected a request that has ended, found one that is open: a case file may still be made of its answer",
            hint="take the question back, or wait for its end",
        )
    await office.cases.destroy(verification.id)
    return CaseDestroyedOut(id=verification.id)


async def _verification(office: VerifierOffice, call: Call[None]) -> Verification:
    return await office.verification(call.path["id"])


def _missing(verification: Verification) -> NotFoundError:
    if verification.keeping is None:
        return NotFoundError("there is no case file: the question did not say that the answer would be kept")
    return NotFoundError(
        f"there is no case file: nothing is decided yet, it could not be kept (the decision says so then), or its key"
        f" was destroyed, as it is after {verification.keeping.until.isoformat()}"
    )
