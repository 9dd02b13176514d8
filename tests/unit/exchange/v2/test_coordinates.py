"""Coordinates of P-256 as other implementations write them."""

import json

import pytest
from aries_askar import Key, KeyAlg

from wanderbuch.plugins.exchange.v2.jwe import JweError, _public_key, from_base64url, to_base64url


def key_with_a_zero_in_front() -> tuple[dict[str, str], bytes]:
    while True:
        key = Key.generate(KeyAlg.P256)
        jwk = json.loads(key.get_jwk_public())
        if from_base64url(jwk["x"])[0] == 0:
            return {name: jwk[name] for name in ("kty", "crv", "x", "y")}, key.get_public_bytes()


def test_a_coordinate_without_its_zeros_is_read() -> None:
    jwk, public = key_with_a_zero_in_front()
    short = jwk | {"x": to_base64url(from_base64url(jwk["x"]).lstrip(b"\0"))}
    assert _public_key(jwk).get_public_bytes() == public
    assert _public_key(short).get_public_bytes() == public


@pytest.mark.parametrize("x", ["", "AQ", "A" * 44, None, 7])
def test_what_is_no_coordinate_is_refused(x: object) -> None:
    jwk, _ = key_with_a_zero_in_front()
    with pytest.raises(JweError):
        _public_key(jwk | {"x": x})
