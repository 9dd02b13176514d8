"""Governance files of a million accreditations: written, then measured in fresh processes (see `large`)."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.agents import BenchError
from tests.bench.many import PER_ISSUER, write_many

from wanderbuch.agents.machine.children import kill_child, start_child

FEW_ISSUERS: Final = 100
_TIMEOUT_S: Final = 600


@dataclass(frozen=True, slots=True)
class LargeFigures:
    """What was found.

    Args:
        load_over_parse: CPU of verifying and loading a file from disk, over parsing the same bytes with the faster of
            orjson and msgspec, untyped; the garbage collector as Python sets it.
        load_over_parse_uncollected: the same with the collector off while the baseline parses.
        bytes_each: what a fresh process grew by for each accreditation.
        decision_us: median of decisions about random issuers of the large file.
        decision_growth: the same, over the median with a thousand accreditations.
        trqp_over_empty: requests a second of TRQP on the large file, over those of an empty handler.
        details: everything that was read from the processes.
    """

    load_over_parse: float
    load_over_parse_uncollected: float
    bytes_each: float
    decision_us: float
    decision_growth: float
    trqp_over_empty: float
    details: dict[str, Any]

    def as_json(self) -> dict[str, float]:
        """Return the keys of `build/bench.json`."""
        return {
            "governance_load_over_parse": round(self.load_over_parse, 3),
            "governance_bytes_each": round(self.bytes_each, 1),
            "decision_us": round(self.decision_us, 2),
            "decision_growth_1k_to_1m": round(self.decision_growth, 3),
            "trqp_over_empty_handler": round(self.trqp_over_empty, 3),
        }


async def measure_large(folder: Path, issuers: int, progress: Callable[[str], None]) -> LargeFigures:
    """Write a file of so many issuers with ten accreditations each, and one of `FEW_ISSUERS`, and measure both.

    Raises:
        BenchError: a process failed.
    """
    began = time.process_time()
    size = await asyncio.to_thread(write_many, folder / "many", issuers)
    await asyncio.to_thread(write_many, folder / "few", FEW_ISSUERS)
    written_s = time.process_time() - began
    progress("A process loads it, and decides")
    held = await _run("held", folder)
    progress("Another loads it again, and parses the same bytes in between")
    loaded = await _run("loaded", folder)
    as_set, off = loaded["as_set"], loaded["off"]
    decision = held["decision_us"]
    return LargeFigures(
        load_over_parse=_over_parse(as_set),
        load_over_parse_uncollected=_over_parse(off),
        bytes_each=held["bytes_each"],
        decision_us=decision["many"],
        decision_growth=decision["many"] / decision["few"],
        trqp_over_empty=held["trqp"]["over_empty"]["ratio"],
        details={
            "accreditations": issuers * PER_ISSUER,
            "bytes": size,
            "root_bytes": (folder / "many" / "current.jws").stat().st_size,
            "parts": sum(1 for _ in (folder / "many" / "parts").iterdir()),
            "written_cpu_s": round(written_s, 1),
            "load_over_parse_uncollected": round(_over_parse(off), 3),
            "cpu_s": {"collector_as_set": as_set, "collector_off": off},
            **held,
        },
    )


def _over_parse(cpu_s: dict[str, float]) -> float:
    return cpu_s["load"] / min(cpu_s["orjson"], cpu_s["msgspec"])


async def _run(what: str, folder: Path) -> Any:
    command = (sys.executable, "-m", "tests.bench.large", what, str(folder))
    process = await start_child(command, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(_TIMEOUT_S):  # not `communicate`, which closes the standard input
            said = await process.stdout.read() if process.stdout else b""
            await process.wait()
    except TimeoutError as err:
        await kill_child(process)
        raise BenchError(f"measuring a large file ({what}) took longer than {_TIMEOUT_S} s") from err
    if process.returncode != 0:
        raise BenchError(f"measuring a large file ({what}) ended with {process.returncode}")
    return json.loads(said)
