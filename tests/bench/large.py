"""`python -m tests.bench.large WHAT FOLDER`: a measurement over a million accreditations in a fresh process, as JSON.

`held`: verify and load the file once, and nothing else; what the process grew by, then how long decisions take.
`loaded`: the same load again, and between the parts the same bytes parsed by orjson and by msgspec, so that whatever
slows this machine slows all three. Twice: with the garbage collector as Python sets it, and with it off.
"""

import asyncio
import ctypes
import gc
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson
from tests.bench.many import AUTHOR, ManyRecords

from wanderbuch.agents.runtime.parent import end_with_stdin
from wanderbuch.governance.divided.bulk import load_divided
from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.signed.signing import SignedGovernanceFile, verify_file
from wanderbuch.huge_pages import use_huge_pages

_MEMORY: Final = ("RssAnon", "RssFile", "RssShmem")


class ParsedBetween:
    """Reads parts for a load, and parses each beside it; its own time is not the load's.

    The parsers take turns in being first: the collector runs when so much has come together, and else would always run
    in the one that comes first after the load.

    Args:
        collecting: whether the garbage collector runs while the baseline parses, as it does by default.
    """

    def __init__(self, records: ManyRecords, *, collecting: bool) -> None:
        self._records, self._collecting = records, collecting
        self.parsers: dict[str, Callable[[bytes], Any]] = {"orjson": orjson.loads, "msgspec": msgspec.json.decode}
        self.parsing_s = dict.fromkeys(self.parsers, 0.0)
        self.aside_s = 0.0
        self._number = 0

    def read_part(self, digest: str) -> bytes:
        """Return the bytes of a part."""
        part = self._records.read_part(digest)
        began = time.process_time()
        was_collecting = gc.isenabled()
        if self._collecting:
            gc.enable()
        self._number += 1
        for name, parse in tuple(self.parsers.items())[:: 1 if self._number % 2 else -1]:
            started = time.process_time()
            parse(part)
            self.parsing_s[name] += time.process_time() - started
        if not was_collecting:
            gc.disable()
        self.aside_s += time.process_time() - began
        return part


def verify_and_load(records: ManyRecords, read_part: Callable[[str], bytes]) -> SignedGovernanceFile:
    """Return the file after everything that a consumer checks: the root's signature and form, then every part."""

    async def key(_: DidUrl) -> bytes:
        return records.key

    root = asyncio.run(verify_file(records.root, author=AUTHOR, resolve_key=key))
    return replace(root, file=load_divided(root, read_part))


def memory() -> int:
    """Return the bytes that this process has in memory now: its own, and what it maps."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return sum(1024 * int(match[1]) for name in _MEMORY if (match := re.search(rf"{name}:\s+(\d+) kB", status)))


def loaded(records: ManyRecords, *, collecting: bool) -> dict[str, float]:
    """Return the CPU seconds of a load and of each parser on the same bytes."""
    between = ParsedBetween(records, collecting=collecting)
    began = time.process_time()
    verify_and_load(records, between.read_part)
    return {"load": time.process_time() - began - between.aside_s, **between.parsing_s}


def main() -> None:
    """Measure what the command line says."""
    end_with_stdin()
    what, folder = sys.argv[1], Path(sys.argv[2])
    records = ManyRecords.read(folder / "many")
    if what == "loaded":
        figures: dict[str, Any] = {"as_set": loaded(records, collecting=True), "off": loaded(records, collecting=False)}
    else:
        verify_and_load(
            ManyRecords.read(folder / "few"), ManyRecords.read(folder / "few").read_part
        )  # what is imported
        before = memory()
        began = time.process_time()
        signed = verify_and_load(records, records.read_part)
        use_huge_pages()  # as an agent does then
        figures = {"load_s": time.process_time() - began}
        figures["bytes_each"] = (memory() - before) / len(signed.file.accreditations)
        from tests.bench.large_questions import asked  # only now: what it imports is not the file's memory

        figures |= asked(signed, verify_and_load(few := ManyRecords.read(folder / "few"), few.read_part))
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main()
