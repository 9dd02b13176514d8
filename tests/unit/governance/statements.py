"""One of each statement, in JSON, for the example file to be changed with."""

from typing import Any

type Json = dict[str, Any]

NEIGHBOUR = "did:webvh:QmExampNeighbourAuthority1111111111111111111:neighbour.wanderbuch.test:org"
NEIGHBOUR_FILE = {"publisher": NEIGHBOUR, "uri": "https://neighbour.wanderbuch.test/governance/current.jws"}


def recognition(**members: Any) -> Json:
    return {
        "id": "MR-2025-0001",
        "credential_types": ["qualification/1.0"],
        "occupations": ["C72", "C7411"],
        "excluded_occupations": ["C7213"],
        "level_range": {"framework": "EQF", "min": "2", "max": "4"},
        "purposes": ["employment", "study"],
        "jurisdictions": ["LKA"],
        "intervals": [{"start": "2025-01-01"}],
        "status": [],
        "onward": 1,
        "decision": "https://authority.wanderbuch.test/decisions/MR-2025-0001",
        "redress": "https://authority.wanderbuch.test/appeals",
    } | members


def regulation(**members: Any) -> Json:
    return {
        "id": "REG-2020-0001",
        "occupations": ["C2221"],
        "jurisdictions": ["LKA"],
        "intervals": [{"start": "2020-01-01"}],
        "competent_authority": "Nursing Council (example)",
        "decision": "https://authority.wanderbuch.test/laws/nursing",
        "redress": "https://authority.wanderbuch.test/appeals",
    } | members


def succession(centre: str, **members: Any) -> Json:
    return {
        "id": "SUC-2026-0001",
        "centre": centre,
        "successor": "did:webvh:QmExampSuccessorCentre11111111111111111111111:successor.wanderbuch.test:org",
        "decided_on": "2026-01-10",
        "decision": "https://authority.wanderbuch.test/decisions/SUC-2026-0001",
    } | members


def verification(**members: Any) -> Json:
    return {
        "id": "VER-2025-0001",
        "credential_type": "qualification/1.0",
        "attributes": ["occupation_isco08", "eqf_min_4", "award_year"],
        "predicates": ["eqf_level"],
        "purposes": ["employment"],
        "jurisdictions": ["MLT"],
        "intervals": [{"start": "2025-01-01"}],
        "legal_basis": "https://authority.wanderbuch.test/decisions/VER-2025-0001",
        "redress": "https://authority.wanderbuch.test/appeals",
    } | members


def programme(**members: Any) -> Json:
    return {
        "id": "PRG-2022-0001",
        "accreditation": "TA-2018-0142",
        "title": "Welder",
        "occupation": "C7212",
        "framework": "LK-NVQ",
        "level": "4",
        "units": [{"id": "U1", "title": "Arc welding"}, {"id": "U2", "title": "Gas cutting", "level": "3"}],
        "learning_settings": ["formal", "informal-rpl"],
        "intervals": [{"start": "2022-07-01"}],
    } | members


def refusal(**members: Any) -> Json:
    return {
        "id": "REF-2024-0001",
        "occupations": ["C7212"],
        "decided_on": "2024-05-06",
        "decision": "https://authority.wanderbuch.test/decisions/REF-2024-0001",
        "reason": "No workshop of its own.",
        "redress": "https://authority.wanderbuch.test/appeals",
    } | members


def signatories(author: str, **members: Any) -> Json:
    return {
        "threshold": 2,
        "parties": [
            {"did": author, "name": "Training Authority (example)", "kind": "authority"},
            {"did": "did:webvh:QmExampEmpLoyers111111111111111111111111111111:employers.wanderbuch.test:org",
             "name": "Federation of Employers (example)", "kind": "employers"},
            {"did": "did:webvh:QmExampWorkers1111111111111111111111111111111:unions.wanderbuch.test:org",
             "name": "Union of Metal Workers (example)", "kind": "workers"},
        ],
    } | members  # fmt: skip
