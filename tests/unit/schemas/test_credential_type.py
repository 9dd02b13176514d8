from typing import Any

import pytest

from wanderbuch.errors import ConfigurationError, CredentialError
from wanderbuch.schemas import credential_type as module
from wanderbuch.schemas.credential_type import (
    Computation,
    CredentialType,
    Kind,
    list_credential_types,
    load_credential_type,
)
from wanderbuch.schemas.data_file import read_json

# A published version never changes: this is what authorities have put on record as qualification/1.0.
QUALIFICATION_1_0 = [
    "credential_id",
    "family_name",
    "given_names",
    "birth_date",
    "occupation_isco08",
    "qualification_title",
    "awarding_body",
    "framework",
    "framework_level",
    "eqf_level",
    "eqf_min_1",
    "eqf_min_2",
    "eqf_min_3",
    "eqf_min_4",
    "eqf_min_5",
    "eqf_min_6",
    "eqf_min_7",
    "eqf_min_8",
    "crosswalk_version",
    "learning_setting",
    "awarded_on",
    "award_year",
    "expires_on",
    "country_of_award",
    "details",
]


def test_qualification_has_its_published_attributes_in_order(qualification: CredentialType) -> None:
    assert list(qualification.attr_names) == QUALIFICATION_1_0
    assert (qualification.id, qualification.name, qualification.version) == (
        "qualification/1.0",
        "qualification",
        "1.0",
    )


def test_types_are_read_once(qualification: CredentialType) -> None:
    assert load_credential_type("qualification/1.0") is qualification
    assert list_credential_types() == tuple(
        map(load_credential_type, ("experience/1.0", "language/1.0", qualification.id))
    )


@pytest.mark.parametrize(
    "name", ["qualification", "qualification/1.1", "Qualification/1.0", "../qualification/1.0", ""]
)
def test_an_unknown_type_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(CredentialError, match=r"qualification/1\.0"):
        load_credential_type(name)


def test_what_singles_out_a_person_is_marked(qualification: CredentialType) -> None:
    assert [attribute.name for attribute in qualification.attributes if attribute.personal] == [
        "credential_id",
        "family_name",
        "given_names",
        "birth_date",
        "awarded_on",
        "details",
    ]


def test_each_eqf_level_has_its_thermometer_attribute(qualification: CredentialType) -> None:
    assert [qualification.thermometer(level).name for level in range(1, 9)] == [f"eqf_min_{n}" for n in range(1, 9)]
    assert len(qualification.computed_by(Computation.AT_LEAST)) == 8
    for level, of in ((0, "eqf_level"), (9, "eqf_level"), (4, "framework_level")):
        with pytest.raises(CredentialError, match="thermometer"):
            qualification.thermometer(level, of=of)


def test_kinds_and_units_are_as_wallets_and_forms_need_them(qualification: CredentialType) -> None:
    assert {
        kind: [attribute.name for attribute in qualification.claimed if attribute.kind is kind] for kind in Kind
    } == {
        Kind.TEXT: ["credential_id", "family_name", "given_names", "qualification_title", "awarding_body", "details"],
        Kind.INTEGER: [],
        Kind.DATE: ["birth_date", "awarded_on", "expires_on"],
        Kind.CODE: ["occupation_isco08", "framework", "learning_setting", "country_of_award"],
        Kind.LEVEL: ["framework_level"],
    }
    assert qualification.attribute("awarded_on").unit == "day"
    assert qualification.attribute("award_year").unit == "year"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda document: document["attributes"].append(document["attributes"][0]), "once"),
        (lambda document: document["attributes"][1].update(name="Given_Names"), "case and spaces|lower case"),
        (lambda document: document["attributes"][1].update(name="given names"), "without spaces"),
        (lambda document: document["attributes"].append(document["attributes"][19] | {"name": "Family_Name"}), "once"),
        (lambda document: document["attributes"][8].update(framework_attribute="country"), "country"),
        (lambda document: document["attributes"][8].update(framework_attribute="family_name"), "family_name"),
        (lambda document: document["orders"][0].update(earlier="born"), "born"),
        (lambda document: document["attributes"][10]["computed"].update(attribute="framework"), "framework"),
        (lambda document: document["attributes"][0].update(kind="decimal"), "decimal"),
        (lambda document: document["attributes"][0].update(colour="red"), "colour"),
        (lambda document: document["attributes"][0].pop("label"), "label"),
        (lambda document: document["attributes"][3].update(earliest="19000230"), "does not match|day"),
        (lambda document: document["attributes"][4].update(code_list="isco88"), "isco88"),
        (lambda document: document["attributes"][19].update(codes={}), "learning_setting"),
    ],
)
def test_a_damaged_type_file_is_refused(change: Any, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = read_json("type_qualification_1.0.json")
    change(document)
    monkeypatch.setattr(module, "read_json", lambda name: document)
    with pytest.raises(ConfigurationError, match=named):
        module._load("type_qualification_1.0.json")


def test_people_read_every_label_in_all_languages_of_the_pages() -> None:
    lacking = [
        (known.id, attribute.name, text)
        for known in list_credential_types()
        for attribute in known.attributes
        for text in (
            attribute.label,
            *(attribute.codes.values() if attribute.code_list is None else ()),
            *((attribute.absent.label,) if attribute.absent else ()),
        )
        if set(text.by_language) != {"en", "fr", "es", "ar", "si", "ta", "hi"}
    ]
    assert lacking == []


@pytest.mark.parametrize("known", list_credential_types(), ids=lambda known: known.id)
def test_every_claim_names_its_person_and_its_certificate(known: CredentialType) -> None:
    """So no invitation is for many takers; a type that names nobody has it decided anew (docs/adr/0113)."""
    for name in ("credential_id", "family_name", "birth_date"):
        attribute = known.attribute(name)
        assert attribute.personal
        assert attribute.absent is None  # whoever claims has to give it
        assert attribute.computed is None
