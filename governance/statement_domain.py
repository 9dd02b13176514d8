"""From the checked JSON form of `statement_model` to the types of `statements`. Nothing is decided here."""

from collections.abc import Iterable

from wanderbuch.governance.file import Status
from wanderbuch.governance.identifiers import Did
from wanderbuch.governance.lapses import lapsed_days
from wanderbuch.governance.model import IntervalJson
from wanderbuch.governance.question import DateSpan, Purpose
from wanderbuch.governance.spans import OPEN_END, normal
from wanderbuch.governance.statement_model import (
    DecisionJson,
    DividedJson,
    ProgrammeJson,
    RecognitionJson,
    RefusalJson,
    RegulationJson,
    SignatoriesJson,
    VerificationJson,
)
from wanderbuch.governance.statements import (
    CompetenceUnit,
    Division,
    Part,
    Party,
    PartyKind,
    Programme,
    Recognition,
    RecognitionLapse,
    Refusal,
    Regulation,
    Signatories,
    Verification,
)


def days_of(intervals: Iterable[IntervalJson]) -> tuple[DateSpan, ...]:
    """Return the days of some intervals, a normal tuple."""
    return normal(DateSpan(each.start, each.end or OPEN_END) for each in intervals)


def recognition(publisher: Did, said: RecognitionJson) -> Recognition:
    """Return what is recognised of another authority."""
    return Recognition(
        id=said.id,
        publisher=publisher,
        credential_types=tuple(said.credential_types),
        occupations=tuple(said.occupations),
        excluded_occupations=tuple(said.excluded_occupations),
        min_eqf_level=int(said.level_range.min),
        max_eqf_level=int(said.level_range.max),
        purposes=_purposes(said.purposes),
        jurisdictions=tuple(said.jurisdictions),
        intervals=days_of(said.intervals),
        lapses=recognition_lapses(said.status),
        onward=said.onward,
        decision=said.decision,
        redress=said.redress,
    )


def recognition_lapses(decisions: Iterable[DecisionJson]) -> tuple[RecognitionLapse, ...]:
    """Return the award dates that decisions (oldest first) took from a recognition."""
    decided = tuple(decisions)
    lapsed = lapsed_days([(Status(each.status), each.effective_from) for each in decided])
    return tuple(
        RecognitionLapse(each.days, decided[each.begun_by].decision, decided[each.begun_by].reason) for each in lapsed
    )


def regulation(said: RegulationJson) -> Regulation:
    """Return which occupations are regulated."""
    return Regulation(
        id=said.id,
        occupations=tuple(said.occupations),
        jurisdictions=tuple(said.jurisdictions),
        intervals=days_of(said.intervals),
        competent_authority=said.competent_authority,
        decision=said.decision,
        redress=said.redress,
    )


def verification(verifier: Did, said: VerificationJson) -> Verification:
    """Return what a verifier may ask for."""
    return Verification(
        id=said.id,
        verifier=verifier,
        credential_type=said.credential_type,
        attributes=frozenset(said.attributes),
        predicates=frozenset(said.predicates),
        purposes=_purposes(said.purposes),
        jurisdictions=tuple(said.jurisdictions),
        intervals=days_of(said.intervals),
        legal_basis=said.legal_basis,
        redress=said.redress,
    )


def programme(provider: Did, said: ProgrammeJson) -> Programme:
    """Return what an issuer teaches or assesses."""
    return Programme(
        id=said.id,
        provider=provider,
        accreditation=said.accreditation,
        title=said.title,
        occupation=said.occupation,
        framework=said.framework,
        level=said.level,
        units=tuple(CompetenceUnit(each.id, each.title, each.level) for each in said.units),
        learning_settings=tuple(said.learning_settings),
        intervals=days_of(said.intervals),
    )


def refusal(applicant: Did, said: RefusalJson) -> Refusal:
    """Return an accreditation that was refused."""
    return Refusal(
        id=said.id,
        applicant=applicant,
        occupations=tuple(said.occupations),
        decided_on=said.decided_on,
        decision=said.decision,
        reason=said.reason,
        redress=said.redress,
    )


def signatories(said: SignatoriesJson) -> Signatories:
    """Return who must sign, and how many of them."""
    return Signatories(
        threshold=said.threshold,
        parties=tuple(Party(each.did, each.name, PartyKind(each.kind)) for each in said.parties),
    )


def division(said: DividedJson) -> Division:
    """Return in which parts the records of participants lie."""
    return Division(bits=said.bits, parts=tuple(Part(each.digest, each.bytes) for each in said.parts))


def _purposes(names: Iterable[str]) -> tuple[Purpose, ...]:
    return tuple(Purpose(each) for each in dict.fromkeys(names))
