"""A governance file taken apart for editing: the header, and one record for each participant. No I/O.

A *record* is everything the file says about one DID as a participant:

    {"did": "did:webvh:…", "description": {…}, "alias": {…},
     "roles": […], "accreditations": […], "programmes": […], "verifications": […], "refusals": […]}

with only those members that the file has. The record of an institution that has no DID yet has a register id and its
listing: `{"register_id": "P01/0142", "listing": {…}}`. What names a record is its *key*: the DID or the register id,
which has no colon. The *header* is all the rest: the members of CTE, and what the author states
about others or for all (crosswalks, recognitions, regulations, signatories, statements this software does not know).
`join(*split(payload)) == payload` for every payload; what has another form than expected stays in the header.
"""

import copy
from collections.abc import Mapping
from typing import Any, Final

from wanderbuch.governance.form.cte_model import ALIAS, DESCRIPTION, ROLES
from wanderbuch.governance.form.model import ACCREDITATION, LISTING, PROFILE_STATEMENTS

type Payload = dict[str, Any]
type ParticipantRecord = dict[str, Any]

# Member of a record -> the statement schema it stands for. These hold an object …
OBJECTS: Final[Mapping[str, str]] = {"description": DESCRIPTION, "alias": ALIAS}
# … and these a list, which in the file is the member of the same name of the statement's object.
LISTS: Final[Mapping[str, str]] = {
    "roles": ROLES,
    "accreditations": ACCREDITATION,
    "programmes": PROFILE_STATEMENTS + "programmes.json",
    "verifications": PROFILE_STATEMENTS + "verification.json",
    "refusals": PROFILE_STATEMENTS + "refusal.json",
}
RECORD_MEMBERS: Final = frozenset({"did", *OBJECTS, *LISTS})
LISTED_MEMBERS: Final = frozenset({"register_id", "listing"})


def is_register_id(key: str) -> bool:
    """Return whether the key of a record is a register id, not a DID."""
    return ":" not in key


def record_key(record: Mapping[str, Any]) -> str:
    """Return what names a record: its DID or its register id.

    Raises:
        KeyError: it has neither.
    """
    key: str = record["register_id"] if "did" not in record else record["did"]
    return key


def split(payload: Mapping[str, Any]) -> tuple[Payload, dict[str, ParticipantRecord]]:
    """Return the header of a governance file and its records by DID; `payload` is left as it is.

    Args:
        payload: the file as JSON, unsigned; it need not be valid.
    """
    header: Payload = {name: value for name, value in payload.items() if name != "participants"}
    participants = payload.get("participants")
    records: dict[str, ParticipantRecord] = {}
    if isinstance(participants, Mapping) and isinstance(participants.get("entries"), Mapping):
        rest: dict[str, Any] = {}
        for uri, by_did in participants["entries"].items():
            left = _take(uri, by_did, records)
            if left or not by_did:  # what was empty stays, what became empty goes
                rest[uri] = left
        header["participants"] = {**participants, "entries": rest}
    elif "participants" in payload:
        header["participants"] = participants
    return copy.deepcopy(header), copy.deepcopy(dict(sorted(records.items())))


def join(header: Mapping[str, Any], records: Mapping[str, ParticipantRecord]) -> Payload:
    """Return the governance file that this header and these records make; both are left as they are."""
    payload: Payload = copy.deepcopy(dict(header))
    if not records:
        return payload
    entries = payload.setdefault("participants", {}).setdefault("entries", {})
    for did, record in records.items():
        if "listing" in record:
            entries.setdefault(LISTING, {})[did] = copy.deepcopy(record["listing"])
        for member, uri in OBJECTS.items():
            if member in record:
                entries.setdefault(uri, {})[did] = copy.deepcopy(record[member])
        for member, uri in LISTS.items():
            if member in record:
                entries.setdefault(uri, {}).setdefault(did, {})[member] = copy.deepcopy(record[member])
    return payload


def _take(uri: str, by_did: Any, records: dict[str, ParticipantRecord]) -> Any:
    """Move what `by_did` says into the records and return what is left."""
    if uri == LISTING and isinstance(by_did, Mapping):
        return _take_listings(by_did, records)
    objects = {schema: member for member, schema in OBJECTS.items()}
    lists = {schema: member for member, schema in LISTS.items()}
    if not isinstance(by_did, Mapping) or not by_did or uri not in {**objects, **lists}:
        return by_did
    left: dict[str, Any] = {}
    for did, body in by_did.items():
        if not isinstance(body, Mapping):
            left[did] = body
        elif uri in objects:
            records.setdefault(did, {"did": did})[objects[uri]] = body
        elif isinstance(body.get(lists[uri]), list):
            records.setdefault(did, {"did": did})[lists[uri]] = body[lists[uri]]
            if further := {name: value for name, value in body.items() if name != lists[uri]}:
                left[did] = further
        else:
            left[did] = body
    return left


def _take_listings(by_id: Mapping[str, Any], records: dict[str, ParticipantRecord]) -> dict[str, Any]:
    """Move listings into records of their own and return what is left: what stands under a DID is none."""
    left: dict[str, Any] = {}
    for key, listing in by_id.items():
        if is_register_id(key) and key not in records and isinstance(listing, Mapping):
            records[key] = {"register_id": key, "listing": listing}
        else:
            left[key] = listing
    return left
