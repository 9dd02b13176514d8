import io
import json
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from tests.unit.cli.conftest import EXAMPLE, Run

from wanderbuch.agents.cli.governance import spreadsheet
from wanderbuch.agents.cli.governance.spreadsheet import read_spreadsheet
from wanderbuch.governance.lists.csv_text import read_csv
from wanderbuch.governance.lists.table import TableError

LIST = Path(__file__).parents[3] / "docs" / "examples" / "accredited-institutions.csv"


def saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def as_spreadsheet(received: bytes) -> bytes:
    """Return the table of a CSV file as a spreadsheet."""
    table = read_csv(received)
    book = Workbook()
    for row in (table.headers, *(row.cells for row in table.rows)):
        book.active.append(row)
    return saved(book)


def row(*cells: Any) -> bytes:
    book = Workbook()
    book.active.append([f"c{position}" for position in range(len(cells))])
    book.active.append(cells)
    return saved(book)


def arguments(table: Path, *more: str) -> tuple[str, ...]:
    return ("governance", "import", str(table), "--into", str(EXAMPLE), *more)


@pytest.fixture(params=["csv", "xlsx"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "csv":
        return LIST
    found = tmp_path / "list.xlsx"
    found.write_bytes(as_spreadsheet(LIST.read_bytes()))
    return found


def test_says_what_would_change_and_writes_nothing(run: Run, table: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    code, out, _ = run(*arguments(table))
    assert code == 0, out
    assert "Matara Welding School (example) is now accredited for C7212 (Welders and flamecutters)" in out
    assert "Kandy Hotel School (example) was suspended for awards from 2026-10-01 on" in out
    assert "nothing was written" in out
    assert sorted(tmp_path.iterdir()) == before
    code, out, _ = run(*arguments(table, "--out", str(tmp_path / "draft.json"), "--dry-run"))
    assert code == 0
    assert not (tmp_path / "draft.json").exists()


def test_writes_a_draft_and_finds_nothing_new_the_second_time(run: Run, table: Path, tmp_path: Path) -> None:
    draft = tmp_path / "draft.json"
    code, out, _ = run(*arguments(table, "--out", str(draft), "--json"))
    assert code == 0
    assert json.loads(out)["version"] == 2
    assert run("governance", "validate", str(draft))[0] == 0
    code, out, _ = run("governance", "diff", str(EXAMPLE), str(draft), "--json")
    assert code == 1
    assert {each["code"] for each in json.loads(out)["differences"]} >= {"accreditation.granted", "programme.added"}
    code, out, _ = run("governance", "import", str(table), "--into", str(draft), "--out", str(tmp_path / "again.json"))
    assert code == 0
    assert "says all of it already" in out
    assert not (tmp_path / "again.json").exists()
    code, _, err = run(*arguments(table, "--out", str(draft)))
    assert code == 2
    assert "--force" in err


def test_names_the_row_and_column_of_every_mistake_and_imports_nothing(run: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    text = LIST.read_text().replace("1 March 2026", "03/04/2026").replace("C7213", "welder")
    wrong.write_text(text)
    draft = tmp_path / "draft.json"
    code, out, _ = run(*arguments(wrong, "--out", str(draft)))
    assert code == 1
    assert "error in row 2, column 'Accredited from': 03/04/2026 may be 03 April 2026 or 04 March 2026" in out
    assert "error in row 3, column 'Occupation'" in out
    assert "nothing was imported" in out
    assert not draft.exists()
    code, out, _ = run(*arguments(wrong, "--json"))
    assert {(each["row"], each["column"]) for each in json.loads(out)["findings"]} >= {
        (2, "Accredited from"),
        (3, "Occupation"),
    }
    wrong.write_text(text.replace("welder", "C7213"))
    assert run(*arguments(wrong, "--dates", "day-first"))[0] == 0


def test_maps_headers_by_option_or_file(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(LIST.read_text().replace("Trade,", "Fachgebiet,"), encoding="utf-8")
    assert run(*arguments(other))[0] == 1
    assert run(*arguments(other, "--map", "Fachgebiet=title"))[0] == 0
    mapping = tmp_path / "mapping.json"
    mapping.write_text('{"Fachgebiet": "title"}')
    assert run(*arguments(other, "--mapping", str(mapping)))[0] == 0
    for content in ("[1]", "{", '{"a": 1}'):
        mapping.write_text(content)
        code, _, err = run(*arguments(other, "--mapping", str(mapping)))
        assert (code, err.count("\n")) == (2, 1)
    assert run(*arguments(other, "--map", "Fachgebiet"))[0] == 2


def test_what_can_not_be_read_is_one_line(run: Run, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_bytes("Name;Título\nEscola;é".encode("cp1252"))
    code, _, err = run(*arguments(listed))
    assert (code, err.count("\n")) == (2, 1)
    assert "Windows-1252" in err
    for given in (
        arguments(tmp_path / "none.csv"),
        arguments(LIST, "--separator", "none"),
        arguments(LIST, "--jurisdiction", "MT"),
        arguments(LIST, "--encoding", "klingon"),
    ):
        code, _, err = run(*given)
        assert (code, err.count("\n")) == (2, 1), given
    code, _, err = run("governance", "import", str(LIST), "--into", str(LIST))
    assert code == 1


def test_lists_the_columns(run: Run) -> None:
    code, out, _ = run("governance", "columns")
    assert code == 0
    assert "cred_def_ids: ids of the credential definitions" in out
    assert {"did", "units"} <= {
        each["name"] for each in json.loads(run("governance", "columns", "--json")[1])["columns"]
    }


def test_a_spreadsheet_gives_days_and_numbers_as_they_are_meant() -> None:
    found = read_spreadsheet(row(date(2024, 4, 3), datetime(2024, 4, 3, 12, 30), 7212, 4.0, 2.5, True, None, " x "))  # noqa: DTZ001
    assert found.rows[0].cells == ("2024-04-03", "2024-04-03 12:30:00", "7212", "4", "2.5", "TRUE", "", "x")


def test_a_formula_in_a_spreadsheet_stays_text_and_is_reported() -> None:
    found = read_spreadsheet(row("=1+1", "x"))
    assert found.rows[0].cells == ("=1+1", "x")
    assert "never calculated" in found.findings[0].message


def test_merged_cells_are_noticed_and_may_be_filled_down() -> None:
    book = Workbook()
    for cells in (("institution", "occupations"), ("School", "C7212"), (None, "C7213")):
        book.active.append(cells)
    book.active.merge_cells("A2:A3")
    assert "--fill-down" in read_spreadsheet(saved(book)).findings[0].fix
    assert read_spreadsheet(saved(book), fill_down=True).findings == ()
    assert read_spreadsheet(row("x")).findings == ()


def test_one_of_several_sheets_must_be_named() -> None:
    book = Workbook()
    book.create_sheet("Second").append(["name"])
    with pytest.raises(TableError, match="found several"):
        read_spreadsheet(saved(book))
    assert read_spreadsheet(saved(book), sheet="Second").headers == ("name",)
    with pytest.raises(TableError, match="found 'Third'"):
        read_spreadsheet(saved(book), sheet="Third")


def test_a_cell_with_an_error_is_refused() -> None:
    book = Workbook()
    book.active.append(["name"])
    book.active.append(["#REF!"])
    book.active["A2"].data_type = "e"
    with pytest.raises(TableError, match="error in A2"):
        read_spreadsheet(saved(book))


def test_a_spreadsheet_that_unpacks_to_too_much_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MAX_UNPACKED_BYTES", 1024 * 1024)
    stream = io.BytesIO(saved(Workbook()))
    assert read_spreadsheet(row("x")).headers
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/x.xml", bytes(1024 * 1024))
    assert len(stream.getvalue()) < 64 * 1024
    with pytest.raises(TableError, match="unpacked"):
        read_spreadsheet(stream.getvalue())


def test_a_sheet_of_endless_empty_cells_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MAX_CELLS", 100)
    book = Workbook()
    for number in range(1, 13):
        book.active.cell(number, 10, "x" if number == 1 else " ")
    with pytest.raises(TableError, match="cells"):
        read_spreadsheet(saved(book))


@pytest.mark.parametrize(
    "received", [b"", b"PK\x03\x04", b"text", row("x")[:-40], row("x").replace(b"sheet1", b"sheetX")]
)
def test_what_is_no_spreadsheet_is_refused(received: bytes) -> None:
    with pytest.raises(TableError):
        read_spreadsheet(received)


def test_a_spreadsheet_with_damaged_bytes_is_refused_and_nothing_else() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<x/>" * 1000)
    received = bytearray(stream.getvalue())
    begin = 30 + len("xl/worksheets/sheet1.xml")
    received[begin : begin + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(TableError):
        read_spreadsheet(bytes(received))
