"""Every request ends, and what may not have left is sent again: only what is due is looked at."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from tests.unit.holder.asked_wallet import AskedWallet
from tests.unit.holder.offered import CONFIG, after

from wanderbuch.agents.holder import requests
from wanderbuch.agents.holder.request_book import ReceivedRequest, ReceivedRequests, RequestState
from wanderbuch.agents.holder.request_sweep import RequestSweep
from wanderbuch.agents.holder.requests import DeclineReason
from wanderbuch.plugins.exchange.payloads import Payloads


async def presented(wallet: AskedWallet) -> ReceivedRequest:
    credential, request = await wallet.credential_id(), await wallet.asked()
    await requests.present(wallet.profile, CONFIG, request.id, credential)
    await wallet.settled()
    return await wallet.request(request.id)


async def sweep(wallet: AskedWallet, now: datetime, *, began: datetime | None = None) -> list[str]:
    """Sweep as a process that began then, and return what the verifier heard by it."""
    sweeper = wallet.request_sweeper if began is None else RequestSweep(wallet.profile, CONFIG, began=began)
    before = len(wallet.heard)
    await sweeper.sweep(now)
    await wallet.settled()
    return wallet.heard_kinds()[before:]


@pytest.mark.parametrize("answered", [False, True])
async def test_a_request_ends_at_its_deadline_and_the_verifier_is_told(asked: AskedWallet, answered: bool) -> None:
    request = await presented(asked) if answered else await asked.asked()
    assert "problem-report" not in await sweep(asked, request.answer_by - timedelta(seconds=1))
    assert not (await asked.request(request.id)).is_over
    assert await sweep(asked, request.answer_by) == ["problem-report"]
    assert asked.heard[-1].message["description"]["code"] == "abandoned"
    shown = await requests.get_request(asked.profile, CONFIG, request.id)
    assert (shown.state, shown.note) == (RequestState.NO_ANSWER, "The exchange was not finished in time.")
    assert await Payloads(asked.profile).find(request.id) is None
    assert await sweep(asked, request.answer_by) == []


async def test_what_ended_is_forgotten_in_time(asked: AskedWallet) -> None:
    request = await asked.asked()
    await requests.decline(asked.profile, CONFIG, request.id, DeclineReason.UNWILLING)
    for seconds, left in ((86_000, 1), (86_500, 0)):
        await sweep(asked, after(seconds))
        assert (await requests.list_requests(asked.profile, CONFIG))[1] == left


async def test_an_answer_that_nobody_acknowledges_is_sent_again_word_for_word(asked: AskedWallet) -> None:
    request = await presented(asked)
    assert request.answered_at is not None
    assert await sweep(asked, request.answered_at + timedelta(seconds=29)) == []
    assert await sweep(asked, request.answered_at + timedelta(seconds=31)) == ["presentation"]
    assert asked.heard[0].message == asked.heard[1].message
    await asked.hear_ack(request)
    assert await sweep(asked, request.answered_at + timedelta(seconds=300)) == []


async def test_the_end_of_an_answer_may_come_in_the_answer_to_it(asked: AskedWallet) -> None:
    replies: list[bytes] = []

    async def hears(body: bytes) -> None:
        replies.append(body)

    asked.sending.hears, asked.roads.reply = hears, b"an envelope"
    request = await presented(asked)
    assert request.answered_at is not None
    assert replies == [b"an envelope"]
    assert await sweep(asked, request.answered_at + timedelta(seconds=31)) == ["presentation"]
    assert replies == [b"an envelope"] * 2
    assert [message.message["~transport"] for message in asked.heard] == [{"return_route": "all"}] * 2
    # None came that could be read, so it is still waited for, and taken however it comes.
    assert await asked.hear_ack(request)
    assert (await asked.request(request.id)).state is RequestState.ACCEPTED


async def test_a_decline_asks_for_no_reply(asked: AskedWallet) -> None:
    async def hears(_: bytes) -> None:
        raise AssertionError

    asked.sending.hears = hears
    request = await asked.asked()
    await requests.decline(asked.profile, CONFIG, request.id, DeclineReason.UNWILLING)
    await asked.settled()
    assert "~transport" not in asked.heard[-1].message


async def test_an_answer_is_sent_again_after_ever_longer_pauses(asked: AskedWallet) -> None:
    request = await presented(asked)
    assert request.answered_at is not None
    sent = [
        seconds for seconds in range(5, 1000, 5) if await sweep(asked, request.answered_at + timedelta(seconds=seconds))
    ]
    assert sent == [30, 60, 120, 240, 480, 960]


async def test_an_answer_waits_for_a_verifier_that_is_away(asked: AskedWallet) -> None:
    asked.roads.is_down = True
    credential, request = await asked.credential_id(), await asked.asked()
    await requests.present(asked.profile, CONFIG, request.id, credential)
    await asked.sending.stop(wait_s=0)  # with the process
    assert asked.heard == []
    asked.roads.is_down = False
    assert await sweep(asked, after(31)) == ["presentation"]
    await asked.hear_ack(request)
    assert (await asked.request(request.id)).state is RequestState.ACCEPTED


async def test_what_may_not_have_left_before_a_crash_is_sent_again_once(asked: AskedWallet) -> None:
    await presented(asked)
    began = after(1)
    sweeper = RequestSweep(asked.profile, CONFIG, began=began)
    asked.request_sweeper = sweeper
    assert await sweep(asked, after(2)) == ["presentation"]
    assert await sweep(asked, after(3)) == []


@pytest.mark.parametrize("by_verifier", [False, True])
async def test_an_end_that_a_crash_kept_from_the_verifier_is_told_once(asked: AskedWallet, by_verifier: bool) -> None:
    """The verifier waits until its own deadline otherwise; what it ended itself it knows."""
    request = await asked.asked()
    if by_verifier:
        await asked.hear_problem(request)
    else:
        await requests.decline(asked.profile, CONFIG, request.id, DeclineReason.UNWILLING)
        await asked.settled()
    asked.request_sweeper = RequestSweep(asked.profile, CONFIG, began=after(1))
    assert await sweep(asked, after(2)) == ([] if by_verifier else ["problem-report"])
    assert await sweep(asked, after(3)) == []


async def test_an_end_is_not_told_to_a_verifier_whose_own_deadline_is_over(asked: AskedWallet) -> None:
    request = await asked.asked()
    await requests.decline(asked.profile, CONFIG, request.id, DeclineReason.UNWILLING)
    await asked.settled()
    assert await sweep(asked, request.answer_by + timedelta(seconds=1), began=request.answer_by) == []


async def test_a_sweep_reads_nothing_while_nothing_is_due(asked: AskedWallet, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        await asked.asked()
    await sweep(asked, after(1))
    read: list[str] = []
    inner = ReceivedRequests._fetch

    async def noted(self: ReceivedRequests, ids: Iterable[str]) -> dict[str, ReceivedRequest]:
        records = await inner(self, ids)
        read.extend(records)
        return records

    monkeypatch.setattr(ReceivedRequests, "_fetch", noted)
    await sweep(asked, after(2))
    assert read == []
    await sweep(asked, after(CONFIG.request_deadline_s + 1))
    assert read
