"""A DID that was made for a connection, and its key, in the wallet."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from acapy_agent.core.profile import Profile, ProfileSession
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.plugins.exchange.connecting.acapy_entries import add_own_did, remove_own_did
from wanderbuch.plugins.exchange.connecting.peer_dids import OwnPeer
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.store.tables import tables_of, tenant_of


async def keep_peer(profile: Profile, session: ProfileSession, peer: OwnPeer) -> None:
    """Keep a fresh DID and its key, and have the key at hand."""
    await session.handle.insert_key(peer.name, peer.key, metadata="{}")
    await add_own_did(session, peer.short_did, peer.name)
    have_at_hand(profile, peer)


async def note_key(profile: Profile, peer: OwnPeer) -> None:
    """Note whose a fresh key is, before the transaction that keeps it: others wait for the end of that one."""
    await tables_of(profile).keys.add(peer.name, tenant_of(profile))


async def unnote_key(profile: Profile, peer: OwnPeer) -> None:
    """Take that back: the key was not kept."""
    await tables_of(profile).keys.remove(peer.name, tenant_of(profile))


def adding_peer(session: ProfileSession, peer: OwnPeer) -> tuple[Coroutine[Any, Any, Any], ...]:
    """Return what keeps a fresh DID and its key, which is noted, in a transaction that may still be given up."""
    key = session.handle.insert_key(peer.name, peer.key, metadata="{}", is_noted=True)
    return key, add_own_did(session, peer.short_did, peer.name)


async def keep_together(
    session: ProfileSession, deciding: Coroutine[Any, Any, bool], *others: Coroutine[Any, Any, Any]
) -> tuple[bool, list[Any]]:
    """Make the writes of a transaction, and commit it if `deciding` returns True; nothing is kept otherwise.

    A transaction on PostgreSQL locks the profile until its end, so it should wait as little as may be for this process
    in between: all writes are on their way before anybody else has a turn here, and whichever ends last commits.

    Returns:
        Whether it was kept, and what the other writes returned.
    """
    ended: list[Any] = [None] * (1 + len(others))
    left = len(ended)

    async def end(number: int, write: Coroutine[Any, Any, Any]) -> None:
        nonlocal left
        try:
            ended[number] = await write
        except BaseException as err:  # noqa: BLE001 (raised below, once all have ended)
            ended[number] = err
        left -= 1
        if not left and ended[0] is True and not any(isinstance(result, BaseException) for result in ended):
            await session.commit()

    loop = asyncio.get_running_loop()
    begun = [
        asyncio.Task(end(number, write), loop=loop, eager_start=True)
        for number, write in enumerate((deciding, *others))
    ]
    done = await asyncio.gather(*begun, return_exceptions=True)  # all have ended before the session goes on
    for outcome in (*ended, *done):
        if isinstance(outcome, BaseException):
            raise outcome
    return ended[0] is True, ended[1:]


def have_at_hand(profile: Profile, peer: OwnPeer) -> None:
    """Have the key of a DID that is kept at hand."""
    profile.inject(KeyRing).put(tenant_of(profile), peer.name, peer.key)


async def forget_peer(profile: Profile, session: ProfileSession, *, own_key: str, short_did: str) -> None:
    """Remove a DID and its key; nothing may have been sent with it that is to be answered."""
    await remove_own_did(session, short_did)
    try:
        await session.handle.remove_key(own_key)
    except AskarError as err:
        if err.code != AskarErrorCode.NOT_FOUND:
            raise
    await tables_of(profile).keys.remove(own_key, tenant_of(profile))
