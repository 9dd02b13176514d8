"""What was seen and what stays hidden, in words that an employer reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from wanderbuch.agents.verifier.questions.bounds import bound_words
from wanderbuch.errors import CredentialError
from wanderbuch.schemas.canonical import plain
from wanderbuch.schemas.credential_type import Attribute, Computation, CredentialType
from wanderbuch.schemas.encoding import parse_revealed


@dataclass(frozen=True, slots=True)
class Shown:
    """One revealed attribute.

    Args:
        value: as signed, but for the mark of a text of digits.
        meaning: the same for people.
        day: what it is, if it is one: a page writes it as people do in its language.
        is_number: whether it is for programs: the number of a table, not a word about the person.
    """

    attribute: str
    label: str
    value: str
    meaning: str
    day: date | None = None
    is_number: bool = False

    @property
    def says_its_label(self) -> bool:
        """Whether the label says all of it, as of a bound that is met: the meaning would say it again."""
        return self.meaning == self.label


def in_words(credential_type: CredentialType, seen: Mapping[str, str], language: str = "en") -> tuple[Shown, ...]:
    """Return revealed values with their labels and meanings in a language, in the order of `seen`."""
    return tuple(
        Shown(
            name,
            label_of(credential_type, name, language),
            plain(credential_type.attribute(name), raw),
            _meaning(credential_type, name, raw, language),
            _day(credential_type, name, raw),
            _is_number(credential_type.attribute(name)),
        )
        for name, raw in seen.items()
    )


def labels(credential_type: CredentialType, names: Sequence[str], language: str = "en") -> tuple[str, ...]:
    """Return the labels of attributes in a language."""
    return tuple(label_of(credential_type, name, language) for name in names)


def label_of(credential_type: CredentialType, name: str, language: str) -> str:
    """Return the label of an attribute in a language; the type says that of a bound in English alone."""
    attribute = credential_type.attribute(name)
    return bound_words(attribute, language, is_met=True) or attribute.label.in_language(language)


def _is_number(attribute: Attribute) -> bool:
    return attribute.computed is not None and attribute.computed.by is Computation.CROSSWALK_VERSION


def _day(credential_type: CredentialType, name: str, raw: str) -> date | None:
    try:
        value = parse_revealed(credential_type, name, raw)
    except CredentialError:
        return None
    return value if isinstance(value, date) else None


def _meaning(credential_type: CredentialType, name: str, raw: str, language: str) -> str:
    """Return what a value says; the value itself if there is nothing to add."""
    attribute = credential_type.attribute(name)
    try:
        value = parse_revealed(credential_type, name, raw)
    except CredentialError:
        return raw
    if value is None and attribute.absent is not None:
        return attribute.absent.label.in_language(language)
    if (bound := bound_words(attribute, language, is_met=raw == "1")) is not None:
        return bound
    if isinstance(value, date):
        return value.isoformat()
    if raw in attribute.codes:
        return attribute.codes[raw].in_language(language)
    return plain(attribute, raw)
