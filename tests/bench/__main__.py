"""`python -m tests.bench`: real agents beside the raw anoncreds library and stock ACA-Py; writes `build/bench.json`.

What is measured is CPU time of each agent's process, all its threads, from the call until every agent is at rest again,
less what the process uses when nothing is asked of it (measured in the same run). A round is our agents, stock ACA-Py
and the raw library in turn, so a busy or throttled machine slows all; each figure is the median of the rounds' ratios,
and only ratios mean something elsewhere. What else is measured says in its module how.

`--only rounds,stock` measures those parts alone, `--quick` everything in a short form. It exits with 1 only if an
exchange or a marker was lost or an operation failed; a figure that misses its bar is told.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from tests.bench import exchange
from tests.bench.asking import measure_asking
from tests.bench.batches import measure_batches
from tests.bench.envelopes import measure_envelopes
from tests.bench.errors import BenchError
from tests.bench.exchange import ExchangeOptions, measure_exchange
from tests.bench.figures import Figures
from tests.bench.governance import measure_large
from tests.bench.importing import measure_importing
from tests.bench.judging import measure_judging, measure_replay
from tests.bench.keys import (
    ASKING,
    BATCHES,
    ENVELOPES,
    GOVERNANCE,
    IMPORTING,
    JUDGING,
    MEDIATOR,
    OFFLINE,
    PROCESSES,
    RECORDS,
    REGISTERS,
    SLIPS,
    STORE,
    TENANTS,
    WALLET_PAGE,
    WALLET_PROOFS,
    WALLET_WALK,
    Key,
)
from tests.bench.mediator import measure_mediator
from tests.bench.offline import measure_offline
from tests.bench.process_clock import NotQuietError
from tests.bench.processes import measure_processes
from tests.bench.records import measure_records
from tests.bench.registers import measure_registers
from tests.bench.scaling import measure_scaling
from tests.bench.slips import measure_slips
from tests.bench.tenants import measure_tenants
from tests.bench.wallet_page import measure_wallet_page
from tests.bench.wallet_proofs import measure_wallet_proofs
from tests.bench.wallet_walk import measure_wallet_walk
from tests.needs import whole_chromium

from wanderbuch.agents.machine.errors import MachineError
from wanderbuch.agents.machine.interrupting import run_to_the_end
from wanderbuch.agents.machine.temporary import TemporaryFolder
from wanderbuch.errors import WanderbuchError
from wanderbuch.schemas.credential_type import load_credential_type

_OUT: Final = Path("build") / "bench.json"
_VERSIONS: Final = (
    *("wanderbuch", "acapy-agent", "anoncreds", "aries-askar", "aiohttp", "pydantic", "marshmallow"),
    *("orjson", "msgspec"),
)
# What can be measured, in this order, and the keys that it gives.
PARTS: Final[Mapping[str, Mapping[str, Key]]] = {
    "governance": GOVERNANCE,
    "tenants": TENANTS,
    "batches": BATCHES,
    "importing": IMPORTING,
    "store": STORE,
    "records": RECORDS,
    "registers": REGISTERS,
    "envelopes": ENVELOPES,
    "mediator": MEDIATOR,
    "wallet_page": WALLET_PAGE,
    "wallet_walk": WALLET_WALK,
    "wallet_proofs": WALLET_PROOFS,
    "offline": OFFLINE,
    "judging": JUDGING,
    "asking": ASKING,
    "slips": SLIPS,
    **exchange.PARTS,
    "scaling": PROCESSES,
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: fewer rounds widen the intervals."""

    rounds: int = 16
    registry_size: int = 1000
    presentations: int = 200
    in_flight: int = 30
    alone: int = 20
    full_wallet: int = 500
    issuers: int = 100_000
    tenants: int = 1000
    ended: int = 200_000
    certificates: int = 200_000
    listed: int = 200_000
    slips: int = 2_000
    idle_wallets: int = 5_000
    store_rounds: int = 5
    sessions: int = 200
    institutions: int = 1_000
    revoked: int = 20


