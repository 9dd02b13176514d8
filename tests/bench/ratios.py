"""How sure one can be of the ratio of two that were measured in turn. Pure.

Every round measures both, one after the other, and gives one ratio; the figure is the median of those. What slows the
machine for longer than a round slows both, and one round that was cut into moves a median little.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

_RESAMPLES = 2000
_SEED = 20_261_122  # the same samples give the same interval


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the ratios of several rounds.

    Args:
        n: rounds.
        above, below: the medians, in the unit of the samples.
        value: the median ratio.
        low, high: the middle 95 % of it over resampled rounds.
    """

    n: int
    above: float
    below: float
    value: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        return round(self.low, 3), round(self.high, 3)

    def as_json(self, above: str = "ours", below: str = "beside", unit: str = "ms") -> dict[str, Any]:
        """Return the ratio for programs.

        Args:
            above, below: what was compared.
            unit: of the samples.
        """
        return {
            "n": self.n,
            f"{above}_{unit}": round(self.above, 3),
            f"{below}_{unit}": round(self.below, 3),
            "ratio": round(self.value, 3),
            "interval_95": list(self.interval),
        }


def median_of_ratios(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """Return the median of the rounds' ratios with its bootstrap interval.

    Args:
        above, below: one sample of each a round, from the same round.

    Raises:
        ValueError: there are no rounds, the counts differ, or `below` has a sample that is not positive.
    """
    if not above or len(above) != len(below):
        raise ValueError(f"expected as many samples above as below, found {len(above)} and {len(below)}")
    if min(below) <= 0:
        raise ValueError("expected positive samples below")
    ratios = [upper / lower for upper, lower in zip(above, below, strict=True)]
    chance = random.Random(_SEED)  # noqa: S311 (statistics)
    resampled = sorted(median(chance.choices(ratios, k=len(ratios))) for _ in range(_RESAMPLES))
    return Ratio(
        len(ratios),
        median(above),
        median(below),
        median(ratios),
        quantile(resampled, 0.025),
        quantile(resampled, 0.975),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of the sorted values that at least `share` of them do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def without_idle(used_s: float, wall_s: float, idle_share: float) -> float:
    """Return the CPU seconds of an operation without what the process uses while nothing is asked of it.

    Args:
        used_s: CPU seconds of the process.
        wall_s: how long that took.
        idle_share: CPU seconds a second of the idle process.
    """
    return max(0.0, used_s - wall_s * idle_share)


def in_all(samples: Mapping[str, Sequence[float]], names: Sequence[str]) -> list[float]:
    """Return the sum of several steps, round by round."""
    return [sum(parts) for parts in zip(*(samples[name] for name in names), strict=True)]
