"""A key and a proof that held once are not checked again; any other key, and any other proof, is."""

import json
from typing import Any

import anoncreds
import pytest
from anoncreds import AnoncredsError, CredentialOffer
from tests.unit.trust.ecosystem import WELDER_VALUES, Issuer, webvh

from wanderbuch.agents.holder import checked_keys
from wanderbuch.agents.holder.checked_keys import Made, request_for

PROOF = "key_correctness_proof"


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(webvh("centre"))


@pytest.fixture(scope="module")
def another() -> Issuer:
    return Issuer(webvh("school"))


@pytest.fixture(scope="module")
def secret() -> str:
    return str(anoncreds.create_link_secret())


def offer_of(issuer: Issuer, **changes: Any) -> str:
    offer = CredentialOffer.create(issuer.schema_id, issuer.cred_def_id, issuer._proof)
    return json.dumps(offer.to_dict() | changes)


def proof_of(issuer: Issuer) -> dict[str, Any]:
    proof: dict[str, Any] = json.loads(offer_of(issuer))[PROOF]
    return proof


def complete(issuer: Issuer, offer_json: str, made: Made, secret: str) -> dict[str, Any]:
    """Have a request answered, and the credential completed with the whole definition."""
    request, metadata = made
    issuer._next += 1
    place = anoncreds.CredentialRevocationConfig(
        issuer.registry, issuer._registry_private, issuer.list_in_force, issuer._next
    )
    signed = anoncreds.Credential.create(
        issuer.cred_def, issuer._private, CredentialOffer.load(offer_json), request, dict(WELDER_VALUES), None, place
    )
    whole: dict[str, Any] = signed.process(metadata, secret, issuer.cred_def, issuer.registry).to_dict()
    return whole


def forget(issuer: Issuer) -> None:
    checked_keys._CHECKED.pop(issuer.cred_def, None)


def test_further_requests_are_made_with_what_is_left_of_the_key_and_are_as_good(issuer: Issuer, secret: str) -> None:
    forget(issuer)
    for number in range(3):
        offer = offer_of(issuer)
        made = request_for(issuer.cred_def, offer, secret)
        left = checked_keys._CHECKED[issuer.cred_def].definition.to_dict()
        assert list(left["value"]["primary"]["r"]) == ["master_secret"], number
        credential = complete(issuer, offer, made, secret)
        assert credential["cred_def_id"] == issuer.cred_def_id
        assert credential["values"]["family_name"]["raw"] == WELDER_VALUES["family_name"]


def test_no_two_requests_are_alike(issuer: Issuer, secret: str) -> None:
    offer = offer_of(issuer)
    requests = [json.loads(request_for(issuer.cred_def, offer, secret)[0].to_json()) for _ in range(3)]
    assert len({request["blinded_ms"]["u"] for request in requests}) == 3
    assert {request["cred_def_id"] for request in requests} == {issuer.cred_def_id}


def test_another_proof_of_a_key_that_was_checked_is_checked(issuer: Issuer, secret: str) -> None:
    request_for(issuer.cred_def, offer_of(issuer), secret)
    proof = proof_of(issuer)
    wrong = proof | {"c": str(int(proof["c"]) + 1)}
    with pytest.raises(AnoncredsError):
        request_for(issuer.cred_def, offer_of(issuer, **{PROOF: wrong}), secret)
    request_for(issuer.cred_def, offer_of(issuer), secret)  # and the right one holds as before


def test_another_key_with_a_proof_that_was_checked_is_checked(issuer: Issuer, another: Issuer, secret: str) -> None:
    request_for(issuer.cred_def, offer_of(issuer), secret)
    with pytest.raises(AnoncredsError):
        request_for(another.cred_def, offer_of(another, **{PROOF: proof_of(issuer)}), secret)
    assert another.cred_def not in checked_keys._CHECKED


def test_a_proof_that_does_not_hold_is_never_remembered(another: Issuer, secret: str) -> None:
    forget(another)
    proof = proof_of(another)
    wrong = offer_of(another, **{PROOF: proof | {"xz_cap": str(int(proof["xz_cap"]) + 1)}})
    for _ in range(2):
        with pytest.raises(AnoncredsError):
            request_for(another.cred_def, wrong, secret)
    assert another.cred_def not in checked_keys._CHECKED


def test_an_offer_that_says_the_proof_elsewhere_too_is_answered_as_before(issuer: Issuer, secret: str) -> None:
    request_for(issuer.cred_def, offer_of(issuer), secret)
    plain = json.loads(offer_of(issuer))
    twice = json.dumps({"comment": plain[PROOF], **plain})
    complete(issuer, twice, request_for(issuer.cred_def, twice, secret), secret)


@pytest.mark.parametrize("checked_before", [False, True])
def test_an_offer_with_two_proofs_is_refused(issuer: Issuer, secret: str, checked_before: bool) -> None:
    forget(issuer)
    offer = offer_of(issuer)
    if checked_before:
        request_for(issuer.cred_def, offer, secret)
    doubled = offer[:-1] + f', "{PROOF}": {json.dumps(proof_of(issuer))}}}'
    with pytest.raises(AnoncredsError):
        request_for(issuer.cred_def, doubled, secret)


def test_an_offer_without_a_proof_is_refused(issuer: Issuer, secret: str) -> None:
    request_for(issuer.cred_def, offer_of(issuer), secret)
    with pytest.raises(AnoncredsError):
        request_for(issuer.cred_def, offer_of(issuer, **{PROOF: None}), secret)
