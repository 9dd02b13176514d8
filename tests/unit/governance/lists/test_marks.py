"""What a sheet says without text: colours, fonts that draw other letters, cells that lie below others."""

import io
from itertools import product

import pytest
from openpyxl import Workbook
from openpyxl.styles import Font, GradientFill, PatternFill
from tests.unit.governance.lists.made import open_document, with_part, with_sheet

from wanderbuch.governance.lists.reading import Choices, read_list
from wanderbuch.governance.lists.table import Table, TableError

RED = PatternFill("solid", fgColor="FF0000")
GREY = PatternFill("solid", fgColor="DDDDDD")
HEADERS = ["Institution", "Registration No", "Status", "E-mail"]


def book(statuses: tuple[str, ...] = ("active",) * 8) -> Workbook:
    made = Workbook()
    made.active.append(HEADERS)
    for number, status in enumerate(statuses, start=1):
        made.active.append([f"Centre {number}", f"TA-{number}", status, f"office@centre{number}.test"])
    return made


def read(made: Workbook, **answers: str) -> Table:
    stream = io.BytesIO()
    made.save(stream)
    return read_list(stream.getvalue(), Choices(answers=answers))


def _nested(style: str, text: str) -> str:
    inside = f'<text:span text:style-name="b">{text}</text:span>'
    return f'<text:p><text:span text:style-name="{style}">{inside}</text:span></text:p>'


def asked(table: Table) -> list[tuple[str, int]]:
    return [(finding.kind, finding.row) for finding in table.findings if finding.word in ("question", "error")]


class TestColours:
    def test_a_row_in_another_colour_is_asked_about(self) -> None:
        made = book()
        for cell in made.active[5]:
            cell.fill = RED
        assert asked(read(made)) == [("colours", 5)]
        assert asked(read(made, colours="ignore")) == []

    def test_a_cell_without_text_in_another_colour_is_asked_about(self) -> None:
        made = book(("",) * 8)
        for number in range(2, 10):
            made.active.cell(number, 3).fill = RED if number == 4 else GREY
        assert asked(read(made)) == [("colours", 4)]

    @pytest.mark.parametrize(
        "fill", [PatternFill("lightUp", fgColor="FF0000"), GradientFill(stop=("FF0000", "FFFFFF"))]
    )
    def test_a_row_in_a_pattern_is_asked_about(self, fill: PatternFill | GradientFill) -> None:
        made = book()
        for cell in made.active[5]:
            cell.fill = fill
        assert asked(read(made)) == [("colours", 5)]

    def test_letters_in_another_colour_are_asked_about(self) -> None:
        made = book()
        made.active["A3"].font = Font(color="FF0000")
        assert asked(read(made)) == [("colours", 3)]

    @pytest.mark.parametrize("period", [2, 3])
    def test_bands_that_guide_the_eye_are_not(self, period: int) -> None:
        made = book()
        for number, at in product(range(2, 10), range(1, 5)):
            if number % period == 0:
                made.active.cell(number, at).fill = GREY
        assert asked(read(made)) == []

    def test_headers_columns_and_links_in_a_colour_are_not(self) -> None:
        made = book()
        for cell in made.active[1]:
            cell.fill, cell.font = RED, Font(color="FFFFFF", bold=True)
        for number in range(2, 10):
            made.active.cell(number, 2).fill = GREY
        made.active["D4"].font = Font(color="0563C1", underline="single")
        assert asked(read(made)) == []

    def test_a_colour_that_follows_from_the_text_is_not(self) -> None:
        made = book(("active", "active", "suspended", "active", "active", "suspended", "active", "active"))
        for number in range(2, 10):
            suspended = made.active.cell(number, 3).value == "suspended"
            made.active.cell(number, 3).fill = RED if suspended else GREY
        assert asked(read(made)) == []
        made.active["C2"].fill = RED  # says active, in the colour of the suspended
        assert asked(read(made)) == [("colours", 2)]

    def test_of_open_document_are_asked_about_too(self) -> None:
        style = (
            '<style:style style:name="r" style:family="table-cell">'
            '<style:table-cell-properties fo:background-color="#ff0000"/></style:style>'
        )
        rows = "".join(
            f'<table:table-row><table:table-cell office:value-type="string" {mark}><text:p>{text}</text:p>'
            "</table:table-cell></table:table-row>"
            for text, mark in (("Institution", ""), ("A", ""), ("B", 'table:style-name="r"'), ("C", ""))
        )
        table = read_list(open_document(f'<table:table table:name="s">{rows}</table:table>', style))
        assert asked(table) == [("colours", 3)]


