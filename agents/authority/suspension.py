"""Suspending an issuer and lifting a suspension, as changes of its record. Pure.

A suspension adds one decision to each active accreditation. Award dates are the issuer's own word, so it pins the
revocation registries that existed: earlier awards count only from these, and none counts where none is named.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.identifiers import IdentifierError, RevRegDefId
from wanderbuch.governance.records import ParticipantRecord

_ACTIVE: Final = "active"
_SUSPENDED: Final = "suspended"
MAX_REGISTRIES: Final = 10_000


class SuspensionError(GovernanceError):
    """There is nothing to suspend or to lift, or the decision does not fit the ones before."""

    code = "governance.suspension"


def suspended(
    record: ParticipantRecord | None,
    *,
    decided_on: date,
    effective_from: date,
    registries: Sequence[str],
    reason: str,
    decision: str | None = None,
) -> ParticipantRecord:
    """Return the record with every active accreditation suspended.

    Args:
        record: of the issuer, None if it has none.
        decided_on: today.
        effective_from: from which award date on; not later than `decided_on`.
        registries: ids of the issuer's revocation registries that exist; empty: nothing counts any more.
        reason: public; nothing about workers.
        decision: address where the decision can be read.

    Raises:
        SuspensionError: no accreditation is active, a registry is another's, or the days are out of order.
    """
    return _decided(record, _ACTIVE, _SUSPENDED, decided_on, effective_from, registries, reason, decision)


def reinstated(
    record: ParticipantRecord | None,
    *,
    decided_on: date,
    effective_from: date,
    registries: Sequence[str],
    reason: str,
    decision: str | None = None,
) -> ParticipantRecord:
    """Return the record with every suspended accreditation active again; arguments and errors as with `suspended`."""
    return _decided(record, _SUSPENDED, _ACTIVE, decided_on, effective_from, registries, reason, decision)


def is_active(record: ParticipantRecord | None) -> bool:
    """Tell whether any accreditation of the record is active."""
    return any(_status(each) == _ACTIVE for each in (record or {}).get("accreditations", ()))


def _decided(
    record: ParticipantRecord | None,
    before: str,
    after: str,
    decided_on: date,
    effective_from: date,
    registries: Sequence[str],
    reason: str,
    decision: str | None,
) -> ParticipantRecord:
    if effective_from > decided_on:
        raise SuspensionError(f"expected an effect on or before {decided_on}, found {effective_from}")
    accreditations: list[dict[str, Any]] = list((record or {}).get("accreditations", ()))
    if record is None or not any(_status(each) == before for each in accreditations):
        raise SuspensionError(f"there is no accreditation of this issuer that is {before}")
    change: dict[str, Any] = {
        "status": after,
        "decided_on": decided_on.isoformat(),
        "effective_from": effective_from.isoformat(),
        "registries": _checked(registries, str(record.get("did"))),
        "reason": reason,
    }
    if decision is not None:
        change["decision"] = decision
    changed = [
        {**each, "status": [*each.get("status", ()), change]} if _status(each) == before else each
        for each in accreditations
    ]
    return {**record, "accreditations": changed}


def _status(accreditation: dict[str, Any]) -> str:
    changes = accreditation.get("status") or [{"status": _ACTIVE}]
    return str(changes[-1]["status"])


def _checked(registries: Sequence[str], issuer: str) -> list[str]:
    if len(registries) > MAX_REGISTRIES:
        raise SuspensionError(f"expected at most {MAX_REGISTRIES} registries, found {len(registries)}")
    for each in registries:
        try:
            owner = RevRegDefId.parse(each).did
        except IdentifierError as err:
            raise SuspensionError(f"expected ids of revocation registries: {err.message}") from err
        if owner != issuer:
            raise SuspensionError(f"expected registries of {issuer}, found one of {owner}")
    return sorted(dict.fromkeys(registries))
