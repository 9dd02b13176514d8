"""`python -m tests.bench`: real agents beside the raw anoncreds library, in one run; writes `build/bench.json`.

What is measured is CPU time of each agent's process, all its threads, from the call until every agent is at rest again,
less what the process uses when nothing is asked of it (measured in the same run). Rounds alternate between the agents
and the raw library, so a busy or throttled machine slows both; only their ratios mean something elsewhere. Governance
files of a million accreditations are measured before that, in processes of their own (`governance`, `large`); so is a
store on PostgreSQL with one process and with two (`processes`).

Exits with 1 only if a presentation or a marker was lost or an operation failed.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console
from tests.bench.agents import Agents, BenchError, running_agents
from tests.bench.crypto import RawCrypto
from tests.bench.deciding import decision_us
from tests.bench.figures import COMPARED, PROCESSES, Figures
from tests.bench.governance import measure_large
from tests.bench.load import present_many
from tests.bench.process_clock import NoClockError, NotQuietError, ProcessClocks
from tests.bench.processes import ProcessFigures, measure_processes
from tests.bench.records import ENDED, measure_records
from tests.bench.rounds import Rounds

from wanderbuch.agents.machine.errors import MachineError
from wanderbuch.agents.machine.interrupting import run_to_the_end
from wanderbuch.agents.machine.temporary import TemporaryFolder
from wanderbuch.errors import WanderbuchError
from wanderbuch.schemas.credential_type import load_credential_type

_OUT: Final = Path("build") / "bench.json"
_IDLE_S: Final = 8.0
_AGENTS: Final = ("wanderbuch", "acapy-agent", "anoncreds", "aries-askar", "aiohttp", "pydantic", "marshmallow")
_VERSIONS: Final = (*_AGENTS, "orjson", "msgspec")


def main() -> None:
    """Run the bench as the command line says; never returns."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the agents' CPU.")
    parser.add_argument("--rounds", type=int, default=40, help="samples of each operation (default 40, at least 2)")
    parser.add_argument("--registry-size", type=int, default=1000, help="places in a revocation registry")
    parser.add_argument("--presentations", type=int, default=200, help="presentations under load")
    parser.add_argument("--in-flight", type=int, default=30, help="how many of them at once")
    parser.add_argument("--issuers", type=int, default=100_000, help="in the large governance file; 0 leaves it out")
    parser.add_argument("--ended", type=int, default=ENDED, help="records in the large store; 0 leaves it out")
    parser.add_argument("--out", type=Path, default=_OUT, help=f"where the figures go (default {_OUT})")
    sys.exit(run_to_the_end(_run(parser.parse_args())))


async def _run(told: argparse.Namespace) -> int:
    console = Console(stderr=True)
    began = time.monotonic()

    def progress(text: str) -> None:
        console.print(f"[{time.monotonic() - began:4.0f} s] {text}", markup=False, highlight=False)

    figures = Figures()
    failure: str | None = None
    temporary = TemporaryFolder("wanderbuch-bench")
    folder = temporary.path
    try:
        if told.issuers:
            progress(f"A governance file of {told.issuers} issuers is written")
            figures.large = await measure_large(folder / "governance", told.issuers, progress)
            shutil.rmtree(folder / "governance", ignore_errors=True)
        figures.processes = await _processes(figures, progress)
        if told.ended:
            figures.records = await measure_records(folder / "records", progress, ended=told.ended)
            shutil.rmtree(folder / "records", ignore_errors=True)
        progress("The agents start")
        async with running_agents(folder / "agents", told.registry_size) as agents:
            figures.details["start_cpu_s"] = agents.start_cpu_s
            await _measure(agents, told, figures, folder, progress)
    except asyncio.CancelledError:
        temporary.remove()
        raise
    except (BenchError, WanderbuchError, NotQuietError) as err:
        failure = f"{type(err).__name__}: {err}"
        figures.why_not["failed"] = failure
    figures.details |= _circumstances(told, time.monotonic() - began)
    told.out.parent.mkdir(parents=True, exist_ok=True)
    told.out.write_text(json.dumps(figures.as_json(), indent=2) + "\n", encoding="utf-8")
    figures.show(Console())
    if failure:
        console.print(f"bench: {failure}", style="bold red", markup=False)
    if failure or figures.failed:
        console.print(f"The agents' logs are in {temporary.remove_but_logs()}", markup=False)
        return 1
    temporary.remove()
    return 0


async def _processes(figures: Figures, progress: Any) -> ProcessFigures | None:
    try:
        return await measure_processes(progress)
    except MachineError as err:  # PostgreSQL is not installed
        figures.why_not[PROCESSES] = f"{err.message} ({err.hint})"
        return None


async def _measure(agents: Agents, told: argparse.Namespace, figures: Figures, folder: Path, progress: Any) -> None:
    figures.details["decision_small_file_us"] = round(decision_us(), 2)
    try:
        clocks = ProcessClocks(agents.pids)
    except NoClockError as err:
        figures.why_not |= dict.fromkeys(COMPARED, str(err))
    else:
        await _measure_rounds(agents, clocks, told, figures, folder, progress)
    progress(f"{told.presentations} presentations, {told.in_flight} in flight")
    credential = (await agents.holder.get("/credentials"))["items"][0]["id"]
    figures.load = await present_many(agents, credential, presentations=told.presentations, in_flight=told.in_flight)


async def _measure_rounds(
    agents: Agents, clocks: ProcessClocks, told: argparse.Namespace, figures: Figures, folder: Path, progress: Any
) -> None:
    crypto = RawCrypto(load_credential_type("qualification/1.0").attr_names, told.registry_size, folder)
    progress("What the agents use when nothing is asked of them")
    idle = await _idle_share(clocks)
    rounds = Rounds(agents, crypto, clocks, idle)
    progress(f"{told.rounds} rounds: issue, present, judge; the agents, then the raw library")
    for _ in range(told.rounds):
        await rounds.run()
    figures.compare(rounds.agent, rounds.raw)
    figures.details |= {
        "agent_steps_ms": _medians(rounds.agent),
        "crypto_steps_ms": _medians(rounds.raw),
        "idle_cpu_ms_per_s": {name: round(1e3 * share, 2) for name, share in idle.items()},
    }


async def _idle_share(clocks: ProcessClocks) -> dict[str, float]:
    """Return the CPU seconds a second of each process when nothing is asked of it."""
    before = await clocks.when_quiet()
    await asyncio.sleep(_IDLE_S)
    after = clocks.read()
    return {name: (after.cpu_s[name] - before.cpu_s[name]) / (after.at - before.at) for name in before.cpu_s}


def _medians(samples: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: round(median(values), 2) for name, values in samples.items()}


def _circumstances(told: argparse.Namespace, seconds: float) -> dict[str, Any]:
    return {
        "registry_size": told.registry_size,
        "rounds": told.rounds,
        "attributes": len(load_credential_type("qualification/1.0").attr_names),
        "seconds": round(seconds, 1),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "load_average": [round(each, 2) for each in os.getloadavg()],
        "versions": {name: version(name) for name in _VERSIONS},
        "method": __doc__,
    }


main()
