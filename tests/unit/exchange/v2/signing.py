"""Somebody who signs messages of DIDComm v2, as the specification has it: a JWS around a plaintext message."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from aries_askar import Key, KeyAlg

from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey
from wanderbuch.plugins.exchange.v2.jwe import to_base64url
from wanderbuch.plugins.exchange.v2.signed import SignatureKey

NAMES: Final = {KeyAlg.ED25519: "EdDSA", KeyAlg.P256: "ES256", KeyAlg.K256: "ES256K"}


def public(key: Key) -> Key:
    return Key.from_jwk(key.get_jwk_public())


@dataclass
class Signer:
    """Somebody with one key that signs and one for key agreement."""

    did: str = "did:example:alice"
    algorithm: KeyAlg = KeyAlg.ED25519
    key: Key = field(init=False)
    agreement: AgreementKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = Key.generate(self.algorithm)
        self.agreement = AgreementKey(f"{self.did}#x", Key.generate(KeyAlg.X25519))

    @property
    def kid(self) -> str:
        """The id of the key that signs."""
        return f"{self.did}#sign"

    @property
    def contact(self) -> V2Contact:
        """What their DID document says."""
        keys = (AgreementKey(self.agreement.kid, public(self.agreement.key)),)
        return V2Contact(self.did, keys, None, signers=(SignatureKey(self.kid, public(self.key)),))

    def signed(self, content: bytes, *, as_kid: str | None = None, flattened: bool = False, **header: Any) -> bytes:
        """A signed message; `header` changes what is protected, None takes a member away."""
        told = {"typ": "application/didcomm-signed+json", "alg": NAMES[self.algorithm], **header}
        protected = to_base64url(
            json.dumps({name: value for name, value in told.items() if value is not None}).encode()
        )
        payload = to_base64url(content)
        signature = to_base64url(self.key.sign_message(f"{protected}.{payload}".encode()))
        entry = {"protected": protected, "signature": signature, "header": {"kid": as_kid or self.kid}}
        return json.dumps({"payload": payload, **(entry if flattened else {"signatures": [entry]})}).encode()
