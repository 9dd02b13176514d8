"""What is wrong with a class list is said in the language of the page, whatever it is."""

from datetime import date

import pytest
from markupsafe import Markup
from tests.unit.issuer.class_list.test_vectors import CASES, FOR_ALL, read

from wanderbuch.agents.issuer.class_list.listed import ClassList, ClassSettings
from wanderbuch.agents.issuer.class_list.reading import read_class_list
from wanderbuch.agents.issuer.console.kit import KIT
from wanderbuch.agents.issuer.console.list_causes import ClassListCauses
from wanderbuch.agents.site.languages import LANGUAGES, Language
from wanderbuch.agents.site.sentences import ENGLISH
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.lists import noticed
from wanderbuch.governance.lists.questions import QUESTIONS
from wanderbuch.governance.lists.table import CellFinding
from wanderbuch.schemas.credential_type import load_credential_type

KIND = load_credential_type("qualification/1.0")
OTHERS = [language for tag, language in LANGUAGES.items() if tag != ENGLISH]
OF_INSTITUTIONS = {"same-number", "stands-otherwise", "name-marks", "empty-status", "same-name"}
HEADERS = (
    "certificate no,family name,given names,date of birth,occupation_isco08,country_of_award,framework_level,"
    "result,contact_email,contact_phone,contact_language,instruction_hours,duration_months,mode_of_delivery,stars"
)
ROWS = (
    "0001,Perera,Nimal,2001,welder of dreams,Atlantis,9,perhaps,no mail,x,Klingon,many,1e3,by owl,1",
    "0002,Silva,Kamala,03/04/1991,7,LKA,4,passed,,,,-5,3,,2",
    "0003,Fernando,Ruwan,31/02/1991,110,LKA,4,,,,,10,999999,,3",
    "0004,,Sunil,2031-01-01,C7212,LKA,4,passed,,,,10,3,,4",
    f"0005,{'x' * 400},Sunil,1991-01-01,C7212,LKA,4,passed,,,,10,3,,5",
    "0006,Jayasuriya,Nimal,2020-01-01,C7212,LKA,4,passed,,,,10,3,,6",
    "0006,Gunawardena,Nimal,1990-01-01,C7212,LKA,4,passed,,,,10,3,,7",
)


def listed(*, without: tuple[str, ...] = ()) -> ClassList:
    """Return a list in which each cell has some other mistake."""
    columns = {"occupation_isco08", "country_of_award", "instruction_hours", "duration_months", "mode_of_delivery"}
    for_all = {name: text for name, text in FOR_ALL.items() if name not in {*columns, *without}}
    content = "\n".join((HEADERS, *ROWS)).encode()
    return read_class_list(content, KIND, ClassSettings(for_all=for_all), at=date(2026, 1, 1))


def lists() -> list[ClassList]:
    readable = [read(case) for case in CASES if "refused" not in case]
    return [*readable, listed(), listed(without=("framework", "qualification_title"))]


def in_english(sentence: Markup) -> bool:
    return 'lang="en"' in sentence


def test_each_finding_is_told_in_the_language_of_the_page() -> None:
    every = lists()
    kinds = {finding.kind for one in every for finding in one.findings}
    assert {"value-birth_date", "claim-birth_date", "header", "column-missing", "number-twice"} <= kinds
    untold = {
        f"{language.tag} {finding.kind} {finding.cause}: {finding.message}"
        for language in OTHERS
        for one in every
        for finding in one.findings
        if in_english(ClassListCauses(KIND, one.table, KIT.words(language)).sentence(finding))
    }
    assert untold == set()


def test_what_a_cell_holds_is_told_and_is_no_markup() -> None:
    one = listed()
    finding = next(finding for finding in one.findings if finding.kind == "value-country_of_award")
    french = ClassListCauses(KIND, one.table, KIT.words(LANGUAGES["fr"])).sentence(finding)
    assert "Aucun pays ne porte le nom" in french
    assert "Atlantis" in french.striptags()
    row = one.table.rows[0]
    hostile = CellFinding(Severity.ERROR, row.number, "", "", "", "read-as-empty", 0)
    table = read_class_list(b"certificate no\n<script>x</script>\n", KIND, ClassSettings(), at=date(2026, 1, 1)).table
    assert "<script>" not in ClassListCauses(KIND, table, KIT.words(LANGUAGES["fr"])).sentence(hostile)


def test_in_english_the_whole_cause_is_told_without_options_of_the_command_line() -> None:
    one = listed()
    causes = ClassListCauses(KIND, one.table, KIT.words(LANGUAGES[ENGLISH]))
    sentences = [causes.sentence(finding) for finding in one.findings]
    assert any("a year without month and day" in text for text in sentences)
    assert [text for text in sentences if "--" in text] == []


@pytest.mark.parametrize("language", OTHERS, ids=lambda language: language.tag)
def test_every_kind_of_a_sheet_and_every_question_has_a_sentence(language: Language) -> None:
    causes = ClassListCauses(KIND, listed().table, KIT.words(language))
    kinds = [*noticed._ERRORS, *noticed._NOTES, *(set(QUESTIONS) - OF_INSTITUTIONS)]
    told = [causes.sentence(CellFinding(Severity.ERROR, 2, "", "x", "y", kind)) for kind in sorted(kinds)]
    asked = [text for name in QUESTIONS if name not in OF_INSTITUTIONS for text in causes.replies(name).values()]
    asked += [causes.asked(name) for name in QUESTIONS if name not in OF_INSTITUTIONS]
    assert [text for text in (*told, *asked) if in_english(text)] == []
