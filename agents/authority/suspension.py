"""Suspending an issuer and lifting a suspension, as changes of its record. Pure.

A suspension adds one decision to each active accreditation. Award dates are the issuer's own word, so it pins the
revocation registries and status lists that existed: earlier awards count only from these, and none where none is named.
Registries on Indy ledgers may be named by ids of either form; they stand in the record as its DID names them.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.governance.facts.indy import may_be_one
from wanderbuch.governance.facts.statuses import AnonCredsStatus, StatusId
from wanderbuch.governance.form.present_form import record_in_present_form
from wanderbuch.governance.form.records import ParticipantRecord

_ACTIVE: Final = "active"
_SUSPENDED: Final = "suspended"
MAX_STATUSES: Final = 10_000


class SuspensionError(GovernanceError):
    """There is nothing to suspend or to lift, or the decision does not fit the ones before."""

    code = "governance.suspension"


def suspended(
    record: ParticipantRecord | None,
    *,
    decided_on: date,
    effective_from: date,
    statuses: Sequence[str],
    reason: str,
    decision: str | None = None,
) -> ParticipantRecord:
    """Return the record with every active accreditation suspended.

    Args:
        record: of the issuer, None if it has none.
        decided_on: today.
        effective_from: from which award date on; not later than `decided_on`.
        statuses: the issuer's revocation registries and status lists that exist; empty: nothing counts any more.
        reason: public; nothing about workers.
        decision: address where the decision can be read.

    Raises:
        SuspensionError: no accreditation is active, a list is another's, or the days are out of order.
    """
    return _decided(record, _ACTIVE, _SUSPENDED, decided_on, effective_from, statuses, reason, decision)


def reinstated(
    record: ParticipantRecord | None,
    *,
    decided_on: date,
    effective_from: date,
    statuses: Sequence[str],
    reason: str,
    decision: str | None = None,
) -> ParticipantRecord:
    """Return the record with every suspended accreditation active again; arguments and errors as with `suspended`."""
    return _decided(record, _SUSPENDED, _ACTIVE, decided_on, effective_from, statuses, reason, decision)


def is_active(record: ParticipantRecord | None) -> bool:
    """Tell whether any accreditation of the record is active."""
    return any(_status(accreditation) == _ACTIVE for accreditation in (record or {}).get("accreditations", ()))


def is_suspended(record: ParticipantRecord | None) -> bool:
    """Tell whether any accreditation of the record is suspended."""
    return any(_status(accreditation) == _SUSPENDED for accreditation in (record or {}).get("accreditations", ()))


def lists_to_lift(record: ParticipantRecord, listed: Sequence[str] | None, named: Sequence[str]) -> list[str]:
    """Return the lists that a lifting names: those that the issuer lists, those named, and those of the suspension.

    A list that is not named counts as made afterwards, so that awards of before the suspension could be written into
    it (`mandate`, rule 14). That is why one that nobody could find out about is not lifted unseen.

    Args:
        record: of the issuer.
        listed: by the issuer itself; None if that could not be found out.
        named: by the official.

    Raises:
        SuspensionError: nothing is known of the issuer's lists.
    """
    pinned = [
        str(status)
        for accreditation in record.get("accreditations", ())
        if _status(accreditation) == _SUSPENDED
        for status in accreditation["status"][-1].get("statuses", ())
    ]
    if not named and listed is None:
        raise SuspensionError(
            "the institution's own list of its lists could not be had",
            hint="name every list that it has; what is not named counts as made after the suspension",
        )
    if not (every := list(dict.fromkeys([*named, *(listed or ()), *pinned]))):
        raise SuspensionError(
            "the institution lists nothing", hint="name every list that it has, or ask it to publish them"
        )
    return every


def _decided(
    record: ParticipantRecord | None,
    before: str,
    after: str,
    decided_on: date,
    effective_from: date,
    statuses: Sequence[str],
    reason: str,
    decision: str | None,
) -> ParticipantRecord:
    if effective_from > decided_on:
        raise SuspensionError(f"expected an effect on or before {decided_on}, found {effective_from}")
    record = None if record is None else record_in_present_form(record)
    accreditations: list[dict[str, Any]] = list((record or {}).get("accreditations", ()))
    if record is None or not any(_status(accreditation) == before for accreditation in accreditations):
        raise SuspensionError(f"there is no accreditation of this issuer that is {before}")
    change: dict[str, Any] = {
        "status": after,
        "decided_on": decided_on.isoformat(),
        "effective_from": effective_from.isoformat(),
        "statuses": _checked(statuses, str(record.get("did"))),
        "reason": reason,
    }
    if decision is not None:
        change["decision"] = decision
    changed = [
        {**accreditation, "status": [*accreditation.get("status", ()), change]}
        if _status(accreditation) == before
        else accreditation
        for accreditation in accreditations
    ]
    return {**record, "accreditations": changed}


def _status(accreditation: dict[str, Any]) -> str:
    changes = accreditation.get("status") or [{"status": _ACTIVE}]
    return str(changes[-1]["status"])


def _checked(statuses: Sequence[str], issuer: str) -> list[str]:
    if len(statuses) > MAX_STATUSES:
        raise SuspensionError(f"expected at most {MAX_STATUSES} registries, found {len(statuses)}")
    mistakes: list[str] = []
    for text in statuses:
        try:
            status, party = StatusId.written(text), Did.parse(issuer)
        except IdentifierError as err:
            raise SuspensionError(f"expected revocation registries or status lists: {err.message}") from err
        if isinstance(status, AnonCredsStatus) and may_be_one(status.owner, party):
            status = status.named_by(party)  # an id of the other form, on the ledger of this issuer
        if status.is_of_another(party):
            raise SuspensionError(f"expected registries of {issuer}, found one of {status.owner}")
        mistakes.append(str(status))
    return sorted(dict.fromkeys(mistakes))
