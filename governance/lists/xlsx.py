"""Spreadsheets of Excel (.xlsx, .xlsm; ECMA-376) as sheets: what is seen, and what is stored otherwise.

Nothing is calculated: of a formula the value that was saved with it is read. In order: 1. the workbook names its
sheets; 2. shared texts and styles; 3. the one sheet that is meant, cell by cell.
"""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from wanderbuch.governance.lists.archive import Archive
from wanderbuch.governance.lists.plain_rows import read_sheet
from wanderbuch.governance.lists.styles import Styles, is_on
from wanderbuch.governance.lists.table import Sheet, Sight, TableError, TableFault
from wanderbuch.governance.lists.which_sheet import check_names, none_is_seen, several_are_seen
from wanderbuch.governance.lists.xlsx_sheet import SheetReader
from wanderbuch.governance.lists.xlsx_text import Comments, SharedTexts, TextDrawing
from wanderbuch.governance.lists.xml_parts import Attributes, PartReader, read_part

_PREFIXES: Final = {
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main": "",
    "http://purl.oclc.org/ooxml/spreadsheetml/main": "",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships": "r:",
    "http://purl.oclc.org/ooxml/officeDocument/relationships": "r:",
    "http://schemas.openxmlformats.org/package/2006/relationships": "",
    "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments": "",
    "http://schemas.openxmlformats.org/drawingml/2006/main": "a:",
    "http://purl.oclc.org/ooxml/drawingml/main": "a:",
    "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main": "x14:",
}

type _Opened = Callable[[str], SheetReader]


@dataclass(frozen=True, slots=True)
class _Relation:
    kind: str
    target: str


@dataclass(slots=True)
class _Relations:
    """Reads a `.rels` part: id -> what it leads to."""

    folder: str
    relations: dict[str, _Relation] = field(default_factory=dict)

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            target = attributes.get("Target", "")
            if attributes.get("TargetMode") != "External":
                target = (
                    target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join(self.folder, target))
                )
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.relations[attributes.get("Id", "")] = _Relation(kind, target)

    def end(self, name: str) -> None:
        pass

    def text(self, text: str) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    relation: str
    hidden: bool


@dataclass(slots=True)
class _Book:
    """Reads the workbook: names of its sheets, and from which day it counts."""

    sheets: list[_Named] = field(default_factory=list)
    date1904: bool = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "sheet":
            hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append(_Named(attributes.get("name", ""), attributes.get("r:id", ""), hidden))
        elif name == "workbookPr":
            self.date1904 = is_on(attributes, "date1904")

    def end(self, name: str) -> None:
        pass

    def text(self, text: str) -> None:
        pass


def read_xlsx(received: bytes, *, sheet: str | None = None) -> Sheet:
    """Return one sheet of a workbook.

    Args:
        received: the bytes of the file.
        sheet: its name; None takes the only one that is seen and not empty.

    Raises:
        TableError: it cannot be read, is too large, or it is not clear which sheet is meant.
    """
    archive = Archive(received)
    top = _relations(archive, "").values()
    path = next((relation.target for relation in top if relation.kind == "officeDocument"), "xl/workbook.xml")
    book = _Book()
    _read(archive, path, book)  # 1
    relations = _relations(archive, path)
    places = {sheet.name: relations.get(sheet.relation) for sheet in book.sheets}
    texts, styles = SharedTexts(), Styles()
    for relation in relations.values():  # 2
        if relation.kind == "sharedStrings" and relation.target in archive:
            _read(archive, relation.target, texts)
        elif relation.kind == "styles" and relation.target in archive:
            _read(archive, relation.target, styles)

    def opened(name: str) -> SheetReader:
        place = places[name]
        if place is None or place.kind != "worksheet":
            raise TableError(
                f"the sheet {name[:60]!r} holds no cells but a chart or macros",
                hint="name another sheet",
                fault=TableFault.SHEET,
            )
        reader = SheetReader(name, texts, styles, date1904=book.date1904)
        read_sheet(archive.blocks(place.target), reader, _PREFIXES)
        return reader

    chosen, others = _choose(
        book, sheet, opened, {name for name, at in places.items() if at and at.kind != "worksheet"}
    )
    place = places[chosen.sheet.name]
    _around(archive, "" if place is None else place.target, chosen)
    chosen.sheet.sights += others
    return chosen.sheet


def _choose(book: _Book, name: str | None, opened: _Opened, charts: set[str]) -> tuple[SheetReader, list[Sight]]:
    """Return the sheet that is meant, and what there is to say about the others."""
    hidden = {sheet.name for sheet in book.sheets if sheet.hidden}
    names = [sheet.name for sheet in book.sheets]
    check_names(names, name)
    others: list[Sight] = []
    if name is not None:
        if name in hidden:
            others.append(Sight("hidden-sheet", 0, None, name))
        others += [Sight("other-sheet", 0, None, title) for title in names if title != name and title not in charts]
        return opened(name), others
    filled: dict[str, SheetReader] = {}
    for title in names:
        if title in charts:
            others.append(Sight("other-sheet", 0, None, f"{title} (a chart)"))
            continue
        reader = opened(title)
        if not reader.sheet.rows:
            continue
        if title in hidden:
            others.append(Sight("other-sheet", 0, None, f"{title} (hidden)"))
        else:
            filled[title] = reader
    if len(filled) == 1:
        return next(iter(filled.values())), others
    if not filled:
        raise none_is_seen([title for title in names if title in hidden and title not in charts])
    raise several_are_seen({title: reader.sheet for title, reader in filled.items()})


def _around(archive: Archive, path: str, reader: SheetReader) -> None:
    """Read what belongs to a sheet but lies elsewhere: comments, links, drawings."""
    relations = _relations(archive, path)
    for row, position, relation, text in reader.links:
        target = relations[relation].target if relation in relations else text
        if target:
            reader.sheet.sights.append(Sight("link", row, position, target[:100]))
    for other in relations.values():
        if other.kind in ("comments", "threadedComment") and other.target in archive:
            comments = Comments()
            _read(archive, other.target, comments)
            reader.sheet.sights += comments.sights
        elif other.kind == "drawing" and other.target in archive:
            drawing = TextDrawing()
            _read(archive, other.target, drawing)
            reader.sheet.sights += drawing.sights


def _relations(archive: Archive, path: str) -> dict[str, _Relation]:
    folder, name = posixpath.split(path)
    place = posixpath.join(folder, "_rels", f"{name}.rels") if path else "_rels/.rels"
    reader = _Relations(folder)
    if place in archive:
        _read(archive, place, reader)
    return reader.relations


def _read(archive: Archive, path: str, reader: PartReader) -> None:
    read_part(archive.blocks(path), reader, _PREFIXES)
