import copy
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.thorough import examples
from tests.unit.governance.conftest import EXAMPLE, Json

from wanderbuch.governance.form.cte_model import DESCRIPTION, ROLES
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.form.model import ACCREDITATION, PROGRAMMES
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.importing.columns import COLUMNS, is_column
from wanderbuch.governance.importing.dates import DayOrder, parse_day
from wanderbuch.governance.importing.draft import ImportReport, draft_from
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.governance.importing.rows import ImportSettings
from wanderbuch.governance.importing.values import country, level_range, occupation, occupations, units
from wanderbuch.governance.lists.layout import laid_out
from wanderbuch.governance.lists.questions import LEAVE_OUT
from wanderbuch.governance.lists.reading import Choices, read_list
from wanderbuch.governance.lists.table import Sheet, TableError, escaped, table_of, unescaped

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEW = "did:webvh:QmExampMatara111111111111111111111111111111111:matara.wanderbuch.test:org"
NEW_DEF = f"{NEW}/resources/zQmCredDefMatara1111111111111111111111111111111"
COLOMBO = "did:webvh:QmExampCoLomboWeLding1111111111111111111111111:centre.wanderbuch.test:org"
COMPLETE = {
    "did": NEW,
    "institution": "Matara Welding School",
    "website": "www.matara.test",
    "accreditation": "TA-2026-0400",
    "title": "Welding",
    "sources": NEW_DEF,
    "occupations": "C7212",
    "levels": "LK-NVQ 2-4",
    "jurisdictions": "LKA; Malta",
    "valid_from": "1 March 2026",
    "decision": "https://authority.wanderbuch.test/decisions/400",
    "redress": "https://authority.wanderbuch.test/appeals",
}


def imported(document: Json, rows: list[dict[str, str]], **more: Any) -> ImportReport:
    headers = list(dict.fromkeys(name for row in rows for name in row))
    cells = [headers, *([row.get(name, "") for name in headers] for row in rows)]
    return draft_from(table_of(enumerate(cells, start=1)), document, ImportSettings(**more), at=NOW)


def accreditations(report: ImportReport, did: str = NEW) -> list[Json]:
    assert report.draft is not None
    accreditations: list[Json] = report.draft["participants"]["entries"][ACCREDITATION][did]["accreditations"]
    return accreditations


def errors(report: ImportReport) -> list[tuple[int, str]]:
    assert report.draft is None
    assert report.differences == ()
    return [(finding.row, finding.column) for finding in report.findings if finding.severity is Severity.ERROR]


def messages(report: ImportReport) -> str:
    return "\n".join(str(finding) for finding in report.findings)


def test_a_new_institution_goes_into_a_new_draft(example: Json) -> None:
    before = copy.deepcopy(example)
    report = imported(example, [COMPLETE])
    assert report.ok, messages(report)
    assert example == before
    assert report.draft is not None
    assert (report.draft["version"], report.draft["last_updated"]) == (2, "2026-11-22T12:00:00Z")
    assert accreditations(report) == [
        {
            "id": "TA-2026-0400",
            "title": "Welding",
            "credential_types": ["qualification/1.0"],
            "sources": [f"anoncreds:{NEW_DEF}"],
            "occupations": ["C7212"],
            "level_range": {"framework": "LK-NVQ", "min": "2", "max": "4"},
            "jurisdictions": ["LKA", "MLT"],
            "intervals": [{"start": "2026-03-01"}],
            "accreditingAgent": {"name": "Training Authority of Sri Lanka (example)", "did": example["author"]},
            "decision": "https://authority.wanderbuch.test/decisions/400",
            "redress": "https://authority.wanderbuch.test/appeals",
        }
    ]
    entries = report.draft["participants"]["entries"]
    assert entries[DESCRIPTION][NEW] == {"name": "Matara Welding School", "website": "https://www.matara.test"}
    assert entries[ROLES][NEW] == {"roles": [{"start": "2026-03-01T00:00:00Z", "role": "issue_qualification"}]}
    assert {difference.code for difference in report.differences} >= {"accreditation.granted", "participant.joined"}
    assert report.missing == ("TA-2018-0142", "TA-2019-0088", "TA-2020-0017")
    assert not [finding for finding in report.findings if finding.severity is Severity.WARNING]


