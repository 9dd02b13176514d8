"""The JSON form of a part of a divided file, decoded in one pass: structure, types and member names.

It mirrors `model.AccreditationJson` and the record of `records`; a test compares the two member by member, and another
that both refuse the same. What CTE leaves open (description, alias, roles) and what is rare stays raw JSON here. The
members of each object stand in canonical order, so that what is written again is canonical (RFC 8785).
"""

from typing import ClassVar, Final, Literal

import msgspec
from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType

from wanderbuch.errors import GovernanceError

ABSENT: Final = Raw()
_Optional = str | UnsetType | None


class RecordError(GovernanceError):
    """A record breaks a rule; the message says where within the record."""

    code: ClassVar[str] = "governance.record"


class ReceivedAgent(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """See `model.AgentJson`."""

    did: _Optional = UNSET
    name: str


class ReceivedLevelRange(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """See `model.LevelRangeJson`."""

    framework: str
    max: str
    min: str


class ReceivedInterval(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """See `model.IntervalJson`."""

    end: _Optional = UNSET
    start: str


class ReceivedStatusChange(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """See `model.StatusChangeJson`."""

    decided_on: str
    decision: _Optional = UNSET
    effective_from: str
    reason: _Optional = UNSET
    registries: tuple[str, ...] | UnsetType = UNSET
    status: Literal["active", "suspended", "withdrawn"]


class ReceivedAccreditation(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False
):
    """See `model.AccreditationJson`."""

    accrediting_agent: ReceivedAgent = msgspec.field(name="accreditingAgent")
    cred_def_ids: tuple[str, ...]
    credential_types: tuple[str, ...]
    decision: str
    excluded_occupations: tuple[str, ...] | UnsetType = UNSET
    id: str
    intervals: tuple[ReceivedInterval, ...]
    jurisdictions: tuple[str, ...]
    level_range: ReceivedLevelRange
    occupations: tuple[str, ...]
    quality_assurance: _Optional = UNSET
    redress: str
    status: tuple[ReceivedStatusChange, ...] | UnsetType = UNSET
    title: _Optional = UNSET


class ReceivedRecord(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """Everything that the file says about one participant."""

    accreditations: tuple[ReceivedAccreditation, ...] | UnsetType = UNSET
    alias: Raw = ABSENT
    description: Raw = ABSENT
    did: str
    programmes: Raw = ABSENT
    refusals: Raw = ABSENT
    roles: Raw = ABSENT
    verifications: Raw = ABSENT


class ReceivedDescription(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """A description without members that CTE does not name (see `model.DescriptionJson`)."""

    email: _Optional = UNSET
    name: str
    website: _Optional = UNSET


def received_records(part: bytes) -> list[ReceivedRecord]:
    """Return the records of a part: well formed and canonical (RFC 8785), but for what is still raw JSON.

    Canonical bytes have no member twice and one form for what is said: two readers can not understand them differently.

    Raises:
        RecordError: they are not.
    """
    try:
        received = _PART.decode(part)
        same = _ENCODER.encode(received) == part
    except (DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise RecordError(f"expected a list of records: {err}") from err
    if not same:
        raise RecordError("expected canonical JSON (RFC 8785), found another form of it")
    return received


def received_description(raw: Raw) -> ReceivedDescription | None:
    """Return a description, None if it has to be read as CTE leaves it open."""
    try:
        said = _DESCRIPTION.decode(raw)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return said if _ENCODER.encode(said) == bytes(raw) else None


_PART: Final = msgspec.json.Decoder(list[ReceivedRecord])
_DESCRIPTION: Final = msgspec.json.Decoder(ReceivedDescription)
_ENCODER: Final = msgspec.json.Encoder()
