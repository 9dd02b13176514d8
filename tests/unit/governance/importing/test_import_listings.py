"""A ministry's list of institutions that have no DID: listed by their numbers, found again, connected ones by DID."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

from tests.unit.governance.conftest import EXAMPLE

from wanderbuch.governance.form.model import ACCREDITATION, LISTING
from wanderbuch.governance.importing.columns import is_column
from wanderbuch.governance.importing.draft import ImportReport, draft_from
from wanderbuch.governance.importing.rows import ImportSettings
from wanderbuch.governance.lists.reading import read_list

DOCUMENT: dict[str, Any] = json.loads(EXAMPLE.read_bytes())
AT = datetime(2026, 11, 28, tzinfo=UTC)
SETTINGS = ImportSettings(
    framework="LK-NVQ", jurisdictions=("LKA",), decision="https://x.test/gazette", redress="https://x.test/appeals"
)
HEADERS = "Centre No,Name of Institution,E-mail,Accreditation No,ISCO,NVQ Level,Valid from,Status"
MATARA = "P01 / 0142,Matara Plumbing School,office@matara.test,TVEC-901,C7126,3-4,2026-01-01,"
GALLE = "P01/0143,Galle School,,TVEC-902,C7212,2,2026-01-01,active"


def read(*rows: str, document: dict[str, Any] = DOCUMENT, headers: str = HEADERS, **changes: Any) -> ImportReport:
    table = read_list("\n".join((headers, *rows)).encode(), known=is_column)
    settings = ImportSettings(**{**{name: getattr(SETTINGS, name) for name in SETTINGS.__slots__}, **changes})
    return draft_from(table, document, settings, at=AT)


def listed(report: ImportReport) -> dict[str, Any]:
    assert report.draft is not None, [str(finding) for finding in report.findings]
    return dict(report.draft["participants"]["entries"][LISTING])


def test_institutions_with_a_number_and_no_did_are_listed_and_accredited_for_nothing() -> None:
    report = read(MATARA, GALLE, answers={"empty-status": "active"})
    listings = listed(report)
    assert set(listings) == {"P01/0142", "P01/0143"}
    assert (listings["P01/0142"]["name"], listings["P01/0142"]["email"]) == (
        "Matara Plumbing School",
        "office@matara.test",
    )
    [scope] = listings["P01/0142"]["accredited_for"]
    assert (scope["id"], scope["occupations"], scope["level_range"]["max"]) == ("TVEC-901", ["C7126"], "4")
    assert not {"sources", "status"} & set(scope)
    assert report.draft is not None
    before = DOCUMENT["participants"]["entries"][ACCREDITATION]
    assert report.draft["participants"]["entries"][ACCREDITATION] == before
    assert {one.code for one in report.differences if one.effect.value != "none"} == set()


def test_the_same_list_again_changes_nothing_and_a_changed_row_is_found_by_its_number() -> None:
    document = dict(read(GALLE).draft or {})
    assert read(GALLE, document=document).draft is None
    [scope] = listed(read(GALLE.replace(",2,", ",3,"), document=document))["P01/0143"]["accredited_for"]
    assert scope["level_range"] == {"framework": "LK-NVQ", "min": "3", "max": "3"}


def test_the_row_of_a_connected_institution_is_about_its_did() -> None:
    document = copy.deepcopy(DOCUMENT)
    did, granted = next(iter(document["participants"]["entries"][ACCREDITATION].items()))
    document["participants"]["entries"][LISTING] = {"P01/0143": {"name": "Galle School", "did": did}}
    report = read(GALLE, document=document)
    assert report.draft is not None, [str(finding) for finding in report.findings]
    after = report.draft["participants"]["entries"]
    assert after[LISTING] == {"P01/0143": {"name": "Galle School", "did": did}}
    new = after[ACCREDITATION][did]["accreditations"][-1]
    assert (new["id"], new["sources"]) == ("TVEC-902", granted["accreditations"][0]["sources"])


def test_who_does_not_stand_or_names_another_did_is_not_listed_and_the_cause_is_told() -> None:
    suspended = read(GALLE.replace("active", "suspended"))
    assert suspended.draft is None
    assert any("listed only while it stands" in finding.message for finding in suspended.findings)
    document = copy.deepcopy(DOCUMENT)
    did, other = list(document["participants"]["entries"][ACCREDITATION])[:2]
    document["participants"]["entries"][LISTING] = {"P01/0143": {"name": "Galle School", "did": did}}
    strange = read(f"{GALLE},{other}", document=document, headers=f"{HEADERS},DID")
    assert strange.draft is None
    assert any("the row names another DID" in finding.message for finding in strange.findings)


def test_without_number_and_did_an_unknown_name_is_an_error_as_ever() -> None:
    report = read(GALLE.replace("P01/0143", ""))
    assert report.draft is None
    assert any(finding.column == "did" or "its DID, or its number" in finding.message for finding in report.findings)
