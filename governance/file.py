"""A governance file as the rules see it: parsed, checked, frozen.

Only `validation.parse_file` makes a `GovernanceFile` from outside bytes, and only `signing.verify_file` says that its
author vouches for it. Sources: DIF Credential Trust Establishment (CTE) 1.0; European Learning Model 3, class
Accreditation, for the vocabulary of scope.

Days are whole calendar days, both ends included; a span without end ends on `spans.OPEN_END`.

What a file may hold by the million (`Accreditation` and what it has, `Participant`) is a `msgspec.Struct`: made several
times as fast as a frozen dataclass, and nothing that the garbage collector looks at. `copy.replace` changes one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cached_property
from typing import Final

from msgspec import Struct

from wanderbuch.governance.identifiers import CredDefId, Did, RevRegDefId
from wanderbuch.governance.index import GovernanceIndex
from wanderbuch.governance.question import DateSpan
from wanderbuch.governance.spans import OPEN_END
from wanderbuch.governance.statements import (
    Division,
    Programme,
    Recognition,
    Refusal,
    Regulation,
    Signatories,
    TrustedGovernance,
    Verification,
)

EQF: Final = "EQF"  # levels 1 to 8; needs no crosswalk
NO_CROSSWALK: Final = "none"  # what a credential carries where no crosswalk was applied


class Status(Enum):
    """What the authority decided about an accreditation (ELM: Accreditation.status)."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


class StatusChange(Struct, frozen=True, gc=False):
    """One decision about an accreditation.

    Args:
        effective_from: from which award date on; never later than `decided_on`.
        registries: the issuer's revocation registries that existed on `decided_on`.
        decision: where the decision can be read.
    """

    status: Status
    decided_on: date
    effective_from: date
    registries: frozenset[RevRegDefId]
    decision: str | None = None
    reason: str | None = None


class Lapse(Struct, frozen=True, gc=False):
    """A time in which an accreditation does not count, because it was suspended or withdrawn.

    Args:
        days: the award dates that do not count; open if nothing ended the lapse.
        registries_before: the registries that existed when it was decided. Award dates are the issuer's own word, so
            what comes from any other registry may have been signed after and dated back.
        registries_at_end: those that existed when the issuer was reinstated (empty while the lapse lasts).
    """

    status: Status
    days: DateSpan
    registries_before: frozenset[RevRegDefId]
    registries_at_end: frozenset[RevRegDefId]

    @property
    def lasts(self) -> bool:
        """Whether nothing has ended the lapse."""
        return self.days.last == OPEN_END


@dataclass(frozen=True, slots=True)
class LevelRange:
    """From which to which level, both included, of one framework ("LK-NVQ", or "EQF" for every framework)."""

    framework: str
    lowest: str
    highest: str


@dataclass(frozen=True, slots=True)
class Agent:
    """Who accredited (ELM: accreditingAgent)."""

    name: str
    did: Did | None


