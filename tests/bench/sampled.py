"""Where the main thread's CPU goes: samples of its stack, each with the CPU that it used since the one before.

`cProfile` cannot tell that of a process with several threads: since Python 3.12 its events come from all of them, so
calls of one thread are taken for calls of another, and a clock of the thread reads another thread's then. A thread that
samples is no better where processors are busy: it runs when the one that it looks at waits. A timer of the kernel,
of the CPU that the main thread uses, interrupts that thread itself. A timer of the whole process's CPU (`setitimer`)
does not do: while the main thread waits for the library in another one, each of its signals wakes it by asyncio's pipe,
and what that costs looked like the event loop's own.
"""

import ctypes
import gc
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

_EVERY_NS: Final = 1_000_000
_THREAD_CPU: Final = 3  # CLOCK_THREAD_CPUTIME_ID of Linux
_TO_THREAD: Final = 4  # SIGEV_THREAD_ID
COLLECTOR: Final = "(garbage collector)"

type Stack = tuple[CodeType, ...]


class _Sigevent(ctypes.Structure):
    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("thread", ctypes.c_int),
        ("rest", ctypes.c_char * 44),
    )


class _Times(ctypes.Structure):
    _fields_ = (
        ("every_s", ctypes.c_long),
        ("every_ns", ctypes.c_long),
        ("first_s", ctypes.c_long),
        ("first_ns", ctypes.c_long),
    )


class _ThreadTimer:
    """Sends SIGPROF to the thread that makes it, each time it has used so much CPU."""

    def __init__(self, every_ns: int) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._timer = ctypes.c_void_p()
        wanted = _Sigevent(None, signal.SIGPROF, _TO_THREAD, threading.get_native_id(), b"")
        self._done(self._libc.timer_create(_THREAD_CPU, ctypes.byref(wanted), ctypes.byref(self._timer)))
        times = _Times(0, every_ns, 0, every_ns)
        self._done(self._libc.timer_settime(self._timer, 0, ctypes.byref(times), None))

    def stop(self) -> None:
        self._done(self._libc.timer_delete(self._timer))

    def _done(self, result: int) -> None:
        if result != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


class Sampler:
    """Samples the main thread from `start` to `stop`; both are called in it."""

    def __init__(self) -> None:
        self.ns_by_stack: Counter[Stack] = Counter()
        self.collected_ns = 0
        self._before = 0
        self._collecting_since = 0
        self._timer: _ThreadTimer | None = None

    def start(self) -> None:
        """Begin."""
        gc.callbacks.append(self._collected)
        signal.signal(signal.SIGPROF, self._sample)
        self._before = time.thread_time_ns()
        self._timer = _ThreadTimer(_EVERY_NS)

    def stop(self) -> None:
        """End; what was sampled stays in `ns_by_stack`."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
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
