"""Records of participants read fast and strictly: each distinct value is checked once, as the author's side does.

A large file repeats itself: levels, places, agencies, days, scopes. So a value that was not met before goes through the
formats and models that `validation` uses, and one met before is the same object as then. What is checked, for every
record:

1. structure, types and member names (`record_form`), and the form of every text (`formats`);
2. credential types are listed, occupations and countries exist, level ranges fit their crosswalks;
3. credential definitions and registries belong to the issuer;
4. intervals end after they start; decisions are in order, none takes effect later than it was made or comes after the
   file, none follows a withdrawal;
5. roles are roles of the file and end after they start;
6. the bytes are canonical: no member stands twice, and there is one form only for what is said.

What only the author's side checks (`validation.validate_records`), because nothing is trusted by it: how programmes,
verifications and refusals fit the rest. Warnings are the author's too.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from msgspec import UNSET, Raw, Struct
from msgspec.structs import astuple
from pydantic import BaseModel, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from wanderbuch.errors import GovernanceError, WanderbuchError
from wanderbuch.governance.division import canonical
from wanderbuch.governance.domain import lapses
from wanderbuch.governance.file import (
    EQF,
    Accreditation,
    Agent,
    GovernanceFile,
    LevelRange,
    Participant,
    RoleGrant,
    Status,
    StatusChange,
)
from wanderbuch.governance.formats import (
    Country,
    CredentialTypeName,
    Day,
    DidText,
    FrameworkName,
    LevelName,
    Link,
    Occupation,
    StatementId,
    Text,
)
from wanderbuch.governance.identifiers import CredDefId, Did, IdentifierError, ResourceId, RevRegDefId, WebvhDid
from wanderbuch.governance.model import AliasJson, DescriptionJson, RoleGrantJson
from wanderbuch.governance.question import DateSpan
from wanderbuch.governance.record_form import (
    ABSENT,
    AGENT,
    DESCRIPTION,
    INTERVALS,
    LEVEL_RANGE,
    STATUS,
    TEXTS,
    ReceivedAccreditation,
    ReceivedRecord,
    RecordError,
    raw_bytes,
    value_of,
)
from wanderbuch.governance.spans import OPEN_END, normal
from wanderbuch.governance.statement_domain import programme, refusal, verification
from wanderbuch.governance.statement_model import ProgrammeJson, RefusalJson, VerificationJson
from wanderbuch.governance.statements import Programme, Refusal, Verification
from wanderbuch.governance.strict_json import read_strict_json
from wanderbuch.schemas.countries import is_country
from wanderbuch.schemas.occupations import isco08

_MAX_REMEMBERED: Final = 65_536  # values of one kind; beyond that they are checked again
_MAX_VALUE_BYTES: Final = 1024 * 1024
_MAX_DEPTH: Final = 20  # a record's members stand four levels deep in a whole file, of which 24 may be
_EARLIEST_ZONE: Final = timedelta(hours=14)  # a calendar day begins 14 hours before it begins in UTC
_EQF_LEVELS: Final = tuple("12345678")
_PRINTED: Final = bytes(range(0x21, 0x7F))  # "!" to "~"
_STATUSES: Final = {each.value: each for each in Status}


class Record(Struct, frozen=True, gc=False):
    """Everything that a file says about one participant."""

    participant: Participant
    accreditations: tuple[Accreditation, ...]
    programmes: tuple[Programme, ...]
    verifications: tuple[Verification, ...]
    refusals: tuple[Refusal, ...]


class RecordReader:
    """Reads the records of one file.

    Args:
        file: the root of the divided file: its schemas, roles and crosswalks are what records must fit.
    """

    def __init__(self, file: GovernanceFile) -> None:
        self._file = file
        self._latest = (file.last_updated + _EARLIEST_ZONE).date()
        self._role_names = frozenset(role.name for role in file.roles)
        listed, codes = frozenset(schema.name for schema in file.schemas), isco08().codes
        occupation = _Remembered(_known(Occupation, lambda code: code in codes, "a code of ISCO-08"))
        country = _Remembered(_known(Country, is_country, "a country of ISO 3166-1"))
        name = _Remembered(_known(CredentialTypeName, lambda name: name in listed, "the name of a listed schema"))
        self._types = _Remembered(_each(name))
        self._scopes = _Remembered(_each(occupation))
        self._exclusions = _Remembered(_each(occupation, may_be_empty=True))
        self._places = _Remembered(_each(country))
        self._texts = _Remembered(_text)
        self._links = _Remembered(_LINK)
        self._days = _Remembered(_DAY)
        self._spans: _Remembered[tuple[date, date], DateSpan] = _Remembered(lambda ends: DateSpan(*ends))
        self._agents = _Remembered(_agent)
        self._level_ranges = _Remembered(self._level_range)
        self._mandates = _Remembered(self._mandate)
        self._grants = _Remembered(self._role_grants)

    def read(self, received: Sequence[ReceivedRecord]) -> list[Record]:
        """Return the records of a part, or some of them.

        Raises:
            RecordError: a rule of this module is broken; the message names the record.
        """
        try:
            return self._records(received)
        except (GovernanceError, IdentifierError, PydanticCustomError, ValidationError) as err:
            if len(received) == 1:
                raise RecordError(f"record of {received[0].did[:160]!r}: {_problem(err)}") from err
        for each in received:  # again, one by one, to name the one that is wrong
            self.read([each])
        raise RecordError("expected records that can be read together")

    def _records(self, received: Sequence[ReceivedRecord]) -> list[Record]:
        # An issuer's own definitions must stand in an accreditation, so its DID is a did:webvh (3).
        dids = [(Did if each.accreditations is UNSET else WebvhDid).parse(each.did) for each in received]
        accredited = self._accreditations(dids, received)
        return [self._record(did, each, accredited.get(did, ())) for did, each in zip(dids, received, strict=True)]

    def _record(self, did: Did, received: ReceivedRecord, accredited: tuple[Accreditation, ...]) -> Record:
        name = website = email = None
        roles: tuple[RoleGrant, ...] = ()
        aliases: tuple[Did, ...] = ()
        if received.description is not ABSENT:
            name, website, email = self._description(received.description)
        if received.roles is not ABSENT:
            roles = self._grants[raw_bytes(received.roles)]
        if received.alias is not ABSENT:
            aliases = tuple(AliasJson.model_validate(_strictly(received.alias)).alias_dids)
        participant = Participant(did, name, website, email, roles, aliases)
        if received.programmes is received.verifications is received.refusals is ABSENT:
            return Record(participant, accredited, (), (), ())
        return Record(
            participant,
            accredited,
            tuple([programme(did, each) for each in _all(ProgrammeJson, received.programmes)]),
            tuple([verification(did, each) for each in _all(VerificationJson, received.verifications)]),
            tuple([refusal(did, each) for each in _all(RefusalJson, received.refusals)]),
        )

    def _accreditations(
        self, dids: Sequence[Did], received: Sequence[ReceivedRecord]
    ) -> dict[Did, tuple[Accreditation, ...]]:
        """Return the accreditations of some records by issuer, read member by member: it takes half the time."""
        rows: list[tuple[Any, ...]] = []
        issuers: list[WebvhDid] = []
        definitions: list[tuple[CredDefId, ...]] = []
        for did, record in zip(dids, received, strict=True):
            if record.accreditations is UNSET or not isinstance(did, WebvhDid):
                continue
            if not record.accreditations:
                raise RecordError("accreditations: expected at least one")
            before: Raw = ABSENT
            own: tuple[CredDefId, ...] = ()
            for each in record.accreditations:
                if each.cred_def_ids != before:  # most issuers use the same for all
                    before, own = each.cred_def_ids, _definitions_of(did, each.cred_def_ids)
                definitions.append(own)
            rows += map(astuple, record.accreditations)
            issuers += [did] * len(record.accreditations)
        if not rows:
            return {}
        columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
        _STATEMENT_IDS(columns["id"])
        _check_links(columns["decision"])
        changes = [
            () if each is ABSENT else self._changes(issuer, each)
            for issuer, each in zip(issuers, columns["status"], strict=True)
        ]
        texts, links, exclusions = self._texts, self._links, self._exclusions
        read = map(
            Accreditation,
            columns["id"],
            issuers,
            [texts[each] if each.__class__ is str else None for each in columns["title"]],
            map(self._types.__getitem__, map(raw_bytes, columns["credential_types"])),
            definitions,
            map(self._scopes.__getitem__, map(raw_bytes, columns["occupations"])),
            [() if each is ABSENT else exclusions[raw_bytes(each)] for each in columns["excluded_occupations"]],
            map(self._level_ranges.__getitem__, map(raw_bytes, columns["level_range"])),
            map(self._places.__getitem__, map(raw_bytes, columns["jurisdictions"])),
            map(self._mandates.__getitem__, map(raw_bytes, columns["intervals"])),
            changes,
            [lapses(each) if each else () for each in changes],
            map(self._agents.__getitem__, map(raw_bytes, columns["accrediting_agent"])),
            columns["decision"],
            map(links.__getitem__, columns["redress"]),
            [links[each] if each.__class__ is str else None for each in columns["quality_assurance"]],
        )
        return {issuer: tuple(sorted(group, key=_BY_ID)) for issuer, group in groupby(read, key=_BY_ISSUER)}

    def _changes(self, did: WebvhDid, raw: Raw) -> tuple[StatusChange, ...]:
        changes: list[StatusChange] = []
        for said in value_of(raw_bytes(raw), STATUS):
            change = StatusChange(
                _STATUSES[said.status],
                self._days[said.decided_on],
                self._days[said.effective_from],
                frozenset(_published_by(did, said.registries, RevRegDefId) if said.registries else ()),
                self._links[said.decision] if isinstance(said.decision, str) else None,
                self._texts[said.reason] if isinstance(said.reason, str) else None,
            )
            if change.effective_from > change.decided_on or change.decided_on > self._latest:  # 4
                raise RecordError("status: expected a decision before the file, that takes effect no later than made")
            before = changes[-1] if changes else None
            if before is not None and (
                change.decided_on < before.decided_on
                or before.status is Status.WITHDRAWN
                or before.status is change.status is Status.ACTIVE
            ):
                raise RecordError("status: expected the oldest decision first, another status, none after a withdrawal")
            changes.append(change)
        return tuple(changes)

    def _level_range(self, raw: bytes) -> LevelRange:
        said = value_of(raw, LEVEL_RANGE)
        found = LevelRange(_FRAMEWORK(said.framework), _LEVEL(said.min), _LEVEL(said.max))
        if found.framework == EQF:
            fits = {found.lowest, found.highest} <= set(_EQF_LEVELS) and found.lowest <= found.highest
        else:
            tables = [each for each in self._file.crosswalks if each.framework == found.framework]
            fits = bool(tables) and all(table.within(found) for table in tables)
        if not fits:
            raise RecordError(f"level_range: expected levels of {found.framework} as its crosswalks have them")
        return found

    def _mandate(self, raw: bytes) -> tuple[DateSpan, ...]:
        spans = []
        for said in value_of(raw, INTERVALS):
            span = self._spans[self._days[said.start], self._days[said.end] if isinstance(said.end, str) else OPEN_END]
            if span.last < span.first:  # 4
                raise RecordError("intervals: expected an end on or after the start")
            spans.append(span)
        if not spans:
            raise RecordError("intervals: expected at least one")
        return (spans[0],) if len(spans) == 1 else normal(spans)

    def _description(self, raw: Raw) -> tuple[str, str | None, str | None]:
        try:
            said = value_of(raw_bytes(raw), DESCRIPTION)
        except RecordError:  # then it has members that CTE does not name, or other mistakes
            model = DescriptionJson.model_validate(_strictly(raw))
            return model.name, model.website, model.email
        return (
            _text(said.name),
            _LINK(said.website) if isinstance(said.website, str) else None,
            _text(said.email) if isinstance(said.email, str) else None,
        )

    def _role_grants(self, raw: bytes) -> tuple[RoleGrant, ...]:
        grants = []
        for each in _all(RoleGrantJson, Raw(raw)):  # 5
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


def _problem(err: Exception) -> str:
    if isinstance(err, ValidationError):
        first = err.errors(include_url=False, include_input=False)[0]
        return f"{'/'.join(str(step) for step in first['loc'])}: {first['msg']}"
    if isinstance(err, PydanticCustomError):
        return err.message()
    return err.message if isinstance(err, WanderbuchError) else type(err).__name__


def _strictly(raw: Raw) -> Any:
    """Return the value of a member as the author's side reads it."""
    said = raw_bytes(raw)
    value = read_strict_json(said, max_bytes=_MAX_VALUE_BYTES, max_depth=_MAX_DEPTH)
    if canonical(value) != said:  # 6
        raise RecordError("expected canonical JSON (RFC 8785), found another form of it")
    return value


