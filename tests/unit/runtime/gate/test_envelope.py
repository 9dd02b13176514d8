"""Envelopes that people and other software make are opened; what was changed in any part is refused."""

import base64
import json
from collections.abc import Callable
from typing import Any

import base58
import pytest
from acapy_agent.askar.didcomm.v1 import pack_message
from aries_askar import Key, KeyAlg, crypto_box

from wanderbuch.agents.runtime.gate.envelope import MAX_RECIPIENTS, EnvelopeError, decrypt, identify, read_envelope

OURS, THEIRS, OTHERS = (Key.generate(KeyAlg.ED25519) for _ in range(3))
CONTENT = b'{"@type": "x"}'


def verkey(key: Key) -> str:
    return base58.b58encode(key.get_public_bytes()).decode()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def opened(body: bytes) -> tuple[str | None, bytes]:
    """The sender and the content of an envelope to us."""
    envelope = read_envelope(body, max_bytes=100_000)
    recipient = next((recipient for recipient in envelope.recipients if recipient.key == verkey(OURS)), None)
    if recipient is None:  # the change hit the name of our key; the gate says the same
        raise EnvelopeError("no recipient of the envelope is a key of ours")
    identified = identify(recipient, OURS)
    return identified.sender, decrypt(envelope, identified)


def changed(change: Callable[[dict[str, Any], dict[str, Any]], None], *, anonymous: bool = False) -> bytes:
    """An envelope in which something was changed: outside, or in its protected header."""
    outside = json.loads(pack_message([verkey(OURS)], None if anonymous else THEIRS, CONTENT))
    protected = outside["protected"]
    header = json.loads(base64.urlsafe_b64decode(protected + "=" * (-len(protected) % 4)))
    before = json.dumps(header)
    change(outside, header)
    if json.dumps(header) != before:
        outside["protected"] = b64(json.dumps(header).encode())
    return json.dumps(outside).encode()


def test_opens_what_another_implementation_packed() -> None:
    assert opened(pack_message([verkey(OURS)], THEIRS, CONTENT)) == (verkey(THEIRS), CONTENT)
    assert opened(pack_message([verkey(OTHERS), verkey(OURS)], THEIRS, CONTENT)) == (verkey(THEIRS), CONTENT)
    assert opened(pack_message([verkey(OURS)], None, CONTENT)) == (None, CONTENT)


def test_unchanged_is_opened_and_padding_does_not_matter() -> None:
    assert opened(changed(lambda outside, header: None))[1] == CONTENT
    assert opened(changed(lambda outside, header: outside.update(iv=outside["iv"] + "=")))[1] == CONTENT


def test_a_sender_cannot_write_another_in_its_place() -> None:
    """The content's key must come from whoever is named as the sender."""

    def name_another(_: dict[str, Any], header: dict[str, Any]) -> None:
        ours = OURS.convert_key(KeyAlg.X25519)
        sealed = crypto_box.crypto_box_seal(ours, verkey(OTHERS).encode())
        header["recipients"][0]["header"]["sender"] = b64(sealed)

    with pytest.raises(EnvelopeError):
        opened(changed(name_another))


def test_what_is_called_authcrypt_names_its_sender() -> None:
    def call_it_so(_: dict[str, Any], header: dict[str, Any]) -> None:
        header["alg"] = "Authcrypt"

    with pytest.raises(EnvelopeError):
        opened(changed(call_it_so, anonymous=True))


def test_what_is_called_anoncrypt_has_no_sender() -> None:
    """Whatever stands in its place."""

    def call_it_so(_: dict[str, Any], header: dict[str, Any]) -> None:
        header["alg"] = "Anoncrypt"

    with pytest.raises(EnvelopeError):
        opened(changed(call_it_so))


@pytest.mark.parametrize("name", ["iv", "ciphertext", "tag", "protected"])
def test_a_changed_part_is_refused(name: str) -> None:
    def flip(outside: dict[str, Any], _: dict[str, Any]) -> None:
        text = outside[name]
        middle = len(text) // 2
        outside[name] = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]

    with pytest.raises(EnvelopeError):
        opened(changed(flip))


@pytest.mark.parametrize("value", [None, 7, True, [], {}, ["x"], {"a": 1}, "", "é", "$$$", "x" * 70_000])
@pytest.mark.parametrize("where", ["protected", "iv", "ciphertext", "tag", "alg", "enc", "recipients"])
def test_a_part_of_another_kind_is_refused(where: str, value: object) -> None:
    def put(outside: dict[str, Any], header: dict[str, Any]) -> None:
        (outside if where in outside else header)[where] = value

    with pytest.raises(EnvelopeError):
        opened(changed(put))


@pytest.mark.parametrize("value", [None, 7, True, [], {}, ["x"], "", "é", "$$$"])
@pytest.mark.parametrize("where", ["kid", "sender", "iv", "encrypted_key", "header", "recipient"])
def test_a_recipient_of_another_kind_is_refused(where: str, value: object) -> None:
    def put(_: dict[str, Any], header: dict[str, Any]) -> None:
        recipient = header["recipients"][0]
        if where == "recipient":
            header["recipients"] = [value]
        else:
            (recipient if where in recipient else recipient["header"])[where] = value

    with pytest.raises((EnvelopeError, StopIteration)):  # the second: none of the recipients is ours
        opened(changed(put))


def test_more_recipients_than_anybody_needs_are_refused_and_no_key_is_used() -> None:
    keys = [verkey(Key.generate(KeyAlg.ED25519)) for _ in range(MAX_RECIPIENTS)]
    assert len(read_envelope(pack_message(keys, THEIRS, CONTENT), max_bytes=100_000).recipients) == MAX_RECIPIENTS
    with pytest.raises(EnvelopeError, match="1 to 10 recipients"):
        read_envelope(pack_message([*keys, verkey(OURS)], THEIRS, CONTENT), max_bytes=100_000)


def test_a_recipient_that_stands_twice_is_refused() -> None:
    with pytest.raises(EnvelopeError):
        read_envelope(pack_message([verkey(OURS), verkey(OURS)], THEIRS, CONTENT), max_bytes=100_000)


@pytest.mark.parametrize("body", [b"", b"7", b"null", b"[]", b"{}", b"\xff", b"[" * 50_000, b'{"a":' * 50_000])
def test_what_is_no_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(EnvelopeError):
        read_envelope(body, max_bytes=1_000_000)


def test_a_member_that_stands_twice_is_refused() -> None:
    body = pack_message([verkey(OURS)], THEIRS, CONTENT)
    with pytest.raises(EnvelopeError):
        read_envelope(body[:-1] + b', "tag": "x"}', max_bytes=100_000)
