"""The wallet's envelopes against those of ACA-Py (Askar) and of our agents: what one makes the other opens.

What is not as it must be is refused by both.
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import base58
import pytest
from acapy_agent.askar.didcomm.v1 import pack_message
from aries_askar import Key, KeyAlg, crypto_box
from tests.unit.wallet.wallet_process import WalletProcess, WalletRefusedError

from wanderbuch.agents.runtime.gate.envelope import EnvelopeError, decrypt, identify, read_envelope
from wanderbuch.plugins.exchange.attached import attach, decode_attached, with_packed_numbers
from wanderbuch.plugins.exchange.compact import compacted, expanded
from wanderbuch.plugins.exchange.packed_numbers import packed, unpacked
from wanderbuch.plugins.exchange.packing import pack
from wanderbuch.strict_json import StrictJsonError, read_strict_json

SEEDS: Final = [bytes([number]) * 32 for number in (1, 2, 3)]
OURS, THEIRS, OTHERS = (Key.from_secret_bytes(KeyAlg.ED25519, seed) for seed in SEEDS)
CONTENT: Final = '{"@type": "x", "word": "ශ්‍රී 🦆"}'

type Json = dict[str, Any]


def verkey(key: Key) -> str:
    return base58.b58encode(key.get_public_bytes()).decode()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def opened(wallet: WalletProcess, envelope: bytes) -> tuple[str | None, str]:
    answer = wallet.call("unpack", envelope=b64(envelope), seeds=[b64(SEEDS[0])])
    assert answer["to"] == verkey(OURS)
    return answer["from"], answer["content"]


def opened_by_agents(envelope: bytes) -> tuple[str | None, str]:
    outside = read_envelope(envelope, max_bytes=1 << 20)
    recipient = next((recipient for recipient in outside.recipients if recipient.key == verkey(OURS)), None)
    if recipient is None:
        raise EnvelopeError("no recipient of the envelope is a key of ours")
    inside = identify(recipient, OURS)
    return inside.sender, decrypt(outside, inside).decode()


def both_refuse(wallet: WalletProcess, envelope: bytes) -> None:
    with pytest.raises(WalletRefusedError):
        opened(wallet, envelope)
    with pytest.raises((EnvelopeError, UnicodeDecodeError)):
        opened_by_agents(envelope)


def sender_words(envelope: bytes) -> str:
    header = json.loads(base64.urlsafe_b64decode(json.loads(envelope)["protected"]))
    sender: str = header["recipients"][0]["header"]["sender"]
    return sender


def changed(change: Callable[[Json, Json], None], *, anonymous: bool = False, own: Key = THEIRS) -> bytes:
    outside = json.loads(pack_message([verkey(OURS)], None if anonymous else own, CONTENT.encode()))
    protected = outside["protected"]
    header = json.loads(base64.urlsafe_b64decode(protected + "=" * (-len(protected) % 4)))
    before = json.dumps(header)
    change(outside, header)
    if json.dumps(header) != before:
        outside["protected"] = b64(json.dumps(header).encode())
    return json.dumps(outside).encode()


def test_the_wallet_opens_what_others_pack(wallet: WalletProcess) -> None:
    content = CONTENT.encode()
    assert opened(wallet, pack_message([verkey(OURS)], THEIRS, content)) == (verkey(THEIRS), CONTENT)
    assert opened(wallet, pack_message([verkey(OTHERS), verkey(OURS)], THEIRS, content)) == (verkey(THEIRS), CONTENT)
    assert opened(wallet, pack_message([verkey(OURS)], None, content)) == (None, CONTENT)
    assert opened(wallet, pack({"x": 1}, to=verkey(OURS), own=THEIRS)) == (verkey(THEIRS), '{"x":1}')
    assert opened(wallet, changed(lambda outside, header: outside.update(iv=outside["iv"] + "=")))[1] == CONTENT
    long = "x" * 300_000
    assert opened(wallet, pack_message([verkey(OURS)], THEIRS, long.encode())) == (verkey(THEIRS), long)


def test_known_envelopes_stay_readable(wallet: WalletProcess) -> None:
    known = json.loads(Path(__file__).with_name("known_envelopes.json").read_text())
    for name, sender in (("authcrypt", verkey(THEIRS)), ("anoncrypt", None)):
        assert opened(wallet, json.dumps(known[name]).encode()) == (sender, known["content"])


def test_others_open_what_the_wallet_packs(wallet: WalletProcess) -> None:
    for seed, sender in ((b64(SEEDS[1]), verkey(THEIRS)), (None, None)):
        for content in (CONTENT, "", "x" * 100_000):
            envelope = wallet.call("pack", content=content, to=verkey(OURS), seed=seed)
            assert opened_by_agents(envelope.encode()) == (sender, content)
            assert opened(wallet, envelope.encode()) == (sender, content)


def test_no_envelope_is_like_another(wallet: WalletProcess) -> None:
    told = {"content": CONTENT, "to": verkey(OURS), "seed": b64(SEEDS[1])}
    one, other = (json.loads(wallet.call("pack", **told)) for _ in range(2))
    assert all(one[name] != other[name] for name in ("protected", "iv", "ciphertext", "tag"))


def test_keys(wallet: WalletProcess) -> None:
    assert wallet.call("key", seed=b64(SEEDS[0])) == verkey(OURS)
    signature = wallet.call("signature", seed=b64(SEEDS[0]), message="hello")
    assert base64.urlsafe_b64decode(signature + "==") == OURS.sign_message(b"hello")
    # RFC 8032 §7.1, test 1, as did:key
    known = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    did = wallet.call("did_key", verkey=base58.b58encode(known).decode())
    assert did == "did:key:z" + base58.b58encode(b"\xed\x01" + known).decode()
    body = did.removeprefix("did:key:")
    for text in (did, f"{did}#{body}", base58.b58encode(known).decode()):
        assert wallet.call("any_key", text=text) == base58.b58encode(known).decode()
    x25519 = "did:key:z" + base58.b58encode(b"\xec\x01" + known).decode()
    for text in ("", "did:key:", f"{did}#", f"{did}#other", f"{did}#{body}#{body}", x25519, did[:-1], "1" * 31, "0OIl"):
        with pytest.raises(WalletRefusedError):
            wallet.call("any_key", text=text)
    assert wallet.call("shown_key", seed=b64(SEEDS[0])) == [
        "[secret key]",
        "a secret key is sealed, not written as JSON",
    ]


def test_who_sends_is_proven(wallet: WalletProcess) -> None:
    """The content's key must come from whoever is named as the sender; anonymous and authenticated are not mixed up."""

    def name_another(_: Json, header: Json) -> None:
        sealed = crypto_box.crypto_box_seal(OURS.convert_key(KeyAlg.X25519), verkey(OTHERS).encode())
        header["recipients"][0]["header"]["sender"] = b64(sealed)

    def name_nothing(_: Json, header: Json) -> None:
        sealed = crypto_box.crypto_box_seal(OURS.convert_key(KeyAlg.X25519), b"1" * 32)  # of low order
        header["recipients"][0]["header"]["sender"] = b64(sealed)

    both_refuse(wallet, changed(name_another))
    both_refuse(wallet, changed(name_nothing))
    both_refuse(wallet, changed(lambda _, header: header.update(alg="Authcrypt"), anonymous=True))
    both_refuse(wallet, changed(lambda _, header: header.update(alg="Anoncrypt")))


