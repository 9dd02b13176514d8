"""A question as a document: what must be proven, in words of the trade; nobody writes a code who does not want to.

    {"place": "Malta", "credentials": [
        {"ask": "qualification", "occupation": "welder", "level": {"framework": "LK-NVQ", "at_least": "4"}},
        {"ask": "experience", "occupation": "welder", "months": 24, "ended_within_months": 36},
        {"ask": "language", "language": "Maltese", "at_least": "B1"}]}

Rules of reading one (`read`), against a governance file and a day:

1. Occupations, languages and countries are found by code, or by words of the document's language or any other we have.
   What may mean several is refused with the choices; nothing is guessed.
2. A level of a framework becomes a level of the EQF by the crosswalk in force on that day: of the home file or, where
   it has none of that framework, of the one authority that it recognises. No mapping is a refusal.
3. "Within so many months" becomes a day: that many months before today.
4. Place, purpose, name, revocation and whether the answer is kept are said once, for all credentials together.
"""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, model_validator

from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.agents.site.languages import LanguageTag
from wanderbuch.agents.site.occupation_search import meant_by
from wanderbuch.agents.verifier.keep_models import KeepIn
from wanderbuch.errors import CredentialError
from wanderbuch.governance.facts.file import EQF, GovernanceFile
from wanderbuch.governance.facts.question import LevelProof, Purpose, Requirement, Subject
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.trust.verifying.asked import MAX_GROUPS, ONLY_GROUP, AskedCredential, AwardPrecision
from wanderbuch.plugins.trust.verifying.keeping import Keeping
from wanderbuch.schemas.country_names import find_country
from wanderbuch.schemas.frameworks import framework
from wanderbuch.schemas.languages import find_language
from wanderbuch.schemas.occupations import isco08

SCHEMA_ID: Final = "https://w3id.org/wanderbuch/verifier/1.0/question.json"
_NAME: Final = "^[a-z][a-z0-9_-]{0,31}$"

_Words = Annotated[str, Field(min_length=1, max_length=200)]
_Months = Annotated[int, Field(ge=1, le=600)]
_Name = Annotated[
    str | None,
    Field(alias="as", pattern=_NAME, description="how the answer calls it; without it, what is asked, with a number"),
]


class LevelIn(ApiModel):
    """A level of a qualifications framework, or one above it."""

    framework: str = Field(default=EQF, max_length=32, examples=["EQF", "LK-NVQ"])
    at_least: str = Field(max_length=8, examples=["4"])


class QualificationIn(ApiModel):
    """A qualification for an occupation."""

    ask: Literal["qualification"]
    name: _Name = None
    occupation: _Words = Field(description="in words, or a code of ISCO-08", examples=["welder", "C7212"])
    level: LevelIn | None = None
    awarded_within_months: _Months | None = None
    award: AwardPrecision = Field(default=AwardPrecision.YEAR, description="the day, only if a decision asked for it")
    level_proof: LevelProof = LevelProof.THERMOMETER


class ExperienceIn(ApiModel):
    """Work experience in an occupation."""

    ask: Literal["experience"]
    name: _Name = None
    occupation: _Words
    months: _Months | None = Field(default=None, description="that many or more, for one employer")
    ended_within_months: _Months | None = None
    award: AwardPrecision = AwardPrecision.YEAR


class LanguageIn(ApiModel):
    """A certificate of a language."""

    ask: Literal["language"]
    name: _Name = None
    language: _Words = Field(description="in words, or a code of ISO 639-3", examples=["Maltese", "mlt"])
    at_least: Literal["A1", "A2", "B1", "B2", "C1", "C2"] | None = Field(default=None, description="level of the CEFR")
    awarded_within_months: _Months | None = None
    award: AwardPrecision = AwardPrecision.YEAR


type CredentialIn = Annotated[QualificationIn | ExperienceIn | LanguageIn, Field(discriminator="ask")]


class WordedQuestion(ApiModel):
    """A question to put to a worker."""

    place: _Words = Field(description="where issuers must count: a country by name or code", examples=["Malta", "MLT"])
    credentials: list[CredentialIn] = Field(min_length=1, max_length=MAX_GROUPS)
    purpose: Purpose = Purpose.EMPLOYMENT
    subject: Subject = Field(default=Subject.NONE, description="without a name, a friend's certificate passes")
    least_subject: Subject | None = Field(
        default=None,
        exclude_if=lambda least: least is None,
        description="less than `subject`: the worker may leave the rest out; null: they may not",
    )
    revocation: Literal["must_be_valid", "dangerously_accept_revoked"] = "must_be_valid"
    language: LanguageTag = Field(default="en", description="in which words are written")
    ref: str | None = Field(
        default=None, pattern="^[ -~]{1,64}$", description="the caller's own reference; both sides see it"
    )
    answer_within_s: int | None = Field(default=None, ge=1, le=30 * 86_400)
    keep: KeepIn | None = Field(default=None, description="only where a law asks; the worker is told")

    @model_validator(mode="after")
    def _has_names_once(self) -> "WordedQuestion":
        names = [credential.name for credential in self.credentials if credential.name is not None]
        if len(set(names)) != len(names):
            raise ValueError("expected each credential under a name of its own")
        return self

    @property
    def keeping(self) -> Keeping | None:
        """Why and how long the answer is kept; None: it is not."""
        return None if self.keep is None else self.keep.parsed(self.language)


