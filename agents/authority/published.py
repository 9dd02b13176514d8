"""The governance file that is published now, part by part, and the file that changes make of it.

A file larger than `divide_above_bytes` is divided (`governance.division`): the root is what is signed, the records lie
in parts, content-addressed. Then a change reads and writes only the parts of the participants that it changes. Parts
are kept in the wallet store too, by digest: it is the record of what was published.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.agents.authority.changes import (
    Change,
    Frame,
    PartKind,
    apply_header,
    apply_records,
    canonical,
    framed,
    whole,
)
from wanderbuch.agents.authority.stages import Stage, TellStage, tell_nobody
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.divided.division import (
    divide,
    division_of,
    gather,
    part_name,
    redivide,
    suggest_parts,
)
from wanderbuch.governance.form.findings import Finding, error
from wanderbuch.governance.form.model import DIVIDED
from wanderbuch.governance.form.parsed import ParsedFile
from wanderbuch.governance.form.records import LISTS, ParticipantRecord, Payload, join, record_key, split
from wanderbuch.governance.form.validation import MAX_FILE_BYTES, validate_file
from wanderbuch.plugins.webvh.publisher import Publisher

_CATEGORY: Final = "wanderbuch.authority-part"
_PART_TYPE: Final = "application/json"
_ALONE: Final = frozenset({"name", "description", "docs_uri", "ttl"})  # nothing in a record rests on these
_FEW: Final = 20
_LOT: Final = 2000  # participants looked at together
_MANY_TIMES: Final = 4  # parts so many times as large, or as small, as they should be are worth laying out all anew


class PartStore:
    """The parts of divided files, in the wallet store and on the public site.

    Args:
        profile: in whose wallet store they are kept.
        publisher: puts files on the public site.
        folder: of the ecosystem on the public site.
    """

    def __init__(self, profile: Profile, publisher: Publisher, folder: str) -> None:
        self._profile = profile
        self._publisher = publisher
        self._folder = folder

    async def keep(self, parts: Mapping[str, bytes]) -> None:
        """Keep parts by their digest; one that is there already is the same."""
        for digest, body in parts.items():
            async with self._profile.session() as session:
                try:
                    await session.handle.insert(_CATEGORY, digest, body)
                except AskarError as err:
                    if err.code != AskarErrorCode.DUPLICATE:
                        raise

    async def read(self, digest: str) -> bytes:
        """Return a part.

        Raises:
            ConfigurationError: the wallet has lost it.
        """
        async with self._profile.session() as session:
            entry = await session.handle.fetch(_CATEGORY, digest)
        if entry is None:
            raise ConfigurationError(f"the wallet has lost the part {digest}", hint="restore the wallet")
        return bytes(entry.value)

    async def read_all(self, digests: Iterable[str]) -> dict[str, bytes]:
        """Return parts by digest; errors as with `read`."""
        return {digest: await self.read(digest) for digest in dict.fromkeys(digests)}

    async def publish(self, digests: Iterable[str], *, look: bool = False, tell: TellStage = tell_nobody) -> None:
        """Put parts on the public site.

        Args:
            digests: which.
            look: whether to put only those that are not there as they should be.
            tell: told how far it is.
        """
        wanted = tuple(digests)
        for number, digest in enumerate(wanted):
            tell(Stage.PARTS, number, len(wanted))
            path, body = f"{self._folder}/{part_name(digest)}", await self.read(digest)
            if not look or await self._publisher.get(path) != body:
                await self._publisher.put(path, body, _PART_TYPE)


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A file, ready to be signed.

    Args:
        body: the canonical bytes to sign: the whole file, or the root.
        parts: those that are new, by digest.
        findings: about the file; where it is too large to be read at once, about its header and what changes.
        parsed: the file in `body`, where it was read already.
    """

    body: bytes = field(repr=False)
    parts: Mapping[str, bytes] = field(repr=False)
    findings: tuple[Finding, ...]
    parsed: ParsedFile | None = None


