"""Lists as registrars keep them, imported: nothing that they say is lost or changed without a word."""

import json
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from tests.unit.governance.conftest import EXAMPLE, Json
from tests.unit.governance.importing.test_import import (
    COMPLETE,
    NEW,
    NEW_DEF,
    accreditations,
    errors,
    imported,
    messages,
)

from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.form.model import ACCREDITATION
from wanderbuch.governance.importing.columns import is_column
from wanderbuch.governance.importing.dates import parse_day
from wanderbuch.governance.importing.draft import ImportReport, draft_from
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.governance.importing.rows import ImportSettings
from wanderbuch.governance.importing.values import countries, level_range, statement_id, status
from wanderbuch.governance.lists.reading import Choices, read_list

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OTHER = NEW.replace("Matara", "Hambar").replace("matara", "hambantota")
OTHER_DEF = NEW_DEF.replace("Matara", "Hambar").replace("matara", "hambantota")


def kinds(report: ImportReport, word: str | None = None) -> set[tuple[str, int]]:
    return {(finding.kind, finding.row) for finding in report.findings if word in (None, finding.word)}


class TestHeaders:
    def test_of_other_scripts_are_told_apart(self, example: Json) -> None:
        row = {**{name: text for name, text in COMPLETE.items() if name not in ("institution", "valid_from")},
               "ආයතනය": "Matara", "ආරම්භක දිනය": "2026-03-01"}  # fmt: skip
        (accreditation,) = accreditations(imported(example, [row]))
        assert accreditation["intervals"] == [{"start": "2026-03-01"}]

    def test_a_mapping_of_one_does_not_hide_another(self, example: Json) -> None:
        row = {**COMPLETE, "ලිපිනය": "Matara", "தகுதி": "அத்திஹிட்டு", "स्थिति": "निलंबित"}
        report = imported(example, [row], mapping={"ලිපිනය": "-"})
        assert [column for _, column in errors(report)] == ["தகுதி", "स्थिति"]

    def test_marks_of_a_word_count(self, example: Json) -> None:
        row = {**COMPLETE, "दिन": "1", "दान": "2"}
        assert len(errors(imported(example, [row]))) == 2
        assert len(errors(imported(example, [row], mapping={"दिन": "-"}))) == 1

    def test_of_signs_alone_are_told_apart(self, example: Json) -> None:
        row = {**COMPLETE, "%": "x", "&": "y"}
        assert [column for _, column in errors(imported(example, [row], mapping={"%": "-"}))] == ["&"]

    def test_a_mapping_that_means_two_columns_is_refused_until_a_place_is_named(self, example: Json) -> None:
        lines = [[*COMPLETE, "Note", "NOTE"], [*COMPLETE.values(), "a", "b"]]
        table = read_list("\n".join("\t".join(line) for line in lines).encode(), known=is_column)

        def report(**mapping: str) -> ImportReport:
            return draft_from(table, example, ImportSettings(mapping=mapping), at=NOW)

        assert "means 2 columns" in messages(report(note="-"))
        assert "column N" in messages(report(note="-"))
        assert [column for _, column in errors(report(Note="-"))] == ["NOTE"]
        both = draft_from(table, example, ImportSettings(mapping={"column M": "-", "column N": "-"}), at=NOW)
        assert both.ok, messages(both)
        assert {finding.kind for finding in both.findings} == {"column-not-read"}

    def test_a_column_that_is_left_out_is_named_and_what_it_says_of_suspension(self, example: Json) -> None:
        report = imported(example, [{**COMPLETE, "Fax": "1", "Observations": "Suspended in May"}],
                          mapping={"Fax": "-", "Observations": "-"})  # fmt: skip
        assert report.ok
        assert kinds(report) == {("column-not-read", 1), ("trouble-not-read", 2)}

    def test_a_column_that_only_counts_rows_is_left_out_and_named(self, example: Json) -> None:
        rows = [{"S/N": str(at), **COMPLETE, "accreditation": f"T-{at}"} for at in (1, 2)]
        report = imported(example, rows)
        assert report.ok
        assert kinds(report) == {("column-not-read", 1)}
        rows[1]["S/N"] = "7"
        assert errors(imported(example, rows)) == [(1, "S/N")]


