"""Programs that clean up after themselves, also when they are told to end."""

import asyncio
import atexit
import os
import signal
import sys
from collections.abc import Coroutine
from types import FrameType
from typing import Any, Final

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_to_the_end[T](work: Coroutine[Any, Any, T]) -> T:
    """Run `work`; SIGINT, SIGTERM and SIGHUP cancel it, and what its `finally` says is done before the process ends.

    The exit code is then 128 and the first signal's number. A signal that was ignored when the program was started
    (`nohup`) stays ignored. A second signal cuts the cleaning up short; one that comes when it is over changes nothing.
    """
    told: list[int] = []
    # Not asyncio.run: where ACA-Py was imported, it is another one that leaves tasks and the loop open.
    with asyncio.Runner() as runner:
        loop = runner.get_loop()

        async def cancellable() -> T:
            task = asyncio.current_task()

            def end(number: int) -> None:
                told.append(number)
                if task is not None:
                    task.cancel()

            def on_signal(number: int, _: FrameType | None) -> None:
                if loop.is_closed():
                    os._exit(128 + (told or [number])[0])
                loop.call_soon_threadsafe(end, number)

            # Not the loop's own handlers: when it closes, the next signal would end the process as if nothing had been.
            for number in before:
                signal.signal(number, on_signal)
            return await work

        before = {number: signal.getsignal(number) for number in _ENDING}
        before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
        try:
            result = runner.run(cancellable())
        except asyncio.CancelledError:
            if not told:
                raise
            atexit.register(_ignore, tuple(before))  # Python's own end takes our handlers away
            sys.exit(128 + told[0])
    for number, handler in before.items():
        signal.signal(number, handler)
    return result


def _ignore(numbers: tuple[signal.Signals, ...]) -> None:
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
