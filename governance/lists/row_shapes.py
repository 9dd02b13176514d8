"""What the cells of a row hold, told once for all rows that are written alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from wanderbuch.governance.lists.fonts import may_draw_other_letters
from wanderbuch.governance.lists.number_format import shows_any_text, zeros_of
from wanderbuch.governance.lists.plain_rows import Shape
from wanderbuch.governance.lists.styles import Styles
from wanderbuch.governance.lists.table import MAX_COLUMNS
from wanderbuch.governance.lists.xlsx_text import place_of


class Content(Enum):
    """What the value of a cell is."""

    TEXT = "text"
    SHARED = "shared"  # the number of a shared text
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """One cell of a shape.

    Args:
        position: of the column, from 0.
        kind: what its value is.
        code: how a number is shown.
        zeros: how many digits that are at least, where it is nothing else (`zeros_of`).
        fill, ink: colours, as of `Sheet`.
    """

    position: int
    kind: Content
    code: str
    zeros: int | None
    fill: str
    ink: str


_CONTENTS = {None: Content.NUMBER, "n": Content.NUMBER, "s": Content.SHARED, "str": Content.TEXT}


def columns_of(shape: Shape, styles: Styles) -> Sequence[ColumnShape] | None:
    """Return the cells of a shape; None where one of them may need a word to the person, or stands where it cannot."""
    columns: list[ColumnShape] = []
    last = -1
    for letters, number, given, opened in zip(*shape, strict=True):
        place = place_of(f"{letters}1")
        kind = Content.TEXT if given == "inlineStr" else None if opened else _CONTENTS.get(given)
        if place is None or not last < place[1] < MAX_COLUMNS or kind is None:
            return None
        last = place[1]
        style = styles.of(number)
        if style.struck or style.unseen or may_draw_other_letters(style.font):
            return None
        if kind is not Content.NUMBER and not shows_any_text(style.code):
            return None
        columns.append(ColumnShape(last, kind, style.code, zeros_of(style.code), style.fill, style.ink))
    return columns
