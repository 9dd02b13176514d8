"""The power fails behind every step of an offer, one after the other: afterwards it can go on, once."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from acapy_agent.anoncreds.holder import AnonCredsHolder
from tests.unit.holder.offered import CONFIG, OfferedWallet, after
from tests.unit.power import Power, marks_end
from tests.unit.told import tell_what_was_cut, told
from tests.unit.trust.ecosystem import Authority, Issuer

from wanderbuch.agents.holder import offers
from wanderbuch.agents.holder.held_offer import OfferState
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.credential_messages import read_offer_message, read_request_message


@pytest.fixture
async def cuttable(
    agent_config: AgentConfig, training_centre: Issuer, power: Power, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> OfferedWallet:
    monkeypatch.setenv("HOME", str(tmp_path))
    made = OfferedWallet(agent_config, (training_centre,), Authority(), power)
    await made.start()
    made.place_tails()
    await made.connect()
    await made.sweep()
    await made.stop()
    return made


async def test_an_offer_becomes_one_credential_wherever_the_power_fails(
    cuttable: OfferedWallet, tmp_path: Path, power: Power
) -> None:
    for steps in power.cuts():
        wallet = cuttable.copied(tmp_path / f"copy-{steps}")
        await wallet.start()
        offer = wallet.offer()
        offer_json = read_offer(offer)
        issued: list[dict[str, object]] = []

        async def accept(wallet: OfferedWallet = wallet) -> None:
            (offer,) = await wallet.every()
            await offers.accept(wallet.profile, CONFIG, offer.id)
            await wallet.settled()

        async def answer(
            wallet: OfferedWallet = wallet,
            offer: dict[str, object] = offer,
            offer_json: str = offer_json,
            issued: list[dict[str, object]] = issued,
        ) -> None:
            """Be the issuer: one credential for a request, sent until it is acknowledged."""
            if not issued:
                asked = next(message for message in wallet.sent if str(message["@type"]).endswith("request-credential"))
                issued.append(wallet.signed(str(offer["@id"]), offer_json, read_request_message(asked).text))
            await wallet.receive(issued[0])

        async def all_of_it(wallet: OfferedWallet = wallet, offer: dict[str, object] = offer) -> None:
            await wallet.receive_offer(offer)
            await accept()
            await answer()

        cut = await wallet.power.lasts(steps, all_of_it)  # type: ignore[union-attr]
        if cut:
            before = list(wallet.sent)
            await wallet.restart()
            await wallet.receive_offer(offer)  # the issuer sends it again, until it is answered
            (held_offer,) = await wallet.every()
            if held_offer.state is OfferState.OPEN:
                await accept()
            requested = [message for message in wallet.sent if str(message["@type"]).endswith("request-credential")]
            assert requested, f"cut after {steps} steps: nothing was asked"
            assert len({json.dumps(message) for message in requested}) == 1
            if "ack" not in wallet.kinds():
                await answer()
            assert wallet.sent[: len(before)] == before
        (held_offer,) = await wallet.every()
        assert held_offer.state is OfferState.RECEIVED, f"cut after {steps} steps"
        credentials = await AnonCredsHolder(wallet.profile).get_credentials(offset=0, limit=10, wql={})
        assert [credential["referent"] for credential in credentials] == [held_offer.id]
        assert "ack" in wallet.kinds()
        await tell_what_was_cut(wallet.profile)
        assert await told(wallet.profile) == [("wallet.credential-kept", held_offer.id, {})]
        await marks_end(wallet.profile)
        shown, total = await offers.list_offers(wallet.profile, CONFIG)
        assert ([offer.state for offer in shown], total) == ([OfferState.RECEIVED], 1), f"cut after {steps} steps"
        await wallet.stop()
        if not cut:
            break
    assert steps > 8


def read_offer(offer: dict[str, object]) -> str:

    return read_offer_message(offer).offer.text


async def test_an_offer_is_declined_once_wherever_the_power_fails(
    cuttable: OfferedWallet, tmp_path: Path, power: Power
) -> None:
    for steps in power.cuts():
        wallet = cuttable.copied(tmp_path / f"copy-{steps}")
        await wallet.start()
        offer = wallet.offer()

        async def decline(wallet: OfferedWallet = wallet, offer: dict[str, object] = offer) -> None:
            held_offer = await wallet.receive_offer(offer)
            with suppress(ExchangeError):  # it was declined before the cut
                await offers.decline(wallet.profile, CONFIG, held_offer.id)
            await wallet.settled()

        cut = await wallet.power.lasts(steps, decline)  # type: ignore[union-attr]
        if cut:
            await wallet.restart()
            await decline()
            await marks_end(wallet.profile)
            await wallet.sweep(after(61))
        (declined,) = await wallet.every()
        assert declined.state is OfferState.DECLINED
        reports = [message for message in wallet.sent if "description" in message]
        assert {report["~thread"]["thid"] for report in reports} == {offer["@id"]}, f"cut after {steps} steps"
        await tell_what_was_cut(wallet.profile)
        assert await told(wallet.profile) == [("wallet.offer-ended", declined.id, {"state": "DECLINED"})]
        await wallet.stop()
        if not cut:
            break
    assert steps > 4


async def test_what_ended_long_ago_is_forgotten_wherever_the_power_fails(
    cuttable: OfferedWallet, tmp_path: Path, power: Power
) -> None:
    await cuttable.start()
    offer = await cuttable.receive_offer(cuttable.offer())
    await offers.decline(cuttable.profile, CONFIG, offer.id)
    await cuttable.settled()
    await cuttable.stop()
    for steps in power.cuts():
        wallet = cuttable.copied(tmp_path / f"copy-{steps}")
        await wallet.start()
        later = after(2 * 86_400)
        cut = await wallet.power.lasts(steps, lambda wallet=wallet, later=later: wallet.sweep(later))  # type: ignore[union-attr, misc]
        if cut:
            await wallet.stop()
            await wallet.start()
            await marks_end(wallet.profile)
            await wallet.claims_end()
            await wallet.sweep(later)
        async with wallet.profile.session() as session:
            for category in ("", ".text", ".request", ".marker"):
                left = await session.handle.count(f"wanderbuch.held_offer{category}")
                assert left == 0, f"cut after {steps} steps: {category}"
            assert await session.handle.count("wanderbuch.judgement") == 0
        await wallet.stop()
        if not cut:
            break
    assert steps > 4
