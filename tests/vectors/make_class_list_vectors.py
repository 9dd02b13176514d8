"""Make the lists of `tests/vectors/class_lists`: class lists as centres keep them, each with one thing that misleads.

    python tests/vectors/make_class_list_vectors.py tests/vectors/class_lists

The persons are invented. What each file must be read as stands in `cases.json`, looked at by eye.
"""

import io
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font

HEADER = ["Certificate No", "Surname", "First names", "Date of birth", "Level"]
PERERA = ["CWC-17", "Perera", "Nimal", "1995-03-12", "4"]
SILVA = ["CWC-18", "Silva", "Amal Kumari", "1996-11-30", "4"]
FERNANDO = ["CWC-19", "Fernando", "Sunil", "1994-07-01", "3"]
MADE: dict[str, Callable[[], bytes]] = {}


def made(name: str) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Register what makes a file."""

    def keep(make: Callable[[], bytes]) -> Callable[[], bytes]:
        MADE[name] = make
        return make

    return keep


def csv_text(*rows: list[str], separator: str = ",") -> str:
    return "".join(separator.join(f'"{cell}"' if separator in cell else cell for cell in row) + "\r\n" for row in rows)


def book_of(*rows: list[Any], name: str = "Class") -> Workbook:
    book = Workbook()
    book.active.title = name
    for row in rows:
        book.active.append(row)
    return book


def saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def ods_of(*rows: list[str], hidden: int | None = None) -> bytes:
    """Return a spreadsheet as OpenDocument programs write it, as little as there may be in it."""
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = "".join(
            f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
            for cell in row
        )
        seen = ' table:visibility="collapse"' if number == hidden else ""
        lines.append(f"<table:table-row{seen}>{cells}</table:table-row>")
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content office:version="1.3"'
        ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="Class">{"".join(lines)}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
    return stream.getvalue()


@made("plain.csv")
def plain() -> bytes:
    return csv_text(HEADER, PERERA, SILVA).encode()


@made("plain.ods")
def plain_ods() -> bytes:
    return ods_of(HEADER, PERERA, SILVA)


@made("left-the-course.ods")
def hidden_ods() -> bytes:
    return ods_of(HEADER, PERERA, SILVA, FERNANDO, hidden=3)


@made("title-and-footer.csv")
def title_and_footer() -> bytes:
    return csv_text(
        ["Colombo Welding Centre"], ["Final examination, class 2024 B"], [],
        ["No", *HEADER], ["1", *PERERA], ["2", *SILVA], [], ["", "Total: 2"], ["", "Signature of the principal"],
    ).encode()  # fmt: skip


@made("merged-course.xlsx")
def merged() -> bytes:
    book = book_of([*HEADER, "Qualification"], [*PERERA, "National Certificate, Welder"], [*SILVA], [*FERNANDO])
    book.active.merge_cells("F2:F4")
    return saved(book)


@made("hidden-rows.xlsx")
def hidden() -> bytes:
    book = book_of(HEADER, PERERA, SILVA, FERNANDO)
    book.active.row_dimensions[3].hidden = True
    return saved(book)


@made("struck-out.xlsx")
def struck_out() -> bytes:
    book = book_of(HEADER, PERERA, SILVA)
    for cell in book.active[3]:
        cell.font = Font(strike=True)
    return saved(book)


@made("number-with-zeros.xlsx")
def zeros() -> bytes:
    book = book_of(HEADER, [17, *PERERA[1:]], [18, *SILVA[1:]])
    for row in (2, 3):
        book.active.cell(row, 1).number_format = "000000"
    return saved(book)


@made("days-of-the-sheet.xlsx")
def days() -> bytes:
    book = book_of(
        HEADER,
        [*PERERA[:3], date(1995, 3, 12), 4],
        [*SILVA[:3], date(1996, 11, 30), 4],
        [*FERNANDO[:3], date(1994, 7, 1), 3],
    )
    sheet = book.active
    sheet["D2"].number_format = "dd/mm/yyyy"
    sheet["D3"].number_format = "d mmmm yyyy"
    sheet["D4"].number_format = "mmm yyyy"  # the day is stored, and not shown
    return saved(book)


@made("failed-in-a-comment.xlsx")
def comment() -> bytes:
    book = book_of(HEADER, PERERA, SILVA)
    book.active["A3"].comment = Comment("result withheld, certificate cancelled", "registrar")
    return saved(book)


@made("half-written-days.csv")
def half_written() -> bytes:
    days = ["1995", "03/1995", "March 1995", "00/03/1995", "12/3/95", "31 June 1995", "12 March 1995", "2995-03-12"]
    return csv_text(
        HEADER, *(["N-" + str(at), f"Perera{chr(64 + at)}", "Nimal", day, "4"] for at, day in enumerate(days, 1))
    ).encode()


@made("day-or-month.csv")
def day_or_month() -> bytes:
    return csv_text(HEADER, [*PERERA[:3], "03/04/1995", "4"], [*SILVA[:3], "30/11/1996", "4"]).encode()


@made("names-in-one-cell.csv")
def names() -> bytes:
    header = ["Index No", "Name of candidate", "DOB", "NVQ Level"]
    return csv_text(
        header,
        ["1001", "Perera, Nimal Ruwan", "1995-03-12", "4"],
        ["1002", "W. A. Amal Silva", "1996-11-30", "4"],
        ["1003", "Kamaladevi", "1994-07-01", "4"],
    ).encode()


@made("results.csv")
def results() -> bytes:
    return csv_text(
        [*HEADER, "Result"],
        [*PERERA, "Pass"],
        [*SILVA, "FAIL"],
        [*FERNANDO, "Pass*"],
        ["CWC-20", "Dias", "Ravi", "1993-01-02", "4", ""],
    ).encode()


@made("number-twice.csv")
def number_twice() -> bytes:
    return csv_text(HEADER, PERERA, [PERERA[0].lower(), *SILVA[1:]], FERNANDO).encode()


@made("person-twice.csv")
def person_twice() -> bytes:
    return csv_text(HEADER, PERERA, ["CWC-90", *PERERA[1:]], ["CWC-91", "Perera", "Nimal", "1990-05-05", "4"]).encode()


@made("arabic-right-to-left.csv")
def arabic() -> bytes:
    return csv_text(
        ["رقم الشهادة", "اللقب", "الاسم الأول", "تاريخ الميلاد", "المستوى", "النتيجة"],
        ["٠٠١٧", "\u202bبن علي\u202c", "محمد\u200f", "١٢/٠٣/١٩٩٥", "٤", "ناجح"],
        ["٠٠١٨", "التونسي", "أمل", "٣٠ نوفمبر ١٩٩٦", "4", "راسبة"],
    ).encode()


@made("windows-1256.csv")
def windows_1256() -> bytes:
    return csv_text(
        ["رقم الشهادة", "اللقب", "الاسم الأول", "تاريخ الميلاد", "المستوى"],
        ["A-17", "بن علي", "محمد", "1995-03-12", "4"],
    ).encode("cp1256")


@made("semicolons-windows-1252.csv")
def windows_1252() -> bytes:
    return csv_text(
        ["Matricule", "Nom", "Prénom", "Né le", "Niveau"], ["F-17", "Béranger", "Zoé", "12.03.1995", "4"], separator=";"
    ).encode("cp1252")


@made("sinhala-tamil.csv")
def scripts() -> bytes:
    return csv_text(
        ["සහතික අංකය", "වාසගම", "මුල් නම්", "උපන් දිනය", "மட்டம்"],
        ["L-17", "පෙරේරා", "නිමල්", "1995-03-12", "4"],
    ).encode()


@made("question-marks.csv")
def question_marks() -> bytes:
    return csv_text(HEADER, ["CWC-17", "P?r?ra", "Nimal", "1995-03-12", "4"], SILVA).encode()


@made("formulas.xlsx")
def formulas() -> bytes:
    return saved(book_of(HEADER, ['="CWC-"&17', *PERERA[1:]], SILVA))


@made("levels.csv")
def levels() -> bytes:
    texts = ["NVQ 4", "Level 4", "IV", "4-5", "9", "C7212"]
    return csv_text(
        HEADER,
        *([f"L-{at}", "Perera", f"Nimal {chr(64 + at)}", "1995-03-12", text] for at, text in enumerate(texts, 1)),
    ).encode()


@made("phone-and-marks.csv")
def unknown_columns() -> bytes:
    return csv_text([*HEADER, "Phone", "Certificat Numbr"], [*PERERA, "0771234567", "x"]).encode()


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in MADE.items():
        (folder / name).write_bytes(make())


if __name__ == "__main__":
    main()
