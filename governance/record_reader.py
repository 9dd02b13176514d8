"""Records of participants read fast and strictly: each distinct value is checked once, as the author's side does.

A large file repeats itself: levels, places, agencies, days, scopes. So the bytes of a record are taken apart into
values (`msgspec` checks structure, types and member names while it decodes), and each value that was not met before
goes through the models and formats that `validation` uses; a value met before is the same object as then. What is
checked here, for every record:

1. structure, types, member names, and the form of every text (`formats`), as in `model` and `statement_model`;
2. credential types are listed, occupations and countries exist, level ranges fit their crosswalks;
3. credential definitions and registries belong to the issuer;
4. intervals end after they start; decisions are in order, none takes effect later than it was made or comes after the
   file, none follows a withdrawal;
5. roles are roles of the file and end after they start;
6. the bytes are canonical: no member stands twice, and there is one form only for what is said.

What only the author's side checks (`validation.validate_records`), because nothing is trusted by it: how programmes,
verifications and refusals fit the rest. Warnings are the author's too.
"""

import contextlib
from collections.abc import Callable
from datetime import date, timedelta
from operator import attrgetter
from typing import Any, ClassVar, Final

import msgspec
from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType
from pydantic import BaseModel, PlainValidator, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.division import canonical
from wanderbuch.governance.domain import lapses
from wanderbuch.governance.file import (
    EQF,
    Accreditation,
    Agent,
    GovernanceFile,
    Lapse,
    LevelRange,
    Participant,
    RoleGrant,
    Status,
    StatusChange,
)
from wanderbuch.governance.formats import (
    Country,
    CredDefIdText,
    CredentialTypeName,
    Day,
    Link,
    Occupation,
    StatementId,
    Text,
)
from wanderbuch.governance.identifiers import CredDefId, Did, IdentifierError
from wanderbuch.governance.model import (
    AgentJson,
    AliasJson,
    DescriptionJson,
    LevelRangeJson,
    RoleGrantJson,
    StatusChangeJson,
)
from wanderbuch.governance.question import DateSpan
from wanderbuch.governance.spans import OPEN_END, normal
from wanderbuch.governance.statement_domain import programme, refusal, verification
from wanderbuch.governance.statement_model import ProgrammeJson, RefusalJson, VerificationJson
from wanderbuch.governance.statements import Programme, Refusal, Verification
from wanderbuch.governance.strict_json import StrictJsonError, read_strict_json
from wanderbuch.schemas.countries import is_country
from wanderbuch.schemas.occupations import isco08

_MAX_REMEMBERED: Final = 65_536  # values of one kind; beyond that they are checked again
_MAX_VALUE_BYTES: Final = 1024 * 1024
_MAX_DEPTH: Final = 20  # a record's members stand four levels deep in a whole file, of which 24 may be
_EARLIEST_ZONE: Final = timedelta(hours=14)  # a calendar day begins 14 hours before it begins in UTC
_EQF_LEVELS: Final = tuple("12345678")
_ABSENT: Final = Raw()


class RecordError(GovernanceError):
    """A record breaks a rule; the message says where within the record."""

    code: ClassVar[str] = "governance.record"


