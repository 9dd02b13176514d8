"""The power fails behind every step of answering or declining a question: afterwards everything can go on, once."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from tests.unit.holder.asked_wallet import SHIPYARD, AskedWallet
from tests.unit.holder.offered import CONFIG
from tests.unit.power import Power, marks_end
from tests.unit.told import tell_what_was_cut, told

from wanderbuch.agents.holder import requests
from wanderbuch.agents.holder.request_book import RequestState
from wanderbuch.agents.holder.requests import DeclineReason
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.payloads import Payloads


@pytest.mark.parametrize("over_connection", [False, True])
async def test_a_question_is_answered_with_one_answer_wherever_the_power_fails(
    asked: AskedWallet, tmp_path: Path, over_connection: bool, power: Power
) -> None:
    credential = await asked.credential_id()
    if over_connection:
        await asked.connect_verifier()
    await asked.stop()
    for steps in power.cuts():
        wallet = asked.copied(tmp_path / f"copy-{steps}")
        await wallet.start()
        question = wallet.question()
        invitation = wallet.invitation(question)

        async def come(
            wallet: AskedWallet = wallet, invitation: object = invitation, question: object = question
        ) -> str:
            if wallet.connection is None:
                return (await wallet.open(invitation)).id  # type: ignore[arg-type]
            await wallet.take(question, recipient=wallet.connection.own_key)  # type: ignore[arg-type]
            return (await wallet.requests())[0].id

        async def answer(wallet: AskedWallet = wallet) -> None:
            request_id = await come(wallet)
            shown = await requests.get_request(wallet.profile, CONFIG, request_id)
            if shown.state is RequestState.OPEN:
                await requests.present(wallet.profile, CONFIG, request_id, credential)
            await wallet.settled()

        cut = await wallet.power.lasts(steps, answer) if wallet.power else False
        if cut:
            await wallet.restart()
            await answer()  # the person saw no answer, and scans again; a message that came is handled again
        (request,) = await wallet.requests()
        where = f"cut after {steps} steps"
        assert request.state is RequestState.PRESENTED, where
        assert await Payloads(wallet.profile).find(request.id) is not None, where
        answers = [message for message in wallet.heard if message.kind == "presentation"]
        assert answers, f"{where}: nothing was sent"
        assert {answer.to for answer in answers} == {SHIPYARD}
        assert {answer.message["~thread"]["thid"] for answer in answers} == {question["@id"]}
        assert len({json.dumps(answer.message["presentations~attach"]) for answer in answers}) == 1, where
        await wallet.hear_ack(request)
        assert (await requests.get_request(wallet.profile, CONFIG, request.id)).state is RequestState.ACCEPTED
        await wallet.stop()
        if not cut:
            break
    assert steps > 4


async def test_a_question_is_declined_once_wherever_the_power_fails(
    asked: AskedWallet, tmp_path: Path, power: Power
) -> None:
    await asked.stop()
    for steps in power.cuts():
        wallet = asked.copied(tmp_path / f"copy-{steps}")
        await wallet.start()
        question = wallet.question()
        invitation = wallet.invitation(question)

        async def decline(wallet: AskedWallet = wallet, invitation: dict[str, object] = invitation) -> None:
            opened = await wallet.open(invitation)
            with suppress(ExchangeError):  # it was declined before the cut
                await requests.decline(wallet.profile, CONFIG, opened.id, DeclineReason.UNWILLING)
            await wallet.settled()

        cut = await wallet.power.lasts(steps, decline) if wallet.power else False
        if cut:
            await wallet.restart()
            await decline()
        (request,) = await wallet.requests()
        assert request.state is RequestState.DECLINED
        told_of = [message for message in wallet.heard if message.kind == "problem-report"]
        assert {message.message["~thread"]["thid"] for message in told_of} == {question["@id"]}, (
            f"cut after {steps} steps"
        )
        await tell_what_was_cut(wallet.profile)
        assert [event[2] for event in await told(wallet.profile)] == [{"state": "DECLINED"}], f"cut after {steps} steps"
        await wallet.stop()
        if not cut:
            break
    assert steps > 2


@pytest.mark.parametrize("ending", ["ack", "problem"])
async def test_an_end_that_comes_again_after_a_cut_ends_it_once(
    asked: AskedWallet, tmp_path: Path, ending: str, power: Power
) -> None:
    credential, request = await asked.credential_id(), await asked.asked()
    await requests.present(asked.profile, CONFIG, request.id, credential)
    await asked.settled()
    await asked.stop()
    state = RequestState.ACCEPTED if ending == "ack" else RequestState.REFUSED_BY_VERIFIER
    for steps in power.cuts():
        wallet = asked.copied(tmp_path / f"copy-{steps}")
        await wallet.start()
        before = len(await told(wallet.profile))

        async def end(wallet: AskedWallet = wallet) -> None:
            await (wallet.hear_ack(request) if ending == "ack" else wallet.hear_problem(request))

        cut = await wallet.power.lasts(steps, end) if wallet.power else False
        if cut:
            await wallet.restart()
            await end()  # its sender got no 200, and sends it again
        assert (await wallet.request(request.id)).state is state, f"cut after {steps} steps"
        await tell_what_was_cut(wallet.profile)
        new = [event for event in await told(wallet.profile) if event[1] == request.id]
        assert len(new) == 1, f"cut after {steps} steps"
        assert len(await told(wallet.profile)) == before + 1
        await wallet.stop()
        if not cut:
            break
    assert steps > 2


async def test_what_is_overdue_is_ended_and_forgotten_wherever_the_power_fails(
    asked: AskedWallet, tmp_path: Path, power: Power
) -> None:
    credential, request = await asked.credential_id(), await asked.asked()
    await requests.present(asked.profile, CONFIG, request.id, credential)
    await asked.settled()
    await asked.stop()
    overdue, forgotten = request.answer_by, request.answer_by.replace(year=request.answer_by.year + 1)
    for steps in power.cuts():
        wallet = asked.copied(tmp_path / f"copy-{steps}")
        await wallet.start()

        async def both(wallet: AskedWallet = wallet) -> None:
            await wallet.sweep(overdue)
            await wallet.sweep(forgotten)

        cut = await wallet.power.lasts(steps, both) if wallet.power else False
        if cut:
            await wallet.stop()
            await wallet.start()
            await marks_end(wallet.profile)
            await wallet.profile_rows_free()
            await both()
        assert await wallet.requests() == [], f"cut after {steps} steps"
        assert await Payloads(wallet.profile).find(request.id) is None, f"cut after {steps} steps"
        await wallet.stop()
        if not cut:
            break
    assert steps > 4
