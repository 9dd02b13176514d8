"""Going on over a connection goes on wherever the power fails, whether the inviter agrees or not.

In three acts the wallet asks, the inviter answers, and the wallet takes the answer.
"""

import pytest
from tests.unit.exchange.connecting.ends import End, carry
from tests.unit.exchange.connecting.test_power_cuts import alone, kept_of
from tests.unit.power import Power

from wanderbuch.plugins.exchange.connecting.invitations import Invitation
from wanderbuch.plugins.exchange.connecting.invitee import begin
from wanderbuch.plugins.exchange.connecting.reusing import Reuse
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.store.entries import fetch_entries


async def connected(inviter: End, wallet: End) -> tuple[Connection, Connection]:
    """Return a connection, as the inviter and as the wallet has it."""
    await begin(wallet.profile, await inviter.invite("first"))
    await carry(inviter, wallet)
    return inviter.book.told[-1][1], wallet.book.told[-1][1]


async def wish(wallet: End, invitation: Invitation) -> None:
    """Open an invitation as a person who wants to go on does."""
    await begin(wallet.profile, invitation, reuse=True)


async def play(inviter: End, wallet: End, invitation: Invitation, act: int, steps: int, power: Power) -> bool:
    """Play up to an act, which is cut after some steps; return whether it was."""
    if act == 0:
        cut = await power.lasts(steps, lambda: wish(wallet, invitation))
        if cut:
            await wallet.restart()
        return cut
    await wish(wallet, invitation)
    packed, receiver = await alone(wallet), inviter
    if act == 2:
        await inviter.receive(packed)
        packed, receiver = await alone(inviter), wallet
    cut = await power.lasts(steps, lambda: receiver.receive(packed))
    if cut:
        await receiver.restart()
        receiver.bag.posted.clear()
        await receiver.receive(packed)  # its sender got no 200
    return cut


@pytest.mark.parametrize("act", range(3))
@pytest.mark.parametrize("lost", [False, True], ids=["sent", "lost"])
async def test_a_connection_is_gone_on_with_wherever_the_power_fails(
    ends: tuple[End, End], power: Power, act: int, lost: bool
) -> None:
    inviter, wallet = ends
    theirs, ours = await connected(inviter, wallet)
    for times, steps in enumerate(power.cuts(), start=1):
        invitation = await inviter.invite(f"again-{steps}")
        where = f"act {act}, cut after {steps} steps"
        inviter.book.told.clear()
        cut = await play(inviter, wallet, invitation, act, steps, power)
        if lost:  # with the process that held it
            for end in ends:
                await end.posted()
        await carry(inviter, wallet)
        if cut or lost:
            await wish(wallet, invitation)  # the person saw no answer, and scans again
            await carry(inviter, wallet)
        assert set(inviter.book.told) == {(f"again-{steps}", theirs)}, where  # what follows goes over this one
        begun = await begin(wallet.profile, invitation, reuse=True)
        assert begun.connection == ours, where
        assert await carry(inviter, wallet) == [], where  # it is settled
        for end in ends:
            assert await kept_of(end) == (1, 1), where
        async with wallet.profile.session() as session:
            assert len(await fetch_entries(session, Reuse.category)) == times, where
        if not cut:
            break
    assert steps >= (0 if act == 1 else 1)  # the inviter of this test writes nothing: its role does


@pytest.mark.parametrize("act", range(3))
@pytest.mark.parametrize("lost", [False, True], ids=["sent", "lost"])
async def test_an_inviter_that_does_not_go_on_gets_one_handshake_wherever_the_power_fails(
    ends: tuple[End, End], power: Power, act: int, lost: bool
) -> None:
    inviter, wallet = ends
    _, ours = await connected(inviter, wallet)
    for steps in power.cuts():
        invitation = await inviter.invite(f"again-{steps}")
        where = f"act {act}, cut after {steps} steps"
        wallet.book.told.clear()
        inviter.book.taken[invitation.id] = "another"
        cut = await play(inviter, wallet, invitation, act, steps, power)
        if lost:
            for end in ends:
                await end.posted()
        await carry(inviter, wallet)
        if cut or lost:
            await wish(wallet, invitation)
            await carry(inviter, wallet)
        assert wallet.book.no[-1].code in ("existing_connection_not_active", "request_not_accepted"), where
        del inviter.book.taken[invitation.id]
        for _ in range(2):
            await wish(wallet, invitation)
            await carry(inviter, wallet)
        fresh = {connection.own_key: connection for _, connection in wallet.book.told}
        assert len(fresh) == 1, where
        assert ours.own_key not in fresh, where
        if not cut:
            break
    assert steps >= (0 if act == 1 else 1)
