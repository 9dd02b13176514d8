"""The example files: sound, marked as examples, and together an answer to "does EQF 4 or more count here?"."""

import json
from datetime import date

import pytest
from tests.unit.governance.conftest import NOW, ROOT, fresh

from wanderbuch.governance.deciding.standing import recognises, standing
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Purpose, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.validation import parse_file, validate_file

FOLDER = ROOT / "governance" / "files"
PATHS = sorted(FOLDER.glob("*.example.json"))
FILES = {path.name.removesuffix(".example.json"): parse_file(path.read_bytes()) for path in PATHS}
MALTA = FILES["malta"]
AWARDED = date(2024, 6, 1)


@pytest.fixture(scope="module")
def malta() -> GovernanceSnapshot:
    """Malta's file and, verified and fresh, those it reaches."""
    reached = {FILES[name].author: fresh(FILES[name]) for name in ("sri-lanka", "india", "asean", "southern-africa")}
    home = fresh(MALTA)
    return GovernanceSnapshot(home.file, home.digest, home.fresh_until, recognised=reached)


def issuer(file: GovernanceFile, name: str) -> Did:
    return next(
        participant.did
        for participant in file.participants
        if participant.name is not None and name in participant.name
    )


PUNE, KOCHI = issuer(FILES["india"], "Pune"), issuer(FILES["india"], "Kochi")
COLOMBO, KANDY = issuer(FILES["sri-lanka"], "Colombo"), issuer(FILES["sri-lanka"], "Kandy")
MANILA = issuer(FILES["asean"], "Manila")
DURBAN, LUSAKA = issuer(FILES["southern-africa"], "Durban"), issuer(FILES["southern-africa"], "Lusaka")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_an_example_is_sound_and_says_that_it_is_one(path: object) -> None:
    raw = path.read_bytes()  # type: ignore[attr-defined]
    assert {finding.rule for finding in validate_file(raw).findings} <= {"asks-personal"}
    document = json.loads(raw)
    assert "EXAMPLE ONLY" in document["description"]
    assert "(example)" in document["name"]
    assert all("EXAMPLE" in crosswalk.source for crosswalk in parse_file(raw).crosswalks)
    assert raw.decode() == json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def test_a_trusted_file_is_that_of_another_example_under_its_own_address() -> None:
    uris = {
        file.author: json.loads((FOLDER / f"{name}.example.json").read_bytes())["uri"] for name, file in FILES.items()
    }
    for file in FILES.values():
        assert {
            trusted_governance.publisher: trusted_governance.uri for trusted_governance in file.trusted_governance
        }.items() <= uris.items()
        assert {recognition.publisher for recognition in file.recognitions} == {
            recognition.publisher for recognition in file.trusted_governance
        }


def test_each_credential_definition_belongs_to_one_issuer() -> None:
    named = [one for file in FILES.values() for accreditation in file.accreditations for one in accreditation.sources]
    assert len(set(named)) == len(named)


@pytest.mark.parametrize(
    ("framework", "level", "eqf"),
    [
        ("LK-NVQ", "4", 4), ("LK-NVQ", "3", 3), ("IN-NSQF", "4.5", 4), ("IN-NSQF", "3.5", 3), ("AQRF", "4", 4),
        ("SADCQF", "4", 4), ("SADCQF", "6", 5), ("ZA-NQF", "3", 3), ("ISCED-2011", "4", 4), ("ISCED-2011", "0", 0),
        ("CEFR", "C2", 0),
    ],
)  # fmt: skip
def test_levels_of_every_framework_are_compared_by_some_example(framework: str, level: str, eqf: int) -> None:
    assert max(file.eqf_level(framework, level, AWARDED)[0] for file in FILES.values()) == eqf


def test_half_levels_are_not_those_of_the_framework_before() -> None:
    assert FILES["india"].eqf_level("IN-NSQF", "4", date(2023, 6, 5)) == (0, "none")
    assert FILES["india"].eqf_level("IN-NSQF", "4", date(2023, 6, 6)) == (4, "example-nsqf-eqf-1")


@pytest.mark.parametrize(
    ("who", "occupation", "counts"),
    [
        (COLOMBO, "C7212", True),  # NVQ
        (PUNE, "C7212", True),  # NSQF, half levels
        (PUNE, "C7411", True),
        (MANILA, "C7212", True),  # AQRF, by way of India
        (DURBAN, "C7212", True),  # ZA-NQF
        (LUSAKA, "C7112", True),  # SADCQF
        (COLOMBO, "C7223", False),  # Malta excludes it
        (KANDY, "C5120", False),  # Malta does not recognise it
        (MANILA, "C7411", False),  # nor does India of those it brings in
        (KOCHI, "C2221", False),  # regulated; recognised for another purpose
    ],
    ids=str,
)
def test_malta_asks_for_eqf_4_of_holders_from_elsewhere(
    who: Did, occupation: str, counts: bool, malta: GovernanceSnapshot
) -> None:
    decision = standing(malta, issuer=who, occupation=occupation, jurisdiction="MLT", at=NOW, on=AWARDED, eqf_level=4)
    assert (decision.verdict is Verdict.TRUSTED) == counts, decision.reasons
    assert bool(decision.chain) == counts


def test_the_way_over_india_is_shown(malta: GovernanceSnapshot) -> None:
    decision = standing(malta, issuer=MANILA, occupation="C7212", jurisdiction="MLT", at=NOW, on=AWARDED, eqf_level=4)
    assert [chain_link.recognition for chain_link in decision.chain] == ["MQ-MR-2024-0002", "NCV-MR-2025-0001"]


def test_eqf_5_is_more_than_malta_recognises(malta: GovernanceSnapshot) -> None:
    decision = standing(malta, issuer=PUNE, occupation="C7212", jurisdiction="MLT", at=NOW, on=AWARDED, eqf_level=5)
    assert decision.verdict is Verdict.NOT_TRUSTED


def test_a_nurse_needs_maltas_own_decision(malta: GovernanceSnapshot) -> None:
    asked = {"issuer": KOCHI, "occupation": "C2221", "jurisdiction": "MLT", "at": NOW, "on": date(2025, 6, 1)}
    own = standing(malta, **asked, eqf_level=6, purpose=Purpose.REGULATED_PROFESSION)  # type: ignore[arg-type]
    assert own.verdict is Verdict.TRUSTED, own.reasons
    work = standing(malta, **asked, eqf_level=6, purpose=Purpose.EMPLOYMENT)  # type: ignore[arg-type]
    assert work.verdict is Verdict.NOT_TRUSTED


def test_sri_lanka_does_not_count_for_study_in_malta(malta: GovernanceSnapshot) -> None:
    authority = FILES["sri-lanka"].author
    asked = {"authority": authority, "occupation": "C7212", "jurisdiction": "MLT", "on": AWARDED, "at": NOW}
    assert recognises(malta, **asked).verdict is Verdict.TRUSTED  # type: ignore[arg-type]
    assert recognises(malta, **asked, purpose=Purpose.STUDY).verdict is Verdict.NOT_TRUSTED  # type: ignore[arg-type]
