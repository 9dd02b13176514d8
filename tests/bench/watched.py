"""`python -m tests.bench.watched FOLDER MODULE ARGUMENT…`: a program whose writes to its store are counted.

MODULE is run as `python -m MODULE ARGUMENT…` would. At SIGUSR1 it writes what it has handed to its store since it began
to FOLDER/<pid>.json: values and tags given to Askar, by category, and arguments of statements that write to the plain
tables. At SIGUSR2 it begins to sample its main thread, and ends that at the next, which writes FOLDER/<pid>.stacks (see
`sampled`; `python -m tests.bench.profiled` does so for whole exchanges).
"""

import json
import os
import runpy
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Final

from aries_askar import bindings
from tests.bench.sampled import Sampler

from wanderbuch.store.engine import Statement
from wanderbuch.store.postgresql import PostgresqlEngine
from wanderbuch.store.sqlite import SqliteEngine

PLAIN: Final = "(plain tables)"
KEYS: Final = "(keys)"


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


def _size(given: Iterable[Any]) -> int:
    """Return the bytes of values and tags."""
    size = 0
    for value in given:
        if isinstance(value, bytes | bytearray | memoryview):
            size += len(value)
        elif isinstance(value, str):
            size += len(value.encode())
        elif isinstance(value, Mapping):
            size += _size(value.keys()) + _size(value.values())
        elif isinstance(value, list | tuple | set | frozenset):
            size += _size(value)
        elif isinstance(value, int | float):
            size += 8
    return size


def main() -> None:
    """Run the program that the command line names."""
    folder, module, *arguments = sys.argv[1:]
    place = Path(folder) / str(os.getpid())
    written = Written()
    written.count()
    samplers: list[Sampler] = []

    def tell(*_: object) -> None:
        _write(place.with_suffix(".json"), json.dumps(written.as_json()))

    def sample(*_: object) -> None:
        if samplers:
            ended = samplers.pop()
            ended.stop()
            _write(place.with_suffix(".stacks"), ended.folded())
        else:
            samplers.append(Sampler())
            samplers[0].start()
            _write(place.with_suffix(".sampling"), "")

    signal.signal(signal.SIGUSR1, tell)
    signal.signal(signal.SIGUSR2, sample)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _write(file: Path, text: str) -> None:
    beside = file.with_suffix(".writing")
    beside.write_text(text)
    beside.replace(file)


if __name__ == "__main__":
    main()
