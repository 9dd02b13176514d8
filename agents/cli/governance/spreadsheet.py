"""Spreadsheets (.xlsx) as tables. Nothing in them is calculated: a formula is the text that it is.

A spreadsheet is a zip of XML, so before anything is read the sizes that its directory states are checked (zipfile
gives no more than they state), and while it is read rows and cells are counted.
"""

import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from wanderbuch.governance.findings import Severity
from wanderbuch.governance.importing.table import MAX_TABLE_BYTES, CellFinding, Table, TableError, table_of

MAX_UNPACKED_BYTES: Final = 128 * 1024 * 1024
MAX_ENTRIES: Final = 2000
MAX_CELLS: Final = 5_000_000  # with the empty ones between others
_SHEETS: Final = "xl/worksheets/"
_MERGED: Final = b"<mergeCell "
_SAVE_ANEW: Final = "save it as .xlsx or CSV"


def read_spreadsheet(received: bytes, *, sheet: str | None = None, fill_down: bool = False) -> Table:
    """Return one sheet of a spreadsheet.

    Args:
        received: the bytes of the .xlsx file.
        sheet: its name; None takes the only one.
        fill_down: the user knows of merged cells.

    Raises:
        TableError: it can not be read, is too large, or it is not clear which sheet is meant.
    """
    findings: list[CellFinding] = []
    if _check_archive(received) and not fill_down:
        message = "the spreadsheet has merged cells; only the first of them holds the text"
        findings.append(CellFinding(Severity.WARNING, 0, "", message, "--fill-down reads the others as 'as above'"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and extensions that hold no cells
        try:
            book = load_workbook(io.BytesIO(received), read_only=True, data_only=False, keep_links=False)
        except Exception as err:
            raise TableError(
                f"expected a spreadsheet (.xlsx), found what can not be read: {type(err).__name__}", hint=_SAVE_ANEW
            ) from err
        try:
            worksheet = _sheet(book, sheet)
            worksheet.reset_dimensions()  # what the file says of its own size is not relied on
            return table_of(_rows(worksheet), findings)
        except TableError:
            raise
        except Exception as err:
            text = f"expected a sheet that can be read, found a fault: {type(err).__name__}"
            raise TableError(text, hint=_SAVE_ANEW) from err
        finally:
            book.close()


def _sheet(book: Any, name: str | None) -> Any:
    names = [each.title for each in book.worksheets]
    chosen = names[0] if name is None and len(names) == 1 else name
    if chosen not in names:
        found = "several" if name is None else repr(name)
        raise TableError(f"expected the name of one sheet, found {found}", hint=f"--sheet: {', '.join(names)}")
    return book[chosen]


def _check_archive(received: bytes) -> bool:
    """Refuse what is no archive or unpacks to too much; return whether a sheet has merged cells."""
    if len(received) > MAX_TABLE_BYTES:
        raise TableError(f"expected at most {MAX_TABLE_BYTES} bytes, found {len(received)}")
    try:
        with zipfile.ZipFile(io.BytesIO(received)) as archive:
            entries = archive.infolist()
            size = sum(each.file_size for each in entries)
            if len(entries) > MAX_ENTRIES or size > MAX_UNPACKED_BYTES:
                raise TableError(f"expected a spreadsheet of at most {MAX_UNPACKED_BYTES} bytes unpacked, found {size}")
            sheets = [each for each in entries if each.filename.startswith(_SHEETS)]
            return any(_mentions(archive, each) for each in sheets)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error) as err:
        raise TableError("expected a spreadsheet (.xlsx), found another file", hint=_SAVE_ANEW) from err


def _mentions(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    before = b""
    with archive.open(entry) as stream:
        while block := stream.read(1 << 20):
            if _MERGED in before + block:
                return True
            before = block[-len(_MERGED) :]
    return False


def _rows(worksheet: Any) -> Iterator[tuple[int, list[str]]]:
    count = 0
    for number, row in enumerate(worksheet.iter_rows(), start=1):
        count += len(row)
        if count > MAX_CELLS:
            raise TableError(
                f"expected at most {MAX_CELLS} cells, found more", hint="delete what is unused around the list"
            )
        for position, cell in enumerate(row, start=1):
            if getattr(cell, "data_type", None) == "e":
                place = f"{get_column_letter(position)}{number}"
                raise TableError(f"the sheet shows an error in {place}", hint="correct it, or write the value itself")
        yield number, [_text(cell.value) for cell in row]


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
        case date():
            return value.isoformat()
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case str():
            return value
        case _:  # an array formula, a duration: shown as what it is, calculated never
            return str(getattr(value, "text", value))
