"""Where a table begins and ends, and which rows are none of it."""

import pytest

from wanderbuch.governance.lists.reading import Choices, read_list
from wanderbuch.governance.lists.table import Table, TableError

KNOWN = {"name", "level", "status", "from"}.__contains__
TOP = "name\tlevel\tfrom\tstatus"


def read(*lines: str, **choices: object) -> Table:
    return read_list("\n".join(lines).encode(), Choices(**choices), known=KNOWN)  # type: ignore[arg-type]


def noticed(table: Table) -> set[tuple[str, str, int]]:
    return {(finding.word, finding.kind, finding.row) for finding in table.findings}


def test_titles_above_the_headers_are_named_and_what_looks_like_a_table_is_asked_about() -> None:
    titled = read("Ministry", "", TOP, "A\t4\tx\ty")
    assert (titled.header_row, noticed(titled)) == (3, {("warning", "above-headers", 1)})
    stacked = ("centre\tcity", "Galle\tGalle", TOP, "A\t4\tx\ty")
    assert noticed(read(*stacked)) == {("question", "rows-above", 1), ("question", "rows-above", 2)}
    assert {word for word, *_ in noticed(read(*stacked, header_rows=(3, 3)))} == {"warning"}
    assert {word for word, *_ in noticed(read(*stacked, answers={"rows-above": "leave-out"}))} == {"warning"}


def test_where_no_name_is_known_the_likely_row_is_shown() -> None:
    with pytest.raises(TableError, match=r"do they stand in row 3: 'Zentrum \| Stufe \| Beginn'") as caught:
        read("Liste der Zentren", "", "Zentrum\tStufe\tBeginn", "Galle\t4\tx")
    assert "--header-row 3" in str(caught.value.hint)


@pytest.mark.parametrize(
    "row",
    ["Total\t2", "Total: 12", "Source: the registrar", "Note: see annex", "Page 2 of 5", "2/5", "* provisional",
     "Western Province", "Prepared by: N. Perera", "المجموع\t3", "එකතුව\t3", "TOTAL"],
)  # fmt: skip
def test_rows_that_are_no_entries_are_asked_about(row: str) -> None:
    table = read(TOP, "A\t4\tx\ty", row, "B\t3\tx\ty")
    assert ("question", "other-rows", 3) in noticed(table)
    assert [row.number for row in table.rows] == [2, 4]
    assert [entry.number for entry in read(TOP, "A\t4\tx\ty", row, answers={"other-rows": "take"}).rows] == [2, 3]


@pytest.mark.parametrize(
    "row", ["Total Skills Academy\t4\tx\ty", "Note\t4\tx\t", "1\t2\t3\t", "\t4\tx\ty", "\t\tC7213\t"]
)
def test_entries_are_not_taken_for_something_else(row: str) -> None:
    assert not {notice for notice in noticed(read(TOP, "A\t4\tx\ty", row)) if notice[1] == "other-rows"}


@pytest.mark.parametrize("row", ["(1)\t(2)\t(3)\t(4)", "1\t2\t3\t4", "a\tb\tc\td", "A.\tB.\tC.\tD.", "i\tii\tiii\tiv"])
def test_numbers_of_columns_below_the_headers_are_asked_about(row: str) -> None:
    assert ("question", "other-rows", 2) in noticed(read(TOP, row, "A\t4\tx\ty"))
    assert not noticed(read(TOP, "A\t4\tx\ty", row.replace("(", "").replace(")", "")))


def test_headers_that_are_repeated_are_left_out_and_named() -> None:
    table = read(TOP, "A\t4\tx\ty", TOP.upper(), "B\t3\tx\ty")
    assert [row.number for row in table.rows] == [2, 4]
    assert noticed(table) == {("warning", "headers-repeated", 3)}


@pytest.mark.parametrize(
    "title",
    ["List of SUSPENDED centres", "Centres whose accreditation was revoked", "Expired accreditations", "Not renewed",
     "Centres suspendus", "Centros con acreditación cancelada", "المراكز الموقوفة", "අත්හිටුවන ලද ආයතන",
     "இடைநிறுத்தப்பட்டவை"],
)  # fmt: skip
def test_a_title_that_speaks_of_suspension_is_asked_about(title: str) -> None:
    assert ("question", "status-words", 1) in noticed(read(title, TOP, "A\t4\tx\ty"))
    assert ("question", "status-words", 3) in noticed(read(TOP, "A\t4\tx\ty", title))


def test_a_title_that_does_not_is_only_named() -> None:
    assert noticed(read("Accredited centres as at 1 July 2024", TOP, "A\t4\tx\ty")) == {("warning", "above-headers", 1)}


def test_rows_of_fewer_or_more_cells_than_the_header_are_named() -> None:
    assert ("question", "short-rows", 2) in noticed(read(TOP, "A\t4"))
    assert ("error", "column-without-name", 2) in noticed(read(TOP, "A\t4\tx\ty\tz"))
    assert not noticed(read(TOP, "A\t4\t\t", "B\t4\tx\ty\t\t"))


def test_headers_of_two_rows_are_one_name_each() -> None:
    assert read("name\tmandate\t", "\tfrom\tto", "A\tx\ty", header_rows=(1, 2)).headers == (
        "name",
        "mandate from",
        "to",
    )
