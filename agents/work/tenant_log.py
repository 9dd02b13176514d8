"""A log of one tenant's: what its people did, by id, never by name.

A role says what somebody may have done, and what kind its lines are of.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.work.log import Log, LogLine
from wanderbuch.store.record import Record, new_id

_MOST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class TenantLogEntry[A: StrEnum]:
    """A line as people read it.

    Args:
        by: id of who did it; "operator" for whoever has the agent's own token.
        what: ids, and a few words of ours.
    """

    at: datetime
    by: str
    act: A
    what: str


class TenantLog[A: StrEnum]:
    """What people of a tenant did, for the tenant alone, in its encrypted profile.

    Args:
        profile: of the tenant.
        line: the kind of its lines.
        acts: what somebody may have done.
        clock: the instant now, aware UTC.
    """

    def __init__(self, profile: Profile, line: type[LogLine], acts: type[A], *, clock: Callable[[], datetime]) -> None:
        self._log = Log(profile, line)
        self._acts = acts
        self._clock = clock

    async def note(
        self,
        act: A,
        *,
        by: str,
        what: str,
        key: str | None = None,
        new: Sequence[Record] = (),
        changed: Sequence[tuple[Record, Record]] = (),
        removed: Sequence[Record] = (),
        also: Callable[[Any], Awaitable[None]] | None = None,
    ) -> bool:
        """Write what somebody did, with the records that it is about, in one transaction.

        Args:
            act: what.
            by: id of who.
            what: ids, names of attributes, or a few words of ours; no value.
            key: names this one act; told again it writes nothing. None: it is told once.
            new: see `Log.append`, also for errors.
            changed: see there.
            removed: see there.
            also: see there.
        """

        def line_of(number: int) -> str:
            at = self._clock().isoformat(timespec="seconds")
            line = {"n": number, "at": at, "who": by, "action": act.value, "what": what}
            return json.dumps(line, sort_keys=True)

        return await self._log.append(key or new_id(), line_of, new=new, changed=changed, removed=removed, also=also)

    async def lines(self) -> Sequence[str]:
        """Return all lines as JSON, the first one first."""
        return await self._log.lines()

    async def entries(self) -> list[TenantLogEntry[A]]:
        """Return the last entries, the newest first."""
        lines = [json.loads(line) for line in list(await self._log.lines())[-_MOST_SHOWN:]]
        return [
            TenantLogEntry(datetime.fromisoformat(line["at"]), line["who"], self._acts(line["action"]), line["what"])
            for line in reversed(lines)
        ]