def test_who_names_themselves_in_the_same_words_is_known_by_them_and_nobody_else_is(wallet: WalletProcess) -> None:
    made = [pack({"@type": "x"}, to=verkey(OURS), own=THEIRS, is_between_us=is_ours) for is_ours in (True, True, False)]
    first, second, other = map(sender_words, made)
    assert first == second
    assert other not in (first, sender_words(pack({"@type": "x"}, to=verkey(OURS), own=THEIRS)))

    def with_words_of_theirs(_: Json, header: Json) -> None:
        header["recipients"][0]["header"]["sender"] = first

    (theirs, others) = (pack_message([verkey(OURS)], own, CONTENT.encode()) for own in (THEIRS, OTHERS))
    stolen = changed(with_words_of_theirs, own=OTHERS)
    envelopes = [b64(envelope) for envelope in (*made, stolen, theirs, others, made[0])]
    by = verkey(THEIRS)
    opened_in_turn = wallet.call("unpack_in_turn", envelopes=envelopes, seed=b64(SEEDS[0]))
    assert opened_in_turn == [by, by, by, "check_failed", by, verkey(OTHERS), by]


def test_a_changed_part_is_refused(wallet: WalletProcess) -> None:
    for name in ("iv", "ciphertext", "tag", "protected"):

        def flip(outside: Json, _: Json, name: str = name) -> None:
            text = outside[name]
            middle = len(text) // 2
            outside[name] = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]

        both_refuse(wallet, changed(flip))


