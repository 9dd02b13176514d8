"""Class lists: what a centre's clerk says about one, and what may never be guessed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
from tests.welders import CLAIM

from wanderbuch.agents.issuer.class_list.columns import columns_of
from wanderbuch.agents.issuer.class_list.listed import OWN, ClassList, ClassSettings
from wanderbuch.agents.issuer.class_list.reading import read_class_list
from wanderbuch.agents.issuer.class_list.results import Result, result_of
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.governance.lists.questions import QUESTIONS
from wanderbuch.governance.lists.reading import Choices
from wanderbuch.governance.lists.statuses import folded
from wanderbuch.governance.lists.table import TableError
from wanderbuch.schemas.credential_type import list_credential_types, load_credential_type

HEADER = "Certificate No,Surname,First names,Date of birth\r\n"
FOR_ALL = {name: text for name, text in CLAIM.items() if name not in OWN}
SETTINGS = ClassSettings(for_all=FOR_ALL)


def read(
    text: str,
    settings: ClassSettings = SETTINGS,
    *,
    answers: Mapping[str, str] | None = None,
    kind: str = "qualification/1.0",
) -> ClassList:
    choices = Choices(answers=answers or {})
    return read_class_list(text.encode(), load_credential_type(kind), settings, choices, at=date(2026, 1, 1))


def told(listed: ClassList, kind: str) -> list[tuple[int, str]]:
    return [(finding.row, finding.message) for finding in listed.findings if finding.kind == kind]


@pytest.mark.parametrize("kind", [kind.id for kind in list_credential_types()])
def test_every_type_has_columns_of_which_no_two_have_one_name(kind: str) -> None:
    columns = columns_of(kind)
    names = [
        folded(word) for column in columns.by_name.values() for word in {folded(w) for w in (column.name, *column.also)}
    ]
    assert {name for name in names if names.count(name) > 1} == set()
    assert all(columns.knows(attribute.name) for attribute in load_credential_type(kind).claimed)


@pytest.mark.parametrize("name", sorted(OWN))
def test_what_is_each_persons_own_is_no_value_for_all_rows(name: str) -> None:
    listed = read("Surname\r\nPerera\r\n", replace(SETTINGS, for_all=FOR_ALL | {name: "1995-03-12"}))
    assert any(finding.kind == "for-all" and finding.column in (name, "Surname") for finding in listed.findings)
    assert listed.rows == ()


def test_a_value_for_all_rows_does_not_fill_the_gaps_of_a_column() -> None:
    listed = read(HEADER.strip() + ",Level\r\nN-1,Perera,Nimal,1995-03-12,\r\n")
    assert [finding.kind for finding in listed.findings][:1] == ["for-all"]
    assert listed.rows == ()


def test_a_value_for_all_rows_that_cannot_be_read_is_told_once() -> None:
    wrong = replace(SETTINGS, for_all=FOR_ALL | {"occupation_isco08": "Wizard"})
    listed = read(HEADER + "N-1,Perera,Nimal,1995-03-12\r\nN-2,Silva,Amal,1996-03-12\r\n", wrong)
    assert [(finding.row, finding.kind) for finding in listed.findings] == [(0, "value-occupation_isco08")]
    assert (listed.is_whole, listed.rows) == (False, ())


def test_what_the_type_needs_and_nothing_brings_is_told_once_for_the_list() -> None:
    listed = read("Surname,First names,Date of birth\r\nPerera,Nimal,1995-03-12\r\nSilva,Amal,1996-03-12\r\n")
    assert told(listed, "column-missing") == [(1, "the list has no column for 'Credential number'")]
    assert listed.rows == ()


def test_numbers_are_made_only_where_that_is_wanted() -> None:
    text = "Surname,First names,Date of birth\r\nPerera,Nimal,1995-03-12\r\nSilva,Amal,1996-03-12\r\n"
    listed = read(text, replace(SETTINGS, makes_numbers=True))
    assert [row.number for row in listed.rows] == [2, 3]
    assert all("credential_id" not in row.claim for row in listed.rows)


def test_a_day_of_award_before_the_birth_is_told_at_its_row() -> None:
    listed = read(HEADER + "N-1,Perera,Nimal,2024-03-12\r\nN-2,Silva,Amal,1996-03-12\r\n")
    assert [row.number for row in listed.rows] == [3]
    assert [finding.row for finding in listed.findings] == [2]


def test_the_digest_is_that_of_the_claims_whatever_their_order() -> None:
    one, other = "N-1,Perera,Nimal,1995-03-12\r\n", "N-2,Silva,Amal,1996-03-12\r\n"
    assert read(HEADER + one + other).digest == read(HEADER + other + one).digest
    assert read(HEADER + one + other).digest != read(HEADER + one).digest


def test_a_list_of_every_type_can_be_read() -> None:
    text = "Certificate No,Full name,Born,Language,Level,Examining body,Date of examination\r\n"
    listed = read(
        text + 'G-1,"Perera, Nimal",1995-03-12,German,B2,Goethe-Institut,2024-06-10\r\n',
        ClassSettings(mapping={"Date of examination": "awarded_on"}),
        kind="language/1.0",
    )
    assert [(row.claim["language"], row.claim["cefr_level"]) for row in listed.rows] == [("deu", "B2")]


def test_more_rows_than_are_taken_are_refused() -> None:
    with pytest.raises(TableError, match="at most 20000 rows"):
        read(HEADER + "".join(f"N-{at},Perera,Nimal,1995-03-12\r\n" for at in range(20_001)))


def test_mistakes_in_every_row_are_not_told_without_end() -> None:
    listed = read(HEADER + "".join(f"N-{at},Perera,Nimal,1995\r\n" for at in range(3000)))
    assert len(told(listed, "mistakes")) == 1
    assert len(listed.findings) < 2100
    assert listed.rows == ()


@pytest.mark.parametrize("text", ["Pass?", "Pass*", "W", "C", "1", "passed (late)"])
def test_an_unknown_or_marked_result_is_never_guessed(text: str) -> None:
    with pytest.raises(ValueProblem):
        result_of(text, {})


def test_the_persons_word_for_a_result_wins() -> None:
    assert result_of("Passed", {}) is Result.PASSED
    assert result_of("passed", {"PASSED": Result.NOT_PASSED}) is Result.NOT_PASSED
    assert result_of("C", {"c": Result.PASSED}) is Result.PASSED


def test_questions_of_class_lists_have_answers() -> None:
    assert {"not-passed", "full-name", "same-person"} <= QUESTIONS.keys()


@pytest.mark.parametrize(
    ("text", "day"), [("19950312", "19950312"), ("1995-03-12", "19950312"), ("12.3.1995", "19950312"), ("20121995", "")]
)
def test_a_day_as_claims_write_it_is_read_and_one_that_begins_with_the_day_is_not(text: str, day: str) -> None:
    listed = read(HEADER + f"N-1,Perera,Nimal,{text}\r\n")
    assert [row.claim["birth_date"] for row in listed.rows] == ([day] if day else [])


@pytest.mark.parametrize(
    ("cells", "asked", "column"),
    [
        ("N-1,Silva*,Amal,1995-03-12", "name-remarks", "Surname"),
        ("N-1,Silva (late),Amal,1995-03-12", "name-remarks", "Surname"),
        ("N-1,Silva²,Amal,1995-03-12", "name-remarks", "Surname"),
        ("N-1,S1lva,Amal,1995-03-12", "name-remarks", "Surname"),
        ("N-1,Silva/Perera,Amal,1995-03-12", "name-remarks", "Surname"),
        ("N-1,Silva,Dr. Amal,1995-03-12", "name-remarks", "First names"),
        ("N-1,Silva,Amal <a.silva@x.test>,1995-03-12", "name-remarks", "First names"),
        ("N-1,Silva,السيد محمد,1995-03-12", "name-remarks", "First names"),
        ("N-1,Silva,,1995-03-12", "no-given-names", "First names"),
        ("N-1,Silva,n/a,1995-03-12", "no-given-names", "First names"),
        ("to follow,Silva,Amal,1995-03-12", "odd-numbers", "Certificate No"),
        ("TRUE,Silva,Amal,1995-03-12", "odd-numbers", "Certificate No"),
    ],
)
def test_what_could_be_read_and_is_seldom_meant_is_asked_about(cells: str, asked: str, column: str) -> None:
    text = f"{HEADER}{cells}\r\nN-2,Perera,Nimal,1996-03-12\r\n"
    listed = read(text)
    questions = [(one.kind, one.row, one.column) for one in listed.findings if one.question]
    assert (questions, [row.number for row in listed.rows]) == ([(asked, 2, column)], [3])
    (answer,) = QUESTIONS[asked].answers
    assert [row.number for row in read(text, answers={asked: answer}).rows] == [2, 3]


@pytest.mark.parametrize(
    "names",
    [
        "O’Brien-Fernando,M. R.",
        "Kumar s/o Raman,Siva",
        "Mendis,Drew",
        "Mrázková,Misbah",
        "de Silva,Msafiri",
        "රණසිංහ,මල්",
    ],
)
def test_names_as_passports_have_them_are_not_asked_about(names: str) -> None:
    assert read(f"{HEADER}N-1,{names},1995-03-12\r\n").findings == ()


def test_numbers_that_a_spreadsheet_may_have_shortened_are_asked_about() -> None:
    rows = ("0034", "34", "W/034", "W/34", "100", "10")
    text = HEADER + "".join(f"{no},Perera,Nimal,1995-03-{day:02}\r\n" for day, no in enumerate(rows, start=1))
    listed = read(text)
    assert told(listed, "near-numbers") == [
        (3, "found a number that differs from that of row 2 in zeros alone: is it the same?"),
        (5, "found a number that differs from that of row 4 in zeros alone: is it the same?"),
    ]
    assert [row.number for row in listed.rows] == [2, 4, 6, 7]
    assert len(read(text, answers={"near-numbers": "different"}).rows) == 6


def test_a_comma_behind_a_name_is_no_part_of_it() -> None:
    text = 'Certificate No,Name,Date of birth\r\nN-1,"Perera, ",1995-03-12\r\n'
    (row,) = read(text, answers={"no-given-names": "none"}).rows
    assert (row.claim["family_name"], row.claim["given_names"]) == ("Perera", "-")


@pytest.mark.parametrize("sign", ['""""', "ditto", "-do-", "〃", "idem"])
def test_a_sign_for_the_cell_above_is_no_text(sign: str) -> None:
    listed = read(f"{HEADER}N-1,Perera,Nimal,1995-03-12\r\nN-2,{sign},Amal,1996-03-12\r\n")
    wrong = [(one.kind, one.row, one.column) for one in listed.findings if one.word == "error"]
    assert wrong == [("ditto", 3, "Surname")]
    assert [row.number for row in listed.rows] == [2]