class TestStatuses:
    @pytest.mark.parametrize(
        ("word", "meaning"),
        [
            ("ACTIVE", "active"), ("Accredited", "active"), ("in force", "active"), ("Vigente", "active"),
            ("Agréé", "active"), ("معتمد", "active"), ("වලංගුයි", "active"), ("செல்லும்", "active"),
            ("Under Suspension", "suspended"), ("temporarily suspended", "suspended"), ("SUSPENDUE", "suspended"),
            ("Suspendido", "suspended"), ("موقوف", "suspended"), ("අත්හිටුවා ඇත", "suspended"),
            ("இடைநிறுத்தப்பட்டது", "suspended"), ("Revoked", "withdrawn"), ("Cancelled", "withdrawn"),
            ("De-registered", "withdrawn"), ("Radié", "withdrawn"), ("Revocada", "withdrawn"), ("ملغى", "withdrawn"),
            ("ඉවත් කර ඇත", "withdrawn"), ("திரும்பப் பெறப்பட்டது", "withdrawn"),
        ],
    )  # fmt: skip
    def test_words_of_registers_are_known(self, word: str, meaning: str) -> None:
        assert status(word, {}) == meaning

    @pytest.mark.parametrize(
        "word",
        ["Expired", "lapsed", "Provisional", "Not renewed", "closed", "Registered", "inactive", "not accredited",
         "Suspended?", "Active*", "active (?)",
         "active until suspended", "Partly suspended", "A", "OK", "Yes", "Expiré", "Vencido", "منتهي",
         "කල් ඉකුත් වී ඇත", "காலாவதியானது"],
    )  # fmt: skip
    def test_words_that_may_mean_several_things_are_asked_about(self, word: str) -> None:
        with pytest.raises(ValueProblem) as caught:
            status(word, {})
        assert "--status" in caught.value.fix

    def test_the_person_says_what_a_word_means(self, example: Json) -> None:
        row = {**COMPLETE, "status": "Expired", "decided_on": "2026-06-30"}
        assert errors(imported(example, [row])) == [(2, "status")]
        (accreditation,) = accreditations(imported(example, [row], statuses={"EXPIRED": "withdrawn"}))
        assert accreditation["status"][0]["status"] == "withdrawn"
        marked = {**COMPLETE, "status": "Active*", "decided_on": "2026-06-30"}
        assert errors(imported(example, [marked])) == [(2, "status")]
        rows = [marked, {**COMPLETE, "accreditation": "B-2", "status": "active"}]
        one, other = accreditations(imported(example, rows, statuses={"Active*": "suspended"}))
        assert ("status" in one, "status" in other) == (True, False)

    def test_an_empty_status_is_asked_about_where_the_list_has_the_column(self, example: Json) -> None:
        report = imported(example, [{**COMPLETE, "status": ""}])
        assert kinds(report, "question") == {("empty-status", 2)}
        assert imported(example, [{**COMPLETE, "status": "-"}]).draft is None
        assert imported(example, [{**COMPLETE, "status": ""}], answers={"empty-status": "active"}).draft is not None
        assert imported(example, [COMPLETE]).draft is not None

    def test_remarks_that_speak_of_suspension_are_asked_about(self, example: Json) -> None:
        row = {**COMPLETE, "status": "active", "reason": "Suspended w.e.f. May 2026"}
        assert kinds(imported(example, [row]), "question") == {("status-words", 2)}
        assert imported(example, [row], answers={"status-words": "ignore"}).ok
        report = imported(example, [{**row, "reason": "A good school"}])
        assert report.ok
        assert "'A good school' is not used" in messages(report)

    @pytest.mark.parametrize(
        "name",
        ["Matara School*", "Matara School (suspended)", "Matara School †", "Matara [2]", "* Matara", "12. Matara"],
    )
    def test_marks_and_remarks_in_names_are_asked_about(self, example: Json, name: str) -> None:
        assert kinds(imported(example, [{**COMPLETE, "institution": name}]), "question") == {("name-marks", 2)}

    def test_a_title_that_speaks_of_suspension_is_asked_about(self, example: Json) -> None:
        rows = [["List of suspended centres"], list(COMPLETE), list(COMPLETE.values())]
        received = "\n".join("\t".join(row) for row in rows).encode()
        report = draft_from(read_list(received, known=is_column), example, ImportSettings(), at=NOW)
        assert kinds(report, "question") == {("status-words", 1)}
        assert report.draft is None
        table = read_list(received, Choices(answers={"status-words": "ignore"}), known=is_column)
        assert draft_from(table, example, ImportSettings(), at=NOW).draft is not None


