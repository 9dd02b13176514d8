"""Listings, counts and the two writes."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.store.conftest import HASHES

from wanderbuch.store.cursors import Listing, seal_cursor
from wanderbuch.store.engine import Rows as EngineRows
from wanderbuch.store.engine import Statement, Value
from wanderbuch.store.errors import CursorError
from wanderbuch.store.hashing import KeyedHash
from wanderbuch.store.rows import Indexed, RowPage
from wanderbuch.store.tables import Tables, tables_on

_KIND = "wanderbuch.offer"
_NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


async def _fill(tables: Tables, count: int, *, tenant: str = "default") -> None:
    for number in range(count):
        indexed = Indexed(f"r{number}", "open" if number % 2 else "closed")
        await tables.rows.add(tenant, _KIND, indexed, is_new=True)


async def _change(tables: Tables, indexed: Indexed) -> None:
    await tables.rows.settle(await tables.rows.add("default", _KIND, indexed))


def _ids(page: RowPage) -> list[str]:
    return [row.id for row in page.rows]


async def test_pages_follow_the_order_in_which_records_were_made(tables: Tables) -> None:
    await _fill(tables, 5)

    first = await tables.rows.page("default", _KIND, limit=2)
    second = await tables.rows.page("default", _KIND, limit=2, cursor=first.next_cursor)
    third = await tables.rows.page("default", _KIND, limit=2, cursor=second.next_cursor)

    assert [_ids(page) for page in (first, second, third)] == [["r4", "r3"], ["r2", "r1"], ["r0"]]
    assert third.next_cursor is None


async def test_oldest_first_when_asked(tables: Tables) -> None:
    await _fill(tables, 3)
    first = await tables.rows.page("default", _KIND, limit=2, newest_first=False)
    second = await tables.rows.page("default", _KIND, limit=2, newest_first=False, cursor=first.next_cursor)
    assert (_ids(first), _ids(second)) == (["r0", "r1"], ["r2"])


async def test_a_page_of_exactly_all_has_no_cursor(tables: Tables) -> None:
    await _fill(tables, 2)
    assert (await tables.rows.page("default", _KIND, limit=2)).next_cursor is None
    assert (await tables.rows.page("default", _KIND, limit=1)).next_cursor is not None


async def test_pages_of_some_states_are_in_one_order(tables: Tables) -> None:
    await _fill(tables, 6)
    await _change(tables, Indexed("r2", "gone"))

    assert _ids(await tables.rows.page("default", _KIND, states=["open"])) == ["r5", "r3", "r1"]
    assert _ids(await tables.rows.page("default", _KIND, states=["gone", "open"])) == ["r5", "r3", "r2", "r1"]
    assert _ids(await tables.rows.page("default", _KIND, states=[])) == []
    assert _ids(await tables.rows.page("default", _KIND, states=["unheard-of"])) == []


async def test_what_comes_meanwhile_moves_no_page(tables: Tables) -> None:
    await _fill(tables, 4)
    first = await tables.rows.page("default", _KIND, limit=2)
    await tables.rows.add("default", _KIND, Indexed("new", "open"), is_new=True)
    await _change(tables, Indexed("r1", "changed"))
    assert _ids(await tables.rows.page("default", _KIND, limit=2, cursor=first.next_cursor)) == ["r1", "r0"]


async def test_a_record_keeps_its_place_when_its_state_changes(tables: Tables) -> None:
    await _fill(tables, 3)
    await _change(tables, Indexed("r0", "closed-again"))
    assert _ids(await tables.rows.page("default", _KIND)) == ["r2", "r1", "r0"]


async def test_tenants_and_kinds_see_only_their_own(tables: Tables) -> None:
    await _fill(tables, 2)
    await _fill(tables, 1, tenant="other")
    await tables.rows.add("default", "wanderbuch.draft", Indexed("d"), is_new=True)

    assert await tables.rows.count("default", _KIND) == 2
    assert await tables.rows.count("other", _KIND) == 1
    assert _ids(await tables.rows.page("other", _KIND)) == ["r0"]
    assert await tables.rows.count("nobody", _KIND) == 0


async def test_counts_by_state(tables: Tables) -> None:
    await _fill(tables, 5)
    assert await tables.rows.count("default", _KIND, states=["open"]) == 2
    assert await tables.rows.count("default", _KIND, states=["open", "closed"]) == 5
    assert await tables.rows.count("default", _KIND, states=[]) == 0


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_refuses_a_page_without_a_bound(tables: Tables, limit: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        await tables.rows.page("default", _KIND, limit=limit)


async def test_a_cursor_serves_its_own_listing_alone(tables: Tables) -> None:
    await _fill(tables, 6)
    await _fill(tables, 6, tenant="other")
    cursor = (await tables.rows.page("default", _KIND, states=["open", "closed"], limit=2)).next_cursor
    assert cursor is not None

    again = await tables.rows.page("default", _KIND, states=["closed", "open"], limit=3, cursor=cursor)
    assert _ids(again) == ["r3", "r2", "r1"]
    for refused in (
        tables.rows.page("other", _KIND, states=["open", "closed"], cursor=cursor),
        tables.rows.page("default", "wanderbuch.draft", states=["open", "closed"], cursor=cursor),
        tables.rows.page("default", _KIND, states=["open"], cursor=cursor),
        tables.rows.page("default", _KIND, cursor=cursor),
        tables.rows.page("default", _KIND, states=["open", "closed"], cursor=cursor, newest_first=False),
    ):
        with pytest.raises(CursorError, match="does not belong to this list"):
            await refused


async def test_a_cursor_that_was_touched_or_made_up_is_refused(tables: Tables) -> None:
    await _fill(tables, 3)
    cursor = (await tables.rows.page("default", _KIND, limit=1)).next_cursor
    assert cursor is not None
    for place in range(len(cursor)):
        for sign in "A_":
            touched = cursor[:place] + sign + cursor[place + 1 :]
            if touched != cursor:
                with pytest.raises(CursorError):
                    await tables.rows.page("default", _KIND, cursor=touched)
    for made_up in ("", "x", cursor + "=", cursor[:-1], cursor[:-1] + "\n", "ä" * 32, "%" * 32, "A" * 10_000):
        with pytest.raises(CursorError):
            await tables.rows.page("default", _KIND, cursor=made_up)


async def test_a_cursor_of_another_store_is_refused(tables: Tables) -> None:
    await _fill(tables, 3)
    listing = Listing("default", _KIND, None, newest_first=True)
    with pytest.raises(CursorError):
        await tables.rows.page("default", _KIND, cursor=seal_cursor(KeyedHash(b"x" * 32), listing, 2))
    assert await tables.rows.page("default", _KIND, cursor=seal_cursor(HASHES, listing, 2))


async def test_a_change_leaves_one_row(tables: Tables) -> None:
    await _fill(tables, 1)
    await _change(tables, Indexed("r0", "open", _NOW))
    rows = await tables.engine.run("SELECT state, due, owner, until, held, writers FROM row")
    assert rows == [("open", _NOW.timestamp(), None, 0, 0, 0)]


async def test_until_it_is_settled_a_change_shows_both_states_once(tables: Tables) -> None:
    await _fill(tables, 2)
    await tables.rows.add("default", _KIND, Indexed("r0", "open"))
    assert _ids(await tables.rows.page("default", _KIND, states=["closed"])) == ["r0"]
    assert _ids(await tables.rows.page("default", _KIND, states=["open"])) == ["r1", "r0"]
    assert _ids(await tables.rows.page("default", _KIND, limit=2)) == ["r1", "r0"]
    assert await tables.rows.count("default", _KIND) == 2


async def test_a_due_time_is_never_later_than_the_record_says(tables: Tables) -> None:
    async def due() -> object:
        return (await tables.engine.run("SELECT due FROM row"))[0][0]

    later = _NOW + timedelta(hours=1)
    await tables.rows.add("default", _KIND, Indexed("r", "open", _NOW), is_new=True)
    written = await tables.rows.add("default", _KIND, Indexed("r", "open", later))
    assert await due() == _NOW.timestamp()
    await tables.rows.settle(written)
    assert await due() == later.timestamp()
    written = await tables.rows.add("default", _KIND, Indexed("r", "open", None))
    assert await due() == later.timestamp()
    await tables.rows.settle(written)
    assert await due() is None
    await tables.rows.add("default", _KIND, Indexed("r", "open", _NOW))
    assert await due() == _NOW.timestamp()


async def test_a_due_time_without_a_zone_is_refused(tables: Tables) -> None:
    naive = _NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="aware"):
        await tables.rows.add("default", _KIND, Indexed("r", due=naive), is_new=True)


async def test_a_removed_record_leaves_nothing(tables: Tables) -> None:
    await tables.rows.add("default", _KIND, Indexed("r", "open", _NOW, {"name": "Ada"}), is_new=True)
    await tables.rows.remove(await tables.rows.touch("default", _KIND, "r"))
    assert await tables.engine.run("SELECT id FROM row UNION ALL SELECT id FROM word") == []


async def test_removing_what_has_no_row_is_nothing(tables: Tables) -> None:
    await _fill(tables, 1)
    await tables.rows.remove(await tables.rows.touch("default", _KIND, "unheard-of"))
    assert await tables.rows.count("default", _KIND) == 1


async def test_a_doubted_row_goes_only_once_it_is_old(tables: Tables) -> None:
    await _fill(tables, 1)
    (row,) = (await tables.rows.page("default", _KIND)).rows
    assert not await tables.rows.doubt("default", _KIND, row)
    await tables.engine.run("UPDATE row SET at = at - 590")
    assert not await tables.rows.doubt("default", _KIND, row)
    await tables.engine.run("UPDATE row SET at = at - 20")
    assert await tables.rows.doubt("default", _KIND, row)
    assert await tables.rows.count("default", _KIND) == 0


async def test_a_doubted_row_stays_while_somebody_writes(tables: Tables) -> None:
    await _fill(tables, 1)
    (row,) = (await tables.rows.page("default", _KIND)).rows
    await tables.rows.add("default", _KIND, Indexed("r0", "open"))
    await tables.engine.run("UPDATE row SET at = at - 1000")
    assert not await tables.rows.doubt("default", _KIND, row)


async def test_who_is_not_alone_cleans_nothing_up_and_the_next_one_does(tables: Tables) -> None:
    await _fill(tables, 1)
    mine = await tables.rows.add("default", _KIND, Indexed("r0", "mine"))
    other = await tables.rows.add("default", _KIND, Indexed("r0", "other"))
    assert (mine.is_alone, other.is_alone) == (True, False)
    await tables.rows.settle(other)
    await tables.rows.settle(mine)
    assert {row[0] for row in await tables.engine.run("SELECT state FROM row")} == {"closed", "mine", "other"}

    await tables.engine.run("UPDATE row SET held = 0")  # a minute later
    await _change(tables, Indexed("r0", "last"))
    assert await tables.engine.run("SELECT state FROM row") == [("last",)]


async def test_many_at_once_have_different_numbers(tables: Tables) -> None:
    await asyncio.gather(
        *(tables.rows.add("default", _KIND, Indexed(f"r{number}"), is_new=True) for number in range(40))
    )
    rows = await tables.engine.run("SELECT DISTINCT number FROM row")
    assert len(rows) == 40


async def test_a_record_that_is_made_anew_while_a_late_change_cleans_up_keeps_its_row(tables: Tables) -> None:
    """Found by the model in test_two_writes."""
    await tables.rows.add("default", _KIND, Indexed("r", "open", None, {"name": "a"}), is_new=True)
    late = await tables.rows.add("default", _KIND, Indexed("r", "closed", None, {"name": "b"}))
    await tables.rows.add("default", _KIND, Indexed("r", "anew", _NOW, {"name": "c"}), is_new=True)
    await tables.rows.settle(late)
    assert _ids(await tables.rows.page("default", _KIND, states=["anew"])) == ["r"]
    assert await tables.words.find("default", _KIND, {"name": "c"}) == ["r"]


async def test_what_a_writer_left_is_set_right_by_who_reads_the_record(tables: Tables) -> None:
    await tables.rows.add("default", _KIND, Indexed("r", "open", _NOW, {"name": "a"}), is_new=True)
    await tables.rows.add("default", _KIND, Indexed("r", "closed", None, {"name": "b"}))  # and died
    assert await tables.rows.unsettled_of("default", _KIND, limit=9) == []
    await tables.engine.run("UPDATE row SET held = held - 700")
    assert await tables.rows.unsettled_of("default", _KIND, limit=9) == ["r"]

    written = await tables.rows.touch("default", _KIND, "r")
    await tables.rows.settle(written, Indexed("r", "open", _NOW, {"name": "a"}))

    assert await tables.engine.run("SELECT state, due, held FROM row") == [("open", _NOW.timestamp(), 0)]
    assert await tables.words.find("default", _KIND, {"name": "b"}) == []
    assert await tables.words.find("default", _KIND, {"name": "a"}) == ["r"]
    assert await tables.rows.unsettled_of("default", _KIND, limit=9) == []


async def test_who_changed_it_since_it_was_read_is_not_set_right(tables: Tables) -> None:
    await tables.rows.add("default", _KIND, Indexed("r", "open"), is_new=True)
    written = await tables.rows.touch("default", _KIND, "r")
    await _change(tables, Indexed("r", "closed"))
    await tables.rows.settle(written, Indexed("r", "open"))
    assert _ids(await tables.rows.page("default", _KIND, states=["closed"])) == ["r"]


async def test_each_question_walks_along_its_own_index(tables: Tables) -> None:
    """Also before the database has looked at its tables: the wrong index costs nothing in a test, and hours later."""
    asked: list[Statement] = []

    class Asked:
        is_shared, skip_locked = tables.engine.is_shared, tables.engine.skip_locked

        async def run(self, sql: str, *args: Value) -> EngineRows:
            asked.append(Statement(sql, args))
            return await tables.engine.run(sql, *args)

        async def together(self, *statements: Statement) -> list[EngineRows]:
            asked.extend(statements)
            return await tables.engine.together(*statements)

    for number in range(40):
        indexed = Indexed(f"r{number}", "open", _NOW, {"name": str(number)})
        await tables.rows.add(f"t{number % 2}", _KIND, indexed, is_new=True)
    watched = tables_on(Asked(), HASHES)  # type: ignore[arg-type]
    expected = {
        "change": ("row_pkey", "sqlite_autoindex_row_1"),
        "page": ("row_by_state",),
        "page of all": ("row_listed",),
        "claim": ("row_due ", "row_due\n", "row_due_of_list"),
        "find": ("word_pkey", "word USING PRIMARY KEY"),
    }
    plans: dict[str, str] = {}
    for name in expected:
        asked.clear()
        match name:
            case "change":
                await watched.rows.settle(await watched.rows.add("t1", _KIND, Indexed("r1", "closed")))
            case "page":
                await watched.rows.page("t1", _KIND, states=["open", "closed"])
            case "page of all":
                await watched.rows.page("t1", _KIND)
            case "claim":
                await watched.due.claim([_KIND], limit=5, for_s=60)
                await watched.due.claim([_KIND], limit=5, for_s=60, tenants=["t1"])
            case "find":
                await watched.words.find("t1", _KIND, {"name": "7"})
        plans[name] = "\n".join([await _plan(tables, statement) for statement in asked]) + "\n"
    for name, indexes in expected.items():
        assert any(index in plans[name] for index in indexes), plans[name]
        assert not re.search(r"Seq Scan on (row|word)\b|SCAN (row|word)\b(?! USING)", plans[name]), plans[name]
    for listing in ("row_listed", "row_by_state", "row_due"):
        assert listing not in plans["change"]
        assert listing not in plans["find"]


async def _plan(tables: Tables, statement: Statement) -> str:
    explain = "EXPLAIN (COSTS OFF) " if tables.engine.is_shared else "EXPLAIN QUERY PLAN "
    rows = await tables.engine.run(explain + statement.sql, *statement.args)
    return "\n".join(str(row[-1]) for row in rows)