@pytest.mark.parametrize(
    "half",
    ["5 March", "5/3", "c. 1995", "about 1995", "1995?", "1994/1995", "?/3/1995", "x-3-1995", "5-_-1995", "0/3/1995"],
)
def test_half_of_a_day_of_birth_says_that_it_is_half(half: str) -> None:
    (finding,) = read(f"{HEADER}N-1,Perera,Nimal,{half}\r\n").findings
    assert (finding.cause, finding.row, finding.column) == ("day_part", 2, "Date of birth")


def test_an_empty_cell_says_what_is_missing_in_plain_words() -> None:
    (finding,) = read(f"{HEADER}N-1,Perera,Nimal,\r\n").findings
    assert (finding.message, finding.fix) == ("expected 'Date of birth', found an empty cell", "fill it in")


def test_forms_made_for_display_are_no_letters_of_a_certificate() -> None:
    (row,) = read(f"{HEADER}Ｎ１,ﺣﺪﺍﺩ,مـــحمد,1995-03-12\r\n").rows
    assert [row.claim[name] for name in ("credential_id", "family_name", "given_names")] == ["N1", "حداد", "محمد"]


def test_a_second_table_below_is_not_read_under_the_headers_of_the_first() -> None:
    second = "Certificate No,First names,Surname,DOB\r\nN-2,Amal,Silva,1996-03-12\r\n"
    text = f"{HEADER}N-1,Perera,Nimal,1995-03-12\r\n{second}"
    listed = read(text)
    assert [(one.kind, one.row) for one in listed.findings] == [("other-headers", 0)]
    assert (listed.is_whole, listed.rows) == (False, ())
    assert [row.number for row in read(text, answers={"other-headers": "leave-out"}).rows] == [2, 4]


def test_a_list_without_rows_is_told_so() -> None:
    with pytest.raises(TableError, match="expected rows below the names of the columns in row 1"):
        read(HEADER)


def test_a_total_is_no_person_however_many_cells_it_has() -> None:
    listed = read(f"{HEADER}N-1,Perera,Nimal,1995-03-12\r\nTotal,1,1 passed,\r\n")
    assert [(one.kind, one.row) for one in listed.findings] == [("other-rows", 3)]
