"""`python -m tests.bench.watched FOLDER MODULE ARGUMENT…`: a program whose writes to its store are counted.

MODULE is run as `python -m MODULE ARGUMENT…` would. At SIGUSR1 it writes what it has handed to its store since it began
to FOLDER/<pid>.json: values and tags given to Askar, by category, and arguments of statements that write to the plain
tables. At SIGUSR2 it begins to sample its main thread, and ends that at the next, which writes FOLDER/<pid>.txt: CPU
milliseconds of each function with what it called, and alone. (cProfile counts all threads since Python 3.12, by the
clock of whichever calls.)
"""

import json
import os
import runpy
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any, Final

from aries_askar import bindings

from wanderbuch.store.engine import Statement
from wanderbuch.store.postgresql import PostgresqlEngine
from wanderbuch.store.sqlite import SqliteEngine

PLAIN: Final = "(plain tables)"
KEYS: Final = "(keys)"
_TICK_S: Final = 0.002
_FUNCTIONS: Final = 150


class Written:
    """Counts what is handed to the store in this process, in bytes and in writes, by category."""

    def __init__(self) -> None:
        self.bytes: Counter[str] = Counter()
        self.writes: Counter[str] = Counter()

    def count(self) -> None:
        """Begin to count; it goes on for as long as the process lives."""
        update, insert_key = bindings.session_update, bindings.session_insert_key

        @wraps(update)
        async def counted_update(handle: Any, operation: Any, category: str, name: str, *rest: Any) -> Any:
            self._note(category, _size(rest[:2]))
            return await update(handle, operation, category, name, *rest)

        @wraps(insert_key)
        async def counted_key(handle: Any, key: Any, name: str, *rest: Any) -> Any:
            self._note(KEYS, _size(rest[:2]))
            return await insert_key(handle, key, name, *rest)

        bindings.session_update, bindings.session_insert_key = counted_update, counted_key
        for engine in (SqliteEngine, PostgresqlEngine):
            self._count_engine(engine)

    def as_json(self) -> dict[str, Any]:
        """Return what was counted so far."""
        return {"bytes": dict(self.bytes), "writes": dict(self.writes)}

    def _count_engine(self, engine: Any) -> None:
        run: Callable[..., Awaitable[Any]] = engine.run
        together: Callable[..., Awaitable[Any]] = engine.together

        @wraps(run)
        async def counted_run(this: Any, sql: str, *args: Any) -> Any:
            self._note_statement(sql, args)
            return await run(this, sql, *args)

        @wraps(together)
        async def counted_together(this: Any, *statements: Statement) -> Any:
            for statement in statements:
                self._note_statement(statement.sql, statement.args)
            return await together(this, *statements)

        engine.run, engine.together = counted_run, counted_together

    def _note_statement(self, sql: str, args: Iterable[Any]) -> None:
        if not sql.lstrip().upper().startswith("SELECT"):
            self._note(PLAIN, _size(args))

    def _note(self, category: str, size: int) -> None:
        self.bytes[category] += size
        self.writes[category] += 1


class _Samples:
    """Where the main thread's CPU goes: its stack at each tick of the process's CPU clock, weighed by its own."""

    def __init__(self) -> None:
        self.alone: defaultdict[str, float] = defaultdict(float)
        self.whole: defaultdict[str, float] = defaultdict(float)
        self._at = 0.0

    def begin(self) -> None:
        """Begin to sample."""
        self._at = time.thread_time()
        signal.signal(signal.SIGPROF, self._take)
        signal.setitimer(signal.ITIMER_PROF, _TICK_S, _TICK_S)

    def end(self, file: Path) -> None:
        """End, and write what was found."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        lines = [f"{1e3 * sum(self.alone.values()):.0f} ms of CPU of the main thread"]
        for title, found in (("with what it called", self.whole), ("alone", self.alone)):
            lines += ["", f"ms {title}", *(f"{1e3 * spent:.0f} {name}" for name, spent in _dearest(found))]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _take(self, _number: int, frame: FrameType | None) -> None:
        now = time.thread_time()
        spent, self._at = now - self._at, now
        names: list[str] = []
        while frame is not None:
            code = frame.f_code
            names.append(f"{'/'.join(Path(code.co_filename).parts[-3:])}:{code.co_qualname}")
            frame = frame.f_back
        self.alone[names[0] if names else "(none)"] += spent
        for name in dict.fromkeys(names):
            self.whole[name] += spent


def _dearest(found: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(found.items(), key=lambda one: -one[1])[:_FUNCTIONS]


def _size(given: Iterable[Any]) -> int:
    """Return the bytes of values and tags."""
    size = 0
    for each in given:
        if isinstance(each, bytes | bytearray | memoryview):
            size += len(each)
        elif isinstance(each, str):
            size += len(each.encode())
        elif isinstance(each, Mapping):
            size += _size(each.keys()) + _size(each.values())
        elif isinstance(each, list | tuple | set | frozenset):
            size += _size(each)
        elif isinstance(each, int | float):
            size += 8
    return size


def main() -> None:
    """Run the program that the command line names."""
    folder, module, *arguments = sys.argv[1:]
    place = Path(folder) / str(os.getpid())
    written = Written()
    written.count()
    sampling: list[_Samples] = []

    def tell(*_: object) -> None:
        beside = place.with_suffix(".writing")
        beside.write_text(json.dumps(written.as_json()))
        beside.replace(place.with_suffix(".json"))

    def profile(*_: object) -> None:
        if sampling:
            sampling.pop().end(place.with_suffix(".txt"))
        else:
            sampling.append(_Samples())
            sampling[0].begin()

    signal.signal(signal.SIGUSR1, tell)
    signal.signal(signal.SIGUSR2, profile)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
