"""What is written down of people: by id, never by name, in one transaction with the change itself.

A role that has a log of its own adapts it (the authority's public history); for any other there is `PrivateLog`.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.agents.work.log import Log, LogLine
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


class PeopleLine(LogLine):
    """A line of a tenant's log of its people."""

    category: ClassVar[str] = "wanderbuch.people-log"


class PrivateLog:
    """A log that the tenant alone sees, in its encrypted profile.

    Args:
        profile: of the tenant.
        clock: the instant now, aware UTC.
    """

    def __init__(self, profile: Profile, *, clock: Callable[[], datetime]) -> None:
        self._log = Log(profile, PeopleLine)
        self._clock = clock

    async def append(
        self, fact: PeopleFact, *, new: Sequence[Record] = (), changed: Sequence[tuple[Record, Record]] = ()
    ) -> bool:
        """Write a fact; see `PeopleLog`."""

        def line_of(number: int) -> str:
            line = {
                "n": number,
                "at": self._clock().isoformat(timespec="seconds"),
                "who": fact.by,
                "action": fact.change.value,
                "what": fact.what,
            }
            return json.dumps(line, sort_keys=True)

        return await self._log.append(fact.key, line_of, new=new, changed=changed)

    async def lines(self) -> Sequence[str]:
        """Return all lines as JSON, the first one first."""
        return await self._log.lines()
