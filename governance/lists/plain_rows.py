"""Rows of an .xlsx that are written as nearly all are: taken by one expression, not element by element.

A sheet of 200,000 rows is a million cells and as many calls for each of their elements, which costs more than all
else. So the parser gets what stands around the rows, and each row that is not plain; a plain one it never sees.

That must not make a difference to what is read. In order: 1. rows are taken only directly behind the start tag of
`sheetData` or the end tag of a row, of which the parser itself says at which byte they stand: what looks like a row in
a comment or a text is none; 2. a plain row has cells that follow each other without a gap, each with a place, a style
and a type, that hold one value, without anything that XML reads otherwise than it is written; 3. cells of one row that
are in order, and whose look alone says nothing that a person must hear, make a *shape*, and only rows of a known
shape are taken; 4. everything else goes through the parser, which also finds every fault.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final, Protocol

from wanderbuch.governance.lists.xml_parts import Attributes, PartParser, PartReader

_TOP: Final = b"<sheetData>"
_END: Final = b"</row>"
_MOST_KEPT: Final = 1 << 20  # bytes without the end of a row
_MOST_SHAPES: Final = 2000
# What is not read as it is written, or is no XML (XML 1.0, 2.2, 2.4, 2.11).
_ODD: Final = (b"]]>", "\ufffe".encode(), "\uffff".encode())
_EVEN: Final = b"\t\n" + bytes(range(0x20, 0x100))
_ROW: Final = re.compile(r'[ \n\t]*+<row((?: [A-Za-z0-9]++(?::[A-Za-z0-9]++)?="[^"<&\n\t]*+")*+)>')
_ATTRIBUTE: Final = re.compile(r' ([A-Za-z0-9:]++)="([^"]*+)"')
# Column, row, style, type; the tags around a text, if it is one; the value.
_CELL: Final = re.compile(
    r'<c r="([A-Z]{1,3})([1-9][0-9]{0,6})"(?: s="([0-9]{1,5})")?(?: t="([A-Za-z]{1,9})")?'
    r'(?:/>|>(?:(?:<v>|(<is><t(?: xml:space="preserve")?>))([^<&]*+)(?(5)</t></is>|</v>))?</c>)'
)
_READ: Final = ("r", "hidden", "ht")  # of a row's attributes, also where a prefix says their own namespace
_GROUPS: Final = 7  # of a cell, with what stands before it

type Shape = tuple[tuple[str, ...], tuple[str | None, ...], tuple[str | None, ...], tuple[str | None, ...]]
"""Of each cell of a row its column, style, type and opening tags."""


class RowReader(PartReader, Protocol):
    """Takes the elements of a sheet, and whole rows."""

    def taking(self, shape: Shape) -> "TakeRow | None":
        """Return what takes rows of a shape; None: the parser must."""


type TakeRow = Callable[[int, Attributes, list[str | None]], bool]
"""Takes a row: its number, attributes and values. False: it has taken nothing, and the parser must."""


@dataclass(slots=True)
class _State:
    """How far a sheet was read; `depth` is that of `sheetData`, None where rows are not looked for."""

    parser: PartParser
    reader: RowReader
    shapes: dict[Shape, TakeRow | None]
    prefixes: set[str]  # of attributes of rows that the parser has taken: it knows them
    depth: int | None = None


def read_sheet(blocks: Iterable[bytes], reader: RowReader, prefixes: Mapping[str, str]) -> None:
    """Give a sheet to a reader: plain rows whole, all else by element.

    Args:
        blocks: the bytes of the part.
        reader: takes them.
        prefixes: as for `read_part`.

    Raises:
        TableError: it is not well-formed, has a document type, or is nested without end; or the reader refuses.
    """
    state = _State(PartParser(reader, prefixes), reader, {}, set())
    left: Iterator[bytes] = iter(blocks)
    kept = _begin(state, left)
    left = chain((b"",), left)  # what was unpacked beyond may be all
    while state.depth is not None and (block := next(left, None)) is not None:
        kept += block
        end = kept.rfind(_END) + len(_END)
        if end >= len(_END):
            _take(state, kept[:end])
            kept = kept[end:]
        elif len(kept) > _MOST_KEPT:  # so much without a row is no list
            break
    state.parser.give(kept)
    for block in left:
        state.parser.give(block)
    state.parser.close()


def _begin(state: _State, blocks: Iterator[bytes]) -> bytes:
    """Give what stands before the rows to the parser; return what was unpacked beyond, if rows can be taken (1)."""
    parser = state.parser
    parser.watch("sheetData")
    kept = b""
    for block in blocks:
        kept += block
        at = kept.find(_TOP)
        if at < 0 and len(kept) <= _MOST_KEPT:
            continue
        if at >= 0:
            parser.give(kept[: at + len(_TOP)])
            kept = kept[at + len(_TOP) :]
            if parser.has_just_begun(_TOP) and parser.is_utf8:
                state.depth = parser.depth
                parser.watch("row")
        break
    return kept


def _take(state: _State, rows: bytes) -> None:
    """Take rows up to the end tag of one."""
    try:
        text = rows.decode()
    except UnicodeDecodeError:
        text = ""
    if not text or rows.translate(None, _EVEN) or any(odd in rows for odd in _ODD):
        _parse(state, rows)
        return
    texts = text.split("</row>")
    texts.pop()  # what stands behind the last one: nothing
    for number, row in enumerate(texts):
        if _is_taken(state, row):
            continue
        _parse(state, f"{row}</row>".encode())
        if state.depth is None:
            state.parser.give("".join(f"{other}</row>" for other in texts[number + 1 :]).encode())
            return
        if begun := _ROW.match(row):
            state.prefixes.update(name.partition(":")[0] for name, _ in _ATTRIBUTE.findall(begun[1]) if ":" in name)


def _parse(state: _State, rows: bytes) -> None:
    """Give rows to the parser; unless it stands behind a row then, as it did before, no more rows are taken (1)."""
    parser = state.parser
    parser.give(rows)
    if b"xmlns" in rows or parser.depth != state.depth or not parser.has_just_ended(_END):
        state.depth = None


def _is_taken(state: _State, row: str) -> bool:
    """Take a row if it is plain (2, 3)."""
    begun = _ROW.match(row)
    if begun is None or "_x" in row:  # escapes of a spreadsheet
        return False
    given = _ATTRIBUTE.findall(begun[1])
    attributes = dict(given)
    if len(attributes) < len(given) or "xmlns" in attributes or (":" in begun[1] and not _are_known(state, attributes)):
        return False
    parts = _CELL.split(row[begun.end() :])
    if any(parts[::_GROUPS]):
        return False
    digits, number = parts[2::_GROUPS], attributes.get("r", "")
    if not digits or digits.count(number) != len(digits):
        return False
    shape = (
        tuple(parts[1::_GROUPS]),
        tuple(parts[3::_GROUPS]),
        tuple(parts[4::_GROUPS]),
        tuple(parts[5::_GROUPS]),
    )
    try:
        take = state.shapes[shape]
    except KeyError:
        if len(state.shapes) == _MOST_SHAPES:
            state.shapes.clear()
        take = state.shapes[shape] = state.reader.taking(shape)
    if take is None or not take(int(number), attributes, parts[6::_GROUPS]):
        return False
    state.parser.skipped_lines += row.count("\n")
    return True


def _are_known(state: _State, attributes: Attributes) -> bool:
    """Return whether prefixes are declared, for the parser has taken attributes with them, and none may be read."""
    parts = [name.split(":") for name in attributes if ":" in name]
    return all(prefix in state.prefixes and name not in _READ for prefix, name in parts)
