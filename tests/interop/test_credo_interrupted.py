"""What was begun with a stock wallet goes on, whoever dies in between; and a wallet that nobody can reach gets it all.

Deaths are kill -9: of the wallet as a phone whose battery is empty, of an agent as a power cut.
"""

from pathlib import Path

import pytest
from tests.interop.credo_wallet import CredoWallet, Exchange, Invitation
from tests.interop.ecosystem import Ecosystem, Json

pytestmark = [pytest.mark.agents, pytest.mark.needs("node", "compiler"), pytest.mark.asyncio(loop_scope="session")]


async def offered(ecosystem: Ecosystem, wallet: CredoWallet) -> tuple[Json, Exchange]:
    offer = await ecosystem.offer()
    return offer, await wallet.offer_of(await wallet.receive(offer["short_url"]))


async def asked(ecosystem: Ecosystem, wallet: CredoWallet) -> tuple[Json, Exchange]:
    request = await ecosystem.ask(min_eqf_level=3)
    return request, await wallet.request_of(await wallet.receive(request["short_url"]))


async def kept(ecosystem: Ecosystem, offer: Json) -> Json:
    """Wait until the centre knows that a wallet has the credential."""
    kept_offer: Json = await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
    return kept_offer


async def polled(wallet: CredoWallet, invitation: Invitation) -> Exchange:
    """Give the offer behind an invitation to a wallet that must ask for it."""
    await wallet.ping(invitation.connection_id)
    return await wallet.offer_of(invitation)


async def test_wallet_that_died_before_it_accepted_and_before_it_answered_goes_on(
    ecosystem: Ecosystem, tmp_path: Path
) -> None:
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        offer, received = await offered(ecosystem, wallet)
        await wallet.kill()
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        await wallet.accept(received)
        await kept(ecosystem, offer)
        assert len(await wallet.credentials()) == 1
        request, question = await asked(ecosystem, wallet)
        await wallet.kill()
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        await wallet.answer(question)
        assert (await ecosystem.outcome(request))["decision"]["verdict"] == "TRUSTED"
        await wallet.reached(question, "done")


async def test_credential_that_found_a_dead_wallet_is_sent_again(ecosystem: Ecosystem, tmp_path: Path) -> None:
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        offer, received = await offered(ecosystem, wallet)
        await wallet.switch_off()
        await wallet.do("accept_offer", id=received.id)
        await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "state", "ISSUED")
        await wallet.kill()
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        await kept(ecosystem, offer)
        assert len(await wallet.credentials()) == 1


async def test_issuer_that_died_after_its_offer_issues(ecosystem: Ecosystem, tmp_path: Path) -> None:
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        offer, received = await offered(ecosystem, wallet)
        await ecosystem.centre.kill()
        await ecosystem.centre.start()
        await wallet.accept(received)
        assert (await kept(ecosystem, offer))["state"] == "ISSUED"


async def test_verifier_that_died_after_its_question_decides(ecosystem: Ecosystem, tmp_path: Path) -> None:
    async with ecosystem.wallet(tmp_path / "wallet") as wallet:
        offer, received = await offered(ecosystem, wallet)
        await wallet.accept(received)
        await kept(ecosystem, offer)
        request, question = await asked(ecosystem, wallet)
        await ecosystem.employer.kill()
        await ecosystem.employer.start()
        await wallet.answer(question)
        assert (await ecosystem.outcome(request))["decision"]["verdict"] == "TRUSTED"
        await wallet.reached(question, "done")


async def test_wallet_that_nobody_can_reach_takes_and_proves(ecosystem: Ecosystem, tmp_path: Path) -> None:
    async with ecosystem.wallet(tmp_path / "wallet", listens=False) as wallet:
        offer = await ecosystem.offer()
        received = await polled(wallet, await wallet.receive(offer["short_url"]))
        await wallet.accept(received)
        await kept(ecosystem, offer)
        request, question = await asked(ecosystem, wallet)
        await wallet.answer(question)
        assert (await ecosystem.outcome(request))["decision"]["verdict"] == "TRUSTED"
        await wallet.reached(question, "done")


async def test_wallet_that_nobody_can_reach_hears_of_its_revocation(ecosystem: Ecosystem, tmp_path: Path) -> None:
    async with ecosystem.wallet(tmp_path / "wallet", listens=False) as wallet:
        offer = await ecosystem.offer()
        invitation = await wallet.receive(offer["short_url"])
        await wallet.accept(await polled(wallet, invitation))
        await kept(ecosystem, offer)
        assert (await ecosystem.centre.post(f"/credentials/{offer['id']}/revoke"))["published"]
        await wallet.ping(invitation.connection_id)
        await wallet.until(lambda seen: seen.kind == "revocation")
