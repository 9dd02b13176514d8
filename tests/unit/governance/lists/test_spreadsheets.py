"""Spreadsheets as no program would write them, and what they may cost."""

# ruff: noqa: E501 - a row of a list is one line

import io
import zipfile
from collections.abc import Callable

import pytest
from openpyxl import Workbook

from wanderbuch.governance.lists import archive, ods, table, xlsx_sheet
from wanderbuch.governance.lists.reading import Choices, read_list
from wanderbuch.governance.lists.table import Table, TableError

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


def rows(found: Table) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.number, row.cells) for row in found.rows]


def kinds(found: Table) -> set[tuple[str, int]]:
    return {(each.kind, each.row) for each in found.findings}


def text_cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


class TestXlsx:
    def test_texts_are_read_whole_without_how_they_are_read_aloud(self) -> None:
        runs = '<c t="inlineStr"><is><r><t>東</t></r><r><t xml:space="preserve">京 </t></r><rPh><t>トウキョウ</t></rPh></is></c>'
        found = read_list(with_sheet(f"<row>{text_cell('A1', 'name')}</row><row>{runs}</row>"))
        assert rows(found) == [(2, ("東京",))]

    def test_escapes_of_a_spreadsheet_are_undone(self) -> None:
        data = f"<row>{text_cell('A1', 'name')}</row><row>{text_cell('A2', 'a_x0041_b_x000D_')}</row>"
        assert rows(read_list(with_sheet(data))) == [(2, ("aAb",))]

    def test_what_the_sheet_says_of_its_own_size_is_not_relied_on(self) -> None:
        data = f"<row r='1'>{text_cell('A1', 'name')}</row><row r='7'>{text_cell('A7', 'Galle')}</row>"
        assert rows(read_list(with_sheet(data, '<dimension ref="A1"/>'))) == [(7, ("Galle",))]

    @pytest.mark.parametrize(
        "data",
        ["<row r='2'/><row r='1'/>", "<row r='1'/><row r='1'/>",
         f"<row r='1'>{text_cell('B1', 'x')}{text_cell('A1', 'y')}</row>", f"<row r='1'>{text_cell('A2', 'x')}</row>",
         "<row r='1'><c r='1A'><v>1</v></c></row>", "<row r='1'><c t='s'><v>99</v></c></row>",
         "<row r='1'><c t='s'><v>-1</v></c></row>"],
    )  # fmt: skip
    def test_cells_that_stand_where_they_cannot_are_refused(self, data: str) -> None:
        with pytest.raises(TableError):
            read_list(with_sheet(data))

    def test_names_of_parts_do_not_depend_on_capitals(self) -> None:
        stream = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(book())) as old, zipfile.ZipFile(stream, "w") as new:
            for entry in old.infolist():
                new.writestr(entry.filename.replace("sheet1", "Sheet1"), old.read(entry))
        assert rows(read_list(stream.getvalue())) == [(2, ("Colombo",))]

    def test_a_cell_without_a_style_has_the_first_one(self) -> None:
        styles = (
            '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts><font><strike/></font>'
            '</fonts><cellXfs><xf fontId="0"/></cellXfs></styleSheet>'
        )
        data = f"<row>{text_cell('A1', 'name')}</row><row>{text_cell('A2', 'Galle')}</row>"
        assert ("struck-out", 2) in kinds(read_list(with_part(with_sheet(data), "xl/styles.xml", styles)))

    @pytest.mark.parametrize(
        ("colour", "unseen"),
        [('rgb="FFFFFFFF"', True), ('rgb="FFF8F8F8"', True), ('theme="0"', True), ('theme="0" tint="-0.05"', True),
         ('indexed="9"', True), ('rgb="FF808080"', False), ('theme="1"', False), ('theme="4"', False),
         ('theme="0" tint="-0.5"', False), ('auto="1"', False)],
    )  # fmt: skip
    def test_text_nearly_in_the_colour_of_its_background_is_asked_about(self, colour: str, unseen: bool) -> None:
        styles = (
            '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts><font/><font>'
            f"<color {colour}/></font></fonts><cellXfs><xf/><xf fontId='1'/></cellXfs></styleSheet>"
        )
        cell = text_cell("A2", "Galle").replace("<c ", '<c s="1" ')
        data = f"<row>{text_cell('A1', 'name')}</row><row>{cell}</row>"
        assert (
            ("invisible-text", 2) in kinds(read_list(with_part(with_sheet(data), "xl/styles.xml", styles)))
        ) is unseen

    def test_a_later_kind_of_conditional_format_is_asked_about(self) -> None:
        rule = (
            '<extLst><ext><x14:conditionalFormattings xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main">'
            '<x14:conditionalFormatting><x14:cfRule type="{}"/></x14:conditionalFormatting></x14:conditionalFormattings></ext></extLst>'
        )
        data = f"<row>{text_cell('A1', 'name')}</row>"
        assert ("conditional-format", 0) in kinds(read_list(with_sheet(data, rule.format("expression"))))
        assert not kinds(read_list(with_sheet(data, rule.format("colorScale"))))

    def test_low_rows_and_narrow_columns_by_default_are_not_seen(self) -> None:
        data = f"<row>{text_cell('A1', 'name')}</row><row>{text_cell('A2', 'Galle')}</row>"
        assert ("hidden-rows", 2) in kinds(read_list(with_sheet(data, '<sheetFormatPr zeroHeight="1"/>')))
        assert ("hidden-columns", 0) in kinds(read_list(with_sheet(data, '<sheetFormatPr defaultColWidth="0"/>')))
        assert not kinds(read_list(with_sheet(data, '<sheetFormatPr defaultRowHeight="15"/>')))

    def test_a_zero_that_the_sheet_does_not_show_is_asked_about(self) -> None:
        data = f"<row>{text_cell('A1', 'name')}</row><row><c r='A2'><v>0</v></c></row>"
        views = '<sheetViews><sheetView showZeros="0"/></sheetViews>'
        assert ("invisible-text", 2) in kinds(read_list(with_sheet(data, views)))
        assert not kinds(read_list(with_sheet(data)))

    def test_a_sheet_set_to_show_formulas_is_refused(self) -> None:
        data = f"<row>{text_cell('A1', 'name')}</row>"
        views = '<sheetViews><sheetView showFormulas="1"/></sheetViews>'
        assert ("shows-formulas", 0) in kinds(read_list(with_sheet(data, views)))

    @pytest.mark.parametrize(
        "top",
        ['<!DOCTYPE x [<!ENTITY a "b">]>', '<!DOCTYPE x SYSTEM "file:///etc/passwd">', '<!DOCTYPE x>'],
    )  # fmt: skip
    def test_a_document_type_is_refused(self, top: str) -> None:
        with pytest.raises(TableError, match="document type"):
            read_list(with_part(book(), "xl/worksheets/sheet1.xml", f"{top}{TOP}<sheetData/></worksheet>"))

    @pytest.mark.parametrize("encoding", ["klingon", "date", "utf-7", "shift_jis", "idna"])
    def test_xml_in_an_encoding_that_is_none_is_refused(self, encoding: str) -> None:
        top = f'<?xml version="1.0" encoding="{encoding}"?>'
        with pytest.raises(TableError, match="fault"):
            read_list(with_part(book(), "xl/worksheets/sheet1.xml", f"{top}{TOP}<sheetData/></worksheet>"))

    def test_xml_without_end_is_refused(self) -> None:
        with pytest.raises(TableError):
            read_list(with_part(book(), "xl/worksheets/sheet1.xml", TOP + "<a>" * 100_000))

    def test_text_far_right_is_refused(self) -> None:
        with pytest.raises(TableError, match="columns"):
            read_list(with_sheet(f"<row>{text_cell('A1', 'name')}{text_cell('XFD1', 'far')}</row>"))