class TestFonts:
    @pytest.mark.parametrize("font", ["FMAbhaya", "FM-Malithi", "Bamini", "Kruti Dev 010", "Wingdings", ".VnTime"])
    def test_that_draw_other_letters_are_asked_about(self, font: str) -> None:
        made = book()
        made.active["A2"].value, made.active["A2"].font = "wud;r mqyqKqj", Font(name=font)
        assert asked(read(made)) == [("font-letters", 2)]

    @pytest.mark.parametrize(("font", "text"), [("Iskoola Pota", "මාතර"), ("FMAbhaya", "මාතර"), ("Calibri", "Matara")])
    def test_that_draw_what_is_stored_are_not(self, font: str, text: str) -> None:
        made = book()
        made.active["A2"].value, made.active["A2"].font = text, Font(name=font)
        assert asked(read(made)) == []

    def test_of_a_part_of_a_text_and_of_open_document_are_asked_about(self) -> None:
        run = '<is><r><rPr><rFont val="FMAbhaya"/></rPr><t>wud;r</t></r></is>'
        row = f'<row r="2"><c r="A2" t="inlineStr">{run}</c></row>'
        header = '<row r="1"><c r="A1" t="inlineStr"><is><t>Institution</t></is></c></row>'
        assert asked(read_list(with_sheet(header + row))) == [("font-letters", 2)]
        style = (
            '<style:style style:name="f" style:family="text"><style:text-properties style:font-name="Bamini"/>'
            '</style:style><style:style style:name="b" style:family="text"/>'
        )
        cell = _nested("f", "khj;ij")
        sheet = (
            '<table:table table:name="s"><table:table-row><table:table-cell><text:p>Institution</text:p>'
            f"</table:table-cell></table:table-row><table:table-row><table:table-cell>{cell}</table:table-cell>"
            "</table:table-row></table:table>"
        )
        assert asked(read_list(open_document(sheet, style))) == [("font-letters", 2)]


class TestCovered:
    def rows(self, below: str) -> bytes:
        def row(number: int, *texts: str) -> str:
            cells = "".join(
                f'<c r="{letter}{number}" t="inlineStr"><is><t>{text}</t></is></c>'
                for letter, text in zip("ABC", texts, strict=False) if text
            )  # fmt: skip
            return f'<row r="{number}">{cells}</row>'

        data = row(1, *HEADERS[:3]) + row(2, "Centre 1", "TA-1", "active") + row(3, "Centre 2", "TA-2", below)
        sheet = with_sheet(data)
        merged = '</sheetData><mergeCells><mergeCell ref="C2:C3"/></mergeCells>'
        top = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        return with_part(sheet, "xl/worksheets/sheet1.xml", f"{top}<sheetData>{data}{merged}</worksheet>")

    @pytest.mark.parametrize("answer", ["fill", "first"])
    def test_a_text_below_merged_cells_is_an_error(self, answer: str) -> None:
        choices = Choices(answers={"merged-cells": answer})
        assert asked(read_list(self.rows("suspended"), choices)) == [("covered", 3)]
        assert asked(read_list(self.rows(""), choices)) == []


def test_a_struck_span_around_another_is_noticed() -> None:
    styles = (
        '<style:style style:name="s" style:family="text"><style:text-properties style:text-line-through-style="solid"/>'
        '</style:style><style:style style:name="b" style:family="text"><style:text-properties fo:color="#000001"/>'
        "</style:style>"
    )
    cell = (
        '<text:p><text:span text:style-name="s"><text:span text:style-name="b">Colombo</text:span></text:span></text:p>'
    )
    sheet = (
        '<table:table table:name="s"><table:table-row><table:table-cell><text:p>Institution</text:p></table:table-cell>'
        f"</table:table-row><table:table-row><table:table-cell>{cell}</table:table-cell></table:table-row></table:table>"
    )
    assert asked(read_list(open_document(sheet, styles))) == [("struck-out", 2)]


@pytest.mark.parametrize(("ink", "unseen"), [("#ff0000", True), ("#ffffff", False)])
def test_a_span_is_seen_before_the_colour_of_its_cell(ink: str, unseen: bool) -> None:
    styles = (
        '<style:style style:name="c" style:family="table-cell"><style:table-cell-properties '
        'fo:background-color="#ff0000"/></style:style><style:style style:name="t" style:family="text">'
        f'<style:text-properties fo:color="{ink}"/></style:style>'
    )
    sheet = (
        '<table:table table:name="s"><table:table-row><table:table-cell><text:p>Institution</text:p></table:table-cell>'
        '</table:table-row><table:table-row><table:table-cell table:style-name="c"><text:p>'
        '<text:span text:style-name="t">Colombo</text:span></text:p></table:table-cell></table:table-row></table:table>'
    )
    assert asked(read_list(open_document(sheet, styles))) == ([("invisible-text", 2)] if unseen else [])


