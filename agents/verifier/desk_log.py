"""What people did at a verifier's desk: by id, never by name, and nothing of a credential.

Who asked what and when stands with the questions themselves (`Verification.asked_by`), so that nothing can be asked
without it. This log has the rest: people let in and out, templates, links, settings, questions taken back, values
forgotten. Each line is written in one transaction with the records that it is about; only that of a question taken back
comes after the marker, which says by itself who did it.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.people.log import PeopleChange, PeopleFact
from wanderbuch.agents.work.log import Log, LogLine
from wanderbuch.store.record import Record

_MOST_SHOWN: Final = 200


class DeskAct(StrEnum):
    """What somebody did."""

    PERSON_ADDED = "person-added"
    PERSON_CHANGED = "person-changed"
    PERSON_REMOVED = "person-removed"
    TEMPLATE_SAVED = "template-saved"
    TEMPLATE_REMOVED = "template-removed"
    LINK_MADE = "link-made"
    LINK_CLOSED = "link-closed"
    LINK_WIDENED = "link-widened"
    CANCELLED = "cancelled"
    FORGOTTEN = "forgotten"
    SETTINGS_CHANGED = "settings-changed"
    POLICY_CHANGED = "policy-changed"


_OF_PEOPLE: Final = {
    PeopleChange.ADDED: DeskAct.PERSON_ADDED,
    PeopleChange.CHANGED: DeskAct.PERSON_CHANGED,
    PeopleChange.REMOVED: DeskAct.PERSON_REMOVED,
}


class DeskLine(LogLine):
    """A line of a desk's log."""

    category: ClassVar[str] = "wanderbuch.verifier-desk-log"


@dataclass(frozen=True, slots=True)
class DeskEntry:
    """A line as people read it.

    Args:
        by: id of who did it; "operator" for whoever has the agent's own token.
        what: ids, and a few words of ours.
    """

    at: datetime
    by: str
    act: DeskAct
    what: str


class DeskLog:
    """The log of one verifier's desk, in its encrypted profile.

    Args:
        profile: of the tenant.
        clock: the instant now, aware UTC.
    """

    def __init__(self, profile: Profile, *, clock: Callable[[], datetime]) -> None:
        self._log = Log(profile, DeskLine)
        self._clock = clock

    async def append(
        self, fact: PeopleFact, *, new: Sequence[Record] = (), changed: Sequence[tuple[Record, Record]] = ()
    ) -> bool:
        """Write what happened to a person; see `PeopleLog`."""
        act = _OF_PEOPLE[fact.change]
        return await self._log.append(fact.key, self._line(fact.by, act, fact.what), new=new, changed=changed)

    async def note(
        self,
        act: DeskAct,
        *,
        by: str,
        what: str,
        key: str,
        new: Sequence[Record] = (),
        changed: Sequence[tuple[Record, Record]] = (),
        removed: Sequence[Record] = (),
        also: Callable[[Any], Awaitable[None]] | None = None,
    ) -> bool:
        """Write what somebody did, with the records that it is about.

        Args:
            act: what.
            by: id of who.
            what: an id, or a few words of ours.
            key: names this one act; told again it writes nothing.
            new: see `Log.append`, also for errors.
            changed: see there.
            removed: see there.
            also: see there.
        """
        line_of = self._line(by, act, what)
        return await self._log.append(key, line_of, new=new, changed=changed, removed=removed, also=also)

    async def entries(self) -> list[DeskEntry]:
        """Return the last entries, the newest first."""
        lines = [json.loads(line) for line in list(await self._log.lines())[-_MOST_SHOWN:]]
        return [
            DeskEntry(datetime.fromisoformat(line["at"]), line["who"], DeskAct(line["action"]), line["what"])
            for line in reversed(lines)
        ]

    def _line(self, by: str, act: DeskAct, what: str) -> Callable[[int], str]:
        def line_of(number: int) -> str:
            at = self._clock().isoformat(timespec="seconds")
            line = {"n": number, "at": at, "who": by, "action": act.value, "what": what}
            return json.dumps(line, sort_keys=True)

        return line_of
