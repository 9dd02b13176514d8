"""Every offer ends: by the person, by the issuer, or by its deadline; and is forgotten in time.

A sweep looks at what is due alone.
"""

import asyncio
from typing import Any

import pytest
from acapy_agent.anoncreds.holder import AnonCredsHolder
from tests.unit.holder.offered import CONFIG, OfferedWallet, after

from wanderbuch.agents.holder import offers
from wanderbuch.agents.holder.held_offer import HeldOffer, OfferState
from wanderbuch.agents.holder.offer_text import forget_text, get_text
from wanderbuch.agents.holder.requesting import own_request
from wanderbuch.agents.holder.sweeping_offers import OfferSweep
from wanderbuch.plugins.trust.judgements import JudgementBook
from wanderbuch.store.markers import Markers

DEADLINE_S = CONFIG.offer_deadline_s
DAY_S = 86_400
LEDGER_OFFER = {  # well formed, but its objects lie on a ledger that we do not resolve
    "schema_id": "WgWxqztrNooG92RXvxSTWv:2:schema:1.0",
    "cred_def_id": "WgWxqztrNooG92RXvxSTWv:3:CL:20:tag",
    "nonce": "1234567890",
    "key_correctness_proof": {"c": "1", "xz_cap": "1", "xr_cap": [["family_name", "1"]]},
}


def descriptions(wallet: OfferedWallet) -> list[str]:
    return [message["description"]["code"] for message in wallet.sent if "description" in message]


@pytest.mark.parametrize("accepted", [True, False])
async def test_an_offer_ends_at_its_deadline_and_the_issuer_is_told(offered: OfferedWallet, accepted: bool) -> None:
    offer = await offered.accepted() if accepted else await offered.receive_offer(offered.offer())
    await offered.sweep(after(DEADLINE_S + 1))
    assert (await offered.kept_offer(offer.id)).state is OfferState.NO_ANSWER
    assert descriptions(offered) == ["issuance-abandoned"]


async def test_an_offer_stays_open_until_then(offered: OfferedWallet) -> None:
    offer = await offered.receive_offer(offered.offer())
    await offered.sweep(after(DEADLINE_S - 10))
    assert (await offered.kept_offer(offer.id)).state is OfferState.OPEN
    assert offered.sent == []


async def test_a_credential_that_waits_ends_at_the_deadline_too(offered: OfferedWallet) -> None:
    offer = await offered.accepted()
    await offered.receive(await offered.credential(offer))  # there is no tails file
    await offered.sweep(after(DEADLINE_S + 1))
    assert (await offered.kept_offer(offer.id)).state is OfferState.NO_ANSWER
    assert descriptions(offered) == ["issuance-abandoned"]


async def test_what_ended_is_forgotten_in_time_and_leaves_nothing_but_the_credential(offered: OfferedWallet) -> None:
    offered.place_tails()
    await offered.received()
    declined = await offered.receive_offer(offered.offer())
    await offers.decline(offered.profile, CONFIG, declined.id)
    await offered.sweep(after(120))  # passes over what was told
    for seconds, left in ((DAY_S - 300, 2), (DAY_S + 300, 0)):
        await offered.sweep(after(seconds))
        assert (await offers.list_offers(offered.profile, CONFIG))[1] == left
    async with offered.profile.session() as session:
        for category in ("", ".text", ".request", ".credential", ".marker"):
            assert await session.handle.count(f"wanderbuch.held_offer{category}") == 0
        assert await session.handle.count("wanderbuch.judgement") == 0
        assert await session.handle.count("wanderbuch.issuer_proof") == 0
    assert len(await AnonCredsHolder(offered.profile).get_credentials(offset=0, limit=10, wql={})) == 1


