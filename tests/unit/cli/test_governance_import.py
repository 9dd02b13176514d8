import io
import json
from pathlib import Path

import pytest
from openpyxl import Workbook
from tests.unit.cli.conftest import EXAMPLE, Run

from wanderbuch.governance.lists.reading import read_list

LIST = Path(__file__).parents[3] / "docs" / "examples" / "accredited-institutions.csv"


def saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def as_spreadsheet(received: bytes) -> bytes:
    """Return the table of a CSV file as a spreadsheet."""
    table = read_list(received)
    book = Workbook()
    for row in (table.headers, *(row.cells for row in table.rows)):
        book.active.append(row)
    return saved(book)


def arguments(table: Path, *more: str) -> tuple[str, ...]:
    return ("governance", "import", str(table), "--into", str(EXAMPLE), *more)


@pytest.fixture(params=["csv", "xlsx"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "csv":
        return LIST
    path = tmp_path / "list.xlsx"
    path.write_bytes(as_spreadsheet(LIST.read_bytes()))
    return path


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
    assert {difference["code"] for difference in json.loads(out)["differences"]} >= {
        "accreditation.granted",
        "programme.added",
    }
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
    assert "error in row 2, column J 'Accredited from': 03/04/2026 may be 03 April 2026 or 04 March 2026" in out
    assert "error in row 3, column F 'Occupation'" in out
    assert "nothing was imported" in out
    assert not draft.exists()
    code, out, _ = run(*arguments(wrong, "--json"))
    assert {(finding["row"], finding["column"]) for finding in json.loads(out)["findings"]} >= {
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


def test_what_cannot_be_read_is_one_line(run: Run, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_bytes("Name;Título\nEscola;é".encode("cp1252"))
    code, _, err = run(*arguments(listed))
    assert (code, err.count("\n")) == (2, 1)
    assert "--encoding windows-1252" in err
    assert "'Título'" in err
    for given in (
        arguments(tmp_path / "none.csv"),
        arguments(LIST, "--separator", "none"),
        arguments(LIST, "--jurisdiction", "Atlantis"),
        arguments(LIST, "--encoding", "klingon"),
    ):
        code, _, err = run(*given)
        assert (code, err.count("\n")) == (2, 1), given
    code, _, err = run("governance", "import", str(LIST), "--into", str(LIST))
    assert code == 1


def test_lists_the_columns(run: Run) -> None:
    code, out, _ = run("governance", "columns")
    assert code == 0
    assert "sources: what it signs with" in out
    assert {"did", "units"} <= {
        column["name"] for column in json.loads(run("governance", "columns", "--json")[1])["columns"]
    }


VECTORS = Path(__file__).parents[2] / "vectors" / "lists"
HEADERS, FIRST, *_ = LIST.read_text().splitlines()


def test_asks_what_only_a_person_knows_and_takes_the_answer(run: Run, tmp_path: Path) -> None:
    book = Workbook()
    for cells in read_list(LIST.read_bytes()).headers, *(row.cells for row in read_list(LIST.read_bytes()).rows):
        book.active.append(cells)
    book.active.title = "Centres"
    book.active.row_dimensions[4].hidden = True
    path, draft = tmp_path / "list.xlsx", tmp_path / "draft.json"
    path.write_bytes(saved(book))
    code, out, _ = run(*arguments(path, "--out", str(draft)))
    assert code == 1
    assert "sheet 'Centres', with its headers in row 1" in out
    assert "question in row 4: the row is hidden: 'Kandy Hotel School (example)" in out
    assert "--answer hidden-rows=leave-out" in out
    assert not draft.exists()
    code, out, _ = run(*arguments(path, "--out", str(draft), "--answer", "hidden-rows=leave-out", "--json"))
    assert code == 0
    report = json.loads(out)
    assert (report["sheet"], report["header_row"], report["rows"]) == ("Centres", 1, 2)
    assert {(finding["severity"], finding["kind"], finding["row"]) for finding in report["findings"]} == {
        ("warning", "hidden-rows", 4)
    }
    assert "Kandy Hotel School (example) was suspended" not in out
    code, out, _ = run(*arguments(path, "--answer", "hidden-rows=take"))
    assert (code, "Kandy Hotel School (example) was suspended" in out) == (0, True)


def test_says_what_a_word_for_a_status_means(run: Run, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text(LIST.read_text().replace(",suspended,", ",Expired,"))
    code, out, _ = run(*arguments(listed))
    assert (code, "--status 'Expired=" in out) == (1, True)
    code, out, _ = run(*arguments(listed, "--status", "expired=suspended"))
    assert (code, "was suspended for awards from 2026-10-01 on" in out) == (0, True)


def test_the_row_of_headers_is_found_or_named(run: Run, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("Ministry of Skills\n\n" + LIST.read_text())
    code, out, _ = run(*arguments(listed))
    assert (code, "headers in row 3" in out) == (0, True)
    assert "warning in row 1: the row stands above the headers and is not read: 'Ministry of Skills'" in out
    assert run(*arguments(listed, "--header-row", "3"))[0] == 0
    assert run(*arguments(listed, "--header-row", "1"))[0] == 1


def test_many_findings_are_short_on_the_screen_and_whole_in_a_file(run: Run, tmp_path: Path) -> None:
    listed, notes = tmp_path / "list.csv", tmp_path / "notes.txt"
    listed.write_text("\n".join([HEADERS, *[FIRST.replace("C7213", "C9999").replace(",active,", ",perhaps,")] * 500]))
    code, out, _ = run(*arguments(listed, "--notes", str(notes)))
    assert code == 1
    assert len(out.splitlines()) < 20
    assert "… and 497 more like this, in rows 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, …" in out
    assert notes.read_text().count("error in row") == 500
    code, _, err = run(*arguments(listed, "--notes", str(notes)))
    assert (code, "--force" in err) == (2, True)


def test_takes_names_of_countries(run: Run, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text(LIST.read_text().replace("LKA; Malta", ""))
    code, out, _ = run(*arguments(listed, "--jurisdiction", "UK", "--jurisdiction", "Côte d’Ivoire"))
    assert (code, "in United Kingdom (GBR), Côte d'Ivoire (CIV)" in out) == (0, True), out


@pytest.mark.parametrize(
    "words",
    [
        ("--answer", "hidden-rows"), ("--answer", "hidden-rows=perhaps"), ("--answer", "unknown=take"),
        ("--answer", "hidden-rows=take", "--answer", "hidden-rows=leave-out"), ("--status", "Expired"),
        ("--status", "Expired=lapsed"), ("--status", "a=active", "--status", "a=suspended"), ("--header-row", "0"),
        ("--header-row", "x"), ("--header-row", "4-3"), ("--header-row", "1-99"), ("--sheet", "A"),
        ("--separator", "long"),
    ],
)  # fmt: skip
def test_an_option_that_is_not_clear_is_one_line(run: Run, words: tuple[str, ...]) -> None:
    code, _, err = run(*arguments(LIST, *words))
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize("name", sorted(path.name for path in VECTORS.iterdir() if path.name != "cases.json"))
def test_no_list_ends_in_a_traceback_or_a_draft_of_what_was_not_understood(run: Run, name: str, tmp_path: Path) -> None:
    code, out, err = run(*arguments(VECTORS / name, "--out", str(tmp_path / "draft.json")))
    assert code in (1, 2)
    assert err.count("\n") == 1 if code == 2 else "nothing was imported" in out
    assert not (tmp_path / "draft.json").exists()


def test_lists_the_questions(run: Run) -> None:
    assert "hidden-rows: rows that the sheet hides" in run("governance", "columns")[1]
    asked = json.loads(run("governance", "columns", "--json")[1])["questions"]
    assert {"name": "empty-status", "answers": {"active": "they are active"}}.items() <= next(
        question for question in asked if question["name"] == "empty-status"
    ).items()


def test_a_merged_status_holds_for_each_of_its_rows_with_fill_down(run: Run, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["Institution", "Registration No", "Status", "Status date"],
        ["Colombo Welding Centre (example)", "TA-2018-0142", "suspended", "2026-10-01"],
        ["Kandy Hotel School (example)", "TA-2020-0017", None, "2026-10-01"],
    ):
        sheet.append(row)
    sheet.merge_cells("C2:C3")
    made = tmp_path / "list.xlsx"
    made.write_bytes(saved(book))
    code, out, _ = run(*arguments(made, "--fill-down"))
    assert code == 0, out
    assert "Colombo Welding Centre (example) was suspended" in out
    assert "Kandy Hotel School (example) was suspended" in out
