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