def _all[M: BaseModel](model: type[M], raw: Raw) -> list[M]:
    if raw is ABSENT:
        return []
    elements = _strictly(raw)
    if not isinstance(elements, list) or not elements:
        raise RecordError("expected a list of at least one element")
    return [model.model_validate(each) for each in elements]


def _form(field: Any) -> Callable[[str], Any]:
    """Return the check of a text as its field in `formats` makes it."""
    check: Any = next(each.func for each in field.__metadata__ if isinstance(each, PlainValidator))
    return check  # type: ignore[no-any-return]


def _all_of(field: Any) -> Callable[[Sequence[str]], None]:
    """Return the check of many texts at once, by the pattern that the field in `formats` publishes."""
    published: Any = next(each.json_schema for each in field.__metadata__ if isinstance(each, WithJsonSchema))
    form = published["pattern"].removeprefix("^").removesuffix("$")
    lines, check = re.compile(rf"(?:(?:{form})\n)*").fullmatch, _form(field)

    def all_of(texts: Sequence[str]) -> None:
        together = "\n".join(texts) + "\n"
        if not lines(together) or together.count("\n") != len(texts):
            for each in texts:  # one by one, for the message
                check(each)

    return all_of


def _known(field: Any, holds: Callable[[str], bool], expected: str) -> Callable[[str], str]:
    """Return what checks the form of a text, and that it is one of those that exist."""
    check = _form(field)

    def known(text: str) -> str:
        if not holds(check(text)):
            raise RecordError(f"expected {expected}, found {text[:80]!r}")
        return text

    return known


