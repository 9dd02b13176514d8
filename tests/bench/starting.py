"""What a process is: its memory beside stock ACA-Py's, and its CPU until ready beside importing ACA-Py's conductor.

Agents that have their keys and definitions are started again, in turn with a process that only imports
`acapy_agent.core.conductor`. Memory is what the kernel calls resident, read when an agent says that it is ready, and
once more after the rounds.
"""

import asyncio
import resource
import subprocess
import sys
from collections import defaultdict
from statistics import median
from typing import Any, Final

from tests.bench.agents import Agents
from tests.bench.figures import Figures
from tests.bench.memory import resident_kib
from tests.bench.process_clock import ProcessClocks
from tests.bench.ratios import Ratio, median_of_ratios

_ROUNDS: Final = 3
_IMPORT: Final = "import acapy_agent.core.conductor"
_ROLES: Final = ("issuer", "holder", "verifier")


async def measure_starting(agents: Agents, stock_kib: dict[str, int] | None, figures: Figures) -> None:
    """Start our agents several times, and note the two figures, each the worst of the three roles.

    Args:
        stock_kib: what stock agents of the same parts have when they are ready; None: they did not run.
    """
    importing: dict[str, list[float]] = defaultdict(list)
    ready: dict[str, list[float]] = defaultdict(list)
    kib: dict[str, list[int]] = defaultdict(list)
    for _ in range(_ROUNDS):
        for role in _ROLES:
            handle = getattr(agents, role)
            await handle.stop()
            importing[role].append(await asyncio.to_thread(_import_cpu_s))
            await handle.start()
            pid = handle.process.pid
            ready[role].append(ProcessClocks({role: pid}).read().cpu_s[role])
            kib[role].append(resident_kib(pid))
    ratios: dict[str, Ratio] = {role: median_of_ratios(ready[role], importing[role]) for role in _ROLES}
    worst = max(ratios.values(), key=lambda ratio: ratio.value)
    figures.take_ratio("agent_ready_cpu_over_import", worst, below="import", unit="cpu_s")
    told: dict[str, Any] = {
        "ready_cpu_s": {role: round(ratio.above, 2) for role, ratio in ratios.items()},
        "import_cpu_s": round(median([sample for samples in importing.values() for sample in samples]), 2),
        "first_start_cpu_s": agents.start_cpu_s,
        "ready_kib": {role: median(sizes) for role, sizes in kib.items()},
    }
    if stock_kib:
        over = {role: median(kib[role]) / stock_kib[role] for role in _ROLES}
        figures.take("agent_rss_over_stock", max(over.values()), (min(over.values()), max(over.values())))
        told |= {
            "stock_ready_kib": stock_kib,
            "rss_over_stock": {role: round(share, 3) for role, share in over.items()},
        }
    figures.details["process"] = told


def _import_cpu_s() -> float:
    """Return the CPU seconds of a fresh process that imports ACA-Py's conductor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run((sys.executable, "-c", _IMPORT), check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
