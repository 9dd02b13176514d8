"""Envelopes in as few bytes as they have (ADR 120): the same text comes out, or it is left alone."""

import base64
import json
import os
from typing import Any

import base58
import pytest
from aries_askar import Key, KeyAlg

from wanderbuch.agents.runtime.gate.envelope import decrypt, identify, read_envelope
from wanderbuch.agents.runtime.gate.received import Received, ReceivedError
from wanderbuch.plugins.exchange.attached import (
    AttachedError,
    attach,
    decode_attached,
    read_attached,
    with_packed_numbers,
)
from wanderbuch.plugins.exchange.compact import compacted, expanded, is_compact
from wanderbuch.plugins.exchange.packed_numbers import packed, unpacked
from wanderbuch.plugins.exchange.packing import pack

OURS, THEIRS = Key.generate(KeyAlg.ED25519), Key.generate(KeyAlg.ED25519)
TO = base58.b58encode(THEIRS.get_public_bytes()).decode()
MESSAGE = {"@type": "https://didcomm.org/x/1.0/y", "@id": "1", "words": "w" * 200}
NUMBERS = ["1" + "0" * 23, "9" * 617, "7" * 4_000]


def read(envelope: bytes) -> Received:
    outside = read_envelope(envelope, max_bytes=1 << 20)
    return Received.read(decrypt(outside, identify(outside.recipients[0], THEIRS)), max_bytes=1 << 20)


@pytest.mark.parametrize("routed", [False, True], ids=["authenticated", "anonymous"])
def test_an_envelope_comes_out_the_same_from_less(*, routed: bool) -> None:
    envelope = pack(MESSAGE, to=TO, own=OURS, routing_keys=[TO] if routed else [])
    frame = compacted(envelope)
    assert is_compact(frame)
    assert not is_compact(envelope)
    assert len(frame) < 0.7 * len(envelope)
    assert expanded(frame) == envelope
    assert compacted(frame) == frame  # no envelope as text
    assert expanded(envelope) == envelope
    unpadded = json.dumps(
        {name: text.rstrip("=") for name, text in json.loads(envelope).items()}, separators=(",", ":")
    ).encode()
    assert expanded(compacted(unpadded)) == unpadded


@pytest.mark.parametrize("change", ["order", "blank", "further", "two", "typ", "digits", "no json", "list"])
def test_what_would_come_out_otherwise_is_left_alone(change: str) -> None:
    outside = json.loads(pack(MESSAGE, to=TO, own=OURS))
    header = json.loads(base64.urlsafe_b64decode(outside["protected"]))
    other: Any = outside
    match change:
        case "order":
            other = dict(reversed(outside.items()))
        case "further":
            other = {**outside, "more": 1}
        case "two":
            header["recipients"] *= 2
        case "typ":
            header["typ"] = "JWM/1.1"
        case "digits":
            outside["ciphertext"] += "="
        case "list":
            other = [outside]
    if change in {"two", "typ"}:
        outside["protected"] = base64.urlsafe_b64encode(json.dumps(header, separators=(",", ":")).encode()).decode()
    text = (
        b"no"
        if change == "no json"
        else json.dumps(other, separators=(", ", ":") if change == "blank" else (",", ":")).encode()
    )
    assert compacted(text) == text


def test_a_frame_that_is_cut_short_is_none() -> None:
    frame = compacted(pack(MESSAGE, to=TO, own=OURS))
    for length in (1, 2, 33, 34, 81, 82, 83, 180, 215):
        with pytest.raises(ValueError, match="expected"):
            expanded(frame[:length])
    with pytest.raises(ValueError, match="flags"):
        expanded(b"\x01\x04" + frame[2:])


def test_what_follows_a_message_comes_with_it_and_any_zero_ends_the_message() -> None:
    tail = b"\x00\x01" + os.urandom(40)
    received = read(pack(MESSAGE, to=TO, own=OURS, tail=tail))
    assert (received.members["words"], received.tail) == ("w" * 200, tail)
    assert received.size == len(json.dumps(MESSAGE, separators=(",", ":"))) + 1 + len(tail)
    assert read(pack(MESSAGE, to=TO, own=OURS)).tail == b""
    with pytest.raises(ReceivedError):
        Received.read(b'{"@type": "x"\0, "@id": "1"}', max_bytes=1_000)


def test_numbers_are_packed_and_come_out_as_they_were() -> None:
    proof = {
        "numbers": NUMBERS,
        "short": ["1" * 23, "0" + "1" * 40, "-" + "1" * 40, "8" * 4_001, "1" * 30 + "\n"],
        "bytes": [list(range(256)), list(range(15)), [*range(16), 256], [*range(16), True], [0] * 16],
        "marks": ["#", "#n", "##x", "#nAAAA", "text"],
        "9" * 30: {"deep": [{"n": NUMBERS[1]}]},
        "others": [None, True, 7, {}],
    }
    told = packed(proof)
    assert unpacked(told) == proof
    assert json.dumps(unpacked(told)) == json.dumps(proof)  # in the same order
    assert told["numbers"][1].startswith("#n")
    assert len(told["numbers"][1]) < 0.6 * 617
    assert told["short"] == proof["short"]
    assert [type(item) for item in told["bytes"]] == [str, list, list, list, str]
    tail = bytearray()
    followed = packed(proof, tail)
    assert followed["numbers"][1] == f"#N10,{len(int(NUMBERS[1]).to_bytes(257).lstrip(bytes(1)))}"
    assert len(tail) < 3_000


@pytest.mark.parametrize("wrong", ["#", "#x", "#n!", "#nA", "#b!", "#N0,1", "#n" + "_" * 2_300])
def test_refuses_what_is_not_packed_so(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"packed|base64|[Ii]nvalid"):
        unpacked({"proof": [wrong]})
    formats = attach("{}", attach_id="a", of_format="f", name="x~attach")
    message = {**formats, "x~attach": [{"@id": "a", "data": {"packed": {"proof": wrong}}}]}
    with pytest.raises(AttachedError, match="packed"):
        read_attached(message, "x~attach", of_format="f", max_bytes=10_000)


def test_what_is_attached_is_packed_for_who_takes_that_and_read_as_it_was() -> None:
    text = json.dumps({"proof": NUMBERS, "name": "#1"}, separators=(",", ":"))
    message = {
        "@id": "1",
        **attach(text, attach_id="a", of_format="f", name="x~attach"),
        "plain~attach": {"data": {"base64": "e30="}},
    }
    signed = {"data": {"base64": "e30=", "jws": {}}}
    told, tail = with_packed_numbers({**message, "did_rotate~attach": [signed]})
    assert len(json.dumps(told)) + len(tail) < 0.6 * len(json.dumps(message))
    assert told["did_rotate~attach"] == [signed]
    assert told["plain~attach"] == message["plain~attach"]
    inline = {"@id": "a", "data": {"packed": packed(json.loads(text))}}
    assert decode_attached(inline, "x", max_bytes=10_000).text == text
    with pytest.raises(AttachedError, match="at most"):
        decode_attached(inline, "x", max_bytes=1_000)  # of what it becomes
