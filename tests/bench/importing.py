"""What reading a list of 200,000 rows costs, over python-calamine, which gives the values alone.

A workbook as a registrar keeps it: numbers with leading zeros by their format, days by theirs, hidden rows among the
others. Ours gives each cell as the person sees it, and the rows that they do not see; calamine gives what is stored.
Both read the same bytes in this process, in turn; CPU time.
"""

import gc
import io
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from openpyxl import Workbook
from python_calamine import CalamineWorkbook
from tests.bench.errors import BenchError
from tests.bench.ratios import Ratio, median_of_ratios

from wanderbuch.governance.lists.reading import Choices, read_list

_SHEET: Final = "xl/worksheets/sheet1.xml"
_TOP: Final = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_HEADERS: Final = ("Certificate No", "Surname", "First names", "Date of birth", "Occupation", "Level")
_HIDDEN_EACH: Final = 100
_FIRST_DAY: Final = 29_221  # 1980-01-01, as spreadsheets count
_DAYS: Final = 9_000


@dataclass(frozen=True, slots=True)
class ImportFigures:
    """Our CPU time over calamine's, and how many rows were read."""

    ratio: Ratio
    rows: int


def measure_importing(rows: int = 200_000, rounds: int = 5) -> ImportFigures:
    """Read the same workbook by both, so many times.

    Raises:
        BenchError: one of them has not read what the workbook holds.
    """
    received = workbook(rows)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_cpu_ms(lambda: _read(received, rows)))
        theirs.append(_cpu_ms(lambda: _read_values(received, rows)))
    return ImportFigures(median_of_ratios(ours, theirs), rows)


def workbook(rows: int) -> bytes:
    """Return a workbook of so many rows below its headers; one in a hundred is hidden."""
    made = Workbook()
    sheet = made.active
    if sheet is None:
        raise BenchError("the workbook has no sheet")
    for place, shown_as in (("A1", "000000"), ("B1", "yyyy-mm-dd")):
        sheet[place].value = 1
        sheet[place].number_format = shown_as
    stream = io.BytesIO()
    made.save(stream)
    packed = io.BytesIO()
    with zipfile.ZipFile(stream) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename != _SHEET:
                new.writestr(entry.filename, old.read(entry))
        new.writestr(_SHEET, _sheet(rows))
    return packed.getvalue()


def _sheet(rows: int) -> str:
    parts = [_TOP, '<row r="1">', *(_text(f"{'ABCDEF'[at]}1", name) for at, name in enumerate(_HEADERS)), "</row>"]
    for number in range(2, rows + 2):
        hidden = ' hidden="1"' if number % _HIDDEN_EACH == 0 else ""
        parts += (
            f'<row r="{number}"{hidden}><c r="A{number}" s="1"><v>{number}</v></c>',
            _text(f"B{number}", f"Perera{number}"),
            _text(f"C{number}", "Nimal Sunil"),
            f'<c r="D{number}" s="2"><v>{_FIRST_DAY + number % _DAYS}</v></c>',
            _text(f"E{number}", "C7212"),
            f'<c r="F{number}"><v>{number % 7 + 1}</v></c></row>',
        )
    return "".join((*parts, "</sheetData></worksheet>"))


def _text(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def _read(received: bytes, rows: int) -> None:
    table = read_list(received, Choices(answers={"hidden-rows": "take"}), known=frozenset(_HEADERS).__contains__)
    last = table.rows[-1].cells if table.rows else ()
    if len(table.rows) != rows or last[0] != f"{rows + 1:06}" or len(last[3]) != len("2001-01-01"):
        raise BenchError(f"expected {rows} rows as they are shown, found {len(table.rows)}, the last one {last}")


def _read_values(received: bytes, rows: int) -> None:
    values = CalamineWorkbook.from_filelike(io.BytesIO(received)).get_sheet_by_index(0).to_python()
    if len(values) != rows + 1:
        raise BenchError(f"expected {rows + 1} rows, found {len(values)}")


def _cpu_ms(work: Callable[[], None]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000