def test_the_same_list_again_changes_nothing(example: Json) -> None:
    rows = [
        {**COMPLETE, "accreditation": "", "occupations": "C7212", "title": ""},
        {**COMPLETE, "accreditation": "", "occupations": "C7213", "title": ""},
    ]
    first = imported(example, rows)
    assert first.draft is not None, messages(first)
    assert len(accreditations(first)) == 2
    again = imported(dict(first.draft), rows)
    assert again.ok
    assert again.draft is None
    assert again.differences == ()


def test_rows_with_one_number_add_up(example: Json) -> None:
    rows = [
        {**COMPLETE, "valid_until": "2026-06-30"},
        {**COMPLETE, "occupations": "Sheet-metal workers", "valid_from": "2026-09-01", "jurisdictions": "DEU"},
    ]
    (accreditation,) = accreditations(imported(example, rows))
    assert accreditation["occupations"] == ["C7212", "C7213"]
    assert accreditation["jurisdictions"] == ["LKA", "MLT", "DEU"]
    assert accreditation["intervals"] == [{"start": "2026-03-01", "end": "2026-06-30"}, {"start": "2026-09-01"}]


@pytest.mark.parametrize("column", ["title", "levels", "decision", "redress"])
def test_rows_with_one_number_must_agree(example: Json, column: str) -> None:
    other = {"title": "Other", "levels": "LK-NVQ 2-5"}.get(column, "https://elsewhere.test/")
    assert errors(imported(example, [COMPLETE, {**COMPLETE, column: other}])) == [(3, column)]


def test_one_wrong_cell_and_nothing_is_imported(example: Json) -> None:
    report = imported(example, [COMPLETE, {**COMPLETE, "accreditation": "B-2", "occupations": "C9999; C7212"}])
    assert errors(report) == [(3, "occupations")]
    assert "C9999" in messages(report)


@pytest.mark.parametrize(
    ("column", "text", "words"),
    [
        ("did", "", "so its DID, or its number, is needed"),
        ("did", "matara", "expected a DID"),
        ("did", COLOMBO.replace("Qm", "qm"), "expected"),
        ("institution", "Colombo Welding Centre (example)", "the file gives this name to"),
        ("sources", "", "the institution's agent shows it"),
        ("sources", NEW_DEF.replace("Matara", "Kandy2").replace("matara", "kandy"), "issuer"),
        ("occupations", "", "add an ISCO-08 code"),
        ("occupations", "721", "may have lost a zero"),
        ("occupations", "C7999", "does not have"),
        ("occupations", "Welder", "expected an ISCO-08 code or title"),
        ("levels", "LK-NVQ 9", "level"),
        ("levels", "LK-NVQ 4-2", "level"),
        ("levels", "2-4", "give --framework"),
        ("levels", "high", "expected a level or two"),
        ("jurisdictions", "Ceylon", "expected a country"),
        ("jurisdictions", "", "--jurisdiction"),
        ("valid_from", "03/04/2026", "may be 03 April 2026 or 04 March 2026"),
        ("valid_from", "2026", "found the year"),
        ("valid_from", "46082", "as spreadsheets count them"),
        ("valid_from", "30.02.2026", "expected a day that exists"),
        ("valid_from", "", "add the first day"),
        ("decision", "", "--decision"),
        ("decision", "javascript:alert(1)", "expected an address"),
        ("redress", "", "--redress"),
        ("accreditation", "a b", "expected an id"),
        ("accreditation", "TA-2018-0142", "accreditation-once"),
        ("valid_until", "2026-02-01", "order-of-time"),
        ("status", "maybe", "a status that is not known"),
        ("status", "suspended", "without the day of the decision"),
        ("website", "matara", "expected an address"),
    ],
)
def test_refuses_a_row_that_is_not_clear(example: Json, column: str, text: str, words: str) -> None:
    report = imported(example, [{**COMPLETE, column: text}])
    row_errors = errors(report)
    assert row_errors
    assert all(row == 2 for row, _ in row_errors)
    assert words in messages(report)