class TestOds:
    def test_reads_the_text_that_is_shown(self) -> None:
        body = ods_row("name", "x") + ods_row("a<text:s text:c='2'/>b<text:line-break/>c", "d")
        assert rows(read_list(open_document(ods_sheet(body)))) == [(2, ("a  b\nc", "d"))]

    @pytest.mark.parametrize(
        "body",
        [
            ods_row("name") + ods_row("Galle", row='table:number-rows-repeated="999999999"'),
            ods_row("name") + ods_row("Galle", cell='table:number-columns-repeated="999999999"'),
            ods_row("name") + ods_row(*["x"] * 100, row='table:number-rows-repeated="100000"'),
        ],
    )
    def test_repetition_is_bounded(self, body: str) -> None:
        with pytest.raises(TableError):
            read_list(open_document(ods_sheet(body)))

    def test_empty_repetition_only_counts(self) -> None:
        body = ods_row("name") + '<table:table-row table:number-rows-repeated="1048000"/>' + ods_row("Galle")
        assert rows(read_list(open_document(ods_sheet(body)))) == [(1048002, ("Galle",))]

    def test_recorded_changes_and_deleted_cells_are_no_rows(self) -> None:
        deleted = (
            f"<table:tracked-changes><table:deletion>{ods_row('Suspended')}</table:deletion></table:tracked-changes>"
        )
        found = read_list(open_document(deleted + ods_sheet(ods_row("name"), ods_row("Galle"))))
        assert rows(found) == [(2, ("Galle",))]
        assert ("tracked-changes", 0) in kinds(found)

    def test_text_below_merged_cells_is_an_error(self) -> None:
        covered = '<table:table-row><table:covered-table-cell office:value-type="string"><text:p>x</text:p></table:covered-table-cell></table:table-row>'
        assert ("covered", 2) in kinds(read_list(open_document(ods_sheet(ods_row("name"), covered))))

    def test_a_day_that_is_shown_in_another_calendar_is_asked_about(self) -> None:
        cell = '<table:table-cell office:value-type="date" office:date-value="2024-04-01"><text:p>{}</text:p></table:table-cell>'

        def of(shown: str) -> set[tuple[str, int]]:
            return kinds(
                read_list(
                    open_document(
                        ods_sheet(ods_row("from"), f"<table:table-row>{cell.format(shown)}</table:table-row>")
                    )
                )
            )

        assert of("1/4/2567") == {("partial-date", 2)}
        assert of("01.04.24") == of("1 April 2024") == set()

    def test_hidden_content_of_a_cell_is_asked_about(self) -> None:
        style = (
            '<style:style style:name="s" style:family="table-cell"><style:table-cell-properties '
            'style:cell-protect="hidden-and-protected"/></style:style>'
        )
        body = ods_sheet(ods_row("name"), ods_row("Galle", cell='table:style-name="s"'))
        assert ("invisible-text", 2) in kinds(read_list(open_document(body, style)))
        assert not kinds(read_list(open_document(body)))


