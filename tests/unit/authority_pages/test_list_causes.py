"""What is wrong with a list of institutions is said in the language of the page, the English details after it."""

import json
from datetime import UTC, datetime
from html import unescape

import pytest
from markupsafe import Markup
from tests.unit.authority_pages.conftest import Browser
from tests.unit.authority_pages.test_uploading import LIST, SAID, upload
from tests.unit.governance.conftest import EXAMPLE
from tests.unit.governance.importing.test_import import COMPLETE
from tests.unit.governance.lists.test_vectors import CASES, read

from wanderbuch.agents.authority.pages.kit import KIT
from wanderbuch.agents.authority.pages.list_causes import InstitutionCauses
from wanderbuch.agents.site.languages import LANGUAGES, Language
from wanderbuch.agents.site.safe_text import shown
from wanderbuch.agents.site.sentences import ENGLISH
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.importing.columns import COLUMNS
from wanderbuch.governance.importing.draft import draft_from
from wanderbuch.governance.importing.rows import ImportSettings
from wanderbuch.governance.lists import noticed
from wanderbuch.governance.lists.questions import QUESTIONS
from wanderbuch.governance.lists.table import CellFinding, Table, table_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OTHERS = [language for tag, language in LANGUAGES.items() if tag != ENGLISH]
OF_CLASSES = {
    "not-passed",
    "full-name",
    "same-person",
    "no-given-names",
    "name-remarks",
    "odd-numbers",
    "near-numbers",
}
STRANGE = {column.name: "\x07?? = \u202e" for column in COLUMNS}

each_language = pytest.mark.parametrize("language", OTHERS, ids=lambda language: language.tag)


def starts_in_english(sentence: Markup) -> bool:
    return sentence.startswith('<span lang="en"')


def wrong_rows() -> list[dict[str, str]]:
    changed: list[dict[str, str]] = [
        STRANGE,
        {"occupations": "11"},
        {"occupations": "C9999"},
        {"levels": "IV"},
        {"levels": "4", "framework": ""},
        {"levels": "LK-NVQ 9"},
        {"valid_from": "03/04/2026"},
        {"valid_from": "31/02/2026"},
        {"valid_from": "2099-01-01"},
        {"decided_on": "2099-01-01"},
        {"jurisdictions": "Atlantis"},
        {"status": "perhaps"},
        {"institution": "Galle School *"},
        {"decision": ""},
        {"did": ""},
        {"did": "nothing of the kind"},
        {"redress": "no page"},
        {"sources": "x"},
    ]
    return [{**COMPLETE, **change} for change in changed]


def findings() -> list[tuple[Table, CellFinding]]:
    """Return everything that keeps a list with many mistakes from being taken: read alone, each row meets its own."""
    every = []
    for row in wrong_rows():
        table = table_of(enumerate([list(row), list(row.values())], start=1))
        report = draft_from(table, json.loads(EXAMPLE.read_bytes()), ImportSettings(), at=NOW)
        every += [(table, finding) for finding in report.findings if finding.severity is Severity.ERROR]
    return every


@each_language
def test_each_cause_is_told_in_the_language_of_the_page(language: Language) -> None:
    every = findings()
    assert {"value-occupations", "value-status", "value-did", "day-to-come", "name-marks", "level-in-framework"} <= {
        finding.kind for _, finding in every
    }
    sheets = [read(case["file"], case["choices"]) for case in CASES if "refused" not in case]
    every += [(table, finding) for table in sheets for finding in table.findings]
    untold = {
        f"{finding.kind} {finding.cause}: {finding.message}"
        for table, finding in every
        if starts_in_english(InstitutionCauses(table, KIT.words(language)).sentence(finding))
    }
    assert untold == set()


@each_language
def test_every_kind_of_a_sheet_and_every_question_has_a_sentence(language: Language) -> None:
    causes = InstitutionCauses(table_of([(1, ["did"])]), KIT.words(language))
    kinds = [*noticed._ERRORS, *noticed._NOTES, *(set(QUESTIONS) - OF_CLASSES)]
    told = [causes.sentence(CellFinding(Severity.ERROR, 2, "", "x", "y", kind)) for kind in kinds]
    asked = [causes.asked(name) for name in QUESTIONS if name not in OF_CLASSES]
    replies = [text for name in QUESTIONS if name not in OF_CLASSES for text in causes.replies(name).values()]
    assert [text for text in (*told, *asked, *replies) if starts_in_english(text)] == []


def test_a_typed_cause_chooses_the_sentence_and_the_details_stay() -> None:
    [(table, zero)] = [(table, one) for table, one in findings() if one.cause == "occupation_zero"]
    words = KIT.words(LANGUAGES["fr"])
    own, _, details = InstitutionCauses(table, words).sentence(zero).partition("<br>")
    assert own == words("cause.occupation_zero", found=shown("11"))
    assert zero.message in unescape(details)


def test_an_answer_may_mean_something_else_to_one_question() -> None:
    causes = InstitutionCauses(table_of([(1, ["did"])]), KIT.words(LANGUAGES["fr"]))
    assert causes.replies("name-marks")["keep"] != causes.replies("question-marks")["keep"]


def test_what_a_cell_holds_is_no_markup() -> None:
    table = table_of([(1, ["status"]), (2, ["<script>x</script>"])])
    hostile = CellFinding(Severity.ERROR, 2, "status", "<script>", "<script>", "value-status", 0)
    for language in LANGUAGES.values():
        assert "<script>" not in InstitutionCauses(table, KIT.words(language)).sentence(hostile)


@pytest.mark.parametrize(("tag", "cause"), [("fr", "n’est pas"), ("ar", "ليس")], ids=["fr", "ar"])
async def test_the_desks_page_of_a_list_tells_each_cause(editor: Browser, tag: str, cause: str) -> None:
    more = "P01/0147,Badulla School *,C7212,2,2026-01-01,\nP01/0148,Ella School,C7212,IV,2026-01-01,\n"
    target = (await upload(editor, (LIST + more).encode())).target
    assert (await editor.send(target, **SAID)).status == 303
    page = (await editor.ask(target.replace("/en/", f"/{tag}/"))).text
    looked_at = page.partition('id="look"')[2].partition("</section>")[0]
    causes = [one.partition("</strong>")[2] for one in looked_at.split("<li>") if "<strong>" in one]
    assert len(causes) >= 4
    assert any(cause in one.partition("<br>")[0] for one in causes)
    assert [one for one in causes if "<br>" not in one] == []  # in the language first, then the details
    words = KIT.words(LANGUAGES[tag])
    assert words("asked.name-marks") in page
    assert f">{words('reply.name-marks.keep')}</option>" in page