class Accreditation(Struct, frozen=True, gc=False):
    """One statement: this issuer counts for these occupations, levels, places and times, with these definitions.

    Args:
        issuer: the DID that it is about.
        credential_types: such as "qualification/1.0".
        occupations: ISCO-08 codes ("C72"); each stands for its whole subtree.
        excluded_occupations: never, whatever else the file says about this issuer.
        jurisdictions: where it counts, ISO 3166-1 alpha-3.
        intervals: the mandate, a normal tuple (see `spans`).
        changes: the decisions, oldest first.
        lapses: what the decisions mean for award dates.
        decision, redress, quality_assurance: where the decision, the way to appeal and the quality assurance are found.
    """

    id: str
    issuer: Did
    title: str | None
    credential_types: tuple[str, ...]
    cred_def_ids: tuple[CredDefId, ...]
    occupations: tuple[str, ...]
    excluded_occupations: tuple[str, ...]
    level_range: LevelRange
    jurisdictions: tuple[str, ...]
    intervals: tuple[DateSpan, ...]
    changes: tuple[StatusChange, ...]
    lapses: tuple[Lapse, ...]
    accrediting_agent: Agent
    decision: str
    redress: str
    quality_assurance: str | None

    @property
    def status(self) -> Status:
        """The status after the last decision."""
        return self.changes[-1].status if self.changes else Status.ACTIVE


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """One dated table from a framework's levels to EQF levels.

    Args:
        version: what credentials carry; unique for the framework within the file.
        valid: the award dates it is in force for.
        levels: every level of the framework from lowest to highest, with its EQF level; 0 = no mapping.
        source: where the table comes from.
    """

    version: str
    framework: str
    valid: DateSpan
    levels: tuple[tuple[str, int], ...]
    source: str
    _positions: Mapping[str, int] = field(init=False, repr=False, compare=False)
    _highest: Mapping[tuple[str, str], int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        positions = {level: position for position, (level, _) in enumerate(self.levels)}
        object.__setattr__(self, "_positions", positions)
        highest: dict[tuple[str, str], int] = {}
        for position, (lowest, _) in enumerate(self.levels):
            eqf = 0
            for level, mapped in self.levels[position:]:
                eqf = highest[lowest, level] = max(eqf, mapped)
        object.__setattr__(self, "_highest", highest)

    def eqf(self, level: str) -> int:
        """Return the EQF level of `level`, 0 if there is no mapping."""
        position = self._positions.get(level)
        return 0 if position is None else self.levels[position][1]

    def highest(self, level_range: LevelRange) -> int:
        """Return the highest EQF level within `level_range`, 0 if nothing of it is mapped by this table."""
        if level_range.framework != self.framework:
            return 0
        return self._highest.get((level_range.lowest, level_range.highest), 0)

    def within(self, level_range: LevelRange) -> Mapping[str, int]:
        """Return the levels of `level_range` with their EQF levels; empty if the range does not fit this table."""
        lowest, highest = self._positions.get(level_range.lowest), self._positions.get(level_range.highest)
        if level_range.framework != self.framework or lowest is None or highest is None:
            return {}
        return dict(self.levels[lowest : highest + 1])


class RoleGrant(Struct, frozen=True, gc=False):
    """A CTE role of a participant, from `start` until `end` (None: it does not end)."""

    role: str
    start: datetime
    end: datetime | None


class Participant(Struct, frozen=True, gc=False):
    """Somebody the file names: how they are called and which CTE roles they have.

    Aliases are what the file says of them; nothing is inferred from an alias.
    """

    did: Did
    name: str | None
    website: str | None
    email: str | None
    roles: tuple[RoleGrant, ...]
    alias_dids: tuple[Did, ...]


@dataclass(frozen=True, slots=True)
class Role:
    """A CTE role: which schemas it may issue and verify. It grants nothing by itself; accreditations do."""

    name: str
    issue: tuple[str, ...]
    verify: tuple[str, ...]
    granted_by: str | None


@dataclass(frozen=True, slots=True)
class SchemaListing:
    """A schema the ecosystem uses; `name` is the credential type ("qualification/1.0")."""

    id: str
    name: str


@dataclass(frozen=True)
class GovernanceFile:
    """What one authority says in one version.

    Args:
        id: opaque; the same in every version.
        version: increases with every version published.
        last_updated: when this version was made, UTC.
        ttl: how long the author expects the version to last; a hint for refreshing, never a proof of freshness.
        division: where the records of participants lie, if not in the file itself (see `division`).
        loaded: the buckets of `division` whose parts were read.
    """

    id: str
    name: str
    description: str | None
    version: int
    last_updated: datetime
    author: Did
    docs_uri: str | None
    ttl: timedelta | None
    schemas: tuple[SchemaListing, ...]
    roles: tuple[Role, ...]
    participants: tuple[Participant, ...]
    accreditations: tuple[Accreditation, ...]
    crosswalks: tuple[Crosswalk, ...]
    trusted_governance: tuple[TrustedGovernance, ...] = ()
    recognitions: tuple[Recognition, ...] = ()
    regulations: tuple[Regulation, ...] = ()
    verifications: tuple[Verification, ...] = ()
    programmes: tuple[Programme, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    signatories: Signatories | None = None
    division: Division | None = None
    loaded: frozenset[int] = frozenset()

    @cached_property
    def index(self) -> GovernanceIndex:
        """The look-up tables of the rules, built at the first question."""
        return GovernanceIndex(
            self.accreditations, self.crosswalks, self.participants, None if self.is_complete else self.holds
        )

    @cached_property
    def is_complete(self) -> bool:
        """Whether everything that the file says was read: always, unless it is divided and a part is missing."""
        return self.division is None or len(self.loaded) == len(self.division.parts)

    def holds(self, did: Did) -> bool:
        """Return whether all that the file says about `did` was read: else nothing follows from finding nothing."""
        return self.is_complete or (self.division is not None and self.division.bucket_of(did) in self.loaded)

    @cached_property
    def _by_did(
        self,
    ) -> tuple[
        Mapping[Did, tuple[Recognition, ...]],
        Mapping[Did, tuple[Verification, ...]],
        Mapping[Did, tuple[Refusal, ...]],
    ]:
        return (
            _table(self.recognitions, lambda each: each.publisher, lambda each: each.id),
            _table(self.verifications, lambda each: each.verifier, lambda each: each.id),
            _table(self.refusals, lambda each: each.applicant, lambda each: each.id),
        )

    @property
    def recognised_publishers(self) -> Iterable[Did]:
        """Every authority that the file has a recognition of, in no order."""
        return self._by_did[0]

    def recognitions_of(self, publisher: Did) -> tuple[Recognition, ...]:
        """Return what is recognised of another authority, by id."""
        return self._by_did[0].get(publisher, ())

    def verifications_of(self, verifier: Did) -> tuple[Verification, ...]:
        """Return what a verifier may ask, by id."""
        return self._by_did[1].get(verifier, ())

    def refusals_of(self, applicant: Did) -> tuple[Refusal, ...]:
        """Return what was refused to `applicant`, by id."""
        return self._by_did[2].get(applicant, ())

    def participant_name(self, did: Did) -> str | None:
        """Return how the file calls `did`, or None if it does not name it."""
        participant = self.index.participants.get(did)
        return None if participant is None else participant.name

    def schema_ids(self, credential_type: str) -> tuple[str, ...]:
        """Return the ids of the schemas listed for a credential type."""
        return tuple(schema.id for schema in self.schemas if schema.name == credential_type)

    def crosswalk(self, version: str, framework: str) -> Crosswalk | None:
        """Return the crosswalk of that version and framework, or None."""
        return self.index.crosswalks.get((framework, version))

    def crosswalk_in_force(self, version: str, framework: str, on: date) -> bool:
        """Return whether that crosswalk exists and was in force on that day."""
        crosswalk = self.crosswalk(version, framework)
        return crosswalk is not None and crosswalk.valid.first <= on <= crosswalk.valid.last

    def eqf_level(self, framework: str, level: str, on: date) -> tuple[int, str]:
        """Return the EQF level (0 = no mapping) of a level awarded `on`, and the version of the crosswalk applied.

        "EQF" levels are themselves; the version is then `NO_CROSSWALK`, as it is where no crosswalk was in force.
        """
        if framework == EQF:
            return (int(level) if level in _EQF_LEVELS else 0), NO_CROSSWALK
        for crosswalk in self.index.crosswalks_of.get(framework, ()):
            if crosswalk.valid.first <= on <= crosswalk.valid.last:
                return crosswalk.eqf(level), crosswalk.version
        return 0, NO_CROSSWALK


_EQF_LEVELS: Final = frozenset("12345678")


def _table[T](
    statements: Iterable[T], about: Callable[[T], Did], order: Callable[[T], str]
) -> Mapping[Did, tuple[T, ...]]:
    found: dict[Did, list[T]] = defaultdict(list)
    for each in sorted(statements, key=order):
        found[about(each)].append(each)
    return {did: tuple(each) for did, each in found.items()}
