"""What a DIDComm v2 envelope costs beside one of v1: a message packed and opened again, with all that is checked.

Askar makes and opens the boxes of both, so that the forms are compared and not two libraries. What agents send in v1
is made by libsodium since ADR 79: `details` tells that, too.

Each round does the same message in v1 and in v2 on either curve, for a short and a long one. Keys and DID documents are
at hand, as they are for somebody who writes a second time.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aries_askar import Key, KeyAlg
from tests.bench.askar_envelopes import askar_open, askar_pack
from tests.bench.ratios import Ratio, median_of_ratios

from wanderbuch.agents.runtime.gate.envelope import decrypt as decrypt_v1
from wanderbuch.agents.runtime.gate.envelope import identify, read_envelope
from wanderbuch.agents.runtime.gate.received import Received
from wanderbuch.plugins.exchange.packing import pack
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey, authcrypt, decrypt
from wanderbuch.plugins.exchange.v2.jwe import read_jwe
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext, new_message
from wanderbuch.plugins.webvh.base58_text import to_base58

_ROUNDS: Final = 40
_TIMES: Final = 40
_SIZES: Final = {"short": 300, "long": 20_000}
_MAX: Final = 1_000_000
_ALICE: Final = "did:example:alice"
_BOB: Final = "did:example:bob"
_V2: Final = {"X25519": KeyAlg.X25519, "P-256": KeyAlg.P256}


@dataclass(frozen=True, slots=True)
class EnvelopeFigures:
    """What was found.

    Args:
        ratio: v2 over v1 on the curve that both have, the dearer of the two sizes.
        details: milliseconds and ratios of all.
    """

    ratio: Ratio
    details: dict[str, Any]


def measure_envelopes() -> EnvelopeFigures:
    """Measure, in this process, which should do nothing else."""
    ratios: dict[str, Ratio] = {}
    for name, size in _SIZES.items():
        ways = {
            "v1": _v1("x" * size),
            "ours": _ours("x" * size),
            **{curve: _v2("x" * size, algorithm) for curve, algorithm in _V2.items()},
        }
        samples: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(_ROUNDS):
            for way, both in ways.items():
                began = time.process_time()
                for _ in range(_TIMES):
                    both()
                samples[way].append(1e3 * (time.process_time() - began) / _TIMES)
        for way in ("ours", *_V2):
            ratios[f"{name}, {way}"] = median_of_ratios(samples[way], samples["v1"])
    worst = max((ratios[f"{name}, X25519"] for name in _SIZES), key=lambda ratio: ratio.value)
    return EnvelopeFigures(worst, {name: ratio.as_json("this", "v1") for name, ratio in ratios.items()})


def _v1(text: str) -> Callable[[], None]:
    alice, bob = Key.generate(KeyAlg.ED25519), Key.generate(KeyAlg.ED25519)
    to = to_base58(bob.get_public_bytes())

    def both() -> None:
        packed = askar_pack(_message(text), to=to, own=alice)
        Received.read(askar_open(packed, own=bob, max_bytes=_MAX), max_bytes=_MAX)

    return both


def _ours(text: str) -> Callable[[], None]:
    alice, bob = Key.generate(KeyAlg.ED25519), Key.generate(KeyAlg.ED25519)
    to = to_base58(bob.get_public_bytes())

    def both() -> None:
        envelope = read_envelope(pack(_message(text), to=to, own=alice), max_bytes=_MAX)
        opened = identify(envelope.recipients[0], bob)
        Received.read(decrypt_v1(envelope, opened), max_bytes=_MAX)

    return both


def _message(text: str) -> dict[str, Any]:
    return {"@type": "https://didcomm.org/trust_ping/1.0/ping", "@id": "1", "comment": text}


def _v2(text: str, algorithm: KeyAlg) -> Callable[[], None]:
    alice, bob = Key.generate(algorithm), Key.generate(algorithm)
    own, to = AgreementKey(f"{_ALICE}#1", alice), AgreementKey(f"{_BOB}#1", Key.from_jwk(bob.get_jwk_public()))
    theirs = Key.from_jwk(alice.get_jwk_public())

    def both() -> None:
        message = new_message("https://didcomm.org/trust-ping/2.0/ping", {"comment": text}, sender=_ALICE, to=_BOB)
        jwe = read_jwe(authcrypt(message.to_json(), to=[to], own=own), max_bytes=_MAX)
        Plaintext.read(decrypt(jwe, jwe.recipients[0], bob, theirs), max_bytes=_MAX).check_sender(_ALICE)

    return both
