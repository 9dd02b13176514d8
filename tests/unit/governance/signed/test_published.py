import json
from collections.abc import Callable

import jsonschema
import pytest
from tests.unit.governance.conftest import ECOSYSTEM, EXAMPLE, ROOT, Json, changed

from wanderbuch.governance.form.model import ACCREDITATION, RECOGNITION, REGULATION, SIGNATORIES, VERIFICATION
from wanderbuch.governance.form.validation import validate_file
from wanderbuch.governance.signed import published

AQRF = {"framework": "AQRF", "min": "1", "max": "4"}
FOLDER = ROOT / "governance" / "schemas"


def test_published_schemas_are_what_the_models_say() -> None:
    kept = {path.name: json.loads(path.read_bytes()) for path in FOLDER.glob("*.schema.json")}
    assert kept == published.published_schemas()


def test_writing_them_anew_changes_nothing(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "FOLDER", tmp_path)
    published.write_schemas()
    assert {path.name: path.read_bytes() for path in published.FOLDER.glob("*.schema.json")} == {
        path.name: path.read_bytes() for path in FOLDER.glob("*.schema.json")
    }


@pytest.mark.parametrize("name", sorted(published.published_schemas()))
def test_each_is_a_json_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(published.published_schemas()[name])


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(published.published_schemas()["governance-file.schema.json"])


@pytest.mark.parametrize("path", [ECOSYSTEM, *sorted(EXAMPLE.parent.glob("*.json"))], ids=lambda path: path.name)
def test_accepts_the_examples(path: object) -> None:
    validator().validate(json.loads(path.read_bytes()))  # type: ignore[attr-defined]


def _first_accreditation(document: Json) -> Json:
    statements = document["participants"]["entries"][ACCREDITATION]
    first: Json = next(iter(statements.values()))["accreditations"][0]
    return first


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(version="1.0"),
        lambda d: d.update(last_updated=1703187439),
        lambda d: d.update(last_updated="2026-11-02 08:00:00Z"),
        lambda d: d.pop("author"),
        lambda d: _first_accreditation(d).update(excluded_ocupations=["C7214"]),
        lambda d: _first_accreditation(d).update(occupations=["7212"]),
        lambda d: _first_accreditation(d).update(occupations=[]),
        lambda d: _first_accreditation(d).update(redress="javascript:alert(1)"),
        lambda d: _first_accreditation(d).pop("redress"),
    ],
)
def test_refuses_what_validation_refuses(change: Callable[[Json], object], example: Json) -> None:
    assert not validator().is_valid(changed(example, change))


@pytest.fixture(scope="module")
def malta() -> Json:
    document: Json = json.loads((EXAMPLE.parent / "malta.example.json").read_bytes())
    return document


def _first(document: Json, uri: str, member: str) -> Json:
    first: Json = next(iter(document["participants"]["entries"][uri].values()))[member][0]
    return first


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["trusted_governance"][0].update(uri="http://other.test/current.jws"),
        lambda d: d["trusted_governance"][0].pop("publisher"),
        lambda d: _first(d, RECOGNITION, "recognitions").update(onward=4),
        lambda d: _first(d, RECOGNITION, "recognitions").update(purposes=[]),
        lambda d: _first(d, RECOGNITION, "recognitions").update(purposes=["anything"]),
        lambda d: _first(d, RECOGNITION, "recognitions").update(level_range=AQRF),
        lambda d: _first(d, RECOGNITION, "recognitions").update(excluded_ocupations=["C7214"]),
        lambda d: _first(d, RECOGNITION, "recognitions").pop("redress"),
        lambda d: _first(d, REGULATION, "regulations").pop("redress"),
        lambda d: _first(d, VERIFICATION, "verifications").update(attributes=["*"]),
        lambda d: _first(d, VERIFICATION, "verifications").pop("legal_basis"),
        lambda d: d["participants"]["entries"][SIGNATORIES][d["author"]].update(threshold=0),
        lambda d: d["participants"]["entries"][SIGNATORIES][d["author"]].update(parties=[]),
    ],
)  # fmt: skip
def test_refuses_the_same_of_other_statements(change: Callable[[Json], object], malta: Json) -> None:
    assert validator().is_valid(malta)
    spoilt = changed(malta, change)
    assert not validator().is_valid(spoilt)
    assert validate_file(json.dumps(spoilt).encode()).file is None
