"""What people did at a training centre's console, or by REST: by id, never by name, and no value of a certificate.

Console and REST write here; whoever has the agent's own token is "operator". A correction is written in one transaction
with the claim that it changes. What a person made (an offer, a batch) is written down after it; an offer itself says by
whom, and of those that programs make, thousands a day, nothing else does. Any other line is written before its act, so
a crash between leaves a line too many, and never an act without one. An act that changes nothing writes nothing.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.work.log import Log, LogLine
from wanderbuch.store.record import Record, new_id

_MOST_SHOWN: Final = 200


class Act(StrEnum):
    """What somebody did."""

    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    EXTENDED = "extended"
    REMOVED = "removed"
    ROW_EDITED = "row-edited"
    ROW_RETRIED = "row-retried"
    ROW_LEFT_OUT = "row-left-out"
    ROW_RENEWED = "row-renewed"
    OFFERED = "offered"
    WITHDRAWN = "withdrawn"
    BATCH_MADE = "batch-made"
    REVOKED = "revoked"
    ERASED = "erased"
    ERASURE_REFUSED = "erasure-refused"
    ACCESS_ANSWERED = "access-answered"
    COUNTS_PUBLISHED = "counts-published"
    MAIL_STARTED = "mail-started"
    MAIL_ENDED = "mail-ended"
    ROW_MAILED = "row-mailed"


class ActLine(LogLine):
    """A line of a centre's log."""

    category: ClassVar[str] = "wanderbuch.issuer-act-log"


@dataclass(frozen=True, slots=True)
class ActEntry:
    """A line as people read it.

    Args:
        by: id of who did it; "operator" for whoever has the agent's own token.
        what: ids, and names of attributes.
    """

    at: datetime
    by: str
    act: Act
    what: str


class ActLog:
    """The log of one centre, in its encrypted profile.

    Args:
        profile: of the tenant.
        clock: the instant now, aware UTC.
    """

    def __init__(self, profile: Profile, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._log = Log(profile, ActLine)
        self._clock = clock

    async def note(
        self,
        act: Act,
        *,
        by: str,
        what: str,
        key: str | None = None,
        changed: Sequence[tuple[Record, Record]] = (),
        also: Callable[[Any], Awaitable[None]] | None = None,
    ) -> bool:
        """Write what somebody did.

        Args:
            act: what.
            by: id of who.
            what: ids, and names of attributes; no value.
            key: names this one act; told again it writes nothing. None: it is told once.
            changed: see `Log.append`, also for errors.
            also: see there.
        """
        return await self._log.append(key or new_id(), self._line(by, act, what), changed=changed, also=also)

    async def entries(self) -> list[ActEntry]:
        """Return the last entries, the newest first."""
        lines = [json.loads(line) for line in list(await self._log.lines())[-_MOST_SHOWN:]]
        return [
            ActEntry(datetime.fromisoformat(line["at"]), line["who"], Act(line["action"]), line["what"])
            for line in reversed(lines)
        ]

    def _line(self, by: str, act: Act, what: str) -> Callable[[int], str]:
        def line_of(number: int) -> str:
            at = self._clock().isoformat(timespec="seconds")
            line = {"n": number, "at": at, "who": by, "action": act.value, "what": what}
            return json.dumps(line, sort_keys=True)

        return line_of
