"""Make the lists of `tests/vectors/lists`: files as registrars keep them, each with one thing that is easily lost.

    python tests/vectors/make_list_vectors.py tests/vectors/lists

The institutions are invented. What each file must be read as stands in `cases.json`, written by hand. Files of
LibreOffice are made by `make_list_vectors_office.py`.
"""

# ruff: noqa: E501 - a row of a list is one line

import io
import sys
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font, PatternFill
from openpyxl.utils.datetime import CALENDAR_MAC_1904

type Rows = list[list[Any]]

HEADER = ["Name of institution", "Registration No", "NVQ level", "Accredited from", "Status"]
COLOMBO = ["Colombo Welding Centre", "TA-1", "3-4", "2024-03-01", "Active"]
GALLE = ["Galle Technical Institute", "TA-2", "2-4", "2023-07-01", "Suspended"]
KANDY = ["Kandy Hotel School", "TA-3", "4", "2022-01-15", "Active"]
MADE: dict[str, Callable[[], bytes]] = {}


def made(name: str) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Register what makes a file."""

    def keep(make: Callable[[], bytes]) -> Callable[[], bytes]:
        MADE[name] = make
        return make

    return keep


def csv_text(*rows: list[str], separator: str = ",") -> str:
    return "".join(separator.join(row) + "\r\n" for row in rows)


def book_of(*rows: list[Any], name: str = "Centres") -> Workbook:
    book = Workbook()
    book.active.title = name
    for row in rows:
        book.active.append(row)
    return book


def saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def changed(received: bytes, part: str, *changes: tuple[str, str]) -> bytes:
    """Return a spreadsheet with one part changed, as no library writes it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(received)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == part:
                text = content.decode()
                for before, after in changes:
                    if before not in text:
                        raise ValueError(f"expected {before!r} in {part}: {text[:2000]}")
                    text = text.replace(before, after)
                content = text.encode()
            new.writestr(entry.filename, content)
    return stream.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


@made("plain.csv")
def plain() -> bytes:
    return csv_text(HEADER, COLOMBO, GALLE).encode()


@made("semicolons-sep-line-bom.csv")
def semicolons() -> bytes:
    return ("\ufeffsep=;\r\n" + csv_text(HEADER, COLOMBO, ["Lycée d’Été; Nord", *GALLE[1:]][:5], separator=";")
            .replace("Lycée d’Été; Nord", '"Lycée d’Été; Nord"')).encode()  # fmt: skip


@made("bars-utf-16.csv")
def bars() -> bytes:
    return csv_text(HEADER, ["අම්පාර කාර්මික ආයතනය", *COLOMBO[1:]], separator="|").encode("utf-16")


@made("sinhala-tamil-headers.csv")
def scripts() -> bytes:
    return csv_text(
        ["ආයතනය", "ආරම්භක දිනය", "தொழில்", "நிலைமை", "स्थिति"],
        ["ශ්‍රී ලංකා වෘත්තීය පුහුණු ආයතනය", "2024-03-01", "C7212", "இடைநிறுத்தப்பட்டது", "निलंबित"],
    ).encode()


@made("windows-1252.csv")
def western() -> bytes:
    return csv_text(HEADER, ["École des métiers, Genève".replace(",", ""), *COLOMBO[1:]]).encode("cp1252")


@made("windows-1250.csv")
def polish() -> bytes:
    return csv_text(
        HEADER, ["Zespół Szkół Zawodowych w Łodzi", *COLOMBO[1:]], ["Świętokrzyska Szkoła", *KANDY[1:]]
    ).encode("cp1250")


@made("windows-1251.csv")
def cyrillic() -> bytes:
    return csv_text(HEADER, ["Колледж сварки Москва", *COLOMBO[1:]], ["Институт связи", *KANDY[1:]]).encode("cp1251")


@made("windows-1256.csv")
def arabic() -> bytes:
    return csv_text(HEADER, ["المعهد الوطني للتدريب المهني", *COLOMBO[1:]]).encode("cp1256")


@made("windows-874.csv")
def thai() -> bytes:
    return csv_text(HEADER, ["วิทยาลัยเทคนิคกรุงเทพ", *COLOMBO[1:]]).encode("cp874")


@made("decoded-twice.csv")
def mojibake() -> bytes:
    return csv_text(HEADER, ["Ã‰cole des mÃ©tiers", *COLOMBO[1:]]).encode()


@made("letters-lost.csv")
def lost() -> bytes:
    return csv_text(HEADER, ["\ufffdcole des m\ufffdtiers", *COLOMBO[1:]]).encode()


@made("question-marks.csv")
def question_marks() -> bytes:
    return csv_text(HEADER, ["?cole des m?tiers", *COLOMBO[1:]]).encode()


