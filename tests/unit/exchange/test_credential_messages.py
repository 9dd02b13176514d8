"""Messages of issue-credential 2.0: what we make we can read, and what is not strict is not read."""

import base64
import json
from typing import Any

import pytest

from wanderbuch.plugins.exchange.attached import AttachedError
from wanderbuch.plugins.exchange.credential_messages import (
    issue_message,
    offer_message,
    read_issue_message,
    read_offer_message,
    read_request_message,
    request_message,
)

OFFER = offer_message(message_id="1.o", invitation_id="1", values={"a": "x"}, offer_json='{"nonce": "1"}')
REQUEST = request_message(thread_id="1.o", request_json='{"nonce": "2"}')
ISSUE = issue_message(thread_id="1.o", credential_json='{"values": {}}')
READERS = {"offers~attach": read_offer_message, "requests~attach": read_request_message}
READERS |= {"credentials~attach": read_issue_message}
MESSAGES = {"offers~attach": OFFER, "requests~attach": REQUEST, "credentials~attach": ISSUE}


def with_content(name: str, content: bytes) -> dict[str, Any]:
    message = json.loads(json.dumps(MESSAGES[name]))
    message[name][0]["data"] = {"base64": base64.b64encode(content).decode()}
    return dict(message)


@pytest.mark.parametrize("name", MESSAGES)
def test_reads_what_we_make(name: str) -> None:
    read: Any = READERS[name](MESSAGES[name])
    attached = getattr(read, "offer", read)
    assert json.loads(attached.text) == attached.content
    assert MESSAGES[name]["~thread"].get("thid", MESSAGES[name]["@id"]) == "1.o"


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize(
    "content",
    [b'{"nonce": "1", "nonce": "2"}', b"[" * 100_000 + b"]" * 100_000, b"[]", b"1", b"\xff", b"", b'{"a": NaN}'],
    ids=["twice", "deep", "a list", "a number", "no text", "nothing", "no number"],
)
def test_refuses_what_is_not_one_strict_object(name: str, content: bytes) -> None:
    with pytest.raises(AttachedError):
        READERS[name](with_content(name, content))


@pytest.mark.parametrize("name", MESSAGES)
def test_refuses_other_formats_two_attachments_and_none(name: str) -> None:
    good = json.loads(json.dumps(MESSAGES[name]))
    for change in (
        {"formats": []},
        {name: []},
        {"formats": good["formats"] * 2, name: good[name] * 2},
        {"formats": [good["formats"][0] | {"format": "hlindy/cred-req@v2.0"}]},
        {"formats": [good["formats"][0] | {"attach_id": "other"}]},
        {name: None},
        {"formats": "x"},
    ):
        with pytest.raises(AttachedError):
            READERS[name](good | change)
