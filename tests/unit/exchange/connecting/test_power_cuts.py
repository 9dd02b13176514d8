"""A handshake goes on wherever the power fails, and whatever is lost with it: by the message or the person once more.

In four acts the wallet asks, the inviter answers, the wallet ends the handshake, and the inviter hears of it.
"""

import pytest
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.wallet.askar import CATEGORY_DID
from tests.unit.exchange.connecting.ends import End, carry
from tests.unit.power import Power

from wanderbuch.plugins.exchange.connecting.invitations import Invitation
from wanderbuch.plugins.exchange.connecting.invitee import begin
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.store.entries import fetch_entries, fetch_keys


async def alone(end: End) -> bytes:
    packed = [packed for _, packed in await end.posted()]
    return packed[-1]


async def play(inviter: End, wallet: End, invitation: Invitation, act: int, steps: int, power: Power) -> bool:
    """Play up to an act, which is cut after some steps; return whether it was."""
    if act == 0:
        cut = await power.lasts(steps, lambda: begin(wallet.profile, invitation))
        if cut:
            await wallet.restart()
        return cut
    await begin(wallet.profile, invitation)
    ends = (wallet, inviter)
    for number in range(1, act):
        await ends[number % 2].receive(await alone(ends[(number - 1) % 2]))
    packed, receiver = await alone(ends[(act - 1) % 2]), ends[act % 2]
    cut = await power.lasts(steps, lambda: receiver.receive(packed))
    if cut:
        await receiver.restart()
        receiver.bag.posted.clear()
        await receiver.receive(packed)  # its sender got no 200
    return cut


@pytest.mark.parametrize("act", range(4))
@pytest.mark.parametrize("lost", [False, True], ids=["sent", "lost"])
async def test_a_handshake_ends_with_one_connection_wherever_the_power_fails(
    ends: tuple[End, End], power: Power, act: int, lost: bool
) -> None:
    inviter, wallet = ends
    for times, steps in enumerate(power.cuts(), start=1):
        invitation = await inviter.invite(f"one-{steps}")
        where = f"act {act}, cut after {steps} steps"
        for end in ends:
            end.book.told.clear()
        cut = await play(inviter, wallet, invitation, act, steps, power)
        if lost:  # with the process that held it
            for end in ends:
                await end.posted()
        await carry(inviter, wallet)
        if cut or lost:
            await begin(wallet.profile, invitation)  # the person saw no answer, and scans again
            await carry(inviter, wallet)
        ours = {connection.own_key: connection for _, connection in wallet.book.told}
        theirs = {connection.own_key: connection for _, connection in inviter.book.told}
        assert len(ours) == len(theirs) == 1, where
        (one,), (other,) = ours.values(), theirs.values()
        assert (one.own_key, one.their_key) == (other.their_key, other.own_key), where
        for end, connection in ((wallet, one), (inviter, other)):
            assert await end.connection(connection.own_key) == connection, where
            assert await state_of(end, connection) == ConnRecord.State.COMPLETED.rfc160, where
            assert await kept_of(end) == (times, times), where  # nothing is left of what was cut
        if not cut:
            break
    assert steps >= (3 if act < 2 else 1)  # what ends it is written at once


async def kept_of(end: End) -> tuple[int, int]:
    """Return how many DIDs and how many keys there are for connections."""
    public = 0 if end.public is None else 1
    async with end.profile.session() as session:
        dids, keys = len(await fetch_entries(session, CATEGORY_DID)), len(await fetch_keys(session.handle))
    return dids - public, keys - public


async def state_of(end: End, connection: Connection) -> str:
    async with end.profile.session() as session:
        return str((await ConnRecord.retrieve_by_id(session, connection.connection_id)).state)
