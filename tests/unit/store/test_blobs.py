import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count

import pytest
from tests.postgresql import ENGINES
from tests.unit.power import Power, marks_end, power
from tests.unit.store.opening import Processes

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.store.blobs import DISCARDING, PIECE_BYTES, Blob, Blobs
from wanderbuch.store.errors import BlobsFullError, BlobTooLargeError, NotFoundError, StoreError
from wanderbuch.store.record import utc_now
from wanderbuch.store.records import RecordStore

__all__ = ["power"]

ROOM = 4 * PIECE_BYTES
LATER = timedelta(days=1)


@pytest.fixture(params=ENGINES)
async def profile(request: pytest.FixtureRequest, agent_config: AgentConfig) -> AsyncIterator[WalletProfile]:
    database = None if request.param == "sqlite" else request.getfixturevalue("database_with_store")
    processes = Processes(agent_config, database)
    yield await processes.another()
    await processes.end()


@pytest.fixture
def blobs(profile: WalletProfile) -> Blobs:
    return Blobs(profile, max_bytes=ROOM)


async def parts(body: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def read(blobs: Blobs, blob_id: str) -> bytes:
    return b"".join([piece async for piece in blobs.read(blob_id)])


async def nothing_goes_on() -> None:
    """Wait for what a process whose power was cut would not do any more, but which goes on in that of the test."""
    for task in asyncio.all_tasks():
        if task.get_name().startswith(DISCARDING):
            await asyncio.wait({task})


async def pieces(profile: WalletProfile) -> int:
    async with profile.session() as session:
        count: int = await session.handle.count("wanderbuch.blob-piece")
        return count


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
async def test_what_was_written_is_read_again(blobs: Blobs, size: int) -> None:
    body = secrets.token_bytes(size)
    blob = await blobs.write(parts(body), max_bytes=ROOM)
    assert (blob.size, await blobs.used()) == (size, size)
    assert await blobs.get(blob.id) == blob
    assert await read(blobs, blob.id) == body
    assert await blobs.remove(blob.id)
    assert not await blobs.remove(blob.id)
    assert await blobs.used() == 0
    with pytest.raises(NotFoundError):
        await read(blobs, blob.id)


async def test_refuses_more_than_there_is_room_for_and_says_so_before_it_writes(
    blobs: Blobs, profile: WalletProfile
) -> None:
    kept = await blobs.write(parts(bytes(ROOM - 10)), max_bytes=ROOM)
    before = await pieces(profile)
    with pytest.raises(BlobsFullError, match="room for 11 bytes, found 10 of"):
        await blobs.write(parts(bytes(11)), max_bytes=11)
    assert await pieces(profile) == before
    await blobs.write(parts(bytes(10)), max_bytes=10)
    await blobs.remove(kept.id)
    await blobs.write(parts(bytes(11)), max_bytes=11)


async def test_what_is_larger_than_was_said_is_gone(blobs: Blobs, profile: WalletProfile) -> None:
    with pytest.raises(BlobTooLargeError):
        await blobs.write(parts(bytes(2 * PIECE_BYTES + 1)), max_bytes=2 * PIECE_BYTES)
    assert (await pieces(profile), await blobs.used()) == (0, 0)
    await blobs.write(parts(bytes(2 * PIECE_BYTES)), max_bytes=2 * PIECE_BYTES)


async def test_what_its_sender_gave_up_is_gone(blobs: Blobs, profile: WalletProfile) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(PIECE_BYTES)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await blobs.write(broken(), max_bytes=ROOM)
    assert (await pieces(profile), await blobs.used()) == (0, 0)


async def test_piece_that_was_lost_or_replaced_is_noticed(blobs: Blobs, profile: WalletProfile) -> None:
    blob = await blobs.write(parts(bytes(2 * PIECE_BYTES)), max_bytes=ROOM)
    async with profile.session() as session:
        await session.handle.replace("wanderbuch.blob-piece", f"{blob.id}.0", b"1" * PIECE_BYTES)
    with pytest.raises(StoreError, match="piece 1"):
        await read(blobs, blob.id)
    async with profile.session() as session:
        await session.handle.remove("wanderbuch.blob-piece", f"{blob.id}.0")
    with pytest.raises(StoreError, match="piece 0"):
        await read(blobs, blob.id)


async def sweep_later(blobs: Blobs, profile: WalletProfile) -> None:
    """Sweep when by every clock nobody can be writing any more."""
    await marks_end(profile)
    await blobs.sweep(utc_now() + LATER)


async def test_nothing_half_written_is_seen_or_stays_wherever_the_power_fails(
    blobs: Blobs, profile: WalletProfile, power: Power
) -> None:
    body = secrets.token_bytes(PIECE_BYTES + 1)
    store = RecordStore(profile, Blob)
    seen: set[str] = set()
    steps = 0
    for steps in count():
        cut = await power.lasts(steps, lambda: blobs.write(parts(body), max_bytes=2 * PIECE_BYTES))
        await nothing_goes_on()
        kept = [blob.id async for blob in store.every(state="KEPT") if blob.id not in seen]
        for blob_id in kept:
            assert await read(blobs, blob_id) == body
        await sweep_later(blobs, profile)
        assert await blobs.used() == len(kept) * len(body)
        assert await pieces(profile) == len(kept) * 2
        for blob_id in kept:
            await blobs.remove(blob_id)
        seen |= set(kept)
        if not cut:
            assert len(kept) == 1
            break
    assert steps >= 6


async def test_nothing_half_removed_is_seen_or_stays_wherever_the_power_fails(
    blobs: Blobs, profile: WalletProfile, power: Power
) -> None:
    body = secrets.token_bytes(PIECE_BYTES + 1)
    steps = 0
    for steps in count():
        blob = await blobs.write(parts(body), max_bytes=2 * PIECE_BYTES)
        cut = await power.lasts(steps, lambda blob=blob: blobs.remove(blob.id))  # type: ignore[misc]
        try:
            assert await read(blobs, blob.id) == body
        except NotFoundError:
            await sweep_later(blobs, profile)
            assert (await pieces(profile), await blobs.used()) == (0, 0)
        else:
            await blobs.remove(blob.id)
        if not cut:
            break
    assert steps >= 4


async def test_what_is_being_written_is_left_alone(blobs: Blobs) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield bytes(PIECE_BYTES)
        await blobs.sweep(utc_now())
        yield b"end"

    blob = await blobs.write(slow(), max_bytes=ROOM)
    assert len(await read(blobs, blob.id)) == PIECE_BYTES + 3
