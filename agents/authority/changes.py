"""What a draft changes in a governance file, applied to the file as it is now. Pure.

The unit of a change is one *part*: the record of one participant (`governance.records`), or one part of the header,
named by its CTE member ("name", "roles", …) or by the schema of a statement that the author makes (crosswalks,
recognitions, …). A change holds the whole new value of its part, None to remove it, and the fingerprint of the value it
was made against. So two drafts that change different parts never meet, and two that change one part are told of it:

1. The part is as it was when the change was made: the change applies.
2. The part already is what the change makes of it: the change applies, to no effect.
3. Otherwise the change is in conflict, and a person decides.

What an authority's agent fills in by itself is no part: format, id, versions, dates, addresses, author.
"""

import copy
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

import rfc8785
from pydantic import ValidationError

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.governance.form.cte_model import CTE_CONTEXT
from wanderbuch.governance.form.model import DIVIDED, LISTING
from wanderbuch.governance.form.records import (
    LISTED_MEMBERS,
    LISTS,
    OBJECTS,
    RECORD_MEMBERS,
    ParticipantRecord,
    Payload,
    is_register_id,
    join,
)
from wanderbuch.governance.form.validation import MAX_DEPTH, MAX_FILE_BYTES, RegisterIds
from wanderbuch.strict_json import StrictJsonError, read_strict_json

HEADER_MEMBERS: Final = ("name", "description", "docs_uri", "ttl", "schemas", "roles", "trusted_governance")
_NOT_EDITED: Final = frozenset({*OBJECTS.values(), *LISTS.values(), DIVIDED, LISTING})
_WITH_REDRESS: Final = ("accreditations", "refusals")


class ChangeError(GovernanceError):
    """A change is not of a part that can be changed, or its value cannot stand in a governance file."""

    code = "governance.change"


class PartKind(Enum):
    """What a part belongs to."""

    HEADER = "header"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Change:
    """A new value of one part.

    Args:
        key: DID of the record, or name of the part of the header.
        value: the whole new value, None to remove the part.
        was: fingerprint of the value it was made against, None if there was none.
    """

    kind: PartKind
    key: str
    value: Any
    was: str | None


@dataclass(frozen=True, slots=True)
class Frame:
    """What the agent fills in by itself.

    Args:
        url: address of the ecosystem, such as "https://authority.example/governance/lanka".
        previous: numbers of the versions that were published before.
        at: becomes `last_updated`.
    """

    author: Did
    url: str
    version: int
    previous: tuple[int, ...]
    at: datetime


def header_change(key: str, value: Any, before: Mapping[str, Any]) -> Change:
    """Return a change of a part of the header.

    Args:
        key: one of `HEADER_MEMBERS`, or the schema of a statement that stands in no record.
        value: the new value, None to remove it.
        before: the header as it is now.

    Raises:
        ChangeError: there is no such part, or the value cannot be written as JSON.
    """
    if key not in HEADER_MEMBERS and (not key.startswith("https://") or key in _NOT_EDITED):
        raise ChangeError(
            f"expected a part of the header, found {key[:200]!r}",
            hint=f"the parts are {', '.join(HEADER_MEMBERS)} and the schemas of the author's statements",
        )
    _must_be_json(value)
    return Change(PartKind.HEADER, key, value, fingerprint(header_part(before, key)))


def record_change(
    did: str, value: ParticipantRecord | None, before: ParticipantRecord | None, *, redress: str | None = None
) -> Change:
    """Return a change of a participant's record.

    Args:
        did: whose record; or the register id of an institution that has no DID yet.
        value: the whole new record, None to remove it.
        before: the record as it is now, None if there is none.
        redress: whom to appeal to, for accreditations and refusals that do not say it.

    Raises:
        ChangeError: it is no record of this participant.
    """
    if is_register_id(did):
        _must_be_json(value)
        return Change(PartKind.RECORD, did, _listing_record(did, value), fingerprint(before))
    try:
        Did.parse(did)
    except IdentifierError as err:
        raise ChangeError(f"expected the DID of a participant, found {did[:200]!r}") from err
    if value is not None:
        unknown = value.keys() - RECORD_MEMBERS
        if unknown or value.get("did", did) != did:
            culprits = ", ".join(sorted(unknown)) if unknown else "the DID of another"
            raise ChangeError(
                f"expected a record of {did}, found {culprits[:200]}",
                hint=f"a record has the members {', '.join(sorted(RECORD_MEMBERS))}",
            )
        value = _with_redress({"did": did, **value}, redress)
    _must_be_json(value)
    return Change(PartKind.RECORD, did, value, fingerprint(before))


