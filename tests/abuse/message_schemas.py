"""JSON Schemas (draft 2020-12) of the messages that we handle ourselves, beside their type and id.

They say what our readers rely on: whoever breaks one of these rules has sent a malformed message. A report of a problem
is heard whatever its words, and what an acknowledgement says beside its thread is not relied on either. What is
attached in base64 has a schema of its own (`contentSchema`), which `breaks` looks into. Whether a question or an offer
can be answered is judged when a person looks at it; here it is any JSON object.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from wanderbuch.strict_json import StrictJsonError, read_strict_json

type Schema = Mapping[str, Any]

_ID: Final[Schema] = {"type": ["string", "null"], "pattern": r"^[!-~]{1,128}\Z"}  # null is as good as not there
_OBJECT: Final[Schema] = {"type": "object"}
_TEXT: Final[Schema] = {"type": "string", "maxLength": 512}
_ATTACH_ID: Final[Schema] = {"const": "anoncreds"}  # the sender's choice, the same in both places; ours choose this


def _message(*threads: str, required: tuple[str, ...] = (), **members: Schema) -> Schema:
    """Return the schema of a message.

    Args:
        threads: what its thread must name: "thid", the exchange; "pthid", the invitation.
        required: members that must be there.
        members: by name, with "_attach" for "~attach".
    """
    thread = {"type": "object", "properties": {"thid": _ID, "pthid": _ID}, "required": list(threads)}
    named = {_spelt(name): schema for name, schema in members.items()}
    return {
        "type": "object",
        "properties": {"~thread": thread, **named},
        "required": [*(["~thread"] if threads else []), *map(_spelt, required)],
    }


def _spelt(name: str) -> str:
    return name.replace("_attach", "~attach")


def _json_in_base64(content: Schema) -> Schema:
    encoded = {"type": "string", "contentEncoding": "base64", "contentMediaType": "application/json"}
    return {"type": "object", "properties": {"base64": {**encoded, "contentSchema": content}}, "required": ["base64"]}


def _one(*, required: tuple[str, ...], **members: Schema) -> Schema:
    """Return the schema of a list of one object."""
    item = {"type": "object", "properties": {name.replace("__", "@"): schema for name, schema in members.items()}}
    item["required"] = [name.replace("__", "@") for name in required]
    return {"type": "array", "items": item, "minItems": 1, "maxItems": 1}


def _attached(of_format: str, content: Schema = _OBJECT) -> Mapping[str, Schema]:
    """Return the schemas of the one attachment of a message, and of the member that names its format."""
    formats = _one(
        required=("attach_id", "format"), attach_id=_ATTACH_ID, format={"const": f"anoncreds/{of_format}@v1.0"}
    )
    listed = _one(required=("__id", "data"), __id=_ATTACH_ID, data=_json_in_base64(content))
    return {"formats": formats, "attached": listed}


_LEFT_OUT: Final[Schema] = {
    "type": "object",
    "properties": {
        "attributes": {
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": 256},
            "minItems": 1,
            "maxItems": 64,
        },
        "nonce": {"type": "string", "pattern": r"^[1-9][0-9]{0,24}\Z"},
    },
    "required": ["attributes", "nonce"],
}


def _carrying(
    name: str, of_format: str, *threads: str, may_be: Mapping[str, Schema] | None = None, **further: Schema
) -> Schema:
    """Return the schema of a message with one attachment; `may_be`: members that need not be there."""
    both = _attached(of_format)
    members = {"formats": both["formats"], f"{name}_attach": both["attached"], **further}
    return _message(*threads, required=tuple(members), **members, **(may_be or {}))


_PREVIEW: Final[Schema] = {
    "type": "object",
    "properties": {
        "attributes": {
            "type": "array",
            "minItems": 1,
            "maxItems": 64,
            "items": {"type": "object", "properties": {"name": _TEXT}, "required": ["name"]},
        }
    },
    "required": ["attributes"],
}
_DID: Final[Schema] = {"type": "string", "pattern": r"^did:[a-z0-9]{1,16}:[!-~]+\Z"}
_TRANSACTION: Final[Schema] = {"type": "string", "pattern": r"^[0-9a-f]{64}-[0-9a-f]{32}\Z"}
_PLACE: Final[Schema] = {"type": "string", "pattern": r"^[!-9;-~]{1,80}::[0-9]{1,9}\Z"}
_COMPACT_JWS: Final[Schema] = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9_-]{2,80}\.[A-Za-z0-9_-]{2,80}\.[A-Za-z0-9_-]{2,80}\Z",
}
_ACK: Final[Schema] = _message("thid", required=("status",), status={"enum": ["OK", "FAIL", "PENDING"]})
_PART: Final[Schema] = {"enum": ["values", "decision", "case-file"]}

SCHEMAS: Final[Mapping[str, Schema]] = {
    "didexchange/request": _message(
        "pthid", required=("did",), did=_DID, did_doc_attach={"type": "object", "properties": {"data": _OBJECT}}
    ),
    "didexchange/response": _message(
        "thid",
        required=("did", "did_rotate_attach"),
        did=_DID,
        did_rotate_attach={"type": "object", "properties": {"data": _OBJECT}, "required": ["data"]},
    ),
    "didexchange/complete": _message("thid"),
    "didexchange/problem_report": _message("thid"),
    "out-of-band/handshake-reuse": _message("pthid"),
    "out-of-band/handshake-reuse-accepted": _message("thid"),
    "out-of-band/problem_report": _message("thid"),
    "issue-credential/propose-credential": _message(
        "thid", required=("formats", "filters_attach"), formats={"type": "array"}, filters_attach={"type": "array"}
    ),
    "issue-credential/offer-credential": _carrying("offers", "credential-offer", credential_preview=_PREVIEW),
    "issue-credential/request-credential": _carrying("requests", "credential-request", "thid"),
    "issue-credential/issue-credential": _carrying("credentials", "credential", "thid"),
    "issue-credential/ack": _ACK,
    "issue-credential/problem-report": _message("thid"),
    "present-proof/request-presentation": _carrying(
        "request_presentations", "proof-request", may_be={"may_be_left_out": _LEFT_OUT}
    ),
    "present-proof/presentation": _carrying("presentations", "proof", "thid"),
    "present-proof/ack": _ACK,
    "present-proof/problem-report": _message("thid"),
    "revocation_notification/revoke": _message(required=("credential_id",), credential_id=_PLACE, thread_id=_PLACE),
    "revocation_notification/ack": _ACK,
    "transactions/endorse": _message(
        required=("transaction_id", "signature_response"),
        transaction_id=_TRANSACTION,
        signature_response={"type": "object", "properties": {"signature": _OBJECT}, "required": ["signature"]},
    ),
    "transactions/refuse": _message(required=("transaction_id",), transaction_id=_TRANSACTION),
    "transactions/transaction_my_job": _message(
        required=("job",), job={"enum": ["TRANSACTION_AUTHOR", "TRANSACTION_ENDORSER"]}
    ),
    "notification/ack": _message("thid"),
    "notification/problem-report": _message("thid"),
    "data-erasure/request": _message("thid", required=("signed",), signed=_COMPACT_JWS),
    "data-erasure/answer": _message(
        "thid",
        required=("at", "erased", "kept"),
        at={"type": "string", "pattern": r"^2[0-9]{3}-0[1-9]-0[1-9]T0[0-9]:00:00Z\Z"},
        erased={"type": "array", "items": _PART, "maxItems": 3},
        kept={"type": "array", "maxItems": 0},
    ),
}
"""By protocol and name, since versions do not differ in it."""


def schema_of(kind: str) -> Schema:
    """Return the schema of a message type: "issue-credential/2.0/ack"."""
    protocol, _, name = kind.split("/")
    return SCHEMAS[f"{protocol}/{name}"]


def _content(validator: Any, schema: Schema, value: object, whole: Schema) -> Iterator[ValidationError]:
    if whole.get("contentEncoding") != "base64" or not isinstance(value, str):
        return
    try:
        decoded = base64.b64decode(value, validate=True)
        content = read_strict_json(decoded, max_bytes=1 << 20, max_depth=32)
    except (binascii.Error, ValueError, StrictJsonError) as err:
        yield ValidationError(f"expected JSON in base64: {type(err).__name__}")
        return
    yield from validator.descend(content, schema)


_Validator: Final[Any] = extend(Draft202012Validator, {"contentSchema": _content})


def breaks(schema: Schema, message: object) -> bool:
    """Tell whether a message breaks a rule of its schema, also inside what is attached."""
    return next(_Validator(schema).iter_errors(message), None) is not None


def encoded(content: object) -> str:
    """Return JSON in base64."""
    return base64.b64encode(json.dumps(content).encode("utf-8", "surrogatepass")).decode()