def test_what_holds_for_the_whole_list_fills_the_gaps(example: Json) -> None:
    row = {name: text for name, text in COMPLETE.items() if name not in ("jurisdictions", "decision", "redress")}
    given = {
        "framework": "LK-NVQ",
        "jurisdictions": ("LKA",),
        "decision": "https://a.test/d",
        "redress": "https://a.test/r",
    }
    (accreditation,) = accreditations(imported(example, [{**row, "levels": "2 to 4"}], **given))
    assert accreditation["jurisdictions"] == ["LKA"]
    assert (accreditation["decision"], accreditation["redress"]) == ("https://a.test/d", "https://a.test/r")


def test_an_institution_of_the_file_is_found_by_its_name_and_keeps_what_the_list_does_not_say(example: Json) -> None:
    before = example["participants"]["entries"][ACCREDITATION][COLOMBO]["accreditations"][0]
    report = imported(
        example,
        [
            {
                "Name of institution": "colombo welding centre  (EXAMPLE)",
                "Accreditation No.": before["id"],
                "Level": "LK-NVQ 2-4",
            }
        ],
    )
    (accreditation,) = accreditations(report, COLOMBO)
    assert accreditation == {**before, "level_range": {"framework": "LK-NVQ", "min": "2", "max": "4"}}
    assert [difference.code for difference in report.differences] == ["accreditation.levels-changed", "file.version"]


def test_a_new_accreditation_signs_with_what_the_institution_has(example: Json) -> None:
    row = {**COMPLETE, "did": COLOMBO, "institution": "", "sources": "", "accreditation": "TA-9"}
    granted = accreditations(imported(example, [row]), COLOMBO)
    assert granted[1]["sources"] == granted[0]["sources"]


SUSPENDED = {
        "institution": "Kandy Hotel School (example)",
        "accreditation": "TA-2020-0017",
        "status": "Suspended",
        "decided_on": "2026-10-01",
        "effective_from": "2026-09-01",
        "reason": "No kitchen.",
    }  # fmt: skip
KANDY = "did:webvh:QmExampKandyHoteLSchooL11111111111111111111111:kandy.wanderbuch.test:org"


class TestDecisions:
    def test_a_decision_is_added(self, example: Json) -> None:
        report = imported(example, [SUSPENDED])
        (accreditation,) = accreditations(report, KANDY)
        assert accreditation["status"] == [
            {
                "status": "suspended",
                "decided_on": "2026-10-01",
                "effective_from": "2026-09-01",
                "reason": "No kitchen.",
            }
        ]
        assert "accreditation.suspended" in {difference.code for difference in report.differences}
        assert report.draft is not None
        assert imported(dict(report.draft), [SUSPENDED]).draft is None

    def test_a_list_that_says_active_lifts_no_suspension_by_the_way(self, example: Json) -> None:
        draft = imported(example, [SUSPENDED]).draft
        assert draft is not None
        active = {**SUSPENDED, "status": "active", "decided_on": "", "effective_from": "", "reason": ""}
        report = imported(dict(draft), [active])
        assert errors(report) == [(2, "decided_on")]
        lifted = imported(dict(draft), [{**active, "decided_on": "2026-11-01"}])
        assert "accreditation.reinstated" in {difference.code for difference in lifted.differences}

    def test_active_is_what_an_accreditation_is(self, example: Json) -> None:
        row = {**SUSPENDED, "status": "Accredited", "decided_on": "2020-01-01", "effective_from": "", "reason": ""}
        assert imported(example, [row]).draft is None

    def test_an_earlier_decision_than_the_last_is_refused(self, example: Json) -> None:
        draft = imported(example, [SUSPENDED]).draft
        assert draft is not None
        report = imported(dict(draft), [{**SUSPENDED, "status": "withdrawn", "decided_on": "2026-09-15"}])
        assert errors(report) == [(2, "decided_on")]


