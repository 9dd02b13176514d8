"""The files of other authorities that ours recognises, directly or through others.

An authority's file is followed only if, in this order:

1. a recognition in the file that names it has begun: one that has ended still counts for awards made before its end;
2. that file has a `trusted_governance` entry for it; the file fetched from there must be signed by that very publisher;
3. each recognition on the way lets it be brought in (`onward`), and there are at most `MAX_DEPTH` authorities on the
   way; the own authority, and one that is on the way already, are not followed again: a cycle is reported;
4. no more than `MAX_FOLLOWED` authorities are followed; the nearest come first. No more than `MAX_FROM_ONE` of them are
   brought in by one authority that the own file recognises, by itself or through those it brings in, so that it can
   not take the places of what the others bring in.

Each is a `FollowedFile` of its own: its own pinned publisher, highest version, history and freshness. One that cannot
be fetched, is refused, or takes longer than `LONGEST_S` (all together: `LONGEST_ALL_S`) is named; its last good copy
stays, and never keeps the others from being used. What came of a large file that took too long is kept in the folder.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Final

from wanderbuch.governance.deciding.recognition import MAX_DEPTH
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Reason
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.signed.memory import SeenVersion
from wanderbuch.governance.signed.signing import VersionBefore
from wanderbuch.plugins.trust.following.followed import FollowedFile

MAX_FOLLOWED: Final = 250
MAX_FROM_ONE: Final = 50
CYCLE: Final = "recognition.cycle"
TOO_SLOW: Final = Reason("governance.unreachable", "its files did not come in time")
LONGEST_S: Final = 300.0
LONGEST_ALL_S: Final = 900.0
_AT_ONCE: Final = 8

type Visit = Callable[[FollowedFile], Awaitable[tuple[Reason, ...]]]
"""Brings a follower up to date, from the network or from what was kept; returns what went wrong."""


@dataclass(frozen=True, slots=True)
class _Step:
    """An authority to follow: where its file lies, who led there, and how many more it may bring in."""

    publisher: Did
    uri: str
    way: tuple[Did, ...]
    onward: int

    @property
    def branch(self) -> Did | None:
        """The authority that the own file recognises and that brings this one in; None for such a one itself."""
        return self.way[1] if len(self.way) > 1 else None


class RecognisedFiles:
    """Follows what one file recognises.

    Args:
        follow: makes the follower of a publisher's file at an address.
        clock: the instant now, aware UTC.
    """

    def __init__(self, follow: Callable[[Did, str], FollowedFile], *, clock: Callable[[], datetime]) -> None:
        self._follow = follow
        self._clock = clock
        self._files: dict[Did, FollowedFile] = {}
        self._snapshots: Mapping[Did, GovernanceSnapshot] = MappingProxyType({})

    def snapshots(self) -> Mapping[Did, GovernanceSnapshot]:
        """Return what is held of every authority that was reached: the same object until something changes."""
        newest = {did: followed.snapshot for did, followed in self._files.items() if followed.snapshot is not None}
        if not _are_same(newest, self._snapshots):
            self._snapshots = MappingProxyType(newest)
        return self._snapshots

    def get(self, publisher: Did) -> FollowedFile | None:
        """Return the follower of an authority that was reached, or None."""
        return self._files.get(publisher)

    @property
    def seen(self) -> dict[Did, SeenVersion]:
        """The highest version that was seen of each authority's file."""
        return {did: followed.seen for did, followed in self._files.items() if followed.seen is not None}

    @property
    def before(self) -> dict[Did, VersionBefore]:
        """Of each authority, the newest version of which it is known who must sign what follows."""
        return {did: followed.before for did, followed in self._files.items() if followed.before is not None}

    @property
    def contents(self) -> frozenset[str]:
        """The digests of the files held and of their parts."""
        return frozenset(digest for followed in self._files.values() for digest in followed.contents)

    async def visit(self, home: GovernanceFile, visit: Visit) -> tuple[Reason, ...]:
        """Go from file to file, nearest first, and bring each up to date once; return what to tell."""
        reasons: list[Reason] = []
        reached: dict[Did, FollowedFile] = {}
        ends = asyncio.get_running_loop().time() + LONGEST_ALL_S
        brought: Counter[Did] = Counter()  # how many each branch has brought in
        most: dict[Did, int] = {}  # how many more a publisher may bring in, on the best way found
        level = self._steps(home, (home.author,), MAX_DEPTH, reasons)
        while level:
            chosen: dict[Did, FollowedFile] = {}
            for step in level:
                if step.publisher in reached or step.publisher in chosen:
                    continue
                if len(reached) + len(chosen) == MAX_FOLLOWED:
                    text = f"More than {MAX_FOLLOWED} authorities are recognised; the farthest are left out."
                    reasons.append(_told("too_many", text))
                    break
                if step.branch is not None:
                    if brought[step.branch] == MAX_FROM_ONE:
                        text = f"{step.branch} brings in more than {MAX_FROM_ONE} authorities; the rest are left out."
                        reasons.append(_told("too_many", text))
                        continue
                    brought[step.branch] += 1
                chosen[step.publisher] = self._follower(step)
            reached |= chosen
            reasons += await self._visit_all(chosen.values(), visit, ends)
            further: list[_Step] = []
            for step in level:
                signed = reached[step.publisher].signed if step.publisher in reached else None
                if signed is None or step.onward <= most.get(step.publisher, 0):
                    continue
                most[step.publisher] = step.onward
                further += self._steps(signed.file, (*step.way, step.publisher), step.onward, reasons)
            level = further
        self._files = reached
        return tuple(dict.fromkeys(reasons))

    def _follower(self, step: _Step) -> FollowedFile:
        known = self._files.get(step.publisher)
        if known is None:
            return self._follow(step.publisher, step.uri)
        known.place = replace(known.place, file_url=step.uri)  # what is remembered of a publisher is of no one place
        return known

    async def _visit_all(self, followed: Iterable[FollowedFile], visit: Visit, ends: float) -> list[Reason]:
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(followed: FollowedFile) -> Iterable[Reason]:
            async with limit:
                try:
                    async with asyncio.timeout_at(min(ends, asyncio.get_running_loop().time() + LONGEST_S)):
                        told = await visit(followed)
                except TimeoutError:
                    told = (TOO_SLOW,)
                return [_about(followed, reason) for reason in told]

        return [
            reason
            for told in await asyncio.gather(*(one(followed_file) for followed_file in followed))
            for reason in told
        ]

    def _steps(self, file: GovernanceFile, way: tuple[Did, ...], onward: int, reasons: list[Reason]) -> list[_Step]:
        """Return the authorities that a file brings in, if it may bring in `onward` one after the other."""
        steps: list[_Step] = []
        for publisher, uri, further in _brought_in(file, days_anywhere(self._clock()).last):
            if publisher in way:
                chain = " recognises ".join((*way[way.index(publisher) :], publisher))
                reasons.append(Reason(CYCLE, f"A circle of recognitions, which is not followed: {chain}."))
            elif onward > 0:
                steps.append(_Step(publisher, uri, way, min(onward - 1, further)))
        return steps