@made("unseen-marks.csv")
def unseen() -> bytes:
    name = '"\u200fColom\u00adbo\u200b Welding\u00a0Centre\nSouth"'
    return csv_text(HEADER, [name, *COLOMBO[1:]], ["ශ්\u200dරී පාලි ආයතනය", *KANDY[1:]]).encode()


@made("look-alike.csv")
def look_alike() -> bytes:
    return csv_text(HEADER, ["Cоlombo Welding Centre", *COLOMBO[1:]]).encode()  # a Cyrillic о


@made("ragged.csv")
def ragged() -> bytes:
    return csv_text(HEADER, COLOMBO, GALLE[:3], GALLE, [*KANDY, "closed"]).encode()


@made("formulas.csv")
def formulas_in_text() -> bytes:
    return csv_text(HEADER, ["Colombo Welding Centre", '"=""0142"""', '"=""3-4"""', "2024-03-01", "Active"],
                    ['"=HYPERLINK(""https://x.test"",""Galle"")"', *GALLE[1:]]).encode()  # fmt: skip


@made("shortened-number.csv")
def shortened() -> bytes:
    return csv_text(HEADER, ["Colombo Welding Centre", "2.02401E+11", *COLOMBO[2:]]).encode()


@made("title-and-footer.csv")
def title_and_footer() -> bytes:
    return csv_text(
        ["Ministry of Skills Development", "", "", "", ""], ["Accredited centres as at 1 July 2024", "", "", "", ""],
        [""] * 5, HEADER, ["(1)", "(2)", "(3)", "(4)", "(5)"], COLOMBO, KANDY, HEADER, GALLE,
        ["Total: 3", "", "", "", ""], [""] * 5, ["Source: Registrar’s office", "", "", "", ""], ["Page 1 of 1", "", "", "", ""],
    ).encode()  # fmt: skip


@made("title-of-suspended.csv")
def title_of_suspended() -> bytes:
    return csv_text(["List of SUSPENDED centres", "", "", ""], HEADER[:4], COLOMBO[:4], KANDY[:4]).encode()


@made("statuses.csv")
def statuses() -> bytes:
    words = ["Accredited", "Under Suspension", "REVOKED", "Expired", "Provisional", "not renewed", "අත්හිටුවා ඇත", "Suspendu", "Vigente",
             "موقوف", "In good standing"]  # fmt: skip
    return csv_text(
        HEADER, *([f"Centre {at}", f"TA-{at}", "4", "2024-03-01", word] for at, word in enumerate(words))
    ).encode()


@made("hidden.xlsx")
def hidden() -> bytes:
    book = book_of(HEADER, COLOMBO, GALLE, KANDY)
    book.active.row_dimensions[3].hidden = True
    book.active.column_dimensions["E"].hidden = True
    book.active.auto_filter.ref = "A1:E4"
    book.create_sheet("Old").append(["Withdrawn centres"])
    book["Old"].sheet_state = "veryHidden"
    return saved(book)


@made("low-row-narrow-column.xlsx")
def low() -> bytes:
    book = book_of(HEADER, COLOMBO, GALLE)
    book.active.row_dimensions[3].height = 0.5
    book.active.column_dimensions["E"].width = 0.1
    return saved(book)


@made("struck-out.xlsx")
def struck() -> bytes:
    book = book_of(HEADER, COLOMBO, GALLE, KANDY)
    for cell in book.active[3]:
        cell.font = Font(strike=True)
    book.active["A4"] = CellRichText("Kandy ", TextBlock(InlineFont(strike=True), "Hotel"), " School")
    return saved(book)


@made("invisible-text.xlsx")
def invisible() -> bytes:
    book = book_of(HEADER, COLOMBO, GALLE, KANDY)
    book.active["E2"].font = Font(color="FFFFFFFF")
    book.active["E3"].font = Font(color="FF1F4E78")
    book.active["E3"].fill = PatternFill("solid", fgColor="FF1F4E79")
    book.active["E4"].number_format = ";;;"
    for cell in book.active[1]:  # white on blue, as headers often are: seen
        cell.font, cell.fill = Font(color="FFFFFFFF"), PatternFill("solid", fgColor="FF1F4E79")
    return saved(book)


