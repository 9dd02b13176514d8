"""Programs that clean up after themselves, also when they are told to end."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Final

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_to_the_end[T](work: Coroutine[Any, Any, T]) -> T:
    """Run `work`; SIGINT, SIGTERM and SIGHUP cancel it, and what its `finally` says is done before the process ends.

    The exit code is then 128 and the signal's number. A signal that was ignored when the program was started (`nohup`)
    stays ignored. A second signal cuts the cleaning up short.
    """
    told: list[signal.Signals] = []

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def end(number: signal.Signals) -> None:
            told.append(number)
            if task is not None:
                task.cancel()

        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, end, number)
        return await work

    try:
        # Not asyncio.run: where ACA-Py was imported, it is another one that leaves tasks and the loop open.
        with asyncio.Runner() as runner:
            return runner.run(cancellable())
    except asyncio.CancelledError:
        if told:
            sys.exit(128 + told[0])
        raise
