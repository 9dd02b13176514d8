"""When two attribute names are one: AnonCreds compares them without spaces and without regard to case.

Source: `attr_common_view` of the AnonCreds library: U+0020 is removed, everything is put in lower case (Unicode, full
mapping); an underscore, a hyphen and any other space count. A credential may therefore carry "Family_Name" for the
attribute "family_name" of its schema. Restrictions in a proof request (`attr::<name>::value`) are the exception: the
library compares those letter for letter with the names asked.

>>> common_name("Family_Name"), common_name("Family Name")
('family_name', 'familyname')
"""

from collections.abc import Iterable, Mapping

from wanderbuch.errors import CredentialError


def common_name(name: str) -> str:
    """Return the one spelling that stands for all spellings of an attribute's name."""
    return name.replace(" ", "").lower()


def by_common_name[V](values: Mapping[str, V]) -> dict[str, V]:
    """Return values by the common names of their attributes, in their order.

    Raises:
        CredentialError: two names are one attribute: which of the two is signed, nobody can tell.
    """
    values_by_name = {common_name(name): value for name, value in values.items()}
    if len(values_by_name) != len(values):
        raise CredentialError("expected each attribute once, found one in two spellings (case and spaces do not count)")
    return values_by_name


def are_distinct(names: Iterable[str]) -> bool:
    """Tell whether no two of these names are one attribute, and none is empty."""
    common = [common_name(name) for name in names]
    return len(set(common)) == len(common) and "" not in common
