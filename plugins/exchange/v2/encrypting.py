"""Encrypting and decrypting DIDComm v2 envelopes with Askar's keys (DIDComm Messaging 2.1 §Message Encryption).

ECDH-ES is RFC 7518 §4.6, ECDH-1PU is draft-madden-jose-ecdh-1pu-04: the tag of the content goes into the key that wraps
its key, so the content is encrypted first.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aries_askar import AskarError, Key, KeyAlg
from aries_askar.ecdh import Ecdh1PU, EcdhEs

from wanderbuch.plugins.exchange.json_text import to_json
from wanderbuch.plugins.exchange.packing import PackingError
from wanderbuch.plugins.exchange.v2.jwe import (
    ANONCRYPT,
    AUTHCRYPT,
    CURVES,
    TYPE,
    Jwe,
    JweError,
    JweRecipient,
    did_of,
    party_v,
    to_base64url,
)

_WRAP: Final = KeyAlg.A256KW
_CURVES: Final = frozenset(CURVES.values())


@dataclass(frozen=True, slots=True)
class AgreementKey:
    """A key for key agreement: somebody's public key, or a secret one of ours.

    Args:
        kid: as a DID URL.
        key: on a curve of `CURVES`.
        algorithm: the curve, asked of Askar once.
    """

    kid: str
    key: Key
    algorithm: KeyAlg = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Ask for the curve."""
        object.__setattr__(self, "algorithm", self.key.algorithm)


def authcrypt(content: bytes, *, to: Sequence[AgreementKey], own: AgreementKey) -> bytes:
    """Return `content` in an envelope that only the recipients can open, and that proves to them who made it.

    Args:
        content: what is sent.
        to: keys of one DID, of the curve that our key has.
        own: our secret key.

    Raises:
        PackingError: the keys do not go together.
    """
    return _encrypt(content, AUTHCRYPT, "A256CBC-HS512", KeyAlg.A256CBC_HS512, to, own)


def anoncrypt(content: bytes, *, to: Sequence[AgreementKey]) -> bytes:
    """Return `content` in an envelope that only the recipients can open; errors as with `authcrypt`."""
    return _encrypt(content, ANONCRYPT, "A256CBC-HS512", KeyAlg.A256CBC_HS512, to, None)


def decrypt(jwe: Jwe, recipient: JweRecipient, own: Key, sender: Key | None) -> bytes:
    """Return the content of an envelope.

    Args:
        jwe: the envelope.
        recipient: the recipient of it that we are.
        own: our secret key of that name.
        sender: the public key that `jwe.skid` names in the sender's DID document; None for an anoncrypt.

    Raises:
        JweError: it cannot be opened, was changed on its way, or does not come from this sender.
    """
    if (sender is None) != (jwe.skid is None):
        raise JweError("the envelope cannot be opened")
    if own.algorithm != jwe.epk.algorithm or (sender is not None and sender.algorithm != own.algorithm):
        raise JweError("expected the keys of an envelope to be of one curve")
    try:
        if sender is None:
            cek = EcdhEs(jwe.alg, jwe.apu, jwe.apv).receiver_unwrap_key(
                _WRAP, jwe.cipher, jwe.epk, own, recipient.encrypted_key
            )
        else:
            cek = Ecdh1PU(jwe.alg, jwe.apu, jwe.apv).receiver_unwrap_key(
                _WRAP, jwe.cipher, jwe.epk, sender, own, recipient.encrypted_key, cc_tag=jwe.tag
            )
        return bytes(cek.aead_decrypt(jwe.ciphertext, nonce=jwe.iv, tag=jwe.tag, aad=jwe.protected))
    except (AskarError, ValueError) as err:
        raise JweError("the envelope cannot be opened") from err


def _encrypt(
    content: bytes, alg: str, enc: str, cipher: KeyAlg, to: Sequence[AgreementKey], own: AgreementKey | None
) -> bytes:
    curves = {recipient.algorithm for recipient in (*to, *([own] if own else ()))}
    if len(curves) != 1 or not curves <= _CURVES or len({did_of(recipient.kid) for recipient in to}) != 1:
        raise PackingError("expected keys for key agreement of one DID and one curve")
    kids = [recipient.kid for recipient in to]
    apu, apv = b"" if own is None else own.kid.encode(), party_v(kids)
    try:
        epk, cek = Key.generate(to[0].algorithm, ephemeral=True), Key.generate(cipher)
        header: dict[str, Any] = {"typ": TYPE, "alg": alg, "enc": enc, "epk": json.loads(epk.get_jwk_public())}
        if own is not None:
            header |= {"skid": own.kid, "apu": to_base64url(apu)}
        protected = to_base64url(to_json({**header, "apv": to_base64url(apv)}))
        sealed = cek.aead_encrypt(content, aad=protected.encode())
        whole, tag_at, nonce_at = memoryview(sealed.buffer.array), sealed.tag_pos, sealed.nonce_pos
        ciphertext, tag, nonce = whole[:tag_at], whole[tag_at:nonce_at], whole[nonce_at:]
        wrapped = [_wrapped(alg, apu, apv, epk, recipient, own, cek, tag) for recipient in to]
    except AskarError as err:
        raise PackingError("the keys of the other side cannot be used for key agreement") from err
    envelope = {
        "protected": protected,
        "recipients": [
            {"header": {"kid": kid}, "encrypted_key": to_base64url(key)} for kid, key in zip(kids, wrapped, strict=True)
        ],
        "iv": to_base64url(nonce),
        "ciphertext": to_base64url(ciphertext),
        "tag": to_base64url(tag),
    }
    return to_json(envelope)


def _wrapped(
    alg: str, apu: bytes, apv: bytes, epk: Key, to: AgreementKey, own: AgreementKey | None, cek: Key, tag: memoryview
) -> bytes:
    if own is None:
        return bytes(EcdhEs(alg, apu, apv).sender_wrap_key(_WRAP, epk, to.key, cek).ciphertext)
    wrapping = Ecdh1PU(alg, apu, apv)
    return bytes(wrapping.sender_wrap_key(_WRAP, epk, own.key, to.key, cek, cc_tag=bytes(tag)).ciphertext)
