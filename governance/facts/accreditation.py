"""What an authority says of one training centre, and in which words: accreditations, levels, crosswalks, participants.

Source of the vocabulary of scope: European Learning Model 3, class Accreditation. Days are whole calendar days, both
ends included; a span without end ends on `spans.OPEN_END`.

What a file may hold by the million (`Accreditation` and what it has, `Participant`) is a `msgspec.Struct`: made several
times as fast as a frozen dataclass, and nothing that the garbage collector looks at. `copy.replace` changes one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Final

from msgspec import Struct

from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.sources import HOLDER_BOUND, Binding, SourceId
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.governance.facts.statuses import StatusId

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
        statuses: the issuer's revocation registries or status lists that existed on `decided_on`.
        decision: where the decision can be read.
    """

    status: Status
    decided_on: date
    effective_from: date
    statuses: frozenset[StatusId]
    decision: str | None = None
    reason: str | None = None


class Lapse(Struct, frozen=True, gc=False):
    """A time in which an accreditation does not count, because it was suspended or withdrawn.

    Args:
        days: the award dates that do not count; open if nothing ended the lapse.
        statuses_before: the status lists that existed when it was decided. Award dates are the issuer's own word, so
            what comes from any other list may have been signed after and backdated.
        statuses_at_end: those that existed when the issuer was reinstated (empty while the lapse lasts).
    """

    status: Status
    days: DateSpan
    statuses_before: frozenset[StatusId]
    statuses_at_end: frozenset[StatusId]

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
    """One statement: this issuer counts for these occupations, levels, places and times, by these sources.

    Args:
        issuer: the DID that it is about.
        credential_types: such as "qualification/1.0".
        sources: what it signs with, in whichever format.
        bindings: what may tie a credential to its holder; `Binding.NONE` only where the authority wrote it.
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
    sources: tuple[SourceId, ...]
    bindings: tuple[Binding, ...]
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

    @property
    def is_holder_bound(self) -> bool:
        """Whether it says of bindings what an accreditation says that does not mention them."""
        return frozenset(self.bindings) == frozenset(HOLDER_BOUND)


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