class TestNames:
    def test_two_institutions_of_one_name_are_asked_about(self, example: Json) -> None:
        rows = [COMPLETE, {**COMPLETE, "did": OTHER, "sources": OTHER_DEF, "accreditation": "B-1"}]
        report = imported(example, rows)
        assert kinds(report, "question") == {("same-name", 2), ("same-name", 3)}
        both = imported(example, rows, answers={"same-name": "different"})
        assert both.ok, messages(both)
        assert len(accreditations(both, OTHER)) == 1
        named = [*rows, {"institution": COMPLETE["institution"], "accreditation": "B-1", "occupations": "C7213"}]
        assert (4, "did") in errors(imported(example, named, answers={"same-name": "different"}))

    def test_one_institution_with_two_spellings_is_an_error_that_shows_both(self, example: Json) -> None:
        report = imported(example, [COMPLETE, {**COMPLETE, "institution": "Matara Weldings School"}])
        assert errors(report) == [(3, "institution")]
        assert "'Matara Welding School', as in row 2, found 'Matara Weldings School'" in messages(report)

    def test_names_that_look_alike_are_told(self, example: Json) -> None:
        rows = [COMPLETE, {**COMPLETE, "did": OTHER, "sources": OTHER_DEF, "accreditation": "B-1",
                           "institution": "MATARA Welding-School"}]  # fmt: skip
        assert ("two-spellings", 3) in kinds(imported(example, rows))

    def test_a_name_that_is_nearly_one_of_the_file_is_suggested(self, example: Json) -> None:
        report = imported(example, [{**COMPLETE, "did": "", "institution": "Kandy Hotel Schol (example)"}])
        assert "kandy hotel school" in messages(report)

    def test_a_line_break_in_a_name_is_a_space_and_is_told(self, example: Json) -> None:
        report = imported(example, [{**COMPLETE, "institution": "Matara\nWelding School"}])
        assert report.ok
        assert kinds(report) == {("line-breaks", 2)}

    def test_a_row_that_stands_twice_is_told(self, example: Json) -> None:
        assert kinds(imported(example, [COMPLETE, COMPLETE])) == {("row-twice", 3)}


