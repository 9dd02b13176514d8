"""What is wrong with a list that was uploaded, in the words of the page.

Findings come with an English sentence, which says more of the rarest mistakes than a catalogue can: readers of English
have that one. For all others the kind of a finding chooses a sentence of the catalogue; what a column is for is known
to the desk that shows the list. A finding that has no sentence is shown in English, and marked so.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final

from markupsafe import Markup
from multidict import MultiMapping

from wanderbuch.agents.site.languages import Words
from wanderbuch.agents.site.safe_text import shown
from wanderbuch.agents.site.sentences import ENGLISH
from wanderbuch.governance.lists.questions import QUESTIONS
from wanderbuch.governance.lists.table import CellFinding, Table, TableError, Unclear

_LONGEST: Final = 60
_MISSING: Final = "…"  # the value of a finding that is about no single cell


def unread(err: TableError, words: Words) -> Markup:
    """Return why a list cannot be read at all, in English with the details; options of the command line are left out.

    Args:
        err: why.
        words: of the page.
    """
    if err.unclear is not None:  # the form beside it shows what there is to choose
        return words(f"unclear.{err.unclear}")
    details = words.in_english(err.message)
    if err.hint and "--" not in err.hint and "`" not in err.hint:
        details += Markup('<br><span class="hint">{}</span>').format(words.in_english(err.hint))
    if words.language.tag == ENGLISH:
        return details
    return Markup('{}<br><small class="hint">{}</small>').format(words(f"unread.{err.fault}"), details)


def said_of_file(sent: MultiMapping[str]) -> dict[str, str | None]:
    """Return what a form says of how a file is read, as `SaidOfFile` takes it; nothing of it, if it begins anew."""
    rows = {name: sent.get(name, "").strip() or None for name in ("header_row", "header_last")}
    if sent.get("anew"):
        return rows
    return {**rows, **{name.value: sent.get(name.value) or None for name in Unclear}}


class ListCauses(ABC):
    """The causes of one list.

    Args:
        table: the list.
        words: of the page.
    """

    def __init__(self, table: Table, words: Words) -> None:
        self._rows = {row.number: row.cells for row in table.rows}
        self._words = words

    def sentence(self, finding: CellFinding) -> Markup:
        """Return what was found and what to do: what it says of options of the command line is left out."""
        own = self._own(finding)
        return self._details(finding) if own is None else own

    def asked(self, name: str) -> Markup:
        """Return what a question is about."""
        key = f"asked.{name}"
        return self._words(key) if key in self._words else self._words.in_english(QUESTIONS[name].about)

    def replies(self, name: str) -> Mapping[str, Markup]:
        """Return what each answer to a question means."""
        return {answer: self._reply(name, answer, means) for answer, means in QUESTIONS[name].answers.items()}

    @abstractmethod
    def _of_kind(self, finding: CellFinding) -> str:
        """Return the key of the sentence for a kind, which may name a column of the desk's lists; "" is none."""

    def _own(self, finding: CellFinding) -> Markup | None:
        """Return the sentence in a language other than English; None: there is none."""
        key = self._key(finding)
        if self._words.language.tag == ENGLISH or key not in self._words:
            return None
        return self._words(key, found=shown(self._cell(finding)))

    def _details(self, finding: CellFinding) -> Markup:
        """Return the English sentence, without the names of rules."""
        sentence = self._words.in_english(finding.message.removesuffix(f" [{finding.kind}]"))
        if not finding.fix or "--" in finding.fix:
            return sentence
        return sentence + Markup(' <span class="hint">{}</span>').format(self._words.in_english(finding.fix))

    def _key(self, finding: CellFinding) -> str:
        if finding.kind in QUESTIONS:
            return f"asked.{finding.kind}"
        if finding.cause:
            return f"cause.{finding.cause}"
        return self._of_kind(finding)

    def _reply(self, name: str, answer: str, means: str) -> Markup:
        for key in (f"reply.{name}.{answer}", f"reply.{answer}"):  # an answer may mean something else to one question
            if key in self._words:
                return self._words(key)
        return self._words.in_english(means)

    def _cell(self, finding: CellFinding) -> str:
        cells = self._rows.get(finding.row, ())
        text = cells[finding.position] if finding.position is not None and finding.position < len(cells) else ""
        return text if len(text) <= _LONGEST else text[:_LONGEST] + _MISSING if text else _MISSING
