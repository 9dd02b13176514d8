"""What employers commonly want to ask, as uses to apply for: nobody names an attribute.

Each grants what our own questions of that kind ask (`verifying.asked.revealed_names`), at every level, and no more.
"""

from typing import Any, Final

from wanderbuch.governance.facts.question import Subject
from wanderbuch.governance.signed.application import IntendedUse
from wanderbuch.plugins.trust.verifying.asked import subject_names
from wanderbuch.schemas.credential_type import Attribute, Computation, load_credential_type

PRESETS: Final[dict[str, tuple[str, Subject]]] = {
    "qualification": ("qualification/1.0", Subject.NONE),
    "qualification_named": ("qualification/1.0", Subject.NAME),
    "experience": ("experience/1.0", Subject.NONE),
    "language": ("language/1.0", Subject.NONE),
}
"""The credential type of each, and whether the worker's name is asked."""
_COMMON: Final = ("award_year", "expires_on", "framework", "crosswalk_version")


def use_of(preset: str, told: dict[str, Any]) -> IntendedUse:
    """Return the use that a preset stands for.

    Args:
        preset: one of `PRESETS`.
        told: the other members of the use.
    """
    type_id, subject = PRESETS[preset]
    known = load_credential_type(type_id)
    names = {attribute.name: attribute for attribute in known.attributes}
    attributes = [known.about, *(name for name in _COMMON if name in names)]
    attributes += [name for name, attribute in names.items() if _is_thermometer(attribute)]
    attributes += [name for name in subject_names(subject) if name in names]
    predicates = [name for name in ("months", "eqf_level") if name in names]
    return IntendedUse.model_validate(
        {**told, "credential_type": type_id, "attributes": attributes, "predicates": predicates}
    )


def _is_thermometer(attribute: Attribute) -> bool:
    return attribute.computed is not None and attribute.computed.by is Computation.AT_LEAST