def test_a_part_of_another_kind_is_refused(wallet: WalletProcess) -> None:
    values = (None, 7, True, [], {}, ["x"], {"a": 1}, "", "é", "$$$", "x" * 70_000, "AAAA")
    for where in ("protected", "iv", "ciphertext", "tag", "alg", "enc", "recipients"):
        for value in values:

            def put(outside: Json, header: Json, where: str = where, value: object = value) -> None:
                (outside if where in outside else header)[where] = value

            both_refuse(wallet, changed(put))
    for where in ("kid", "sender", "iv", "encrypted_key", "header", "recipient"):
        for value in values:

            def place(_: Json, header: Json, where: str = where, value: object = value) -> None:
                recipient = header["recipients"][0]
                if where == "recipient":
                    header["recipients"] = [value]
                else:
                    (recipient if where in recipient else recipient["header"])[where] = value

            both_refuse(wallet, changed(place))


def test_what_is_no_envelope_is_refused(wallet: WalletProcess) -> None:
    for body in (b"", b"7", b"null", b"[]", b"{}", b"\xff", b"[" * 50_000, b'{"a":' * 50_000, b"\xef\xbb\xbf{}"):
        both_refuse(wallet, body)
    body = pack_message([verkey(OURS)], THEIRS, CONTENT.encode())
    both_refuse(wallet, body[:-1] + b', "tag": "x"}')
    both_refuse(wallet, pack_message([verkey(OTHERS)], THEIRS, CONTENT.encode()))
    both_refuse(wallet, pack_message([verkey(OURS), verkey(OURS)], THEIRS, CONTENT.encode()))
    many = [verkey(Key.generate(KeyAlg.ED25519)) for _ in range(10)]
    both_refuse(wallet, pack_message([*many, verkey(OURS)], THEIRS, CONTENT.encode()))
    both_refuse(wallet, pack_message([verkey(OURS)], THEIRS, b"x" * (1 << 20)))
    both_refuse(wallet, pack_message([verkey(OURS)], THEIRS, b"\xff"))


