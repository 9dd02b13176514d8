"""Codes that follow each other: agents and the wallet write and read the same, whatever a camera sees."""

import hashlib
import json
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.vectors.make_frame_vectors import FILE, vectors

from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.plugins.exchange.left_out import MayBeLeftOut
from wanderbuch.plugins.trust.offline.frames import (
    MAX_FRAMES,
    MAX_MESSAGE_BYTES,
    PART_BYTES,
    Carried,
    FrameCollector,
    FramesError,
    frames_of,
    frames_of_whole,
    message_of,
)
from wanderbuch.plugins.trust.offline.messages import ANSWER_TYPE, answer_members, request_frames
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import message_digest, presentation_members

VECTORS: dict[str, Any] = json.loads(FILE.read_text())


def test_the_vectors_are_what_their_script_writes() -> None:
    assert json.loads(json.dumps(vectors())) == VECTORS


def test_vectors() -> None:
    wrong = []
    for written in VECTORS["written"]:
        if frames_of_whole(Carried[written["carried"].upper()], bytes.fromhex(written["whole"])) != written["frames"]:
            wrong.append(written["name"])
        if max(map(len, written["frames"])) > 816:  # what version 18 has room for, with error correction M
            wrong.append(f"{written['name']}: too long for a code")
    assert len(frames_of_whole(Carried.ANSWER, bytes(MAX_FRAMES * PART_BYTES))) == MAX_FRAMES
    with pytest.raises(FramesError, match="1 to 64 codes"):
        frames_of_whole(Carried.ANSWER, bytes(MAX_FRAMES * PART_BYTES + 1))
    for case in VECTORS["read"]:
        collector = FrameCollector(Carried.ANSWER)
        taken = [collector.add(text).value for text in case["texts"]]
        before, message = collector.have, collector.message()
        told = None if message is None else hashlib.sha256(message).hexdigest()
        if (taken, before, told) != (case["taken"], case["before"], case["message"]):
            wrong.append(f"{case['name']}: {taken}, {before}")
    assert wrong == []


def test_a_stream_of_foreign_beginnings_takes_no_memory() -> None:
    flood = next(case["texts"] for case in VECTORS["read"] if case["name"] == "a flood of beginnings")
    collector = FrameCollector(Carried.ANSWER)
    collector.add(flood[0])
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for text in flood:
        collector.add(text)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 16_384


def test_what_is_too_long_is_not_shown() -> None:
    with pytest.raises(FramesError, match=str(MAX_MESSAGE_BYTES)):
        frames_of(Carried.ANSWER, bytes(MAX_MESSAGE_BYTES + 1))


def answer(**members: Any) -> list[str]:
    told = {"type": ANSWER_TYPE, "id": "q1", "presentation": {"proof": {"n": "12345678901234567890"}}, **members}
    return frames_of(Carried.ANSWER, json.dumps(told).encode())


def test_an_answer_becomes_a_presentation_and_is_the_same_each_time() -> None:
    one, two = (presentation_members(answer_members(texts, question_id="q1")) for texts in (answer(), answer()[::-1]))
    assert message_digest(one) == message_digest(two)


def test_what_is_no_answer_to_this_question_is_refused_in_a_sentence() -> None:
    request = request_frames(
        question_id="q1",
        asker=Did("did:example:a"),
        goal_code="",
        answer_by=datetime.now(UTC),
        proof_request={},
        may_leave_out=None,
    )
    cases = {
        "another question": answer(id="q2"),
        "no answer of a wallet": answer(type="something"),
        "no answer of a wallet ": answer(more=1),
        "cannot be read": frames_of(Carried.ANSWER, b'{"type":1,"type":2}'),
        "a question, not an answer": request,
        "none of ours": ["https://x.example.test"],
        "another version": ["WB2/000"],
        "do not belong together": [],
        "do not belong together ": [*answer(), answer(id="q3")[0][:-3]],
        "do not belong together  ": answer() * 65,
    }
    told = {}
    for sentence, texts in cases.items():
        with pytest.raises(FramesError) as refused:
            answer_members(texts, question_id="q1")
        told[sentence] = refused.value.message
    assert [sentence for sentence, message in told.items() if sentence.strip() not in message] == []


def test_a_request_says_what_is_asked_and_of_which_thread() -> None:
    at = datetime(2026, 11, 29, 4, tzinfo=UTC)
    left_out = MayBeLeftOut(("birth_date",), "8")
    whole, lesser = (
        json.loads(
            message_of(
                Carried.REQUEST,
                request_frames(
                    question_id="q1",
                    asker=Did("did:example:a"),
                    goal_code="g",
                    answer_by=at,
                    proof_request={"nonce": "7"},
                    may_leave_out=may_leave_out,
                ),
            )
        )
        for may_leave_out in (None, left_out)
    )
    assert whole == {
        "type": "wanderbuch-offline-request/1.0",
        "id": "q1",
        "asker": "did:example:a",
        "goal_code": "g",
        "answer_by": int(at.timestamp()),
        "request": {"nonce": "7"},
    }
    assert lesser == whole | {"may_be_left_out": {"attributes": ["birth_date"], "nonce": "8"}}
