"""Somebody who writes DIDComm v2 to an agent, with a did:peer:2 of their own and the DID document of the agent's."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

import did_peer_2
from aries_askar import Key, KeyAlg
from tests.unit.runtime.envelopes import kept_by

from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact, read_v2_contact
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey, anoncrypt, authcrypt, decrypt
from wanderbuch.plugins.exchange.v2.jwe import is_v2, read_jwe
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext
from wanderbuch.plugins.webvh.agreement_keys import agreement_multikey
from wanderbuch.plugins.webvh.own import own_did

PING: Final = "https://didcomm.org/trust-ping/2.0/ping"
NETWORK: Final = "198.51.100.0/24"
RESPONSE: Final = "https://didcomm.org/trust-ping/2.0/ping-response"
_MAX: Final = 1_000_000


@dataclass
class V2Correspondent:
    """Somebody with a key on one curve; `endpoint` is where they listen, if anywhere."""

    algorithm: KeyAlg = KeyAlg.X25519
    endpoint: str | None = None
    key: Key = field(init=False)
    did: str = field(init=False)

    def __post_init__(self) -> None:
        self.key = Key.generate(self.algorithm)
        spec = did_peer_2.KeySpec.key_agreement(agreement_multikey(self.key))
        service = {"type": "DIDCommMessaging", "serviceEndpoint": {"uri": self.endpoint, "accept": ["didcomm/v2"]}}
        self.did = did_peer_2.generate([spec], [service] if self.endpoint else [])

    @property
    def own(self) -> AgreementKey:
        """Their secret key."""
        return AgreementKey(f"{self.did}#key-1", self.key)

    def message(self, kind: str = PING, body: dict[str, Any] | None = None, **headers: Any) -> bytes:
        """A plaintext message of theirs that waits for a reply."""
        told = {"id": "1", "type": kind, "from": self.did, "return_route": "all", "body": body or {}, **headers}
        return json.dumps({name: value for name, value in told.items() if value is not None}).encode()

    def packed(self, content: bytes, to: V2Contact) -> bytes:
        """An envelope that proves them."""
        return authcrypt(content, to=to.keys_like(self.key), own=self.own)

    def opened(self, body: bytes, sender: V2Contact) -> Plaintext:
        """What an answer of the agent to them says."""
        jwe = read_jwe(body, max_bytes=_MAX)
        assert jwe.skid is not None
        key = sender.key(jwe.skid)
        assert key is not None
        message = Plaintext.read(decrypt(jwe, jwe.recipients[0], self.key, key.key), max_bytes=_MAX)
        message.check_sender(sender.did)
        return message


def anonymous(content: bytes, to: V2Contact) -> bytes:
    """An envelope that proves nobody."""
    return anoncrypt(content, to=to.keys[:1])


async def contact_of(agent: RunningAgent) -> V2Contact:
    """How to write DIDComm v2 to an agent, as its DID document says."""
    own = await own_did(agent.profile, agent.tenant.did)
    assert own is not None
    return read_v2_contact(own.did, own.document)


async def post(agent: RunningAgent, body: bytes) -> tuple[int, bytes]:
    """Post an envelope, as the public site hands it on."""
    answer = await agent._transport.receive(body, NETWORK)
    assert isinstance(answer.body, bytes | None)
    return answer.status, answer.body or b""


async def refused(agent: RunningAgent, body: bytes) -> str:
    """Post an envelope that is refused, and return what the log says of it."""
    reasons: list[str] = []
    tally = agent._transport._v2.tally if is_v2(body) else agent._transport.tally
    note, tally.note = tally.note, lambda event, reason, **_: reasons.append(f"{event} {reason}")  # type: ignore[method-assign]
    try:
        status, answer = await post(agent, body)
    finally:
        tally.note = note  # type: ignore[method-assign]
    assert (status, answer) == (400, b"")
    assert not await kept_by(agent)
    (reason,) = reasons
    return reason