def _each(known: "_Remembered[str, str]", *, may_be_empty: bool = False) -> Callable[[bytes], tuple[str, ...]]:
    """Return what reads a list of texts, each of which must be known."""

    def read(raw: bytes) -> tuple[str, ...]:
        received = value_of(raw, TEXTS)
        if not received and not may_be_empty:
            raise RecordError("expected at least one occupation, country and credential type, found an empty list")
        return tuple([known[each] for each in received])

    return read


def _definitions_of(issuer: WebvhDid, raw: Raw) -> tuple[CredDefId, ...]:
    received = value_of(raw_bytes(raw), TEXTS)
    if not received:
        raise RecordError("cred_def_ids: expected at least one")
    return _published_by(issuer, received, CredDefId)


def _published_by[R: ResourceId](issuer: WebvhDid, received: tuple[str, ...], kind: type[R]) -> tuple[R, ...]:
    """Return identifiers of objects that must be the issuer's."""
    own = f"{issuer}/resources/"
    for each in received:
        if not each.startswith(own):  # 3
            raise RecordError(f"expected an object that {issuer} publishes, found {each[:160]!r}")
    return tuple([kind.of(issuer, each[len(own) :]) for each in received])


def _agent(raw: bytes) -> Agent:
    said = value_of(raw, AGENT)
    return Agent(_text(said.name), _DID(said.did) if isinstance(said.did, str) else None)


def _check_links(links: Sequence[str]) -> None:
    """Refuse unless all are links; most are plain https addresses, which the whole row of them shows."""
    row = f" {' '.join(links)} "
    plain = row.isascii() and row.count(" https://") == len(links) and " https:// " not in row
    if (
        not plain
        or row.encode().translate(None, _PRINTED) != b" " * (len(links) + 1)
        or len(max(links, key=len)) > 2000
    ):
        for each in links:
            _LINK(each)


def _text(text: str) -> str:
    # Most texts are plain and short, and need no look at each character.
    if text.isascii() and text.isprintable() and len(text) <= 200 and text.strip():
        return text
    checked: str = _TEXT(text)
    return checked


_DAY: Final = _form(Day)
_DID: Final = _form(DidText)
_FRAMEWORK: Final = _form(FrameworkName)
_LEVEL: Final = _form(LevelName)
_LINK: Final = _form(Link)
_STATEMENT_IDS: Final = _all_of(StatementId)
_TEXT: Final = _form(Text)
_COLUMNS: Final = ReceivedAccreditation.__struct_fields__
_BY_ID: Final = attrgetter("id")
_BY_ISSUER: Final = attrgetter("issuer")
