"""What may be attested under an accreditation, as a JSON schema of the values that are signed."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from wanderbuch.governance.exporting.scope_schema import issuing_schema
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.form.validation import parse_file

ECOSYSTEM = Path(__file__).parents[3] / "vectors" / "decision" / "ecosystem.json"
SPOKEN = {"language": "mlt", "cefr_rank": 4, "awarded_on": 20240610}


@pytest.fixture(scope="module")
def file() -> GovernanceFile:
    return parse_file(json.dumps(json.loads(ECOSYSTEM.read_bytes())).encode())


@pytest.mark.parametrize(
    ("change", "is_valid"),
    [
        ({}, True),
        ({"language": "eng", "cefr_rank": 1}, True),
        ({"language": "fra"}, False),
        ({"cefr_rank": 5}, False),
        ({"awarded_on": 20091231}, False),
    ],
)
def test_languages_are_listed_with_their_levels(file: GovernanceFile, change: dict[str, Any], is_valid: bool) -> None:
    given = next(accreditation for accreditation in file.accreditations if accreditation.id == "I-1")
    schema = issuing_schema(file, given, (), given.intervals[0])
    assert Draft202012Validator(schema).is_valid(SPOKEN | change) is is_valid


def test_a_language_that_is_excluded_is_not_listed(file: GovernanceFile) -> None:
    given = next(accreditation for accreditation in file.accreditations if accreditation.id == "I-1")
    schema = issuing_schema(file, given, ("mlt",), given.intervals[0])
    assert not Draft202012Validator(schema).is_valid(SPOKEN)
    assert Draft202012Validator(schema).is_valid(SPOKEN | {"language": "eng"})
