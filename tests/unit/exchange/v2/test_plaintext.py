"""DIDComm v2 plaintext messages, read strictly."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from wanderbuch.plugins.exchange.v2.plaintext import Plaintext, PlaintextError, new_message

APPENDIX: Final = json.loads(
    (Path(__file__).parents[3] / "vectors" / "didcomm_v2" / "appendix_c.json").read_text(encoding="utf-8")
)
PING: Final = "https://didcomm.org/trust-ping/2.0/ping"
ALICE: Final = "did:example:alice"


def read(members: object, **options: Any) -> Plaintext:
    return Plaintext.read(json.dumps(members).encode(), max_bytes=10_000, **options)


def message(**members: Any) -> dict[str, Any]:
    return {"id": "1", "type": PING, "body": {}, **members}


def test_the_message_of_the_specification_is_read_before_it_expires_and_not_after() -> None:
    plain = read(APPENDIX["plaintext"], now=1516269022)
    assert (plain.sender, plain.to, plain.thid) == (ALICE, ("did:example:bob",), "1234567890")
    assert plain.body == {"messagespecificattribute": "and its value"}
    with pytest.raises(PlaintextError, match="expired"):
        read(APPENDIX["plaintext"], now=1516385931)


def test_what_we_write_is_what_we_read() -> None:
    asked = new_message(PING, {"response_requested": True}, sender=ALICE, to="did:example:bob", pthid="invitation")
    assert Plaintext.read(asked.to_json(), max_bytes=10_000) == asked
    answer = new_message(PING, {}, sender=None, to=ALICE, answers=asked, attachments=[{"data": {"json": {}}}])
    assert Plaintext.read(answer.to_json(), max_bytes=10_000) == answer
    assert (answer.thid, answer.sender) == (asked.id, None)


@pytest.mark.parametrize(
    "members",
    [
        {"id": ""},
        {"id": "a b"},
        {"id": "a" * 129},
        {"id": 7},
        {"thid": "\n"},
        {"pthid": {}},
        {"type": "ping"},
        {"type": "https://didcomm.org/trust-ping/2/ping"},
        {"type": None},
        {"typ": "application/didcomm-encrypted+json"},
        {"from": "alice"},
        {"from": "did:example:alice#key-1"},
        {"from": "did:example:al ice"},
        {"to": "did:example:bob"},
        {"to": ["bob"]},
        {"to": ["did:example:bob"] * 65},
        {"created_time": "yesterday"},
        {"created_time": 1.5},
        {"expires_time": -1},
        {"expires_time": True},
        {"body": []},
        {"body": None},
        {"attachments": {}},
        {"attachments": ["text"]},
        {"attachments": [{}] * 17},
        {"return_route": "some"},
    ],
)
def test_a_header_that_is_not_as_the_specification_has_it_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(PlaintextError) as refusal:
        read(message(**members))
    assert "alice" not in str(refusal.value)


@pytest.mark.parametrize("document", [b"", b"[]", b"7", b'{"id": "1", "id": "2"}', b"\xff", b'{"id": "1"} x', b"null"])
def test_what_is_no_json_object_is_refused(document: bytes) -> None:
    with pytest.raises(PlaintextError):
        Plaintext.read(document, max_bytes=10_000)


def test_headers_that_nobody_here_knows_are_left_out() -> None:
    assert read(message(please_ack=[""], custom={"a": 1})) == read(message())


def test_a_message_that_goes_on_for_an_older_did_is_refused_in_one_line() -> None:
    for claim in ("eyJ0eXAiOiJKV1QifQ.e30.AA", {}, 7):
        with pytest.raises(PlaintextError, match="expected no from_prior"):
            read(message(from_prior=claim))
    assert read(message(from_prior=None)) == read(message())


def test_a_message_counts_as_its_senders_only_if_the_envelope_proves_it() -> None:
    read(message(**{"from": ALICE})).check_sender(ALICE)
    read(message()).check_sender(None)
    for members, proven in (({"from": ALICE}, None), ({"from": ALICE}, "did:example:eve"), ({}, ALICE)):
        with pytest.raises(PlaintextError):
            read(message(**members)).check_sender(proven)
