"""Medians, and how sure one can be of the ratio of two that were measured in turn. Pure."""

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
    """The ratio of two medians.

    Args:
        n: rounds.
        above, below: the medians, in the unit of the samples.
        value: `above` divided by `below`.
        low, high: the middle 95 % of the ratio over resampled rounds.
    """

    n: int
    above: float
    below: float
    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, Any]:
        """Return the ratio for programs; samples are taken to be milliseconds."""
        return {
            "n": self.n,
            "agent_median_ms": round(self.above, 3),
            "crypto_median_ms": round(self.below, 3),
            "ratio": round(self.value, 3),
            "interval_95": [round(self.low, 3), round(self.high, 3)],
        }


def ratio_of_medians(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """Return the ratio of two medians with its bootstrap interval.

    Args:
        above, below: one sample of each a round; rounds are resampled whole, so what slowed a round slowed both.

    Raises:
        ValueError: there are no rounds, the counts differ, or `below` has a sample that is not positive.
    """
    if not above or len(above) != len(below):
        raise ValueError(f"expected as many samples above as below, found {len(above)} and {len(below)}")
    if min(below) <= 0:
        raise ValueError("expected positive samples below")
    chance = random.Random(_SEED)  # noqa: S311 (statistics)
    rounds = range(len(above))
    resampled = sorted(_resample(above, below, chance.choices(rounds, k=len(above))) for _ in range(_RESAMPLES))
    upper, lower = median(above), median(below)
    return Ratio(len(above), upper, lower, upper / lower, quantile(resampled, 0.025), quantile(resampled, 0.975))


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


def _resample(above: Sequence[float], below: Sequence[float], chosen: Sequence[int]) -> float:
    return median(above[index] for index in chosen) / median(below[index] for index in chosen)