@pytest.mark.parametrize("inside", ["", "<xdr:twoCellAnchor/>"])
def test_an_empty_drawing_is_no_picture(inside: str) -> None:
    space = "http://schemas.openxmlformats.org/"
    sheet = with_sheet('<row r="1"><c r="A1" t="inlineStr"><is><t>Institution</t></is></c></row>')
    relation = (
        f'<Relationships xmlns="{space}package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{space}officeDocument/2006/relationships/drawing" Target="../drawings/drawing1.xml"/></Relationships>'
    )
    sheet = with_part(sheet, "xl/worksheets/_rels/sheet1.xml.rels", relation)
    drawing = f'<xdr:wsDr xmlns:xdr="{space}drawingml/2006/spreadsheetDrawing">{inside}</xdr:wsDr>'
    table = read_list(with_part(sheet, "xl/drawings/drawing1.xml", drawing))
    assert [finding.kind for finding in table.findings] == (["drawing"] if inside else [])


def test_a_text_in_a_cell_that_is_said_to_hold_a_number_is_refused() -> None:
    with pytest.raises(TableError, match="A2"):
        read_list(with_sheet('<row r="2"><c r="A2"><is><t>suspended</t></is></c></row>'))


def test_more_formats_than_any_program_writes_are_refused() -> None:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    styles = f'<styleSheet xmlns="{space}"><cellXfs>{"<xf/>" * 65_537}</cellXfs></styleSheet>'
    with pytest.raises(TableError, match="formats"):
        read_list(with_part(with_sheet('<row r="1"><c r="A1"><v>1</v></c></row>'), "xl/styles.xml", styles))


def test_a_day_in_iso_form_is_read_as_it_is_shown() -> None:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    styles = (
        f'<styleSheet xmlns="{space}"><numFmts><numFmt numFmtId="170" formatCode="yyyy"/></numFmts><cellXfs><xf/>'
        '<xf numFmtId="170"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    )
    header = '<row r="1"><c r="A1" t="inlineStr"><is><t>Valid from</t></is></c></row>'
    rows = "".join(
        f'<row r="{number}"><c r="A{number}" t="d" s="{style}"><v>2026-03-01T00:00:00</v></c></row>'
        for number, style in ((2, 0), (3, 1), (4, 2))
    )
    table = read_list(with_part(with_sheet(header + rows), "xl/styles.xml", styles))
    assert [row.cells for row in table.rows] == [("2026-03-01",)] * 3
    assert asked(table) == [("partial-date", 3)]


def test_what_follows_the_default_style_is_no_part_of_it() -> None:
    """Programs write the formats of numbers after it, in which negative ones are red."""
    styles = (
        '<style:default-style style:family="table-cell"><style:text-properties fo:color="#000000"/>'
        '</style:default-style><number:number-style xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" '
        'style:name="N1"><style:text-properties fo:color="#ffffff"/><style:map style:condition="value()&gt;=0" '
        'style:apply-style-name="N0"/></number:number-style>'
    )
    rows = "".join(
        f"<table:table-row><table:table-cell><text:p>{text}</text:p></table:table-cell></table:table-row>"
        for text in ("Institution", "Colombo")
    )
    table = read_list(open_document(f'<table:table table:name="s">{rows}</table:table>', styles))
    assert asked(table) == []


@pytest.mark.parametrize(
    ("view", "pane", "hidden"),
    [
        ('topLeftCell="A3"', 'ySplit="1" topLeftCell="A4" state="frozen"', [("hidden-rows", 1), ("hidden-rows", 2)]),
        ('topLeftCell="B1"', 'xSplit="1" topLeftCell="C1" state="frozen"', [("hidden-columns", 0)]),
        ("", 'ySplit="1" topLeftCell="A4" state="frozen"', []),
        ('topLeftCell="A3"', 'ySplit="1" topLeftCell="A4"', []),
    ],
)
def test_what_frozen_panes_keep_out_of_sight_is_hidden(view: str, pane: str, hidden: list[tuple[str, int]]) -> None:
    rows = "".join(
        f'<row r="{number}">'
        + "".join(
            f'<c r="{at}{number}" t="inlineStr"><is><t>{text}</t></is></c>'
            for at, text in zip("AB", texts, strict=True)
        )
        + "</row>"
        for number, texts in enumerate(
            (("Institution", "Status"), ("Colombo", "suspended"), ("Kandy", "active")), start=1
        )
    )
    views = f"<sheetViews><sheetView {view}><pane {pane}/></sheetView></sheetViews>"
    more = f'{views}<cols><col min="1" max="2" width="9"/></cols>'
    assert asked(read_list(with_sheet(rows, more))) == hidden
