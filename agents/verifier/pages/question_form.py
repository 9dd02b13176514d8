"""A question as a form: certificates one below the other, in words; nobody types a code.

    form = read_question_form(sent, words)       # what was sent
    form = form_of(document, words)              # a template, or a question to be changed
    form.document                                # as `questions.document.WordedQuestion` takes it, if nothing is open

Words that mean several occupations are given back with the choices beside their field; nothing is guessed, and what was
typed stays. A level is chosen from one list over all frameworks that have a crosswalk in force.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from multidict import MultiDict

from wanderbuch.agents.site.languages import Words
from wanderbuch.agents.site.occupation_search import meant_by
from wanderbuch.errors import CredentialError
from wanderbuch.governance.facts.question import Purpose, Subject
from wanderbuch.plugins.trust.verifying.asked import MAX_GROUPS
from wanderbuch.schemas.countries import is_country
from wanderbuch.schemas.country_names import find_country
from wanderbuch.schemas.frameworks import EQF
from wanderbuch.schemas.languages import find_language, is_language
from wanderbuch.schemas.occupations import unit_groups

QUALIFICATION, EXPERIENCE, LANGUAGE = "qualification", "experience", "language"
KINDS: Final = (QUALIFICATION, EXPERIENCE, LANGUAGE)
MONTHS: Final = (3, 6, 12, 24, 36, 60, 120)
RECENT: Final = (12, 24, 36, 60, 120)
CEFR: Final = ("A1", "A2", "B1", "B2", "C1", "C2")
ANSWER_WITHIN_S: Final = (600, 3600, 86_400, 7 * 86_400)
LEAST: Final = (Subject.NAME.value, Subject.NONE.value)  # what must be told of the person where the rest need not be
_NUMBERS: Final = {
    QUALIFICATION: ("awarded_within_months",),
    EXPERIENCE: ("months", "ended_within_months"),
    LANGUAGE: ("awarded_within_months",),
}
_MAX_TEXT: Final = 200
_MOST_CHOICES: Final = 16
_CODE_CHARS: Final = len("C7212")  # of a unit group, the finest there is
_KEPT: Final = ("law", "purpose", "until")


@dataclass(slots=True)
class CertificateRow:
    """One certificate of the form.

    Args:
        number: its place, from 0; names of its fields begin with it.
        ask: what it is.
        values: the texts of its fields.
        problem: key of what is wrong with its words.
        choices: occupations that its words may mean.
    """

    number: int
    ask: str
    values: dict[str, str]
    problem: str = ""
    choices: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """Return the text of a field."""
        return self.values.get(name, "")

    @property
    def level(self) -> str:
        """The value of its level in the list over all frameworks; empty for any."""
        return self.values.get("level", "")


@dataclass(slots=True)
class QuestionForm:
    """What the form shows.

    Args:
        rows: the certificates.
        values: the texts of what is said once.
        problems: key of what is wrong, by the id of the field.
        document: the question, as far as it can be made of the form.
    """

    rows: list[CertificateRow]
    values: dict[str, str]
    problems: dict[str, str] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return the text of a field."""
        return self.values.get(name, "")

    def renumber(self) -> None:
        """Number the certificates anew after one came or went."""
        for number, row in enumerate(self.rows):
            row.number = number

    @property
    def is_full(self) -> bool:
        """Whether no certificate can be added."""
        return len(self.rows) >= MAX_GROUPS

    @property
    def keeps(self) -> bool:
        """Whether anything is said about keeping the answer."""
        return any(self.text(f"keep_{name}") for name in _KEPT)


def blank(ask: str = QUALIFICATION, *, place: str, answer_within_s: int | None = None) -> QuestionForm:
    """Return a form with one certificate."""
    within = "" if answer_within_s is None else str(answer_within_s)
    return QuestionForm([CertificateRow(0, ask, {})], {"place": place, "answer_within_s": within})


def form_of(document: Mapping[str, Any], words: Words) -> QuestionForm:
    """Return the form of a question; codes become words.

    Args:
        document: as `WordedQuestion` has it; the place may be missing.
        words: of the reader's language.
    """
    rows = []
    for number, told in enumerate(document.get("credentials", ())):
        values = {name: str(value) for name, value in told.items() if value is not None and name != LANGUAGE}
        if told["ask"] == LANGUAGE:
            values["about"] = language_text(str(told["language"]), words)
        else:
            values["about"] = occupation_text(str(told["occupation"]), words)
        if told.get("level"):
            values["level"] = f"{told['level'].get('framework', EQF)}:{told['level']['at_least']}"
        rows.append(CertificateRow(number, str(told["ask"]), values))
    once = {
        name: str(document[name])
        for name in ("purpose", "subject", "least_subject", "ref", "answer_within_s")
        if document.get(name)
    }
    once["place"] = country_text(str(document.get("place") or ""), words)
    for name, text in (document.get("keep") or {}).items():
        once[f"keep_{name}"] = str(text)
    return QuestionForm(rows, once)


