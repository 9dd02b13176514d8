"""The form of one certificate, made of its credential type: people write words, and nobody types a code.

    form = read_claim_form(kind, sent, words, at=at)   # what was sent
    form.claim                                         # as applications write it, if nothing is open

An occupation, a country or a language is looked for by its words; several that fit are given back to choose from, and
nothing is guessed. A level is chosen from one list over all frameworks. What was typed stays, whatever is wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from markupsafe import Markup
from multidict import MultiDict

from wanderbuch.agents.issuer.class_list.cells import value_of
from wanderbuch.agents.issuer.class_list.listed import NUMBER, OWN
from wanderbuch.agents.issuer.console.claim_view import code_label, label_of
from wanderbuch.agents.site.languages import Words
from wanderbuch.agents.site.occupation_search import meant_by
from wanderbuch.errors import CredentialError
from wanderbuch.governance.importing.dates import DayOrder
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.schemas.claims import ClaimError, validate_claim
from wanderbuch.schemas.country_names import find_country
from wanderbuch.schemas.credential_type import Attribute, CredentialType, Kind
from wanderbuch.schemas.frameworks import frameworks
from wanderbuch.schemas.languages import find_language

OCCUPATIONS: Final = "isco08-unit-groups"
COUNTRIES: Final = "iso3166-1-alpha-3"
LANGUAGES: Final = "iso639-3"
_MAX_TEXT: Final = 4000
_MOST_CHOICES: Final = 16
_LONG: Final = 1000  # bytes; a text of which more may be written gets several lines


@dataclass(slots=True)
class FormLine:
    """One field of the form.

    Args:
        name: of the attribute, of the input, and its id.
        shape: how it is shown: occupation, words, choice, level, day, number, text or long.
        is_needed: whether something must be written.
        text: what was written.
        options: of a choice, value and label; of a level, those of each framework.
        choices: what the words may mean.
        problem: what is wrong, in English; or the key of a sentence.
        max_length: of the input.
    """

    name: str
    label: Markup
    shape: str
    is_needed: bool
    text: str = ""
    options: Sequence[tuple[str, Markup]] = ()
    groups: Sequence[tuple[Markup, Sequence[tuple[str, str]]]] = ()
    choices: tuple[str, ...] = ()
    problem: str = ""
    max_length: int = 300


@dataclass(slots=True)
class ClaimForm:
    """What the form shows, and the claim that it makes.

    Args:
        claim: what could be read; a claim of its type if `is_whole`.
    """

    lines: list[FormLine]
    claim: dict[str, str] = field(default_factory=dict)

    @property
    def problems(self) -> list[FormLine]:
        """The fields in which something is wrong."""
        return [line for line in self.lines if line.problem]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is open."""
        return not self.problems


def blank_form(kind: CredentialType, filled: Mapping[str, str], words: Words) -> ClaimForm:
    """Return a form in which some fields are filled in.

    Args:
        kind: what is issued.
        filled: attribute -> value, as claims have it.
        words: of the reader's language.
    """
    form = ClaimForm([_line(attribute, kind, words) for attribute in _asked(kind)])
    for line in form.lines:
        line.text = _text_of(kind.attribute(line.name), line, filled, words)
    return form


def read_claim_form(kind: CredentialType, sent: MultiDict[str], words: Words, *, at: date, number: str) -> ClaimForm:
    """Return the form as it was sent.

    Args:
        kind: what is issued.
        sent: its fields.
        words: of the reader's language.
        at: the last day that has begun anywhere; what must lie in the past is held against it.
        number: the certificate's number where none was written.
    """
    form = ClaimForm([_line(attribute, kind, words) for attribute in _asked(kind)])
    for line in form.lines:
        line.text = sent.get(line.name, "").strip()[:_MAX_TEXT]
        if not line.text and line.name == NUMBER:
            line.text = number
        if not line.text:
            line.problem = "claim.needed" if line.is_needed else ""
            continue
        try:
            form.claim |= _read(kind.attribute(line.name), line, sent, words)
        except ValueProblem as problem:
            line.problem = _problem(kind.attribute(line.name), line, problem)
    if form.is_whole:
        form.claim = checked(kind, form, form.claim, at)
    return form


def some_lines(kind: CredentialType, names: Sequence[str], filled: Mapping[str, str], words: Words) -> ClaimForm:
    """Return a form of some attributes alone, none of which must be written.

    Args:
        kind: what is issued.
        names: of the attributes.
        filled: attribute -> value, as claims have it.
        words: of the reader's language.
    """
    form = ClaimForm([_line(attribute, kind, words) for attribute in _asked(kind, names)])
    for line in form.lines:
        line.is_needed = False
        line.text = _text_of(kind.attribute(line.name), line, filled, words)
    return form


def read_some(kind: CredentialType, names: Sequence[str], sent: MultiDict[str], words: Words) -> ClaimForm:
    """Return a form of some attributes as it was sent; its claim holds what could be read."""
    form = some_lines(kind, names, {}, words)
    for line in form.lines:
        line.text = sent.get(line.name, "").strip()[:_MAX_TEXT]
        if not line.text:
            continue
        try:
            form.claim |= _read(kind.attribute(line.name), line, sent, words)
        except ValueProblem as problem:
            line.problem = _problem(kind.attribute(line.name), line, problem)
    return form


def shared_values(claim: Mapping[str, str]) -> dict[str, str]:
    """Return what a claim shares with the next one of a class: all that is no person's own, nor said of one."""
    return {name: value for name, value in claim.items() if name not in OWN and name != "details"}