class TestLimits:
    def test_a_file_is_refused_by_its_unpacked_size_before_it_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        received = with_part(book(), "xl/media/picture.bin", bytes(1024 * 1024))
        assert len(received) < 64 * 1024
        assert read_list(received).headers
        monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 1024 * 1024)
        monkeypatch.setattr(archive.zipfile.ZipFile, "open", lambda *_: pytest.fail("it was read"))
        with pytest.raises(TableError, match="unpacked"):
            read_list(received)

    def test_a_directory_that_lies_gives_no_more_than_it_says(self) -> None:
        sheet = (
            f"{TOP}<sheetData><row>{text_cell('A1', 'name')}</row>" + " " * 2_000_000 + "</sheetData></worksheet>"
        ).encode()
        received = bytearray(with_part(book(), "xl/worksheets/sheet1.xml", sheet))
        size = len(sheet).to_bytes(4, "little")
        assert received.count(size) == 2
        with pytest.raises(TableError, match=r"damaged|fault"):
            read_list(bytes(received).replace(size, (200).to_bytes(4, "little")))

    def test_what_is_unpacked_is_counted_over_all_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        opened = archive.Archive(with_part(book(), "big.xml", bytes(600_000)))
        opened._left = 1_000_000
        assert sum(map(len, opened.blocks("big.xml"))) == 600_000
        with pytest.raises(TableError, match="unpacked"):
            list(opened.blocks("big.xml"))

    @pytest.mark.parametrize("name", ["xl/worksheets/sheet1.xml", "XL/worksheets/SHEET1.xml"])
    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_a_part_that_is_there_twice_is_refused(self, name: str) -> None:
        stream = io.BytesIO(book())
        with zipfile.ZipFile(stream, "a") as more:
            more.writestr(name, f"{TOP}<sheetData/></worksheet>")
        with pytest.raises(TableError, match="twice"):
            read_list(stream.getvalue())

    def test_rows_and_cells_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        received = book(["name", "x"], *([f"c{at}", "y"] for at in range(20)))
        assert len(read_list(received).rows) == 20
        monkeypatch.setattr(xlsx_sheet, "MAX_CELLS", 41)
        with pytest.raises(TableError, match="cells"):
            read_list(received)
        monkeypatch.undo()
        monkeypatch.setattr(xlsx_sheet, "MAX_ROWS", 19)
        with pytest.raises(TableError, match="rows"):
            read_list(received)

    def test_cells_of_an_open_document_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        received = open_document(ods_sheet(ods_row("name"), ods_row("x", row='table:number-rows-repeated="50"')))
        assert len(read_list(received).rows) == 50
        monkeypatch.setattr(ods, "MAX_CELLS", 50)
        with pytest.raises(TableError, match="cells"):
            read_list(received)

    def test_merges_cost_what_they_cover(self) -> None:
        merges = "".join(f'<mergeCell ref="A{at}:B9999999"/>' for at in range(2, 5000))
        data = f"<row>{text_cell('A1', 'name')}</row><row>{text_cell('A2', 'Galle')}</row>"
        sheet = f"{TOP}<sheetData>{data}</sheetData><mergeCells>{merges}</mergeCells></worksheet>"
        read_list(with_part(book(), "xl/worksheets/sheet1.xml", sheet), Choices(answers={"merged-cells": "fill"}))
        rows_of = "".join(f"<row>{text_cell(f'A{at}', 'x')}</row>" for at in range(1, 2000))
        sheet = f"{TOP}<sheetData>{rows_of}</sheetData><mergeCells>{merges}</mergeCells></worksheet>"
        with pytest.raises(TableError, match="merged"):
            read_list(with_part(book(), "xl/worksheets/sheet1.xml", sheet), Choices(answers={"merged-cells": "fill"}))

    def test_what_there_is_to_say_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cells = "".join(f"<row><c r='A{at}' t='str'><f>A1</f><v>x</v></c></row>" for at in range(1, 30))
        row = ods_row("x", row='table:number-rows-repeated="30"', cell='table:formula="of:=A1"')
        for received, module in ((with_sheet(cells), xlsx_sheet), (open_document(ods_sheet(ods_row("a"), row)), ods)):
            assert read_list(received).findings
            monkeypatch.setattr(module, "MAX_SIGHTS", 20)
            with pytest.raises(TableError, match="to speak of"):
                read_list(received)

    def test_rows_of_a_text_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("wanderbuch.governance.lists.csv_text.MAX_ROWS", 3)
        assert len(read_list(b"name\na\nb\nc").rows) == 3
        with pytest.raises(TableError, match="rows"):
            read_list(b"name\na\nb\nc\nd")
        assert table.MAX_ROWS == 100_000


