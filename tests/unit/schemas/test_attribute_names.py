"""Names are compared as the AnonCreds library does it; the library itself is asked."""

import anoncreds
import pytest

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.attribute_names import are_distinct, by_common_name, common_name
from wanderbuch.schemas.credential_type import list_credential_types

ODD_NAMES = (
    "family_name",
    "Given Names",
    "  Award-Year  ",
    "A\tb",
    "a\u00a0B",  # a no-break space is no space to the library
    "Ａwarded",  # full width
    "ÄÖÜẞß",
    "İstanbul",  # becomes two characters
    "ΣΟΦΟΣ",  # its last letter becomes a final sigma
    "Ǆ",
    "ⅣΩ",
    "Ꭰ",  # Cherokee
    "Დ",  # Georgian capital
    "සිංහල",
    "தமிழ் 1",
    "e\u0301É",
)


@pytest.fixture(scope="module")
def signed_names() -> set[str]:
    """The names under which the library keeps its keys for these attributes."""
    schema = anoncreds.Schema.create("odd", "1.0", "did:example:i", list(ODD_NAMES))
    made, _, _ = anoncreds.CredentialDefinition.create("did:example:s", schema, "did:example:i", "t", "CL")
    return set(made.to_dict()["value"]["primary"]["r"]) - {"master_secret"}


def test_common_names_are_those_that_the_library_signs(signed_names: set[str]) -> None:
    assert {common_name(name) for name in ODD_NAMES} == signed_names


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
