"""What is wrong with a class list, in the words of the page.

Findings come with an English sentence, which says more of the rarest mistakes than a catalogue can: readers of English
have that one. For all others the kind of a finding, and the kind of its column, choose a sentence of the catalogue; a
finding that has none is shown in English, and marked so.
"""

from collections.abc import Mapping
from typing import Final

from markupsafe import Markup

from wanderbuch.agents.issuer.class_list.columns import RESULT
from wanderbuch.agents.issuer.class_list.contacts import EMAIL, LANGUAGE, PHONE
from wanderbuch.agents.issuer.console.claim_form import COUNTRIES
from wanderbuch.agents.site.languages import Words
from wanderbuch.agents.site.safe_text import shown
from wanderbuch.agents.site.sentences import ENGLISH
from wanderbuch.governance.lists.questions import QUESTIONS
from wanderbuch.governance.lists.table import CellFinding, Table
from wanderbuch.schemas.credential_type import Attribute, CredentialType, Kind

_LONGEST: Final = 60
_MISSING: Final = "…"  # the value of a finding that is about no single cell
_OWN: Final = {RESULT: "result", EMAIL: "email", PHONE: "phone", LANGUAGE: "language"}
_VALUES: Final = {Kind.DATE: "day", Kind.INTEGER: "number", Kind.LEVEL: "level", Kind.CODE: "code"}
_CLAIMS: Final = {Kind.DATE: "other_day", Kind.INTEGER: "other_number", Kind.LEVEL: "level", Kind.CODE: "code"}
_CODES: Final = {"isco08-unit-groups": "occupation", COUNTRIES: "country", "frameworks": "framework"}


class ListCauses:
    """The causes of one class list.

    Args:
        kind: what the list's rows become.
        table: the list.
        words: of the page.
    """

    def __init__(self, kind: CredentialType, table: Table, words: Words) -> None:
        self._kind = kind
        self._rows = {row.number: row.cells for row in table.rows}
        self._words = words

    def said(self, finding: CellFinding) -> Markup:
        """Return what was found and what to do: what it says of options of the command line is left out."""
        key = self._key(finding)
        if self._words.language.tag != ENGLISH and key in self._words:
            sentence = self._words(key, found=shown(self._cell(finding)))
            return sentence if finding.kind != "standing" else sentence + " " + self._words.in_english(finding.message)
        sentence = self._words.in_english(finding.message)
        if not finding.fix or "--" in finding.fix:
            return sentence
        return sentence + Markup(' <span class="hint">{}</span>').format(self._words.in_english(finding.fix))

    def asked(self, name: str) -> Markup:
        """Return what a question is about."""
        key = f"asked.{name}"
        return self._words(key) if key in self._words else self._words.in_english(QUESTIONS[name].about)

    def replies(self, name: str) -> Mapping[str, Markup]:
        """Return what each answer to a question means."""
        return {
            answer: self._words(key) if (key := f"reply.{answer}") in self._words else self._words.in_english(means)
            for answer, means in QUESTIONS[name].answers.items()
        }

    def _key(self, finding: CellFinding) -> str:
        if finding.kind in QUESTIONS:
            return f"asked.{finding.kind}"
        if finding.cause:
            return f"cause.{finding.cause}"
        what, _, name = finding.kind.partition("-")
        if what not in ("value", "claim"):
            return f"cause.{finding.kind}"
        if name in _OWN:
            return f"cause.{_OWN[name]}"
        if name not in self._kind.attr_names:
            return ""
        return f"cause.{_cause_of(self._kind.attribute(name), is_read=what == 'claim')}"

    def _cell(self, finding: CellFinding) -> str:
        cells = self._rows.get(finding.row, ())
        text = cells[finding.position] if finding.position is not None and finding.position < len(cells) else ""
        return text if len(text) <= _LONGEST else text[:_LONGEST] + _MISSING if text else _MISSING


def _cause_of(attribute: Attribute, *, is_read: bool) -> str:
    """Return what is wrong with a cell that could not be read, or whose value does not fit its row."""
    if attribute.kind is Kind.CODE:
        return _CODES.get(attribute.code_list or "", "code")
    return (_CLAIMS if is_read else _VALUES).get(attribute.kind, "text")
