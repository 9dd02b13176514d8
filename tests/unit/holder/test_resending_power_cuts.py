"""The power fails behind every step of a notice that comes, and of the sweep that sends again, on each engine."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.postgresql import ENGINES
from tests.two_processes import two_processes
from tests.unit.holder.asked_wallet import AskedWallet
from tests.unit.holder.offered import CONFIG, OfferedWallet, after
from tests.unit.holder.test_revocation_notices import NOTICE_2, notice, revoke
from tests.unit.power import Power, marks_end
from tests.unit.trust.ecosystem import Authority, Issuer, webvh

from wanderbuch.agents.holder import offers, requests
from wanderbuch.agents.holder.held_offer import OfferState
from wanderbuch.agents.holder.request_book import RequestState
from wanderbuch.agents.holder.request_sweep import RequestSweep
from wanderbuch.agents.holder.revocation_notices import noted_revoked
from wanderbuch.agents.holder.sweeping_offers import OfferSweep
from wanderbuch.agents.runtime.config import AgentConfig

PLEASE_ACK = {"~please_ack": {"on": ["RECEIPT"]}}


@pytest.fixture(scope="module")
def revoking_centre() -> Issuer:
    """An issuer of this module's own: places that are revoked are no use to others."""
    return Issuer(webvh("centre"))


@asynccontextmanager
async def running(
    request: pytest.FixtureRequest, config: AgentConfig, issuer: Issuer, power: Power
) -> AsyncGenerator[AskedWallet]:
    """Run a wallet of its own on an engine, with a connection with an issuer."""
    if request.param == "sqlite":
        made = AskedWallet(config, (issuer,), Authority(), power)
        await opened(made)
        yield made
        await made.stop()
        return
    async with two_processes(config, request.getfixturevalue("database_with_store")) as two:
        made = AskedWallet(config, (issuer,), Authority(), power, two.first)
        await opened(made)
        yield made
        await made.sending.stop(wait_s=2)