@made("shown-otherwise.xlsx")
def shown_otherwise() -> bytes:
    book = book_of(
        HEADER, ["Colombo Welding Centre", 142, 3.0, date(2024, 3, 1), 1], ["Galle Technical Institute", 143, 2.5, date(2023, 7, 1), 0],
        ["Kandy Hotel School", 20240123456789012, 4, datetime(2022, 1, 15, 9, 30), 1],  # noqa: DTZ001
    )  # fmt: skip
    for row in (2, 3):
        book.active[f"B{row}"].number_format = '"TA-"0000'
        book.active[f"C{row}"].number_format = "0"
        book.active[f"E{row}"].number_format = '"Active";;"Suspended"'
    book.active["D3"].number_format = "mmm yyyy"
    book.active["D4"].number_format = "dd/mm/yyyy"
    book.active["E4"].number_format = '[>0]"Active";"Closed"'
    return saved(book)


@made("days-of-1904.xlsx")
def days_of_1904() -> bytes:
    book = book_of(HEADER, [*COLOMBO[:3], 43890, "Active"])
    book.active["D2"].number_format = "d mmmm yyyy"
    book.epoch = CALENDAR_MAC_1904
    return saved(book)


@made("formulas.xlsx")
def formulas() -> bytes:
    book = book_of(HEADER, COLOMBO, GALLE, KANDY)
    book.active["E2"], book.active["E3"], book.active["D4"] = '=IF(TRUE,"Active","")', "=1/0", "=TODAY()"
    return changed(
        saved(book), SHEET,
        ('<c r="E2"><f>IF(TRUE,"Active","")</f><v></v></c>', '<c r="E2" t="str"><f>IF(TRUE,"Active","")</f><v>Active</v></c>'),
        ('<c r="E3"><f>1/0</f><v></v></c>', '<c r="E3" t="e"><f>1/0</f><v>#DIV/0!</v></c>'),
    )  # fmt: skip


@made("comments-and-links.xlsx")
def comments() -> bytes:
    book = book_of(HEADER, COLOMBO, GALLE)
    book.active["A2"].comment = Comment("Suspended from May, see letter", "registrar")
    book.active["A3"].hyperlink = "https://galle.example/"
    book.active.oddHeader.center.text = "DRAFT"
    return saved(book)


@made("conditional-format.xlsx")
def conditional() -> bytes:
    book = book_of(HEADER, COLOMBO, GALLE)
    rule = CellIsRule(operator="equal", formula=['"Suspended"'], font=Font(color="FFFFFFFF"))
    book.active.conditional_formatting.add("E2:E9", rule)
    return saved(book)


@made("merged.xlsx")
def merged() -> bytes:
    book = book_of(
        ["Accredited centres"], ["Centre", None, "Mandate", None, None], ["Name of institution", "Registration No", "from", "to", "Status"],
        ["Colombo Welding Centre", "TA-1", "2024-01-01", "2025-12-31", "Active"], [None, "TA-9", "2024-02-01", "2025-12-31", "Active"],
    )  # fmt: skip
    for place in ("A1:E1", "A2:B2", "C2:D2", "A4:A5"):
        book.active.merge_cells(place)
    return saved(book)


@made("two-sheets.xlsx")
def two_sheets() -> bytes:
    book = book_of(HEADER, COLOMBO, name="Accredited")
    second = book.create_sheet("Suspended")
    second.append(HEADER[:4])
    second.append(GALLE[:4])
    book.create_sheet("Sheet3")
    return saved(book)


@made("rows-out-of-order.xlsx")
def out_of_order() -> bytes:
    return changed(saved(book_of(HEADER, COLOMBO, GALLE)), SHEET, ('<row r="3">', '<row r="2">'))


@made("no-references.xlsx")
def no_references() -> bytes:
    received = changed(
        saved(book_of(HEADER[:2], COLOMBO[:2])),
        SHEET,
        (' r="A1"', ""),
        (' r="B1"', ""),
        (' r="A2"', ""),
        (' r="B2"', ""),
    )
    return changed(received, SHEET, ('<row r="1">', "<row>"), ('<row r="2">', "<row>"), ('ref="A1:B2"', 'ref="A1"'))


@made("entities.xlsx")
def entities() -> bytes:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet'
    return changed(saved(book_of(HEADER, COLOMBO)), SHEET, ("<worksheet", bomb))


@made("web-page.xls")
def web_page() -> bytes:
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in (HEADER, COLOMBO))
    return f"<html><head><meta charset='utf-8'></head><body><table>{rows}</table></body></html>".encode()


@made("xml-2003.xls")
def xml_2003() -> bytes:
    return (b'<?xml version="1.0"?>\r\n<?mso-application progid="Excel.Sheet"?>\r\n'
            b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet/></Workbook>')  # fmt: skip


@made("old-workbook.xls")
def old_workbook() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "Workbook".encode("utf-16-le")


@made("password.xlsx")
def password() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le")


def main(folder: str) -> None:
    """Write every file."""
    for name, make in MADE.items():
        (Path(folder) / name).write_bytes(make())


if __name__ == "__main__":
    main(*sys.argv[1:])
