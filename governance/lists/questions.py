"""What only the person who keeps a list can decide. A question without an answer keeps the list from being imported."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from wanderbuch.errors import ConfigurationError

TAKE: Final = "take"
LEAVE_OUT: Final = "leave-out"
_TAKE: Final = {TAKE: "read it like the rest"}
_EITHER: Final = {TAKE: "read it like the rest", LEAVE_OUT: "import the list without it"}


@dataclass(frozen=True, slots=True)
class ListQuestion:
    """One question: its name, what it is about, and answer -> what that means."""

    name: str
    about: str
    answers: Mapping[str, str]


_Q = ListQuestion  # so that a row of the table fits in a line
QUESTIONS: Final[Mapping[str, ListQuestion]] = {
    list_question.name: list_question
    for list_question in (
        _Q("hidden-rows", "rows that the sheet hides, by hand, by a filter or in a closed group", _EITHER),
        _Q("hidden-columns", "columns that the sheet hides", _EITHER),
        _Q("hidden-sheet", "the sheet itself is hidden", _TAKE),
        _Q("struck-out", "text that is struck out", _EITHER),
        _Q("invisible-text", "text in the colour of its background, or too small to be seen", _TAKE),
        _Q("font-letters", "text in a font that draws other letters than are stored, as FM Abhaya or Wingdings",
                 {TAKE: "the letters are right as they are stored"}),
        _Q("colours", "rows in another colour than the others, which may mean something",
                 {"ignore": "colours mean nothing in this list"}),
        _Q("swallowed-rows", "a quoted cell of a CSV file that holds line breaks, and as much as a row",
                 {TAKE: "it is one cell"}),
        _Q("same-number", "numbers of accreditations of one institution that differ only in signs or zeros",
                 {"different": "they are different accreditations"}),
        _Q("stands-otherwise", "a new accreditation beside one of the file that stands otherwise",
                 {"different": "they are different accreditations"}),
        _Q("conditional-format", "a conditional format can hide or strike out what a cell holds", _TAKE),
        _Q("rounded", "a number that is shown rounded",
                 {"as-shown": "read what is shown", "as-stored": "read what is stored"}),
        _Q("partial-date", "a date that is shown without its day or year", {"as-stored": "read the stored day"}),
        _Q("merged-cells", "merged cells below the header",
                 {"fill": "each of the cells holds the text", "first": "only the first of them holds it"}),
        _Q("other-rows", "rows that look like titles, totals, notes or page numbers, not entries", _EITHER),
        _Q("other-headers", "a row that names columns again, but otherwise than the headers",
                 {LEAVE_OUT: "the columns below it are the same"}),
        _Q("rows-above", "rows above the headers that hold more than a title",
                 {LEAVE_OUT: "they are no part of the list"}),
        _Q("short-rows", "rows of a CSV file with fewer cells than the header", _TAKE),
        _Q("question-marks", "question marks where letters may have been lost", {"keep": "they are meant"}),
        _Q("name-marks", "a mark or a remark in the name of an institution", {"keep": "it belongs to the name"}),
        _Q("status-words", "a word such as “suspended” outside of the column status",
                 {"ignore": "it does not concern the rows of this list"}),
        _Q("empty-status", "new accreditations without a status, in a list that has the column",
                 {"active": "they are active"}),
        _Q("same-name", "institutions with one name and different DIDs",
                 {"different": "they are different institutions"}),
        # Of class lists, whose rows become credentials.
        _Q("not-passed", "rows of a class list that say that somebody did not pass",
                 {LEAVE_OUT: "nothing is issued to them"}),
        _Q("full-name", "a whole name in one cell, which holds no comma",
                 {"family-last": "the last word is the family name",
                  "family-first": "the first word is the family name", "one-name": "all of it is one name"}),
        _Q("no-given-names", "rows of a class list without given names", {"none": "these people have none"}),
        _Q("name-remarks", "a mark, a figure or a title in the name of a person", {"keep": "it belongs to the name"}),
        _Q("odd-numbers", "numbers of certificates without a digit", {"keep": "they are the numbers"}),
        _Q("near-numbers", "numbers of certificates that differ in zeros alone",
                 {"different": "they are different certificates"}),
        _Q("same-person", "rows with one name and one day of birth for the same award",
                 {"different": "they are different awards"}),
    )
}  # fmt: skip


def options(name: str) -> str:
    """Return how a question is answered on the command line."""
    return " or ".join(f"--answer {name}={answer} ({means})" for answer, means in QUESTIONS[name].answers.items())


def parse_answers(given: Iterable[str]) -> dict[str, str]:
    """Return question -> answer of texts such as "hidden-rows=leave-out".

    Raises:
        ConfigurationError: there is no such question or answer.
    """
    answers: dict[str, str] = {}
    for text in given:
        name, _, answer = text.partition("=")
        if name not in QUESTIONS:
            raise ConfigurationError(
                f"expected QUESTION=ANSWER for --answer, found {text[:80]!r}", hint=f"there are: {', '.join(QUESTIONS)}"
            )
        if answer not in QUESTIONS[name].answers:
            raise ConfigurationError(f"{answer[:40]!r} does not answer {name}", hint=options(name))
        if answers.setdefault(name, answer) != answer:
            raise ConfigurationError(f"expected one answer to {name}, found two")
    return answers
