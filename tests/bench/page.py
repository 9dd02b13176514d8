"""`python -m tests.bench.page [--check]`: put the figures of `build/bench.json` into docs/performance.md, and its plot.

What stands between `<!-- figures: NAME -->` and `<!-- end -->` is written by this; the rest is prose for people.
With `--check` nothing is written: it exits with 1 if the page or the plot says anything else than the figures do.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.bench.keys import GROUPS, Key
from tests.bench.plot import plot

_PAGE: Final = Path("docs") / "performance.md"
_PLOT: Final = Path("docs") / "performance.svg"
_FIGURES: Final = Path("build") / "bench.json"
_MARKED: Final = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

type Written = Mapping[str, Any]


def filled(page: str, written: Written) -> str:
    """Return the page with the figures in their places.

    Raises:
        KeyError: the page has a place for figures that nobody knows.
    """
    return _MARKED.sub(lambda match: f"{match[1]}{_SECTIONS[match[2]](written)}{match[3]}", page)


def _keys(written: Written) -> str:
    lines = ["| Key | What | Found | 95 % | Bar |", "|---|---|---|---|---|"]
    for keys in GROUPS.values():
        lines += [_row(name, key, written) for name, key in keys.items()]
    return "\n".join(lines) + "\n"


def _row(name: str, key: Key, written: Written) -> str:
    value, told = written.get(name), written["details"]["keys"].get(name, {})  # a run before the key was there
    bar = f"{'≥' if key.at_least else '≤'} {key.bar:g}"
    if value is None:
        return f"| `{name}` | {key.title} | - |  | {bar} |"
    interval = told.get("interval_95")
    between = f"{interval[0]:g} to {interval[1]:g}" if interval else ""
    cell = f"{value:g}" if key.holds(value) else f"**{value:g}** (misses)"
    return f"| `{name}` | {key.title} | {cell} | {between} | {bar} |"


def _missing(written: Written) -> str:
    why_not: dict[str, str] = written["details"]["why_not"]
    reasons = dict.fromkeys(why_not.values())
    lines = [f"- {', '.join(f'`{key}`' for key, cause in why_not.items() if cause == why)}: {why}." for why in reasons]
    return "".join(f"{line}\n" for line in lines) or "Every key was measured.\n"


def _threads(written: Written) -> str:
    steps: Mapping[str, Mapping[str, float]] = written["details"].get("steps_ms_by_thread", {})
    lines = ["| Operation | main | crypto | store |", "|---|---|---|---|"]
    lines += [
        f"| {step.capitalize()} | {mapping['main']:.1f} | {mapping['crypto']:.1f} | {mapping['store']:.1f} |"
        for step, mapping in steps.items()
    ]
    return "\n".join(lines) + "\n"


def _waiting(written: Written) -> str:
    details = written["details"]
    alone: Mapping[str, Any] = details.get("one_after_the_other", {})
    load = {
        "Issuance": (alone.get("issuance"), details.get("issuances_under_load")),
        "Presentation": (alone.get("presentation"), details.get("presentations_under_load")),
    }
    lines = ["| Exchange | In flight | How many | p50 | p95 | p99 |", "|---|---|---|---|---|---|"]
    for name, loads in load.items():
        for measured in loads:
            if measured and measured["wall_ms"]:
                wall = " | ".join(f"{measured['wall_ms'][share]:.0f}" for share in ("p50", "p95", "p99"))
                lines.append(f"| {name} | {measured['in_flight']} | {measured['exchanges']} | {wall} |")
    return "\n".join(lines) + "\n"


def _run(written: Written) -> str:
    details = written["details"]
    sizes, versions = details["sizes"], details["versions"]
    return (
        f"Measured on {details['measured_on']} in {details['seconds'] / 60:.0f} minutes: {details['machine']}, "
        f"Python {details['python']}, acapy-agent {versions['acapy-agent']}, anoncreds {versions['anoncreds']}, "
        f"aries-askar {versions['aries-askar']}; {details['attributes']} attributes, "
        f"registries of {sizes['registry_size']} places, {sizes['rounds']} rounds. "
        f"Load average of the last quarter of an hour: {details['load_average'][2]:.1f}; "
        f"the bench alone makes about 1.5, and whatever is beyond that makes every figure of CPU dearer.\n"
    )


_SECTIONS: Final[Mapping[str, Callable[[Written], str]]] = {
    "run": _run,
    "keys": _keys,
    "missing": _missing,
    "threads": _threads,
    "waiting": _waiting,
}


def main() -> None:
    """Write or check; never returns."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.page")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if something differs")
    parser.add_argument("--figures", type=Path, default=_FIGURES, help=f"of a whole run (default {_FIGURES})")
    told = parser.parse_args()
    written = json.loads(told.figures.read_text(encoding="utf-8"))
    wanted = {_PAGE: filled(_PAGE.read_text(encoding="utf-8"), written), _PLOT: plot(written)}
    differs = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if told.check:
        print(
            "\n".join(f"{path} does not say what {told.figures} does" for path in differs) or "The page is up to date."
        )
        sys.exit(1 if differs else 0)
    for path in differs:
        path.write_text(wanted[path], encoding="utf-8")
    print(", ".join(map(str, differs)) or "nothing to change")


if __name__ == "__main__":
    main()
