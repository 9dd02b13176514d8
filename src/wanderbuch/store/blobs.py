"""Encrypted blobs of a tenant (uploads, case files, backups): in pieces in Askar, with a bound on all of them together.

    blob = await blobs.write(body, max_bytes=8 * 1024 * 1024)      # body: an async iterator of bytes
    async for piece in blobs.read(blob.id): ...

1. Room is reserved, and the blob noted as being written, in one transaction.
2. The pieces are written, 256 KiB each.
3. The blob is noted as kept, with its size, and what was reserved too much is given back, in one transaction: only now
   can it be seen.

Removing goes the other way. `sweep` removes what a crash, or a caller who went away, left between the steps.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.store.errors import BlobsFullError, BlobTooLargeError, NotFoundError, StoreError
from wanderbuch.store.record import Record
from wanderbuch.store.records import RecordStore
from wanderbuch.store.writing import Writing, writing

PIECE_BYTES: Final = 256 * 1024
MAX_BYTES: Final = 1024 * 1024 * 1024
"""Of all blobs of a tenant together, unless it is told otherwise."""

WRITING_S: Final = 3600.0
_ABANDONED: Final = timedelta(seconds=2 * WRITING_S)
DISCARDING: Final = "blobs.discard"
"""What the tasks are called that go on where whoever wrote is cancelled."""

_PIECE: Final = "wanderbuch.blob-piece"
_ROOM: Final = "room"


class BlobState(Enum):
    """How far a blob has come."""

    WRITING = "WRITING"
    KEPT = "KEPT"
    REMOVING = "REMOVING"


class Blob(Record):
    """A blob without its bytes.

    Args:
        size: in bytes; while it is written, what is reserved for it.
        digest: SHA-256 of the bytes, hexadecimal; empty while it is written.
    """

    category: ClassVar[str] = "wanderbuch.blob"

    state: BlobState = BlobState.WRITING
    size: int
    digest: str = ""

    def index_state(self) -> str:
        """Return the state."""
        return self.state.value

    def due_at(self) -> datetime | None:
        """Return when nobody can be writing it any more, or at once where it is being removed."""
        return {
            BlobState.WRITING: self.created_at + _ABANDONED,
            BlobState.KEPT: None,
            BlobState.REMOVING: self.created_at,
        }[self.state]


class BlobRoom(Record):
    """How many bytes the blobs of a tenant take, those that are being written too."""

    category: ClassVar[str] = "wanderbuch.blob-room"

    used: int = 0


class Blobs:
    """The blobs of one profile.

    Args:
        profile: whose.
        max_bytes: of all of them together.
    """

    def __init__(self, profile: Profile, *, max_bytes: int = MAX_BYTES) -> None:
        self._profile = profile
        self._max_bytes = max_bytes
        self._blobs = RecordStore(profile, Blob)

    async def write(self, body: AsyncIterable[bytes], *, max_bytes: int) -> Blob:
        """Keep a blob and return what it became.

        Args:
            body: its bytes, in parts of any size.
            max_bytes: so much room is reserved until all has come.

        Raises:
            BlobsFullError: there is not so much room; nothing was kept.
            BlobTooLargeError: more than that came; nothing was kept.
        """
        blob = Blob(size=max_bytes)
        async with writing(self._profile, new=[blob]) as records:  # 1
            await self._use(records, max_bytes)
            await records.insert(blob)
        try:
            async with asyncio.timeout(WRITING_S):
                size, digest = await self._write_pieces(blob.id, body, max_bytes)  # 2
                return await self._keep(blob.id, size, digest)  # 3
        except BaseException:
            discarding = asyncio.create_task(self._discard(blob.id), name=f"{DISCARDING}.{blob.id}")
            with suppress(Exception):  # else the sweep does it
                await asyncio.shield(discarding)
            raise

    async def get(self, blob_id: str) -> Blob:
        """Return a blob without its bytes.

        Raises:
            NotFoundError: there is none.
        """
        blob = await self._blobs.get_or_none(blob_id)
        if blob is None or blob.state is not BlobState.KEPT:
            raise NotFoundError(f"there is no blob with the id {blob_id[:64]!r}")
        return blob

    async def read(self, blob_id: str) -> AsyncIterator[bytes]:
        """Yield the bytes of a blob, piece by piece.

        Raises:
            NotFoundError: there is none.
            StoreError: it was removed meanwhile, or the store has lost a piece.
        """
        blob, size, hashed = await self.get(blob_id), 0, hashlib.sha256()
        for number in range(_pieces(blob.size)):
            async with self._profile.session() as session:
                entry = await session.handle.fetch(_PIECE, _place(blob_id, number))
            piece = b"" if entry is None else bytes(entry.value)
            size += len(piece)
            hashed.update(piece)
            if entry is None or (size >= blob.size and (size, hashed.hexdigest()) != (blob.size, blob.digest)):
                raise StoreError(f"piece {number} of the blob {blob_id} is not there, or not what was written")
            yield piece

    async def remove(self, blob_id: str) -> bool:
        """Remove a blob and return whether it was there."""
        blob = await self._blobs.get_or_none(blob_id)
        if blob is None or blob.state is not BlobState.KEPT:
            return False
        await self._discard(blob_id)
        return True

    async def used(self) -> int:
        """Return how many bytes are taken or reserved."""
        async with self._profile.session() as session:
            entry = await session.handle.fetch(BlobRoom.category, _ROOM)
        return BlobRoom.read(entry).used if entry else 0

    async def sweep(self, now: datetime) -> None:
        """Remove what was left half written, or half removed."""
        async with self._blobs.claiming(now) as left:
            async for blob in left:
                await self._discard(blob.id)

    async def _write_pieces(self, blob_id: str, body: AsyncIterable[bytes], max_bytes: int) -> tuple[int, str]:
        """Write the pieces and return how many bytes came, and their digest."""
        buffered, size, number, hashed = bytearray(), 0, 0, hashlib.sha256()
        async for part in body:
            size += len(part)
            if size > max_bytes:
                raise BlobTooLargeError(f"expected at most {max_bytes} bytes, found more")
            hashed.update(part)
            buffered += part
            while len(buffered) >= PIECE_BYTES:
                await self._write_piece(blob_id, number, bytes(buffered[:PIECE_BYTES]))
                del buffered[:PIECE_BYTES]
                number += 1
        if buffered:
            await self._write_piece(blob_id, number, bytes(buffered))
        return size, hashed.hexdigest()

    async def _write_piece(self, blob_id: str, number: int, piece: bytes) -> None:
        async with self._profile.session() as session:
            await session.handle.insert(_PIECE, _place(blob_id, number), piece)

    async def _keep(self, blob_id: str, size: int, digest: str) -> Blob:
        async with writing(self._profile) as records:
            blob = await records.get(Blob, blob_id)
            if blob.state is not BlobState.WRITING:
                raise StoreError(f"the blob {blob_id} took too long to be written", hint="send it again")
            kept = blob.model_copy(update={"state": BlobState.KEPT, "size": size, "digest": digest})
            await self._use(records, size - blob.size)
            await records.replace(kept)
        return kept

    async def _discard(self, blob_id: str) -> None:
        """Make a blob invisible, then remove its pieces, then give its room back."""
        removing = {"state": BlobState.REMOVING}
        blob = await self._blobs.change(blob_id, lambda blob: blob.model_copy(update=removing))
        for number in range(_pieces(blob.size)):
            async with self._profile.session() as session:
                try:
                    await session.handle.remove(_PIECE, _place(blob_id, number))
                except AskarError as err:
                    if err.code != AskarErrorCode.NOT_FOUND:
                        raise
        async with writing(self._profile) as records:
            if (record := await records.get_or_none(Blob, blob_id)) is not None:
                await self._use(records, -record.size)
                await records.remove(Blob, blob_id)

    async def _use(self, records: Writing, size: int) -> None:
        """Take room, or give it back, in an open transaction.

        Raises:
            BlobsFullError: there is not so much.
        """
        blob_room = await records.get_or_none(BlobRoom, _ROOM)
        used = (blob_room.used if blob_room else 0) + size
        if size > 0 and used > self._max_bytes:
            raise BlobsFullError(
                f"expected room for {size} bytes, found {max(self._max_bytes - used + size, 0)} of {self._max_bytes}",
                hint="remove what is no longer needed, or ask the operator for more room",
            )
        if blob_room is None:
            await records.insert(BlobRoom(id=_ROOM, used=used))
        else:
            await records.replace(blob_room.model_copy(update={"used": used}))


def _pieces(size: int) -> int:
    return -(-size // PIECE_BYTES)


def _place(blob_id: str, number: int) -> str:
    return f"{blob_id}.{number}"