async def test_the_proof_of_an_issuers_key_is_kept_once_as_long_as_an_offer_has_it(offered: OfferedWallet) -> None:
    first, second = [await offered.receive_offer(offered.offer()) for _ in range(2)]
    other = await offered.receive_offer(offered.offer(issuer=offered.issuers[1]))

    async def proofs() -> int:
        async with offered.profile.session() as session:
            return int(await session.handle.count("wanderbuch.issuer_proof"))

    assert await proofs() == 2
    proofs_before = [await get_text(offered.profile, offer.id) for offer in (first, second, other)]
    await offered.restart()
    read = [await get_text(offered.profile, offer.id) for offer in (first, second, other)]
    for before, after_restart in zip(proofs_before, read, strict=True):
        assert before is not None
        assert after_restart is not None
        assert (after_restart.offer_json, after_restart.preview) == (before.offer_json, before.preview)
    for forgotten, left in ((first, 2), (other, 1), (second, 0)):
        await forget_text(offered.profile, forgotten.id)
        assert await proofs() == left
        assert await get_text(offered.profile, forgotten.id) is None


@pytest.mark.parametrize("attached", [True, False])
async def test_the_key_of_an_offer_goes_with_it_unless_it_is_that_of_a_connection(
    offered: OfferedWallet, attached: bool
) -> None:
    origin = offered.origin.model_copy(update={"connection_id": None}) if attached else offered.origin
    declined = await offered.receive_offer(offered.offer(), origin=origin)
    await offers.decline(offered.profile, CONFIG, declined.id)
    for seconds, is_there in ((DAY_S - 300, True), (DAY_S + 300, not attached)):
        await offered.sweep(after(seconds))
        async with offered.profile.session() as session:
            assert (await session.handle.fetch_key(offered.own_key) is not None) is is_there


async def test_a_request_is_sent_again_word_for_word_after_ever_longer_pauses(offered: OfferedWallet) -> None:
    await offered.accepted()
    due = []
    for seconds in range(5, 300, 5):
        before = len(offered.sent)
        await offered.sweep(after(seconds))
        if len(offered.sent) > before:
            due.append(seconds)
    assert due == [30, 65, 135, 275]  # after 30, 60, 120, 240, at the next sweep
    assert len({str(message) for message in offered.sent}) == 1


async def test_what_may_not_have_left_before_a_crash_is_sent_again_once(offered: OfferedWallet) -> None:
    await offered.accepted()
    sweep = OfferSweep(offered.profile, began=after(1))  # another process
    for _ in range(2):
        await sweep.sweep(after(2))
    await offered.settled()
    assert offered.kinds() == ["request-credential"] * 2
    assert offered.sent[0] == offered.sent[1]


async def test_a_request_that_a_crash_kept_from_being_made_is_made_by_the_sweep(offered: OfferedWallet) -> None:
    offer = await offered.accepted()
    async with offered.profile.session() as session:
        await session.handle.remove("wanderbuch.held_offer.request", offer.id)
    offered.sent.clear()
    await offered.sweep(after(31))
    assert offered.kinds() == ["request-credential"]
    assert await own_request(offered.profile, offer.id) is not None


async def test_an_issuer_that_is_away_is_asked_again_when_it_is_back(offered: OfferedWallet) -> None:
    offered.post.is_down = True
    offer = await offered.receive_offer(offered.offer())
    await offers.accept(offered.profile, CONFIG, offer.id)
    await offered.sweeper.sweep(after(31))
    await offered.sending.stop(wait_s=0)  # the quick tries end, which take half a minute
    assert offered.sent == []
    offered.post.is_down = False
    await offered.sweep(after(92))
    assert offered.kinds() == ["request-credential"]


@pytest.mark.parametrize("by_issuer", [True, False])
async def test_an_end_that_a_crash_kept_from_the_issuer_is_told_once(offered: OfferedWallet, by_issuer: bool) -> None:
    """The issuer waits until its own deadline otherwise; what it ended itself it knows."""
    offer = await offered.receive_offer(offered.offer())
    if by_issuer:
        await offered.receive(offered.report(offer))
    else:
        await offers.decline(offered.profile, CONFIG, offer.id)
    await offered.settled()
    offered.sent.clear()
    sweep = OfferSweep(offered.profile, began=after(1))  # another process
    for seconds in (2, 61, 62, 200):
        await sweep.sweep(after(seconds))
        await offered.settled()
    assert offered.kinds() == ([] if by_issuer else ["problem-report"])