def _are_same(one: Mapping[Did, GovernanceSnapshot], other: Mapping[Did, GovernanceSnapshot]) -> bool:
    """Tell whether two hold the same objects; to compare what stands in them would take longer than to build them."""
    return len(one) == len(other) and all(other.get(did) is snapshot for did, snapshot in one.items())


def _brought_in(file: GovernanceFile, today: date) -> Iterator[tuple[Did, str, int]]:
    """Return publisher, address and `onward` of each authority that a file recognises and says where to find.

    Args:
        file: of the authority that recognises.
        today: the last day that has begun anywhere.
    """
    named: set[Did] = set()
    for entry in file.trusted_governance:
        begun = [
            recognition
            for recognition in file.recognitions_of(entry.publisher)
            if any(span.first <= today for span in recognition.intervals)
        ]
        if begun and entry.publisher not in named:
            named.add(entry.publisher)
            yield entry.publisher, entry.uri, max(recognition.onward for recognition in begun)


def _about(followed: FollowedFile, reason: Reason) -> Reason:
    signed = followed.signed
    name = f"{signed.file.name} ({followed.place.author})" if signed else str(followed.place.author)
    return _told(reason.code.rpartition(".")[2], f"{name}, which is recognised: {reason.text}")


def _told(what: str, text: str) -> Reason:
    return Reason(f"recognition.{what}", text)
