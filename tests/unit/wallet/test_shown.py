"""Shown without a network: a wallet that reaches nobody answers a verifier by codes, and the verifier judges it."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.memory_wallet import memory_wallet
from tests.unit.trust.employer import SHIPYARD, WELDER, codes, verdict
from tests.unit.verifier_pages.place import DeskPlace, open_place
from tests.unit.wallet.offline_book import book_rows
from tests.unit.wallet.wallet_process import WalletProcess

from wanderbuch.errors import ExchangeError
from wanderbuch.governance.facts.question import Subject, Verdict
from wanderbuch.plugins.http.replaying import FallbackEdge
from wanderbuch.plugins.trust.offline.frames import Carried, FramesError, frames_of, message_of
from wanderbuch.plugins.trust.offline.messages import ANSWER_TYPE, request_frames
from wanderbuch.plugins.trust.purposes import goal_code
from wanderbuch.plugins.trust.verifying.anoncreds.lesser import may_leave_out
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState

pytestmark = pytest.mark.needs("node")


@pytest.fixture
async def place() -> AsyncIterator[DeskPlace]:
    profile = await memory_wallet()
    yield await open_place(profile)
    await profile.close()


def request_of(asked: Verification) -> bytes:
    frames = request_frames(
        question_id=asked.id,
        asker=SHIPYARD,
        goal_code=goal_code(asked.requirement.purpose),
        answer_by=asked.answer_by,
        proof_request=asked.proof_request,
        may_leave_out=may_leave_out(asked),
    )
    return message_of(Carried.REQUEST, frames[::-1])


async def test_a_worker_answers_a_verifier_without_any_network(place: DeskPlace, wallet: WalletProcess) -> None:
    employer, profile = place.employer, place.profile
    asked, other = await employer.ask(), await employer.ask()
    rows = book_rows(wallet, place.welder.issuer)
    answered = wallet.call("answer_codes", rows=rows, requests=[request_of(one).hex() for one in (asked, other)])
    first, second = answered["told"]
    assert [one["said"] for one in answered["told"]] == ["yes", "yes"]
    assert (first["asker"], first["isShown"], first["isFromLink"], first["may"]) == (SHIPYARD, True, True, "UNKNOWN")
    assert first["isSame"]
    # Of all answers that were shown the newest alone is kept, and nothing goes out by another way.
    assert (answered["shown"], answered["sent"]) == (1, 0)
    assert answered["ready"]["missing"] == 0
    assert len(first["frames"]) <= 16
    with pytest.raises(FramesError, match="another question"):
        await employer.desk.receive_codes(profile, other.id, first["frames"])
    ended = await employer.desk.receive_codes(profile, asked.id, first["frames"][::-1])
    assert verdict(ended) is Verdict.TRUSTED
    assert await employer.desk.receive_codes(profile, asked.id, first["frames"]) == ended
    # A replay: the proof of one question, called the answer to another, does not answer its nonce.
    replayed = json.loads(message_of(Carried.ANSWER, first["frames"])) | {"id": other.id}
    ended = await employer.desk.receive_codes(
        profile, other.id, frames_of(Carried.ANSWER, json.dumps(replayed).encode())
    )
    assert (verdict(ended), codes(ended)) == (Verdict.NOT_TRUSTED, ["proof.invalid"])
    with pytest.raises(ExchangeError, match="answered before"):
        await employer.desk.receive_codes(profile, other.id, second["frames"])
    assert employer.heard() == []


async def test_an_answer_by_codes_leaves_out_what_it_may(place: DeskPlace, wallet: WalletProcess) -> None:
    named = replace(WELDER, subject=Subject.NAME_AND_BIRTH_DATE, least_subject=Subject.NAME)
    rows = book_rows(wallet, place.welder.issuer)
    outcomes = []
    for is_less in (False, True):
        asked = await place.employer.ask(named)
        [told] = wallet.call("answer_codes", rows=rows, requests=[request_of(asked).hex()], isLess=is_less)["told"]
        assert (told["said"], told["left"]) == ("yes", ["birth_date"])
        ended = await place.employer.desk.receive_codes(place.profile, asked.id, told["frames"])
        seen = await place.employer.seen(ended) or {}
        outcomes.append((verdict(ended), ended.left_out, "birth_date" in seen, "family_name" in seen))
    assert outcomes == [(Verdict.TRUSTED, (), True, True), (Verdict.TRUSTED, ("birth_date",), False, True)]


async def test_nothing_is_left_out_of_an_answer_by_codes_that_may_not_be(
    place: DeskPlace, wallet: WalletProcess
) -> None:
    asked = await place.employer.ask(replace(WELDER, subject=Subject.NAME_AND_BIRTH_DATE))
    rows = book_rows(wallet, place.welder.issuer)
    [told] = wallet.call("answer_codes", rows=rows, requests=[request_of(asked).hex()], isLess=True)["told"]
    assert (told["said"], told["left"], told.get("frames")) == ("state", [], None)


async def test_what_is_missing_is_said_and_nothing_is_shown(place: DeskPlace, wallet: WalletProcess) -> None:
    asked = await place.employer.ask()
    rows = book_rows(wallet, place.welder.issuer, is_ready=False)
    answered = wallet.call("answer_codes", rows=rows, requests=[request_of(asked).hex()])
    [told] = answered["told"]
    assert (told["said"], told.get("frames")) == ("not_ready", None)
    assert answered["ready"] == {"ready": 0, "missing": 1, "since": None}


async def test_requests_that_are_none_are_refused(place: DeskPlace, wallet: WalletProcess) -> None:
    asked = json.loads(request_of(await place.employer.ask()))
    wrong: dict[str, dict[str, Any]] = {
        "another type": {"type": ANSWER_TYPE},
        "no thread": {"id": ""},
        "a thread with blanks": {"id": "a b"},
        "nobody asks": {"asker": "the shipyard"},
        "asks nothing": {"request": {}},
        "leaves out what is not asked": {"may_be_left_out": {"attributes": ["birth_date"], "nonce": "2"}},
    }
    told = {}
    for name, change in wrong.items():
        request = json.dumps(asked | change).encode().hex()
        told[name] = wallet.call("open_codes", request=request)
    told["no JSON"] = wallet.call("open_codes", request=b"{".hex())
    assert told == dict.fromkeys([*wrong, "no JSON"], "malformed")


async def test_facts_of_a_bundle_are_as_old_as_the_verifier_lets_them_be(place: DeskPlace) -> None:
    employer, profile = place.employer, place.profile
    outcomes = {}
    for hours in (1, 3):
        recording = FallbackEdge(None, {}, recorded_at=employer.now - timedelta(hours=2), clock=employer.clock)
        recording.last_replayed_at = employer.now
        employer.desk._judge._recording, employer.desk._judge._oldest = recording, timedelta(hours=hours)
        monday = await employer.ask()
        proof = place.worker.present(monday.proof_request, place.welder)
        answer = {"type": ANSWER_TYPE, "id": monday.id, "presentation": proof}
        ended = await employer.desk.receive_codes(
            profile, monday.id, frames_of(Carried.ANSWER, json.dumps(answer).encode())
        )
        outcomes[hours] = verdict(ended), codes(ended)
        assert ended.grounds is not None
        assert all(source.as_of is not None for source in ended.grounds.sources)
    assert outcomes[1][0] is Verdict.UNKNOWN
    assert outcomes[1][1][0] == "offline.policy"
    assert "offline.then" in outcomes[1][1]
    assert "offline.age" in outcomes[3][1]
    assert "offline.policy" not in outcomes[3][1]


async def test_codes_are_taken_while_an_answer_is(place: DeskPlace) -> None:
    employer, profile = place.employer, place.profile
    asked = await employer.ask()
    proof = place.worker.present(asked.proof_request, place.welder)
    answer = {"type": ANSWER_TYPE, "id": asked.id, "presentation": proof}
    frames = frames_of(Carried.ANSWER, json.dumps(answer).encode())
    for broken in (frames[1:], [], ["https://x.example.test"]):
        with pytest.raises(FramesError):
            await employer.desk.receive_codes(profile, asked.id, broken)
    assert (await employer.desk.status(profile, asked.id)).state is VerificationState.OPEN
    employer.now += timedelta(minutes=11)
    with pytest.raises(ExchangeError, match="after the deadline"):
        await employer.desk.receive_codes(profile, asked.id, frames)
