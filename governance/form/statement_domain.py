"""From the checked JSON form of `statement_model` to the types of `statements`. Nothing is decided here."""

from collections.abc import Iterable

from wanderbuch.base64_text import from_base64
from wanderbuch.governance.facts.file import Agent, LevelRange, Status
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.lapses import lapsed_days
from wanderbuch.governance.facts.listings import ListedAccreditation, RegisterEntry, RegisterId
from wanderbuch.governance.facts.question import DateSpan, Purpose
from wanderbuch.governance.facts.spans import OPEN_END, normal
from wanderbuch.governance.facts.statements import (
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
    Succession,
    VerifierAuthorization,
)
from wanderbuch.governance.form.listing_model import ListedAccreditationJson, ListingJson
from wanderbuch.governance.form.model import IntervalJson
from wanderbuch.governance.form.statement_model import (
    AnyDivided,
    DecisionJson,
    DividedJson10,
    ProgrammeJson,
    RecognitionJson,
    RefusalJson,
    RegulationJson,
    SignatoriesJson,
    SuccessionJson,
    VerificationJson,
)


def days_of(intervals: Iterable[IntervalJson]) -> tuple[DateSpan, ...]:
    """Return the days of some intervals, a normal tuple."""
    return normal(DateSpan(interval.start, interval.end or OPEN_END) for interval in intervals)


def recognition(publisher: Did, statement: RecognitionJson) -> Recognition:
    """Return what is recognised of another authority."""
    return Recognition(
        id=statement.id,
        publisher=publisher,
        credential_types=tuple(statement.credential_types),
        occupations=tuple(statement.occupations),
        excluded_occupations=tuple(statement.excluded_occupations),
        min_eqf_level=int(statement.level_range.min),
        max_eqf_level=int(statement.level_range.max),
        purposes=_purposes(statement.purposes),
        jurisdictions=tuple(statement.jurisdictions),
        intervals=days_of(statement.intervals),
        lapses=recognition_lapses(statement.status),
        onward=statement.onward,
        decision=statement.decision,
        redress=statement.redress,
    )


def recognition_lapses(decisions: Iterable[DecisionJson]) -> tuple[RecognitionLapse, ...]:
    """Return the award dates that decisions (oldest first) took from a recognition."""
    decided = tuple(decisions)
    lapsed = lapsed_days([(Status(decision_json.status), decision_json.effective_from) for decision_json in decided])
    return tuple(
        RecognitionLapse(lapse.days, decided[lapse.begun_by].decision, decided[lapse.begun_by].reason)
        for lapse in lapsed
    )


def regulation(statement: RegulationJson) -> Regulation:
    """Return which occupations are regulated."""
    return Regulation(
        id=statement.id,
        occupations=tuple(statement.occupations),
        jurisdictions=tuple(statement.jurisdictions),
        intervals=days_of(statement.intervals),
        competent_authority=statement.competent_authority,
        decision=statement.decision,
        redress=statement.redress,
    )


def verification(verifier: Did, statement: VerificationJson) -> VerifierAuthorization:
    """Return what a verifier may ask for."""
    return VerifierAuthorization(
        id=statement.id,
        verifier=verifier,
        credential_type=statement.credential_type,
        attributes=frozenset(statement.attributes),
        predicates=frozenset(statement.predicates),
        purposes=_purposes(statement.purposes),
        jurisdictions=tuple(statement.jurisdictions),
        intervals=days_of(statement.intervals),
        legal_basis=statement.legal_basis,
        redress=statement.redress,
        aim=statement.aim,
        privacy_policy=statement.privacy_policy,
        keeps_days=statement.keeps_days,
    )


def programme(provider: Did, statement: ProgrammeJson) -> Programme:
    """Return what an issuer teaches or assesses."""
    return Programme(
        id=statement.id,
        provider=provider,
        accreditation=statement.accreditation,
        title=statement.title,
        occupation=statement.occupation,
        framework=statement.framework,
        level=statement.level,
        units=tuple(CompetenceUnit(unit_json.id, unit_json.title, unit_json.level) for unit_json in statement.units),
        learning_settings=tuple(statement.learning_settings),
        intervals=days_of(statement.intervals),
    )


def refusal(applicant: Did, statement: RefusalJson) -> Refusal:
    """Return an accreditation that was refused."""
    return Refusal(
        id=statement.id,
        applicant=applicant,
        occupations=tuple(statement.occupations),
        decided_on=statement.decided_on,
        decision=statement.decision,
        reason=statement.reason,
        redress=statement.redress,
    )


def succession(statement: SuccessionJson) -> Succession:
    """Return who goes on with what a centre leaves open."""
    return Succession(
        id=statement.id,
        centre=statement.centre,
        successor=statement.successor,
        decided_on=statement.decided_on,
        decision=statement.decision,
        reason=statement.reason,
    )


def signatories(statement: SignatoriesJson) -> Signatories:
    """Return who must sign, and how many of them."""
    return Signatories(
        threshold=statement.threshold,
        parties=tuple(Party(party.did, party.name, PartyKind(party.kind)) for party in statement.parties),
    )


def listing(register_id: RegisterId, statement: ListingJson) -> RegisterEntry:
    """Return an institution of a register."""
    return RegisterEntry(
        register_id=register_id,
        name=statement.name,
        website=statement.website,
        email=statement.email,
        did=statement.did,
        accredited_for=tuple(_listed(scope) for scope in statement.accredited_for),
    )


def _listed(scope: ListedAccreditationJson) -> ListedAccreditation:
    levels, agent = scope.level_range, scope.accrediting_agent
    return ListedAccreditation(
        id=scope.id,
        title=scope.title,
        credential_types=tuple(scope.credential_types),
        occupations=tuple(scope.occupations),
        excluded_occupations=tuple(scope.excluded_occupations),
        level_range=LevelRange(levels.framework, levels.min, levels.max),
        jurisdictions=tuple(scope.jurisdictions),
        intervals=days_of(scope.intervals),
        accrediting_agent=Agent(agent.name, agent.did),
        decision=scope.decision,
        redress=scope.redress,
        quality_assurance=scope.quality_assurance,
    )


def division(statement: AnyDivided) -> Division:
    """Return in which parts the records of participants lie."""
    if isinstance(statement, DividedJson10):
        return Division(statement.bits, tuple(Part(part.digest, part.bytes) for part in statement.parts))
    parts = (
        Part("sha256:" + from_base64(part.sha256, url_too=True).hex(), part.bytes, part.buckets)
        for part in statement.parts
    )
    return Division(statement.bits, tuple(parts))


def _purposes(names: Iterable[str]) -> tuple[Purpose, ...]:
    return tuple(Purpose(name) for name in dict.fromkeys(names))
