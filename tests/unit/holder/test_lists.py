"""Lists show what is kept, whatever hosts the strangers' offers name, and read it aside."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.decorators.attach_decorator import AttachDecorator
from acapy_agent.messaging.responder import BaseResponder, MockResponder
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_format import V20CredFormat
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.issue_credential.v2_0.messages.inner.cred_preview import V20CredAttrSpec, V20CredPreview
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.present_proof.v2_0.messages.pres_format import V20PresFormat
from acapy_agent.protocols.present_proof.v2_0.messages.pres_request import V20PresRequest
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.utils.testing import create_test_profile

from wanderbuch.agents.holder import offers, requests, wallet
from wanderbuch.agents.holder.api import _page
from wanderbuch.agents.holder.asked import parse_proof_request
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.fitting import Revocation
from wanderbuch.agents.holder.offers import OfferState
from wanderbuch.agents.holder.reading import Page, read_all, read_page
from wanderbuch.agents.runtime.at_once import Rounds
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.question import Verdict
from wanderbuch.store.records import utc_now

CONFIG = HolderConfig()
SCID = "QmQC7vsmhcUuX1mP3YoX6vdHoRMWXkTdYuWSvBmHuYgbkh"


class Hosts(AnonCredsRegistry):
    """An AnonCreds registry whose hosts are silent, but for those of `answering`, which have nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answering: set[str] = set()

    async def get_credential_definition(self, _: Any, cred_def_id: str) -> Any:
        return await self._ask(cred_def_id)

    async def get_revocation_list(self, _: Any, registry: str, **__: Any) -> Any:
        await self._ask(registry)

    async def _ask(self, name: str) -> Any:
        self.asked.append(name)
        if not any(host in name for host in self.answering):
            await asyncio.Event().wait()
        raise ResolutionError("there is none")


@pytest.fixture
def hosts() -> Hosts:
    return Hosts()


@pytest.fixture
async def profile(hosts: Hosts) -> Profile:
    made = await create_test_profile({"wallet.type": "askar-anoncreds"})
    made.context.injector.bind_instance(EventBus, EventBus())
    made.context.injector.bind_instance(BaseResponder, MockResponder())
    made.context.injector.bind_instance(AnonCredsRegistry, hosts)
    return made


async def offer(profile: Profile, host: str, state: str = "offer-withheld") -> str:
    did = f"did:webvh:{SCID}:{host}:org"
    attached = {
        "schema_id": f"{did}/resources/zQm{'1' * 44}",
        "cred_def_id": f"{did}/resources/zQm{'2' * 44}",
        "nonce": "1234567890",
        "key_correctness_proof": {"c": "1", "xz_cap": "1", "xr_cap": [["family_name", "1"]]},
    }
    message = V20CredOffer(
        credential_preview=V20CredPreview(attributes=V20CredAttrSpec.list_plain({"family_name": host})),
        formats=[V20CredFormat(attach_id="a", format_="anoncreds/credential-offer@v1.0")],
        offers_attach=[AttachDecorator.data_base64(attached, ident="a")],
    )
    record = V20CredExRecord(
        thread_id=message._thread_id, role=V20CredExRecord.ROLE_HOLDER, state=state, cred_offer=message
    )
    async with profile.session() as session:
        await record.save(session)
    return str(record.cred_ex_id)


async def request(profile: Profile, name: str = "family_name") -> str:
    asked = {"name": "x", "requested_attributes": {"q": {"name": name}}, "requested_predicates": {}}
    message = V20PresRequest(
        formats=[V20PresFormat(attach_id="a", format_="anoncreds/proof-request@v1.0")],
        request_presentations_attach=[AttachDecorator.data_base64(asked, ident="a")],
    )
    record = V20PresExRecord(
        thread_id=message._thread_id,
        role=V20PresExRecord.ROLE_PROVER,
        state=V20PresExRecord.STATE_REQUEST_RECEIVED,
        pres_request=message,
    )
    async with profile.session() as session:
        await record.save(session)
    return str(record.pres_ex_id)


async def test_a_list_of_offers_asks_nobody(profile: Profile, hosts: Hosts) -> None:
    for number in range(12):
        await offer(profile, f"silent-{number}.example.org")
    async with asyncio.timeout(5):
        shown, total = await offers.list_offers(profile, CONFIG)
    assert (len(shown), total, hosts.asked) == (12, 12, [])
    assert {each.state for each in shown} == {OfferState.OPEN}
    assert {(each.judgement, each.judgement_is_current) for each in shown} == {(None, False)}


async def test_one_offer_is_judged_when_it_is_asked_for_and_the_list_shows_that(profile: Profile, hosts: Hosts) -> None:
    hosts.answering = {"there"}
    offer_id = await offer(profile, "there.example.org")
    judged = (await offers.get_offer(profile, CONFIG, offer_id)).judgement
    assert judged is not None
    assert [reason.code for reason in judged.reasons] == ["offer.unresolved"]
    ((listed,), _) = await offers.list_offers(profile, CONFIG)
    assert listed.judgement == judged
    assert listed.judgement_is_current
    assert len(hosts.asked) == 1