def test_programmes_stand_under_their_accreditation(example: Json) -> None:
    rows = [
        COMPLETE,
        {
            "did": NEW,
            "accreditation": "TA-2026-0400",
            "programme": "P-1",
            "programme_title": "Pipe welding",
            "programme_occupation": "C7212",
            "programme_level": "LK-NVQ 3",
            "programme_from": "2026-04-01",
            "units": "U1 = Prepare joints; U2 = Weld pipes [4]",
        },
    ]
    report = imported(example, rows)
    assert report.draft is not None, messages(report)
    assert report.draft["participants"]["entries"][PROGRAMMES][NEW]["programmes"] == [
        {
            "id": "P-1",
            "accreditation": "TA-2026-0400",
            "title": "Pipe welding",
            "units": [{"id": "U1", "title": "Prepare joints"}, {"id": "U2", "title": "Weld pipes", "level": "4"}],
            "occupation": "C7212",
            "framework": "LK-NVQ",
            "level": "3",
            "intervals": [{"start": "2026-04-01"}],
            "learning_settings": ["formal"],
        }
    ]
    without = [COMPLETE, {**rows[1], "programme_title": ""}]
    assert errors(imported(example, without)) == [(3, "programme_title")]


class TestHeaders:
    def test_are_matched_whatever_their_capitals_and_signs(self, example: Json) -> None:
        names = {"institution": "Name of Institution", "levels": "NVQ-Level", "valid_from": "Accredited from:"}
        row = {names.get(name, name.upper()): text for name, text in COMPLETE.items()}
        assert imported(example, [row]).ok

    def test_what_is_called_otherwise_is_mapped(self, example: Json) -> None:
        row = {("Ausbildungsstätte" if name == "institution" else name): text for name, text in COMPLETE.items()}
        assert errors(imported(example, [row])) == [(1, "Ausbildungsstätte")]
        assert imported(example, [row], mapping={"ausbildungsstätte": "institution"}).ok
        assert imported(example, [{**COMPLETE, "Fax": "1"}], mapping={"Fax": "-"}).ok

    @pytest.mark.parametrize(
        "mapping", [{"Fax": "instituton"}, {"Telex": "institution"}, {"Fax": "institution"}]
    )  # fmt: skip
    def test_a_mapping_that_does_not_fit_is_refused(self, example: Json, mapping: dict[str, str]) -> None:
        assert errors(imported(example, [{**COMPLETE, "Fax": "1"}], mapping=mapping))


MERGED = [COMPLETE, {"occupations": "C7213"}, {"occupations": "C7214"}]


class TestMergedCells:
    def test_are_filled_down_when_that_is_asked_for(self, example: Json) -> None:
        (accreditation,) = accreditations(imported(example, MERGED, fill_down=True))
        assert accreditation["occupations"] == ["C7212", "C7213", "C7214"]

    def test_are_refused_otherwise(self, example: Json) -> None:
        report = imported(example, MERGED)
        assert errors(report) == [(3, "institution"), (4, "institution")]
        assert "--fill-down" in messages(report)

    def test_nothing_is_filled_from_another_institution(self, example: Json) -> None:
        rows = [COMPLETE, {"institution": "Kandy Hotel School (example)", "status": "active"}]
        report = imported(example, rows, fill_down=True)
        assert (3, "sources") not in errors(report)
        assert (3, "occupations") in errors(report)

    @pytest.mark.parametrize(
        ("between", "expected"),
        [
            pytest.param({"institution": "Kandy Hotel School (example)"}, [(4, "institution")], id="another"),
            pytest.param({"title": "Cutting", "occupations": "C7214"}, [], id="one more of the same"),
            pytest.param(dict(zip(COMPLETE, COMPLETE, strict=True)), [], id="the headers again, as on a new page"),
        ],
    )
    def test_nothing_is_filled_from_above_another_institution_that_is_left_out(
        self, example: Json, between: dict[str, str], expected: list[tuple[int, str]]
    ) -> None:
        below = {"accreditation": "TA-2026-0402", "title": "Plumbing", "occupations": "C7126", "levels": "LK-NVQ 2"}
        own = {name: COMPLETE[name] for name in ("jurisdictions", "valid_from", "decision", "redress")}
        rows = [COMPLETE, between, below | own]
        cells = {number: [row.get(name, "") for name in COMPLETE] for number, row in enumerate(rows, start=2)}
        answers = {"hidden-rows": LEAVE_OUT}
        table = laid_out(Sheet(rows={1: list(COMPLETE), **cells}, hidden_rows={3}), answers, known=is_column)
        report = draft_from(table, example, ImportSettings(fill_down=True, answers=answers), at=NOW)
        wrong = [(finding.row, finding.column) for finding in report.findings if finding.severity is Severity.ERROR]
        assert wrong == expected


