"""What a list may cost."""

import io
import zipfile

import pytest
from tests.unit.governance.lists.made import (
    TOP,
    book,
    ods_row,
    ods_sheet,
    open_document,
    text_cell,
    with_part,
    with_sheet,
)

from wanderbuch.governance.lists import archive, ods, table, xlsx_sheet
from wanderbuch.governance.lists.reading import Choices, read_list
from wanderbuch.governance.lists.table import TableError


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
        assert table.MAX_ROWS == 200_000