def read_kept(document: Mapping[str, Any]) -> WordedQuestion:
    """Return a question that was kept as a document, with a link or as a template.

    Raises:
        CredentialError: it was kept by another version, and is none of ours.
    """
    try:
        return WordedQuestion.model_validate(document)
    except ValidationError as err:
        raise CredentialError(
            "this question was kept by another version of the software, and cannot be read any more",
            hint="ask it anew, and make a new link or template of it",
        ) from err


@dataclass(frozen=True, slots=True)
class MappedLevel:
    """A level of a framework as the EQF has it, and by which crosswalk (None: it is one of the EQF)."""

    framework: str
    level: str
    eqf: int
    crosswalk: str | None


@dataclass(frozen=True, slots=True)
class ReadQuestion:
    """What a document means.

    Args:
        asked: what must be proven, by credential.
        levels: the levels that are not of the EQF, as they were mapped.
    """

    asked: tuple[AskedCredential, ...]
    levels: tuple[MappedLevel, ...]


def read(question: WordedQuestion, snapshot: GovernanceSnapshot, *, today: date) -> ReadQuestion:
    """Return what a document means.

    Raises:
        CredentialError: an occupation, language, country or level is not known, or may mean several.
    """
    common: dict[str, Any] = {
        "jurisdiction": find_country(question.place),  # 1
        "purpose": question.purpose,
        "subject": question.subject,
        "least_subject": question.least_subject,
        "not_revoked": question.revocation == "must_be_valid",
    }
    levels: list[MappedLevel] = []
    asked: list[AskedCredential] = []
    for group, credential in zip(_names(question.credentials), question.credentials, strict=True):
        match credential:
            case QualificationIn():
                mapped = None if credential.level is None else map_level(credential.level, snapshot, on=today)  # 2
                if mapped is not None and mapped.crosswalk is not None:
                    levels.append(mapped)
                requirement = Requirement(
                    meant_occupation(credential.occupation, question.language),
                    credential_type="qualification/1.0",
                    min_eqf_level=None if mapped is None else mapped.eqf,
                    level_proof=credential.level_proof,
                    not_before=_months_before(today, credential.awarded_within_months),
                    **common,
                )
            case ExperienceIn():
                requirement = Requirement(
                    meant_occupation(credential.occupation, question.language),
                    credential_type="experience/1.0",
                    min_months=credential.months,
                    not_before=_months_before(today, credential.ended_within_months),
                    **common,
                )
            case LanguageIn():
                requirement = Requirement(
                    find_language(credential.language),
                    credential_type="language/1.0",
                    min_cefr_level=credential.at_least,
                    not_before=_months_before(today, credential.awarded_within_months),
                    **common,
                )
        asked.append(AskedCredential(group, requirement, credential.award))
    return ReadQuestion(tuple(asked), tuple(levels))


def map_level(level: LevelIn, snapshot: GovernanceSnapshot, *, on: date) -> MappedLevel:
    """Return a level as the EQF has it (rule 2).

    Raises:
        CredentialError: there is no such level, or nothing maps it.
    """
    known = framework(level.framework)
    if level.at_least not in known.levels:
        raise CredentialError(
            f"expected a level of {known.code}, found {level.at_least!r}", hint=f"one of {', '.join(known.levels)}"
        )
    if known.code == EQF:
        return MappedLevel(EQF, level.at_least, int(level.at_least), None)
    levels = _mapped(snapshot.file, level, on) or {
        mapped for recognised in snapshot.recognised.values() for mapped in _mapped(recognised.file, level, on)
    }
    if len(levels) == 1:
        return levels.pop()
    if levels:
        told = "; ".join(sorted(f"EQF {mapped.eqf} ({mapped.crosswalk})" for mapped in levels))
        raise CredentialError(
            f"the recognised authorities do not agree on {known.code} {level.at_least}: {told}",
            hint="ask for a level of the EQF",
        )
    raise CredentialError(
        f"the governance file has no crosswalk in force that maps {known.code} {level.at_least} to the EQF",
        hint="ask for a level of the EQF, or for none",
    )


def _mapped(file: GovernanceFile, level: LevelIn, on: date) -> set[MappedLevel]:
    eqf, crosswalk = file.eqf_level(level.framework, level.at_least, on)
    return {MappedLevel(level.framework, level.at_least, eqf, crosswalk)} if eqf else set()


def _names(credentials: Sequence[QualificationIn | ExperienceIn | LanguageIn]) -> list[str]:
    """Return how the groups are called; a single one as it always was."""
    if len(credentials) == 1:
        return [credentials[0].name or ONLY_GROUP]
    taken = {credential.name for credential in credentials if credential.name is not None}
    names: list[str] = []
    for credential in credentials:
        free = (
            f"{credential.ask}{number}" if number > 1 else credential.ask for number in range(1, 2 * MAX_GROUPS + 2)
        )
        name = credential.name or next(name for name in free if name not in taken)
        taken.add(name)
        names.append(name)
    return names


def meant_occupation(text: str, language: str) -> str:
    """Return the unit group that a text means (rule 1).

    Raises:
        CredentialError: none, or several.
    """
    meant = meant_by(text, language)
    if meant.code is not None:
        return meant.code
    titles = "; ".join(f"{code} {isco08().codes[code].in_language(language)}" for code in meant.choices[:12])
    raise CredentialError(
        f"expected one occupation, found {text[:60]!r}, which "
        + ("may mean several" if meant.choices else "nothing is called in our languages"),
        hint=f"say which: {titles}" if titles else "write words of a title of ISCO-08, or its code such as C7212",
    )


def _months_before(today: date, months: int | None) -> date | None:
    """Return the day that many months ago (rule 3); the last of its month, where the month is shorter."""
    if months is None:
        return None
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))
