"""The description of the REST API says for each credential type which claims it has, and of which types."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from wanderbuch.agents.issuer.api import ISSUER_ROUTES
from wanderbuch.agents.issuer.batches.batch_api import BATCH_ROUTES
from wanderbuch.agents.issuer.class_list.list_api import CLASS_LIST_ROUTES
from wanderbuch.agents.issuer.class_list.listed import NUMBER, OWN
from wanderbuch.agents.issuer.class_list.typed_rows import for_all_model, row_models
from wanderbuch.agents.issuer.holding.holding_api import HOLDING_ROUTES
from wanderbuch.agents.issuer.typed_claims import claim_models, value_models
from wanderbuch.agents.runtime.openapi import DescribedGroup, describe
from wanderbuch.schemas.claims import ClaimError, validate_claim
from wanderbuch.schemas.credential_type import CredentialType, Kind, list_credential_types


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    """Return the description of the routes that take or give claims."""
    routes = (*ISSUER_ROUTES, *BATCH_ROUTES, *HOLDING_ROUTES, *CLASS_LIST_ROUTES)
    return describe([DescribedGroup("issuer", routes)], title="Centre", version="1")


def named(kind: CredentialType) -> str:
    return claim_models()[kind.id].__name__


def validator(description: dict[str, Any], name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": description["components"]})


def examples(kind: CredentialType) -> dict[str, Any]:
    return {attribute.name: attribute.example for attribute in kind.claimed}


def test_every_claim_of_every_type_is_described_as_the_type_has_it(description: dict[str, Any]) -> None:
    for kind in list_credential_types():
        schema = description["components"]["schemas"][named(kind)]
        claimed = {attribute.name for attribute in kind.claimed}
        assert claimed <= schema["properties"].keys(), kind.id
        assert schema["properties"].keys() - claimed <= {"award_year"}, kind.id
        needed = {attribute.name for attribute in kind.claimed if attribute.absent is None}
        assert set(schema["required"]) == needed, kind.id
        for attribute in kind.claimed:
            assert str(attribute.label) in schema["properties"][attribute.name]["description"]
            if attribute.kind is Kind.CODE and attribute.code_list is None:
                assert schema["properties"][attribute.name]["enum"] == list(attribute.codes)


def test_what_is_described_is_what_is_taken_and_answered(description: dict[str, Any]) -> None:
    for kind in list_credential_types():
        check, claim = validator(description, named(kind)), examples(kind)
        plain = validate_claim(kind, claim).plain
        assert check.is_valid(claim), list(check.iter_errors(claim))
        assert check.is_valid(plain), list(check.iter_errors(plain))
        optional = {attribute.name for attribute in kind.claimed if attribute.absent is not None}
        least = {name: value for name, value in claim.items() if name not in optional}
        assert check.is_valid(least)
        plain = validate_claim(kind, least).plain
        assert check.is_valid(plain), list(check.iter_errors(plain))
        in_other_words = claim | {
            attribute.name: int(attribute.example) for attribute in kind.claimed if attribute.kind is Kind.INTEGER
        }
        assert check.is_valid(in_other_words)
        validate_claim(kind, in_other_words)
        for wrong in (claim | {"colour": "red"}, {**claim, "birth_date": "soon"}, {**claim, "family_name": 7}, {}):
            assert not check.is_valid(wrong)
            with pytest.raises(ClaimError):
                validate_claim(kind, wrong)


def test_each_body_and_answer_with_a_claim_says_all_types(description: dict[str, Any]) -> None:
    wanted = {f"#/components/schemas/{named(kind)}" for kind in list_credential_types()}
    schemas = description["components"]["schemas"]

    def references(schema: Any) -> set[str]:
        if isinstance(schema, list):
            return {name for member in schema for name in references(member)}
        if not isinstance(schema, dict):
            return set()
        if schema.get("$ref", next(iter(wanted))) not in wanted:
            return references(schemas[schema["$ref"].rpartition("/")[2]])
        own = {schema["$ref"]} if "$ref" in schema else set()
        return own | {name for member in schema.values() for name in references(member)}

    for body in ("NewOffer", "RowEdit", "RowOut", "Supersede"):
        assert references(schemas[body]["properties"]["claim"]) >= wanted, body


def test_lists_and_offers_are_described_as_the_type_has_them(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    members = {
        "preview": schemas["ClassListOut"]["properties"]["preview"]["items"],
        "values": schemas["OfferOut"]["properties"]["values"],
    }
    for name, models in (("preview", row_models()), ("values", value_models())):
        one_of_them = schemas[members[name]["$ref"].rpartition("/")[2]]["anyOf"]
        told = {one["$ref"].rpartition("/")[2] for one in one_of_them}
        assert told == {models[kind.id].__name__ for kind in list_credential_types()}, name
    for_all = schemas["ClassListIn"]["properties"]["for_all"]["$ref"].rpartition("/")[2]
    assert for_all == for_all_model().__name__
    for kind in list_credential_types():
        claim = examples(kind)
        values = validate_claim(kind, claim).to_values(eqf_level=4, crosswalk_version="7") if kind.level else {}
        shared = {name: text for name, text in claim.items() if name not in OWN}
        plain = validate_claim(kind, claim).plain
        needed = [attribute.name for attribute in kind.claimed if attribute.absent is None]
        good: list[tuple[type, dict[str, Any]]] = [
            (for_all_model(), shared),
            (for_all_model(), {}),
            (row_models()[kind.id], plain),
            (row_models()[kind.id], {name: plain[name] for name in needed}),
            (row_models()[kind.id], {name: text for name, text in plain.items() if name != NUMBER}),
        ]
        if values:
            good.append((value_models()[kind.id], values))
        for model, sent in good:
            check = validator(description, model.__name__)
            assert check.is_valid(sent), [error.message for error in check.iter_errors(sent)]
            assert not check.is_valid(sent | {"colour": "red"}), model.__name__
        assert not validator(description, for_all_model().__name__).is_valid(claim)  # a person's own
        assert not validator(description, row_models()[kind.id].__name__).is_valid(shared)
