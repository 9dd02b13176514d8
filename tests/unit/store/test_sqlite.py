"""The plain tables on SQLite: a file of one process."""

import asyncio
import gc
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from wanderbuch.store.engine import Statement
from wanderbuch.store.errors import StoreInUseError, StoreUnreachableError, StoreVersionError
from wanderbuch.store.schema import VERSION
from wanderbuch.store.sqlite import open_sqlite

_INSERT = "INSERT INTO number (name, number) VALUES (?, ?)"

_WRITER = """
import asyncio, sys
from pathlib import Path
from wanderbuch.store.sqlite import open_sqlite

async def main():
    engine = open_sqlite(Path(sys.argv[1]))
    async def write(task):
        number = 0
        while True:
            number += 1
            await engine.run("INSERT INTO number (name, number) VALUES (?, ?)", f"{task}-{number}", number)
            print(f"{task}-{number}", flush=True)
    await asyncio.gather(*(write(task) for task in range(8)))

asyncio.run(main())
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "index.db"


async def test_another_process_with_the_same_file_is_told(file: Path) -> None:
    engine = open_sqlite(file)
    with pytest.raises(StoreInUseError, match=r"another process uses the file .*index\.db"):
        open_sqlite(file)
    await engine.run(_INSERT, "a", 1)
    await engine.close()
    again = open_sqlite(file)
    assert await again.run("SELECT name FROM number") == [("a",)]
    await again.close()


async def test_tables_of_another_version_are_left_alone(file: Path) -> None:
    await open_sqlite(file).close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE meta SET value = '99' WHERE name = 'version'")
    with pytest.raises(StoreVersionError, match=f"version 99, this program needs version {VERSION}"):
        open_sqlite(file)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT value FROM meta WHERE name = 'version'").fetchone() == ("99",)


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_file_is_named_with_what_to_do(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(StoreVersionError, match="damaged") as caught:
        open_sqlite(file)
    assert caught.value.hint is not None
    assert "move it away" in caught.value.hint
    assert file.read_bytes() == content


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnreachableError, match="index"):
        open_sqlite(tmp_path / "file" / "index.db")


def _write_until_killed(file: Path) -> list[str]:
    """Return what a process said that it had kept, before it was killed."""
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(file)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline().strip() for _ in range(200)]
        writer.send_signal(signal.SIGKILL)
        return told + [line.strip() for line in writer.stdout if line.endswith("\n")]


async def test_what_a_killed_process_was_told_is_there(file: Path) -> None:
    told = await asyncio.to_thread(_write_until_killed, file)
    engine = open_sqlite(file)
    kept = {row[0] for row in await engine.run("SELECT name FROM number")}
    assert set(told) <= kept
    await engine.close()


async def test_claims_of_a_process_that_is_gone_are_free_at_once(file: Path) -> None:
    engine = open_sqlite(file)
    await engine.run(
        "INSERT INTO row (number, tenant, kind, id, state, due, owner, until, at)"
        " VALUES (1, 't', 'k', 'i', '', 1, 'gone', store_now() + 1000, 0)"
    )
    await engine.close()
    again = open_sqlite(file)
    assert await again.run("SELECT owner, until FROM row") == [(None, 0)]
    await again.close()


async def test_numbers_of_listings_grow_over_a_restart(file: Path) -> None:
    engine = open_sqlite(file)
    ((before,),) = await engine.run("SELECT store_next()")
    await engine.close()
    again = open_sqlite(file)
    ((after,),) = await again.run("SELECT store_next()")
    await again.close()
    assert after > before


async def test_numbers_of_listings_grow_where_the_clock_went_back(file: Path) -> None:
    engine = open_sqlite(file)
    ahead = time.time_ns() // 1000 + 3600 * 1_000_000
    await engine.run("INSERT INTO row (number, tenant, kind, id, state, at) VALUES (?, 't', 'k', 'i', '', 0)", ahead)
    await engine.close()

    engine = open_sqlite(file)
    ((number,),) = await engine.run("SELECT store_next()")
    assert number == ahead + 1
    await engine.close()


@pytest.mark.parametrize("statements", [1, 2])
async def test_a_full_disk_is_told_to_all_whose_writes_were_undone_and_to_nobody_else(
    file: Path, statements: int
) -> None:
    engine = open_sqlite(file)
    ((pages,),) = await engine.run("PRAGMA page_count")
    await engine.run(f"PRAGMA max_page_count = {pages + 20}")

    async def write(number: int) -> bool:
        name = f"{number} {'long' * 1000}"
        try:
            await engine.together(*(Statement(_INSERT, (f"{name} {part}", number)) for part in range(statements)))
        except StoreUnreachableError as err:
            return "full" not in err.message
        return True

    kept: dict[int, bool] = {}
    for start in range(0, 60, 3):
        group = range(start, start + 3)
        kept |= zip(group, await asyncio.gather(*map(write, group)), strict=True)
    assert set(kept.values()) == {True, False}
    there = await engine.run("SELECT number FROM number")
    assert sorted(number for (number,) in there) == sorted(
        number for number, is_kept in kept.items() if is_kept for _ in range(statements)
    )
    await engine.run("PRAGMA max_page_count = 100000")
    assert await write(60)
    await engine.close()


async def test_what_waits_is_written_in_one_commit(file: Path) -> None:
    engine = open_sqlite(file)
    ((before,),) = await engine.run("SELECT total_changes()")
    groups: list[str] = []
    worker = engine._worker
    serve = worker._serve
    worker._serve = lambda connection, group: (groups.append("x" * len(group)), serve(connection, group))  # type: ignore[method-assign,assignment]

    await asyncio.gather(*(engine.run(_INSERT, f"n{number}", number) for number in range(64)))

    assert len(groups) < 20
    assert await engine.run("SELECT total_changes() - ?", before) == [(64,)]
    await engine.close()


async def test_what_was_asked_before_closing_is_answered(file: Path) -> None:
    engine = open_sqlite(file)
    asked = [asyncio.create_task(engine.run(_INSERT, f"n{number}", number)) for number in range(10)]
    await asyncio.sleep(0)
    await engine.close()
    assert await asyncio.gather(*asked) == [[]] * 10
    await engine.close()


async def test_an_engine_that_is_forgotten_ends_its_thread() -> None:
    engine = open_sqlite(None)
    await engine.together(Statement(_INSERT, ("a", 1)), Statement(_INSERT, ("b", 1)))
    thread: threading.Thread = engine._worker.thread
    del engine
    gc.collect()
    await asyncio.to_thread(thread.join, 10)
    assert not thread.is_alive()


@pytest.mark.parametrize("is_replaced", [False, True])
async def test_a_file_that_is_removed_under_a_process_is_told_and_takes_nothing_more(
    file: Path, is_replaced: bool
) -> None:
    engine = open_sqlite(file)
    await engine.run("INSERT INTO number VALUES ('a', 1)")
    await asyncio.to_thread(file.unlink)
    if is_replaced:
        await asyncio.to_thread(file.touch)
    for sql in ("INSERT INTO number VALUES ('b', 1)", "SELECT 1"):
        with pytest.raises(StoreUnreachableError, match="removed or replaced") as told:
            await engine.run(sql)
        assert "start the process again" in str(told.value.hint)
    await engine.close()