class TestNothingIsLost:
    @pytest.mark.parametrize(
        ("column", "text"),
        [("programme_occupation", "C7212"), ("programme_from", "2026-01-01"), ("learning_settings", "formal"),
         ("programme_until", "2026-12-31"), ("accrediting_agent_did", NEW)],
    )  # fmt: skip
    def test_a_cell_that_would_go_nowhere_is_an_error(self, example: Json, column: str, text: str) -> None:
        assert errors(imported(example, [{**COMPLETE, column: text}]))

    @pytest.mark.parametrize("column", ["decided_on", "effective_from", "status_decision", "reason"])
    def test_what_belongs_to_no_decision_is_told(self, example: Json, column: str) -> None:
        text = {"reason": "Good", "status_decision": "https://a.test/"}.get(column, "2026-01-01")
        report = imported(example, [{**COMPLETE, column: text}])
        assert report.ok
        assert "is not used" in messages(report)

    def test_a_row_that_only_says_where_a_decision_stands_is_not_lost(self, example: Json) -> None:
        row = {"institution": "Kandy Hotel School (example)", "accreditation": "TA-2020-0017",
               "decision": "https://new.test/"}  # fmt: skip
        report = imported(example, [row])
        assert "https://new.test/" in json.dumps(report.draft)

    def test_what_is_read_as_empty_is_told(self, example: Json) -> None:
        assert kinds(imported(example, [{**COMPLETE, "valid_until": "n/a"}])) == {("read-as-empty", 2)}


class TestValues:
    @pytest.mark.parametrize(
        ("text", "day"),
        [
            ("2024-08-01T00:00:00Z", "2024-08-01"), ("2024-08-01T00:00:00.000Z", "2024-08-01"),
            ("2024-08-01 00:00:00", "2024-08-01"), ("2024-08-01T00:00:00+05:30", "2024-08-01"),
            ("2024-08-01T23:59:59+05:30", "2024-08-01"), ("1er août 2024", "2024-08-01"),
            ("31 de marzo de 2024", "2024-03-31"), ("٣١/٠٣/٢٠٢٤", "2024-03-31"), ("2024 අගෝස්තු 1", "2024-08-01"),
            ("1 ஆகஸ்ட் 2024", "2024-08-01"), ("31 مارس 2024", "2024-03-31"),
        ],
    )  # fmt: skip
    def test_days_are_read_in_every_clear_form(self, text: str, day: str) -> None:
        assert parse_day(text).isoformat() == day

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("2024-07-31T18:30:00Z", "another day"), ("2024-08-01T24:00:00", "end of one day"),
            ("2024-08-01T25:00:00", "time that exists"), ("01/02/2567", "Buddhist"), ("2567-03-01", "Buddhist"),
            ("1403/02/11", "Persian"), ("1445-01-01", "Islamic"), ("0204-01-01", "0204"),
            ("20244-01-01", "four digits"),
            ("1/1/20244", "four digits"), ("204-01-01", "four digits"), ("31.03.24", "four digits"),
            ("1-Jan-24", "four digits"), ("9999-12-31", "without an end"), ("1899-12-31", "1899"),
            ("45383", "spreadsheets"),
        ],
    )  # fmt: skip
    def test_days_and_years_that_cannot_be_are_refused(self, text: str, words: str) -> None:
        with pytest.raises(ValueProblem) as caught:
            parse_day(text)
        assert words in f"{caught.value.message} {caught.value.fix}"

    @pytest.mark.parametrize(("column", "text"), [("decided_on", "2062-01-01"), ("valid_from", "2062-01-01")])
    def test_days_that_are_too_far_ahead_are_refused(self, example: Json, column: str, text: str) -> None:
        row = {**COMPLETE, "status": "suspended", "decided_on": "2026-10-01", column: text}
        assert (2, column) in errors(imported(example, [row]))

    @pytest.mark.parametrize(
        "text", ["3", "3.0", "Level 3", "L3", "NVQ 3", "NVQ Level 3", "NVQ-3", "LK-NVQ 3", "LK NVQ 3", "３", "٣"]
    )
    def test_one_level_is_read_however_it_is_written(self, text: str) -> None:
        assert level_range(text, "LK-NVQ", ()) == ("LK-NVQ", "3", "3")

    @pytest.mark.parametrize(
        ("text", "words"),
        [("IV", "digits: 4"), ("NVQ IV", "digits: 4"), ("2026-05-02", "made a day"), ("2-May", "made a day"),
         ("3, 4, 5", "lowest and the highest"), ("3 & 4", "lowest and the highest"), ("NQF 4", "ZA-NQF")],
    )  # fmt: skip
    def test_a_level_that_is_not_clear_is_refused_with_what_to_write(self, text: str, words: str) -> None:
        with pytest.raises(ValueProblem) as caught:
            level_range(text, "LK-NVQ", ())
        assert words in caught.value.fix

    @pytest.mark.parametrize(
        ("text", "codes"),
        [("LKA", ["LKA"]), ("lk", ["LKA"]), ("Sri Lanka", ["LKA"]), ("ශ්‍රී ලංකාව", ["LKA"]), ("இலங்கை", ["LKA"]),
         ("سريلانكا", ["LKA"]), ("UK", ["GBR"]), ("Côte d’Ivoire", ["CIV"]), ("Cote d'Ivoire", ["CIV"]),
         ("Alemania", ["DEU"]), ("LKA, MLT", ["LKA", "MLT"]), ("Sri Lanka and Malta", ["LKA", "MLT"]),
         ("Bosnia and Herzegovina", ["BIH"]), ("Trinidad & Tobago; UK", ["TTO", "GBR"])],
    )  # fmt: skip
    def test_countries_are_read_by_code_and_name(self, text: str, codes: list[str]) -> None:
        assert countries(text) == codes

    @pytest.mark.parametrize(
        "text", ["Congo", "Korea", "Ceylon", "worldwide", "XX", "Sri Lanka and Atlantis", "Sri Lanka*", "Malta †"]
    )
    def test_what_is_no_country_or_two_is_refused(self, text: str) -> None:
        with pytest.raises(ValueProblem):
            countries(text)

    def test_a_number_with_a_letter_that_looks_latin_is_refused_by_its_name(self) -> None:
        with pytest.raises(ValueProblem, match="cyrillic capital letter te"):
            statement_id("ТA-1")
        assert statement_id("TA-١٢") == "TA-12"


