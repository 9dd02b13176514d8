"""What was noticed at a cell becomes a finding: an error, a question for the person, or a note."""

from collections.abc import Mapping
from typing import Final

from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.lists.questions import LEAVE_OUT, QUESTIONS, options
from wanderbuch.governance.lists.table import CellFinding, Sight

# kind -> message and what to do; {} is the detail.
_ERRORS: Final = {
    "formula-empty": (
        "found a formula without a saved value", "open it in a spreadsheet program and save it, or write the value"
    ),
    "formula-in-text": ("found the formula {!r}; its value is not in the file", "write the value itself"),
    "error-value": ("found {!r}, which a spreadsheet writes for a mistake", "correct it, or write the value itself"),
    "number-format": (
        "found a number that is shown in a way that cannot be followed: {}",
        "give the cell the format Text, or write the value as text",
    ),
    "digits-lost": (
        "found {}, a number of more than 15 digits, of which spreadsheets lose the last",
        "write it as text: give the column the format Text and type it again",
    ),
    "covered": ("found {!r} below merged cells, where nobody sees it", "undo the merge, or empty the cell"),
    "tracked-changes": ("the sheet records changes that are not accepted", "accept or reject them, and save the list"),
    "shows-formulas": ("the sheet is set to show formulas, not values", "switch that off and look at the list again"),
}  # fmt: skip
_NOTES: Final = {
    "encoding": ("{}", "look whether these words are right"),
    "formula": ("the saved value of a formula is read", "write the value itself if it should not change"),
    "shown-as": ("read as it is shown; stored is {!r}", "nothing to do if what is shown is meant"),
    "time-hidden": ("read as the day that is shown; stored is {}", "nothing to do if the day is meant"),
    "comment": ("a comment says {!r}; comments are not read", "put what matters into a cell"),
    "link": ("the cell leads to {!r}; only its text is read", "write the address itself where it is meant"),
    "drawing": ("pictures or text boxes lie over the cells and are not read: {!r}", "put what matters into a cell"),
    "page-header": ("the printed pages say {!r}, which is not read", "nothing to do if it does not concern the list"),
    "other-sheet": ("the sheet {!r} is not read", "import it by itself with --sheet if it belongs to the list"),
}
_QUESTIONS: Final = {
    "hidden-sheet": "the sheet {!r} is hidden",
    "struck-out": "{!r} is struck out",
    "swallowed-rows": "one cell holds line breaks and as much as a row, {!r}: is a quote not closed?",
    "invisible-text": "{!r} is there, but not seen",
    "conditional-format": "a conditional format can hide or change what is seen in {}",
    "partial-date": "a day is shown without all of its parts, as {}",
}


def question(name: str, answers: Mapping[str, str], row: int, position: int | None, message: str) -> CellFinding:
    """Return a question; one that was answered is a note that says how."""
    answer = answers.get(name)
    if answer is None:
        return CellFinding(Severity.ERROR, row, "", message, options(name), name, position, question=True)
    fix = f"answered: {QUESTIONS[name].answers[answer]}"
    return CellFinding(Severity.WARNING, row, "", message, fix, name, position, question=True)


def finding_of(sight: Sight, answers: Mapping[str, str]) -> CellFinding:
    """Return what a sight means to the person.

    Args:
        sight: what was noticed.
        answers: question -> what the person decided.
    """
    kind, row, at = sight.kind, sight.row, sight.position
    if kind in _ERRORS:
        message, fix = _ERRORS[kind]
        return CellFinding(Severity.ERROR, row, "", message.format(sight.detail), fix, kind, at)
    if kind in _NOTES:
        message, fix = _NOTES[kind]
        text = message.format(sight.detail)
        if kind == "formula" and sight.detail:
            text += f"; it comes from {sight.detail}, so it changes by itself"
        return CellFinding(Severity.WARNING, row, "", text, fix, kind, at)
    if kind == "rounded":
        shown, _, stored = sight.detail.partition("\n")
        return question(kind, answers, row, at, f"{shown!r} is shown, {stored} is stored")
    if kind == "font-letters":
        stored, _, font = sight.detail.partition("\n")
        message = (
            f"{stored!r} is stored, but written in the font {font!r}, which draws other letters: retype it in Unicode"
        )
        return question(kind, answers, row, at, message)
    if kind == "struck-out" and answers.get(kind) == LEAVE_OUT and row:
        message = f"{sight.detail!r} is struck out, but not the whole row: it cannot be left out"
        return CellFinding(Severity.ERROR, row, "", message, "empty the cell, or write what holds", kind, at)
    return question(kind, answers, row, at, _QUESTIONS[kind].format(sight.detail))
