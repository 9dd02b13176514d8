"""Records of participants read fast and strictly: each distinct value is checked once, as the author's side does.

A large file repeats itself: levels, places, agencies, days, scopes. So a value that was not met before goes through the
formats and models that `validation` uses, and one met before is the same object as then. What is checked, for every
record:

1. structure, types and member names (`record_form`), and the form of every text (`formats`), where occupations exist;
2. credential types are listed, countries exist, level ranges fit their crosswalks;
3. credential definitions and registries belong to the issuer;
4. intervals end after they start; decisions are in order, none takes effect later than it was made or comes after the
   file, none follows a withdrawal;
5. roles are roles of the file and end after they start;
6. the bytes are canonical: no member stands twice, and there is one form only for what is said.

What only the author's side checks (`validation.validate_records`), because nothing is trusted by it: how programmes,
verifications and refusals fit the rest. Warnings are the author's too.
"""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from msgspec import UNSET, Raw, Struct
from msgspec.structs import astuple
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.anywhere import days_anywhere
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
)
from wanderbuch.governance.identifiers import CredDefId, Did, IdentifierError, RevRegDefId, WebvhDid
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
from wanderbuch.governance.record_values import (
    Remembered,
    check_links,
    check_of_many,
    checked_text,
    each_of,
    form_of,
    known_text,
    problem_of,
    published_by,
    read_all,
    strictly,
)
from wanderbuch.governance.spans import OPEN_END, normal
from wanderbuch.governance.statement_domain import programme, refusal, verification
from wanderbuch.governance.statement_model import ProgrammeJson, RefusalJson, VerificationJson
from wanderbuch.governance.statements import Programme, Refusal, Verification
from wanderbuch.schemas.countries import is_country

_EQF_LEVELS: Final = tuple("12345678")
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
        self._latest = days_anywhere(file.last_updated).last
        self._role_names = frozenset(role.name for role in file.roles)
        listed = frozenset(schema.name for schema in file.schemas)
        occupation = Remembered(form_of(Occupation))
        country = Remembered(known_text(Country, is_country, "a country of ISO 3166-1"))
        name = Remembered(known_text(CredentialTypeName, lambda name: name in listed, "the name of a listed schema"))
        self._types = Remembered(each_of(name))
        self._scopes = Remembered(each_of(occupation))
        self._exclusions = Remembered(each_of(occupation, may_be_empty=True))
        self._places = Remembered(each_of(country))
        self._texts = Remembered(checked_text)
        self._links = Remembered(_LINK)
        self._days = Remembered(_DAY)
        self._spans: Remembered[tuple[date, date], DateSpan] = Remembered(lambda ends: DateSpan(*ends))
        self._agents = Remembered(_agent)
        self._level_ranges = Remembered(self._level_range)
        self._mandates = Remembered(self._mandate)
        self._grants = Remembered(self._role_grants)

    def read(self, received: Sequence[ReceivedRecord]) -> list[Record]:
        """Return the records of a part, or some of them.

        Raises:
            RecordError: a rule of this module is broken; the message names the record.
        """
        try:
            return self._records(received)
        except (GovernanceError, IdentifierError, PydanticCustomError, ValidationError) as err:
            if len(received) == 1:
                raise RecordError(f"record of {received[0].did[:160]!r}: {problem_of(err)}") from err
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
            aliases = tuple(AliasJson.model_validate(strictly(received.alias)).alias_dids)
        participant = Participant(did, name, website, email, roles, aliases)
        if received.programmes is received.verifications is received.refusals is ABSENT:
            return Record(participant, accredited, (), (), ())
        return Record(
            participant,
            accredited,
            tuple([programme(did, each) for each in read_all(ProgrammeJson, received.programmes)]),
            tuple([verification(did, each) for each in read_all(VerificationJson, received.verifications)]),
            tuple([refusal(did, each) for each in read_all(RefusalJson, received.refusals)]),
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
        check_links(columns["decision"])
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
                frozenset(published_by(did, said.registries, RevRegDefId) if said.registries else ()),
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
            model = DescriptionJson.model_validate(strictly(raw))
            return model.name, model.website, model.email
        return (
            checked_text(said.name),
            _LINK(said.website) if isinstance(said.website, str) else None,
            checked_text(said.email) if isinstance(said.email, str) else None,
        )

    def _role_grants(self, raw: bytes) -> tuple[RoleGrant, ...]:
        grants = []
        for each in read_all(RoleGrantJson, Raw(raw)):  # 5
            if each.role not in self._role_names:
                raise RecordError("roles: expected roles of this file")
            if each.end is not None and each.end <= each.start:
                raise RecordError("roles: expected an end after the start")
            grants.append(RoleGrant(each.role, each.start, each.end))
        return tuple(grants)


def _definitions_of(issuer: WebvhDid, raw: Raw) -> tuple[CredDefId, ...]:
    received = value_of(raw_bytes(raw), TEXTS)
    if not received:
        raise RecordError("cred_def_ids: expected at least one")
    return published_by(issuer, received, CredDefId)


def _agent(raw: bytes) -> Agent:
    said = value_of(raw, AGENT)
    return Agent(checked_text(said.name), _DID(said.did) if isinstance(said.did, str) else None)


_DAY: Final = form_of(Day)
_DID: Final = form_of(DidText)
_FRAMEWORK: Final = form_of(FrameworkName)
_LEVEL: Final = form_of(LevelName)
_LINK: Final = form_of(Link)
_STATEMENT_IDS: Final = check_of_many(StatementId)
_COLUMNS: Final = ReceivedAccreditation.__struct_fields__
_BY_ID: Final = attrgetter("id")
_BY_ISSUER: Final = attrgetter("issuer")