class Published:
    """The file that is published now; empty before the first version.

    Args:
        root: the signed payload as JSON, None before the first version.
        parts: where the parts of a divided file are.
    """

    def __init__(self, root: Payload | None, parts: PartStore) -> None:
        self._root = root
        self._parts = parts
        header, self._own = split(root or {})
        entries = header.get("participants", {}).get("entries", {})
        self.division = division_of(root) if root is not None and DIVIDED in entries else None
        entries.pop(DIVIDED, None)
        self._header = header

    @property
    def version(self) -> int | None:
        """Its version, None if there is none yet."""
        return None if self._root is None else int(self._root["version"])

    @property
    def root(self) -> Payload | None:
        """The signed payload."""
        return self._root

    @property
    def header(self) -> Payload:
        """Everything but the records, and but how they are divided."""
        return self._header

    async def record(self, did: str) -> ParticipantRecord | None:
        """Return the record of one participant, None if there is none."""
        return (await self.records_of([did])).get(did)

    async def records_of(self, dids: Iterable[str]) -> dict[str, ParticipantRecord]:
        """Return the records of these participants, as far as there are any; each part is read once."""
        wanted = dict.fromkeys(dids)
        known = {did: self._own[did] for did in wanted if did in self._own}
        if self.division is None:
            return known
        parts = self.division.parts_for(did for did in wanted if did not in known)
        for digest in dict.fromkeys(part.digest for part in parts):
            body = await self._parts.read(digest)
            records = await asyncio.to_thread(_records_in, body)
            known |= {key: record for record in records if (key := record_key(record)) in wanted}
        return known

    async def records(self) -> dict[str, ParticipantRecord]:
        """Return all records by DID."""
        return split(await self.payload() or {})[1]

    async def payload(self) -> Payload | None:
        """Return the whole file as JSON with all parts gathered, None before the first version."""
        if self.division is None or self._root is None:
            return self._root
        bodies = await self._parts.read_all(part.digest for part in self.division.parts)
        return await asyncio.to_thread(gather, self._root, bodies.__getitem__)

    async def with_changes(self, changes: Sequence[Change], frame: Frame, *, divide_above_bytes: int) -> LaidOut:
        """Return the file that these changes make of it, laid out and looked at."""
        if self.division is None:
            payload = whole(self._header, self._own, changes, frame)
            return await asyncio.to_thread(lay_out, payload, divide_above_bytes)
        count, right = len(self.division.parts), suggest_parts(sum(part.size for part in self.division.parts))
        if right >= count * _MANY_TIMES or count >= right * _MANY_TIMES:
            payload = whole(self._header, await self.records(), changes, frame)
            return await asyncio.to_thread(lay_out, payload, divide_above_bytes)
        wanted = {change.key: change.value for change in changes if change.kind is PartKind.RECORD}
        needed = await self._parts.read_all(self._to_look_at(changes, wanted))
        laid_out = await asyncio.to_thread(self._redivided, changes, frame, wanted, needed)
        twice = await self._stated_elsewhere(changes, needed)
        return replace(laid_out, findings=(*twice, *laid_out.findings))

    async def _stated_elsewhere(self, changes: Sequence[Change], needed: Mapping[str, bytes]) -> tuple[Finding, ...]:
        """Return an error for each id that is new in these changes and stands in a part that is not looked at."""
        assert self.division is not None  # noqa: S101 (only a divided file comes here)
        before = await self.records_of(change.key for change in changes if change.kind is PartKind.RECORD)
        wanted = set(_ids([change.value for change in changes if change.kind is PartKind.RECORD and change.value]))
        wanted -= set(_ids(before.values()))
        findings: list[Finding] = []
        for part in self.division.parts:
            if wanted and part.digest not in needed:
                body = await self._parts.read(part.digest)
                findings += [_twice(*place) for place in await asyncio.to_thread(_stated_in, body, wanted)]
        return tuple(findings)

    def _to_look_at(self, changes: Sequence[Change], dids: Iterable[str]) -> Iterable[str]:
        """Return the digests of the parts that these changes could make wrong, and of one at least."""
        assert self.division is not None  # noqa: S101 (only a divided file comes here)
        filled = [part.digest for part in self.division.parts if part.size > len(b"[]")]
        if any(change.kind is PartKind.HEADER and change.key not in _ALONE for change in changes):
            return {*filled, *(part.digest for part in self.division.parts_for(dids))}
        return {*filled[:1], *(part.digest for part in self.division.parts_for(dids))}

    def _redivided(
        self, changes: Sequence[Change], frame: Frame, wanted: dict[str, Any], needed: Mapping[str, bytes]
    ) -> LaidOut:
        assert self._root is not None  # noqa: S101 (only a divided file comes here)
        header = framed(apply_header(self._header, changes), frame)
        root = join(header, self._own)
        root["participants"]["entries"][DIVIDED] = self._root["participants"]["entries"][DIVIDED]
        new_root, parts = redivide(root, wanted, needed.__getitem__)
        near = {record_key(record): record for body in needed.values() for record in _records_in(body)}
        looked_at = apply_records(self._own | near, changes)
        return LaidOut(canonical(new_root), parts, _look(header, looked_at, str(frame.author)))