class ReceivedAccreditation(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The members of an accreditation, most of them still to be read."""

    agent: Raw = msgspec.field(name="accreditingAgent")
    cred_def_ids: Raw
    credential_types: Raw
    decision: str
    id: str
    intervals: Raw
    jurisdictions: Raw
    level_range: Raw
    occupations: Raw
    redress: str
    excluded_occupations: Raw = _ABSENT
    quality_assurance: str | UnsetType | None = UNSET
    status: Raw = _ABSENT
    title: str | UnsetType | None = UNSET


class ReceivedRecord(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The members of a record, most of them still to be read."""

    did: str
    accreditations: list[ReceivedAccreditation] | UnsetType = UNSET
    alias: Raw = _ABSENT
    description: Raw = _ABSENT
    programmes: Raw = _ABSENT
    refusals: Raw = _ABSENT
    roles: Raw = _ABSENT
    verifications: Raw = _ABSENT


class Record(Struct, frozen=True, gc=False):
    """Everything that a file says about one participant."""

    participant: Participant
    accreditations: tuple[Accreditation, ...]
    programmes: tuple[Programme, ...]
    verifications: tuple[Verification, ...]
    refusals: tuple[Refusal, ...]


def read_part_structure(part: bytes) -> list[ReceivedRecord]:
    """Return the records of a part in the right structure and canonical form, their values still to be read.

    Raises:
        RecordError: they are not.
    """
    try:
        received = _PART.decode(part)
        same = _ENCODER.encode(received) == part  # 6
    except (DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise RecordError(f"expected a list of records: {err}") from err
    if not same:
        raise RecordError("expected canonical JSON (RFC 8785), found another form of it")
    return received


class RecordReader:
    """Reads the records of one file.

    Args:
        file: the root of the divided file: its schemas, roles and crosswalks are what records must fit.
    """

    def __init__(self, file: GovernanceFile) -> None:
        self._file = file
        self._latest = (file.last_updated + _EARLIEST_ZONE).date()
        self._role_names = frozenset(role.name for role in file.roles)
        self._listed_types = frozenset(schema.name for schema in file.schemas)
        known = isco08().codes
        texts, links, days = _Remembered(_text), _Remembered(_checked(Link)), _Remembered(_checked(Day))
        occupation = _Remembered(_checked(Occupation, lambda code: code in known, "a code of ISCO-08"))
        country = _Remembered(_checked(Country, is_country, "a country of ISO 3166-1"))
        types = self._listed_types
        credential_type = _Remembered(
            _checked(CredentialTypeName, lambda name: name in types, "a listed schema's name")
        )
        self._texts, self._links, self._days = texts, links, days
        self._scopes = _Remembered(_each(occupation))
        self._exclusions = _Remembered(_each(occupation, may_be_empty=True))
        self._places = _Remembered(_each(country))
        self._types = _Remembered(_each(credential_type))
        self._agents = _Remembered(_agent)
        self._ranges = _Remembered(self._level_range)
        self._spans: _Remembered[tuple[date, date], DateSpan] = _Remembered(lambda ends: DateSpan(*ends))
        self._intervals = _Remembered(self._normal_intervals)
        self._roles = _Remembered(self._grants)

    def read(self, received: ReceivedRecord) -> Record:
        """Return the record.

        Raises:
            RecordError: a rule of this module is broken.
        """
        try:
            return self._record(received)
        except ValidationError as err:
            first = err.errors(include_url=False, include_input=False)[0]
            where = "/".join(str(step) for step in first["loc"])
            raise RecordError(f"{where}: {first['msg']}" if where else first["msg"]) from err
        except PydanticCustomError as err:
            raise RecordError(err.message()) from err
        except (StrictJsonError, IdentifierError) as err:
            raise RecordError(err.message) from err
        except (DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise RecordError(f"expected another structure: {err}") from err

    def _record(self, received: ReceivedRecord) -> Record:
        did = Did.parse(received.did)
        name = website = email = None
        roles: tuple[RoleGrant, ...] = ()
        aliases: tuple[Did, ...] = ()
        if received.description is not _ABSENT:
            name, website, email = self._description(received.description)
        if received.roles is not _ABSENT:
            roles = self._roles[bytes(received.roles)]
        if received.alias is not _ABSENT:
            aliases = tuple(AliasJson.model_validate(_strictly(received.alias)).alias_dids)
        return Record(
            Participant(did, name, website, email, roles, aliases),
            () if received.accreditations is UNSET else self._accreditations(did, received.accreditations),
            tuple([programme(did, each) for each in _all(ProgrammeJson, received.programmes)]),
            tuple([verification(did, each) for each in _all(VerificationJson, received.verifications)]),
            tuple([refusal(did, each) for each in _all(RefusalJson, received.refusals)]),
        )

    def _accreditations(self, did: Did, received: list[ReceivedAccreditation]) -> tuple[Accreditation, ...]:
        if not received:
            raise RecordError("accreditations: expected at least one")
        texts, links, definitions = self._texts, self._links, _Remembered(_definitions_of(did))
        read = []
        for said in received:
            changes: tuple[StatusChange, ...] = ()
            lapsed: tuple[Lapse, ...] = ()
            if said.status is not _ABSENT:
                changes = self._changes(did, said.status)
                lapsed = lapses(changes)
            title, quality = said.title, said.quality_assurance
            read.append(
                Accreditation(
                    _STATEMENT_ID(said.id),
                    did,
                    texts[title] if title.__class__ is str else None,
                    self._types[bytes(said.credential_types)],
                    definitions[bytes(said.cred_def_ids)],
                    self._scopes[bytes(said.occupations)],
                    () if said.excluded_occupations is _ABSENT else self._exclusions[bytes(said.excluded_occupations)],
                    self._ranges[bytes(said.level_range)],
                    self._places[bytes(said.jurisdictions)],
                    self._intervals[bytes(said.intervals)],
                    changes,
                    lapsed,
                    self._agents[bytes(said.agent)],
                    links[said.decision],
                    links[said.redress],
                    links[quality] if quality.__class__ is str else None,
                )
            )
        read.sort(key=_BY_ID)
        return tuple(read)

    def _changes(self, did: Did, raw: Raw) -> tuple[StatusChange, ...]:
        said = _STATUS.validate_python(_strictly(raw))
        own = f"{did}/resources/"
        changes: list[StatusChange] = []
        for each in said:
            if not all(registry.startswith(own) for registry in each.registries):  # 3
                raise RecordError(f"status: expected registries that {did} publishes")
            status = Status(each.status)
            before = changes[-1] if changes else None
            if each.effective_from > each.decided_on or each.decided_on > self._latest:  # 4
                raise RecordError("status: expected a decision before the file, that takes effect no later than made")
            if before is not None and (
                each.decided_on < before.decided_on
                or before.status is Status.WITHDRAWN
                or before.status is status is Status.ACTIVE
            ):
                raise RecordError("status: expected the oldest decision first, another status, none after a withdrawal")
            registries = frozenset(each.registries)
            changes.append(
                StatusChange(status, each.decided_on, each.effective_from, registries, each.decision, each.reason)
            )
        return tuple(changes)

    def _level_range(self, raw: bytes) -> LevelRange:
        said = LevelRangeJson.model_validate(_strictly(raw))
        found = LevelRange(said.framework, said.min, said.max)
        if found.framework == EQF:
            levels = (found.lowest, found.highest)
            fits = all(level in _EQF_LEVELS for level in levels) and found.lowest <= found.highest
        else:
            tables = [each for each in self._file.crosswalks if each.framework == found.framework]
            fits = bool(tables) and all(table.within(found) for table in tables)
        if not fits:
            raise RecordError(f"level_range: expected levels of {found.framework} as its crosswalks have them")
        return found

    def _normal_intervals(self, raw: bytes) -> tuple[DateSpan, ...]:
        received = _INTERVALS.decode(raw)
        if not received or _ENCODER.encode(received) != raw:
            raise RecordError("intervals: expected at least one, in canonical form")
        spans = []
        for each in received:
            end = self._days[each.end] if isinstance(each.end, str) else OPEN_END
            span = self._spans[self._days[each.start], end]
            if span.last < span.first:
                raise RecordError("intervals: expected an end on or after the start")
            spans.append(span)
        return (spans[0],) if len(spans) == 1 else normal(spans)

    def _description(self, raw: Raw) -> tuple[str, str | None, str | None]:
        with contextlib.suppress(DecodeError, RecursionError):  # then it has members that CTE does not name
            said = _DESCRIPTION.decode(raw)
            if _ENCODER.encode(said) == bytes(raw):
                website = self._links[said.website] if isinstance(said.website, str) else None
                return _text(said.name), website, _text(said.email) if isinstance(said.email, str) else None
        model = DescriptionJson.model_validate(_strictly(raw))
        return model.name, model.website, model.email

    def _grants(self, raw: bytes) -> tuple[RoleGrant, ...]:
        grants = []
        for each in _all(RoleGrantJson, raw):
            if each.role not in self._role_names:
                raise RecordError("roles: expected roles of this file")
            if each.end is not None and each.end <= each.start:
                raise RecordError("roles: expected an end after the start")
            grants.append(RoleGrant(each.role, each.start, each.end))
        return tuple(grants)


class _Remembered[K, V](dict[K, V]):
    """Values that were checked, by what stands for them in the file."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[K], V]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, said: K) -> V:
        value = self._read(said)
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        self[said] = value
        return value


class _Interval(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    start: str
    end: str | UnsetType | None = UNSET


class _Description(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    name: str
    website: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET


def _strictly(raw: Raw | bytes) -> Any:
    """Return the value of a member as the author's side reads it."""
    said = bytes(raw)
    value = read_strict_json(said, max_bytes=_MAX_VALUE_BYTES, max_depth=_MAX_DEPTH)
    if canonical(value) != said:
        raise RecordError("expected canonical JSON (RFC 8785), found another form of it")
    return value


def _all[M: BaseModel](model: type[M], raw: Raw | bytes) -> list[M]:
    if raw is _ABSENT:
        return []
    elements = _strictly(raw)
    if not isinstance(elements, list) or not elements:
        raise RecordError("expected a list of at least one element")
    return [model.model_validate(each) for each in elements]


def _checked(form: Any, holds: Callable[[str], bool] | None = None, expected: str = "") -> Callable[[str], Any]:
    """Return what checks a text by the validator of its field in `formats`, and by a rule beyond its form."""
    validate: Any = next(each.func for each in form.__metadata__ if isinstance(each, PlainValidator))
    if holds is None:
        return validate  # type: ignore[no-any-return]

    def check(text: str) -> Any:
        value = validate(text)
        if not holds(value):
            raise RecordError(f"expected {expected}, found {text[:80]!r}")
        return value

    return check


def _each(known: "_Remembered[str, str]", *, may_be_empty: bool = False) -> Callable[[bytes], tuple[str, ...]]:
    """Return what reads a list of texts."""

    def read(raw: bytes) -> tuple[str, ...]:
        received = _TEXTS.decode(raw)
        if _ENCODER.encode(received) != raw or not (received or may_be_empty):
            raise RecordError("expected a list in canonical form, not empty")
        return tuple([known[each] for each in received])

    return read


def _definitions_of(issuer: Did) -> Callable[[bytes], tuple[CredDefId, ...]]:
    """Return what reads credential definitions that must be the issuer's."""

    def read(raw: bytes) -> tuple[CredDefId, ...]:
        received = _TEXTS.decode(raw)
        if not received or _ENCODER.encode(received) != raw:
            raise RecordError("cred_def_ids: expected a list in canonical form, not empty")
        if not all(each.startswith(f"{issuer}/resources/") for each in received):  # 3
            raise RecordError(f"cred_def_ids: expected definitions that {issuer} publishes")
        return tuple([_CRED_DEF_ID(each) for each in received])

    return read


def _agent(raw: bytes) -> Agent:
    said = AgentJson.model_validate(_strictly(raw))
    return Agent(said.name, said.did)


def _text(text: str) -> str:
    # Most texts are plain and short, and need no look at each character.
    if text.isascii() and text.isprintable() and len(text) <= 200 and text.strip():
        return text
    return _TEXT(text)


_PART: Final = msgspec.json.Decoder(list[ReceivedRecord])
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_TEXTS: Final = msgspec.json.Decoder(list[str])
_INTERVALS: Final = msgspec.json.Decoder(list[_Interval])
_DESCRIPTION: Final = msgspec.json.Decoder(_Description)
_STATUS: Final = TypeAdapter(list[StatusChangeJson])
_TEXT: Final[Callable[[str], str]] = _checked(Text)
_STATEMENT_ID: Final[Callable[[str], str]] = _checked(StatementId)
_CRED_DEF_ID: Final[Callable[[str], CredDefId]] = _checked(CredDefIdText)
_BY_ID: Final = attrgetter("id")
