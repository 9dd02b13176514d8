"""What an issuer spends from a class list as a file to the last credential in a wallet, over the cryptography of it.

`python -m tests.bench.slips [--rows 2000] [--profile FOLDER]` measures it alone. Real agents: the issuer reads, judges
and keeps the list; people open the pages of their slips and press the button; wallets take what that offers. The CPU of
the whole process of the issuer counts, from the file on until everybody is at rest after the last wallet, less what it
uses when nothing is asked of it. Listing the slips is not counted: that belongs to drawing them; nor is the code on the
page of the offer drawn, since people who have the page on their phone press its button. Beside it, after each
part of the class, the raw library offers and issues a few; it also makes a registry as often as the issuer did. The
holder's side of either is not counted.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from tests.bench.agents import Agents, running_agents
from tests.bench.class_day import ClassDay
from tests.bench.crypto import RawCrypto
from tests.bench.errors import BenchError
from tests.bench.meter import Meter, idle_share
from tests.bench.process_clock import ProcessClocks
from tests.bench.ratios import without_idle
from tests.bench.written import watched_command

from wanderbuch.schemas.credential_type import load_credential_type

ROWS: Final = 2_000
REGISTRY_SIZE: Final = 1_000
_PARTS: Final = 20
_LEAST_PART: Final = 20
_RAW_A_PART: Final = 10
_AT_ONCE: Final = 4
_WARM: Final = 20


@dataclass(frozen=True, slots=True)
class SlipFigures:
    """The issuer's CPU over the library's, and where it went."""

    ratio: float
    details: dict[str, Any]


async def measure_slips(
    folder: Path, progress: Callable[[str], None], *, rows: int = ROWS, profiled: Path | None = None
) -> SlipFigures:
    """Start everybody and have a class take its certificates.

    Args:
        folder: for the agents.
        progress: is told what is being done.
        rows: how many people.
        profiled: where a profile of the issuer's main thread goes.

    Raises:
        BenchError: a slip did not become a credential.
        NoClockError: the CPU clock of another process cannot be read here.
    """
    progress("The agents of a centre start")
    async with running_agents(folder / "agents", REGISTRY_SIZE) as agents:
        if profiled is not None:
            await _watched(agents, profiled)
        return await _measured(agents, folder, progress, rows, is_profiled=profiled is not None)


async def _measured(
    agents: Agents, folder: Path, progress: Callable[[str], None], rows: int, *, is_profiled: bool
) -> SlipFigures:
    clocks = ProcessClocks({"issuer": agents.pids["issuer"], "holder": agents.pids["holder"]})
    day = ClassDay(agents, _AT_ONCE)
    await day.take(await _addresses(day, await day.hand_in(_WARM, series="W")))
    raw = RawCrypto(load_credential_type("qualification/1.0").attr_names, REGISTRY_SIZE, folder)
    _raw_ms(raw, agents.values)
    meter = Meter(clocks, await idle_share(clocks))
    registries = await _registries(agents)
    if is_profiled:
        os.kill(agents.pids["issuer"], signal.SIGUSR2)
    progress(f"A list of {rows} rows is handed in")
    at_rest = await meter.at_rest()
    batch_id = await day.hand_in(rows, series="S")
    await meter.note(at_rest, issuer="list")
    addresses = await _addresses(day, batch_id)
    progress(f"{rows} slips are claimed")
    kinds: dict[str, float] = {}
    library: list[tuple[int, float]] = []
    claimed_ms, size = 0.0, max(_LEAST_PART, -(-rows // _PARTS))
    for start in range(0, rows, size):
        part = addresses[start : start + size]
        before = await meter.at_rest()
        await day.take(part)
        after = await meter.at_rest()
        used = after.reading.cpu_s["issuer"] - before.reading.cpu_s["issuer"]
        claimed_ms += 1e3 * without_idle(used, after.reading.at - before.reading.at, meter.idle["issuer"])
        for kind, spent in after.kinds["issuer"].items():
            kinds[kind] = kinds.get(kind, 0.0) + 1e3 * (spent - before.kinds["issuer"][kind])
        library.append((len(part), await asyncio.to_thread(_raw_ms, raw, agents.values)))
    if is_profiled:
        os.kill(agents.pids["issuer"], signal.SIGUSR2)
    if (issued := await day.issued(batch_id)) != rows:
        raise BenchError(f"expected {rows} rows that were issued, found {issued}")
    made = await _registries(agents) - registries
    registry_ms = await asyncio.to_thread(_registry_ms, raw, folder) if made else 0.0
    list_ms = meter.samples["list"][0]
    issuing_ms = sum(count * duration for count, duration in library)
    ours, theirs = list_ms + claimed_ms, issuing_ms + made * registry_ms
    return SlipFigures(
        ours / theirs,
        {
            "rows": rows,
            "row_ms": round(ours / rows, 2),
            "list_ms_a_row": round(list_ms / rows, 3),
            "by_thread_ms": {kind: round(spent / rows, 2) for kind, spent in kinds.items()},
            "library_ms": round(theirs / rows, 2),
            "library_issue_ms": round(issuing_ms / rows, 2),
            "registries": made,
            "registry_ms": round(registry_ms),
        },
    )


async def _addresses(day: ClassDay, batch_id: str) -> list[str]:
    return [slip["address"] async for slip in day.slips(batch_id)]


async def _registries(agents: Agents) -> int:
    return len((await agents.issuer.get("/standing"))["registries"])


def _raw_ms(raw: RawCrypto, values: Mapping[str, str]) -> float:
    """Return the CPU of an offer and a credential by the library alone, milliseconds."""
    times_ms: list[float] = []
    for _ in range(_RAW_A_PART):
        began = time.process_time()
        offer = raw.offer()
        spent = time.process_time() - began
        request, _ = raw.request(offer)
        began = time.process_time()
        raw.issue(offer, request, values)
        times_ms.append(1e3 * (spent + time.process_time() - began))
    return fmean(times_ms)


def _registry_ms(raw: RawCrypto, folder: Path) -> float:
    """Return the CPU of making a registry with its tails and its first list, milliseconds."""
    began = time.process_time()
    raw.make_registry(REGISTRY_SIZE, folder)
    return 1e3 * (time.process_time() - began)


async def _watched(agents: Agents, folder: Path) -> None:
    """Start the issuer again so that it can be profiled (`tests.bench.watched`)."""
    issuer = agents.issuer
    await issuer.stop()
    issuer.command = watched_command(folder, issuer.command)
    await issuer.start()
    await issuer.wait_for("/standing", "ready", True)


async def _alone(rows: int, profiled: Path | None) -> None:
    with tempfile.TemporaryDirectory(prefix="wanderbuch-bench") as folder:
        measured = await measure_slips(
            Path(folder), lambda text: print(text, file=sys.stderr), rows=rows, profiled=profiled
        )
    print({"slip_to_held_cpu_over_crypto": round(measured.ratio, 3), **measured.details})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--profile", type=Path)
    told = parser.parse_args()
    if told.profile is not None:
        told.profile.mkdir(parents=True, exist_ok=True)
    asyncio.run(_alone(told.rows, told.profile))
