"""What the bench found: the keys of `build/bench.json`, and the same as tables for people. Pure but for printing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from tests.bench.governance import LargeFigures
from tests.bench.load import LoadResult
from tests.bench.processes import ProcessFigures
from tests.bench.ratios import Ratio, in_all, ratio_of_medians
from tests.bench.records import RecordFigures

# Key in the JSON -> steps of the agent, steps of the raw library, what it is in words.
COMPARED: Final[Mapping[str, tuple[Sequence[str], Sequence[str], str]]] = {
    "issuer_cpu_over_crypto": (
        # The offer is made when the wallet has connected, so the connection belongs to it.
        ("issuer invites", "issuer connects and offers", "issuer issues"),
        ("offer", "issue"),
        "Issuer: invite, connect, offer and issue",
    ),
    "holder_receive_cpu_over_crypto": (
        ("holder receives",),
        ("request", "store"),
        "Holder: accept until stored",
    ),
    "holder_present_cpu_over_crypto": (
        ("holder presents",),
        ("present",),
        "Holder: present",
    ),
    "verifier_cpu_over_crypto": (
        ("verifier asks", "verifier judges"),
        ("ask", "verify"),
        "Verifier: ask and judge",
    ),
}
LARGE: Final = (
    "governance_load_over_parse",
    "governance_bytes_each",
    "decision_us",
    "decision_growth_1k_to_1m",
    "trqp_over_empty_handler",
)
PROCESSES: Final = "store_two_processes_over_one"
# The same with what belongs to the way there: only in `details`.
WIDER: Final[Mapping[str, tuple[Sequence[str], Sequence[str], str]]] = {
    "issuer_issues_only": (
        ("issuer issues",),
        ("issue",),
        "Issuer: request until issued",
    ),
    "holder_receive_with_connection": (
        ("holder connects", "holder receives"),
        ("request", "store"),
        "Holder receives, with its connection",
    ),
    "holder_present_with_reading": (
        ("holder reads the question", "holder presents"),
        ("present",),
        "Holder reads the question and presents",
    ),
    "verifier_judges_only": (
        ("verifier judges",),
        ("verify",),
        "Verifier: judge only",
    ),
}


@dataclass(slots=True)
class Figures:
    """The figures as far as they were measured; `why_not` says why one was not."""

    compared: dict[str, Ratio] = field(default_factory=dict)
    wider: dict[str, Ratio] = field(default_factory=dict)
    load: LoadResult | None = None
    large: LargeFigures | None = None
    processes: ProcessFigures | None = None
    records: RecordFigures | None = None
    why_not: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def compare(self, agent: Mapping[str, Sequence[float]], raw: Mapping[str, Sequence[float]]) -> None:
        """Work out the ratios from the samples of the rounds, CPU milliseconds by step."""
        self.compared = _compare(COMPARED, agent, raw)
        self.wider = _compare(WIDER, agent, raw)

    @property
    def failed(self) -> bool:
        """Whether something that must hold does not."""
        return self.load is None or self.load.lost > 0 or (self.processes is not None and self.processes.lost > 0)

    def as_json(self) -> dict[str, Any]:
        """Return what `build/bench.json` holds."""
        ratios = {key: round(self.compared[key].value, 3) if key in self.compared else None for key in COMPARED}
        return {
            **ratios,
            "presentations_lost": self.load.lost if self.load else None,
            **(self.large.as_json() if self.large else dict.fromkeys(LARGE)),
            **(self.processes.as_json() if self.processes else {PROCESSES: None}),
            **(self.records.as_json() if self.records else {"query_200k_records_over_empty": None}),
            "details": {
                **self.details,
                "records": self.records.details if self.records else None,
                "governance": self.large.details if self.large else None,
                "ratios": {key: ratio.as_json() for key, ratio in {**self.compared, **self.wider}.items()},
                "load": self.load.as_json() if self.load else None,
                "processes": self.processes.details if self.processes else None,
                "why_not": self.why_not,
            },
        }

    def show(self, console: Console) -> None:
        """Print the figures for people."""
        table = Table(title="CPU of an agent's process beside the raw anoncreds library", title_justify="left")
        table.add_column("Operation")
        for heading in ("Agent ms", "Library ms", "Ratio", "95 % interval", "n"):
            table.add_column(heading, justify="right", no_wrap=True)
        for group, ratios in ((COMPARED, self.compared), (WIDER, self.wider)):
            for key, ratio in ratios.items():
                table.add_row(
                    group[key][2],
                    f"{ratio.above:.1f}",
                    f"{ratio.below:.1f}",
                    f"{ratio.value:.2f}",
                    f"{ratio.low:.2f} to {ratio.high:.2f}",
                    str(ratio.n),
                )
            table.add_section()
        console.print(table)
        for name, value in self._lines().items():
            console.print(f"{name}: {value}", highlight=False, markup=False)

    def _lines(self) -> dict[str, str]:
        lines: dict[str, str] = {}
        for key in ("agent_steps_ms", "start_cpu_s", "idle_cpu_ms_per_s"):
            if key in self.details:
                lines[key] = ", ".join(f"{name} {value}" for name, value in self.details[key].items())
        if self.load:
            load = self.load
            lost = ", ".join(f"{count} x {kind}" for kind, count in load.lost_by_kind.items()) or "none"
            lines["presentations_lost"] = (
                f"{load.lost} of {load.presentations} with {load.in_flight} in flight, "
                f"in {load.seconds:.0f} s, the slowest in {load.slowest_s:.1f} s; lost: {lost}"
            )
        if self.large:
            found = self.large
            size, eligible = found.details["bytes"] / 1e6, found.details["eligible_ms"]
            lines |= {name: str(value) for name, value in found.as_json().items()}
            lines["governance file"] = (
                f"{found.details['accreditations']} accreditations, {size:.0f} MB in {found.details['parts']} parts, "
                f"loaded in {found.details['load_s']:.1f} CPU seconds; load over parse with the collector off: "
                f"{found.load_over_parse_uncollected:.2f}; who could count in {eligible['first']:.0f} ms, "
                f"again in {eligible['again']:.1f} ms"
            )
        if self.processes:
            behind = self.processes.details
            low, high = behind["interval_95"]
            lines[PROCESSES] = (
                f"{self.processes.ratio.value:.2f} ({low:.2f} to {high:.2f}): {behind['two_per_s']:.0f} over "
                f"{behind['one_per_s']:.0f} reads and markers a second; lost: {self.processes.lost}"
            )
        if self.records:
            looks = (f"{name} {each['ratio']:.2f}" for name, each in self.records.details.items())
            lines["query_200k_records_over_empty"] = ", ".join(looks)
        return lines | {f"not measured, {key}": why for key, why in self.why_not.items()}


def _compare(
    wanted: Mapping[str, tuple[Sequence[str], Sequence[str], str]],
    agent: Mapping[str, Sequence[float]],
    raw: Mapping[str, Sequence[float]],
) -> dict[str, Ratio]:
    return {
        key: ratio_of_medians(in_all(agent, above), in_all(raw, below)) for key, (above, below, _) in wanted.items()
    }
