"""What the bench found: the keys of `build/bench.json`, and the same as tables for people. Pure but for printing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from tests.bench.keys import GROUPS, KEYS
from tests.bench.ratios import Ratio, in_all, median_of_ratios

type Steps = Mapping[str, Sequence[float]]

# Key -> steps of our agent, steps of what it stands beside.
OVER_CRYPTO: Final[Mapping[str, tuple[Sequence[str], Sequence[str]]]] = {
    # The offer is made when the wallet has connected, so the connection belongs to it.
    "issuer_cpu_over_crypto": (
        ("issuer invites", "issuer connects and offers", "issuer issues"),
        ("offer", "issue"),
    ),
    "issuer_issue_cpu_over_crypto": (("issuer issues",), ("issue",)),
    "holder_present_cpu_over_crypto": (("holder presents",), ("present",)),
    "verifier_cpu_over_crypto": (("verifier asks", "verifier judges"), ("ask", "verify")),
    "holder_receive_cpu_over_crypto": (("holder receives",), ("request", "store")),
    "holder_connect_receive_cpu_over_crypto": (("holder connects", "holder receives"), ("request", "store")),
}
OVER_STOCK: Final[Mapping[str, tuple[Sequence[str], Sequence[str]]]] = {
    "issuer_over_stock": (
        ("issuer invites", "issuer connects and offers", "issuer issues"),
        ("issuer invites", "issuer connects", "issuer offers and issues"),
    ),
    "holder_present_over_stock": (("holder presents",), ("holder presents",)),
    "verifier_over_stock": (
        ("verifier asks", "verifier judges"),
        ("verifier asks", "verifier judges"),
    ),
    "verifier_thermometer_over_stock_predicate": (
        ("verifier asks", "verifier judges"),
        ("verifier asks by predicate", "verifier judges by predicate"),
    ),
}
# Not asked for, but of use beside them: only in `details`.
FURTHER: Final[Mapping[str, tuple[Sequence[str], Sequence[str]]]] = {
    "holder_reads_and_presents": (("holder reads the question", "holder presents"), ("present",)),
    "verifier_judges_only": (("verifier judges",), ("verify",)),
}


@dataclass(slots=True)
class Figures:
    """The figures as far as they were measured; `why_not` says why one was not."""

    values: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    ratios: dict[str, dict[str, Any]] = field(default_factory=dict)
    why_not: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def take(self, key: str, value: float, interval: tuple[float, float] | None = None) -> None:
        """Keep a figure.

        Raises:
            KeyError: there is no such key.
        """
        if key not in KEYS:
            raise KeyError(key)
        self.values[key] = round(value, 3)
        if interval is not None:
            self.intervals[key] = (round(interval[0], 3), round(interval[1], 3))

    def take_ratio(self, key: str, ratio: Ratio, below: str = "beside", unit: str = "ms") -> None:
        """Keep a ratio, with its interval and the medians behind it."""
        self.take(key, ratio.value, ratio.interval)
        self.ratios[key] = ratio.as_json(below=below, unit=unit)

    def leave_out(self, keys: Iterable[str], why: str) -> None:
        """Say why figures are missing."""
        self.why_not |= dict.fromkeys(keys, why)

    def compare(self, ours: Steps, crypto: Steps, stock: Steps | None = None) -> None:
        """Work out the ratios from the samples of the rounds, CPU milliseconds by step."""
        for key, (above, below) in OVER_CRYPTO.items():
            self.take_ratio(key, _ratio(ours, above, crypto, below), "library")
        for name, (above, below) in FURTHER.items():
            self.ratios[name] = _ratio(ours, above, crypto, below).as_json(below="library")
        if stock is not None:
            for key, (above, below) in OVER_STOCK.items():
                self.take_ratio(key, _ratio(ours, above, stock, below), "stock")

    @property
    def missed(self) -> list[str]:
        """The keys that do not keep their bar."""
        return [key for key, value in self.values.items() if not KEYS[key].holds(value)]

    def as_json(self) -> dict[str, Any]:
        """Return what `build/bench.json` holds."""
        return {
            **{key: self.values.get(key) for key in KEYS},
            "details": {
                "keys": {key: self._told(key) for key in KEYS},
                "missed": self.missed,
                **self.details,
                "ratios": self.ratios,
                "faults": self.faults,
                "why_not": self.why_not,
            },
        }

    def show(self, console: Console) -> None:
        """Print the figures for people."""
        table = Table(title_justify="left")
        for heading in ("Key", "Found", "95 % interval", "Bar", ""):
            table.add_column(heading, justify="left" if heading in {"Key", ""} else "right", no_wrap=True)
        for keys in GROUPS.values():
            for key in keys:
                table.add_row(key, *self._row(key))
            table.add_section()
        console.print(table)
        for name, steps in self.details.get("steps_ms", {}).items():
            told = ", ".join(f"{step} {value}" for step, value in steps.items())
            console.print(f"{name}, CPU ms: {told}", highlight=False, markup=False)
        for why in dict.fromkeys(self.why_not.values()):
            missing = ", ".join(key for key, reason in self.why_not.items() if reason == why)
            console.print(f"not measured ({why}): {missing}", highlight=False, markup=False)
        for fault in self.faults:
            console.print(fault, style="bold red", highlight=False, markup=False)

    def _row(self, key: str) -> tuple[str, str, str, str]:
        value, interval, bar = self.values.get(key), self.intervals.get(key), KEYS[key]
        wanted = f"{'≥' if bar.at_least else '≤'} {bar.bar:g}"
        if value is None:
            return "-", "", wanted, "not measured" if key in self.why_not else ""
        between = f"{interval[0]:g} to {interval[1]:g}" if interval else ""
        return f"{value:g}", between, wanted, "" if bar.holds(value) else "MISSED"

    def _told(self, key: str) -> dict[str, Any]:
        value, interval, bar = self.values.get(key), self.intervals.get(key), KEYS[key]
        return {
            "title": bar.title,
            "bar": bar.bar,
            "wanted": "at least" if bar.at_least else "at most",
            "interval_95": list(interval) if interval else None,
            "holds": None if value is None else bar.holds(value),
        }


def _ratio(ours: Steps, above: Sequence[str], beside: Steps, below: Sequence[str]) -> Ratio:
    return median_of_ratios(in_all(ours, above), in_all(beside, below))
