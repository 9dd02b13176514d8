"""An issuer that has issued 20,000 credentials is hardly larger than after its first 10,000.

Classes of people claim their slips and take what they bring with wallets, through one agent on real sockets.
WANDERBUCH_SOAK_ISSUED says how many there are (20,000); a short run finds what leaks much. What an agent leaves at rest
is read after each class, and memory comes and goes in arenas: the median around one point counts; around 20,000 what
was read after 19,000, 20,000 and 21,000. So one class more is issued to.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from tests.bench.agents import Agents, running_agents
from tests.bench.class_day import ClassDay
from tests.bench.memory import resident_kib

ISSUED: Final = int(os.environ.get("WANDERBUCH_SOAK_ISSUED", "20000"))
CLASSES: Final = 20
AT_ONCE: Final = 8
WALLETS: Final = 2
MOST_MIB: Final = 5.0
"""`issuer_rss_growth_mb_10k_to_20k`: from half of them to all."""
_SHORT_KEYED: Final = (
    sys.executable,
    *("-m", "tests.soak.short_keyed"),  # what an issuer keeps does not depend on the length of its key
    *("wanderbuch.agents.cli", "issuer", "run"),
)
_READINGS: Final = 5
_APART_S: Final = 1.0
_BESIDE: Final = 1  # further classes, before and after, whose readings count at one point


async def test_an_issuer_does_not_grow_with_what_it_has_issued(tmp_path: Path, tell: Callable[[str], None]) -> None:
    size = max(1, ISSUED // CLASSES)
    after: list[float] = []
    async with running_agents(
        tmp_path / "agents", registry_size=1000, wallets=WALLETS - 1, issuer_command=_SHORT_KEYED
    ) as agents:
        day = ClassDay(agents, AT_ONCE)
        for number in range(CLASSES + _BESIDE):
            batch_id = await day.hand_in(size, series=f"M{number:02}")
            await day.take([slip["address"] async for slip in day.slips(batch_id)])
            assert await day.issued(batch_id) == size
            after.append(await _resident_mib(agents))
    growth = _around(after, CLASSES) - _around(after, CLASSES // 2)
    told = ", ".join(f"{mib:.1f}" for mib in after)
    tell(f"{size * len(after)} issued; MiB after each {size}: {told}; issuer_rss_growth_mb_10k_to_20k {growth:.1f}")
    assert growth <= MOST_MIB


def _around(after: Sequence[float], classes: int) -> float:
    """Return the median of what was read after so many classes, and after the ones beside."""
    return median(after[classes - 1 - _BESIDE : classes + _BESIDE])


async def _resident_mib(agents: Agents) -> float:
    """Return the least of a few readings of the issuer: what it works on for a moment is not what it keeps."""
    readings = []
    for _ in range(_READINGS):
        await asyncio.sleep(_APART_S)
        readings.append(resident_kib(agents.pids["issuer"]) / 1024)
    return min(readings)
