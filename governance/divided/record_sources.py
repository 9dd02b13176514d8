"""What an accreditation signs with, and which lists a decision pins: rule 3 of `record_reader`.

Each is written in one form, the present one or that of profile 1.0, and belongs to the issuer. Nearly all are ids of
AnonCreds that the issuer's own DID publishes: these are read by their common beginning.
"""

from msgspec import UNSET

from wanderbuch.governance.divided.record_form import (
    ABSENT,
    TEXTS,
    ReceivedAccreditation,
    ReceivedStatusChange,
    RecordError,
    raw_bytes,
    value_of,
)
from wanderbuch.governance.divided.record_values import named_by, published_by, without_prefix
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, RevRegDefId
from wanderbuch.governance.facts.format_ids import ANONCREDS
from wanderbuch.governance.facts.identifiers import Did, WebvhDid
from wanderbuch.governance.facts.sources import AnonCredsSource, SourceId
from wanderbuch.governance.facts.statuses import AnonCredsStatus, StatusId


def sources_of(issuer: Did, received_accreditation: ReceivedAccreditation) -> tuple[SourceId, ...]:
    """Return what an accreditation of this issuer signs with."""
    if (received_accreditation.sources is ABSENT) is (received_accreditation.cred_def_ids is ABSENT):
        raise RecordError("expected either sources or, in the form of profile 1.0, cred_def_ids")
    received = value_of(
        raw_bytes(
            received_accreditation.cred_def_ids
            if received_accreditation.sources is ABSENT
            else received_accreditation.sources
        ),
        TEXTS,
    )
    if not received:
        raise RecordError("sources: expected at least one")
    if received_accreditation.sources is ABSENT:
        return tuple([AnonCredsSource.of(def_id) for def_id in published_by(issuer, received, CredDefId)])
    if isinstance(issuer, WebvhDid) and (ids := without_prefix(received, f"{ANONCREDS}{issuer}/")) is not None:
        return tuple([AnonCredsSource.of(def_id) for def_id in published_by(issuer, ids, CredDefId)])
    return named_by(issuer, received, SourceId)


def statuses_of(issuer: Did, status_change: ReceivedStatusChange, *, is_old: bool) -> frozenset[StatusId]:
    """Return the lists that a decision about this issuer pins; `is_old` tells the form of profile 1.0."""
    if (status_change.statuses if is_old else status_change.registries) is not UNSET:
        raise RecordError("status: expected statuses beside sources, or registries beside cred_def_ids")
    received = status_change.registries if is_old else status_change.statuses
    if received is UNSET or not received:
        return frozenset()
    if is_old:
        return frozenset([AnonCredsStatus.of(def_id) for def_id in published_by(issuer, received, RevRegDefId)])
    if isinstance(issuer, WebvhDid) and (ids := without_prefix(received, f"{ANONCREDS}{issuer}/")) is not None:
        return frozenset([AnonCredsStatus.of(def_id) for def_id in published_by(issuer, ids, RevRegDefId)])
    return frozenset(named_by(issuer, received, StatusId))
