"""What of a list is ready: an institution with all its rows, or with none."""

from typing import Any

import pytest
from tests.unit.governance.conftest import Json
from tests.unit.governance.importing.test_import import COMPLETE, NEW, NOW
from tests.unit.governance.importing.test_import_lists import OTHER, OTHER_DEF

from wanderbuch.governance.form.model import ACCREDITATION, LISTING
from wanderbuch.governance.importing.ready import ReadyImport, import_ready
from wanderbuch.governance.importing.rows import ImportSettings
from wanderbuch.governance.lists.table import table_of

OTHERS = COMPLETE | {
    "did": OTHER,
    "institution": "Hambantota School",
    "accreditation": "TA-2026-0401",
    "sources": OTHER_DEF,
}
NO_DAY = "31 February 2026"
_OWN = ("did", "institution", "sources")


def divided(document: Json, rows: list[dict[str, str]], **more: Any) -> ReadyImport:
    headers = list(dict.fromkeys(name for row in rows for name in row))
    cells = [headers, *([row.get(name, "") for name in headers] for row in rows)]
    return import_ready(table_of(enumerate(cells, start=1)), document, ImportSettings(**more), at=NOW)


def accredited(ready: ReadyImport) -> dict[str, Any]:
    assert ready.about_all == ()
    assert ready.report.draft is not None, ready.to_look_at
    return dict(ready.report.draft["participants"]["entries"][ACCREDITATION])


def kinds(ready: ReadyImport) -> dict[int, list[str]]:
    return {row: [finding.kind for finding in why] for row, why in sorted(ready.to_look_at.items())}


def test_every_row_of_institutions_that_are_well_is_ready(example: Json) -> None:
    ready = divided(example, [COMPLETE, OTHERS])
    assert (ready.ready, kinds(ready)) == (2, {})
    assert {NEW, OTHER} <= accredited(ready).keys()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"excluded_occupations": "C7213", "valid_from": NO_DAY}, id="what it never covers"),
        pytest.param({"status": "withdrawn", "decided_on": NO_DAY}, id="that it was withdrawn"),
        pytest.param({"levels": "LK-NVQ 3-4"}, id="another level"),
        pytest.param({"title": "Cooking", "levels": "LK-NVQ 9"}, id="something else"),
    ],
)
def test_what_a_row_gives_is_not_taken_without_what_another_of_its_institution_takes_away(
    example: Json, changes: dict[str, str]
) -> None:
    wide, stands = COMPLETE | {"occupations": "C721"}, {"status": "active"}
    ready = divided(example, [wide | stands, COMPLETE | {"occupations": ""} | changes, OTHERS | stands])
    assert kinds(ready).keys() == {2, 3}
    assert kinds(ready)[2] == ["same-institution"]
    assert ready.ready == 1
    assert NEW not in accredited(ready)
    assert OTHER in accredited(ready)


@pytest.mark.parametrize(
    "named",
    [
        pytest.param({"did": "did:webvh:garbled"}, id="by a name and an accreditation"),
        pytest.param({"did": "", "institution": "matara  welding school"}, id="by its name in other letters"),
        pytest.param({"did": "", "institution": ""}, id="by its accreditation"),
    ],
)
def test_a_row_whose_institution_is_not_clear_holds_back_those_that_it_may_be_about(
    example: Json, named: dict[str, str]
) -> None:
    ready = divided(example, [COMPLETE, COMPLETE | {"valid_from": NO_DAY} | named, OTHERS])
    assert kinds(ready).keys() == {2, 3}
    assert accredited(ready).keys() >= {OTHER}


def test_a_row_that_an_institution_without_a_name_is_filled_down_from_is_not_replaced_by_the_one_above(
    example: Json,
) -> None:
    further = OTHERS | {"accreditation": "TA-2026-0402", "title": "Plumbing"} | dict.fromkeys(_OWN, "")
    rows = [COMPLETE, OTHERS | {"valid_from": NO_DAY}, further | {"occupations": "C7126"}]
    ready = divided(example, rows, fill_down=True)
    assert kinds(ready).keys() == {3, 4}
    [only] = accredited(ready)[NEW]["accreditations"]
    assert only["occupations"] == ["C7212"]


def test_a_connected_institution_is_one_by_its_number_and_its_did(example: Json) -> None:
    """Its listing names the DID, so that a list may name either."""
    entries = example["participants"]["entries"]
    entries.setdefault(LISTING, {})["P01/0142"] = {"name": "Matara Welding School", "did": NEW}
    by_number = {"register_id": "P01/0142", "did": "", "accreditation": "TA-2026-0403", "title": "Cutting"}
    ready = divided(example, [COMPLETE, COMPLETE | by_number | {"valid_from": NO_DAY}, OTHERS])
    assert kinds(ready).keys() == {2, 3}
