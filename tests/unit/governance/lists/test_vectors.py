"""Every list of `tests/vectors/lists` is read as `cases.json` says: rows, and what was noticed."""

import json
from pathlib import Path
from typing import Any

import pytest

from wanderbuch.governance.importing.columns import is_column
from wanderbuch.governance.lists.reading import Choices, read_list
from wanderbuch.governance.lists.table import Table, TableError, column_letters

FOLDER = Path(__file__).parents[3] / "vectors" / "lists"
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text("utf-8"))["cases"]


def read(name: str, given: dict[str, Any]) -> Table:
    choices = {key: tuple(value) if key == "header_rows" else value for key, value in given.items()}
    return read_list((FOLDER / name).read_bytes(), Choices(**choices), known=is_column)


def noticed(table: Table) -> list[str]:
    return sorted({f"{sight.word} {sight.kind} {_column(sight.position)}{sight.row}" for sight in table.findings})


def _column(position: int | None) -> str:
    return "" if position is None else column_letters(position)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['file']} {case['choices'] or ''}".strip())
def test_a_list_is_read_as_it_is_seen(case: dict[str, Any]) -> None:
    if "refused" in case:
        with pytest.raises(TableError) as caught:
            read(case["file"], case["choices"])
        assert (caught.value.message, caught.value.hint) == (case["refused"], case["do"])
        return
    table = read(case["file"], case["choices"])
    assert table.header_row == case["read"]["header_row"]
    assert list(table.headers) == case["read"]["headers"]
    assert [[row.number, *row.cells] for row in table.rows] == case["read"]["rows"]
    assert noticed(table) == case["noticed"]
    assert all(finding.message and finding.fix for finding in table.findings)


def test_every_list_has_a_case() -> None:
    files = {path.name for path in FOLDER.iterdir()} - {"cases.json"}
    assert files == {case["file"] for case in CASES}