_QUICK: Final = Sizes(
    rounds=5,
    presentations=40,
    alone=5,
    full_wallet=60,
    issuers=2_000,
    tenants=100,
    ended=5_000,
    certificates=5_000,
    listed=5_000,
    slips=100,
    store_rounds=2,
    idle_wallets=200,
    sessions=60,
)


@dataclass(frozen=True, slots=True)
class _Run:
    parts: frozenset[str]
    sizes: Sizes
    folder: Path
    figures: Figures
    progress: Callable[[str], None]
    any_cores: bool


def main() -> None:
    """Run the bench as the command line says; never returns."""
    if browser := whole_chromium():
        os.environ["CHROMIUM"] = str(browser)  # what people have, and what earlier figures were measured with
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the agents' CPU.")
    parser.add_argument("--only", metavar="PARTS", help=f"some of {','.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="few rounds and small sizes: a look, no figures to keep")
    parser.add_argument("--rounds", type=int, help="of the agents; 16 by default")
    parser.add_argument("--slips", type=int, help="rows of the class with slips; 2,000 by default")
    parser.add_argument("--any-cores", action="store_true", help="throughput also where processors are too few for it")
    parser.add_argument("--out", type=Path, default=_OUT, help=f"where the figures go (default {_OUT})")
    told = parser.parse_args()
    parts = frozenset(told.only.split(",")) if told.only else frozenset(PARTS)
    if unknown := parts - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    sizes = _QUICK if told.quick else Sizes()
    if told.rounds:
        sizes = replace(sizes, rounds=told.rounds)
    if told.slips:
        sizes = replace(sizes, slips=told.slips)
    # Agents start from compiled code, as they do where a wheel is installed: the first start writes it. An environment
    # that wants none written would have each start compile all of ours, which is neither an agent's CPU nor its memory.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.exit(run_to_the_end(_run(parts, sizes, told)))


async def _run(parts: frozenset[str], sizes: Sizes, told: argparse.Namespace) -> int:
    console = Console(stderr=True)
    began = time.monotonic()

    def progress(text: str) -> None:
        console.print(f"[{time.monotonic() - began:4.0f} s] {text}", markup=False, highlight=False)

    figures = Figures()
    for part in PARTS.keys() - parts:
        figures.leave_out(PARTS[part], "not asked for")
    temporary = TemporaryFolder("wanderbuch-bench")
    run = _Run(parts, sizes, temporary.path, figures, progress, told.any_cores)
    took: dict[str, float] = {}
    try:
        for names, measure in _STEPS.items():
            if wanted := parts & frozenset(names.split()):
                started = time.monotonic()
                await _measure(run, measure, wanted)
                took[names] = round(time.monotonic() - started, 1)
                _write(told.out, figures)  # what is known is kept, whatever ends the rest
    except asyncio.CancelledError:
        temporary.remove()
        raise
    figures.details |= _circumstances(sizes, took, time.monotonic() - began)
    _write(told.out, figures)
    figures.show(Console(width=None if sys.stdout.isatty() else 140))
    if figures.faults:
        console.print(f"The agents' logs are in {temporary.remove_but_logs()}", markup=False)
        return 1
    temporary.remove()
    return 0


def _write(out: Path, figures: Figures) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures.as_json(), indent=2) + "\n", encoding="utf-8")


async def _measure(run: _Run, measure: Callable[[_Run], Awaitable[None]], parts: frozenset[str]) -> None:
    """Measure some parts; what fails is a fault, and the other parts are measured all the same."""
    try:
        await measure(run)
    except Exception as err:  # noqa: BLE001 (the edge of a part: a defect in one must not cost the others' figures)
        why = f"{type(err).__name__}: {err}"
        if not isinstance(err, (BenchError, WanderbuchError, NotQuietError, subprocess.CalledProcessError)):
            traceback.print_exc()
        run.figures.faults.append(f"{', '.join(sorted(parts))}: {why}")
        missing = [key for part in parts for key in PARTS[part] if key not in run.figures.values]
        run.figures.leave_out(missing, why)


