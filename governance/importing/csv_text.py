"""A CSV file as spreadsheets write it: encoding and separator are found out, never guessed silently (RFC 4180)."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from wanderbuch.governance.importing.table import MAX_TABLE_BYTES, Table, TableError, table_of

SEPARATORS: Final = (",", ";", "\t")
_MARKS: Final = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_SAVE_AS: Final = "save the list as “CSV UTF-8”"


def read_csv(received: bytes, *, encoding: str | None = None, separator: str | None = None) -> Table:
    """Return the table in a CSV file.

    Args:
        received: the bytes of the file.
        encoding: None = UTF-8, with or without byte order mark; else the name the user gave, such as "windows-1252".
        separator: None = the one of comma, semicolon and tab that the first row uses.

    Raises:
        TableError: it is no table that can be read without guessing.
    """
    if len(received) > MAX_TABLE_BYTES:
        raise TableError(f"expected at most {MAX_TABLE_BYTES} bytes, found {len(received)}")
    text = _decode(received, encoding)
    if "\0" in text:
        raise TableError("expected text, found a byte 0", hint="is it a spreadsheet (.xlsx) with the name of a CSV?")
    return table_of(_rows(text, separator or _separator(text)))


def _decode(received: bytes, encoding: str | None) -> str:
    if received.startswith(b"PK\x03\x04"):
        raise TableError("expected text, found a spreadsheet or archive", hint="give the file the ending .xlsx")
    for mark, name in _MARKS:
        if received.startswith(mark) and encoding is None:
            raise TableError(f"expected UTF-8, found {name}", hint=f"{_SAVE_AS}, or give --encoding utf-16")
    try:
        return received.decode(encoding or "utf-8-sig")
    except LookupError as err:
        raise TableError(f"expected the name of an encoding, found {encoding!r}", hint="such as utf-8") from err
    except UnicodeError as err:
        where = received.count(b"\n", 0, getattr(err, "start", 0)) + 1
        if encoding is not None:
            raise TableError(f"expected {encoding}, found other bytes in line {where}", hint=_SAVE_AS) from err
        raise TableError(
            f"expected UTF-8, found other bytes in line {where}; it may be Windows-1252, as older spreadsheets write",
            hint=f"{_SAVE_AS}, or give --encoding windows-1252 and look at the accents",
        ) from err


def _separator(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lower().startswith("sep=") and len(first.strip()) == 5:  # a line some spreadsheets write for themselves
        return first.strip()[4]
    outside = "".join(first.split('"')[::2])
    found = [each for each in SEPARATORS if each in outside]
    if len(found) > 1:
        raise TableError("found several separators in the first row", hint="name the right one with --separator")
    return found[0] if found else ","


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator, strict=True)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader, None)
        except csv.Error as err:
            raise TableError(f"expected CSV, found a mistake in row {number}: {err}", hint="check its quotes") from err
        if cells is None:
            return
        if number == 1 and "".join(cells).lower().rstrip(",;\t") == "sep=":
            continue
        yield number, cells
