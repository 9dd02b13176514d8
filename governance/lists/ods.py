"""OpenDocument spreadsheets (.ods; OpenDocument 1.3, part 3) as sheets: what is seen, and what is stored otherwise.

A cell holds both, the text that is shown and the value. The text is read, but for days, which are read as the day that
is stored where the text shows all of it. Nothing is calculated: of a formula the value that was saved with it is read.
"""

import re
from datetime import date
from typing import Final

from wanderbuch.governance.lists.archive import Archive
from wanderbuch.governance.lists.fonts import draws_other_letters
from wanderbuch.governance.lists.ods_styles import OdsStyles
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
from wanderbuch.governance.lists.which_sheet import check_names, none_is_seen, several_are_seen
from wanderbuch.governance.lists.xml_parts import Attributes, read_part

MAX_CELLS: Final = 5_000_000
_PREFIXES: Final = {
    f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0": f"{prefix}:"
    for name, prefix in {
        "office": "office", "style": "style", "text": "text", "table": "table", "drawing": "draw",
        "xsl-fo-compatible": "fo", "manifest": "manifest", "datastyle": "number",
    }.items()
} | {
    "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0": "calcext:",
    "http://www.w3.org/1999/xlink": "xlink:",
}  # fmt: skip


class _Content:
    """Reads `content.xml`: every sheet."""

    def __init__(self, styles: OdsStyles) -> None:
        self.sheets: list[Sheet] = []
        self.hidden: set[str] = set()
        self._styles = styles
        self._sheet: Sheet | None = None
        self._row = 0
        self._repeated_rows = 1
        self._cells: list[str] = []
        self._row_hidden = False
        self._own: list[Sight] = []  # of the row that is read; without number
        self._fills: dict[int, str] = {}  # of the row that is read
        self._inks: dict[int, str] = {}
        self._columns = 0
        self._position = 0
        self._defaults: list[str] = []
        self._cell: Attributes | None = None
        self._paragraphs: list[list[str]] = []
        self._spans: list[str] = []
        self._runs: dict[tuple[str, ...], None] = {}  # styles of spans around a text, from outside to inside
        self._skipping = 0
        self._note: list[str] | None = None
        self._kept: list[list[str]] = []  # paragraphs of the cell, while a comment in it is read
        self._covered = False
        self._row_style = ""
        self._groups: list[bool] = []
        self._count = 0
        self._tracked = False

    def start(self, name: str, attributes: Attributes) -> None:
        if self._skipping:
            self._skipping += 1
            return
        match name:
            case "table:tracked-changes":
                self._skipping = 1
                self._tracked = True
            case "table:table" if self._cell is None:
                self._start_table(attributes)
            case "table:table" if self._sheet is not None:  # a sheet in a cell
                self._sheet.sights.append(Sight("drawing", 0))
                self._skipping = 1
            case _ if self._sheet is None:
                self._styles.start(name, attributes)
            case "table:table-row-group" | "table:table-column-group":
                self._groups.append(attributes.get("table:display") == "false")
            case "table:table-column":
                self._take_columns(attributes)
            case "table:table-row":
                self._start_row(attributes)
            case "table:table-cell" | "table:covered-table-cell":
                self._cell, self._paragraphs, self._spans = attributes, [], []
                self._runs, self._covered = {}, name == "table:covered-table-cell"
            case "office:annotation":
                self._note, self._kept, self._paragraphs = [], self._paragraphs, []
            case "draw:frame" | "draw:custom-shape" | "draw:control" | "table:shapes" | "draw:line" | "draw:rect":
                self._sheet.sights.append(Sight("drawing", 0))
                self._skipping = 1
            case "text:p" | "text:h":
                self._paragraphs.append([])
                if self._note is not None:
                    self._note.append(" ")
            case "text:span":
                self._spans.append(attributes.get("text:style-name", ""))
            case "text:s":
                self._add(" " * min(_repeats(attributes.get("text:c")), 1000))
            case "text:tab" | "text:line-break":
                self._add("\n" if name == "text:line-break" else "\t")
            case "text:a":
                self._own.append(Sight("link", 0, self._position, attributes.get("xlink:href", "")[:100]))
            case "text:ruby-text":
                self._skipping = 1
            case "calcext:conditional-format" | "calcext:data-bar":
                where = attributes.get("calcext:target-range-address", "")
                self._sheet.sights.append(Sight("conditional-format", 0, None, where[:60]))

    def end(self, name: str) -> None:
        if self._skipping:
            self._skipping -= 1
            return
        match name:
            case _ if self._sheet is None:
                self._styles.end(name)
            case "table:table-cell" | "table:covered-table-cell":
                self._end_cell()
            case "table:table-row":
                self._end_row()
            case "table:table-row-group" | "table:table-column-group":
                self._groups.pop()
            case "text:span":
                self._spans.pop()
            case "office:annotation":
                text = " ".join("".join(self._note or ()).split())
                if text:
                    self._own.append(Sight("comment", 0, self._position, text[:200]))
                self._note, self._paragraphs = None, self._kept
            case "table:table" if self._cell is None:
                if self._tracked:
                    self._sheet.sights.append(Sight("tracked-changes", 0))
                self.sheets.append(self._sheet)
                self._sheet = None

    def text(self, text: str) -> None:
        if self._skipping or self._cell is None:
            return
        if self._note is not None:
            if self._paragraphs:  # not who wrote it, and when
                self._note.append(text)
        elif self._paragraphs:
            # White space is one space, as in a page of text (OpenDocument 1.3, part 3, 6.1.2).
            self._add(re.sub(r"[ \t\r\n]+", " ", text))

    def _add(self, text: str) -> None:
        if self._note is not None or not self._paragraphs:
            return
        self._paragraphs[-1].append(text)
        if self._spans and text.strip():
            self._runs.setdefault(tuple(self._spans))

    def _start_table(self, attributes: Attributes) -> None:
        name = attributes.get("table:name", "")
        self._sheet = Sheet(name)
        self._row, self._columns, self._defaults, self._groups = 0, 0, [], []
        if self._styles.one("table", attributes.get("table:style-name", "")).shown is False:
            self.hidden.add(name)

    def _take_columns(self, attributes: Attributes) -> None:
        if self._sheet is None:
            return
        count = min(_repeats(attributes.get("table:number-columns-repeated")), MAX_COLUMNS - self._columns)
        size = self._styles.one("table-column", attributes.get("table:style-name", "")).size
        hidden = attributes.get("table:visibility", "visible") != "visible" or any(self._groups)
        if hidden or (size is not None and size < 3):
            self.hidden_columns(range(self._columns, self._columns + count))
        self._defaults += [attributes.get("table:default-cell-style-name", "")] * count
        self._columns += count

    def hidden_columns(self, positions: range) -> None:
        """Take note of columns that are not shown."""
        if self._sheet is not None:
            self._sheet.hidden_columns.update(positions)

    def _start_row(self, attributes: Attributes) -> None:
        self._repeated_rows = _repeats(attributes.get("table:number-rows-repeated"))
        self._row += 1
        self._cells, self._own, self._position = [], [], 0
        self._fills, self._inks = {}, {}
        size = self._styles.one("table-row", attributes.get("table:style-name", "")).size
        hidden = attributes.get("table:visibility", "visible") != "visible" or any(self._groups)
        self._row_hidden = hidden or (size is not None and size < 3)
        self._row_style = attributes.get("table:default-cell-style-name", "")

    def _end_row(self) -> None:
        sheet = self._sheet
        if sheet is None:
            return
        if any(self._cells):
            if len(sheet.rows) + self._repeated_rows > MAX_ROWS + 1:
                raise TableError(
                    f"expected at most {MAX_ROWS} rows, found more",
                    hint="import the list in parts",
                    fault=TableFault.TOO_LARGE,
                )
            self._count += self._repeated_rows * len(self._cells)
            if self._count > MAX_CELLS:
                raise TableError(
                    f"expected at most {MAX_CELLS} cells, found more",
                    hint="import the list in parts",
                    fault=TableFault.TOO_LARGE,
                )
            if len(sheet.sights) + self._repeated_rows * len(self._own) > MAX_SIGHTS:
                raise TableError(
                    f"expected at most {MAX_SIGHTS} cells to speak of, found more",
                    hint=TOO_MUCH,
                    fault=TableFault.TOO_LARGE,
                )
            for number in range(self._row, self._row + self._repeated_rows):
                sheet.rows[number] = list(self._cells)
                if self._fills:
                    sheet.fills[number] = self._fills
                if self._inks:
                    sheet.inks[number] = self._inks
                if self._row_hidden:
                    sheet.hidden_rows.add(number)
                sheet.sights += [Sight(sight.kind, number, sight.position, sight.detail) for sight in self._own]
        else:
            sheet.sights += [Sight(sight.kind, self._row, sight.position, sight.detail) for sight in self._own]
        self._row += self._repeated_rows - 1

    def _end_cell(self) -> None:
        cell, self._cell = self._cell, None
        if cell is None or self._sheet is None:
            return
        repeated = _repeats(cell.get("table:number-columns-repeated"))
        text = "\n".join("".join(paragraph) for paragraph in self._paragraphs)
        text, kinds = self._value(cell, text)
        if self._covered:
            if text.strip():
                self._own.append(Sight("covered", 0, self._position, text[:60]))
            text, kinds = "", []
        columns, rows = (
            _repeats(cell.get("table:number-columns-spanned")),
            _repeats(cell.get("table:number-rows-spanned")),
        )
        if (columns > 1 or rows > 1) and text.strip():
            last = min(self._row + rows - 1, self._row + MAX_ROWS)
            if len(self._sheet.merges) == MAX_MERGES:
                raise TableError(
                    f"expected at most {MAX_MERGES} merged cells, found more",
                    hint="undo the merges",
                    fault=TableFault.TOO_LARGE,
                )
            self._sheet.merges.append(Merge(self._row, last, self._position, self._position + columns - 1))
        self._take_colours(cell, repeated, filled=bool(text.strip()))
        if text.strip():
            if self._position + repeated > MAX_COLUMNS:
                place = f"{column_letters(self._position)}{self._row}"
                raise TableError(
                    f"expected at most {MAX_COLUMNS} columns, found text in {place}",
                    hint="delete it",
                    fault=TableFault.TOO_LARGE,
                )
            self._cells += [""] * (self._position - len(self._cells))
            for position in range(self._position, self._position + repeated):
                self._cells.append(text)
                self._own += [Sight(kind, 0, position, detail) for kind, detail in kinds]
        self._position += repeated

    def _style_of(self, cell: Attributes) -> str:
        position = self._position
        default = self._defaults[position] if position < len(self._defaults) else ""
        return cell.get("table:style-name") or self._row_style or default

    def _take_colours(self, cell: Attributes, repeated: int, *, filled: bool) -> None:
        look = self._styles.look("table-cell", self._style_of(cell))
        for at in range(self._position, min(self._position + repeated, MAX_COLUMNS)):
            if look.fill:
                self._fills[at] = look.fill
            if look.ink and filled:
                self._inks[at] = look.ink

    def _value(self, cell: Attributes, text: str) -> tuple[str, list[tuple[str, str]]]:
        """Return what a cell says, and what there is to say about it."""
        kind = cell.get("office:value-type", "")
        kinds: list[tuple[str, str]] = []
        if "table:formula" in cell:
            empty = not text and not kind
            formula = cell["table:formula"].upper()
            changing = next((function for function in ("TODAY(", "NOW(", "RAND(") if function in formula), "").rstrip(
                "("
            )
            kinds.append(
                ("formula-empty", "") if empty else ("formula", changing or "another file" * ("FILE:" in formula))
            )
        if cell.get("calcext:value-type") == "error" or re.fullmatch(r"Err:\d{3}|#[A-Z/0]{3,7}[!?]?", text.strip()):
            kinds.append(("error-value", text))
        elif kind == "date":
            text, sights = _day(cell.get("office:date-value", ""), text)
            kinds += sights
        elif kind in ("float", "percentage", "currency"):
            text, sights = _shown_number(cell.get("office:value", ""), text)
            kinds += sights
        elif kind == "boolean" and not text:
            text = cell.get("office:boolean-value", "").upper()
        elif kind == "string" and cell.get("office:string-value", text).strip() != text.strip():
            stored = cell["office:string-value"]
            text, kinds = (
                (text, [*kinds, ("shown-as", stored)])
                if text.strip()
                else (stored, [*kinds, ("invisible-text", stored)])
            )
        if not text.strip():
            return "", [sight for sight in kinds if sight[0] == "formula-empty"]
        own = self._style_of(cell)
        look = self._styles.look("table-cell", own)
        runs = [self._styles.look_of_run(run, look.background) for run in self._runs]
        if look.struck or any(run.struck for run in runs):
            kinds.append(("struck-out", text[:60]))
        elif look.unseen or any(run.unseen for run in runs):
            kinds.append(("invisible-text", text[:60]))
        font = next(
            (font for font in (look.font, *(run.font for run in runs)) if draws_other_letters(font, text)), None
        )
        if font is not None:
            kinds.append(("font-letters", f"{text[:60]}\n{font}"))
        if self._styles.one("table-cell", own).conditional:
            kinds.append(("conditional-format", text[:60]))
        return text, kinds


