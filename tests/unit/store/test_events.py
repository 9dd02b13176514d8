import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from wanderbuch.store.engine import Engine, Statement
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.event_kinds import KINDS, Event, EventKind, Field
from wanderbuch.store.events import TOPIC, EventLog, Extent


def issued(subject: str) -> Event:
    return Event(EventKind.CREDENTIAL_ISSUED, subject, {"credential_type": "vocational-qualification"})


@pytest.fixture
def log(engine: Engine) -> EventLog:
    return EventLog(engine)


async def test_numbers_begin_at_one_and_are_a_tenants_own(log: EventLog) -> None:
    assert await log.append_all("a", [issued("o1"), issued("o2")]) == [1, 2]
    assert await log.append("b", EventKind.CREDENTIAL_REVOKED, "o1") == 1
    assert [(event.number, event.kind, event.subject) for event in await log.read("a", 0, 10)] == [
        (1, "credential.issued", "o1"),
        (2, "credential.issued", "o2"),
    ]
    assert (await log.read("a", 0, 10))[0].body == {"credential_type": "vocational-qualification"}
    assert [event.number for event in await log.read("a", 1, 10)] == [2]
    assert [event.number for event in await log.read("a", 0, 1)] == [1]
    assert await log.extents(["a", "b", "c"]) == {"a": Extent(0, 2), "b": Extent(0, 1)}
    assert await log.extent("c") == Extent(0, 0)


async def test_reads_only_the_kinds_that_are_wanted(log: EventLog) -> None:
    await log.append_all("a", [issued("o1"), Event(EventKind.CREDENTIAL_REVOKED, "o1")])
    assert [event.kind for event in await log.read("a", 0, 10, kinds={"credential.revoked"})] == ["credential.revoked"]
    assert await log.read("a", 0, 10, kinds=()) == []


async def test_an_event_is_told_once_but_another_occasion_again(log: EventLog) -> None:
    first = await log.append("a", EventKind.TENANT_SUSPENDED, "b", occasion="1")
    assert await log.append("a", EventKind.TENANT_SUSPENDED, "b", occasion="1") == first
    assert await log.append("a", EventKind.TENANT_SUSPENDED, "b", occasion="2") == first + 1
    assert await log.append_all("a", [issued("o1"), issued("o1")]) == [3, None]
    assert (await log.extent("a")).last == 3  # nothing was counted for what was not told


async def test_what_fails_beside_an_event_takes_it_along(log: EventLog, engine: Engine) -> None:
    taken = Statement("INSERT INTO number (name, number) VALUES ('x', 1)")
    await log.append_all("a", [issued("o1")], taken)
    with pytest.raises(DuplicateError):
        await log.append_all("a", [issued("o2")], taken)
    assert [event.subject for event in await log.read("a", 0, 10)] == ["o1"]
    assert await log.append_all("a", [issued("o3")]) == [2]


async def test_a_reader_never_finds_a_smaller_number_later(engine: Engine) -> None:
    """Two writers race; whoever has read up to n has read everything up to n."""
    writers, seen, after = [EventLog(engine), EventLog(engine)], list[int](), 0

    async def write(log: EventLog, name: str) -> None:
        for count in range(40):
            await log.append_all("a", [issued(f"{name}-{count}-{part}") for part in range(1 + count % 3)])

    writing = asyncio.gather(*(write(log, str(index)) for index, log in enumerate(writers)))
    while not writing.done() or (await writers[0].extent("a")).last > after:
        events = await writers[0].read("a", after, 7)
        seen += [event.number for event in events]
        after = seen[-1] if seen else 0
        await asyncio.sleep(0)
    await writing
    whole = await writers[0].read("a", 0, 1000)
    assert seen == [event.number for event in whole] == list(range(1, len(whole) + 1))
    assert len(whole) == 2 * sum(1 + count % 3 for count in range(40))


async def test_tells_that_a_log_has_grown(log: EventLog, engine: Engine) -> None:
    told = asyncio.Queue[str]()
    end = engine.hear(TOPIC, told.put_nowait)
    await log.append_all("a", [issued("o1")])
    async with asyncio.timeout(60):
        assert await told.get() == "a"
    await log.append_all("a", [issued("o1")])  # told before: nothing has grown
    with suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            pytest.fail(f"told of {await told.get()}")
    end()


async def test_prunes_what_is_too_much_and_says_so(log: EventLog) -> None:
    await log.append_all("a", [issued(f"o{count}") for count in range(12)])
    await log.append_all("b", [issued("o1")])
    assert await log.prune(keep_events=5) == 7
    assert [event.number for event in await log.read("a", 0, 100)] == list(range(8, 13))
    assert await log.extent("a") == Extent(7, 12)
    assert await log.append("a", EventKind.CREDENTIAL_REVOKED, "o1") == 13
    assert await log.extent("b") == Extent(0, 1)


async def test_prunes_what_is_too_old(log: EventLog, engine: Engine) -> None:
    await log.append_all("a", [issued("o1"), issued("o2")])
    await engine.run("UPDATE event SET at = at - 1000 WHERE number = 1")
    assert await log.prune(keep_s=500) == 1
    assert await log.extent("a") == Extent(1, 2)
    assert await log.prune(keep_s=500) == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: Event(EventKind.CREDENTIAL_ISSUED, "Maria Perera", {"credential_type": "x"}),
        lambda: Event(EventKind.CREDENTIAL_ISSUED, "o1", {"credential_type": "Welder, Colombo"}),
        lambda: Event(EventKind.CREDENTIAL_ISSUED, "o1", {"credential_type": "x", "name": "Maria"}),
        lambda: Event(EventKind.CREDENTIAL_ISSUED, "o1", {}),
        lambda: Event(EventKind.OFFER_ENDED, "o1", {"state": "because"}),
        lambda: Event(EventKind.VERSION_PUBLISHED, "7", {"version": "7"}),
        lambda: Event(EventKind.VERSION_PUBLISHED, "7", {"version": True}),
        lambda: Event(EventKind.CREDENTIAL_REVOKED, ""),
        lambda: Event(EventKind.CREDENTIAL_REVOKED, "o1\n"),
        lambda: Event(EventKind.CREDENTIAL_REVOKED, "o" * 257),
    ],
)
def test_refuses_what_is_no_id_state_or_number(make: Callable[[], Event]) -> None:
    with pytest.raises(ValueError, match=r"member|subject"):
        make()


def test_takes_what_a_kind_has() -> None:
    assert Event(EventKind.OFFER_ENDED, "o1", {"state": "DECLINED"}).text() == '{"state":"DECLINED"}'
    assert Event(EventKind.VERSION_PUBLISHED, "7", {"version": 7}).fact == "version.published 7"
    assert Event(EventKind.DRAFT_DECIDED, "d", {"state": "REJECTED"}, "4").fact == "draft.decided d 4"


def test_every_kind_is_described() -> None:
    assert set(KINDS) == set(EventKind)
    for told in KINDS.values():
        assert told.text.endswith(".")
        assert all(isinstance(allowed, Field) or allowed for allowed in told.body.values())
