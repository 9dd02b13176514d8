"""The question behind `explain` and `query`: words of the command line become requirement and evidence."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.file import NO_CROSSWALK, Accreditation, GovernanceFile
from wanderbuch.governance.identifiers import CredDefId, Did, RevRegDefId
from wanderbuch.governance.question import DateSpan, Evidence, Purpose, Requirement
from wanderbuch.schemas.countries import is_country
from wanderbuch.schemas.occupations import OccupationCode


@dataclass(frozen=True, slots=True)
class Question:
    """What the user asks, in the command line's words; None where they said nothing."""

    issuer: str
    occupation: str
    jurisdiction: str
    level: int | None
    awarded: str
    framework: str | None
    crosswalk: str | None
    cred_def: str | None
    credential_type: str
    registry: str | None
    expires_on: str | None
    purpose: Purpose = Purpose.EMPLOYMENT


def parse_question(
    question: Question, file: GovernanceFile, others: tuple[GovernanceFile, ...] = ()
) -> tuple[Requirement, Evidence]:
    """Return what is asked and what is supposed to have been shown; gaps are filled from the issuer's accreditations.

    Args:
        question: the user's words.
        file: the file that is asked.
        others: files of authorities that it may recognise, where the issuer may be named too.

    Raises:
        WanderbuchError: a word is not what was expected; the message names it.
    """
    issuer = find_participant(question.issuer, file, others)
    occupation = OccupationCode.parse(question.occupation)
    check_country(question.jurisdiction)
    home = next((each for each in (file, *others) if each.index.by_issuer.get(issuer)), file)
    accreditations = home.index.by_issuer.get(issuer, ())
    awarded = _awarded(question.awarded)
    framework = question.framework or _only("framework", (each.level_range.framework for each in accreditations))
    crosswalk = question.crosswalk or home.eqf_level(framework, "", awarded.first)[1]
    requirement = Requirement(
        occupation=occupation,
        jurisdiction=question.jurisdiction,
        min_eqf_level=question.level,
        credential_type=question.credential_type,
        not_revoked=question.registry is not None,
        purpose=question.purpose,
    )
    evidence = Evidence(
        issuer=issuer,
        cred_def_id=_cred_def(question, accreditations),
        credential_type=question.credential_type,
        occupation=occupation,
        proven_eqf_level=question.level,
        framework=framework,
        crosswalk_version=None if crosswalk == NO_CROSSWALK else crosswalk,
        awarded=awarded,
        expires_on=None if question.expires_on is None else parse_day("--expires-on", question.expires_on),
        registry=None if question.registry is None else RevRegDefId.parse(question.registry),
    )
    return requirement, evidence


def parse_instant(text: str) -> datetime:
    """Return an instant: a day (its end, UTC) or RFC 3339 with a time zone.

    Raises:
        ConfigurationError: it is neither.
    """
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return datetime.combine(date.fromisoformat(text), time(23, 59, 59), UTC)
        instant = datetime.fromisoformat(text)
    except ValueError as err:
        raise ConfigurationError(f"expected 2026-03-31 or 2026-03-31T12:00:00Z for --at, found {text!r}") from err
    if instant.tzinfo is None:
        raise ConfigurationError(f"expected a time zone for --at, found {text!r}", hint="add Z for UTC")
    try:
        return instant.astimezone(UTC)
    except OverflowError as err:
        raise ConfigurationError(f"expected an instant between the years 1 and 9999 for --at, found {text!r}") from err


def find_participant(text: str, file: GovernanceFile, others: tuple[GovernanceFile, ...] = ()) -> Did:
    """Return the DID that `text` is, or the one participant whose name holds `text`.

    Raises:
        WanderbuchError: it is no DID, and not a part of exactly one name.
    """
    if text.startswith("did:"):
        return Did.parse(text)
    named = [each for one in (file, *others) for each in one.participants if each.name]
    found = {each.did: each for each in named if text.casefold() in str(each.name).casefold()}
    if len(found) == 1:
        return next(iter(found))
    names = "; ".join(sorted({str(each.name) for each in found.values() or named})[:20])
    count = "several" if found else "none"
    raise ConfigurationError(f"expected one participant called {text!r}, found {count}", hint=f"there are: {names}")


def check_country(text: str) -> None:
    """Refuse what is no country.

    Raises:
        ConfigurationError: it is not an ISO 3166-1 alpha-3 code.
    """
    if not is_country(text):
        raise ConfigurationError(f"expected a country such as MLT for --jurisdiction, found {text!r}")


def _awarded(text: str) -> DateSpan:
    if re.fullmatch(r"[1-9]\d{3}", text):
        return DateSpan.of_year(int(text))
    day = parse_day("--awarded", text)
    return DateSpan(day, day)


def parse_day(option: str, text: str) -> date:
    """Return a day.

    Raises:
        ConfigurationError: it is not written as 2024-05-01, or does not exist.
    """
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ConfigurationError(f"expected a day such as 2024-05-01 for {option}, found {text!r}")


def _only(option: str, values: Iterable[str]) -> str:
    found = sorted(set(values))
    if len(found) != 1:
        raise ConfigurationError(f"say which --{option} is meant", hint=", ".join(found) or "the issuer has none")
    return found[0]


def _cred_def(question: Question, accreditations: tuple[Accreditation, ...]) -> CredDefId:
    if question.cred_def is not None:
        return CredDefId.parse(question.cred_def)
    return CredDefId(_only("cred-def", (each for one in accreditations for each in one.cred_def_ids)))
