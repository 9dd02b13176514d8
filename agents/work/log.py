"""A log that only grows: what happened, each written in one transaction with the records that it is about.

Both are there or neither. Each fact has a key of its own, so that a step which is repeated after a crash or a lost
answer adds no second line. Several processes write to one log: a line is named by its number, and a name is given once.
Who finds the number taken reads what the others wrote, and tries the next one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.store.errors import StoreError
from wanderbuch.store.records import DuplicateError, Record
from wanderbuch.store.writing import Writing, writing

_TRIES: Final = 50


class ChangedMeanwhileError(RefusedError):
    """A record is not what it was when somebody began to change it; nothing was written."""


class LogLostError(StoreError):
    """The store has lost a line of a log."""

    code = "log-lost"


class _NumberTakenError(Exception):
    """Another process has written a line just now."""


class LogLine(Record):
    """One line of a log; a log has a kind of its own. Its id in the store is its number."""

    key: str
    line: str


class Log[L: LogLine]:
    """The lines of one log.

    Args:
        profile: in whose wallet store it is kept.
        kind: of its lines.
    """

    def __init__(self, profile: Profile, kind: type[L]) -> None:
        self._profile = profile
        self._kind = kind
        self._lock = asyncio.Lock()  # for what this process has read; processes are kept apart by unique names
        self._lines: list[str] = []  # what was read so far; nothing in the store ever changes
        self._keys: set[str] = set()

    async def append(
        self,
        key: str,
        line_of: Callable[[int], str],
        *,
        new: Sequence[Record] = (),
        changed: Sequence[tuple[Record, Record]] = (),
        removed: Sequence[Record] = (),
        also: Callable[[Any], Awaitable[None]] | None = None,
    ) -> bool:
        """Write a line, together with the records that it is about, in one transaction.

        Args:
            key: names this one fact; a second one with the same key is the first one, told again.
            line_of: gives the line with this number.
            new: records to insert.
            changed: records to replace: each as it was read, and as it becomes.
            removed: records to remove, as they were read.
            also: writes what is no record in the same transaction; it takes Askar's handle.

        Returns:
            Whether it is new; if it was told before, by this process or another, nothing is written.

        Raises:
            DuplicateError: the id of a new record is taken.
            ChangedMeanwhileError: a record to replace or to remove is not as it was.
        """
        async with self._lock:
            for _ in range(_TRIES):
                await self._read_on()
                if key in self._keys:
                    return False
                number = len(self._lines)
                line = self._kind(id=_id(number), key=key, line=line_of(number))
                try:
                    await self._write(line, new, changed, removed, also)
                except _NumberTakenError:
                    continue
                return True
        raise RefusedError("other processes write to the log all the time", hint="try again")

    async def lines(self) -> Sequence[str]:
        """Return all lines, the first one first; more are only ever added behind them.

        Raises:
            LogLostError: the store has lost one.
        """
        async with self._lock:
            await self._read_on()
            return self._lines

    async def _write(
        self,
        line: L,
        new: Sequence[Record],
        changed: Sequence[tuple[Record, Record]],
        removed: Sequence[Record],
        also: Callable[[Any], Awaitable[None]] | None,
    ) -> None:
        async with writing(self._profile, new=[line, *new], changed=changed) as records:
            try:
                await records.insert(line)
            except DuplicateError as err:
                raise _NumberTakenError from err
            for record in new:
                await records.insert(record)
            for was, becomes in changed:
                await _expect(records, was)
                await records.replace(becomes)
            for was in removed:
                await _expect(records, was)
                await records.remove(type(was), was.id)
            if also is not None:
                await also(records.handle)

    async def _read_on(self) -> None:
        """Read the lines that were added since the last time, by this process or another."""
        category = self._kind.category
        async with self._profile.session() as session:
            size = 0 if self._lines else await session.handle.count(category)
            while True:
                number = len(self._lines)
                entry = await session.handle.fetch(category, _id(number))
                if entry is None:
                    break
                read = self._kind.read(entry)
                self._lines.append(read.line)
                self._keys.add(read.key)
        if number < size:
            raise LogLostError(
                f"the wallet has lost entry {number} of a log that only grows", hint="restore the wallet"
            )


async def _expect(records: Writing, was: Record) -> None:
    if await records.get_or_none(type(was), was.id) != was:
        raise ChangedMeanwhileError(
            f"the {type(was).__name__} {was.id} was changed meanwhile", hint="read it again, then repeat your change"
        )


def _id(number: int) -> str:
    return f"{number:09d}"
