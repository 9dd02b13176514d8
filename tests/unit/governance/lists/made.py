"""Spreadsheets for tests, down to the XML that no program would write."""

import io
import zipfile

from openpyxl import Workbook

from wanderbuch.governance.lists.table import Table

TOP = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
OFFICE = "urn:oasis:names:tc:opendocument:xmlns:"


def book(*rows: list[object]) -> bytes:
    made = Workbook()
    for row in rows or (["name"], ["Colombo"]):
        made.active.append(row)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def with_part(received: bytes, part: str, content: str | bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(received)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename != part:
                new.writestr(entry.filename, old.read(entry))
        new.writestr(part, content)
    return stream.getvalue()


def with_sheet(data: str, more: str = "") -> bytes:
    return with_part(book(), "xl/worksheets/sheet1.xml", f"{TOP}{more}<sheetData>{data}</sheetData></worksheet>")


def open_document(table_xml: str, styles: str = "") -> bytes:
    names = {"office": "office", "table": "table", "text": "text", "style": "style", "fo": "xsl-fo-compatible"}
    spaces = " ".join(f'xmlns:{short}="{OFFICE}{long}:1.0"' for short, long in names.items())
    content = (
        f'<?xml version="1.0"?><office:document-content {spaces}><office:automatic-styles>{styles}'
        f"</office:automatic-styles><office:body><office:spreadsheet>{table_xml}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        made.writestr("content.xml", content)
    return stream.getvalue()


def ods_row(*texts: str, row: str = "", cell: str = "") -> str:
    cells = "".join(
        f'<table:table-cell office:value-type="string" {cell}><text:p>{text}</text:p></table:table-cell>'
        for text in texts
    )
    return f"<table:table-row {row}>{cells}</table:table-row>"


def ods_sheet(*rows: str) -> str:
    return f'<table:table table:name="A">{"".join(rows)}</table:table>'


def rows(table: Table) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.number, row.cells) for row in table.rows]


def kinds(table: Table) -> set[tuple[str, int]]:
    return {(finding.kind, finding.row) for finding in table.findings}


def text_cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'