async def test_an_end_that_this_process_told_is_not_told_again(offered: OfferedWallet) -> None:
    offer = await offered.receive_offer(offered.offer())
    await offers.decline(offered.profile, CONFIG, offer.id)
    for seconds in (2, 61, 200):
        await offered.sweep(after(seconds))
    assert offered.kinds() == ["problem-report"]


async def test_an_end_is_not_told_to_an_issuer_whose_own_deadline_is_over(offered: OfferedWallet) -> None:
    offer = await offered.receive_offer(offered.offer())
    await offers.decline(offered.profile, CONFIG, offer.id)
    await offered.settled()
    offered.sent.clear()
    await OfferSweep(offered.profile, began=after(1)).sweep(after(DEADLINE_S + 1))
    await offered.settled()
    assert offered.sent == []


async def test_an_offer_that_we_cannot_resolve_is_shown_and_not_trusted(offered: OfferedWallet) -> None:
    offer = await offered.receive_offer(offered.offer({"family_name": "Perera"}, raw=LEDGER_OFFER))
    shown = await offers.get_offer(offered.profile, CONFIG, offer.id)
    assert shown.issuer is not None  # its DID on a ledger that nobody here reads
    assert shown.claim == {"family_name": "Perera"}
    assert shown.judgement is not None
    assert [reason.code for reason in shown.judgement.reasons] == ["offer.unresolved"]
    assert "Perera" not in repr(shown)


async def test_a_sweep_reads_no_offer_that_is_not_due(offered: OfferedWallet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue 8: each sweep read every exchange."""
    for _ in range(5):
        await offered.receive_offer(offered.offer())
    declined = await offered.receive_offer(offered.offer())
    await offers.decline(offered.profile, CONFIG, declined.id)
    await offered.sweep()
    read: list[str] = []
    fetch = Markers._fetch

    async def counted(self: Any, ids: Any) -> Any:
        wanted = list(ids)
        read.extend(wanted)
        return await fetch(self, wanted)

    monkeypatch.setattr(Markers, "_fetch", counted)
    await offered.sweep(after(30))
    assert read == []
    await offered.sweep(after(61))
    assert set(read) == {declined.id}


async def test_an_offer_whose_hosts_were_silent_when_it_came_is_judged_by_the_sweep(
    offered: OfferedWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanderbuch.agents.holder.receiving._JUDGING_S", 0.05)
    silent = asyncio.Event()
    resolve = offered.registry.get_credential_definition

    async def slow(*args: Any) -> Any:
        await silent.wait()
        return await resolve(*args)

    monkeypatch.setattr(offered.registry, "get_credential_definition", slow)
    offer = await offered.receive_offer(offered.offer())
    assert await JudgementBook(offered.profile).get(offer.id) is None
    silent.set()
    await offered.sweep(after(31))
    assert await JudgementBook(offered.profile).get(offer.id) is not None
    assert (await offered.kept_offer(offer.id)).state is OfferState.OPEN


async def test_a_sweep_is_not_held_up_by_silent_hosts(offered: OfferedWallet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wanderbuch.agents.holder.receiving._JUDGING_S", 0.05)
    monkeypatch.setattr("wanderbuch.agents.holder.sweeping_offers._SWEEP_S", 0.3)
    asked: list[str] = []

    async def silent(_: Any, cred_def_id: str) -> Any:
        asked.append(cred_def_id)
        await asyncio.Event().wait()

    monkeypatch.setattr(offered.registry, "get_credential_definition", silent)
    held_offers: list[HeldOffer] = [await offered.receive_offer(offered.offer()) for _ in range(3)]
    over = await offered.receive_offer(offered.offer(raw=LEDGER_OFFER))
    asked.clear()
    for seconds in (31, 32):
        async with asyncio.timeout(60):
            await offered.sweep(after(seconds))
    assert len(asked) <= 3  # none a second time meanwhile
    async with asyncio.timeout(60):
        await offered.sweep(after(DEADLINE_S + 1))
    assert (await offered.kept_offer(over.id)).state is OfferState.NO_ANSWER
    assert {(await offered.kept_offer(offer.id)).state for offer in held_offers} <= {
        OfferState.OPEN,
        OfferState.NO_ANSWER,
    }
