"""Accreditations written in the form of profile 1.0, in the present form. JSON in, JSON out; no I/O.

    {"cred_def_ids": ["did:webvh:…"], "status": [{"registries": ["did:webvh:…"], …}], …}
 -> {"sources": ["anoncreds:did:webvh:…"], "status": [{"statuses": ["anoncreds:did:webvh:…"], …}], …}

Both forms mean the same, so only what is edited anyway is written anew: what was signed keeps its bytes, and of a
divided file the parts that nobody touched keep their digests. What has another form than expected is left as it is, for
`validation` to say so.
"""

from collections.abc import Mapping
from typing import Any

from wanderbuch.governance.facts.format_ids import ANONCREDS
from wanderbuch.governance.facts.identifiers import IdentifierError
from wanderbuch.governance.facts.sources import SourceId
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.governance.form.model import AccreditationJson10, accreditation_form
from wanderbuch.governance.form.records import ParticipantRecord

type Json = dict[str, Any]


def in_present_form(accreditation: Mapping[str, Any]) -> Json:
    """Return an accreditation in the present form; the very members, where it has that already."""
    present = dict(accreditation)
    if accreditation_form(present) is not AccreditationJson10:
        return present
    told = {("sources" if name == "cred_def_ids" else name): value for name, value in present.items()}
    told["sources"] = _with_format(told["sources"])
    if isinstance(told.get("status"), list):
        told["status"] = [_change(change) for change in told["status"]]
    return told


def record_in_present_form(record: ParticipantRecord) -> ParticipantRecord:
    """Return a record with all of its accreditations in the present form."""
    accreditations = record.get("accreditations")
    if not isinstance(accreditations, list):
        return record
    present = [
        in_present_form(accreditation) if isinstance(accreditation, Mapping) else accreditation
        for accreditation in accreditations
    ]
    return {**record, "accreditations": present}


def as_written(accreditation: Mapping[str, Any]) -> Json:
    """Return an accreditation as somebody typed it, with the format before each id of AnonCreds that lacks it."""
    told = dict(accreditation)
    if isinstance(told.get("sources"), list):
        told["sources"] = [_written(SourceId, source) for source in told["sources"]]
    if isinstance(told.get("status"), list):
        told["status"] = [
            {**change, "statuses": [_written(StatusId, one) for one in change["statuses"]]}
            if isinstance(change, Mapping) and isinstance(change.get("statuses"), list)
            else change
            for change in told["status"]
        ]
    return told


def _written(kind: type[SourceId] | type[StatusId], text: Any) -> Any:
    try:
        return str(kind.written(text))
    except IdentifierError:
        return text  # as it is, for `validation` to say what is wrong


def _change(change: Any) -> Any:
    if not isinstance(change, Mapping) or "registries" not in change or "statuses" in change:
        return change
    told = {("statuses" if name == "registries" else name): value for name, value in change.items()}
    told["statuses"] = _with_format(told["statuses"])
    return told


def _with_format(ids: Any) -> Any:
    return [f"{ANONCREDS}{one_id}" for one_id in ids] if isinstance(ids, list) else ids