def test_a_formula_is_text_and_is_reported(example: Json) -> None:
    report = imported(example, [{**COMPLETE, "title": "=HYPERLINK(1)"}])
    assert accreditations(report)[0]["title"] == "=HYPERLINK(1)"
    (warned,) = report.findings
    assert (warned.severity, warned.row, warned.column) == (Severity.WARNING, 2, "title")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\tx", "'=1", "''=1", "'tis", "plain", "'", "''"])
def test_escaping_is_undone(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not escaped(text).startswith(("=", "+", "-", "@", "\t"))


class TestCsv:
    def test_reads_utf_8_with_mark_and_semicolons(self) -> None:
        table = read_list("\ufeffname;title\r\n\r\nSchool;Métal\r\n".encode())
        assert table.headers == ("name", "title")
        assert [(row.number, row.cells) for row in table.rows] == [(3, ("School", "Métal"))]

    def test_reads_quotes_line_breaks_and_separators_in_cells(self) -> None:
        table = read_list(b'sep=,\nname,"a;b"\n"one, two","x\ny"\n')
        assert table.headers == ("name", "a;b")
        assert table.rows[0].cells == ("one, two", "x\ny")

    @pytest.mark.parametrize(
        ("received", "words"),
        [
            ("name;título\nEscola;Métal".encode("cp1252"), "windows-1252"),
            ("name".encode("utf-16-le"), "utf-16|UTF-16"),
            (b"", "empty table"),
            (b"\n;;\n", "empty table"),
            (b"name,a;b\nx", "several separators"),
            (b'name\n"open', "row 2"),
            (b"PK\x03\x04....", "spreadsheet"),
            (b"na\0me\nx", "byte 0"),
            (b",".join([b"x"] * 201), "columns"),
        ],
    )
    def test_refuses_what_would_have_to_be_guessed(self, received: bytes, words: str) -> None:
        with pytest.raises(TableError, match=words):
            read_list(received)

    def test_takes_the_encoding_that_is_named(self) -> None:
        table = read_list("name;título\nGalle;B".encode("cp1252"), Choices(encoding="windows-1252"))
        assert table.headers == ("name", "título")
        with pytest.raises(TableError, match="name of an encoding"):
            read_list(b"x", Choices(encoding="klingon"))

    def test_a_cell_in_a_column_without_a_name_is_an_error(self, example: Json) -> None:
        table = read_list(b"institution\nSchool,suspended")
        assert errors(draft_from(table, example, ImportSettings(), at=NOW)) == [(2, "")]


@pytest.mark.parametrize(
    "text",
    ["2024-03-31", "2024/03/31", "2024-3-31", "31.03.2024", "31. 3. 2024", "31/03/2024", "03/31/2024", "31-03-2024",
     "31 March 2024", "31 Mar 2024", "31st March, 2024", "March 31, 2024", "31-Mar-2024"],
)  # fmt: skip
def test_reads_a_day_in_any_clear_form(text: str) -> None:
    assert parse_day(text) == date(2024, 3, 31)


@pytest.mark.parametrize(
    "text", ["03/04/2024", "3-4-2024", "13/13/2024", "31 Foo 2024", "0/0/2024", "31.03.24", "x", "2024-02-30"]
)
def test_refuses_a_day_that_is_none_or_two(text: str) -> None:
    with pytest.raises(ValueProblem):
        parse_day(text)


def test_an_unclear_day_is_read_as_the_whole_list_means_it() -> None:
    assert parse_day("03/04/2024", DayOrder.DAY_FIRST) == date(2024, 4, 3)
    assert parse_day("03/04/2024", DayOrder.MONTH_FIRST) == date(2024, 3, 4)
    assert parse_day("04/04/2024") == date(2024, 4, 4)
    with pytest.raises(ValueProblem):
        parse_day("31/03/2024", DayOrder.MONTH_FIRST)


def test_reads_occupations_levels_places_and_units() -> None:
    assert occupation("7212") == occupation("c7212") == occupation(" Welders and  FLAMECUTTERS".strip()) == "C7212"
    assert occupations("C7212, C7213") == occupations("7212|C7213") == ["C7212", "C7213"]
    assert country("mlt") == country("Malta") == "MLT"
    assert level_range("LK-NVQ Level 2 – 5", None, ()) == ("LK-NVQ", "2", "5")
    assert level_range("2.5", "IN-NSQF", ()) == ("IN-NSQF", "2.5", "2.5")
    assert units("A=x") == [{"id": "A", "title": "x"}]
    with pytest.raises(ValueProblem, match="EQF here and LK-NVQ"):
        level_range("EQF 4", "LK-NVQ", ())
    with pytest.raises(ValueProblem):
        units("no sign")


_CELLS = st.one_of(
    st.sampled_from(
        [*COMPLETE.values(), "", "-", "active", "suspended", "2024-01-01", "=1+1", "C72", "4", COLOMBO, "TA-2018-0142"]
    ),
    st.text(max_size=12),
)
_HEADERS = st.lists(
    st.one_of(st.sampled_from([column.name for column in COLUMNS]), st.text(max_size=6)), min_size=1, max_size=12
)


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(headers=_HEADERS, data=st.data())
def test_any_table_is_imported_in_full_or_not_at_all(headers: list[str], data: st.DataObject) -> None:
    example: Json = json.loads(EXAMPLE.read_bytes())
    rows = data.draw(st.lists(st.lists(_CELLS, max_size=len(headers) + 1), max_size=5))
    try:
        table = table_of(enumerate([headers, *rows], start=1))
    except TableError:
        return
    report = draft_from(table, example, ImportSettings(), at=NOW)
    if not report.ok:
        assert report.draft is None
    elif report.draft is not None:
        parse_file(json.dumps(report.draft).encode())
        assert report.differences
        assert draft_from(table, report.draft, ImportSettings(), at=NOW).draft is None  # the same list again


@settings(max_examples=examples(60), deadline=None)
@given(
    changes=st.dictionaries(st.sampled_from(sorted(COMPLETE)), _CELLS, max_size=2),
    fill_down=st.booleans(),
)
def test_a_nearly_right_row_is_imported_in_full_or_not_at_all(changes: dict[str, str], fill_down: bool) -> None:
    example: Json = json.loads(EXAMPLE.read_bytes())
    report = imported(example, [COMPLETE, {**COMPLETE, **changes}], fill_down=fill_down)
    assert report.ok == (not any(finding.severity is Severity.ERROR for finding in report.findings))
    if report.draft is not None:
        parse_file(json.dumps(report.draft).encode())


@settings(max_examples=examples(100), deadline=None)
@given(received=st.binary(max_size=200))
def test_any_bytes_are_a_table_or_refused(received: bytes) -> None:
    try:
        table = read_list(received)
    except TableError:
        return
    assert table.headers
