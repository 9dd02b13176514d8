"""Signing, as a party, what another authority is about to publish (ADR 15): looked at here, signed with our key.

What is brought is what that authority's round gives out: the very bytes that all parties sign. They are signed only if

1. they are a governance file without mistakes, by another author, and of a divided file every part lies at its address
   and is the one that is named;
2. what that author has in force could be fetched now from where the file says that it lies, is signed by that author
   and as its own parties ask for, and is fresh; or this is the first version, and nothing lies there;
3. they are a later version of the same file, and it, or the version in force, names us as a party;
4. neither they nor what is in force are older than what we know of this file (`party_memory`);
5. an approver has looked at what changes, against the version that is in force still, and into each doubt that there
   is, and did not bring it themselves where four eyes are asked for.

The signature is given out as a file: it speaks for itself, so anybody may carry it. Who brought and who signed what is
kept here, the latter for good. Nothing is published by this, and none of our own history tells of it: the other
authority's file does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.authority.party_memory import Doubt, PartyMemory, SignedAsParty, doubts_of, known_addresses
from wanderbuch.agents.authority.serving import SigningKey
from wanderbuch.agents.runtime.problems import ForbiddenError, RefusedError
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.comparing.differences import Difference, differences
from wanderbuch.governance.divided.bulk import load_unverified
from wanderbuch.governance.divided.division import checked_part, part_name
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.statements import Part
from wanderbuch.governance.form.validation import MAX_DEPTH, MAX_FILE_BYTES, parse_file
from wanderbuch.governance.signed.freshness import MAX_FRESHNESS_BYTES, snapshot_of, verify_freshness
from wanderbuch.governance.signed.jws import KeyResolver
from wanderbuch.governance.signed.signing import (
    MAX_JWS_BYTES,
    SignedGovernanceFile,
    digest_of,
    sign_as_party,
    verify_file,
)
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import NotFoundError
from wanderbuch.plugins.trust.following.parts import MAX_PARTS_BYTES, FileParts
from wanderbuch.store.records import Record, RecordStore, new_id
from wanderbuch.store.writing import writing
from wanderbuch.strict_json import read_strict_json

MOST_KEPT: Final = 20
_CURRENT: Final = "/current.jws"
_TIMEOUT_S: Final = 20.0
_MOST_NEW_PARTS: Final = 2000
_AT_ONCE: Final = 4
_LOOK_S: Final = 60.0
_ADDRESS_CHANGED: Final = "file.uri-changed"


class PartyFile(Record):
    """What was brought to be signed; it is not changed. The bytes are a `PartyBody` with the same id.

    Args:
        name: of the file, as the browser told it.
        digest: of the bytes.
        brought_by, signed_by: ids of officials.
        jws: our signature; "": nobody has signed.
    """

    category: ClassVar[str] = "wanderbuch.authority-party-file"

    name: str
    digest: str
    brought_by: str
    signed_by: str = ""
    signed_at: datetime | None = None
    jws: str = ""


class PartyBody(Record):
    """The very bytes that were brought, as text: apart, as a list of the files needs none of them."""

    category: ClassVar[str] = "wanderbuch.authority-party-body"
    is_listed: ClassVar[bool] = False

    payload: str


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What would be signed.

    Args:
        file: as it was brought, with its parts.
        before: what is in force; None: nothing is yet.
        changes: in words; another address first.
        address: where the file says that it lies: what is in force was fetched from there.
        known: where it lies as far as we know.
        doubts: what an approver has to look into.
    """

    file: GovernanceFile
    before: SignedGovernanceFile | None
    changes: tuple[Difference, ...]
    address: str
    known: tuple[str, ...]
    doubts: tuple[Doubt, ...]

    @property
    def compared(self) -> str:
        """Name what is in force."""
        return "" if self.before is None else self.before.digest