def read_ods(received: bytes, *, sheet: str | None = None) -> Sheet:
    """Return one sheet of an OpenDocument spreadsheet.

    Args:
        received: the bytes of the file.
        sheet: its name; None takes the only one that is seen and not empty.

    Raises:
        TableError: it cannot be read, is too large, or it is not clear which sheet is meant.
    """
    archive = Archive(received)
    if "META-INF/manifest.xml" in archive and b"encryption-data" in b"".join(archive.blocks("META-INF/manifest.xml")):
        raise TableError(
            "the spreadsheet is protected by a password", hint="save it without a password", fault=TableFault.PASSWORD
        )
    styles = OdsStyles()
    if "styles.xml" in archive:
        read_part(archive.blocks("styles.xml"), styles, _PREFIXES)
    content = _Content(styles)
    read_part(archive.blocks("content.xml"), content, _PREFIXES)
    return _choose(content, sheet)


def _choose(content: _Content, name: str | None) -> Sheet:
    check_names([sheet.name for sheet in content.sheets], name)
    if name is not None:
        chosen = next(sheet for sheet in content.sheets if sheet.name == name)
        if name in content.hidden:
            chosen.sights.append(Sight("hidden-sheet", 0, None, name))
    else:
        filled = [sheet for sheet in content.sheets if sheet.rows and sheet.name not in content.hidden]
        if not filled:
            raise none_is_seen([sheet.name for sheet in content.sheets if sheet.rows])
        if len(filled) > 1:
            raise several_are_seen({sheet.name: sheet for sheet in filled})
        chosen = filled[0]
    for other in content.sheets:
        if other is not chosen and other.rows:
            hidden = " (hidden)" if other.name in content.hidden else ""
            chosen.sights.append(Sight("other-sheet", 0, None, other.name + hidden))
    return chosen


