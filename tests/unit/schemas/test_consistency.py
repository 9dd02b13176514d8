from dataclasses import replace
from datetime import date

import pytest

from wanderbuch.schemas.canonical import Value
from wanderbuch.schemas.consistency import inconsistencies
from wanderbuch.schemas.credential_type import CredentialType


@pytest.mark.parametrize(
    ("values", "attributes"),
    [
        ({}, []),
        ({"eqf_min_4": 1}, []),
        ({"eqf_min_4": 1, "eqf_min_6": 1, "eqf_min_8": 0}, []),
        ({"eqf_min_4": 0, "eqf_min_6": 1}, ["eqf_min_6"]),
        ({"eqf_min_6": 1, "eqf_min_4": 0}, ["eqf_min_6"]),
        ({"eqf_level": 4, "eqf_min_4": 1, "eqf_min_5": 0}, []),
        ({"eqf_level": 4, "eqf_min_4": 0}, ["eqf_min_4"]),
        ({"award_year": 2024, "awarded_on": date(2024, 12, 31)}, []),
        ({"award_year": 2025, "awarded_on": date(2024, 12, 31)}, ["award_year"]),
        ({"awarded_on": date(2024, 5, 17), "expires_on": None}, []),
        ({"framework_level": "8"}, []),
        ({"framework": "EQF", "framework_level": "8"}, []),
        ({"framework": "LK-NVQ", "framework_level": "8"}, ["framework_level"]),
        ({"framework": "LK-NVQ", "crosswalk_version": None}, []),
        ({"framework": "LK-NVQ", "eqf_level": 4}, []),
        ({"framework": "LK-NVQ", "eqf_level": 0, "crosswalk_version": None}, []),
        ({"framework": "LK-NVQ", "eqf_level": 4, "crosswalk_version": None}, ["crosswalk_version"]),
        ({"framework": "LK-NVQ", "eqf_min_4": 1, "crosswalk_version": None}, ["crosswalk_version"]),
        ({"framework": "LK-NVQ", "eqf_min_4": 0, "crosswalk_version": None}, []),
        ({"framework": "EQF", "eqf_min_4": 1, "crosswalk_version": None}, []),
        ({"framework": "EQF", "crosswalk_version": "2024-1"}, ["crosswalk_version"]),
        ({"framework": "EQF", "eqf_level": 3, "framework_level": "4"}, ["eqf_level"]),
        ({"framework": "EQF", "eqf_level": 3}, []),
        ({"eqf_level": 4, "crosswalk_version": None}, []),
    ],
)
def test_only_what_is_there_is_judged(
    qualification: CredentialType, values: dict[str, Value], attributes: list[str]
) -> None:
    assert [finding.attribute for finding in inconsistencies(qualification, values)] == attributes


def test_a_type_without_levels_has_no_crosswalk_to_fit(qualification: CredentialType) -> None:
    without = replace(qualification, attributes=qualification.attributes[:4])
    assert inconsistencies(without, {"birth_date": date(1991, 3, 5)}) == ()
