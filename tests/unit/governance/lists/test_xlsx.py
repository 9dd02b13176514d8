"""Spreadsheets of Excel, also as no program would write them."""

# ruff: noqa: E501 - a row of a list is one line

import io
import zipfile

import pytest
from tests.unit.governance.lists.made import TOP, book, kinds, rows, text_cell, with_part, with_sheet

from wanderbuch.governance.lists.reading import read_list
from wanderbuch.governance.lists.table import TableError
from wanderbuch.governance.lists.xlsx_text import unescaped_text


class TestXlsx:
    def test_texts_are_read_whole_without_how_they_are_read_aloud(self) -> None:
        runs = '<c t="inlineStr"><is><r><t>東</t></r><r><t xml:space="preserve">京 </t></r><rPh><t>トウキョウ</t></rPh></is></c>'
        table = read_list(with_sheet(f"<row>{text_cell('A1', 'name')}</row><row>{runs}</row>"))
        assert rows(table) == [(2, ("東京",))]

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

    @pytest.mark.parametrize(
        ("run", "kind"),
        [("<strike/>", "struck-out"), ('<color rgb="FFFFFFFF"/>', "invisible-text"), ('<sz val="1"/>', "invisible-text"),
         ('<strike val="0"/>', None), ('<color rgb="FF000000"/>', None), ("<b/>", None)],
    )  # fmt: skip
    def test_a_part_of_a_text_that_is_not_seen_as_valid_is_asked_about(self, run: str, kind: str | None) -> None:
        cell = f'<c r="A2" t="inlineStr"><is><r><t>Galle</t></r><r><rPr>{run}</rPr><t> Institute</t></r></is></c>'
        table = read_list(with_sheet(f"<row>{text_cell('A1', 'name')}</row><row>{cell}</row>"))
        assert rows(table) == [(2, ("Galle Institute",))]
        assert kinds(table) == ({(kind, 2)} if kind else set())
        shared = (
            '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>name</t></si><si><r><t>Galle</t></r>'
            f"<r><rPr>{run}</rPr><t> Institute</t></r></si></sst>"
        )
        links = (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="rId1" Type="x/worksheet" Target="/xl/worksheets/sheet1.xml"/>'
            '<Relationship Id="rId9" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
        )
        received = with_sheet('<row><c r="A1" t="s"><v>0</v></c></row><row><c r="A2" t="s"><v>1</v></c></row>')
        received = with_part(with_part(received, "xl/sharedStrings.xml", shared), "xl/_rels/workbook.xml.rels", links)
        assert (rows(read_list(received)), kinds(read_list(received))) == (rows(table), kinds(table))

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


@pytest.mark.parametrize(
    ("escaped", "text"), [("a_x000A_b", "a\nb"), ("_xD83D__xDE00_", "\U0001f600"), ("x_xD800_y", "x\ufffdy")]
)
def test_escapes_never_give_half_a_letter(escaped: str, text: str) -> None:
    assert unescaped_text(escaped) == text
