"""Whoever writes a record, in whatever order, and whoever dies: its row is there, and its work is not late.

A small model of records in Askar, and writers whose steps are mixed in any order. What holds in the end, for the record
as it is then: it is listed under its state, found by its word, and due no later than it says.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import examples
from tests.unit.store.conftest import HASHES

from wanderbuch.store.rows import HELD_S, Indexed, Rows, Written
from wanderbuch.store.sqlite import open_sqlite
from wanderbuch.store.tables import Tables, tables_on

_START = datetime(2026, 11, 27, tzinfo=UTC)
_STEPS = 5


@dataclass
class Askar:
    """The one record."""

    kept: Indexed | None


@dataclass(frozen=True)
class Writer:
    """What somebody does, and after how many steps it dies.

    `heal`: sets right what others left; `refuse`: begins to change it, and does not.
    """

    does: str
    state: str
    due: int | None
    dies_after: int

    @property
    def indexed(self) -> Indexed:
        due = None if self.due is None else _START + timedelta(days=self.due)
        return Indexed("r", self.state, due, {"name": f"word {self.state} {self.due}"})


class Running:
    """A writer under way; each `step` is one trip to a database."""

    def __init__(self, writer: Writer, rows: Rows, askar: Askar) -> None:
        self.writer, self.rows, self.askar = writer, rows, askar
        self.taken = 0
        self.written: Written | None = None
        self.read: Indexed | None = None
        self.has_failed = False

    def sleep(self) -> None:
        """Let a minute pass."""
        if self.written is not None:
            self.written = replace(self.written, began=self.written.began - HELD_S - 1)

    async def step(self) -> None:
        if self.taken >= self.writer.dies_after:
            return
        self.taken += 1
        indexed = self.writer.indexed
        match self.taken, "fail" if self.has_failed else self.writer.does:
            case 1, "insert":
                self.written = await self.rows.add("t", "k", indexed, is_new=True)
            case 1, "change" | "refuse":
                self.written = await self.rows.add("t", "k", indexed)
            case 1, _:
                self.written = await self.rows.touch("t", "k", "r")
            case 2, "heal":
                self.read = self.askar.kept
            case 3, "heal":
                assert self.written is not None
                if self.read is None:
                    await self.rows.remove(self.written)
                else:
                    await self.rows.settle(self.written, self.read)
            case 2, does:
                if does == "refuse" or (self.askar.kept is None) is not (does == "insert"):
                    self.has_failed = True  # the name is taken, or there is no such record: the caller is told
                else:
                    self.askar.kept = None if does == "remove" else indexed
            case 3, "fail":
                assert self.written is not None
                self.written = await self.rows.failed(self.written)
            case 4, "fail":
                self.read = self.askar.kept
            case 5, "fail" if self.written is not None:
                await (self.rows.settle(self.written, self.read) if self.read else self.rows.remove(self.written))
            case 3, "insert":
                assert self.written is not None
                await self.rows.inserted(self.written)
            case 3, "change":
                assert self.written is not None
                await self.rows.settle(self.written)
            case 3, "remove":
                assert self.written is not None
                await self.rows.remove(self.written)


writers = st.builds(
    Writer,
    does=st.sampled_from(["change", "change", "change", "remove", "insert", "heal", "refuse"]),
    state=st.sampled_from(["open", "taken", "closed"]),
    due=st.sampled_from([None, 1, 2, 3]),
    dies_after=st.sampled_from([_STEPS, _STEPS, _STEPS, 1, 2, 3, 4]),
)


async def _check(tables: Tables, kept: Indexed | None) -> None:
    if kept is None:
        return
    page = await tables.rows.page("t", "k", states=[kept.state])
    assert [row.id for row in page.rows] == ["r"]
    assert [row.id for row in (await tables.rows.page("t", "k")).rows] == ["r"]
    assert await tables.words.find("t", "k", kept.words) == ["r"]
    ((due,),) = await tables.engine.run("SELECT due FROM row WHERE state = ?", kept.state)
    if kept.due is not None:
        assert due is not None
        assert due <= kept.due.timestamp()


@settings(max_examples=examples(400), deadline=None)
@given(first=writers, others=st.lists(writers, min_size=1, max_size=4), data=st.data())
def test_a_record_never_loses_its_row(first: Writer, others: list[Writer], data: st.DataObject) -> None:
    steps = [number for number in range(len(others)) for _ in range(_STEPS)]
    order = data.draw(st.permutations(steps))
    # Somebody may sleep for a minute in the middle of it (not if somebody else dies as well).
    sleeps = all(other.dies_after == _STEPS for other in others) and data.draw(st.booleans())
    sleep_before = data.draw(st.integers(0, len(order))) if sleeps else -1

    async def run() -> None:
        tables = tables_on(open_sqlite(None), HASHES)
        askar = Askar(None)
        beginning = Running(Writer("insert", first.state, first.due, _STEPS), tables.rows, askar)
        for _ in range(_STEPS):
            await beginning.step()
        running = [Running(other, tables.rows, askar) for other in others]
        for place, number in enumerate(order):
            if place == sleep_before:
                await tables.engine.run("UPDATE row SET held = greatest(held - ?, 0)", HELD_S + 1)
                for writer in running:
                    writer.sleep()
            await running[number].step()
        await _check(tables, askar.kept)
        # The next one who is alone leaves exactly what is true.
        if askar.kept is not None:
            await tables.engine.run("UPDATE row SET held = 0")
            last = Running(Writer("change", "last", 2, _STEPS), tables.rows, askar)
            for _ in range(_STEPS):
                await last.step()
            await _check(tables, askar.kept)
            assert await tables.engine.run("SELECT state, due FROM row") == [
                ("last", (_START + timedelta(days=2)).timestamp())
            ]
            assert len(await tables.engine.run("SELECT hash FROM word")) == 1
        await tables.engine.close()

    asyncio.run(run())
