from collections.abc import Callable, Mapping
from typing import Any

import pytest
from acapy_agent.anoncreds.models.credential_definition import CredDef

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.anoncreds_content import (
    checked_cred_def,
    checked_registry,
    checked_schema,
    checked_status_list,
)
from wanderbuch.plugins.webvh.errors import ResourceError
from wanderbuch.plugins.webvh.resources import AttestedResource, ResourceType

DID = WebvhDid.parse(f"did:webvh:Qm{'a' * 44}:centre.example.test:org")
FOREIGN = DID.replace("centre", "other")
OBJECT = f"{DID}/resources/zQm{'c' * 44}"

SCHEMA = {"issuerId": DID, "attrNames": ["a", "b"], "name": "qualification", "version": "1.0"}
PRIMARY = {"n": "1", "s": "2", "r": {"a": "3"}, "rctxt": "4", "z": "5"}
REVOCATION = dict.fromkeys(("g", "g_dash", "h", "h0", "h1", "h2", "htilde", "h_cap", "u", "pk", "y"), "1 0A 2 0B")
CRED_DEF = {"issuerId": DID, "schemaId": OBJECT, "type": "CL", "tag": "default", "value": {"primary": PRIMARY}}
REVOCABLE = CRED_DEF | {"value": {"primary": PRIMARY, "revocation": REVOCATION}}
REGISTRY_VALUE = {
    "publicKeys": {},
    "maxCredNum": 10,
    "tailsHash": "7Qen9RDyemMuV7xGQvp7NjwMSpyHieJyBakycxN7dX7P",
    "tailsLocation": "https://centre.example.test/org/tails/7Qen",
}
REGISTRY = {"issuerId": DID, "revocDefType": "CL_ACCUM", "credDefId": OBJECT, "tag": "0", "value": REGISTRY_VALUE}
STATUS_LIST = {
    "issuerId": DID,
    "revRegDefId": OBJECT,
    "revocationList": [0, 1],
    "currentAccumulator": "1 05",
    "timestamp": 1795301368,
}


def _without(members: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {other: value for other, value in members.items() if other != name}


Checked = Callable[[AttestedResource], dict[str, Any]]


def checked(check: Checked, content: Mapping[str, Any]) -> dict[str, Any]:
    return check(AttestedResource.of(DID, ResourceType.SCHEMA, "x", content))


@pytest.mark.parametrize(
    ("check", "content"),
    [
        (checked_schema, SCHEMA),
        (checked_cred_def, CRED_DEF),
        (checked_cred_def, REVOCABLE),
        (checked_registry, REGISTRY),
        (checked_status_list, STATUS_LIST),
    ],
)
def test_accepts(check: Checked, content: dict[str, Any]) -> None:
    assert checked(check, content) == content


@pytest.mark.parametrize(
    ("check", "content", "member", "value"),
    [
        (checked_schema, SCHEMA, "attrNames", []),
        (checked_schema, SCHEMA, "attrNames", "ab"),
        (checked_schema, SCHEMA, "attrNames", ["a", 1]),
        (checked_schema, SCHEMA, "attrNames", ["a", "a"]),
        (checked_schema, SCHEMA, "attrNames", ["a", "A"]),
        (checked_schema, SCHEMA, "attrNames", ["a b", "ab"]),
        (checked_schema, SCHEMA, "attrNames", ["a", " "]),
        (checked_schema, SCHEMA, "attrNames", [str(number) for number in range(126)]),
        (checked_schema, SCHEMA, "name", ""),
        (checked_schema, SCHEMA, "name", 7),
        (checked_schema, SCHEMA, "version", None),
        (checked_cred_def, CRED_DEF, "schemaId", "did:example:x"),
        (checked_cred_def, CRED_DEF, "type", "BBS"),
        (checked_cred_def, CRED_DEF, "tag", None),
        (checked_cred_def, CRED_DEF, "value", None),
        (checked_cred_def, CRED_DEF, "value", {"primary": 7}),
        (checked_registry, REGISTRY, "credDefId", OBJECT.replace(DID, FOREIGN)),
        (checked_registry, REGISTRY, "credDefId", None),
        (checked_registry, REGISTRY, "revocDefType", "OTHER"),
        (checked_registry, REGISTRY, "tag", ""),
        (checked_registry, REGISTRY, "value", []),
        (checked_registry, REGISTRY, "value", {**REGISTRY_VALUE, "maxCredNum": 0}),
        (checked_registry, REGISTRY, "value", {**REGISTRY_VALUE, "maxCredNum": 10**9}),
        (checked_registry, REGISTRY, "value", {**REGISTRY_VALUE, "maxCredNum": "10"}),
        (checked_registry, REGISTRY, "value", {**REGISTRY_VALUE, "publicKeys": None}),
        (checked_registry, REGISTRY, "value", {**REGISTRY_VALUE, "tailsHash": "../../../x"}),
        (checked_registry, REGISTRY, "value", {**REGISTRY_VALUE, "tailsLocation": "http://centre.example.test/x"}),
        (checked_registry, REGISTRY, "value", {**REGISTRY_VALUE, "tailsLocation": None}),
        (checked_status_list, STATUS_LIST, "revRegDefId", OBJECT.replace(DID, FOREIGN)),
        (checked_status_list, STATUS_LIST, "revocationList", []),
        (checked_status_list, STATUS_LIST, "revocationList", "01"),
        (checked_status_list, STATUS_LIST, "revocationList", [0, 2]),
        (checked_status_list, STATUS_LIST, "revocationList", [0, True]),
        (checked_status_list, STATUS_LIST, "currentAccumulator", None),
        (checked_status_list, STATUS_LIST, "timestamp", "1795301368"),
        (checked_status_list, STATUS_LIST, "timestamp", None),
    ],
)
def test_refuses(check: Checked, content: dict[str, Any], member: str, value: object) -> None:
    with pytest.raises(WanderbuchError):
        checked(check, {**content, member: value})


@pytest.mark.parametrize("content", [CRED_DEF, REVOCABLE])
def test_a_definition_that_passes_is_read_by_acapy(content: dict[str, Any]) -> None:
    passed = checked(checked_cred_def, content)
    read = CredDef.deserialize(passed)
    assert (read.value.revocation is not None) == ("revocation" in passed["value"])


@pytest.mark.parametrize(
    "value",
    [
        {"primary": PRIMARY, "revocation": None},
        {"primary": PRIMARY, "revocation": {}},
        {"primary": PRIMARY, "revocation": []},
        {"primary": PRIMARY, "revocation": "1 0A"},
        {"primary": PRIMARY, "revocation": False},
        *({"primary": PRIMARY, "revocation": REVOCATION | {name: None}} for name in REVOCATION),
        *({"primary": PRIMARY, "revocation": _without(REVOCATION, name)} for name in REVOCATION),
        *({"primary": _without(PRIMARY, name)} for name in PRIMARY),
        *(
            {"primary": PRIMARY | {name: wrong}}
            for name in PRIMARY
            for wrong in (None, 7, "", "x", "-1", "1.0", " 1", "1\n", "\u0661", [])
        ),
    ],
    ids=str,
)
def test_refuses_a_definition_that_acapy_or_the_library_does_not_read(value: dict[str, Any]) -> None:
    with pytest.raises(ResourceError):
        checked(checked_cred_def, {**CRED_DEF, "value": value})
