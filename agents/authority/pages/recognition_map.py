"""The drawing beside the table of recognised authorities: who stands where. The table is the truth.

One row for each recognised authority, the own authority on the start side; a line for each, drawn full while the
recognition counts and dashed otherwise. In a right-to-left language the drawing is mirrored by its numbers, because
SVG has no start and end side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ROW: Final = 76
WIDTH: Final = 400
BOX: Final = 160
MAX_ROWS: Final = 20
_BOX_HEIGHT: Final = 62
_LETTERS: Final = 20  # of a name, in one line of a box


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with up to three lines of text."""

    x: int
    y: int
    lines: tuple[str, ...]
    height: int = _BOX_HEIGHT
    width: int = BOX

    @property
    def middle_x(self) -> int:
        """Where the text is centred."""
        return self.x + self.width // 2

    def line_y(self, number: int) -> int:
        """Return the height of a line of text, from 0."""
        start = self.y + self.height // 2 + 5 - (len(self.lines) - 1) * 9
        return start + number * 18


@dataclass(frozen=True, slots=True)
class Line:
    """A curve from the own authority to another."""

    path: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """All shapes of the map; `left_out` authorities stand in the table only."""

    width: int
    height: int
    own: Box
    others: tuple[Box, ...]
    lines: tuple[Line, ...]
    left_out: int


def drawing(own: str, others: Sequence[tuple[str, bool]], *, is_rtl: bool) -> Drawing:
    """Return the shapes for the own authority and the others with whether they count now."""
    rows = others[:MAX_ROWS]
    height = max(1, len(rows)) * ROW
    near, far = (WIDTH - BOX, 0) if is_rtl else (0, WIDTH - BOX)
    middle = height // 2
    boxes, lines = [], []
    for number, (name, counts) in enumerate(rows):
        y = number * ROW + (ROW - _BOX_HEIGHT) // 2
        boxes.append(Box(far, y, _in_lines(name)))
        begin, end = (near, far + BOX) if is_rtl else (near + BOX, far)
        half = (begin + end) // 2
        centre = y + _BOX_HEIGHT // 2
        lines.append(Line(f"M{begin} {middle} C{half} {middle} {half} {centre} {end} {centre}", counts))
    own_box = Box(near, middle - _BOX_HEIGHT // 2, _in_lines(own))
    return Drawing(WIDTH, height, own_box, tuple(boxes), tuple(lines), max(0, len(others) - MAX_ROWS))


def _in_lines(name: str) -> tuple[str, ...]:
    """Return a name on at most three lines, shortened if it is longer.

    >>> _in_lines("Agency for Skills and Work of the Islands of Malta, Gozo and Comino")
    ('Agency for Skills', 'and Work of the', 'Islands of Malta,…')
    """
    lines: list[str] = [""]
    for word in name.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= _LETTERS or not lines[-1]:
            lines[-1] = longer[: _LETTERS - 1] + "…" if len(longer) > _LETTERS else longer
        elif len(lines) < 3:
            lines.append(word[: _LETTERS - 1] + "…" if len(word) > _LETTERS else word)
        else:
            lines[-1] += "…"
            break
    return tuple(lines)
