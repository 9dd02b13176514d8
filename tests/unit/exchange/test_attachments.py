import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from wanderbuch.plugins.exchange import credential_messages, proof_messages
from wanderbuch.plugins.exchange.attached import AttachedError
from wanderbuch.plugins.exchange.attachments import AttachmentError, check_attachments

TWICE = b'{"nonce": "1", "nonce": "2"}'
DEEP = b"[" * 100_000 + b"]" * 100_000
GOOD = b'{"nonce": "1"}'


def attached(content: bytes, **data: Any) -> list[dict[str, Any]]:
    return [{"@id": "a", "data": {"base64": base64.b64encode(content).decode(), **data}}]


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@pytest.mark.parametrize("name", ["offers~attach", "requests~attach", "did_doc~attach", "anything~attach"])
def test_refuses_what_is_attached_and_not_strict_json(name: str) -> None:
    check_attachments({name: attached(GOOD)})
    check_attachments({name: attached(GOOD)[0]})  # did_doc~attach is one, not a list
    for content, words in (
        (TWICE, "twice"),
        (DEEP, "nesting"),
        (b"{", "line 1"),
        (b"\xff", "UTF-8"),
        (b"NaN", "NaN"),
    ):
        for listed in (attached(content), attached(content)[0]):
            with pytest.raises(AttachmentError, match=words):
                check_attachments({name: listed})


def test_refuses_what_is_attached_to_an_attached_message() -> None:
    inner = {"@type": "x", "offers~attach": attached(TWICE)}
    for data in ({"json": inner}, {"base64": base64.b64encode(json.dumps(inner).encode()).decode()}):
        with pytest.raises(AttachmentError, match=r"'offers~attach'.*twice"):
            check_attachments({"requests~attach": [{"@id": "a", "data": data}]})


def test_refuses_signed_headers_that_are_not_strict_json() -> None:
    header = {"jws": {"header": {"kid": "k"}, "protected": encoded(GOOD), "signature": "s"}}
    check_attachments({"did_doc~attach": attached(GOOD, **header)[0]})
    header["jws"]["protected"] = encoded(b'{"alg": "EdDSA", "alg": "none"}')
    with pytest.raises(AttachmentError, match="twice"):
        check_attachments({"did_doc~attach": attached(GOOD, **header)[0]})
    with pytest.raises(AttachmentError, match="twice"):
        check_attachments({"did_doc~attach": attached(GOOD, jws={"signatures": [header["jws"]]})[0]})


def test_refuses_base64_that_aca_py_would_read_as_something_else() -> None:
    content = b'{"nonce": "???>>>"}'
    assert "/" in base64.b64encode(content).decode()
    check_attachments({"offers~attach": attached(content)})
    for text in (encoded(content), "e30*", "e3 0=", "e\n30", "é"):
        with pytest.raises(AttachmentError, match="base64"):
            check_attachments({"offers~attach": [{"@id": "a", "data": {"base64": text}}]})


def test_refuses_very_many_attachments_and_very_large_ones() -> None:
    with pytest.raises(AttachmentError, match="at most 32"):
        check_attachments({"offers~attach": attached(GOOD) * 33})
    with pytest.raises(AttachmentError, match="bytes"):
        check_attachments({"offers~attach": attached(b" " * 3_000_000)})


@pytest.mark.parametrize("message", [{}, {"offers~attach": None}, {"offers~attach": [None, 1, "x", {}, {"data": 7}]}])
def test_what_has_another_form_is_left_to_the_message_itself(message: dict[str, Any]) -> None:
    check_attachments(message)


def test_what_is_no_json_by_its_specification_is_left_alone() -> None:
    check_attachments({"did_rotate~attach": attached(b"did:peer:4zQm")[0]})


@pytest.mark.parametrize(
    ("read", "name", "format_"),
    [
        (credential_messages.read_offer_message, "offers~attach", "anoncreds/credential-offer@v1.0"),
        (credential_messages.read_request_message, "requests~attach", "anoncreds/credential-request@v1.0"),
        (credential_messages.read_issue_message, "credentials~attach", "anoncreds/credential@v1.0"),
        (proof_messages.read_request_message, "request_presentations~attach", "anoncreds/proof-request@v1.0"),
    ],
)
def test_what_is_attached_is_read_strictly_again(read: Callable[[Any], object], name: str, format_: str) -> None:
    message = {
        "credential_preview": {"attributes": [{"name": "a", "value": "b"}]},
        "formats": [{"attach_id": "a", "format": format_}],
    }
    read({**message, name: attached(GOOD)})
    for content in (TWICE, DEEP):
        with pytest.raises(AttachedError):
            read({**message, name: attached(content)})