def read_question_form(sent: MultiDict[str], words: Words) -> QuestionForm:
    """Return the form that was sent, with what is wrong at each field."""
    rows = [_row(number, sent) for number in range(MAX_GROUPS) if _text(sent, f"c{number}.ask") in KINDS]
    names = (
        "place",
        "purpose",
        "subject",
        "least_subject",
        "ref",
        "answer_within_s",
        *(f"keep_{name}" for name in _KEPT),
    )
    form = QuestionForm(rows, {name: _text(sent, name) for name in names})
    form.renumber()
    credentials = [_credential(row, form, words) for row in form.rows]
    form.document = {"credentials": credentials, "language": words.language.tag}
    try:
        form.document["place"] = find_country(form.text("place"))
    except CredentialError:
        form.problems["place"] = "desk.problem.place"
    if form.text("purpose") in {purpose.value for purpose in Purpose}:
        form.document["purpose"] = form.text("purpose")
    if form.text("subject") in {subject.value for subject in Subject}:
        form.document["subject"] = form.text("subject")
    else:
        form.problems["subject"] = "desk.problem.subject"
    if form.text("least_subject") in LEAST:
        form.document["least_subject"] = form.text("least_subject")
        if not may_be_less(form.text("least_subject"), form.document.get("subject", "")):
            form.problems["least_subject"] = "desk.problem.least_subject"
    if (within := form.text("answer_within_s")).isascii() and within.isdecimal() and len(within) < 9:
        form.document["answer_within_s"] = int(within)
    if form.text("ref"):
        form.document["ref"] = form.text("ref")
        if not (form.text("ref").isascii() and form.text("ref").isprintable() and len(form.text("ref")) <= 64):
            form.problems["ref"] = "desk.problem.ref"
    if form.keeps:
        form.document["keep"] = {name: form.text(f"keep_{name}") for name in _KEPT}
    return form


def may_be_less(least: str, subject: str) -> bool:
    """Return whether something is left to leave out, where a question asks for `subject`."""
    order = [one.value for one in Subject]
    return subject in order and order.index(least) < order.index(subject)


def occupation_text(text: str, words: Words) -> str:
    """Return an occupation as a form has it: its title, with the code behind only where the title is not enough."""
    title = str(words.occupation(text).striptags())
    if title == text or meant_by(title, words.language.tag).code == text:
        return title
    return f"{title} ({text})"


def language_text(text: str, words: Words) -> str:
    """Return a language as it is written in a form."""
    return str(words.occupation(text).striptags()) if is_language(text) else text


def country_text(text: str, words: Words) -> str:
    """Return a country as it is written in a form."""
    return str(words.country(text).striptags()) if is_country(text) else text


def _row(number: int, sent: MultiDict[str]) -> CertificateRow:
    prefix = f"c{number}."
    names = ("about", "choice", "level", "at_least", "award", "as", "level_proof", *_every_number())
    values = {name: _text(sent, prefix + name) for name in names}
    return CertificateRow(number, _text(sent, f"{prefix}ask"), {name: text for name, text in values.items() if text})


def _credential(row: CertificateRow, form: QuestionForm, words: Words) -> dict[str, Any]:
    """Return a certificate as the document has it; what cannot be understood is noted at its field."""
    told: dict[str, Any] = {"ask": row.ask}
    about, field_id = row.text("about"), f"c{row.number}.about"
    if row.ask == LANGUAGE:
        try:
            told["language"] = find_language(about)
        except CredentialError:
            row.problem = "desk.problem.language"
        if row.text("at_least") in CEFR:
            told["at_least"] = row.text("at_least")
    else:
        told["occupation"] = _occupation(row, about, words)
    if row.problem:
        form.problems[field_id] = row.problem
    if row.ask == QUALIFICATION and (level := row.level.rpartition(":"))[0]:
        told["level"] = {"framework": level[0], "at_least": level[2]}
    for name in _NUMBERS[row.ask]:
        if (number := row.text(name)).isascii() and number.isdecimal() and len(number) < 4 and int(number):
            told[name] = int(number)
    for name in ("award", "as", "level_proof"):
        if row.text(name) and (name != "level_proof" or row.ask == QUALIFICATION):
            told[name] = row.text(name)
    return told


def _occupation(row: CertificateRow, about: str, words: Words) -> str:
    """Return the code of the occupation that is meant; the one that was chosen, if one was."""
    chosen = row.text("choice")
    meant = meant_by(about, words.language.tag)
    if meant.code is not None and len(meant.code) == _CODE_CHARS:
        return str(meant.code)
    wider = (meant.code,) if meant.code is not None else meant.choices
    choices = [code for group in wider for code in unit_groups() if code.startswith(group)]
    if chosen in choices:
        row.values["about"] = occupation_text(chosen, words)
        return chosen
    row.choices = tuple(dict.fromkeys(choices))[:_MOST_CHOICES]
    row.problem = "desk.problem.several" if row.choices else "desk.problem.occupation"
    return about


def _every_number() -> Sequence[str]:
    return tuple(dict.fromkeys(name for names in _NUMBERS.values() for name in names))


def _text(sent: MultiDict[str], name: str) -> str:
    return " ".join(sent.get(name, "").split())[:_MAX_TEXT]
