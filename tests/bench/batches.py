"""What a batch of ten thousand rows costs an issuer, and what a claim adds to an offer.

Run in a process of its own (`python -m tests.bench.batches --rows 10000 --folder DIR`), with real wallet, keys and
governance; prints the figures as JSON:

- `batch_10k_rss_growth_mb` (at most 50): what the process has grown by, in MiB, once a list of ten thousand rows was
  read, judged, kept and started and some of its slips were claimed, after a small batch has gone the same way;
- `slip_over_offer` (at most 4): CPU time of the issuer from a slip that is claimed to its offer, over making such an
  offer at the desk: medians of rounds that take turns.
"""

import argparse
import asyncio
import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from tests.bench.memory import resident_kib
from tests.bench.ratios import median_of_ratios
from tests.unit.issuer.batches.scene import FOR_ALL, KIND, Centre, class_text, plan_of
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import Batch
from wanderbuch.agents.issuer.class_list.judged import read_judged
from wanderbuch.agents.issuer.class_list.listed import ClassSettings
from wanderbuch.governance.lists.reading import Choices
from wanderbuch.store.records import utc_now

_WARM_ROWS: Final = 200
_ROUNDS: Final = 30
_IN_A_ROUND: Final = 10


def measure_batches(folder: Path, rows: int = 10_000) -> dict[str, Any]:
    """Return the figures, measured in a process of its own.

    Raises:
        subprocess.CalledProcessError: it failed; its standard error says why.
    """
    command = (sys.executable, "-m", "tests.bench.batches", "--rows", str(rows), "--folder", str(folder))
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    document: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return document


async def _measure(folder: Path, rows: int) -> dict[str, Any]:
    workshop = Workshop(folder)
    await workshop.open()
    centre = Centre(workshop)
    warm, _ = await _started(centre, _WARM_ROWS)
    await _claimed(centre, warm, first=2, count=20)
    before = _resident_mib()
    batch, took_s = await _started(centre, rows)
    await _claimed(centre, batch, first=2, count=20)
    growth = _resident_mib() - before
    claims, offers, number = [], [], 100
    for _ in range(_ROUNDS):
        claims.append(await _cpu_ms(lambda at=number: _claimed(centre, batch, first=at, count=_IN_A_ROUND)))  # type: ignore[misc]
        offers.append(await _cpu_ms(lambda at=number: _offered(workshop, first=at)))  # type: ignore[misc]
        number += _IN_A_ROUND
    ratio = median_of_ratios(claims, offers)
    await workshop.sending.stop(wait_s=5)
    await workshop.profile.close()
    return {
        "rows": rows,
        "batch_10k_rss_growth_mb": round(growth, 1),
        "read_judged_kept_cpu_s": round(took_s, 2),
        "slip_over_offer": round(ratio.value, 3),
        "slip_over_offer_95": list(ratio.interval),
        "claim_ms": round(ratio.above / _IN_A_ROUND, 2),
    }


async def _started(centre: Centre, rows: int) -> tuple[Batch, float]:
    """Return a batch of so many rows that runs, and the CPU time that it took, in seconds."""
    text, began = class_text(*centre.numbers(rows)).encode(), time.process_time()
    settings = ClassSettings(for_all=FOR_ALL)
    listed = await read_judged(centre.standing, centre.claiming.numbers, text, settings, Choices(), at=utc_now())
    batch = await centre.desk.start((await centre.desk.make(listed, KIND, plan_of(), None)).id, by="n.silva")
    return batch, time.process_time() - began


async def _claimed(centre: Centre, batch: Batch, *, first: int, count: int) -> None:
    for number in range(first, first + count):
        await centre.claim(batch, number)


async def _offered(workshop: Workshop, *, first: int) -> None:
    for number in range(first, first + _IN_A_ROUND):
        await workshop.make(credential_id=f"O-{number}")


async def _cpu_ms(work: Callable[[], Awaitable[object]]) -> float:
    began = time.process_time()
    await work()
    return (time.process_time() - began) * 1000


def _resident_mib() -> float:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return resident_kib(os.getpid()) / 1024


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    told = parser.parse_args()
    told.folder.mkdir(parents=True, exist_ok=True)
    os.environ["HOME"] = str(told.folder)
    print(json.dumps(asyncio.run(_measure(told.folder, told.rows))))


if __name__ == "__main__":
    main()
