"""What is written down of people: by id, never by name, in one transaction with the change itself.

A role that has a log of its own adapts it (the authority's public history); for any other there is
`TenantPeopleLog`, which has what else people did too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.agents.work.log import LogLine
from wanderbuch.agents.work.tenant_log import TenantLog
from wanderbuch.store.record import Record


class PeopleChange(StrEnum):
    """What happened to a person."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class PeopleFact:
    """Something that happened to a person.

    Args:
        key: names this one event; a second fact with the same key is the first one, told again.
        by: id of who did it.
        what: the person's id and a few words of ours; nothing that people typed but the id.
    """

    key: str
    by: str
    change: PeopleChange
    what: str


class PeopleLog(Protocol):
    """Where changes of people are written down."""

    async def append(
        self, fact: PeopleFact, *, new: Sequence[Record] = (), changed: Sequence[tuple[Record, Record]] = ()
    ) -> bool:
        """Write a fact together with the records that it is about, in one transaction; see `work.log.Log.append`.

        Raises:
            DuplicateError: the id of a new record is taken.
            ChangedMeanwhileError: a record to replace is not as it was.
        """
        ...


class TenantPeopleLog[A: StrEnum](TenantLog[A]):
    """A log of a tenant's in which changes of people are among the acts.

    Args:
        profile: of the tenant.
        line: the kind of its lines.
        acts: what somebody may have done.
        of_people: which of them are changes of people.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        profile: Profile,
        line: type[LogLine],
        acts: type[A],
        of_people: Mapping[PeopleChange, A],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(profile, line, acts, clock=clock)
        self._of_people = of_people

    async def append(
        self, fact: PeopleFact, *, new: Sequence[Record] = (), changed: Sequence[tuple[Record, Record]] = ()
    ) -> bool:
        """Write what happened to a person; see `PeopleLog`."""
        act = self._of_people[fact.change]
        return await self.note(act, by=fact.by, what=fact.what, key=fact.key, new=new, changed=changed)


class PeopleLine(LogLine):
    """A line of a tenant's log of its people."""

    category: ClassVar[str] = "wanderbuch.people-log"


class PrivateLog(TenantPeopleLog[PeopleChange]):
    """A log of nothing but people.

    Args:
        profile: of the tenant.
        clock: the instant now, aware UTC.
    """

    def __init__(self, profile: Profile, *, clock: Callable[[], datetime]) -> None:
        super().__init__(profile, PeopleLine, PeopleChange, {change: change for change in PeopleChange}, clock=clock)
