"""Signatures over what is public: a browser that verifies them itself says the same as one that is too old for it."""

from collections.abc import Iterator
from typing import Final

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from tests.unit.wallet.random_cases import chances
from tests.unit.wallet.wallet_process import WalletProcess

ORDER: Final = 2**252 + 27742317777372353535851937790883648493
P: Final = 2**255 - 19
BASE: Final = bytes.fromhex("58" + "66" * 31)
# Keys under which somebody can sign who has none: the sum of a key and itself, up to eight times, is nothing.
SMALL: Final = (
    bytes.fromhex("01" + "00" * 31),
    bytes.fromhex("ec" + "ff" * 30 + "7f"),
    bytes(32),
    bytes.fromhex("00" * 31 + "80"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
)
OTHERWISE_WRITTEN: Final = tuple((P + y | sign << 255).to_bytes(32, "little") for y in range(19) for sign in (0, 1))


def told(key: bytes, message: bytes, signature: bytes) -> dict[str, str]:
    return {"key": key.hex(), "message": message.hex(), "signature": signature.hex()}


def by_openssl(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def cases() -> Iterator[tuple[bytes, bytes, bytes]]:
    chance = chances(14)
    for size in (0, 1, 64, 1_000, 40_000):
        private = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        key, message = private.public_key().public_bytes_raw(), chance.randbytes(size)
        signature = private.sign(message)
        yield key, message, signature
        yield key, message + b"x", signature
        for part in (key, signature):
            at = chance.randrange(len(part))
            altered = part[:at] + bytes([part[at] ^ 1 << chance.randrange(8)]) + part[at + 1 :]
            yield (altered, message, signature) if part is key else (key, message, altered)
        scalar = int.from_bytes(signature[32:], "little") + ORDER
        yield key, message, signature[:32] + scalar.to_bytes(32, "little")


@pytest.mark.parametrize("is_old", [False, True])
def test_a_signature_holds_or_not_whoever_verifies_it(wallet: WalletProcess, is_old: bool) -> None:
    made = list(cases())
    seen = wallet.call("signed_by", cases=[told(*case) for case in made], is_old=is_old)
    assert seen["holds"] == [by_openssl(*case) for case in made]
    assert seen["by_browser"] == 0 if is_old else seen["by_browser"] > 20  # what is no point at all needs no browser
    assert sum(seen["holds"]) == 5


@pytest.mark.parametrize("is_old", [False, True])
def test_keys_under_which_anybody_can_sign_are_nobodys(wallet: WalletProcess, is_old: bool) -> None:
    """Of the first one this signature holds for each message, by the equation alone."""
    signature = BASE + (1).to_bytes(32, "little")
    assert by_openssl(SMALL[0], b"anything", signature)
    bad = [told(key, b"anything", signature) for key in (*SMALL, *OTHERWISE_WRITTEN)]
    bad += [told(key, b"anything", signature) for key in (b"", bytes(31), bytes(33), b"\xff" * 32)]
    bad += [told(BASE, b"anything", signature[:size]) for size in (0, 63)]
    assert wallet.call("signed_by", cases=bad, is_old=is_old)["holds"] == [False] * len(bad)
