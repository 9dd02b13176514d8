"""DIDs of an agent that has no public one, such as a person's wallet: a did:peer:2 for each occasion.

1. To ask somebody, a fresh one without an address: its keys are never kept, and the answer comes on the same
   connection.
2. To invite somebody, a fresh one with our address: its keys are kept in the wallet for `KEPT`, and then removed.

So nobody who is asked or invited can tell that they meet the same person as somebody else does, and no stranger makes
us keep anything: at most `MAX_KEPT` are kept.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import did_peer_2
from acapy_agent.core.profile import Profile
from aries_askar import Key

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.v2.did_documents import PROFILE, SERVICE
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey
from wanderbuch.plugins.webvh.agreement_keys import CODECS, agreement_multikey
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.tables import hold_lease, tables_of, tenant_of

KEPT: Final = timedelta(days=30)
MAX_KEPT: Final = 100
_CATEGORY: Final = "wanderbuch.didcomm.peer"


@dataclass(frozen=True, slots=True)
class OwnV2Peer:
    """A DID and its secret keys, one on each of our curves."""

    did: str
    keys: tuple[AgreementKey, ...]

    @property
    def kids(self) -> tuple[str, ...]:
        """The names of its keys."""
        return tuple(key.kid for key in self.keys)


def fresh_v2_peer(endpoint: str | None) -> OwnV2Peer:
    """Return a new DID that listens at an address, or nowhere."""
    keys = [Key.generate(algorithm) for algorithm in CODECS]
    specs = [did_peer_2.KeySpec.key_agreement(agreement_multikey(key)) for key in keys]
    service = {"type": SERVICE, "serviceEndpoint": {"uri": endpoint, "accept": [PROFILE]}}
    did = did_peer_2.generate(specs, [] if endpoint is None else [service])
    named = [AgreementKey(f"{did}#key-{number}", key) for number, key in enumerate(keys, 1)]
    return OwnV2Peer(did, tuple(named))


async def keep_peer(profile: Profile, peer: OwnV2Peer, *, until: int) -> None:
    """Keep a DID's keys until a time, in seconds since 1970.

    A crash in the middle leaves a name without keys, which goes with the others.

    Raises:
        ExchangeError: too many are kept.
    """
    async with profile.session() as session:
        if len(await fetch_entries(session, _CATEGORY, limit=MAX_KEPT)) >= MAX_KEPT:
            raise ExchangeError(
                f"{MAX_KEPT} invitations of DIDComm v2 are open", hint=f"each ends {KEPT.days} days after it was made"
            )
        await session.handle.insert(_CATEGORY, peer.did, value=json.dumps({"until": until}))
        for key in peer.keys:
            await session.handle.insert_key(key.kid, key.key, metadata="{}")


async def kept_until(profile: Profile, did: str) -> int:
    """Return until when a DID's keys are kept, 0 if it is none of these."""
    async with profile.session() as session:
        entry = await session.handle.fetch(_CATEGORY, did)
    return 0 if entry is None else int(entry.value_json["until"])


async def drop_peers(profile: Profile, *, at: float) -> tuple[Sequence[str], float]:
    """Remove the DIDs whose time is over, and return the names of their keys, and when the next one's is over."""
    dropped: list[str] = []
    async with hold_lease(profile, "didcomm.peers"), profile.session() as session:
        kept = {str(entry.name): int(entry.value_json["until"]) for entry in await fetch_entries(session, _CATEGORY)}
        for did in [did for did, until in kept.items() if until <= at]:
            for number in range(1, len(CODECS) + 1):
                kid = f"{did}#key-{number}"
                if await session.handle.fetch_key(kid) is not None:
                    await session.handle.remove_key(kid)
                dropped.append(kid)
            await session.handle.remove(_CATEGORY, did)
            del kept[did]
    for kid in dropped:
        await tables_of(profile).keys.remove(kid, tenant_of(profile))
    return dropped, min(kept.values(), default=float("inf"))
