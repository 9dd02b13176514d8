"""Every list of `tests/vectors/class_lists` is read as `cases.json` says: what is ready, what is not, and why."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.welders import CLAIM

from wanderbuch.agents.issuer.class_list.listed import ClassList, ClassSettings
from wanderbuch.agents.issuer.class_list.reading import read_class_list
from wanderbuch.agents.issuer.class_list.results import Result
from wanderbuch.governance.importing.dates import DayOrder
from wanderbuch.governance.lists.reading import Choices
from wanderbuch.governance.lists.table import TableError, column_letters
from wanderbuch.schemas.credential_type import load_credential_type

FOLDER = Path(__file__).parents[3] / "vectors" / "class_lists"
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text("utf-8"))["cases"]
OWN = ("credential_id", "family_name", "given_names", "birth_date", "framework_level")
FOR_ALL = {name: text for name, text in CLAIM.items() if name not in OWN}


def read(case: dict[str, Any]) -> ClassList:
    given = case.get("given", {})
    without = given.get("not_for_all", ())
    settings = ClassSettings(
        mapping=given.get("mapping", {}),
        for_all={name: text for name, text in FOR_ALL.items() if name not in without},
        day_order=DayOrder(given.get("dates", "refuse")),
        results={word: Result(result) for word, result in given.get("results", {}).items()},
        makes_numbers=given.get("makes_numbers", False),
    )
    choices = Choices(encoding=given.get("encoding"), answers=given.get("answers", {}))
    received = (FOLDER / case["file"]).read_bytes()
    return read_class_list(received, load_credential_type("qualification/1.0"), settings, choices, at=date(2026, 1, 1))


def told(listed: ClassList) -> dict[str, Any]:
    """Return a list as a case writes it."""
    return {
        "ready": [[row.number, *(row.claim.get(name, "") for name in OWN)] for row in listed.rows],
        "to_look_at": list(listed.to_look_at),
        "not_passed": list(listed.not_passed),
        "noticed": sorted(
            {
                f"{finding.word} {finding.kind} "
                f"{'' if finding.position is None else column_letters(finding.position)}{finding.row}"
                for finding in listed.findings
            }
        ),
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['file']} {case.get('given', '')}".strip())
def test_a_class_list_is_read_as_it_is_seen(case: dict[str, Any]) -> None:
    if "refused" in case:
        with pytest.raises(TableError) as caught:
            read(case)
        assert caught.value.message == case["refused"]
        return
    listed = read(case)
    assert told(listed) == {name: case[name] for name in ("ready", "to_look_at", "not_passed", "noticed")}
    assert all(finding.message and finding.fix for finding in listed.findings)


def test_every_list_has_a_case() -> None:
    assert {path.name for path in FOLDER.iterdir()} - {"cases.json"} == {case["file"] for case in CASES}
