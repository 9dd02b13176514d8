"""The power fails behind every step of a wallet, one after the other: afterwards everything can go on, once."""

import json
from contextlib import suppress
from itertools import count
from pathlib import Path

from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from tests.unit.holder.process import CONFIG, HolderProcess, invitation_with

from wanderbuch.agents.holder import offers, requests
from wanderbuch.agents.holder.offers import OfferState
from wanderbuch.agents.holder.requests import DeclineReason, RequestState
from wanderbuch.agents.holder.wallet import list_credentials
from wanderbuch.errors import ExchangeError


async def test_an_offer_becomes_one_credential_wherever_the_power_fails(process: HolderProcess, tmp_path: Path) -> None:
    await process.stop()
    for steps in count():
        wallet = process.copied(tmp_path / f"copy-{steps}")
        await wallet.start()
        offer = wallet.offer()
        thread = offer._thread_id

        async def accept(wallet: HolderProcess = wallet, thread: str = thread) -> None:
            (record,) = [each for each in await wallet.offers() if each.thread_id == thread]
            await offers.accept(wallet.profile, CONFIG, record.cred_ex_id)

        async def answer_request(wallet: HolderProcess = wallet, offer: V20CredOffer = offer) -> None:
            """Be the issuer: one credential for a request, sent until it is acknowledged."""
            wallet.issued = wallet.issued or wallet.credential(offer, wallet.sent[-1].message)
            await wallet.receive(wallet.issued)

        async def all_of_it(wallet: HolderProcess = wallet, offer: V20CredOffer = offer, thread: str = thread) -> None:
            await wallet.receive(offer)
            await accept(wallet, thread)
            await answer_request()

        cut = await wallet.power.lasts(steps, all_of_it)
        if cut:
            await wallet.restart()
            await wallet.receive(offer)  # its envelope was kept, or the issuer sends it again
            (record,) = [each for each in await wallet.offers() if each.thread_id == thread]
            if offers.state_of(record) is OfferState.OPEN:
                await accept(wallet, thread)
            requested = [each.message for each in wallet.sent if each.kind == "request-credential"]
            assert len({json.dumps(each["requests~attach"]) for each in requested}) == 1
            if "ack" not in wallet.kinds():
                await answer_request()
        (record,) = await wallet.offers()
        assert offers.state_of(record) is OfferState.RECEIVED, f"cut after {steps} steps"
        held = await list_credentials(wallet.profile, check_revocation=True)
        assert [each.id for each in held] == [record.cred_ex_id]
        assert "ack" in wallet.kinds()
        await wallet.stop()
        if not cut:
            break
    assert steps > 5


async def test_a_question_is_answered_with_one_answer_wherever_the_power_fails(
    process: HolderProcess, tmp_path: Path
) -> None:
    credential = await process.receive_credential()
    await process.stop()
    for steps in count():
        wallet = process.copied(tmp_path / f"copy-{steps}")
        await wallet.start()
        question = wallet.question()
        invitation = invitation_with(question)

        async def answer(wallet: HolderProcess = wallet, invitation: dict[str, object] = invitation) -> None:
            opened = await wallet.open(invitation)
            shown = await requests.get_request(wallet.profile, CONFIG, opened.id)
            if shown.state is RequestState.OPEN:
                await requests.present(wallet.profile, CONFIG, opened.id, credential)

        cut = await wallet.power.lasts(steps, answer)
        if cut:
            await wallet.restart()
            await answer()  # the person saw no answer, and scans again
        (record,) = await wallet.questions()
        assert requests.state_of(record) is RequestState.PRESENTED, f"cut after {steps} steps"
        assert len(await wallet.invitations()) == 1
        answers = [each for each in wallet.sent if each.kind == "presentation"]
        assert answers, f"cut after {steps} steps: nothing was sent"
        assert {each.to for each in answers} == {"https://shipyard.wanderbuch.test/didcomm"}
        assert {each.message["~thread"]["thid"] for each in answers} == {question._thread_id}
        assert len({json.dumps(each.message["presentations~attach"]) for each in answers}) == 1
        await wallet.hear_ack(question._thread_id)
        assert (await requests.get_request(wallet.profile, CONFIG, record.pres_ex_id)).state is RequestState.ACCEPTED
        await wallet.stop()
        if not cut:
            break
    assert steps > 4


async def test_a_question_is_declined_once_wherever_the_power_fails(process: HolderProcess, tmp_path: Path) -> None:
    await process.stop()
    for steps in count():
        wallet = process.copied(tmp_path / f"copy-{steps}")
        await wallet.start()
        question = wallet.question()
        invitation = invitation_with(question)

        async def decline(wallet: HolderProcess = wallet, invitation: dict[str, object] = invitation) -> None:
            opened = await wallet.open(invitation)
            with suppress(ExchangeError):  # it was declined before the cut
                await requests.decline(wallet.profile, CONFIG, opened.id, DeclineReason.UNWILLING)

        cut = await wallet.power.lasts(steps, decline)
        if cut:
            await wallet.restart()
            await decline()
        (record,) = await wallet.questions()
        assert requests.state_of(record) is RequestState.DECLINED
        told = [each for each in wallet.sent if each.kind == "problem-report"]
        assert {each.message["~thread"]["thid"] for each in told} == {question._thread_id}, f"cut after {steps} steps"
        await wallet.stop()
        if not cut:
            break
    assert steps > 2
