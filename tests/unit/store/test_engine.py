"""What both engines do alike."""

import asyncio

import pytest

from wanderbuch.store.engine import Engine, Statement
from wanderbuch.store.errors import DuplicateError, StoreError, StoreUnreachableError

_INSERT = "INSERT INTO number (name, number) VALUES (?, ?)"


async def _names(engine: Engine) -> list[str]:
    return [row[0] for row in await engine.run("SELECT name FROM number ORDER BY name")]


async def test_what_was_run_is_there(engine: Engine) -> None:
    assert await engine.run(_INSERT, "a", 1) == []
    assert await engine.run("SELECT name, number FROM number") == [("a", 1)]


async def test_values_come_back_as_they_went(engine: Engine) -> None:
    text = "Zoë % ? 'quoted' \U0001f600"
    await engine.run("INSERT INTO own_key (hash, tenant) VALUES (?, ?)", b"\0\xff", text)
    await engine.run("INSERT INTO lease (name, owner, fence, until) VALUES (?, ?, ?, ?)", "l", "", 2**60, 1795756699.25)

    assert await engine.run("SELECT hash, tenant FROM own_key") == [(b"\0\xff", text)]
    assert await engine.run("SELECT fence, until FROM lease WHERE name = ?", "l") == [(2**60, 1795756699.25)]


async def test_a_name_that_is_taken_is_a_duplicate(engine: Engine) -> None:
    await engine.run(_INSERT, "a", 1)
    with pytest.raises(DuplicateError):
        await engine.run(_INSERT, "a", 2)


async def test_together_is_all_or_nothing(engine: Engine) -> None:
    with pytest.raises(DuplicateError):
        await engine.together(Statement(_INSERT, ("a", 1)), Statement(_INSERT, ("b", 1)), Statement(_INSERT, ("a", 1)))
    assert await _names(engine) == []

    results = await engine.together(
        Statement(_INSERT, ("a", 1)), Statement("SELECT number FROM number"), Statement(_INSERT, ("b", 1))
    )
    assert results == [[], [(1,)], []]
    assert await _names(engine) == ["a", "b"]


async def test_of_many_at_once_only_those_that_fail_fail(engine: Engine) -> None:
    await engine.run(_INSERT, "n7", 0)

    outcomes = await asyncio.gather(
        *(engine.run(_INSERT, f"n{number}", number) for number in range(32)),
        *(engine.together(Statement(_INSERT, (f"t{n}", n)), Statement(_INSERT, (f"n{n}", n))) for n in (6, 32)),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [DuplicateError, DuplicateError]
    names = await _names(engine)
    assert len(names) == 34
    assert "t32" in names
    assert "t6" not in names


async def test_a_statement_that_is_wrong_harms_no_other(engine: Engine) -> None:
    outcomes = await asyncio.gather(
        engine.run(_INSERT, "a", 1), engine.run("INSERT INTO nowhere VALUES (1)"), return_exceptions=True
    )
    assert outcomes[0] == []
    assert isinstance(outcomes[1], Exception)
    assert await _names(engine) == ["a"]


async def test_who_does_not_wait_any_more_disturbs_nobody(engine: Engine) -> None:
    asking = asyncio.create_task(engine.run(_INSERT, "a", 1))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await engine.run(_INSERT, "b", 1) == []


async def test_the_clock_is_the_databases(engine: Engine) -> None:
    before = await engine.clock()
    ((inside,),) = await engine.run("SELECT store_now()")
    assert before <= inside <= await engine.clock()
    assert before > 1_700_000_000


async def test_numbers_of_listings_only_grow(engine: Engine) -> None:
    given = [row[0][0] for row in [await engine.run("SELECT store_next()") for _ in range(20)]]
    assert given == sorted(set(given))


async def test_null_counts_as_absent_for_least_and_greatest(engine: Engine) -> None:
    await engine.run("INSERT INTO row (number, tenant, kind, id, state, at) VALUES (1, 't', 'k', 'i', '', 0)")
    assert await engine.run("SELECT least(due, 5.0), greatest(due, 5.0), least(due, due) FROM row") == [(5, 5, None)]


async def test_announcements_are_heard_by_topic(engine: Engine) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    others: asyncio.Queue[str] = asyncio.Queue()
    end = engine.hear("events", heard.put_nowait)
    engine.hear("tenants", others.put_nowait)

    await engine.announce("events", "default 7\nä")
    assert await asyncio.wait_for(heard.get(), 60) == "default 7\nä"

    end()
    await engine.announce("events", "default 8")
    await engine.announce("tenants", "x")
    assert await asyncio.wait_for(others.get(), 60) == "x"
    assert heard.empty()


async def test_one_who_hears_and_fails_harms_no_other(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    def fail(text: str) -> None:
        raise RuntimeError(text)

    engine.hear("events", fail)
    engine.hear("events", heard.put_nowait)
    for text in ("one", "two"):
        await engine.announce("events", text)
        assert await asyncio.wait_for(heard.get(), 60) == text
    assert "who hears events failed" in caplog.text


async def test_what_is_told_in_a_transaction_is_heard_only_if_that_commits(engine: Engine) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    engine.hear("events", heard.put_nowait)
    telling = Statement("SELECT store_tell(?, ?)", ("events", "undone"))
    with pytest.raises(DuplicateError):
        await engine.together(telling, Statement(_INSERT, ("a", 1)), Statement(_INSERT, ("a", 1)))

    await engine.together(Statement(_INSERT, ("a", 1)), Statement("SELECT store_tell(?, ?)", ("events", "done")))

    assert await asyncio.wait_for(heard.get(), 60) == "done"
    assert heard.empty()


@pytest.mark.parametrize(("topic", "text"), [("a topic", "x"), ("events", ""), ("events", "x" * 4000), ("e", "\0")])
async def test_refuses_an_announcement_that_no_engine_can_carry(engine: Engine, topic: str, text: str) -> None:
    with pytest.raises(ValueError, match="announcement"):
        await engine.announce(topic, text)


async def test_what_is_closed_says_so(engine: Engine) -> None:
    await engine.close()
    with pytest.raises(StoreUnreachableError):
        await engine.run("SELECT 1")


async def test_no_error_holds_a_value(engine: Engine) -> None:
    secret = "geheim-4711"
    await engine.run(_INSERT, secret, 1)
    for asked in (
        engine.run(_INSERT, secret, 2),
        engine.run("INSERT INTO row (number, tenant) VALUES (1, ?)", secret),
        engine.run("UPDATE row SET due = ?", secret) if engine.is_shared else engine.run(_INSERT, secret, 3),
    ):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever it is
            await asked
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)


async def test_a_text_that_postgresql_cannot_keep_is_one_clear_error(engine: Engine) -> None:
    if engine.is_shared:
        with pytest.raises(StoreError, match="NUL"):
            await engine.run(_INSERT, "a\0b", 1)
    assert await engine.run("SELECT 1") == [(1,)]