def test_a_list_that_is_wrong_everywhere_ends_soon_and_says_so(example: Json) -> None:
    report = imported(example, [{**COMPLETE, "levels": "high", "valid_from": "soon"}] * 3000)
    assert len(report.findings) == 2003
    assert "the rows below were not looked at" in messages(report)


def test_questions_are_all_told_before_any_is_answered(example: Json) -> None:
    row: dict[str, Any] = {**COMPLETE, "institution": "Matara*", "status": ""}
    report = imported(example, [row])
    assert kinds(report, "question") == {("name-marks", 2), ("empty-status", 2)}
    assert report.draft is None
    assert not report.ok
    done = imported(example, [row], answers={"name-marks": "keep", "empty-status": "active"})
    assert done.draft is not None
    assert {finding.severity for finding in done.findings} == {Severity.WARNING}


def test_the_given_list_of_the_issue_is_not_imported_as_accredited() -> None:
    """Two headers of one script, one mapped: the column that says "suspended" is not hidden by it."""
    example: Json = json.loads(EXAMPLE.read_bytes())
    lines = [[*COMPLETE, "ලිපිනය", "තත්වය"], [*COMPLETE.values(), "Matara", "අත්හිටුවා ඇත"]]
    table = read_list("\n".join("\t".join(line) for line in lines).encode(), known=is_column)
    report = draft_from(table, example, ImportSettings(mapping={"ලිපිනය": "-"}), at=NOW)
    assert errors(report) == [(1, "තත්වය")]
    mapped = ImportSettings(mapping={"ලිපිනය": "-", "තත්වය": "status"})
    assert "without the day of the decision" in messages(draft_from(table, example, mapped, at=NOW))


