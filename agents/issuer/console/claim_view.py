"""A claim in the reader's words, line by line, as a wallet shows a certificate: no bare codes, no hidden gaps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

from wanderbuch.agents.site.languages import Words
from wanderbuch.agents.site.safe_text import shown
from wanderbuch.schemas.claims import plain_values
from wanderbuch.schemas.credential_type import Attribute, CredentialType, Kind


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """One line: what it is called, and its value.

    Args:
        name: of the attribute.
    """

    name: str
    label: Markup
    value: Markup


def label_of(attribute: Attribute, kind: CredentialType, words: Words) -> Markup:
    """Return what an attribute is called in the reader's language."""
    key = f"claim.{attribute.name}"
    return words(key) if key in words else words.attribute(kind.id, attribute.name)


def code_label(attribute: Attribute, code: str, words: Words) -> Markup:
    """Return the words for a code."""
    match attribute.code_list:
        case "isco08-unit-groups" | "iso639-3":
            return words.occupation(code)
        case "iso3166-1-alpha-3":
            return words.country(code)
        case "frameworks":
            return words.framework(code)
    key = f"setting.{code}"
    if key in words:
        return words(key)
    return words.in_english(str(attribute.codes[code])) if code in attribute.codes else shown(code)


def claim_lines(kind: CredentialType, claim: Mapping[str, str], words: Words) -> Sequence[ClaimLine]:
    """Return the lines of a claim, in the order of its type.

    Args:
        kind: of the credential.
        claim: as applications write it; what is absent may be left out.
        words: of the reader's language.
    """
    return [
        ClaimLine(attribute.name, label_of(attribute, kind, words), _value(attribute, claim, words))
        for attribute in kind.claimed
        if attribute.name in claim or attribute.absent is not None
    ]


def lines_of_values(kind: CredentialType, values: Mapping[str, str], words: Words) -> Sequence[ClaimLine]:
    """Return the lines of what was offered; computed values are left out."""
    return claim_lines(kind, plain_values(kind, values), words)


def name_of(claim: Mapping[str, str]) -> str:
    """Return a person's whole name.

    >>> name_of({"family_name": "Perera", "given_names": "Nimal Ruwan"}), name_of({"family_name": "Ada"})
    ('Nimal Ruwan Perera', 'Ada')
    """
    given = claim.get("given_names", "-").removeprefix("#")
    family = claim.get("family_name", "").removeprefix("#")
    return family if given == "-" else f"{given} {family}"


def _value(attribute: Attribute, claim: Mapping[str, str], words: Words) -> Markup:
    text = claim.get(attribute.name)
    if text is None or (attribute.absent is not None and text == attribute.absent.raw):
        return words("claim.none")
    if attribute.kind is Kind.DATE:
        return words.date(_day(text))
    if attribute.kind is Kind.CODE:
        return code_label(attribute, text, words)
    if attribute.kind is Kind.TEXT:
        return shown(text)
    return escape(text)


def _day(text: str) -> date:
    digits = text.replace("-", "")
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
