"""Names are compared as the AnonCreds library does it; the library itself is asked."""

from collections.abc import Iterable
from typing import Any

import anoncreds
import pytest
from tests.unit.schemas.odd_names import ODD_NAMES

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.attribute_names import are_distinct, by_common_name, common_name
from wanderbuch.schemas.credential_type import list_credential_types

type Keys = tuple[Any, Any, Any]


@pytest.fixture(scope="module")
def keys() -> Keys:
    """What the library made for these attributes, once (`tests.issuer_keys`): it looks for primes, for seconds."""
    schema = anoncreds.Schema.create("odd", "1.0", "did:example:i", list(ODD_NAMES))
    made: Keys = anoncreds.CredentialDefinition.create("did:example:s", schema, "did:example:i", "t", "CL")
    return made


def issue(keys: Keys, names: Iterable[str]) -> Any:
    """Have the library sign values under these names, and the wallet's side of it check what was signed."""
    public, private, proof = keys
    link_secret = anoncreds.create_link_secret()
    offer = anoncreds.CredentialOffer.create("did:example:s", "did:example:d", proof)
    request, metadata = anoncreds.CredentialRequest.create("entropy", None, public, link_secret, "default", offer)
    issued = anoncreds.Credential.create(public, private, offer, request, dict.fromkeys(names, "1"))
    return issued.process(metadata, link_secret, public)


def test_common_names_are_those_that_the_library_signs(keys: Keys) -> None:
    signed = set(keys[0].to_dict()["value"]["primary"]["r"]) - {"master_secret"}
    assert {common_name(name) for name in ODD_NAMES} == signed


def test_the_library_finds_each_under_that_name_and_under_no_other(keys: Keys) -> None:
    """The one that is installed, whichever made the keys."""
    issue(keys, ODD_NAMES)
    issue(keys, map(common_name, ODD_NAMES))
    for name in ODD_NAMES[::5]:
        with pytest.raises(anoncreds.AnoncredsError):
            issue(keys, [odd for odd in ODD_NAMES if odd != name] + [f"{name}x"])


@pytest.mark.parametrize(
    ("name", "common"),
    [
        ("family_name", "family_name"),
        ("Family_Name", "family_name"),
        (" fam ily_NAME ", "family_name"),
        ("Family Name", "familyname"),
        ("family-name", "family-name"),
        ("family\u00a0name", "family\u00a0name"),
    ],
)
def test_case_and_spaces_do_not_count_and_everything_else_does(name: str, common: str) -> None:
    assert common_name(name) == common


def test_one_attribute_in_two_spellings_is_refused() -> None:
    assert by_common_name({"A b": 1, "c": 2}) == {"ab": 1, "c": 2}
    with pytest.raises(CredentialError, match="two spellings"):
        by_common_name({"A b": 1, "AB": 2})


def test_names_are_distinct_only_if_the_library_tells_them_apart() -> None:
    assert are_distinct(["a", "b"])
    for names in (["a", "a"], ["a", "A"], ["a b", "ab"], ["a", " "], [""]):
        assert not are_distinct(names)


def test_our_own_types_spell_every_name_as_it_is_compared() -> None:
    for known in list_credential_types():
        assert are_distinct(known.attr_names)
        assert all(name == common_name(name) for name in known.attr_names)
