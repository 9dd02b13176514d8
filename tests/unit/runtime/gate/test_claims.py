"""Of several processes one has each kept envelope; what a dead one had another takes up; the room is one for all."""

import asyncio

import pytest
from acapy_agent.core.profile import Profile
from tests.processes import Process, Processes

from wanderbuch.agents.runtime.gate import kept
from wanderbuch.agents.runtime.gate.admission import BusyError
from wanderbuch.agents.runtime.gate.claims import FREED, EnvelopeClaims
from wanderbuch.agents.runtime.gate.kept import KeptEnvelope, KeptEnvelopes
from wanderbuch.agents.runtime.gate.room import Share
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.errors import LeaseLostError
from wanderbuch.store.records import new_id

pytestmark = pytest.mark.needs("postgresql")

TENANTS = ("default",)
BODY = b"an envelope"


def envelopes_of(process: Process) -> KeptEnvelopes:
    async def profile_of(_: str) -> Profile:
        return process.profile

    return KeptEnvelopes(profile_of, EnvelopeClaims(process.engine))


@pytest.fixture
def first(processes: Processes) -> KeptEnvelopes:
    return envelopes_of(processes.first)


@pytest.fixture
def second(processes: Processes) -> KeptEnvelopes:
    return envelopes_of(processes.second)


async def keep(envelopes: KeptEnvelopes, number: int = 1) -> list[str]:
    ids = [new_id() for _ in range(number)]
    for envelope_id in ids:
        await envelopes.keep("default", envelope_id, BODY)
    return ids


async def let_time_pass(processes: Processes, envelopes: KeptEnvelopes) -> None:
    """Let the time of a process's claims be over, by the database's clock and by its own."""
    await processes.first.engine.run("UPDATE envelope SET until = store_now() - 1")
    for claim in envelopes._claimed.values():
        claim.ends_at = 0.0


async def rows(processes: Processes) -> int:
    return int((await processes.first.engine.run("SELECT count(*) FROM envelope"))[0][0])


async def test_what_one_process_handles_no_other_takes(first: KeptEnvelopes, second: KeptEnvelopes) -> None:
    (kept_id,) = await keep(first)
    await second.take_over(TENANTS)
    assert second.ids == ()
    await first.forget(kept_id)
    assert await first.get(kept_id) is None


async def test_nothing_is_left_of_what_was_handled(processes: Processes, first: KeptEnvelopes) -> None:
    for kept_id in await keep(first, 3):
        await first.forget(kept_id)
    assert (await rows(processes), first.ids) == (0, ())
    async with processes.first.profile.session() as session:
        assert await session.handle.count(KeptEnvelope.category) == 0


async def test_what_a_dead_process_had_is_taken_by_one_other_when_its_time_is_over(
    processes: Processes, first: KeptEnvelopes, second: KeptEnvelopes
) -> None:
    third = envelopes_of(processes.first)
    ids = await keep(first, 20)
    await second.take_over(TENANTS)
    assert second.ids == ()
    await let_time_pass(processes, first)
    await asyncio.gather(second.take_over(TENANTS), third.take_over(TENANTS))
    assert sorted((*second.ids, *third.ids)) == sorted(ids)
    kept_envelopes = second if second.ids else third
    begun = await kept_envelopes.begin(kept_envelopes.ids[0])
    assert begun is not None
    assert (begun.envelope.encode(), begun.attempts) == (BODY, 1)


async def test_who_renews_keeps_what_is_theirs(
    processes: Processes, first: KeptEnvelopes, second: KeptEnvelopes
) -> None:
    (kept_id,) = await keep(first)
    await processes.first.engine.run("UPDATE envelope SET until = store_now() + 10")
    first._claimed[kept_id].ends_at = 0.0
    await first.renew()
    ((left,),) = await processes.first.engine.run("SELECT until - store_now() FROM envelope")
    assert left > 20
    assert not first.is_lost(kept_id)
    await second.take_over(TENANTS)
    assert second.ids == ()