class PartySigning:
    """What other authorities ask one authority to sign.

    Args:
        profile: whose.
        edge: the way out.
        key: signs.
        resolve_key: gives the keys of other DIDs.
        own_file: gives our own file as it is published; None: nothing is.
        four_eyes: whether somebody else than who brought it signs.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        profile: Profile,
        edge: HttpEdge,
        key: SigningKey,
        resolve_key: KeyResolver,
        *,
        own_file: Callable[[], Awaitable[GovernanceFile | None]],
        four_eyes: bool,
        clock: Callable[[], datetime],
    ) -> None:
        self._profile = profile
        self._files = RecordStore(profile, PartyFile)
        self._bodies = RecordStore(profile, PartyBody)
        self._signed = RecordStore(profile, SignedAsParty)
        self._memories = RecordStore(profile, PartyMemory)
        self._own_file = own_file
        self._looking = asyncio.Lock()
        self._edge = edge
        self._key = key
        self._resolve_key = resolve_key
        self._four_eyes = four_eyes
        self._clock = clock

    async def all(self) -> list[PartyFile]:
        """Return what is kept, the newest first."""
        return [kept async for kept in self._files.every()][::-1]

    async def signed(self, *, limit: int) -> Sequence[SignedAsParty]:
        """Return what was signed last, the newest first, whether or not the file is here still."""
        return (await self._signed.page(limit=limit)).items

    async def get(self, file_id: str) -> PartyFile:
        """Return what was brought; NotFoundError: there is none."""
        return await self._files.get(file_id)

    async def bring(self, official: Official, name: str, content: bytes) -> PartyFile:
        """Keep what is to be signed, if it is a governance file of somebody else.

        Where there are many the oldest goes that nobody has signed: what was signed is not brought out of sight by what
        is brought after it, as long as anything else can go.

        Raises:
            ForbiddenError: they neither edit nor approve.
            GovernanceFileError: it is no governance file, or has mistakes.
            RefusedError: it is our own, is too large, or does not say where it lies.
        """
        if not (official.may(OfficialRole.EDITOR) or official.may(OfficialRole.APPROVER)):
            raise ForbiddenError("expected an official who edits or approves")
        if len(content) > MAX_FILE_BYTES:
            raise RefusedError(f"expected a file of at most {MAX_FILE_BYTES} bytes, found more")
        file = await asyncio.to_thread(parse_file, content)  # 1
        if file.author == (await self._key.kid()).did:
            raise RefusedError("this is a version of our own file", hint="it is signed where its draft is")
        _address(content)
        kept = PartyFile(
            id=new_id(),
            created_at=self._clock(),
            name=" ".join(name.split())[:200] or "to-sign.json",
            digest=digest_of(content),
            brought_by=official.id,
        )
        newest_first = sorted(await self.all(), key=lambda one: not one.jws)  # the signed ones before them
        for old in newest_first[MOST_KEPT - 1 :]:
            await self._remove(old.id)
        async with writing(self._profile, new=[kept]) as records:
            await records.insert(PartyBody(id=kept.id, created_at=kept.created_at, payload=content.decode()))
            await records.insert(kept)
        return kept

    async def body_of(self, kept: PartyFile) -> bytes:
        """Return the very bytes that were brought; NotFoundError: they were removed."""
        return (await self._bodies.get(kept.id)).payload.encode()

    async def look(self, kept: PartyFile) -> LookedAt:
        """Return what would be signed, after the checks 1 to 4.

        Raises:
            RefusedError: it is not later than what is in force, of another file, or does not name us; or it, or what is
                in force, is older than what we know. Or somebody else looks just now: one look may hold much.
            ResolutionError: what is in force, or a part, could not be had or checked, or not in time.
            GovernanceError: it is not signed as it must be, or a part is not the one that is named.
        """
        if self._looking.locked():
            raise RefusedError("another file is looked at just now", hint="try again in a minute")
        async with self._looking:
            try:
                async with asyncio.timeout(_LOOK_S):
                    return await self._look(kept)
            except TimeoutError as err:
                raise ResolutionError(
                    f"what is in force and what is new could not be had within {_LOOK_S:g} seconds",
                    hint="try again later, or tell that authority that its site is slow",
                ) from err

    async def _look(self, kept: PartyFile) -> LookedAt:
        body = await self.body_of(kept)
        address = _address(body)
        root = await asyncio.to_thread(parse_file, body)
        parts = FileParts(self._edge, None)
        before = await self._in_force(root, address, parts)  # 2
        if before is not None and (before.file.id != root.id or before.file.version >= root.version):
            raise RefusedError(
                f"expected a later version than {before.file.version}, which is in force, found {root.version}",
                hint="ask that authority for what is to be signed now",
            )
        if await self._own_did() not in _parties(root, before):  # 3
            raise RefusedError("neither this version nor the one in force names us as a party")
        memory, own = await self._memories.get_or_none(PartyMemory.id_of(root)), await self._own_file()
        doubts = doubts_of(memory, root, kept.digest, address, before, own)  # 4
        file = await self._whole(root, address, parts)
        old = None if before is None else before.file
        changes = sorted(await asyncio.to_thread(differences, old, file), key=lambda one: one.code != _ADDRESS_CHANGED)
        return LookedAt(file, before, tuple(changes), address, known_addresses(memory, root.author, own), doubts)

    async def sign(
        self, file_id: str, official: Official, *, compared: str, looked_into: Collection[Doubt] = ()
    ) -> PartyFile:
        """Sign what was brought; again changes nothing.

        Args:
            file_id: of what was brought.
            official: who has looked at it.
            compared: names what was in force as they looked (`LookedAt.compared`).
            looked_into: the doubts that they say they looked into.

        Raises:
            ForbiddenError: they do not approve, or brought it themselves where four eyes are asked for.
            RefusedError: what is in force has changed since, or there is a doubt that they did not look into; or as
                with `look`, as all other errors.
        """
        official.must(OfficialRole.APPROVER)
        kept = await self.get(file_id)
        if self._four_eyes and kept.brought_by == official.id:
            raise ForbiddenError("expected another official than the one who brought it")
        if kept.jws:
            return kept
        looked_at = await self.look(kept)
        if looked_at.compared != compared:  # 5
            raise RefusedError("what is in force has changed since you looked", hint="look at the changes again")
        _must_be_looked_into(looked_at.doubts, looked_into)
        old, at = None if looked_at.before is None else looked_at.before.file, self._clock()
        jws = await sign_as_party(await self.body_of(kept), await self._key.kid(), self._key.sign, previous=old)
        entry = SignedAsParty(
            id=new_id(),
            created_at=at,
            author=looked_at.file.author,
            file_id=looked_at.file.id,
            name=looked_at.file.name,
            version=looked_at.file.version,
            digest=kept.digest,
            address=looked_at.address,
            signed_by=official.id,
        )
        return await self._keep(kept, looked_at, jws, entry, looked_into)

    async def _keep(
        self, kept: PartyFile, looked_at: LookedAt, jws: bytes, entry: SignedAsParty, looked_into: Collection[Doubt]
    ) -> PartyFile:
        """Keep a signature, if it is right still beside what was signed meanwhile: else it never leaves this house."""
        own, memory_id = await self._own_file(), PartyMemory.id_of(looked_at.file)
        signed = {"jws": jws.decode("ascii"), "signed_by": entry.signed_by, "signed_at": entry.created_at}
        async with writing(self._profile, new=[entry], changed=[(kept, kept.model_copy(update=signed))]) as records:
            now = await records.get(PartyFile, kept.id)
            if now.jws:
                return now
            memory = await records.get_or_none(PartyMemory, memory_id)
            doubts = doubts_of(memory, looked_at.file, entry.digest, looked_at.address, looked_at.before, own)
            _must_be_looked_into(doubts, looked_into)
            new = PartyMemory.after(
                memory, looked_at.file, entry.digest, looked_at.address, looked_at.before, entry.created_at
            )
            await (records.insert(new) if memory is None else records.replace(new))
            await records.insert(entry)
            now = now.model_copy(update=signed)
            await records.replace(now)
        return now

    async def remove(self, file_id: str, official: Official) -> None:
        """Remove what was brought; who edits or approves may. That it was signed stays."""
        if not (official.may(OfficialRole.EDITOR) or official.may(OfficialRole.APPROVER)):
            raise ForbiddenError("expected an official who edits or approves")
        await self._remove((await self.get(file_id)).id)

    async def _remove(self, file_id: str) -> None:
        await self._bodies.remove(file_id)
        await self._files.remove(file_id)

    async def _own_did(self) -> Did:
        return (await self._key.kid()).did

    async def _in_force(self, root: GovernanceFile, address: str, parts: FileParts) -> SignedGovernanceFile | None:
        """Return what the author has in force, checked and whole; None: this is the first version."""
        try:
            received = await self._edge.get(address, max_bytes=MAX_JWS_BYTES, timeout_s=_TIMEOUT_S)
        except NotFoundError:
            if root.version == 1:
                return None
            raise
        signed = await verify_file(received.body, author=root.author, resolve_key=self._resolve_key)
        at = _beside(address, "freshness.jws")
        statement = await self._edge.get(at, max_bytes=MAX_FRESHNESS_BYTES, timeout_s=_TIMEOUT_S)
        vouched = await verify_freshness(
            statement.body, author=root.author, resolve_key=self._resolve_key, at=self._clock()
        )
        if not snapshot_of(signed, vouched).is_fresh(self._clock()):
            raise ResolutionError(
                "what that authority has in force could not be had: what lies there is not fresh",
                hint="try again; an older version may be held up to you",
            )
        return await parts.complete(signed, lambda name: _beside(address, name), timeout_s=_TIMEOUT_S)

    async def _whole(self, root: GovernanceFile, address: str, parts: FileParts) -> GovernanceFile:
        """Return what was brought with its parts: those that are in force already, and the new ones from its host."""
        if root.division is None:
            return root
        if (size := sum(part.size for part in root.division.parts)) > MAX_PARTS_BYTES:
            raise RefusedError(f"expected parts of at most {MAX_PARTS_BYTES} bytes together, found {size}")
        bodies: dict[str, bytes] = {}
        new: list[Part] = []
        for part in {part.digest: part for part in root.division.parts}.values():
            try:
                bodies[part.digest] = await parts.read(part)
            except ResolutionError:
                new.append(part)
        if len(new) > _MOST_NEW_PARTS:
            raise RefusedError(f"expected at most {_MOST_NEW_PARTS} parts that are new, found {len(new)}")
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(part: Part) -> None:
            async with limit:
                at = _beside(address, part_name(part.digest))
                try:
                    received = await self._edge.get(at, max_bytes=part.size, timeout_s=_TIMEOUT_S)
                except NotFoundError as err:
                    raise RefusedError(
                        f"a part that is new in this version is not public yet: nothing lies at {at}",
                        hint="ask that authority to update its agent, which then puts it there; look again after that",
                    ) from err
            bodies[part.digest] = checked_part(part, received.body)

        try:
            async with asyncio.TaskGroup() as group:
                for part in new:
                    group.create_task(one(part))
        except ExceptionGroup as err:  # the others were cancelled
            raise err.exceptions[0] from err
        return await asyncio.to_thread(load_unverified, root, bodies.__getitem__)


def _address(payload: bytes) -> str:
    """Return where the file says that its current version lies.

    Raises:
        RefusedError: it does not say so, or not as an https address.
    """
    root = read_strict_json(payload, max_bytes=MAX_FILE_BYTES, max_depth=MAX_DEPTH)
    address = root.get("uri") if isinstance(root, dict) else None
    if not isinstance(address, str) or not address.startswith("https://") or not address.endswith(_CURRENT):
        raise RefusedError(f"expected a file that says where it lies, https://…{_CURRENT}")
    return address


def _must_be_looked_into(doubts: Collection[Doubt], looked_into: Collection[Doubt]) -> None:
    if left := [doubt for doubt in doubts if doubt not in looked_into]:
        raise RefusedError(
            f"expected that you look into every warning before you sign, found {len(left)} left",
            hint="read the warnings, and tick each that you have looked into",
        )


def _beside(address: str, path: str) -> str:
    return f"{address.removesuffix(_CURRENT)}/{path}"


def _parties(root: GovernanceFile, before: SignedGovernanceFile | None) -> Sequence[Did]:
    rules = (root.signatories, None if before is None else before.file.signatories)
    return [party.did for rule in rules if rule is not None for party in rule.parties]