def _day(stored: str, shown: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the stored day, and what the shown text leaves out of it."""
    day, _, clock = stored.partition("T")
    try:
        when = date.fromisoformat(day)
    except ValueError:
        return shown, [("number-format", f"a day that is stored as {stored[:40]}")]
    numbers = {int(digits) for digits in re.findall(r"\d+", shown) if digits.isdecimal()}
    worded = any(letter.isalpha() for letter in shown)
    whole = when.day in numbers and (when.month in numbers or worded) and numbers & {when.year, when.year % 100}
    if shown and not whole:
        return day, [("partial-date", shown[:40])]
    if clock.strip("0:.,Z"):
        if ":" in shown:
            return f"{day} {clock[:8]}", []
        return day, [("time-hidden", stored[:40])]
    return day, []


def _shown_number(stored: str, shown: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the shown text, and whether it is not what is stored."""
    try:
        value = float(stored)
    except ValueError:
        return shown, [("number-format", stored[:40])] if stored else []
    plain = str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    if not shown.strip():
        return plain, [("invisible-text", f"{plain}, which the format does not show")]
    if value.is_integer() and abs(value) >= 1e15:
        return plain, [("digits-lost", plain)]
    if re.fullmatch(r"#+", shown.strip()) or re.search(r"\dE[+-]\d", shown):
        return plain, [("shown-as", f"{plain}; it is read in full")] if abs(value) < 1e15 else [("digits-lost", plain)]
    if shown.strip() == plain:
        return plain, []
    digits = re.sub(r"[^\d.,-]", "", shown)
    for sign, comma in ((".", ","), (",", ".")):
        text = digits.replace(comma, "").replace(sign, ".")
        try:
            factor = 0.01 if "%" in shown else 1.0
            if abs(float(text) * factor - value) < 1e-12 * max(1.0, abs(value)):
                return shown, [("shown-as", plain)]
        except ValueError:
            continue
    if re.search(r"\d", shown):
        return shown, [("rounded", f"{shown}\n{plain}")]
    return shown, [("shown-as", plain)]


def _repeats(text: str | None) -> int:
    return max(1, int(text)) if text is not None and text.isdigit() and len(text) < 10 else 1