@pytest.fixture(params=ENGINES)
async def wallet(
    request: pytest.FixtureRequest,
    agent_config: AgentConfig,
    training_centre: Issuer,
    power: Power,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[AskedWallet]:
    """A wallet whose issuer is everybody's."""
    monkeypatch.setenv("HOME", str(tmp_path))
    async with running(request, agent_config, training_centre, power) as made:
        yield made


@pytest.fixture(params=ENGINES)
async def hearing_wallet(
    request: pytest.FixtureRequest,
    agent_config: AgentConfig,
    revoking_centre: Issuer,
    power: Power,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[AskedWallet]:
    """A wallet whose issuer revokes."""
    monkeypatch.setenv("HOME", str(tmp_path))
    async with running(request, agent_config, revoking_centre, power) as made:
        yield made


async def opened(wallet: AskedWallet) -> None:
    await wallet.start()
    wallet.place_tails()
    await wallet.connect()
    await wallet.sweep()


async def begins_again(wallet: AskedWallet) -> None:
    """Be the process that begins after a cut, and sweep; the minute for which others wait has passed."""
    await wallet.settled()
    wallet.began = datetime.now(UTC)
    wallet.sweeper = OfferSweep(wallet.profile, began=wallet.began)
    wallet.request_sweeper = RequestSweep(wallet.profile, CONFIG, began=wallet.began)
    await marks_end(wallet.profile)
    await wallet.claims_end()
    await wallet.sweep()


async def test_a_notice_counts_and_is_acknowledged_wherever_the_power_fails(
    hearing_wallet: AskedWallet, power: Power
) -> None:
    wallet, revoked = hearing_wallet, set[int]()
    for steps in power.cuts():
        offer = await wallet.received()
        place = wallet.issuer._next
        named = f"{wallet.issuer.registry_id}::{place}"
        assert place not in revoked
        revoked.add(place)
        revoke(wallet, place)
        before = len(wallet.sent)

        async def come(named: str = named) -> None:
            assert await notice(wallet, NOTICE_2, named, **PLEASE_ACK)

        cut = await power.lasts(steps, come)
        if cut:
            await begins_again(wallet)
            await come()  # the issuer sends it until it is acknowledged
        where = f"cut after {steps} steps"
        assert await noted_revoked(wallet.profile, [offer.id]) == {offer.id}, where
        assert "ack" in wallet.kinds()[before:], where
        if not cut:
            break
    assert steps > 1


async def test_a_notice_finds_its_credential_wherever_the_power_failed_when_it_came(
    hearing_wallet: AskedWallet, power: Power
) -> None:
    wallet, revoked = hearing_wallet, set[int]()
    for steps in power.cuts():
        offer = await wallet.accepted()
        issued = await wallet.credential(offer)
        place = wallet.issuer._next
        cut = await power.lasts(steps, lambda message=issued: wallet.receive(message))
        if cut:
            await begins_again(wallet)
            await wallet.receive(issued)  # sent again, since nobody acknowledged it
        where = f"cut after {steps} steps"
        assert (await wallet.kept_offer(offer.id)).state is OfferState.RECEIVED, where
        assert place not in revoked
        revoked.add(place)
        revoke(wallet, place)
        assert await notice(wallet, NOTICE_2, f"{wallet.issuer.registry_id}::{place}"), where
        assert await noted_revoked(wallet.profile, [offer.id]) == {offer.id}, where
        if not cut:
            break
    assert steps > 1


async def test_a_request_is_sent_again_wherever_the_power_fails_in_the_sweep(wallet: AskedWallet, power: Power) -> None:
    for steps in power.cuts():
        offer = await wallet.accepted()
        asked = wallet.sent[-1]
        before = len(wallet.sent)
        wallet.sweeper = OfferSweep(wallet.profile, began=datetime.now(UTC))
        cut = await power.lasts(steps, lambda: OfferedWallet.sweep(wallet, after(61)))
        if cut:
            await begins_again(wallet)
        where = f"cut after {steps} steps"
        again = [message for message in wallet.sent[before:] if message["~thread"]["thid"] == offer.thread_id]
        assert again, where
        assert {json.dumps(message) for message in again} == {json.dumps(asked)}, where
        assert await wallet.receive(await wallet.credential(offer))
        assert (await wallet.kept_offer(offer.id)).state is OfferState.RECEIVED, where
        if not cut:
            break
    assert steps > 1


async def test_a_decline_is_told_again_wherever_the_power_fails_in_the_sweep(wallet: AskedWallet, power: Power) -> None:
    for steps in power.cuts():
        offer = await wallet.receive_offer(wallet.offer())
        wallet.post.is_down = True
        await offers.decline(wallet.profile, CONFIG, offer.id)
        await wallet.sending.stop(wait_s=0)  # the process ends with it
        wallet.post.is_down = False
        before = len(wallet.sent)
        wallet.sweeper = OfferSweep(wallet.profile, began=datetime.now(UTC))
        cut = await power.lasts(steps, lambda: OfferedWallet.sweep(wallet, after(61)))
        if cut:
            await begins_again(wallet)
            await wallet.sweep(after(61))
        where = f"cut after {steps} steps"
        assert offer.thread_id in {message["~thread"]["thid"] for message in wallet.sent[before:]}, where
        if not cut:
            break
    assert steps > 1


async def test_an_answer_is_sent_again_wherever_the_power_fails_in_the_sweep(wallet: AskedWallet, power: Power) -> None:
    credential = await wallet.credential_id()
    for steps in power.cuts():
        request = await wallet.asked()
        await requests.present(wallet.profile, CONFIG, request.id, credential)
        await wallet.settled()
        (sent,) = [message for message in wallet.heard if message.message["~thread"]["thid"] == request.thread_id]
        before = len(wallet.heard)
        wallet.request_sweeper = RequestSweep(wallet.profile, CONFIG, began=datetime.now(UTC))

        async def sweep() -> None:
            await wallet.request_sweeper.sweep(after(61))
            await wallet.settled()

        cut = await power.lasts(steps, sweep)
        if cut:
            await begins_again(wallet)
        where = f"cut after {steps} steps"
        again = [
            message.message
            for message in wallet.heard[before:]
            if message.message["~thread"]["thid"] == request.thread_id
        ]
        assert again, where
        assert {json.dumps(mapping) for mapping in again} == {json.dumps(sent.message)}, where
        await wallet.hear_ack(request)
        ended = await requests.get_request(wallet.profile, CONFIG, request.id)
        assert ended.state is RequestState.ACCEPTED, where
        after_it = len(wallet.heard)
        await begins_again(wallet)
        assert len(wallet.heard) == after_it, where  # what was acknowledged is sent no more
        if not cut:
            break
    assert steps > 1
