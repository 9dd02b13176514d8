"""Records of participants read fast and strictly: each distinct value is checked once, as the author's side does.

A large file repeats itself: levels, places, agencies, days, scopes. So a value that was not met before goes through the
formats and models that `validation` uses, and one met before is the same object as then. What is checked, for every
record:

1. structure, types and member names (`record_form`), and the form of every text (`formats`), where occupations exist;
2. credential types are listed, countries exist, level ranges fit their crosswalks;
3. each accreditation is written in one form, the present one or that of profile 1.0, and its sources and statuses
   belong to the issuer (`record_sources`);
4. intervals end after they start; decisions are in order, none takes effect later than it was made or comes after the
   file, none follows a withdrawal;
5. roles are roles of the file and end after they start (`participant_reader`);
6. the bytes are canonical: no member stands twice, and there is one form only for what is said.

What only the author's side checks (`validation.validate_records`), because nothing is trusted by it: how programmes,
verifications, refusals and listings fit the rest. Warnings are the author's too.
"""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from msgspec import UNSET, Raw
from msgspec.structs import astuple
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.divided.participant_reader import ParticipantReader, ReadRecord
from wanderbuch.governance.divided.record_form import (
    ABSENT,
    AGENT,
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
from wanderbuch.governance.divided.record_sources import sources_of, statuses_of
from wanderbuch.governance.divided.record_values import (
    Remembered,
    check_links,
    check_of_many,
    checked_text,
    each_of,
    form_of,
    known_text,
    problem_of,
    strictly,
)
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.file import (
    EQF,
    Accreditation,
    Agent,
    GovernanceFile,
    LevelRange,
    Status,
    StatusChange,
)
from wanderbuch.governance.facts.identifiers import Did, IdentifierError, WebvhDid
from wanderbuch.governance.facts.listings import RegisterEntry
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.sources import HOLDER_BOUND, Binding, SourceId
from wanderbuch.governance.facts.spans import OPEN_END, normal
from wanderbuch.governance.form.domain import lapses
from wanderbuch.governance.form.formats import (
    BindingName,
    Country,
    CredentialTypeName,
    Day,
    DidText,
    FrameworkName,
    LevelName,
    Link,
    RegisterIdText,
    ScopeCode,
    StatementId,
)
from wanderbuch.governance.form.listing_model import ListingJson
from wanderbuch.governance.form.statement_domain import listing
from wanderbuch.schemas.countries import is_country
from wanderbuch.schemas.languages import CEFR, cefr_rank

_EQF_LEVELS: Final = tuple("12345678")
_STATUSES: Final = {status.value: status for status in Status}


class RecordReader:
    """Reads the records of one file.

    Args:
        file: the root of the divided file: its schemas, roles and crosswalks are what records must fit.
    """

    def __init__(self, file: GovernanceFile) -> None:
        self._file = file
        self._latest = days_anywhere(file.last_updated).last
        self._participants = ParticipantReader(file)
        listed = frozenset(schema.name for schema in file.schemas)
        occupation = Remembered(form_of(ScopeCode))
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
        self._bindings = Remembered(_bindings)
        self._level_ranges = Remembered(self._level_range)
        self._mandates = Remembered(self._mandate)

    def read(self, received: Sequence[ReceivedRecord]) -> list[ReadRecord]:
        """Return the records of a part, or some of them.

        Raises:
            RecordError: a rule of this module is broken; the message names the record.
        """
        try:
            return self._records(received)
        except (GovernanceError, IdentifierError, PydanticCustomError, ValidationError) as err:
            if len(received) == 1:
                raise RecordError(f"record of {received[0].key[:160]!r}: {problem_of(err)}") from err
        for received_record in received:  # again, one by one, to name the one that is wrong
            self.read([received_record])
        raise RecordError("expected records that can be read together")

    def read_listings(self, received: Sequence[ReceivedRecord]) -> tuple[RegisterEntry, ...]:
        """Return the listings of a part; they give no trust, so what they say of levels is the author's to check.

        Raises:
            RecordError: one is malformed, or its record says anything else; the message names it.
        """
        return tuple([_listing(record) for record in received])

    def _records(self, received: Sequence[ReceivedRecord]) -> list[ReadRecord]:
        dids = [
            (Did.parse if received_record.accreditations is UNSET else _issuer)(received_record.key)
            for received_record in received
        ]
        accredited = self._accreditations(dids, received)
        return [
            self._participants.record(did, received_record, accredited.get(did, ()))
            for did, received_record in zip(dids, received, strict=True)
        ]

    def _accreditations(
        self, dids: Sequence[Did], received: Sequence[ReceivedRecord]
    ) -> dict[Did, tuple[Accreditation, ...]]:
        """Return the accreditations of some records by issuer, read member by member: it takes half the time."""
        rows: list[tuple[Any, ...]] = []
        issuers: list[Did] = []
        sources: list[tuple[SourceId, ...]] = []
        for did, record in zip(dids, received, strict=True):
            if record.accreditations is UNSET:
                continue
            if not record.accreditations:
                raise RecordError("accreditations: expected at least one")
            before: tuple[Raw, Raw] | None = None
            own: tuple[SourceId, ...] = ()
            for accreditation in record.accreditations:
                if (accreditation.sources, accreditation.cred_def_ids) != before:  # most issuers use the same for all
                    before, own = (accreditation.sources, accreditation.cred_def_ids), sources_of(did, accreditation)
                if accreditation.cred_def_ids is not ABSENT and accreditation.bindings is not ABSENT:
                    raise RecordError("bindings: expected none beside cred_def_ids, in the form of profile 1.0")
                sources.append(own)
            rows += map(astuple, record.accreditations)
            issuers += [did] * len(record.accreditations)
        if not rows:
            return {}
        columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
        _STATEMENT_IDS(columns["id"])
        check_links(columns["decision"])
        changes = [
            () if history is ABSENT else self._changes(issuer, history, is_old=old is not ABSENT)
            for issuer, history, old in zip(issuers, columns["status"], columns["cred_def_ids"], strict=True)
        ]
        texts, links, exclusions = self._texts, self._links, self._exclusions
        read = map(
            Accreditation,
            columns["id"],
            issuers,
            [texts[title] if title.__class__ is str else None for title in columns["title"]],
            map(self._types.__getitem__, map(raw_bytes, columns["credential_types"])),
            sources,
            [HOLDER_BOUND if names is ABSENT else self._bindings[raw_bytes(names)] for names in columns["bindings"]],
            map(self._scopes.__getitem__, map(raw_bytes, columns["occupations"])),
            [() if codes is ABSENT else exclusions[raw_bytes(codes)] for codes in columns["excluded_occupations"]],
            map(self._level_ranges.__getitem__, map(raw_bytes, columns["level_range"])),
            map(self._places.__getitem__, map(raw_bytes, columns["jurisdictions"])),
            map(self._mandates.__getitem__, map(raw_bytes, columns["intervals"])),
            changes,
            [lapses(change) if change else () for change in changes],
            map(self._agents.__getitem__, map(raw_bytes, columns["accrediting_agent"])),
            columns["decision"],
            map(links.__getitem__, columns["redress"]),
            [links[text] if text.__class__ is str else None for text in columns["quality_assurance"]],
        )
        return {issuer: tuple(sorted(group, key=_BY_ID)) for issuer, group in groupby(read, key=_BY_ISSUER)}

    def _changes(self, did: Did, raw: Raw, *, is_old: bool) -> tuple[StatusChange, ...]:
        changes: list[StatusChange] = []
        for status_change in value_of(raw_bytes(raw), STATUS):
            change = StatusChange(
                _STATUSES[status_change.status],
                self._days[status_change.decided_on],
                self._days[status_change.effective_from],
                statuses_of(did, status_change, is_old=is_old),
                self._links[status_change.decision] if isinstance(status_change.decision, str) else None,
                self._texts[status_change.reason] if isinstance(status_change.reason, str) else None,
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
        stated = value_of(raw, LEVEL_RANGE)
        level_range = LevelRange(_FRAMEWORK(stated.framework), _LEVEL(stated.min), _LEVEL(stated.max))
        if level_range.framework == CEFR:
            fits = 0 < cefr_rank(level_range.lowest) <= cefr_rank(level_range.highest)
        elif level_range.framework == EQF:
            fits = {level_range.lowest, level_range.highest} <= set(
                _EQF_LEVELS
            ) and level_range.lowest <= level_range.highest
        else:
            tables = [crosswalk for crosswalk in self._file.crosswalks if crosswalk.framework == level_range.framework]
            fits = bool(tables) and all(table.within(level_range) for table in tables)
        if not fits:
            raise RecordError(f"level_range: expected levels of {level_range.framework} as its crosswalks have them")
        return level_range

    def _mandate(self, raw: bytes) -> tuple[DateSpan, ...]:
        spans = []
        for received_interval in value_of(raw, INTERVALS):
            span = self._spans[
                self._days[received_interval.start],
                self._days[received_interval.end] if isinstance(received_interval.end, str) else OPEN_END,
            ]
            if span.last < span.first:  # 4
                raise RecordError("intervals: expected an end on or after the start")
            spans.append(span)
        if not spans:
            raise RecordError("intervals: expected at least one")
        return (spans[0],) if len(spans) == 1 else normal(spans)


def _listing(received: ReceivedRecord) -> RegisterEntry:
    if received != ReceivedRecord(register_id=received.key, listing=received.listing):
        raise RecordError(f"record of {received.key[:160]!r}: expected its listing and nothing more")
    try:
        return listing(_REGISTER_ID(received.key), ListingJson.model_validate(strictly(received.listing)))
    except (GovernanceError, PydanticCustomError, ValidationError) as err:
        raise RecordError(f"record of {received.key[:160]!r}: {problem_of(err)}") from err


def _issuer(text: str) -> Did:
    try:
        return WebvhDid.parse(text)
    except IdentifierError:
        return Did.parse(text)


def _bindings(raw: bytes) -> tuple[Binding, ...]:
    received = value_of(raw, TEXTS)
    if not received:
        raise RecordError("bindings: expected at least one")
    return tuple([_BINDING(name) for name in received])


def _agent(raw: bytes) -> Agent:
    received_agent = value_of(raw, AGENT)
    return Agent(
        checked_text(received_agent.name), _DID(received_agent.did) if isinstance(received_agent.did, str) else None
    )


_BINDING: Final = form_of(BindingName)
_DAY: Final = form_of(Day)
_DID: Final = form_of(DidText)
_FRAMEWORK: Final = form_of(FrameworkName)
_LEVEL: Final = form_of(LevelName)
_REGISTER_ID: Final = form_of(RegisterIdText)
_LINK: Final = form_of(Link)
_STATEMENT_IDS: Final = check_of_many(StatementId)
_COLUMNS: Final = ReceivedAccreditation.__struct_fields__
_BY_ID: Final = attrgetter("id")
_BY_ISSUER: Final = attrgetter("issuer")
