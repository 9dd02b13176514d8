import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from wanderbuch.errors import ConfigurationError
from wanderbuch.schemas import data_file
from wanderbuch.schemas.canonical import reads_as_another_number
from wanderbuch.schemas.code_list import load_code_list
from wanderbuch.schemas.credential_type import CredentialType, Kind, list_credential_types
from wanderbuch.schemas.encoding import encode, is_canonical
from wanderbuch.schemas.frameworks import frameworks

DATA = Path(__file__).parents[3] / "schemas" / "data"
SCHEMAS = sorted(DATA.glob("*.schema.json"))
DOCUMENTS = sorted(set(DATA.glob("*.json")) - set(SCHEMAS))


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="module")
def registry() -> Registry[Any]:
    return Registry().with_resources((path.name, Resource.from_contents(read(path))) for path in SCHEMAS)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_each_json_schema_is_one(path: Path) -> None:
    Draft202012Validator.check_schema(read(path))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_each_data_file_fits_the_schema_it_names(path: Path, registry: Registry[Any]) -> None:
    document = read(path)
    Draft202012Validator({"$ref": document["$schema"]}, registry=registry).validate(document)


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        (lambda attribute: attribute.pop("label"), "no label"),
        (lambda attribute: attribute.update(label={"de": "Beruf"}), "no English"),
        (lambda attribute: attribute.update(max_bytes=3), "a limit of another kind"),
        (lambda attribute: attribute.update(codes={"7212": {"en": "Welder"}}), "two lists of codes"),
        (lambda attribute: attribute.update(colour="red"), "an unknown member"),
        (lambda attribute: attribute.update(kind="decimal"), "an unknown kind"),
    ],
)
def test_the_json_schema_refuses_a_flawed_attribute(change: Any, flaw: str, registry: Registry[Any]) -> None:
    document = read(DATA / "type_qualification_1.0.json")
    change(next(attribute for attribute in document["attributes"] if attribute["name"] == "occupation_isco08"))
    assert not Draft202012Validator({"$ref": document["$schema"]}, registry=registry).is_valid(document), flaw


def test_every_code_of_every_closed_list_has_an_encoding_of_its_own() -> None:
    for credential_type in list_credential_types():
        for attribute in credential_type.attributes:
            assert len({encode(code) for code in attribute.codes}) == len(attribute.codes)
    for known in frameworks().values():
        assert len({encode(code) for code in known.levels}) == len(known.levels)
        assert not any(map(reads_as_another_number, known.levels))


def test_examples_are_canonical_and_absent_forms_are_no_values(qualification: CredentialType) -> None:
    for attribute in qualification.attributes:
        assert is_canonical(attribute, attribute.example)
        if attribute.absent and attribute.kind is not Kind.DATE:
            assert attribute.absent.raw != attribute.example


def test_every_label_is_plain_and_every_table_is_sorted() -> None:
    for name in ("isco08", "iso3166", "iso639"):
        code_list = load_code_list(name)
        assert all(first < second for first, second in pairwise(code_list.codes))
        assert all(str(label).strip() == str(label) and "’" not in str(label) for label in code_list.codes.values())
        assert code_list.sources


def test_a_missing_data_file_is_a_damaged_installation() -> None:
    with pytest.raises(ConfigurationError, match=r"no_such\.json") as caught:
        data_file.read_json("no_such.json")
    assert caught.value.hint


@pytest.mark.parametrize("text", ["code,en\nC1,Managers\nC1,Again\n", "code,en\n,Nameless\n", "code,en\nC1,\n"])
def test_a_damaged_table_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_file, "read_text", lambda name: text)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        data_file.read_table("isco08.csv")


def test_a_data_file_that_is_no_json_object_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_file, "read_text", lambda name: "[]")
    with pytest.raises(ConfigurationError, match="JSON object"):
        data_file.read_json("isco08.json")
