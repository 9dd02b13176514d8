"""Replacing our keys for key agreement, with which a DID takes DIDComm v2.

1. New keys are made in the wallet.
2. A log entry names them in place of the old ones; where witnesses must approve, it waits for them, and the old keys go
   on as before.
3. The old keys open what is still on its way, for as long as whoever rotates says, counted from the entry; 0 for keys
   that somebody else may have: with a key of ours, they could write to us in anybody's name.
4. Then they are removed from the wallet (`drop_old_agreement_keys`).
"""

from dataclasses import replace
from datetime import timedelta

from acapy_agent.core.profile import Profile

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.agreement_keys import new_agreement_keys
from wanderbuch.plugins.webvh.dids import append_entry, publish_did
from wanderbuch.plugins.webvh.errors import HeldBackError
from wanderbuch.plugins.webvh.own import OldKey, OwnDid, own_did, publishing, read_own, write_own
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.store.tables import tables_of, tenant_of


async def rotate_agreement_keys(
    profile: Profile, did: WebvhDid, *, publisher: Publisher, keep_old: timedelta
) -> OwnDid:
    """Do steps 1 to 3, and return the record as it is then: with the new keys, or held back for witnesses.

    Args:
        profile: whose wallet.
        did: a DID of it that takes DIDComm v2.
        publisher: where the host's public files lie.
        keep_old: how long the old keys open what still comes.

    Raises:
        ConfigurationError: it is not a DID of this wallet, takes no DIDComm v2, or the folder cannot be written to.
        HeldBackError: an entry waits for its witnesses.
    """
    async with publishing(profile, did):
        own = await own_did(profile, did)
        if own is None or not own.agreement_keys:
            raise ConfigurationError(f"{did} has no keys for DIDComm v2", hint="set [public] didcomm_v2 = true")
        if own.held is not None:
            raise HeldBackError(f"an entry of the log of {did} waits for its witnesses")
        now = await tables_of(profile).engine.clock()
        until = int(now + keep_old.total_seconds())
        old = [*own.old_agreement_keys, *(OldKey(name, until) for name in own.agreement_keys)]
        fresh = await new_agreement_keys(profile, did)
        await append_entry(profile, replace(own, agreement_keys=fresh, old_agreement_keys=tuple(old)))
        await publish_did(profile, did, publisher)
    rotated = await own_did(profile, did)
    return own if rotated is None else rotated


async def drop_old_agreement_keys(profile: Profile, did: WebvhDid) -> tuple[str, ...]:
    """Remove the old keys whose time is over from the wallet, and return their names.

    A crash in the middle leaves a name in the index of own keys that leads to no key.
    """
    async with publishing(profile, did):
        tables = tables_of(profile)
        now = await tables.engine.clock()
        async with profile.transaction() as session:
            own = await read_own(session, did, for_update=True)
            over = [] if own is None else [key for key in own.old_agreement_keys if key.until <= now]
            if own is None or not over:
                return ()
            for key in over:
                if await session.handle.fetch_key(key.name) is not None:  # an entry that was held back lists it again
                    await session.handle.remove_key(key.name)
            stay = tuple(key for key in own.old_agreement_keys if key not in over)
            await write_own(session, replace(own, old_agreement_keys=stay))
            await session.commit()
        for key in over:
            await tables.keys.remove(key.name, tenant_of(profile))
    return tuple(key.name for key in over)
