"""One sheet of an .xlsx, cell by cell, in one pass."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from wanderbuch.governance.lists.archive import SAVE_ANEW
from wanderbuch.governance.lists.fonts import draws_other_letters
from wanderbuch.governance.lists.number_format import (
    GENERAL,
    ShownNumber,
    is_short_integer,
    shown_number,
    shown_text,
)
from wanderbuch.governance.lists.plain_rows import Shape, TakeRow
from wanderbuch.governance.lists.row_shapes import ColumnShape, Content, columns_of
from wanderbuch.governance.lists.styles import Styles, is_on
from wanderbuch.governance.lists.table import (
    MAX_COLUMNS,
    MAX_MERGES,
    MAX_ROWS,
    MAX_SIGHTS,
    TOO_MUCH,
    Merge,
    Sheet,
    Sight,
    TableError,
    TableFault,
    column_letters,
)
from wanderbuch.governance.lists.xlsx_text import RunsOfText, SharedTexts, place_of, unescaped_text
from wanderbuch.governance.lists.xml_parts import Attributes

MAX_CELLS: Final = 5_000_000  # with those that are empty but have a style
_CODES: Final = re.compile(r'&(?:"[^"]*"|K[0-9A-F]{6}|\d+|[A-Z])')  # of what is printed on each page
_LOW: Final = 3.0  # points; a lower row is not seen
_NARROW: Final = 0.5  # characters; a narrower column is not seen
_FIRST_YEAR: Final = 1901  # spreadsheets count the days before otherwise
_CHANGING: Final = ("TODAY(", "NOW(", "RAND(", "RANDBETWEEN(", "OFFSET(", "INDIRECT(", "[")


class SheetReader:
    """Takes the XML of a sheet; `sheet` grows."""

    def __init__(self, name: str, texts: SharedTexts, styles: Styles, *, date1904: bool) -> None:
        self.sheet = Sheet(name)
        self.links: list[tuple[int, int, str, str]] = []  # row, position, relation, text
        self._texts = texts
        self._styles = styles
        self._date1904 = date1904
        self._row = 0
        self._cells: list[str] = []
        self._position = -1
        self._type = ""
        self._style = ""
        self._value: list[str] | None = None
        self._formula: list[str] | None = None
        self._inline: RunsOfText | None = None
        self._collecting: list[str] | None = None
        self._count = 0
        self._rules = ""
        self._shows_zeros = True
        self._low_by_default = False
        self._view_begins = (1, 0)  # row and position of the first cell that is seen without scrolling
        self._first_row, self._first_position = 1, 0
        self._shown: dict[tuple[str, str], ShownNumber] = {}
        self._started: dict[str, Callable[[Attributes], None]] = {
            "row": self._start_row, "c": self._start_cell, "v": self._start_value, "f": self._start_formula,
            "is": self._start_inline, "col": self._take_column, "mergeCell": self._take_merge,
            "hyperlink": self._take_link, "conditionalFormatting": self._start_rules, "cfRule": self._take_rule,
            "dataBar": self._take_bar, "iconSet": self._take_bar, "sheetView": self._take_view, "pane": self._take_pane,
            "x14:dataBar": self._take_bar, "x14:iconSet": self._take_bar, "x14:cfRule": self._take_later_rule,
            "sheetFormatPr": self._take_defaults,
        }  # fmt: skip

    def start(self, name: str, attributes: Attributes) -> None:
        """Begin an element."""
        if self._inline is not None:
            self._inline.start(name, attributes)
        elif (begin := self._started.get(name)) is not None:
            begin(attributes)
        elif name in ("oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter"):
            self._collecting = []

    def end(self, name: str) -> None:
        """End it."""
        match name:
            case "v" | "f":
                self._collecting = None
            case "c":
                self._end_cell()
            case "row":
                if any(self._cells):
                    self.sheet.rows[self._row] = self._cells
                    if len(self.sheet.rows) > MAX_ROWS + 1:
                        raise TableError(
                            f"expected at most {MAX_ROWS} rows, found more",
                            hint="import the list in parts",
                            fault=TableFault.TOO_LARGE,
                        )
            case "oddHeader" | "oddFooter" | "evenHeader" | "evenFooter" | "firstHeader" | "firstFooter":
                text = _CODES.sub(" ", "".join(self._collecting or ())).strip()
                if text.casefold().replace(" ", "") not in ("", "page", "pageof"):
                    self.sheet.sights.append(Sight("page-header", 0, None, text[:200]))
                self._collecting = None
            case _ if self._inline is not None and name != "is":
                self._inline.end(name)

    def text(self, text: str) -> None:
        """Take a piece of text."""
        if self._collecting is not None:
            self._collecting.append(text)
        elif self._inline is not None:
            self._inline.text(text)

    def taking(self, shape: Shape) -> TakeRow | None:
        """Return what takes whole rows of a shape; None: they come element by element."""
        columns = columns_of(shape, self._styles)
        return None if columns is None else partial(self._take_row, columns)

    def _take_row(
        self, columns: Sequence[ColumnShape], number: int, attributes: Attributes, values: Sequence[str | None]
    ) -> bool:
        """Take a whole row, as its elements would be taken; False: it is left to them."""
        is_amid = self._inline is not None or self._collecting is not None
        if is_amid or not self._shows_zeros or self._count + len(columns) > MAX_CELLS:
            return False
        before = len(self.sheet.sights)
        cells: list[str] = []
        inks: dict[int, str] = {}
        for column, value in zip(columns, values, strict=True):
            if not value:
                continue
            position, zeros = column.position, column.zeros
            kind = None
            if column.kind is Content.TEXT:
                text = value
            elif column.kind is Content.SHARED:
                at = int(value) if value.isdigit() and value.isascii() else -1
                if not 0 <= at < len(self._texts.texts) or at in self._texts.runs:
                    del self.sheet.sights[before:]
                    return False
                text = self._texts.texts[at]
            elif zeros is not None and is_short_integer(value):
                text = value.zfill(zeros)
                kind, detail = None if len(value) >= zeros else "shown-as", value
            else:
                shown = self._shown_number(value.strip(), column.code) if value.strip() else ShownNumber("")
                text, kind, detail = shown.text, shown.kind, _detail(shown)
            if not text or text.isspace():
                continue
            if kind is not None:
                self._saw_at(number, position, kind, detail)
            if column.ink:
                inks[position] = column.ink
            while len(cells) < position:
                cells.append("")
            cells.append(text)
        self._start_row(attributes)
        self._count += len(columns)
        self._cells, self._position = cells, columns[-1].position
        if fills := {column.position: column.fill for column in columns if column.fill}:
            self.sheet.fills[number] = fills
        if inks:
            self.sheet.inks[number] = inks
        self.end("row")
        return True

    def _start_row(self, attributes: Attributes) -> None:
        given = attributes.get("r", "")
        number = int(given) if given.isdigit() and len(given) < 8 else self._row + 1
        if number <= self._row:
            raise TableError(f"row {number} of the sheet comes after row {self._row}", hint=SAVE_ANEW)
        self._row, self._position, self._cells = number, -1, []
        height = _number(attributes.get("ht"))
        low = self._low_by_default if height is None else height < _LOW
        if is_on(attributes, "hidden") or low or number < self._first_row:
            self.sheet.hidden_rows.add(number)

    def _start_cell(self, attributes: Attributes) -> None:
        place = place_of(attributes.get("r", ""))
        if "r" in attributes and (place is None or place[0] != self._row or place[1] <= self._position):
            raise TableError(f"the cell {attributes['r'][:20]!r} stands where it cannot", hint=SAVE_ANEW)
        self._position = self._position + 1 if place is None else place[1]
        self._type, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._value = self._formula = self._inline = None
        self._count += 1
        if self._count > MAX_CELLS:
            hint = "delete what is not used around the list"
            raise TableError(f"expected at most {MAX_CELLS} cells, found more", hint=hint, fault=TableFault.TOO_LARGE)

    def _start_value(self, _: Attributes) -> None:
        self._value = self._collecting = []

    def _start_formula(self, _: Attributes) -> None:
        self._formula = self._collecting = []

    def _start_inline(self, _: Attributes) -> None:
        self._inline = RunsOfText()

    def _end_cell(self) -> None:
        stored = "".join(self._value) if self._value is not None else ""
        if self._formula is not None:
            self._saw_formula(stored)
        style = self._styles.of(self._style)
        runs = self._inline
        match self._type:
            case "s":
                number = int(stored) if stored.isdigit() else -1
                if not 0 <= number < len(self._texts.texts):
                    if stored:
                        raise TableError(f"the text of cell {self._place} is missing in the file", hint=SAVE_ANEW)
                    text = ""
                else:
                    text, runs = self._texts.texts[number], self._texts.runs.get(number)
                shown = shown_text(text, style.code) if style.code != GENERAL else ShownNumber(text)
            case "inlineStr":
                text = runs.whole if runs is not None else unescaped_text(stored)
                shown = shown_text(text, style.code)
            case "str":
                shown = shown_text(unescaped_text(stored), style.code)
            case "b":
                shown = ShownNumber({"1": "TRUE", "0": "FALSE", "true": "TRUE", "false": "FALSE"}.get(stored, stored))
            case "e":
                shown = ShownNumber(stored, "error-value", stored) if stored else ShownNumber("")
            case "d":
                shown = self._shown_day(stored.strip(), style.code)
            case _:
                shown = self._shown_number(stored.strip(), style.code) if stored.strip() else ShownNumber("")
        inline, self._inline = self._inline, None
        if inline is not None and self._type != "inlineStr" and inline.whole.strip():
            raise TableError(f"the cell {self._place} holds a text and says that it holds none", hint=SAVE_ANEW)
        text = shown.text
        if style.fill and self._position < MAX_COLUMNS:
            self.sheet.fills.setdefault(self._row, {})[self._position] = style.fill
        if not text.strip():
            return
        if self._position >= MAX_COLUMNS:
            raise TableError(
                f"expected at most {MAX_COLUMNS} columns, found text in {self._place}",
                hint="delete what is far right",
                fault=TableFault.TOO_LARGE,
            )
        if shown.kind is not None:
            self._saw(shown.kind, _detail(shown))
        elif self._type == "n" and stored.strip() in ("0", "0.0") and not self._shows_zeros:
            self._saw("invisible-text", "the sheet does not show zeros")
        if style.struck:
            self._saw("struck-out", text[:60])
        elif style.unseen:
            self._saw("invisible-text", text[:60])
        elif runs is not None and (kind := runs.kind(style.background)) is not None:
            self._saw(kind, text[:60])
        if style.ink:
            self.sheet.inks.setdefault(self._row, {})[self._position] = style.ink
        font = (None if runs is None else runs.font(text)) or style.font
        if draws_other_letters(font, text):
            self._saw("font-letters", f"{text[:60]}\n{font}")
        while len(self._cells) < self._position:
            self._cells.append("")
        self._cells.append(text)

    def _shown_day(self, stored: str, code: str) -> ShownNumber:
        """Return what is shown for a day in ISO form, as strict workbooks have it."""
        try:
            instant = datetime.fromisoformat(stored).replace(tzinfo=None)
        except ValueError:
            return ShownNumber(stored)
        plain = instant.date().isoformat()
        if code == GENERAL or instant.year < _FIRST_YEAR:
            return ShownNumber(plain if stored.removesuffix("Z").endswith("T00:00:00") else stored)
        days = (instant - datetime(1899, 12, 30)) / timedelta(days=1)  # noqa: DTZ001 - a day has no zone here
        return shown_number(repr(days), code)

    def _shown_number(self, stored: str, code: str) -> ShownNumber:
        number = self._shown.get((stored, code))
        if number is None:
            if len(self._shown) > 100_000:
                self._shown.clear()
            number = self._shown[stored, code] = shown_number(stored, code, date1904=self._date1904)
        return number

    def _saw_formula(self, stored: str) -> None:
        if not stored and self._type != "str":
            self._saw("formula-empty", "")
            return
        formula = "".join(self._formula or ()).upper()
        changing = next((function for function in _CHANGING if function in formula), "")
        other = changing == "["
        self._saw("formula", "another file" if other else changing.rstrip("("))

    def _saw(self, kind: str, detail: str) -> None:
        self._saw_at(self._row, self._position, kind, detail)

    def _saw_at(self, row: int, position: int, kind: str, detail: str) -> None:
        self.sheet.sights.append(Sight(kind, row, position, detail))
        if len(self.sheet.sights) > MAX_SIGHTS:
            raise TableError(
                f"expected at most {MAX_SIGHTS} cells to speak of, found more",
                hint=TOO_MUCH,
                fault=TableFault.TOO_LARGE,
            )

    @property
    def _place(self) -> str:
        return f"{column_letters(self._position)}{self._row}"

    def _take_defaults(self, attributes: Attributes) -> None:
        height, width = _number(attributes.get("defaultRowHeight")), _number(attributes.get("defaultColWidth"))
        self._low_by_default = is_on(attributes, "zeroHeight") or (height is not None and height < _LOW)
        if width is not None and width < _NARROW:
            self.sheet.hidden_columns.update(range(MAX_COLUMNS))

    def _take_column(self, attributes: Attributes) -> None:
        width = _number(attributes.get("width"))
        first, last = _number(attributes.get("min")) or 1, _number(attributes.get("max")) or 1
        columns = range(max(int(first) - 1, 0), min(int(last), MAX_COLUMNS))
        if is_on(attributes, "hidden") or (width is not None and width < _NARROW):
            self.sheet.hidden_columns.update(columns)
        elif width is not None:
            self.sheet.hidden_columns.difference_update(at for at in columns if at >= self._first_position)

    def _take_merge(self, attributes: Attributes) -> None:
        first, _, last = attributes.get("ref", "").partition(":")
        begin, end = place_of(first), place_of(last or first)
        if len(self.sheet.merges) == MAX_MERGES:
            raise TableError(
                f"expected at most {MAX_MERGES} merged cells, found more",
                hint="undo the merges",
                fault=TableFault.TOO_LARGE,
            )
        if begin is not None and end is not None:
            self.sheet.merges.append(Merge(begin[0], end[0], begin[1], end[1]))

    def _take_link(self, attributes: Attributes) -> None:
        place = place_of(attributes.get("ref", "").partition(":")[0])
        if place is not None:
            self.links.append((*place, attributes.get("r:id", ""), attributes.get("location", "")))

    def _start_rules(self, attributes: Attributes) -> None:
        self._rules = attributes.get("sqref", "")

    def _take_rule(self, attributes: Attributes) -> None:
        number = attributes.get("dxfId", "")
        if number.isdigit() and int(number) in self._styles.hiding:
            self.sheet.sights.append(Sight("conditional-format", 0, None, self._rules[:60]))

    def _take_pane(self, attributes: Attributes) -> None:
        """Hide what lies above or left of frozen panes: nobody can scroll there."""
        if attributes.get("state", "split") == "split":
            return
        row, position = self._view_begins
        if _number(attributes.get("ySplit")):
            self._first_row = row
        if _number(attributes.get("xSplit")):
            self._first_position = min(position, MAX_COLUMNS)
            self.sheet.hidden_columns.update(range(self._first_position))

    def _take_later_rule(self, attributes: Attributes) -> None:
        """Take a rule of later versions, whose format stands in the rule itself and may be anything."""
        if attributes.get("type") not in ("dataBar", "iconSet", "colorScale"):
            self.sheet.sights.append(Sight("conditional-format", 0, None, "some cells"))

    def _take_bar(self, attributes: Attributes) -> None:
        if not is_on(attributes, "showValue", default=True):
            self.sheet.sights.append(Sight("conditional-format", 0, None, self._rules[:60]))

    def _take_view(self, attributes: Attributes) -> None:
        self._view_begins = place_of(attributes.get("topLeftCell", "")) or (1, 0)
        self._shows_zeros = is_on(attributes, "showZeros", default=True)
        if is_on(attributes, "showFormulas"):
            self.sheet.sights.append(Sight("shows-formulas", 0))


def _detail(shown: ShownNumber) -> str:
    match shown.kind:
        case "invisible-text":
            return f"{shown.text[:60]} ({shown.detail})"
        case "rounded":
            return f"{shown.text}\n{shown.detail}"
        case _:
            return shown.detail


def _number(text: str | None) -> float | None:
    try:
        number = None if text is None else float(text)
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) else None
