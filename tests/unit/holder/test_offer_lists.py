"""Lists show what is kept, whatever hosts the strangers' offers name."""

import asyncio
from typing import Any

import pytest
from tests.unit.holder.offered import CONFIG, OfferedWallet

from wanderbuch.agents.holder import offers
from wanderbuch.agents.holder.api import _page
from wanderbuch.agents.holder.held_offer import OfferState, held_offers
from wanderbuch.agents.holder.reading import Page
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.plugins.trust.judgements import JudgementBook
from wanderbuch.store.records import NotFoundError

SCID = "QmQC7vsmhcUuX1mP3YoX6vdHoRMWXkTdYuWSvBmHuYgbkh"


class Hosts:
    """Hosts that are silent, but for those of `answering`, which have nothing."""

    def __init__(self, wallet: OfferedWallet, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.answering: set[str] = set()
        self._resolve = wallet.registry.get_credential_definition
        monkeypatch.setattr(wallet.registry, "get_credential_definition", self._ask)

    async def _ask(self, profile: Any, cred_def_id: str) -> Any:
        self.asked.append(cred_def_id)
        while not any(host in cred_def_id for host in self.answering):  # noqa: ASYNC110 (a test may let it answer)
            await asyncio.sleep(0.005)
        return await self._resolve(profile, cred_def_id)


@pytest.fixture
def hosts(offered: OfferedWallet, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    monkeypatch.setattr("wanderbuch.agents.holder.receiving._JUDGING_S", 0.01)
    return Hosts(offered, monkeypatch)


async def offer(wallet: OfferedWallet, host: str) -> str:
    did = f"did:webvh:{SCID}:{host}:org"
    attached = {
        "schema_id": f"{did}/resources/zQm{'1' * 44}",
        "cred_def_id": f"{did}/resources/zQm{'2' * 44}",
        "nonce": "1234567890",
        "key_correctness_proof": {"c": "1", "xz_cap": "1", "xr_cap": [["family_name", "1"]]},
    }
    return (await wallet.receive_offer(wallet.offer({"family_name": host}, raw=attached))).id


async def test_a_list_of_offers_asks_nobody(offered: OfferedWallet, hosts: Hosts) -> None:
    for number in range(12):
        await offer(offered, f"silent-{number}.example.org")
    hosts.asked.clear()
    async with asyncio.timeout(60):
        shown, total = await offers.list_offers(offered.profile, CONFIG)
    assert (len(shown), total, hosts.asked) == (12, 12, [])
    assert {offer.state for offer in shown} == {OfferState.OPEN}
    assert {(offer.judgement, offer.judgement_is_current) for offer in shown} == {(None, False)}


async def test_one_offer_is_judged_when_it_is_asked_for_and_the_list_shows_that(
    offered: OfferedWallet, hosts: Hosts
) -> None:
    hosts.answering = {"there"}
    offer_id = await offer(offered, "there.example.org")
    hosts.asked.clear()
    judged = (await offers.get_offer(offered.profile, CONFIG, offer_id)).judgement
    assert judged is not None
    assert [reason.code for reason in judged.reasons] == ["offer.unresolved"]
    ((listed,), _) = await offers.list_offers(offered.profile, CONFIG)
    assert listed.judgement == judged
    assert listed.judgement_is_current
    assert len(hosts.asked) == 1


async def test_one_offer_of_a_silent_host_is_shown_as_it_was(
    offered: OfferedWallet, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.answering = {"host"}
    offer_id = await offer(offered, "host.example.org")
    before = (await offers.get_offer(offered.profile, CONFIG, offer_id)).judgement
    hosts.answering.clear()
    monkeypatch.setattr(offers, "_JUDGING_S", 0.05)
    assert (await offers.get_offer(offered.profile, CONFIG, offer_id)).judgement == before


async def test_all_are_judged_at_once_under_one_deadline(
    offered: OfferedWallet, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "_JUDGING_S", 0.5)
    hosts.answering = {"there"}
    honest = await offer(offered, "there.example.org")
    silent = {await offer(offered, f"silent-{number}.example.org") for number in range(10)}
    for issuer_did in (honest, *silent):
        await JudgementBook(offered.profile).forget(issuer_did)
    async with asyncio.timeout(60):
        shown, _ = await offers.refresh_offers(offered.profile, CONFIG)
    judged = {offer.id for offer in shown if offer.judgement is not None}
    assert judged == {honest}
    assert silent.isdisjoint(judged)


async def test_accepting_judges_anew_and_never_by_what_was_kept(offered: OfferedWallet, hosts: Hosts) -> None:
    hosts.answering = {"there"}
    offer_id = await offer(offered, "there.example.org")
    hosts.asked.clear()
    _, decision = await offers.accept(offered.profile, CONFIG, offer_id)
    assert decision.verdict is Verdict.UNKNOWN
    assert len(hosts.asked) >= 1


async def test_lists_have_pages_newest_first(offered: OfferedWallet) -> None:
    made = [(await offered.receive_offer(offered.offer())).id for _ in range(5)]
    first, total = await offers.list_offers(offered.profile, CONFIG, Page(limit=2))
    rest, _ = await offers.list_offers(offered.profile, CONFIG, Page(limit=50, offset=2))
    assert total == 5
    assert [offer.id for offer in (*first, *rest)] == made[::-1]
    beyond, total = await offers.list_offers(offered.profile, CONFIG, Page(limit=2, offset=5))
    assert (beyond, total) == ((), 5)


async def test_what_is_left_out_of_a_page_is_not_read(offered: OfferedWallet, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        await offered.receive_offer(offered.offer())
    store, read = held_offers(offered.profile), list[str]()
    fetch = type(store)._fetch

    async def counted(self: Any, ids: Any) -> Any:
        wanted = list(ids)
        read.extend(wanted)
        return await fetch(self, wanted)

    monkeypatch.setattr(type(store), "_fetch", counted)
    await offers.list_offers(offered.profile, CONFIG, Page(limit=1, offset=2))
    assert len(read) == 1


async def test_there_is_no_offer_of_another_id(offered: OfferedWallet) -> None:
    for call in (offers.get_offer, offers.accept, offers.decline):
        with pytest.raises(NotFoundError):
            await call(offered.profile, CONFIG, "1a9f1cd4-5f8c-4d3c-8d0b-0a8ac1d6f001")


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "501"}, {"limit": "²"}, {"offset": "-1"}, {"limit": ""}])
def test_a_page_that_cannot_be_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(MalformedError):
        _page(query)


def test_a_page_is_read_from_the_query() -> None:
    assert _page({"limit": "500", "offset": "7"}) == Page(500, 7)
    assert _page({}) == Page()