async def test_a_process_that_slept_writes_and_removes_nothing_that_another_has_by_now(
    processes: Processes, first: KeptEnvelopes, second: KeptEnvelopes
) -> None:
    (kept_id,) = await keep(first)
    with first.handling(kept_id):
        await let_time_pass(processes, first)
        await second.take_over(TENANTS)
        async with processes.first.profile.session() as session:
            with pytest.raises(LeaseLostError):
                await session.handle.insert("kind", "late", "{}")
    await first.renew()
    assert first.is_lost(kept_id)
    await first.forget(kept_id)  # its handler has ended, late
    assert first.ids == ()
    assert await second.get(kept_id) is not None
    assert not second.is_lost(kept_id)
    await second.forget(kept_id)
    assert await rows(processes) == 0


async def test_what_a_process_leaves_when_it_ends_is_told_and_taken_at_once(
    processes: Processes, first: KeptEnvelopes, second: KeptEnvelopes
) -> None:
    told = asyncio.Event()
    processes.second.engine.hear(FREED, lambda text: told.set() if text else None)
    ids = await keep(first, 2)
    await first.free_all()
    async with asyncio.timeout(60):
        await told.wait()
    await second.take_over(TENANTS)
    assert list(second.ids) == ids  # the oldest first


async def test_the_room_of_a_tenant_is_one_for_all_processes(
    first: KeptEnvelopes, second: KeptEnvelopes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_KEPT_BYTES", 2 * kept.padded_bytes(len(BODY)))
    (kept_id,) = await keep(first)
    await keep(second)
    for envelopes in (first, second):
        with pytest.raises(BusyError):
            await keep(envelopes)
    await second.keep("another", new_id(), BODY)  # whose room is its own
    await first.forget(kept_id)
    await keep(second)
    monkeypatch.setattr(kept, "MAX_KEPT_BYTES", 1_000_000)
    monkeypatch.setattr(kept, "MAX_KEPT", 2)
    with pytest.raises(BusyError):
        await keep(first)


async def test_a_tenant_may_take_its_share_of_the_room(
    first: KeptEnvelopes, second: KeptEnvelopes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_KEPT_BYTES", 4 * kept.padded_bytes(len(BODY)))
    for envelopes in (first, second):
        envelopes._share = lambda: Share(0.5)
    await keep(first)
    await keep(second)
    with pytest.raises(BusyError):
        await keep(first)
    await second.keep("another", new_id(), BODY)
    for envelopes in (first, second):
        envelopes._share = Share
    await keep(first)


async def test_what_was_kept_without_a_row_is_found_at_the_next_start(
    processes: Processes, first: KeptEnvelopes, second: KeptEnvelopes
) -> None:
    """As after a move from a store of one process; and a row without an envelope, as after a crash, goes."""
    left = KeptEnvelope(envelope=BODY.decode())
    async with processes.first.profile.session() as session:
        await session.handle.insert(KeptEnvelope.category, left.id, left.model_dump_json())
    await processes.first.engine.run(
        "INSERT INTO envelope (id, tenant, size, owner, until, at) VALUES (?, ?, 1, NULL, 0, 0)", "gone", "default"
    )
    await first.count("default")
    await second.count("default")
    await second.take_over(TENANTS)
    assert second.ids == ("gone", left.id)
    assert await second.get("gone") is None
    assert second.ids == (left.id,)
    assert await rows(processes) == 1


async def test_what_is_kept_tells_neither_its_length_nor_when_it_came(
    processes: Processes, first: KeptEnvelopes
) -> None:
    bodies = [b"{" + b" " * (length - 2) + b"}" for length in (5_000, 8_000)]
    for body in bodies:
        await first.keep("default", new_id(), body)
    rows = await processes.first.engine.run("SELECT size, at FROM envelope ORDER BY at")
    assert [row[0] for row in rows] == [8192, 8192]
    now = await processes.first.engine.clock()
    assert all(at % 3600 < 1 and now - at <= 3601 for _, at in rows)
    async with processes.first.profile.session() as session:
        entries = await fetch_entries(session, KeptEnvelope.category)
    assert len({len(entry.value) for entry in entries}) == 1
    assert sorted(KeptEnvelope.read(entry).envelope.encode() for entry in entries) == sorted(bodies)
