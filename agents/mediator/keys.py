"""What a mediator is known by, made once: the key of its invitation, the key that forwards are for, and its seal.

One invitation for all wallets, and one routing key for all: who sees either learns nothing of which wallet it is.
"""

import base64
import secrets
from dataclasses import dataclass
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile
from aries_askar import Key, KeyAlg
from pydantic import SecretStr, field_serializer

from wanderbuch.agents.mediator.sealing import KEY_BYTES, Sealing
from wanderbuch.plugins.exchange.connecting.invitations import HANDSHAKES
from wanderbuch.plugins.exchange.packing import PREFIX
from wanderbuch.plugins.webvh.base58_text import to_base58
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.records import Record, RecordStore, new_id
from wanderbuch.store.tables import tables_of, tenant_of

_NAME: Final = "keys"


class MediatorRecord(Record):
    """The one record of a mediator's keys; its secret Ed25519 keys are Askar's."""

    category: ClassVar[str] = "wanderbuch.mediator"
    is_listed: ClassVar[bool] = False

    invitation_id: str
    invitation_key: str
    routing_key: str
    seal: SecretStr
    """32 random bytes, base64."""

    @field_serializer("seal", when_used="json")
    def _reveal(self, seal: SecretStr) -> str:
        return seal.get_secret_value()  # for Askar, which encrypts it


@dataclass(frozen=True, slots=True)
class MediatorKeys:
    """A mediator's keys.

    Args:
        invitation_id: of its invitation.
        invitation_key: that this is for, base58.
        routing_key: that forwards are for, base58.
        sealing: for what is kept.
    """

    invitation_id: str
    invitation_key: str
    routing_key: str
    sealing: Sealing

    def invitation(self, *, label: str, endpoint: str) -> dict[str, object]:
        """Return the invitation of all wallets (Aries RFC 0434), with its key inline: any wallet can read that."""
        service = {
            "id": "#inline",
            "type": "did-communication",
            "recipientKeys": [did_key(self.invitation_key)],
            "routingKeys": [],
            "serviceEndpoint": endpoint,
        }
        return {
            "@type": f"{PREFIX}out-of-band/1.1/invitation",
            "@id": self.invitation_id,
            "label": label,
            "goal_code": "aries.vc.mediate",
            "goal": "Receive messages",
            "accept": ["didcomm/aip1", "didcomm/aip2;env=rfc19"],
            "handshake_protocols": [f"{PREFIX}{version}" for version in HANDSHAKES],
            "services": [service],
            "takes_compact": True,  # for wallets of ours (ADR 120); others ignore the member
        }


async def open_keys(profile: Profile) -> MediatorKeys:
    """Return a mediator's keys; they are made if there are none, by one of all processes."""
    records = RecordStore(profile, MediatorRecord)
    record = await records.get_or_none(_NAME)
    if record is None:
        seal = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")
        made = [await _made_key(profile) for _ in range(2)]
        fresh = MediatorRecord(
            id=_NAME,
            invitation_id=new_id(),
            invitation_key=made[0],
            routing_key=made[1],
            seal=SecretStr(seal),
        )
        try:
            record = await records.insert(fresh)
        except DuplicateError:  # another process was first; our keys are nobody's
            record = await records.get(_NAME)
    for key in (record.invitation_key, record.routing_key):  # the index may have been made anew
        await tables_of(profile).keys.add(key, tenant_of(profile))
    sealing = Sealing(base64.b64decode(record.seal.get_secret_value()))
    return MediatorKeys(record.invitation_id, record.invitation_key, record.routing_key, sealing)


async def invitation_id_of(profile: Profile) -> str | None:
    """Return the id of a mediator's invitation, None before it was made."""
    record = await RecordStore(profile, MediatorRecord).get_or_none(_NAME)
    return None if record is None else record.invitation_id


def did_key(key: str) -> str:
    """Return an Ed25519 key as a did:key with its fragment, as services list it."""
    import base58

    multikey = to_multikey(base58.b58decode(key))
    return f"did:key:{multikey}#{multikey}"


async def _made_key(profile: Profile) -> str:
    key = Key.generate(KeyAlg.ED25519)
    name = to_base58(key.get_public_bytes())
    await tables_of(profile).keys.add(name, tenant_of(profile))
    async with profile.session() as session:
        await session.handle.insert_key(name, key, metadata="{}")
    return name