def _listing_record(register_id: str, value: ParticipantRecord | None) -> ParticipantRecord | None:
    if value is None:
        return None
    try:
        RegisterIds.validate_python(register_id)
    except ValidationError as err:
        raise ChangeError(f"expected a DID or a register id, found {register_id[:200]!r}") from err
    if value.keys() - LISTED_MEMBERS or value.get("register_id", register_id) != register_id:
        raise ChangeError(
            f"expected a listing of {register_id}", hint=f"it has the members {', '.join(sorted(LISTED_MEMBERS))}"
        )
    return {"register_id": register_id, **value}


def header_part(header: Mapping[str, Any], key: str) -> Any:
    """Return a part of the header, None if it has none of that name."""
    if key in HEADER_MEMBERS:
        return header.get(key)
    return header.get("participants", {}).get("entries", {}).get(key)


def header_parts(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return every part of the header that can be changed, by its name."""
    entries = header.get("participants", {}).get("entries", {})
    parts = {key: header[key] for key in HEADER_MEMBERS if key in header}
    return parts | {uri: entry for uri, entry in entries.items() if uri not in _NOT_EDITED}


def in_conflict(change: Change, now: Any) -> bool:
    """Tell whether a change no longer fits the value `now` of its part (rules 1 to 3)."""
    current = fingerprint(now)
    return current not in (change.was, fingerprint(change.value))


def apply_header(header: Mapping[str, Any], changes: Iterable[Change]) -> Payload:
    """Return the header with these changes; it is left as it is."""
    changed: Payload = copy.deepcopy(dict(header))
    for change in changes:
        if change.kind is not PartKind.HEADER:
            continue
        place = changed
        if change.key not in HEADER_MEMBERS:
            place = changed.setdefault("participants", {}).setdefault("entries", {})
        if change.value is None:
            place.pop(change.key, None)
        else:
            place[change.key] = copy.deepcopy(change.value)
    return changed


def apply_records(records: Mapping[str, ParticipantRecord], changes: Iterable[Change]) -> dict[str, ParticipantRecord]:
    """Return the records with these changes; they are left as they are."""
    changed = dict(records)
    for change in changes:
        if change.kind is PartKind.RECORD and change.value is None:
            changed.pop(change.key, None)
        elif change.kind is PartKind.RECORD:
            changed[change.key] = change.value
    return changed


def framed(header: Mapping[str, Any], frame: Frame) -> Payload:
    """Return the header with everything that the agent fills in."""

    def uri(version: int) -> str:
        return f"{frame.url}/versions/{version}.jws"

    at = frame.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    participants = dict(header.get("participants", {}))
    return {
        "@context": CTE_CONTEXT,
        "id": frame.url,
        "schemas": [],
        "roles": {},
        **header,
        "format": "1.0",
        "version": frame.version,
        "last_updated": at,
        "author": str(frame.author),
        "uri": f"{frame.url}/current.jws",
        "current_version": uri(frame.version),
        "previous_versions": [{"version": number, "uri": uri(number)} for number in frame.previous],
        "participants": {
            "id": f"{frame.url}/participants",
            "created": at,
            "entries": {},
            **participants,
            "author": str(frame.author),
            "version": frame.version,
        },
    }


def whole(
    header: Mapping[str, Any], records: Mapping[str, ParticipantRecord], changes: Iterable[Change], frame: Frame
) -> Payload:
    """Return the governance file that these changes make of a header and its records."""
    listed = tuple(changes)
    return join(framed(apply_header(header, listed), frame), apply_records(records, listed))


def canonical(payload: Mapping[str, Any]) -> bytes:
    """Return the bytes to sign: the JSON Canonicalization Scheme (RFC 8785), so one content has one signed form.

    Raises:
        ChangeError: it cannot be written so.
    """
    try:
        return rfc8785.dumps(dict(payload))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as err:
        raise ChangeError(f"the governance file cannot be written canonically: {err}") from err


def fingerprint(value: Any) -> str | None:
    """Return the SHA-256 of the value's canonical JSON as hex, None of None.

    Raises:
        ChangeError: it cannot be written as canonical JSON.
    """
    return None if value is None else hashlib.sha256(canonical({"": value})).hexdigest()


def _must_be_json(value: Any) -> None:
    """Refuse a value that no governance file could hold, whatever it says: too deep, with fractions, too large."""
    try:
        read_strict_json(canonical({"": value}), max_bytes=MAX_FILE_BYTES, max_depth=MAX_DEPTH)
    except StrictJsonError as err:
        raise ChangeError(f"the value cannot stand in a governance file: {err.message}", hint=err.hint) from err


def _with_redress(record: ParticipantRecord, redress: str | None) -> ParticipantRecord:
    """Return the record, with whom to appeal to in every accreditation and refusal that does not say it."""
    if redress is None:
        return record
    completed = dict(record)
    for member in _WITH_REDRESS:
        if isinstance(statements := record.get(member), list):
            completed[member] = [
                {"redress": redress, **statement} if isinstance(statement, dict) else statement
                for statement in statements
            ]
    return completed
