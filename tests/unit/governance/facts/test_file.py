from datetime import date, timedelta

from tests.unit.governance.conftest import EXAMPLE

from wanderbuch.governance.facts.file import GovernanceFile, LevelRange, Status
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.form.validation import parse_file


def test_example_reads_as_it_is_meant() -> None:
    file = parse_file(EXAMPLE.read_bytes())
    assert file.version == 1
    assert file.ttl == timedelta(days=1)
    assert "EXAMPLE ONLY" in str(file.description)
    assert [file.participant_name(accreditation.issuer) for accreditation in file.accreditations] == [
        "Colombo Welding Centre (example)",
        "Kandy Hotel School (example)",
        "Galle Technical Institute (example)",
    ]
    assert [accreditation.status for accreditation in file.accreditations] == [
        Status.ACTIVE,
        Status.ACTIVE,
        Status.SUSPENDED,
    ]
    assert file.accreditations[1].occupations == ("C5120",)
    assert {"LKA", "MLT"} <= set(file.accreditations[0].jurisdictions)
    assert len(file.accreditations[0].intervals) == 2
    assert any(participant.name == "Valletta Shipyard (example employer)" for participant in file.participants)
    assert file.schema_ids("qualification/1.0") == (file.schemas[0].id,)
    assert file.schema_ids("another/1.0") == ()


def test_nobody_is_named_by_guess(ecosystem: GovernanceFile) -> None:
    assert ecosystem.participant_name(Did.parse("did:example:nobody")) is None


def test_eqf_level_follows_the_crosswalk_in_force(ecosystem: GovernanceFile) -> None:
    changed = date(2019, 7, 1)
    assert ecosystem.eqf_level("LK-NVQ", "4", changed) == (4, "nvq-eqf-2019")
    assert ecosystem.eqf_level("LK-NVQ", "4", changed - timedelta(days=1)) == (3, "nvq-eqf-2005")
    assert ecosystem.eqf_level("LK-NVQ", "1", changed - timedelta(days=1)) == (0, "nvq-eqf-2005")
    assert ecosystem.eqf_level("LK-NVQ", "4", date(2004, 12, 31)) == (0, "none")
    assert ecosystem.eqf_level("LK-NVQ", "12", changed) == (0, "nvq-eqf-2019")
    assert ecosystem.eqf_level("AQRF", "4", changed) == (0, "none")
    assert ecosystem.eqf_level("EQF", "4", changed) == (4, "none")
    assert ecosystem.eqf_level("EQF", "9", changed) == (0, "none")


def test_crosswalk_in_force(ecosystem: GovernanceFile) -> None:
    changed = date(2019, 7, 1)
    assert ecosystem.crosswalk_in_force("nvq-eqf-2019", "LK-NVQ", changed)
    assert not ecosystem.crosswalk_in_force("nvq-eqf-2019", "LK-NVQ", changed - timedelta(days=1))
    assert not ecosystem.crosswalk_in_force("nvq-eqf-2019", "EQF", changed)
    assert not ecosystem.crosswalk_in_force("unheard-of", "LK-NVQ", changed)


def test_a_range_outside_a_crosswalk_holds_nothing(ecosystem: GovernanceFile) -> None:
    crosswalk = ecosystem.crosswalk("nvq-eqf-2019", "LK-NVQ")
    assert crosswalk is not None
    assert crosswalk.within(LevelRange("LK-NVQ", "2", "3")) == {"2": 2, "3": 3}
    assert crosswalk.within(LevelRange("AQRF", "2", "3")) == {}
    assert crosswalk.within(LevelRange("LK-NVQ", "2", "9")) == {}
    assert crosswalk.within(LevelRange("LK-NVQ", "0", "3")) == {}
    assert crosswalk.within(LevelRange("LK-NVQ", "3", "2")) == {}