@pytest.mark.parametrize(
    ("received", "words"),
    [
        (b"", "empty table"),
        (b"PK\x03\x04", "damaged archive"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n", "picture"),
        (b'{"a": 1}', "JSON"),
        (b"<!DOCTYPE html><html>", "web page"),
        ("\ufeff<html>".encode("utf-16-le"), "web page"),
        (b"<?xml version='1.0'?><office:document>", "fods"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related", "MHTML"),
        (b"\x09\x08\x10\x00\x00\x06", "old Excel"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"SQLite format 3\0", "database"),
        (b"{\\rtf1", "RTF"),
        (b"n\0a\0m\0e\0", "utf-16-le"),
    ],
)
def test_what_is_no_list_is_named_for_what_it_is(received: bytes, words: str) -> None:
    with pytest.raises(TableError) as caught:
        read_list(received)
    assert words in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"xl/workbook.bin": b""}, "xlsb"),
        ({"[Content_Types].xml": b"", "word/document.xml": b""}, "docx"),
        ({"Index/Document.iwa": b""}, "Numbers"),
        ({"list.csv": b"name"}, "archive"),
        ({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b""}, "another document"),
        ({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"",
          "META-INF/manifest.xml": b"<manifest:encryption-data/>"}, "password"),
    ],
)  # fmt: skip
def test_an_archive_that_is_no_list_is_named(parts: dict[str, bytes], words: str) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name, content in parts.items():
            made.writestr(name, content)
    with pytest.raises(TableError, match=words):
        read_list(stream.getvalue())


def test_choices_that_do_not_fit_the_file_are_refused() -> None:
    for received, choices in (
        (b"name\nx", Choices(sheet="A")),
        (book(), Choices(encoding="utf-8")),
        (book(), Choices(separator=";")),
        (book(), Choices(sheet="B")),
        (b"name\nx", Choices(header_rows=(9, 9))),
    ):
        with pytest.raises(TableError):
            read_list(received, choices)


@pytest.mark.parametrize("make", [book, lambda: open_document(ods_sheet(ods_row("name"), ods_row("x")))])
def test_any_damage_is_refused_and_nothing_else(make: Callable[[], bytes]) -> None:
    received = make()
    for at in range(0, len(received), 23):
        damaged = bytearray(received)
        damaged[at] ^= 0xFF
        try:
            read_list(bytes(damaged))
        except TableError:
            continue
