"""Where the main thread's CPU goes: samples of its stack, each with the CPU that it used since the one before.

`cProfile` cannot tell that of a process with several threads: since Python 3.12 its events come from all of them, so
calls of one thread are taken for calls of another, and a clock of the thread reads another thread's then. A thread that
samples is no better where processors are busy: it runs when the one that it looks at waits. Here the kernel's timer of
the CPU that the process uses interrupts the main thread itself: nothing interrupts what waits.
"""

import gc
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

_EVERY_S: Final = 0.001
COLLECTOR: Final = "(garbage collector)"

type Stack = tuple[CodeType, ...]


class Sampler:
    """Samples the main thread from `start` to `stop`; both are called in it."""

    def __init__(self) -> None:
        self.ns_by_stack: Counter[Stack] = Counter()
        self.collected_ns = 0
        self._before = 0
        self._collecting_since = 0

    def start(self) -> None:
        """Begin."""
        gc.callbacks.append(self._collected)
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)
        self._before = time.thread_time_ns()

    def stop(self) -> None:
        """End; what was sampled stays in `ns_by_stack`."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_IGN)
        gc.callbacks.remove(self._collected)

    def folded(self) -> str:
        """Return a line for each stack, outermost first: `a;b;c nanoseconds`, as tools for flame graphs read it."""
        lines = [f"{';'.join(map(_named, stack))} {spent}" for stack, spent in self.ns_by_stack.most_common()]
        return "\n".join([*lines, f"{COLLECTOR} {self.collected_ns}", ""])

    def _sample(self, _: int, frame: FrameType | None) -> None:
        self.ns_by_stack[_stack(frame)] += time.thread_time_ns() - self._before
        self._before = time.thread_time_ns()

    def _collected(self, phase: str, _: dict[str, int]) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        now = time.thread_time_ns()
        if phase == "stop":
            self.collected_ns += now - self._collecting_since
        self._collecting_since = now


def _stack(frame: FrameType | None) -> Stack:
    codes: list[CodeType] = []
    while frame is not None:
        codes.append(frame.f_code)
        frame = frame.f_back
    return tuple(reversed(codes))


def _named(code: CodeType) -> str:
    path = Path(code.co_filename)
    return f"{path.parent.name}/{path.stem}:{code.co_qualname}"


def spent_by_function(folded: str) -> tuple[Counter[str], Counter[str]]:
    """Return the nanoseconds of each function alone, and with what it called, from lines as `Sampler` folds them."""
    alone, whole = Counter[str](), Counter[str]()
    for line in folded.splitlines():
        stack, _, spent = line.rpartition(" ")
        names = stack.split(";")
        alone[names[-1]] += int(spent)
        for name in set(names):
            whole[name] += int(spent)
    return alone, whole