async def _governance(run: _Run) -> None:
    run.progress(f"A governance file of {run.sizes.issuers} issuers is written")
    await measure_large(run.folder / "governance", run.sizes.issuers, run.figures, run.progress)


async def _tenants(run: _Run) -> None:
    run.progress(f"{run.sizes.tenants} tenants in one process")
    thread = await asyncio.to_thread(measure_tenants, run.folder / "tenants", run.sizes.tenants)
    for key in TENANTS:
        run.figures.take(key, thread[key])
    run.figures.details["tenants"] = thread


async def _batches(run: _Run) -> None:
    run.progress("A batch of 10,000 rows")
    measured = await asyncio.to_thread(measure_batches, run.folder / "batches")
    run.figures.take("batch_10k_rss_growth_mb", measured["batch_10k_rss_growth_mb"])
    low, high = measured["slip_over_offer_95"]
    run.figures.take("slip_over_offer", measured["slip_over_offer"], (low, high))
    run.figures.details["batches"] = measured


async def _importing(run: _Run) -> None:
    run.progress(f"A workbook of {run.sizes.listed} rows is read")
    importing = await asyncio.to_thread(measure_importing, run.sizes.listed)
    run.figures.take_ratio("import_200k_rows_over_calamine", importing.ratio, "calamine")
    run.figures.details["importing"] = {"rows": importing.rows}


async def _store(run: _Run) -> None:
    try:
        process_figures = await measure_processes(run.progress, rounds=run.sizes.store_rounds)
    except MachineError as err:  # PostgreSQL is not installed
        run.figures.leave_out(STORE, f"{err.message} ({err.hint})")
        return
    run.figures.take_ratio("store_two_processes_over_one", process_figures.ratio, "one", "per_s")
    run.figures.details["store"] = process_figures.details
    if process_figures.lost:
        run.figures.faults.append(f"{process_figures.lost} markers were lost")


async def _records(run: _Run) -> None:
    record_figures = await measure_records(run.folder / "records", run.progress, ended=run.sizes.ended)
    worst = max(record_figures.ratios.values(), key=lambda ratio: ratio.value)
    run.figures.take_ratio("query_200k_records_over_empty", worst, "empty")
    run.figures.details["records"] = record_figures.details


async def _registers(run: _Run) -> None:
    ratios = await measure_registers(run.folder / "registers", run.progress, many=run.sizes.certificates)
    worst = max(ratios.values(), key=lambda ratio: ratio.value)
    run.figures.take_ratio("register_search_200k_over_1k", worst, "few")
    run.figures.details["registers"] = {name: round(ratio.value, 3) for name, ratio in ratios.items()}


async def _envelopes(run: _Run) -> None:
    run.progress("Envelopes of DIDComm v1 and v2")
    envelope_figures = measure_envelopes()
    run.figures.take_ratio("v2_pack_unpack_over_v1", envelope_figures.ratio, "v1")
    run.figures.details["envelopes"] = envelope_figures.details


async def _mediator(run: _Run) -> None:
    mediator_figures = await measure_mediator(run.folder / "mediator", run.sizes.idle_wallets, run.progress)
    run.figures.take_ratio("mediator_cpu_over_raw_unpack", mediator_figures.ratio, "raw")
    run.figures.take("mediator_idle_rss_kb_each", mediator_figures.idle_kib)
    run.figures.details["mediator"] = mediator_figures.details


async def _wallet_page(run: _Run) -> None:
    run.progress("The files of the wallet's page")
    wallet_figures = await asyncio.to_thread(measure_wallet_page)
    run.figures.take("wallet_first_page_kb", wallet_figures.first_kb)
    run.figures.take("wallet_whole_kb", wallet_figures.whole_kb)
    run.figures.details["wallet_page"] = wallet_figures.details


async def _wallet_walk(run: _Run) -> None:
    walk = await measure_wallet_walk(
        run.folder / "wallet_walk",
        count=run.sizes.institutions,
        revoked=run.sizes.revoked,
        progress=run.progress,
    )
    for key, value in walk.values.items():
        run.figures.take(key, value)
    run.figures.details["wallet_walk"] = walk.details


