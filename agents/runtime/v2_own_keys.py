"""Which of our keys open a DIDComm v2 envelope now: those that our DID document names, and old ones for their time.

An agent without a public DID has keys of did:peers, each until its invitation ends (`own_peers`).

A wallet may have more: keys of a rotation that was cut off, or of a time before v2 was switched off and on. Whoever got
hold of such a key could write to us in anybody's name, so a key that no document names is none.

What a document names is looked up once a minute for each DID, and again for a key that is not among it. So where
several processes share a store, the others take a key that was rotated out for a minute longer.
"""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from acapy_agent.core.profile import Profile
from cachetools import TTLCache

from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.v2.jwe import did_of
from wanderbuch.plugins.exchange.v2.own_peers import KEPT, drop_peers, kept_until
from wanderbuch.plugins.webvh.agreement_rotation import drop_old_agreement_keys
from wanderbuch.plugins.webvh.own import OwnDid, own_did

_LOG: Final = logging.getLogger(__name__)
LASTS_S: Final = 60.0
_MAX_DIDS: Final = 10_000
_FOR_EVER: Final = float("inf")
_LOOK_AGAIN_S: Final = 3600.0
_PEER: Final = "did:peer:"


class V2OwnKeys:
    """The keys at hand, for all tenants of a process.

    Args:
        keys: forgets a key whose time is over.
        clock: seconds since 1970.
    """

    def __init__(self, keys: KeyRing, *, clock: Callable[[], float] = time.time) -> None:
        self._ring = keys
        self._clock = clock
        self._named: TTLCache[str, dict[str, float]] = TTLCache(_MAX_DIDS, LASTS_S)  # by DID: key -> until when
        self._due: dict[str, float] = {}  # by DID: when the next old key is to go

    async def opens(self, profile: Profile, kid: str) -> bool:
        """Tell whether a key of a tenant opens what comes now."""
        did = did_of(kid)
        named = self._named.get(did)
        if named is None or kid not in named:
            named = await self._look(profile, did, kid)
        return self._clock() < named.get(kid, 0.0)

    def changed(self, did: str) -> None:
        """Look a DID up again: its keys were rotated."""
        self._named.pop(did, None)
        self._due.pop(did, None)

    async def sweep(self, tenants: Iterable[Tenant], now: datetime) -> None:
        """Remove the old keys of these tenants whose time is over."""
        for tenant in tenants:
            try:
                await (self._drop_old if tenant.has_did else self._drop_peers)(tenant, now.timestamp())
            except Exception as err:  # noqa: BLE001 (one tenant must not keep the others from their sweep)
                _LOG.error("sweep.failed: keys for DIDComm v2 of %s", tenant.id, exc_info=err)

    async def _drop_old(self, tenant: Tenant, at: float) -> None:
        """Do it for one with a public DID."""
        if tenant.did not in self._due:
            self._note(tenant.did, await own_did(tenant.profile, tenant.did))
        if self._due.get(tenant.did, _FOR_EVER) <= at:
            for name in await drop_old_agreement_keys(tenant.profile, tenant.did):
                self._ring.drop(name)
            self.changed(tenant.did)

    async def _drop_peers(self, tenant: Tenant, at: float) -> None:
        """Do it for one without a public DID; of those that are kept later, the first to end sets the time."""
        if self._due.get(tenant.id, 0.0) > at:
            return
        dropped, following = await drop_peers(tenant.profile, at=at)
        for name in dropped:
            self._ring.drop(name)
            self._named.pop(did_of(name), None)
        self._due[tenant.id] = min(following, at + KEPT.total_seconds())

    async def _look(self, profile: Profile, did: str, kid: str) -> dict[str, float]:
        if not did.startswith(_PEER):
            return self._note(did, await own_did(profile, did))
        until = float(await kept_until(profile, did))
        if until:
            self._named[did] = {**self._named.get(did, {}), kid: until}
        return {kid: until}

    def _note(self, did: str, own: OwnDid | None) -> dict[str, float]:
        named: dict[str, float] = {}
        if own is not None:
            named = {key.name: float(key.until) for key in own.old_agreement_keys}
            # Another process, or witnesses who approve, may have made other keys old since.
            self._due[did] = min((*named.values(), self._clock() + _LOOK_AGAIN_S))
            named |= dict.fromkeys(own.agreement_keys, _FOR_EVER)
        self._named[did] = named
        return named
