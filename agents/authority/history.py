"""The authority's append-only history, kept in the wallet store and published as `history/entries.jsonl`.

What an entry is about is written in the same transaction as the entry: both are there or neither. Each fact has a
key of its own, so that a step which is repeated after a crash or a lost answer adds no second entry. The Merkle tree,
its head and its proofs are those of `wanderbuch.governance.history` and `merkle`.

Several processes append to one history: an entry is named by its number, and a name is given once. Who finds the number
taken reads what the others wrote, and tries the next one.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.governance.history import Action, Entry, Head, HistoryError, head_of, read_entry
from wanderbuch.governance.merkle import consistency_proof, inclusion_proof, leaf_hash
from wanderbuch.plugins.webvh.publisher import NewerFileError, Publisher
from wanderbuch.store.records import DuplicateError, NotFoundError, Record
from wanderbuch.store.writing import Writing, writing

_CONTENT_TYPE: Final = "text/jsonl"
_TRIES: Final = 50


class ChangedMeanwhileError(RefusedError):
    """A record is not what it was when somebody began to change it; nothing was written."""


class _NumberTakenError(Exception):
    """Another process has appended an entry just now."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened.

    Args:
        key: names this one event; a second fact with the same key is the first one, told again.
        who: id of the official.
        why: the reason they gave.
        version, digest: of the governance file that came of it, None if none did.
    """

    key: str
    who: str
    action: Action
    why: str
    version: int | None = None
    digest: str | None = None


class HistoryRecord(Record):
    """One entry, as it is published. Its id in the store is its number."""

    category: ClassVar[str] = "wanderbuch.authority-history"

    key: str
    line: str


class HistoryLog:
    """The history of one ecosystem.

    Args:
        profile: in whose wallet store it is kept.
        publisher: puts files on the public site.
        folder: of the ecosystem on the public site.
        clock: the instant now, aware UTC.
    """

    def __init__(self, profile: Profile, *, publisher: Publisher, folder: str, clock: Callable[[], datetime]) -> None:
        self.path = f"{folder}/history/entries.jsonl"
        self._profile = profile
        self._publisher = publisher
        self._clock = clock
        self._lock = asyncio.Lock()  # for what this process has read; processes are kept apart by unique names
        self._entries: list[Entry] = []  # what was read so far; nothing in the store ever changes
        self._leaves: list[bytes] = []
        self._keys: set[str] = set()

    async def append(
        self, fact: Fact, *, new: Sequence[Record] = (), changed: Sequence[tuple[Record, Record]] = ()
    ) -> bool:
        """Add an entry, together with the records that it is about, in one transaction.

        Args:
            fact: what happened.
            new: records to insert.
            changed: records to replace: each as it was read, and as it becomes.

        Returns:
            Whether it is new; if it was told before, by this process or another, nothing is written.

        Raises:
            DuplicateError: the id of a new record is taken.
            ChangedMeanwhileError: a record to replace is not as it was.
        """
        async with self._lock:
            for _ in range(_TRIES):
                try:
                    return await self._append(fact, new, changed)
                except _NumberTakenError:
                    continue
        raise RefusedError("other processes write to the history all the time", hint="try again")

    async def _append(self, fact: Fact, new: Sequence[Record], changed: Sequence[tuple[Record, Record]]) -> bool:
        await self._read_on()
        if fact.key in self._keys:
            return False
        entry = Entry(
            n=len(self._entries),
            at=self._clock().replace(microsecond=0),
            who=fact.who,
            action=fact.action.value,
            why=fact.why,
            version=fact.version,
            digest=fact.digest,
        )
        async with writing(self._profile) as records:
            try:
                await records.insert(HistoryRecord(id=_id(entry.n), key=fact.key, line=entry.line.decode()))
            except DuplicateError as err:
                raise _NumberTakenError from err
            for each in new:
                await records.insert(each)
            for was, becomes in changed:
                await _replace(records, was, becomes)
        return True

    async def entries(self) -> list[Entry]:
        """Return all entries, the first one first."""
        async with self._lock:
            await self._read_on()
            return list(self._entries)

    async def entry(self, number: int) -> Entry:
        """Return one entry.

        Raises:
            NotFoundError: there is none.
        """
        entries = await self.entries()
        if not 0 <= number < len(entries):
            raise NotFoundError(f"the history has no entry {number}")
        return entries[number]

    async def publish(self) -> Head:
        """Make sure that the public file has every entry, and return the head over them.

        A freshness statement may be signed with this head, since what it is about is there for all to read.
        """
        async with self._lock:
            while True:
                await self._read_on()
                size = len(self._entries)
                body = b"".join(entry.line + b"\n" for entry in self._entries)
                if await self._publisher.get(self.path) == body:
                    return head_of(self._leaves)
                try:
                    await self._publisher.put(self.path, body, _CONTENT_TYPE, number=size)
                except NewerFileError:  # another process has appended and published just now
                    await self._read_on()
                    if len(self._entries) == size:
                        raise

    async def head(self, size: int | None = None) -> Head:
        """Return the head over the first `size` entries, by default over all.

        Raises:
            NotFoundError: there are not so many.
        """
        return head_of(await self._first(size))

    async def inclusion(self, number: int, size: int | None = None) -> list[bytes]:
        """Return the proof that entry `number` is in the history of that size (RFC 9162 §2.1.3).

        Raises:
            NotFoundError: it is not.
        """
        leaves = await self._first(size)
        if not 0 <= number < len(leaves):
            raise NotFoundError(f"the history of size {len(leaves)} has no entry {number}")
        return inclusion_proof(leaves, number)

    async def consistency(self, old_size: int, size: int | None = None) -> list[bytes]:
        """Return the proof that the history of the old size is the beginning of that of `size` (RFC 9162 §2.1.4).

        Raises:
            NotFoundError: it never was of that size.
        """
        leaves = await self._first(size)
        if not 0 <= old_size <= len(leaves):
            raise NotFoundError(f"a history of size {len(leaves)} was never of size {old_size}")
        return consistency_proof(leaves, old_size)

    async def _first(self, size: int | None) -> list[bytes]:
        async with self._lock:
            await self._read_on()
            if size is not None and not 0 <= size <= len(self._leaves):
                raise NotFoundError(f"the history has {len(self._leaves)} entries")
            return self._leaves[:size]

    async def _read_on(self) -> None:
        """Read the entries that were added since the last time, by this process or another."""
        async with self._profile.session() as session:
            size = 0 if self._entries else await session.handle.count(HistoryRecord.category)
            while True:
                number = len(self._entries)
                found = await session.handle.fetch(HistoryRecord.category, _id(number))
                if found is None:
                    break
                record = HistoryRecord.read(found)
                entry = read_entry(record.line.encode(), number)
                self._entries.append(entry)
                self._leaves.append(leaf_hash(entry.line))
                self._keys.add(record.key)
        if number < size:
            raise HistoryError(f"the wallet has lost entry {number} of the history", hint="restore the wallet")


async def _replace(records: Writing, was: Record, becomes: Record) -> None:
    if await records.get_or_none(type(was), was.id) != was:
        raise ChangedMeanwhileError(
            f"the {type(was).__name__} {was.id} was changed meanwhile", hint="read it again, then repeat your change"
        )
    await records.replace(becomes)


def _id(number: int) -> str:
    return f"{number:09d}"
