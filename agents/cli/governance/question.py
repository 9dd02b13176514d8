"""The question behind `explain` and `query`: words of the command line become requirement and evidence."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from wanderbuch.errors import ConfigurationError, CredentialError
from wanderbuch.governance.facts import rfc3339
from wanderbuch.governance.facts.file import NO_CROSSWALK, Accreditation, GovernanceFile
from wanderbuch.governance.facts.identifiers import Did, meant_spelling
from wanderbuch.governance.facts.question import DateSpan, Evidence, Purpose, Requirement
from wanderbuch.governance.facts.sources import AnonCredsSource, Binding, SourceId
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.schemas.country_names import find_country
from wanderbuch.schemas.occupation_titles import find_occupation


@dataclass(frozen=True, slots=True)
class QuestionInWords:
    """What the user asks, in the command line's words; None where they said nothing."""

    issuer: str
    occupation: str
    jurisdiction: str
    level: int | None
    awarded: str
    framework: str | None
    crosswalk: str | None
    source: str | None
    credential_type: str
    status: str | None
    expires_on: str | None
    purpose: Purpose = Purpose.EMPLOYMENT


def parse_question(
    question: QuestionInWords, file: GovernanceFile, others: tuple[GovernanceFile, ...] = ()
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
    occupation = find_occupation(question.occupation)
    jurisdiction = country_in(question.jurisdiction)
    home = next(
        (governance_file for governance_file in (file, *others) if governance_file.index.by_issuer.get(issuer)), file
    )
    accreditations = home.index.by_issuer.get(issuer, ())
    awarded = _awarded(question.awarded)
    framework = question.framework or _only(
        "framework", (accreditation.level_range.framework for accreditation in accreditations)
    )
    crosswalk = question.crosswalk or home.eqf_level(framework, "", awarded.first)[1]
    source = _source(question, accreditations)
    requirement = Requirement(
        occupation=occupation,
        jurisdiction=jurisdiction,
        min_eqf_level=question.level,
        credential_type=question.credential_type,
        not_revoked=question.status is not None,
        purpose=question.purpose,
    )
    evidence = Evidence(
        issuer=issuer,
        source=source,
        credential_type=question.credential_type,
        occupation=occupation,
        proven_eqf_level=question.level,
        framework=framework,
        crosswalk_version=None if crosswalk == NO_CROSSWALK else crosswalk,
        awarded=awarded,
        expires_on=None if question.expires_on is None else parse_day("--expires-on", question.expires_on),
        status=None if question.status is None else StatusId.written(question.status),
        binding=Binding.LINK_SECRET if isinstance(source, AnonCredsSource) else Binding.KEY,
    )
    return requirement, evidence


def parse_instant(text: str) -> datetime:
    """Return an instant: a day (its end, UTC) or RFC 3339 with a time zone.

    Raises:
        ConfigurationError: it is neither.
    """
    if is_day(text):
        return datetime.combine(parse_day("--at", text), time(23, 59, 59), UTC)
    instant = rfc3339.parse_instant(text)
    if instant is None:
        raise ConfigurationError(
            f"expected 2026-03-31 or 2026-03-31T12:00:00Z for --at, found {text!r}",
            hint="an instant has a time zone, such as Z for UTC",
        )
    return instant


def is_day(text: str) -> bool:
    """Return whether a text is written as a day, without a time."""
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None


def find_participant(text: str, file: GovernanceFile, others: tuple[GovernanceFile, ...] = ()) -> Did:
    """Return the DID that `text` is, or the one participant whose name holds `text`.

    Raises:
        WanderbuchError: it is no DID, and not a part of exactly one name.
    """
    if re.match(r"\s*did\s*:", text, re.IGNORECASE):  # also in another spelling, which is refused with what to write
        did = Did.parse(text)
        hint = meant_spelling(did, lambda did: any(did in one.index.participants for one in (file, *others)))
        if hint is not None:
            raise ConfigurationError(f"expected a DID as it is usually written, found {text[:200]!r}", hint=hint)
        return did
    named = [participant for one in (file, *others) for participant in one.participants if participant.name]
    participants = {
        participant.did: participant for participant in named if text.casefold() in str(participant.name).casefold()
    }
    if len(participants) == 1:
        return next(iter(participants))
    names = "; ".join(sorted({str(participant.name) for participant in participants.values() or named})[:20])
    count = "several" if participants else "none"
    raise ConfigurationError(f"expected one participant called {text!r}, found {count}", hint=f"there are: {names}")


def country_in(text: str) -> str:
    """Return the ISO 3166-1 alpha-3 code of a country that is named by a code or by its name.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        return find_country(text)
    except CredentialError as err:
        raise ConfigurationError(f"{err.message}, for --jurisdiction", hint=err.hint) from err


def _awarded(text: str) -> DateSpan:
    if re.fullmatch(r"[1-9][0-9]{3}", text):
        return DateSpan.of_year(int(text))
    day = parse_day("--awarded", text)
    return DateSpan(day, day)


def parse_day(option: str, text: str) -> date:
    """Return a day.

    Raises:
        ConfigurationError: it is not written as 2024-05-01, or does not exist.
    """
    try:
        if is_day(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ConfigurationError(f"expected a day such as 2024-05-01 for {option}, found {text!r}")


def _only(option: str, values: Iterable[str]) -> str:
    distinct = sorted(set(values))
    if len(distinct) != 1:
        raise ConfigurationError(f"say which --{option} is meant", hint=", ".join(distinct) or "the issuer has none")
    return distinct[0]


def _source(question: QuestionInWords, accreditations: tuple[Accreditation, ...]) -> SourceId:
    if question.source is not None:
        return SourceId.written(question.source)
    return SourceId.parse(_only("source", (source for one in accreditations for source in one.sources)))
