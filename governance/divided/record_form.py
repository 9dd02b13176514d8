"""The JSON form of a part of a divided file: structure, types and member names, decoded only as far as it is new.

It mirrors `model.AccreditationJson` and the record of `records`; a test compares the two member by member, and another
that both refuse the same. A part is decoded down to the members of its accreditations. Those that repeat themselves in
a large file (scopes, places, levels, days) stay raw JSON, for `record_reader` to look up; `value_of` decodes one that
was not met before.

The members of each object stand in canonical order, so what is written again is canonical (RFC 8785). Canonical bytes
have no member twice and one form for what is said: two readers cannot understand them differently.
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
    """See `model.StatusChangeJson` and, with `registries`, `model.StatusChangeJson10`."""

    decided_on: str
    decision: _Optional = UNSET
    effective_from: str
    reason: _Optional = UNSET
    registries: tuple[str, ...] | UnsetType = UNSET
    status: Literal["active", "suspended", "withdrawn"]
    statuses: tuple[str, ...] | UnsetType = UNSET


class ReceivedAccreditation(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False
):
    """See `model.AccreditationJson` and, with `cred_def_ids`, `model.AccreditationJson10`."""

    accrediting_agent: Raw = msgspec.field(name="accreditingAgent")
    bindings: Raw = ABSENT
    cred_def_ids: Raw = ABSENT
    credential_types: Raw
    decision: str
    excluded_occupations: Raw = ABSENT
    id: str
    intervals: Raw
    jurisdictions: Raw
    level_range: Raw
    occupations: Raw
    quality_assurance: _Optional = UNSET
    redress: str
    sources: Raw = ABSENT
    status: Raw = ABSENT
    title: _Optional = UNSET


class ReceivedRecord(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """Everything that the file says about one participant; or about an institution that has no DID: its listing."""

    accreditations: tuple[ReceivedAccreditation, ...] | UnsetType = UNSET
    alias: Raw = ABSENT
    description: Raw = ABSENT
    did: str | UnsetType = UNSET
    listing: Raw = ABSENT
    programmes: Raw = ABSENT
    refusals: Raw = ABSENT
    register_id: str | UnsetType = UNSET
    roles: Raw = ABSENT
    verifications: Raw = ABSENT

    @property
    def key(self) -> str:
        """What names it: a DID or, in a listing, a register id.

        Raises:
            RecordError: it has neither, or both, or a listing where there is none to be.
        """
        if isinstance(self.did, str) and self.register_id is UNSET and self.listing is ABSENT:
            return self.did
        if isinstance(self.register_id, str) and self.did is UNSET and self.listing is not ABSENT:
            return self.register_id
        raise RecordError("expected a record with a DID, or with a register id and its listing")


class ReceivedDescription(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """A description without members that CTE does not name (see `model.DescriptionJson`)."""

    email: _Optional = UNSET
    name: str
    website: _Optional = UNSET


def received_records(part: bytes) -> list[ReceivedRecord]:
    """Return the records of a part: well formed and canonical, but for what is still raw JSON.

    Raises:
        RecordError: they are not.
    """
    return value_of(part, _PART)


def value_of[T](text: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Return what raw JSON says, in the structure that the decoder expects.

    Raises:
        RecordError: it has another structure, or is not canonical.
    """
    try:
        value = decoder.decode(text)
        same = raw_bytes(value) == text
    except (DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise RecordError(f"expected another structure: {err}") from err
    if not same:
        raise RecordError("expected canonical JSON (RFC 8785), found another form of it")
    return value


raw_bytes: Final = msgspec.json.Encoder().encode  # of raw JSON its bytes as they stand, and faster than bytes()
TEXTS: Final = msgspec.json.Decoder(tuple[str, ...])
AGENT: Final = msgspec.json.Decoder(ReceivedAgent)
LEVEL_RANGE: Final = msgspec.json.Decoder(ReceivedLevelRange)
INTERVALS: Final = msgspec.json.Decoder(tuple[ReceivedInterval, ...])
STATUS: Final = msgspec.json.Decoder(tuple[ReceivedStatusChange, ...])
DESCRIPTION: Final = msgspec.json.Decoder(ReceivedDescription)
_PART: Final = msgspec.json.Decoder(list[ReceivedRecord])