def test_json_is_read_as_strictly_as_by_our_agents(wallet: WalletProcess) -> None:
    documents = [
        *('{"a":1,"b":[true,false,null,"x",-1,0]}', " [ ] ", '"\\ud83e\\udd86"', '{"__proto__":{"a":1}}', "[[[]]]"),
        *('{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '"\\ud800"', "9007199254740991", "9007199254740992", "1e3", "1.5"),
        *("-0", "01", "1.", "+1", ".5", "NaN", "Infinity", "-", "[1,]", '{"a":1,}', "[1 2]", "{} {}", "'a'", "tru"),
        *('"\t"', '"\\x"', "\xa0[]", "\x0c[]", "[" * 20 + "]" * 20, "[" * 21 + "]" * 21, "1" + "0" * 80, "1e999"),
        *("", " ", '{"a"}', "{1:2}", "[", '"', '{"a":{"b":1},"b":{"a":1,"b":2}}', "\x00", "[1]\x00", "/**/1"),
    ]
    for document in documents:
        for fractions in (False, True):
            received = document.encode()
            try:
                expected = read_strict_json(received, max_bytes=100_000, max_depth=20, fractions=fractions)
            except StrictJsonError:
                with pytest.raises(WalletRefusedError):
                    wallet.call("strict_json", document=b64(received), fractions=fractions)
            else:
                answer = wallet.call("strict_json", document=b64(received), fractions=fractions)
                assert json.loads(answer) == expected, document


def test_both_make_the_same_of_an_envelope_between_wallet_and_mediator(wallet: WalletProcess) -> None:
    ours = pack({"@type": "x", "@id": "1"}, to=verkey(OURS), own=THEIRS)
    routed = pack({"@type": "x", "@id": "1"}, to=verkey(OURS), own=THEIRS, routing_keys=[verkey(OTHERS)])
    theirs = wallet.call("pack", content=CONTENT, to=verkey(OURS), seed=b64(SEEDS[1])).encode()
    stock = pack_message([verkey(OURS)], THEIRS, CONTENT.encode())
    for envelope in (ours, routed, theirs, stock, b'{"no": "envelope"}'):
        frame = compacted(envelope)
        assert wallet.call("compacted", envelope=envelope.decode()) == b64(frame)
        assert wallet.call("expanded", frame=b64(frame)).encode() == expanded(frame) == envelope
    assert compacted(ours)[:1] == compacted(theirs)[:1] == b"\x01"
    for broken in (compacted(ours)[:100], b"\x01", b"\x01\x09" + compacted(ours)[2:]):
        with pytest.raises(WalletRefusedError):
            wallet.call("expanded", frame=b64(broken))


def test_what_follows_a_message_is_opened_with_it(wallet: WalletProcess) -> None:
    tail = b"\x00\xff" + bytes(range(40))
    envelope = pack({"@type": "x", "@id": "1"}, to=verkey(OURS), own=THEIRS, tail=tail)
    told = wallet.call("with_tail", envelope=b64(envelope), seeds=[b64(SEEDS[0])])
    assert (json.loads(told["content"]), told["tail"]) == ({"@type": "x", "@id": "1"}, b64(tail))
    theirs = wallet.call("with_tail", content='{"@id":"2"}', to=verkey(OURS), seed=b64(SEEDS[1]), tail=b64(tail))
    assert opened_by_agents_raw(theirs.encode()) == b'{"@id":"2"}\0' + tail


def opened_by_agents_raw(envelope: bytes) -> bytes:
    outside = read_envelope(envelope, max_bytes=1 << 20)
    return decrypt(outside, identify(outside.recipients[0], OURS))


def test_both_pack_numbers_alike(wallet: WalletProcess) -> None:
    value = {
        "n": ["1" + "0" * 23, "9" * 617, "7" * 4_000, "8" * 4_001, "0" + "1" * 40, "-" + "1" * 40],
        "b": [list(range(256)), list(range(15)), [*range(16), 256], [0] * 16],
        "m": ["#", "#n", "##x", "word"],
        "o": [None, True, 7, {"deep": ["5" * 77]}],
    }
    told = packed(value)
    assert json.loads(wallet.call("packed", value=value)) == told
    assert json.loads(wallet.call("unpacked", value=told)) == value == unpacked(told)
    for wrong in ("#", "#x", "#n!", "#b!", "#N0,1", "#n" + "_" * 2_300):
        with pytest.raises(WalletRefusedError):
            wallet.call("unpacked", value=[wrong])


def test_numbers_that_follow_a_message_come_to_stand_in_it(wallet: WalletProcess) -> None:
    text = json.dumps({"n": ["9" * 617, "8" * 300], "b": [7] * 20}, separators=(",", ":"))
    message = {"@id": "#N0,1", **attach(text, attach_id="a", of_format="f", name="x~attach")}
    told, tail = with_packed_numbers(message)
    inlined = json.loads(wallet.call("inlined", message=told, tail=b64(tail)))
    assert inlined["@id"] == "#N0,1"  # nobody's own words
    assert decode_attached(inlined["x~attach"][0], "x", max_bytes=10_000).text == text
    twice = {**told, "y~attach": told["x~attach"]}  # few bytes would become many
    for wrong, cut in ((told, tail[:-1]), (told, b""), (twice, tail)):
        with pytest.raises(WalletRefusedError):
            wallet.call("inlined", message=wrong, tail=b64(cut))
