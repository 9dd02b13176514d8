"""The plot of docs/performance.md: CPU of each operation by library, ours and stock ACA-Py. An SVG made of text. Pure.

Readable on a light and on a dark ground: there is no background, and all colours keep a contrast of 3 to 1 with both;
text takes the ground's opposite by a media query, which viewers of an <img> heed too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

_LEFT: Final = 210
_WIDTH: Final = 760
_BAR: Final = 13
_GROUP: Final = 62
_TOP: Final = 46
_COLOURS: Final = {"library": "#8a8f98", "ours": "#2f81d6", "stock": "#d0662a"}
_NAMES: Final = {"library": "anoncreds library alone", "ours": "our agent", "stock": "stock ACA-Py"}
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#1f2328}"
    ".small{font-size:11px}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}}"
)
# Row -> the steps of each that are added up.
_ROWS: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "Issuer: connect, offer, issue": {
        "library": ("offer", "issue"),
        "ours": ("issuer invites", "issuer connects and offers", "issuer issues"),
        "stock": ("issuer invites", "issuer connects", "issuer offers and issues"),
    },
    "Holder: connect, receive": {
        "library": ("request", "store"),
        "ours": ("holder connects", "holder receives"),
        "stock": ("holder connects", "holder receives"),
    },
    "Holder: present": {"library": ("present",), "ours": ("holder presents",), "stock": ("holder presents",)},
    "Verifier: ask, judge": {
        "library": ("ask", "verify"),
        "ours": ("verifier asks", "verifier judges"),
        "stock": ("verifier asks", "verifier judges"),
    },
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: of which row, whose, and how long in CPU milliseconds."""

    row: str
    whose: str
    ms: float


def bars_of(steps_ms: Mapping[str, Mapping[str, float]]) -> list[Bar]:
    """Return the bars that can be drawn from the medians of the steps; who was not measured has none."""
    return [
        Bar(row, whose, sum(steps_ms[whose][step] for step in steps))
        for row, mapping in _ROWS.items()
        for whose, steps in mapping.items()
        if whose in steps_ms
    ]


def plot(written: Mapping[str, Any]) -> str:
    """Return the SVG for what `build/bench.json` holds.

    Raises:
        ValueError: it holds no rounds.
    """
    bars = bars_of(written["details"].get("steps_ms", {}))
    if not bars:
        raise ValueError("expected the medians of rounds in details.steps_ms, found none: run the part rounds,stock")
    rows = list(dict.fromkeys(bar.row for bar in bars))
    scale = (_WIDTH - _LEFT - 70) / max(bar.ms for bar in bars)
    height = _TOP + _GROUP * len(rows)
    parts = [_legend(list(dict.fromkeys(bar.whose for bar in bars)))]
    for number, row in enumerate(rows):
        top = _TOP + _GROUP * number
        parts.append(f'<text x="{_LEFT - 10}" y="{top + 24}" text-anchor="end">{escape(row)}</text>')
        for place, bar in enumerate(bar for bar in bars if bar.row == row):
            y, length = top + place * (_BAR + 2), bar.ms * scale
            parts.append(
                f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR}" fill="{_COLOURS[bar.whose]}"/>'
                f'<text class="small" x="{_LEFT + length + 6:.1f}" y="{y + 11}">{bar.ms:.0f} ms</text>'
            )
    title = "CPU of an agent's process for each operation, in milliseconds"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{title}">'
        f"<title>{title}</title><style>{_STYLE}</style>{''.join(parts)}</svg>\n"
    )


def _legend(whose: Sequence[str]) -> str:
    drawn = []
    for number, owner in enumerate(whose):
        x = _LEFT + 180 * number
        drawn.append(
            f'<rect x="{x}" y="12" width="{_BAR}" height="{_BAR}" fill="{_COLOURS[owner]}"/>'
            f'<text x="{x + 20}" y="23">{_NAMES[owner]}</text>'
        )
    return "".join(drawn)