async def _wallet_proofs(run: _Run) -> None:
    run.progress("Proofs of the wallet in the page")
    proofs = await asyncio.to_thread(measure_wallet_proofs, run.folder / "wallet_proofs")
    for key, value in proofs.values.items():
        run.figures.take(key, value)
    run.figures.details["wallet_proofs"] = proofs.details


async def _offline(run: _Run) -> None:
    run.progress("A question and its answer by codes on two screens")
    folder = run.folder / "offline"
    folder.mkdir()
    offline = await measure_offline(folder)
    run.figures.take("offline_read_s", offline.answer_s)
    run.figures.details["offline"] = offline.details


async def _judging(run: _Run) -> None:
    run.progress("A decision, and the cryptography of the same answer")
    folder = run.folder / "judging"
    folder.mkdir()
    judging = measure_judging(folder, registry_size=run.sizes.registry_size)
    run.figures.take_ratio("decision_share_of_crypto", judging.deciding, "library")
    again = await asyncio.to_thread(measure_replay, folder, registry_size=run.sizes.registry_size)
    run.figures.take_ratio("case_replay_over_verify", again, "library")
    run.figures.details["judging"] = {"reading": judging.reading.as_json("reading", "library")}


async def _asking(run: _Run) -> None:
    folder = run.folder / "asking"
    folder.mkdir()
    sizes = run.sizes
    asking = await measure_asking(
        folder, registry_size=sizes.registry_size, sessions=sizes.sessions, progress=run.progress
    )
    run.figures.take_ratio("ask_cpu_over_crypto", asking.ask, "library")
    run.figures.take("verifier_makespan_over_crypto", asking.makespan)
    run.figures.details["asking"] = asking.details
    if asking.lost:
        run.figures.faults.append(f"{asking.lost} answers were lost: {asking.outcomes}")


async def _slips(run: _Run) -> None:
    slips = await measure_slips(run.folder / "slips", run.progress, rows=run.sizes.slips)
    run.figures.take("slip_to_held_cpu_over_crypto", slips.ratio)
    run.figures.details["slips"] = slips.details


async def _exchange(run: _Run) -> None:
    sizes = run.sizes
    options = ExchangeOptions(
        parts=run.parts | {"rounds"} if "stock" in run.parts else run.parts,
        rounds=sizes.rounds,
        registry_size=sizes.registry_size,
        presentations=sizes.presentations,
        in_flight=sizes.in_flight,
        alone=sizes.alone,
        full=sizes.full_wallet,
    )
    await measure_exchange(run.folder / "exchange", options, run.figures, run.progress)


async def _scaling(run: _Run) -> None:
    await measure_scaling(
        run.folder / "scaling", run.sizes.registry_size, run.figures, run.progress, any_cores=run.any_cores
    )


_STEPS: Final[Mapping[str, Callable[[_Run], Awaitable[None]]]] = {
    "governance": _governance,
    "tenants": _tenants,
    "batches": _batches,
    "importing": _importing,
    "store": _store,
    "records": _records,
    "registers": _registers,
    "envelopes": _envelopes,
    "mediator": _mediator,
    "wallet_page": _wallet_page,
    "wallet_walk": _wallet_walk,
    "wallet_proofs": _wallet_proofs,
    "offline": _offline,
    "judging": _judging,
    "asking": _asking,
    "slips": _slips,
    " ".join(exchange.PARTS): _exchange,
    "scaling": _scaling,
}


def _circumstances(sizes: Sizes, took: Mapping[str, float], seconds: float) -> dict[str, Any]:
    return {
        "sizes": {name: getattr(sizes, name) for name in Sizes.__dataclass_fields__},
        "attributes": len(load_credential_type("qualification/1.0").attr_names),
        "seconds": round(seconds, 1),
        "seconds_by_part": dict(took),
        "measured_on": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "versions": {name: version(name) for name in _VERSIONS},
        "method": __doc__,
    }


if __name__ == "__main__":
    main()