def _asked(kind: CredentialType, names: Sequence[str] | None = None) -> list[Attribute]:
    """Return the attributes that have a field: the framework of a level is chosen with the level."""
    wanted = [attribute for attribute in kind.claimed if names is None or attribute.name in names]
    with_level = {attribute.framework_attribute for attribute in wanted if attribute.kind is Kind.LEVEL}
    return [attribute for attribute in wanted if attribute.name not in with_level]


def _text_of(attribute: Attribute, line: FormLine, filled: Mapping[str, str], words: Words) -> str:
    """Return what a field shows of a value as claims have it."""
    value = filled.get(line.name, "")
    if not value or (attribute.absent is not None and value == attribute.absent.raw):
        return ""
    match line.shape:
        case "occupation" | "words":
            return str(code_label(attribute, value, words).striptags())
        case "level":
            return f"{attribute.framework or filled.get(attribute.framework_attribute or '', '')}:{value}"
        case "day":
            return _iso(value)
        case _:
            return value


def _line(attribute: Attribute, kind: CredentialType, words: Words) -> FormLine:
    is_needed = attribute.absent is None and attribute.name != NUMBER
    line = FormLine(attribute.name, label_of(attribute, kind, words), "text", is_needed)
    match attribute.kind:
        case Kind.DATE:
            line.shape = "day"
        case Kind.INTEGER:
            line.shape = "number"
        case Kind.LEVEL:
            line.shape, line.groups = "level", _levels(attribute, kind, words)
        case Kind.CODE if attribute.code_list == OCCUPATIONS:
            line.shape = "occupation"
        case Kind.CODE if attribute.code_list in (COUNTRIES, LANGUAGES):
            line.shape = "words"
        case Kind.CODE:
            line.shape = "choice"
            line.options = [(code, code_label(attribute, code, words)) for code in attribute.codes]
        case Kind.TEXT:
            line.shape = "long" if attribute.max_bytes >= _LONG else "text"
            line.max_length = attribute.max_bytes
    return line


def _levels(attribute: Attribute, kind: CredentialType, words: Words) -> list[tuple[Markup, list[tuple[str, str]]]]:
    codes = (
        [attribute.framework]
        if attribute.framework
        else list(kind.attribute(attribute.framework_attribute or "").codes)
    )
    return [
        (words.framework(code), [(f"{code}:{level}", level) for level in frameworks()[code].levels])
        for code in codes
        if code is not None
    ]


def _read(attribute: Attribute, line: FormLine, sent: MultiDict[str], words: Words) -> dict[str, str]:
    """Return the values that a field brings.

    Raises:
        ValueProblem: it brings none; several occupations that fit stand in the line's choices.
    """
    if line.shape == "occupation":
        return {attribute.name: _occupation(attribute, line, sent.get(f"choice.{line.name}", ""), words)}
    if line.shape == "words":
        find = find_country if attribute.code_list == COUNTRIES else find_language
        try:
            return {attribute.name: find(line.text)}
        except CredentialError as err:
            raise ValueProblem(err.message, err.hint or "write its whole name") from err
    if line.shape == "level":
        framework, _, level = line.text.partition(":")
        if line.text not in {value for _, offered in line.groups for value, _ in offered}:
            raise ValueProblem("expected a level of the list", "choose one")
        read = {attribute.name: level}
        return read if attribute.framework_attribute is None else {attribute.framework_attribute: framework, **read}
    if line.shape == "choice":
        if line.text not in attribute.codes:
            raise ValueProblem("expected a choice of the list", "choose one")
        return {attribute.name: line.text}
    return {attribute.name: value_of(attribute, line.text, order=DayOrder.REFUSE, framework=None)}


def _problem(attribute: Attribute, line: FormLine, problem: ValueProblem) -> str:
    """Return what is wrong with a field: the key of a sentence, or, for what is rare, an English text."""
    if line.shape == "occupation":
        return "claim.several_occupations" if line.choices else "claim.no_occupation"
    if line.shape == "words":
        return "claim.no_country" if attribute.code_list == COUNTRIES else "claim.no_language"
    if line.shape in ("level", "choice"):
        return "claim.choose"
    if attribute.kind is Kind.DATE:
        return "claim.no_day"
    return f"{problem.message}: {problem.fix}"


def _occupation(attribute: Attribute, line: FormLine, chosen: str, words: Words) -> str:
    meant = meant_by(line.text, words.language.tag)
    fine = tuple(code for code in meant.choices if code in attribute.codes)
    if meant.code in attribute.codes:
        return str(meant.code)
    if chosen in fine:
        return chosen
    if meant.code is not None:  # a group: what is below it
        fine = tuple(code for code in attribute.codes if code.startswith(meant.code))
        if len(fine) == 1 or chosen in fine:
            return chosen if chosen in fine else fine[0]
    line.choices = fine[:_MOST_CHOICES]
    raise ValueProblem(
        "these words mean several occupations" if fine else "expected an occupation, found words that name none",
        "choose one" if fine else "write it otherwise, such as welder or cook",
    )


def checked(kind: CredentialType, form: ClaimForm, claim: Mapping[str, str], at: date) -> dict[str, str]:
    """Return a claim that is made of a form; what is wrong with it is put at its fields, as in `read_claim_form`."""
    try:
        return validate_claim(kind, claim, at=at).plain
    except ClaimError as err:
        by_name = {line.name: line for line in form.lines}
        for finding in err.findings:
            line = by_name.get(finding.attribute, form.lines[0])
            line.problem = f"expected {finding.expected}, found {finding.found}"
        return dict(claim)


def _iso(text: str) -> str:
    digits = text.replace("-", "")
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
