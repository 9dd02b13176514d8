"""Attachments that are signed (Aries RFC 0017, "jws"): a text and a detached EdDSA signature of it.

DID Exchange has two (RFC 0023): `did_rotate~attach`, a DID signed by the key that an invitation was for, and
`did_doc~attach`, a DID document. Whose key signed is asked by the caller, who has the keys that may: what a header
says about its own key is not relied on.
"""

import base64
import binascii
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import msgspec
from aries_askar import Key

from wanderbuch.plugins.exchange.envelope_keys import own_key as keys_of
from wanderbuch.plugins.webvh.base58_text import from_base58
from wanderbuch.plugins.webvh.keys import is_signed, to_multikey
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_MAX_HEADER_BYTES: Final = 2_048
_MAX_SIGNATURES: Final = 4
_ALPHABET: Final = str.maketrans("+/", "-_")
_ENCODER: Final = msgspec.json.Encoder()


def signed_text(text: str, *, key: Key, own_key: str) -> dict[str, Any]:
    """Return the data of an attachment: a text, signed.

    Args:
        text: what is attached.
        key: our secret Ed25519 key.
        own_key: the public one, base58.
    """
    public = from_base58(own_key)
    kid = f"did:key:{to_multikey(public)}"
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": _b64(public), "kid": kid}
    protected = _b64(_ENCODER.encode({"alg": "EdDSA", "kid": kid, "jwk": jwk}))
    payload = _b64(text.encode())
    signature = _b64(keys_of(key).sign(f"{protected}.{payload}".encode()))
    return {"base64": payload, "jws": {"header": {"kid": kid}, "protected": protected, "signature": signature}}


def read_signed_text(attachment: object, *, by: Collection[str]) -> bytes | None:
    """Return what is attached, if one of these keys signed it; else None.

    Args:
        attachment: the decorator, with its data.
        by: Ed25519 public keys, base58.
    """
    data = attachment.get("data") if isinstance(attachment, Mapping) else None
    encoded = data.get("base64") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(encoded, str):
        return None
    payload = encoded.translate(_ALPHABET).rstrip("=")  # what is signed is base64url, whichever alphabet it came in
    keys = [from_base58(key) for key in by]
    for protected, signature in _signatures(data.get("jws")):
        message = f"{protected}.{payload}".encode()
        if _is_eddsa(protected) and any(is_signed(key, message, signature) for key in keys):
            return _decoded(payload)
    return None


def _signatures(jws: object) -> Iterator[tuple[str, bytes]]:
    """Yield the protected headers and signatures of a JWS, flattened or general (RFC 7515 §7.2)."""
    if not isinstance(jws, Mapping):
        return
    several = jws.get("signatures")
    for item in [jws, *(several if isinstance(several, list) else ())][: 1 + _MAX_SIGNATURES]:
        protected, signature = (item.get("protected"), item.get("signature")) if isinstance(item, Mapping) else (0, 0)
        if isinstance(protected, str) and isinstance(signature, str) and (raw := _decoded(signature)) is not None:
            yield protected, raw


def _is_eddsa(protected: str) -> bool:
    raw = _decoded(protected)
    try:
        header = read_strict_json(raw or b"", max_bytes=_MAX_HEADER_BYTES, max_depth=8)
    except StrictJsonError:
        return False
    return isinstance(header, dict) and header.get("alg") == "EdDSA" and "crit" not in header and "b64" not in header


def _decoded(text: str) -> bytes | None:
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
