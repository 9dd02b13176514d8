"""What a verified resource must hold to be an AnonCreds object that is safe to hand to ACA-Py and its library.

The proof says who wrote it, not that it is well formed: an issuer may be hostile too.

1. A schema has a name, a version and distinct attribute names.
2. A credential definition names a schema by id, type CL, a tag and a value: the numbers of its primary key in digits,
   and the text of its revocation key, all of it or none. So it reads the same here, by ACA-Py's models and by replay.
3. A revocation registry definition names a credential definition of the same issuer, a bounded size, a tails hash that
   is base58 of 32 bytes and an https location.
4. A status list names its registry, and has a bit for each place.

Source: AnonCreds 1.0 §§ 8.1 to 8.4.
"""

import re
from typing import Any, Final

from wanderbuch.governance.facts.identifiers import ResourceId
from wanderbuch.plugins.webvh.errors import ResourceError
from wanderbuch.plugins.webvh.resources import AttestedResource
from wanderbuch.plugins.webvh.tails import MAX_REGISTRY_SIZE, checked_tails_hash
from wanderbuch.schemas.attribute_names import are_distinct

# AnonCreds 1.0 §8.1: at most 125 attributes.
_MAX_ATTRIBUTES: Final = 125
_MAX_TEXT: Final = 1024
_DIGITS: Final = re.compile(r"[0-9]+")
_PRIMARY: Final = ("n", "s", "rctxt", "z")
_REVOCATION: Final = ("g", "g_dash", "h", "h0", "h1", "h2", "htilde", "h_cap", "u", "pk", "y")


def checked_schema(resource: AttestedResource) -> dict[str, Any]:
    """Return the content of a schema (rule 1).

    Raises:
        ResourceError: it is malformed.
    """
    content = dict(resource.content)
    names = content.get("attrNames")
    _check(resource, isinstance(names, list) and 0 < len(names) <= _MAX_ATTRIBUTES, "attrNames")
    _check(resource, all(_is_text(name) for name in content["attrNames"]), "attrNames")
    _check(resource, are_distinct(content["attrNames"]), "attrNames")
    _check(resource, _is_text(content.get("name")), "name")
    _check(resource, _is_text(content.get("version")), "version")
    return content


def checked_cred_def(resource: AttestedResource) -> dict[str, Any]:
    """Return the content of a credential definition (rule 2); errors as with `checked_schema`."""
    content = dict(resource.content)
    ResourceId.parse(content.get("schemaId"))
    _check(resource, content.get("type") == "CL", "type")
    _check(resource, _is_text(content.get("tag")), "tag")
    value = content.get("value")
    primary = value.get("primary") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(primary, dict):
        raise ResourceError(f"expected a proper value in {resource.id}")
    _check(resource, all(_is_number(primary.get(name)) for name in _PRIMARY), "primary key")
    _check(resource, isinstance(primary.get("r"), dict), "primary key")
    if "revocation" in value:
        key = value["revocation"]
        is_proper = isinstance(key, dict) and all(isinstance(key.get(name), str) and key[name] for name in _REVOCATION)
        _check(resource, is_proper, "revocation key")
    return content


def checked_registry(resource: AttestedResource) -> dict[str, Any]:
    """Return the content of a revocation registry definition (rule 3); errors as with `checked_schema`."""
    content = dict(resource.content)
    cred_def_id = ResourceId.parse(content.get("credDefId"))
    _check(resource, cred_def_id.did == resource.id.did, "credDefId")
    _check(resource, content.get("revocDefType") == "CL_ACCUM", "revocDefType")
    _check(resource, _is_text(content.get("tag")), "tag")
    value = content.get("value")
    if not isinstance(value, dict):
        raise ResourceError(f"expected a proper value in {resource.id}")
    size = value.get("maxCredNum")
    _check(resource, type(size) is int and 0 < size <= MAX_REGISTRY_SIZE, "maxCredNum")
    _check(resource, isinstance(value.get("publicKeys"), dict), "publicKeys")
    location = value.get("tailsLocation")
    _check(resource, isinstance(location, str) and location.startswith("https://"), "tailsLocation")
    checked_tails_hash(value.get("tailsHash"))
    return content


def checked_status_list(resource: AttestedResource) -> dict[str, Any]:
    """Return the content of a status list (rule 4); errors as with `checked_schema`."""
    content = dict(resource.content)
    registry_id = ResourceId.parse(content.get("revRegDefId"))
    _check(resource, registry_id.did == resource.id.did, "revRegDefId")
    bits = content.get("revocationList")
    _check(resource, isinstance(bits, list) and 0 < len(bits) <= MAX_REGISTRY_SIZE + 1, "revocationList")
    _check(resource, all(type(bit) is int and bit in (0, 1) for bit in content["revocationList"]), "revocationList")
    _check(resource, _is_text(content.get("currentAccumulator")), "currentAccumulator")
    _check(resource, type(content.get("timestamp")) is int, "timestamp")
    return content


def _is_number(value: object) -> bool:
    return isinstance(value, str) and _DIGITS.fullmatch(value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_TEXT


def _check(resource: AttestedResource, holds: bool, member: str) -> None:
    if not holds:
        raise ResourceError(f"expected a proper {member} in {resource.id}")
