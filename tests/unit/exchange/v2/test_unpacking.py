"""What may be in which envelope, and who is proven by it (DIDComm Messaging 2.1 §Addressing Consistency)."""

import json
from contextlib import suppress
from typing import Any, Final

import pytest
from aries_askar import Key, KeyAlg
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.exchange.v2.signing import Signer, public

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.v2 import plaintext, unpacking
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey, anoncrypt, authcrypt
from wanderbuch.plugins.exchange.v2.jwe import read_jwe
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext
from wanderbuch.plugins.exchange.v2.unpacking import OwnAgreementKey, Unpacked, unpack
from wanderbuch.strict_json import read_strict_json

MAX: Final = 100_000
BOB: Final = "did:example:bob"
BOBS: Final = AgreementKey(f"{BOB}#1", Key.generate(KeyAlg.X25519))
BOBS_PUBLIC: Final = AgreementKey(BOBS.kid, public(BOBS.key))
ALICE, MALLORY = Signer(), Signer("did:example:mallory")


def message(**members: Any) -> bytes:
    told = {"id": "1", "type": "https://didcomm.org/trust-ping/2.0/ping", "from": ALICE.did, "to": [BOB], **members}
    return json.dumps({name: value for name, value in told.items() if value is not None}).encode()


def hidden(content: bytes) -> bytes:
    return anoncrypt(content, to=[BOBS_PUBLIC])


def proven(content: bytes, by: Signer = ALICE) -> bytes:
    return authcrypt(content, to=[BOBS_PUBLIC], own=by.agreement)


async def opened(body: bytes, *people: Signer) -> Unpacked:
    """Open an envelope as Bob, who knows Alice, Mallory and these people."""
    documents = {person.did: person.contact for person in (ALICE, MALLORY, *people)}

    async def contact_of(did: str) -> V2Contact:
        if did not in documents:
            raise ExchangeError("expected somebody whom Bob knows")
        return documents[did]

    jwe = read_jwe(body, max_bytes=MAX)
    return await unpack(jwe, OwnAgreementKey(jwe.recipients[0], BOBS.key), contact_of, max_bytes=MAX)


@pytest.mark.parametrize("algorithm", [KeyAlg.ED25519, KeyAlg.P256, KeyAlg.K256])
async def test_who_signed_is_proven_inside_either_envelope(algorithm: KeyAlg) -> None:
    carol = Signer("did:example:carol", algorithm)
    signed = carol.signed(message(**{"from": carol.did}))
    for body in (hidden(signed), proven(signed, carol)):
        unpacked = await opened(body, carol)
        assert unpacked.sender is not None
        assert (unpacked.sender.did, unpacked.message.sender, unpacked.message.id) == (carol.did, carol.did, "1")


async def test_a_signed_message_in_two_envelopes_is_refused() -> None:
    """The specification: this combination must not be used."""
    with pytest.raises(ExchangeError, match="inside one envelope"):
        await opened(hidden(proven(ALICE.signed(message()))))


async def test_nobody_signs_in_anothers_name() -> None:
    for signed in (
        MALLORY.signed(message()),  # from is Alice
        MALLORY.signed(message(), as_kid=ALICE.kid),
        ALICE.signed(message(), as_kid=f"{ALICE.did}#other"),
        ALICE.signed(message(), as_kid=ALICE.agreement.kid),  # a key, but not to sign with
        ALICE.signed(message(**{"from": None})),
    ):
        with pytest.raises(ExchangeError):
            await opened(hidden(signed))
        with pytest.raises(ExchangeError):
            await opened(proven(signed))


async def test_nobody_passes_on_what_somebody_else_signed_as_their_own() -> None:
    with pytest.raises(ExchangeError, match="the signer to be the sender"):
        await opened(proven(ALICE.signed(message()), MALLORY))


@pytest.mark.parametrize("to", [None, [], ["did:example:carol"], [f"{BOB}:2"]])
async def test_what_was_signed_for_somebody_else_is_refused(to: list[str] | None) -> None:
    for signed in (hidden(ALICE.signed(message(to=to))), proven(ALICE.signed(message(to=to)))):
        with pytest.raises(ExchangeError, match="name in to the DID that it came to"):
            await opened(signed)
    assert (await opened(proven(message(to=to)))).sender is not None  # unsigned, the envelope says whom it is for


async def test_a_signature_around_an_envelope_or_a_signature_is_refused() -> None:
    for content in (proven(message()), hidden(message()), ALICE.signed(message())):
        with pytest.raises(ExchangeError):
            await opened(hidden(ALICE.signed(content)))


async def test_a_message_that_speaks_of_payloads_is_a_message() -> None:
    told = message(body={"payload": "x", "signatures": []}, payload="x", **{"from": None})
    assert (await opened(hidden(told))).sender is None


async def test_a_long_message_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes of envelopes in a long message would have it read again and again."""
    read = list[int]()

    def counted(content: bytes, **options: Any) -> Any:
        read.append(len(content))
        return read_strict_json(content, **options)

    for module in (unpacking, plaintext):
        monkeypatch.setattr(module, "read_strict_json", counted)
    await opened(hidden(message(body={"x": "y" * 10_000, "recipients": [], "payload": ""}, **{"from": None})))
    assert len(read) == 1


async def test_an_expired_signed_message_is_refused() -> None:
    with pytest.raises(ExchangeError, match="expired"):
        await opened(hidden(ALICE.signed(message(expires_time=1))))


ANY_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)
MEMBERS: Final = ("payload", "signatures", "protected", "signature", "header", "recipients", "type", "id", "kid")


@given(st.dictionaries(st.sampled_from(MEMBERS) | st.text(max_size=12), ANY_JSON, max_size=6))
async def test_whatever_is_in_an_envelope_is_opened_or_refused(content: dict[str, Any]) -> None:
    for body in (hidden(json.dumps(content).encode()), proven(json.dumps(content).encode())):
        with suppress(ExchangeError):
            await opened(body)


@given(st.integers(0, 10_000), st.integers(0, 255))
async def test_a_signed_message_that_was_changed_anywhere_is_refused_or_is_the_same(at: int, byte: int) -> None:
    signed = bytearray(ALICE.signed(message()))
    signed[at % len(signed)] = byte
    with suppress(ExchangeError):
        unpacked = await opened(hidden(bytes(signed)))
        assert (
            unpacked.sender is None or unpacked.message.to_json() == Plaintext.read(message(), max_bytes=MAX).to_json()
        )
