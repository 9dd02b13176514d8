from datetime import date

from tests.unit.governance import statements
from tests.unit.governance.conftest import Json, payload_of

from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.lapses import lapsed_days
from wanderbuch.governance.facts.question import DateSpan, Purpose
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.governance.facts.statements import (
    CompetenceUnit,
    PartyKind,
    Recognition,
    RecognitionLapse,
    TrustedGovernance,
)
from wanderbuch.governance.form.model import PROGRAMMES, RECOGNITION, REFUSAL, REGULATION, SIGNATORIES, VERIFICATION
from wanderbuch.governance.form.validation import parse_file


def with_statement(document: Json, uri: str, did: str, body: Json) -> GovernanceFile:
    document["participants"]["entries"][uri] = {did: body}
    return parse_file(payload_of(document))


def issuer(document: Json, host: str = "centre") -> str:
    entries = document["participants"]["entries"]
    of_host: str = next(did for by_did in entries.values() for did in by_did if f":{host}." in did)
    return of_host


def recognised(document: Json, **members: object) -> Recognition:
    document["trusted_governance"] = [statements.NEIGHBOUR_FILE]
    body = {"recognitions": [statements.recognition(**members)]}
    return with_statement(document, RECOGNITION, statements.NEIGHBOUR, body).recognitions[0]


def test_a_recognition_reads_as_it_is_meant(example: Json) -> None:
    recognition = recognised(example, intervals=[{"start": "2025-06-01", "end": "2025-06-30"}, {"start": "2025-07-01"}])
    assert recognition.publisher == statements.NEIGHBOUR
    assert (recognition.min_eqf_level, recognition.max_eqf_level, recognition.onward) == (2, 4, 1)
    assert recognition.purposes == (Purpose.EMPLOYMENT, Purpose.STUDY)
    assert (recognition.occupations, recognition.excluded_occupations) == (("C72", "C7411"), ("C7213",))
    assert recognition.intervals == (DateSpan(date(2025, 6, 1), OPEN_END),)
    assert recognition.lapses == ()


def test_another_authority_is_one_of_those_whose_file_is_trusted(example: Json) -> None:
    recognised(example)
    file = parse_file(payload_of(example))
    assert file.trusted_governance == (
        TrustedGovernance(file.recognitions[0].publisher, statements.NEIGHBOUR_FILE["uri"]),
    )


def test_nothing_is_recognised_onward_unless_it_is_said(example: Json) -> None:
    without = {name: value for name, value in statements.recognition().items() if name not in ("onward", "status")}
    example["trusted_governance"] = [statements.NEIGHBOUR_FILE]
    file = with_statement(example, RECOGNITION, statements.NEIGHBOUR, {"recognitions": [without]})
    assert file.recognitions[0].onward == 0


def decision(status: str, day: str, **members: str) -> Json:
    return {"status": status, "decided_on": day, "effective_from": day} | members


def test_a_suspension_lapses_until_it_is_lifted_and_a_withdrawal_for_ever(example: Json) -> None:
    recognition = recognised(
        example,
        status=[
            decision("suspended", "2025-03-01", reason="Inquiry."),
            decision("active", "2025-05-01"),
            decision("withdrawn", "2026-01-01", decision="https://authority.wanderbuch.test/decisions/9"),
        ],
    )
    assert recognition.lapses == (
        RecognitionLapse(DateSpan(date(2025, 3, 1), date(2025, 4, 30)), None, "Inquiry."),
        RecognitionLapse(DateSpan(date(2026, 1, 1), OPEN_END), "https://authority.wanderbuch.test/decisions/9", None),
    )


def test_lifted_from_its_first_day_on_a_suspension_never_was(example: Json) -> None:
    again = decision("active", "2025-05-01") | {"effective_from": "2025-03-01"}
    assert recognised(example, status=[decision("suspended", "2025-03-01"), again]).lapses == ()


def test_no_decision_lapses_nothing() -> None:
    assert list(lapsed_days([])) == []


def test_regulated_occupations_read_as_they_are_meant(example: Json) -> None:
    file = with_statement(example, REGULATION, example["author"], {"regulations": [statements.regulation()]})
    (regulation,) = file.regulations
    assert (regulation.occupations, regulation.jurisdictions) == (("C2221",), ("LKA",))
    assert regulation.intervals == (DateSpan(date(2020, 1, 1), OPEN_END),)
    assert regulation.competent_authority == "Nursing Council (example)"


def test_what_a_verifier_may_ask_reads_as_it_is_meant(example: Json) -> None:
    shipyard = issuer(example, "shipyard")
    file = with_statement(example, VERIFICATION, shipyard, {"verifications": [statements.verification()]})
    (verifier_authorization,) = file.verifications
    assert verifier_authorization.verifier == shipyard
    assert verifier_authorization.attributes == {"occupation_isco08", "eqf_min_4", "award_year"}
    assert verifier_authorization.predicates == {"eqf_level"}
    assert verifier_authorization.purposes == (Purpose.EMPLOYMENT,)


def test_a_programme_and_its_units_read_as_they_are_meant(example: Json) -> None:
    centre = issuer(example)
    file = with_statement(example, PROGRAMMES, centre, {"programmes": [statements.programme()]})
    (programme,) = file.programmes
    assert (programme.provider, programme.accreditation, programme.level) == (centre, "TA-2018-0142", "4")
    assert programme.units == (CompetenceUnit("U1", "Arc welding", None), CompetenceUnit("U2", "Gas cutting", "3"))
    assert programme.learning_settings == ("formal", "informal-rpl")


def test_a_refusal_takes_nothing_from_what_else_is_said(example: Json) -> None:
    before = parse_file(payload_of(example)).accreditations
    file = with_statement(example, REFUSAL, issuer(example), {"refusals": [statements.refusal()]})
    assert file.refusals[0].decided_on == date(2024, 5, 6)
    assert file.refusals[0].redress
    assert file.accreditations == before


def test_who_signs_reads_as_it_is_meant(example: Json) -> None:
    file = with_statement(example, SIGNATORIES, example["author"], statements.signatories(example["author"]))
    assert file.signatories is not None
    assert file.signatories.threshold == 2
    assert [party.kind for party in file.signatories.parties] == [
        PartyKind.AUTHORITY,
        PartyKind.EMPLOYERS,
        PartyKind.WORKERS,
    ]


def test_a_file_that_says_none_of_it_has_none_of_it(ecosystem: GovernanceFile) -> None:
    assert ecosystem.signatories is None
    assert (ecosystem.recognitions, ecosystem.regulations, ecosystem.verifications) == ((), (), ())


def test_whoever_a_statement_is_about_takes_part(example: Json) -> None:
    recognised(example)
    file = parse_file(payload_of(example))
    assert statements.NEIGHBOUR in {participant.did for participant in file.participants}
