"""Messages as handlers of DIDComm v2 get them, from somebody who is proven, or from nobody."""

import json
from typing import Any, Final
from unittest.mock import Mock

from acapy_agent.core.profile import Profile
from aries_askar import Key, KeyAlg

from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey
from wanderbuch.plugins.exchange.v2.handling import V2Incoming
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext

ALICE: Final = "did:example:alice"
US: Final = "did:example:us"
CONTACT: Final = V2Contact(ALICE, (AgreementKey(f"{ALICE}#1", Key.generate(KeyAlg.X25519)),), None)


def incoming(kind: str, body: Any = None, *, sender: V2Contact | None = CONTACT) -> V2Incoming:
    """A message; handlers of these protocols look at no profile."""
    told = {"id": "1", "type": kind, "body": {} if body is None else body}
    message = Plaintext.read(json.dumps(told).encode(), max_bytes=100_000)
    return V2Incoming(Mock(Profile), message, sender, US)