class TestNumbersAndDecisions:
    LATER: ClassVar = {"status": "suspended", "decided_on": "2026-10-01"}

    @pytest.mark.parametrize("number", ["ta-2020-0017", "TA-2020-17", "TA/2020/0017"])
    def test_a_number_that_looks_like_one_of_the_file_is_asked_about(self, example: Json, number: str) -> None:
        (kandy,) = (
            did
            for did, told in example["participants"]["entries"][ACCREDITATION].items()
            if any(accreditation["id"] == "TA-2020-0017" for accreditation in told["accreditations"])
        )
        (in_file,) = example["participants"]["entries"][ACCREDITATION][kandy]["accreditations"]
        row = {
            **COMPLETE, "did": kandy, "institution": "Kandy Hotel School (example)", "accreditation": number,
            "sources": "; ".join(in_file["sources"]), **self.LATER,
        }  # fmt: skip
        assert ("same-number", 2) in kinds(imported(example, [row]), "question")
        assert imported(example, [row], answers={"same-number": "different"}).ok
        exact = imported(example, [{**row, "accreditation": "TA-2020-0017"}])
        assert ("same-number", 2) not in kinds(exact)

    def test_two_of_a_list_that_look_alike_are_asked_about(self, example: Json) -> None:
        rows = [COMPLETE, {**COMPLETE, "accreditation": "ta-2026-400", **self.LATER}]
        assert ("same-number", 3) in kinds(imported(example, rows), "question")
        rows[1]["accreditation"] = "TA-2026-0401"
        assert ("same-number", 3) not in kinds(imported(example, rows))

    def test_rows_of_one_accreditation_that_say_two_things_are_an_error(self, example: Json) -> None:
        rows = [{**COMPLETE, "status": "active"}, {**COMPLETE, **self.LATER}]
        assert errors(imported(example, rows)) == [(2, "status")]
        assert errors(imported(example, rows[::-1])) == [(3, "status")]
        rows[0]["decided_on"] = "2026-03-01"  # each with its day: one after the other
        assert imported(example, rows).ok

    @pytest.mark.parametrize("word", ["debarred", "derecognised", "Disqualified", "no longer valid", "unauthorised"])
    def test_a_remark_that_it_does_not_stand_is_asked_about(self, example: Json, word: str) -> None:
        report = imported(example, [{**COMPLETE, "status": "active", "reason": f"See letter 4, {word}"}])
        assert ("status-words", 2) in kinds(report, "question")

    @pytest.mark.parametrize("number", ["", "TA-2026-0999"])
    def test_a_suspended_institution_is_not_accredited_anew_without_a_word(self, example: Json, number: str) -> None:
        suspended = imported(example, [{**COMPLETE, **self.LATER}]).draft
        assert suspended is not None
        row = {**COMPLETE, "accreditation": number, "status": "active"}
        assert ("stands-otherwise", 2) in kinds(imported(dict(suspended), [row]), "question")
        assert imported(dict(suspended), [row], answers={"stands-otherwise": "different"}).ok
        other = {**row, "occupations": "C5120"}
        assert ("stands-otherwise", 2) not in kinds(imported(dict(suspended), [other]))
        both = [row, {**COMPLETE, **self.LATER}]  # the list speaks of both
        assert ("stands-otherwise", 2) not in kinds(imported(dict(suspended), both))

    def test_a_suspension_does_not_go_beside_an_active_accreditation_without_a_word(self, example: Json) -> None:
        active = imported(example, [COMPLETE]).draft
        assert active is not None
        report = imported(dict(active), [{**COMPLETE, "accreditation": "", **self.LATER}])
        assert ("stands-otherwise", 2) in kinds(report, "question")


@pytest.mark.parametrize("host", ["Matara.wanderbuch.test", "matara.wanderbuch.test.", "matara..test", "matara"])
def test_a_did_that_nobody_finds_is_an_error_in_its_cell(example: Json, host: str) -> None:
    changed = {
        name: text.replace("matara.wanderbuch.test", host) if name in ("did", "sources") else text
        for name, text in COMPLETE.items()
    }
    assert (2, "did") in errors(imported(example, [changed]))
