import itertools
from copy import replace
from datetime import UTC, datetime

from tests.unit.governance import decision_vectors as vectors
from tests.unit.governance.conftest import NOW, fresh

from wanderbuch.governance.deciding.decision import award_boundary_years, decide, eligible_sources
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.index import covers_code
from wanderbuch.governance.facts.question import Requirement, Verdict

WELDER = Requirement("C7212", "MLT", 3)


def names(requirement: Requirement, file: GovernanceFile, at: datetime = NOW) -> set[str]:
    sources = eligible_sources(requirement, fresh(file), at=at)
    assert list(sources) == sorted(set(sources))
    return {str(file.participant_name(source.owner)) for source in sources}


def test_names_everybody_who_could_count(ecosystem: GovernanceFile) -> None:
    everybody = {"Centre", "Union", "Suspended", "Reinstated", "Withdrawn", "Twice", "Excluded", "European"}
    assert names(WELDER, ecosystem) == everybody


def test_leaves_out_who_could_not_count(ecosystem: GovernanceFile) -> None:
    assert names(replace(WELDER, jurisdiction="DEU"), ecosystem) == set()
    assert names(replace(WELDER, occupation="C5120"), ecosystem) == set()
    assert names(replace(WELDER, credential_type="attendance/1.0"), ecosystem) == {"Union"}
    assert "European" not in names(replace(WELDER, min_eqf_level=5), ecosystem)
    assert names(replace(WELDER, min_eqf_level=6), ecosystem) == set()
    assert "Centre" not in names(replace(WELDER, occupation="C7213"), ecosystem)
    assert "Excluded" not in names(replace(WELDER, occupation="C7214"), ecosystem)
    assert "Union" not in names(Requirement("C7126", "MLT"), ecosystem)
    assert names(Requirement("C7126", "LKA"), ecosystem) == {"Union"}


def test_a_language_counts_by_levels_of_the_cefr_alone(ecosystem: GovernanceFile) -> None:
    maltese = Requirement("mlt", "MLT", credential_type="language/1.0", min_cefr_level="B2")
    assert names(maltese, ecosystem) == names(replace(maltese, min_cefr_level=None), ecosystem) == {"Institute"}
    assert names(replace(maltese, min_cefr_level="C1"), ecosystem) == set()
    assert names(replace(maltese, occupation="fra"), ecosystem) == set()
    assert names(replace(maltese, credential_type="qualification/1.0"), ecosystem) == set()
    assert names(Requirement("C7212", "MLT", credential_type="experience/1.0"), ecosystem) == {"Institute"}


def test_leaves_out_who_starts_later(ecosystem: GovernanceFile) -> None:
    assert names(WELDER, ecosystem, datetime(2012, 1, 1, tzinfo=UTC)) == {
        "Suspended", "Reinstated", "Withdrawn", "Twice", "Excluded", "European",
    }  # fmt: skip


def test_leaves_out_a_lapse_that_pins_no_registry(ecosystem: GovernanceFile) -> None:
    def unpinned(file: GovernanceFile) -> GovernanceFile:
        accreditations = tuple(
            replace(
                accreditation,
                lapses=tuple(replace(lapse, statuses_before=frozenset()) for lapse in accreditation.lapses),
            )
            for accreditation in file.accreditations
        )
        return replace(file, accreditations=accreditations)

    assert {"Suspended", "Withdrawn", "Twice"} & names(WELDER, unpinned(ecosystem)) == set()
    assert "Reinstated" in names(WELDER, unpinned(ecosystem))


def test_a_group_is_answered_by_what_lies_below_it(ecosystem: GovernanceFile) -> None:
    assert "Union" in names(replace(WELDER, occupation="C7"), ecosystem)
    assert covers_code(("C72",), "C7212")


def test_whoever_is_trusted_was_eligible(ecosystem: GovernanceFile) -> None:
    """Every combination of the vectors' evidence and requirements: no TRUSTED without having been named."""
    cases = [case for _, case in vectors.cases() if case["governance"]]
    requirements = {vectors.requirement_of(case) for case in cases}
    shown = {vectors.evidence_of(case) for case in cases}
    trusted = 0
    for requirement, evidence in itertools.product(requirements, shown):
        if decide(requirement, evidence, fresh(ecosystem), at=NOW).verdict is Verdict.TRUSTED:
            trusted += 1
            assert evidence.source in eligible_sources(requirement, fresh(ecosystem), at=NOW)
    assert trusted > 10


def test_boundary_years_are_those_that_need_the_day(ecosystem: GovernanceFile) -> None:
    years = award_boundary_years(WELDER, fresh(ecosystem))
    # Windows 2018, 2022, 2020; suspended 2024; reinstated 2021; withdrawn 2023; crosswalk 2019. Edges of years: none.
    assert years == {2018, 2019, 2020, 2021, 2022, 2023, 2024}
    assert award_boundary_years(Requirement("C7126", "LKA"), fresh(ecosystem)) == {2019}
