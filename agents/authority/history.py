"""The authority's append-only history, kept in the wallet store and published as `history/entries.jsonl`.

It is a `work.log` whose lines are entries: what an entry is about is written in the same transaction, each fact has a
key of its own, and several processes append to one history. The Merkle tree, its head and its proofs are those of
`wanderbuch.governance.signed.history` and `merkle`.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.work.log import Log, LogLine, LogLostError
from wanderbuch.governance.signed.history import Action, Head, HistoryEntry, HistoryError, head_of, read_entry
from wanderbuch.governance.signed.merkle import consistency_proof, inclusion_proof, leaf_hash
from wanderbuch.plugins.webvh.publisher import NewerFileError, Publisher
from wanderbuch.store.records import NotFoundError, Record

_CONTENT_TYPE: Final = "text/jsonl"


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


class HistoryRecord(LogLine):
    """One entry, as it is published. Its id in the store is its number."""

    category: ClassVar[str] = "wanderbuch.authority-history"


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
        self._publisher = publisher
        self._clock = clock
        self._log = Log(profile, HistoryRecord)
        self._publishing = asyncio.Lock()
        self._entries: list[HistoryEntry] = []  # what was read so far; nothing in the store ever changes
        self._leaves: list[bytes] = []

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

        def line_of(number: int) -> str:
            entry = HistoryEntry(
                n=number,
                at=self._clock().replace(microsecond=0),
                who=fact.who,
                action=fact.action.value,
                why=fact.why,
                version=fact.version,
                digest=fact.digest,
            )
            return entry.line.decode()

        try:
            return await self._log.append(fact.key, line_of, new=new, changed=changed)
        except LogLostError as err:
            raise HistoryError(err.message, hint=err.hint) from err

    async def entries(self) -> list[HistoryEntry]:
        """Return all entries, the first one first."""
        await self._read_on()
        return list(self._entries)

    async def entry(self, number: int) -> HistoryEntry:
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
        async with self._publishing:
            while True:
                await self._read_on()
                size, head = len(self._entries), head_of(self._leaves)
                body = b"".join(entry.line + b"\n" for entry in self._entries)
                if await self._publisher.get(self.path) == body:
                    return head
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
        await self._read_on()
        if size is not None and not 0 <= size <= len(self._leaves):
            raise NotFoundError(f"the history has {len(self._leaves)} entries")
        return self._leaves[:size]

    async def _read_on(self) -> None:
        """Read the entries that were added since the last time, by this process or another."""
        try:
            lines = await self._log.lines()
        except LogLostError as err:
            raise HistoryError(err.message, hint=err.hint) from err
        for number, line in enumerate(lines[len(self._entries) :], start=len(self._entries)):
            entry = read_entry(line.encode(), number)
            self._entries.append(entry)
            self._leaves.append(leaf_hash(entry.line))
