"""What is asked of a holder, whatever the format: of which credentials, which attributes, how precisely, about whom.

One credential that is asked for is one *group*: what is shown of it, and every predicate about it, comes from one
credential and from no other group's.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from wanderbuch.errors import PresentationError
from wanderbuch.governance.facts.question import LevelProof, Requirement, Subject
from wanderbuch.schemas.credential_type import CredentialType, load_credential_type
from wanderbuch.schemas.languages import cefr_rank, is_language
from wanderbuch.schemas.occupations import OccupationCode

ONLY_GROUP: Final = "qualification"  # how the one group of a question about one credential is called
MAX_GROUPS: Final = 6

NAME_LEFT_OUT: Final = "subject.name_left_out"
BIRTH_DATE_LEFT_OUT: Final = "subject.birth_date_left_out"
"""Codes of the reasons that say what of the subject was asked, and left out."""

_SUBJECT_NAMES = {
    Subject.NONE: (),
    Subject.NAME: ("family_name", "given_names"),
    Subject.NAME_AND_BIRTH_DATE: ("family_name", "given_names", "birth_date"),
}


class AwardPrecision(Enum):
    """How precisely the date of the award is asked; the day links a person more than the year does."""

    YEAR = "year"
    DAY = "day"


class NobodyCountsError(PresentationError):
    """No accredited issuer could satisfy the requirement, so nothing is asked of anybody."""

    code = "presentation.nobody_counts"


class HiddenProof(Enum):
    """What a predicate proves: the value itself stays hidden."""

    LEVEL = "level"
    MONTHS = "months"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class AskedCredential:
    """One credential that is asked for.

    Args:
        group: how the caller calls it; the referent of its group.
    """

    group: str
    requirement: Requirement
    award_precision: AwardPrecision = AwardPrecision.YEAR


@dataclass(frozen=True, slots=True)
class AskedGroup:
    """The same as it was compiled.

    Args:
        names: the attributes that are revealed, in order.
        hidden: the attributes of the credential that stay hidden.
        eligible: ids of the credential definitions that could count when the question was put.
        schemas: ids of the schemas of the credential type then.
    """

    group: str
    requirement: Requirement
    award_precision: AwardPrecision
    names: tuple[str, ...]
    hidden: tuple[str, ...]
    eligible: tuple[str, ...]
    schemas: tuple[str, ...]


def check_requirement(requirement: Requirement) -> CredentialType:
    """Return the credential type that is asked for, if it can say all that is asked.

    Raises:
        CredentialError: the type or the occupation does not exist.
        PresentationError: something is asked that credentials of the type do not say.
    """
    credential_type = load_credential_type(requirement.credential_type)
    code = requirement.occupation
    if credential_type.about == "language":
        if not is_language(code):
            raise PresentationError(
                f"expected a language, as {credential_type.id} is asked, found {code[:32]!r}",
                hint="write its code of ISO 639-3, such as mlt",
            )
    elif not (occupation := OccupationCode.parse(code)).is_unit_group:
        raise PresentationError(
            f"expected an ISCO-08 unit group such as C7212, found the wider group {occupation}",
            hint="ask for one occupation of it",
        )
    for asked, attribute in (
        (requirement.min_eqf_level, "eqf_level"),
        (requirement.min_cefr_level, "cefr_rank"),
        (requirement.min_months, "months"),
    ):
        if asked is not None and attribute not in credential_type.attr_names:
            raise PresentationError(
                f"credentials of the type {credential_type.id} say no {_IN_WORDS[attribute]}",
                hint="leave it out, or ask for another type",
            )
    least = requirement.least_subject
    if least is not None and not set(subject_names(least)) < set(subject_names(requirement.subject)):
        raise PresentationError(
            f"expected `least_subject` to ask for less than `subject` ({requirement.subject.value}),"
            f" found {least.value}",
            hint="only the birth date, or the name with it, may be left out: leave `least_subject` out otherwise",
        )
    if requirement.min_cefr_level is not None and not cefr_rank(requirement.min_cefr_level):
        raise PresentationError(f"expected a level A1 to C2 of the CEFR, found {requirement.min_cefr_level[:16]!r}")
    return credential_type


_IN_WORDS: Final = {"eqf_level": "level of a trade", "cefr_rank": "level of a language", "months": "months of work"}


def revealed_names(
    requirement: Requirement, credential_type: CredentialType, award_precision: AwardPrecision
) -> tuple[str, ...]:
    """Return the least that must be revealed."""
    names = [credential_type.about]
    names.append("award_year" if award_precision is AwardPrecision.YEAR else "awarded_on")
    names.append("expires_on")
    if "framework" in credential_type.attr_names:
        names.append("framework")
    if requirement.min_eqf_level is not None:
        names.append("crosswalk_version")
    if level := level_attribute(requirement, credential_type):
        names.append(level)
    names += subject_names(requirement.subject)
    for name in names:
        credential_type.attribute(name)
    return tuple(names)


def may_be_left_out(requirement: Requirement) -> tuple[str, ...]:
    """Return the attributes that are asked, and that an answer may leave out."""
    if requirement.least_subject is None:
        return ()
    least = subject_names(requirement.least_subject)
    return tuple(name for name in subject_names(requirement.subject) if name not in least)


def answered_requirement(requirement: Requirement, shown: Collection[str]) -> Requirement:
    """Return what an answer is judged by: what was asked, or the same without all that may be left out.

    Args:
        requirement: what was asked.
        shown: the attributes that the answer shows.
    """
    lesser = requirement.lesser
    return requirement if lesser is None or not set(may_be_left_out(requirement)).isdisjoint(shown) else lesser


def level_attribute(requirement: Requirement, credential_type: CredentialType) -> str | None:
    """Return the thermometer attribute that proves the level, None if none is asked or a predicate proves it."""
    if requirement.min_cefr_level is not None:
        return credential_type.thermometer(cefr_rank(requirement.min_cefr_level), of="cefr_rank").name
    if requirement.min_eqf_level is None or requirement.level_proof is LevelProof.PREDICATE:
        return None
    return credential_type.thermometer(requirement.min_eqf_level).name


def predicates_of(requirement: Requirement, credential_type: CredentialType) -> dict[HiddenProof, tuple[str, int]]:
    """Return what is proven by predicates "attribute >= bound": the attribute and the bound, by what they prove."""
    proofs: dict[HiddenProof, tuple[str, int]] = {}
    if requirement.min_eqf_level is not None and requirement.level_proof is LevelProof.PREDICATE:
        proofs[HiddenProof.LEVEL] = "eqf_level", requirement.min_eqf_level
    if requirement.min_months is not None:
        proofs[HiddenProof.MONTHS] = "months", requirement.min_months
    if requirement.not_before is not None:
        proofs[HiddenProof.SINCE] = recent_attribute(credential_type), _number(requirement.not_before)
    return proofs


def recent_attribute(credential_type: CredentialType) -> str:
    """Return the attribute with the day that recency is about: the end of an experience, else the award."""
    return "employed_to" if "employed_to" in credential_type.attr_names else "awarded_on"


def predicate_referent(group: str, proof: HiddenProof, *, is_alone: bool) -> str:
    """Return how a predicate of a group is called in the request.

    With the name of its group before it, which tells wallets what it is about: of several credentials always.
    """
    return proof.value if is_alone and group == ONLY_GROUP else f"{group}.{proof.value}"


def subject_names(subject: Subject) -> tuple[str, ...]:
    """Return the attributes that say who the holder is."""
    return _SUBJECT_NAMES[subject]


def _number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day