async def test_one_offer_of_a_silent_host_is_shown_as_it_was(
    profile: Profile, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.answering = {"host"}
    offer_id = await offer(profile, "host.example.org")
    before = (await offers.get_offer(profile, CONFIG, offer_id)).judgement
    hosts.answering.clear()
    monkeypatch.setattr(offers, "_JUDGING_S", 0.05)
    assert (await offers.get_offer(profile, CONFIG, offer_id)).judgement == before


async def test_all_are_judged_at_once_under_one_deadline(
    profile: Profile, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "_JUDGING_S", 0.5)
    hosts.answering = {"there"}
    honest = await offer(profile, "there.example.org")
    silent = {await offer(profile, f"silent-{number}.example.org") for number in range(10)}
    async with asyncio.timeout(5):
        shown, _ = await offers.refresh_offers(profile, CONFIG)
    judged = {each.id for each in shown if each.judgement is not None}
    assert judged == {honest}
    assert silent.isdisjoint(judged)


async def test_accepting_judges_anew_and_never_by_what_was_kept(profile: Profile, hosts: Hosts) -> None:
    hosts.answering = {"there"}
    offer_id = await offer(profile, "there.example.org")
    _, decision = await offers.accept(profile, CONFIG, offer_id)
    assert decision.verdict is Verdict.UNKNOWN
    assert len(hosts.asked) == 1


async def test_a_sweep_is_not_held_up_by_silent_hosts(
    profile: Profile, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "_SWEEP_S", 0.5)
    rounds = Rounds("test", at_once=4)
    hosts.answering = {"there"}
    for number in range(3):
        await offer(profile, f"silent-{number}.example.org", "offer-received")
    honest = await offer(profile, "there.example.org", "offer-received")
    for _ in range(2):
        await offers.sweep_offers(profile, CONFIG, utc_now(), began=utc_now(), rounds=rounds)
    async with profile.session() as session:
        assert (await V20CredExRecord.retrieve_by_id(session, honest)).state == "offer-withheld"  # it was judged
    assert sum("silent" in each for each in hosts.asked) == 3  # and the others not a second time meanwhile
    await rounds.stop()


async def test_lists_have_pages_newest_first(profile: Profile) -> None:
    made = [await offer(profile, f"host-{number}.example.org") for number in range(5)]
    first, total = await offers.list_offers(profile, CONFIG, Page(limit=2))
    rest, _ = await offers.list_offers(profile, CONFIG, Page(limit=50, offset=2))
    assert total == 5
    assert [each.id for each in (*first, *rest)] == made[::-1]
    asked = [await request(profile) for _ in range(3)]
    shown, total = await requests.list_requests(profile, CONFIG, Page(limit=2))
    assert ([each.id for each in shown], total) == (asked[:0:-1], 3)


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "501"}, {"limit": "²"}, {"offset": "-1"}, {"limit": ""}])
def test_a_page_that_cannot_be_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(MalformedError):
        _page(query)


def test_a_page_is_read_from_the_query() -> None:
    assert _page({"limit": "500", "offset": "7"}) == Page(500, 7)
    assert _page({}) == Page()


async def test_what_strangers_sent_is_read_in_another_thread(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()

    def parsed(received: object) -> Any:
        threads.add(threading.get_ident())
        return parse_proof_request(received)

    monkeypatch.setattr(requests, "parse_proof_request", parsed)
    request_id = await request(profile)
    await requests.list_requests(profile, CONFIG)
    await requests.get_request(profile, CONFIG, request_id)
    await requests.sweep_requests(profile, CONFIG, utc_now(), began=utc_now())
    assert threads
    assert threading.get_ident() not in threads


async def test_a_record_that_cannot_be_read_hides_no_other(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    known = await offer(profile, "host.example.org")
    async with profile.session() as session:
        for name, value in (("deep", "[" * 100_000), ("text", "x"), ("list", "[]")):
            await session.handle.insert(V20CredExRecord.RECORD_TYPE, name, value)
    shown, total = await offers.list_offers(profile, CONFIG)
    assert ([each.id for each in shown], total) == ([known], 4)
    assert len([record for record in caplog.records if "cannot be read" in record.getMessage()]) == 3


async def test_reads_all_in_batches(profile: Profile) -> None:
    made = [await request(profile) for _ in range(70)]
    assert await read_all(profile, V20PresExRecord, lambda record: record.pres_ex_id) == made
    page, total = await read_page(profile, V20PresExRecord, Page(limit=40), lambda record: record.pres_ex_id)
    assert (page, total) == (made[:29:-1], 70)


async def test_revocation_is_looked_up_at_once_and_in_time(
    profile: Profile, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wallet, "_LOOK_UP_S", 0.1)
    silent = [
        SimpleNamespace(
            name=str(number),
            tags=dict.fromkeys(
                ("schema_id", "cred_def_id", "issuer_did", "schema_issuer_did", "schema_name", "schema_version"), "x"
            ),
            value=f'{{"rev_reg_id": "registry-{number}", "signature": {{"r_credential": {{"i": 1}}}}, "values": {{}}}}',
        )
        for number in range(5)
    ]
    async with asyncio.timeout(2):
        held = await wallet._with_revocation(profile, silent, check_revocation=True)
    assert {each.revocation for each in held} == {Revocation.UNCHECKED}
    assert sorted(hosts.asked) == [f"registry-{number}" for number in range(5)]
