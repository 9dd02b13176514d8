"""Governance files of a million accreditations: written, then measured in fresh processes (see `large`)."""

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.bench.errors import BenchError
from tests.bench.figures import Figures
from tests.bench.many import PER_ISSUER, write_many

from wanderbuch.agents.machine.children import kill_child, start_child

FEW_ISSUERS: Final = 100
_TIMEOUT_S: Final = 600


async def measure_large(folder: Path, issuers: int, figures: Figures, progress: Callable[[str], None]) -> None:
    """Write a file of so many issuers with ten accreditations each, and one of `FEW_ISSUERS`, and measure both.

    Raises:
        BenchError: a process failed.
    """
    began = time.process_time()
    size = await asyncio.to_thread(write_many, folder / "many", issuers)
    await asyncio.to_thread(write_many, folder / "few", FEW_ISSUERS)
    written_s = time.process_time() - began
    progress("A process loads it, and decides")
    large = await _run("held", folder)
    progress("Another loads it again, and parses the same bytes in between")
    loaded = await _run("loaded", folder)
    as_set, off = loaded["as_set"], loaded["off"]
    figures.take("governance_load_over_parse", _over_parse(as_set))
    figures.take("governance_bytes_each", large["bytes_each"])
    figures.take("decision_us", large["decision_us"]["many"])
    growth, trqp = large["decision_growth"], large["trqp"]["over_empty"]
    figures.take("decision_growth_1k_to_1m", growth["ratio"], tuple(growth["interval_95"]))
    figures.take("trqp_over_empty_handler", trqp["ratio"], tuple(trqp["interval_95"]))
    figures.details["governance"] = {
        "accreditations": issuers * PER_ISSUER,
        "bytes": size,
        "root_bytes": (folder / "many" / "current.jws").stat().st_size,
        "parts": sum(1 for _ in (folder / "many" / "parts").iterdir()),
        "written_cpu_s": round(written_s, 1),
        "load_over_parse_uncollected": round(_over_parse(off), 3),
        "cpu_s": {"collector_as_set": as_set, "collector_off": off},
        **large,
    }
    await asyncio.to_thread(shutil.rmtree, folder)


def _over_parse(cpu_s: dict[str, float]) -> float:
    return cpu_s["load"] / min(cpu_s["orjson"], cpu_s["msgspec"])


async def _run(what: str, folder: Path) -> Any:
    command = (sys.executable, "-m", "tests.bench.large", what, str(folder))
    process = await start_child(command, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(_TIMEOUT_S):  # not `communicate`, which closes the standard input
            printed = await process.stdout.read() if process.stdout else b""
            await process.wait()
    except TimeoutError as err:
        await kill_child(process)
        raise BenchError(f"measuring a large file ({what}) took longer than {_TIMEOUT_S} s") from err
    if process.returncode != 0:
        raise BenchError(f"measuring a large file ({what}) ended with {process.returncode}")
    return json.loads(printed)