def lay_out(payload: Payload, divide_above_bytes: int) -> LaidOut:
    """Return a whole file, laid out and looked at: in one piece, or divided where it is larger than that."""
    body = canonical(payload)
    parsed = None
    if len(body) <= MAX_FILE_BYTES:
        report = validate_file(body)
        findings, parsed = report.findings, ParsedFile.of(body, report)
    else:
        findings = _look(*split(payload), str(payload.get("author")))
    if len(body) <= min(divide_above_bytes, MAX_FILE_BYTES):
        return LaidOut(body, {}, findings, parsed)
    root, parts = divide(payload)
    return LaidOut(canonical(root), parts, findings)


def _look(header: Payload, records: Mapping[str, ParticipantRecord], author: str) -> tuple[Finding, ...]:
    """Return the findings about records that may be too many to be read at once: lot by lot, and ids across all."""
    own = {did: record for did, record in records.items() if did == author}
    listed = sorted(records.items())
    findings: dict[Finding, None] = {}
    for first in range(0, max(len(listed), 1), _LOT):
        lot = dict(listed[first : first + _LOT])
        findings |= dict.fromkeys(validate_file(canonical(join(header, own | lot))).findings)
    counted = Counter(_ids(records.values()))
    findings |= {_twice(*place): None for place, times in counted.items() if times > 1}
    return tuple(findings)


def _ids(records: Iterable[ParticipantRecord]) -> Iterator[tuple[str, str]]:
    """Yield each id that must stand once in a file, after the member that it stands in."""
    for record in records:
        listing = record.get("listing")
        listed = listing.get("accredited_for", ()) if isinstance(listing, dict) else ()  # each becomes an accreditation
        for member in LISTS:
            for entry in (*record.get(member, ()), *(listed if member == "accreditations" else ())):
                if isinstance(entry, dict) and isinstance(entry.get("id"), str):
                    yield member, entry["id"]


def _stated_in(part: bytes, wanted: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return which of these ids a part states; a part is canonical JSON, so most are seen not to without parsing."""
    if len(wanted) <= _FEW and not any(f'"id":"{name}"'.encode() in part for _, name in wanted):
        return []
    return sorted(wanted & set(_ids(_records_in(part))))


def _twice(member: str, name: str) -> Finding:
    message = f"expected each id once, found {name!r} in {member} of another participant too"
    return error("/participants/entries", "id-once", message, "give each an id of its own")


def _records_in(part: bytes) -> list[ParticipantRecord]:
    records: list[ParticipantRecord] = json.loads(part)
    return records


def read_root(payload: bytes) -> Payload:
    """Return the JSON that we signed."""
    root: Payload = json.loads(payload)
    return root
