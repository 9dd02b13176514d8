"""A question as it is written: docs/asking.md says what each member means, and its schema is served by the agent."""

from typing import Literal, TypedDict

LanguageTag = Literal["en", "fr", "ar", "es", "si", "ta"]
"""The languages that questions may be written in."""


class Level(TypedDict, total=False):
    """A level of a framework ("EQF" if nothing is said), or one above it."""

    framework: str
    at_least: str


# "as" is a word of Python, so the members are written like this.
_Named = TypedDict("_Named", {"as": str}, total=False)


class _Qualification(TypedDict):
    ask: Literal["qualification"]
    occupation: str


class Qualification(_Qualification, _Named, total=False):
    """A qualification for an occupation."""

    level: Level
    awarded_within_months: int
    award: Literal["year", "day"]
    level_proof: Literal["thermometer", "predicate"]


class _Experience(TypedDict):
    ask: Literal["experience"]
    occupation: str


class Experience(_Experience, _Named, total=False):
    """Work experience in an occupation."""

    months: int
    ended_within_months: int
    award: Literal["year", "day"]


class _Language(TypedDict):
    ask: Literal["language"]
    language: str


class Language(_Language, _Named, total=False):
    """A certificate of a language."""

    at_least: Literal["A1", "A2", "B1", "B2", "C1", "C2"]
    awarded_within_months: int
    award: Literal["year", "day"]


class _Keep(TypedDict):
    law: str
    purpose: str
    until: str


class Keep(_Keep, total=False):
    """Why and how long the answer is kept, where a law asks for that; `until` is a date."""

    language: LanguageTag


class _Question(TypedDict):
    place: str
    credentials: list[Qualification | Experience | Language]


class Question(_Question, total=False):
    """A question to put to a worker."""

    purpose: Literal["employment", "study", "regulated-profession"]
    subject: Literal["none", "name", "name_and_birth_date"]
    least_subject: Literal["none", "name"]
    revocation: Literal["must_be_valid", "dangerously_accept_revoked"]
    language: LanguageTag
    ref: str
    answer_within_s: int
    keep: Keep
