"""What could not be had is asked for again: soon, then less and less often, by everybody who needs it together."""

import asyncio

from wanderbuch.plugins.trust.following.pacing import Backoff, RefreshPace, SharedRounds


def test_pauses_double_from_about_a_second_up_to_the_longest() -> None:
    backoff = Backoff(longest_s=60)
    pauses = [backoff.failed() for _ in range(30)]
    expected = [1, 2, 4, 8, 16, 32] + [60] * 24
    assert all(0.75 * most <= pause <= most for pause, most in zip(pauses, expected, strict=True))


def test_pauses_differ_so_that_not_everybody_comes_back_at_once() -> None:
    assert len({Backoff(longest_s=60).failed() for _ in range(50)}) > 1


def test_after_a_success_the_first_pause_is_short_again() -> None:
    backoff = Backoff(longest_s=60)
    for _ in range(10):
        backoff.failed()
    backoff.succeeded()
    assert backoff.failed() <= 1


def test_a_need_brings_the_next_try_forward_but_not_close_to_the_last() -> None:
    pace = RefreshPace(Backoff(longest_s=300))
    for _ in range(10):
        pace.failed(1000.0, ())
    pace.hurry(apart_s=30)
    assert pace.due_at == 1030
    pace.succeeded(1000.0, (), again_s=8)
    pace.hurry(apart_s=30)
    assert pace.due_at <= 1008


async def test_who_comes_during_a_round_gets_the_next_one() -> None:
    began, go_on = [], asyncio.Event()

    async def round_() -> None:
        began.append(len(began))
        await go_on.wait()

    rounds = SharedRounds(round_, apart_s=0)
    first = asyncio.create_task(rounds.join())
    while not began:  # noqa: ASYNC110
        await asyncio.sleep(0)
    later = [asyncio.create_task(rounds.join()) for _ in range(5)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, *later)
    assert began == [0, 1]


async def test_a_waiter_that_gives_up_takes_the_round_from_nobody() -> None:
    done, go_on = [], asyncio.Event()

    async def round_() -> None:
        await go_on.wait()
        done.append(1)

    rounds = SharedRounds(round_, apart_s=0)
    impatient, patient = asyncio.create_task(rounds.join()), asyncio.create_task(rounds.join())
    await asyncio.sleep(0.01)
    impatient.cancel()
    go_on.set()
    await patient
    assert done == [1]


async def test_a_round_that_fails_tells_all_who_wait_and_does_not_end_the_rounds() -> None:
    outcomes = iter([OSError("away"), None])

    async def round_() -> None:
        if (outcome := next(outcomes)) is not None:
            raise outcome

    rounds = SharedRounds(round_, apart_s=0)
    assert [
        type(outcome) for outcome in await asyncio.gather(rounds.join(), rounds.join(), return_exceptions=True)
    ] == [
        OSError,
        OSError,
    ]
    await rounds.join()


async def test_rounds_keep_their_distance() -> None:
    loop, began = asyncio.get_running_loop(), []

    async def round_() -> None:
        began.append(loop.time())

    rounds = SharedRounds(round_, apart_s=0.1)
    await rounds.join()
    await rounds.join()
    assert began[1] - began[0] >= 0.1
