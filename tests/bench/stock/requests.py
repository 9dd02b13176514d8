"""Our verifier's proof requests as other issuers' credentials answer them. Pure."""

from collections.abc import Mapping
from typing import Any, Final

_DEFINITIONS: Final = frozenset({"schema_id", "cred_def_id"})
_THERMOMETER: Final = "eqf_min_"
_LEVEL: Final = "eqf_level"


def pointed_at(compiled: Mapping[str, Any], cred_def_id: str) -> dict[str, Any]:
    """Return a proof request with its restrictions on definitions pointed at another one, and without its nonce.

    Whoever sends it makes a nonce of its own.
    """
    attributes = {
        referent: {**wanted, "restrictions": _restricted(wanted.get("restrictions", []), cred_def_id)}
        for referent, wanted in compiled["requested_attributes"].items()
    }
    return {name: value for name, value in compiled.items() if name != "nonce"} | {"requested_attributes": attributes}


def by_predicate(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a proof request with its level proven by a predicate, in place of the thermometer's attribute.

    Raises:
        ValueError: it asks for no level.
    """
    (referent, wanted), *others = request["requested_attributes"].items()
    levels = [name for name in wanted["names"] if name.startswith(_THERMOMETER)]
    if len(levels) != 1 or others:
        raise ValueError(f"expected one group with one level, found {list(request['requested_attributes'])}")
    restrictions = [
        {name: value for name, value in restriction.items() if _THERMOMETER not in name}
        for restriction in wanted["restrictions"]
    ]
    names = [name for name in wanted["names"] if name not in levels]
    level = {"name": _LEVEL, "p_type": ">=", "p_value": int(levels[0].removeprefix(_THERMOMETER))}
    return {
        **request,
        "requested_attributes": {referent: {"names": names, "restrictions": restrictions}},
        "requested_predicates": {"level": {**level, "restrictions": restrictions}},
    }


def _restricted(restrictions: list[Mapping[str, str]], cred_def_id: str) -> list[dict[str, str]]:
    return [
        {name: value for name, value in mapping.items() if name not in _DEFINITIONS} | {"cred_def_id": cred_def_id}
        for mapping in restrictions
    ]
