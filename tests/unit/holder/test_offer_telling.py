"""What becomes of an offer is told to the event log once, in spite of a crash."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.holder.offered import CONFIG, OfferedWallet, after
from tests.unit.told import tell_what_was_cut, told

from wanderbuch.agents.holder import offers
from wanderbuch.agents.holder.ending_offers import events_of_offer
from wanderbuch.agents.holder.held_offer import OfferState
from wanderbuch.store.event_kinds import EventKind
from wanderbuch.store.untold import Telling, Untold


async def test_each_end_is_told_once(offered: OfferedWallet) -> None:
    offered.place_tails()
    kept = await offered.accepted()
    issued = await offered.credential(kept)
    for _ in range(2):
        await offered.receive(issued)
    declined = await offered.receive_offer(offered.offer())
    await offers.decline(offered.profile, CONFIG, declined.id)
    by_issuer = await offered.receive_offer(offered.offer())
    for _ in range(2):
        await offered.receive(offered.report(by_issuer))
    late = await offered.receive_offer(offered.offer())
    await offered.sweep(after(CONFIG.offer_deadline_s + 1))
    assert await told(offered.profile) == [
        ("wallet.credential-kept", kept.id, {}),
        ("wallet.offer-ended", declined.id, {"state": "DECLINED"}),
        ("wallet.offer-ended", by_issuer.id, {"state": "ENDED_BY_ISSUER"}),
        ("wallet.offer-ended", late.id, {"state": "NO_ANSWER"}),
    ]


async def test_what_a_crash_kept_from_being_told_is_told_by_the_sweep(
    offered: OfferedWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = await offered.receive_offer(offered.offer())

    begin = Untold.begin

    def cut(*args: Any, **how: Any) -> Telling:  # what goes with the settled row never does
        return replace(begin(*args, **how), after=())

    with monkeypatch.context() as patched:
        patched.setattr(Untold, "begin", cut)
        await offers.decline(offered.profile, CONFIG, offer.id)
    assert await told(offered.profile) == []
    await tell_what_was_cut(offered.profile)
    assert await told(offered.profile) == [("wallet.offer-ended", offer.id, {"state": "DECLINED"})]


async def test_nothing_is_told_while_it_goes_on(offered: OfferedWallet) -> None:
    offer = await offered.accepted()
    await offered.receive(await offered.credential(offer))  # it waits: there is no tails file
    assert await told(offered.profile) == []
    assert events_of_offer(await offered.kept_offer(offer.id)) == ()


async def test_every_end_has_its_event(offered: OfferedWallet) -> None:
    offer = await offered.accepted()
    for state in OfferState:
        if state.is_final:
            (event,) = events_of_offer(offer.model_copy(update={"end": state}))
            kept = state is OfferState.RECEIVED
            assert event.kind is (EventKind.WALLET_CREDENTIAL_KEPT if kept else EventKind.WALLET_OFFER_ENDED)
