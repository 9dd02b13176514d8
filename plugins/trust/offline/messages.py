"""What the codes say: a question, and the answer to it (`frames` has how they travel). Pure.

The request names the question's thread and carries the proof request with its nonce, so that an answer to it is none to
another, and says what an answer may leave out (ADR 101). The answer names the thread, and becomes the members of a
present-proof 2.0 presentation (Aries RFC 0454): it is read and judged as one that came over the network.

Nobody signs a request: whoever shows it says who asks, and a wallet says that.
"""

import json
from datetime import datetime
from typing import Any, Final

from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.plugins.exchange.left_out import MayBeLeftOut
from wanderbuch.plugins.exchange.proof_messages import presentation_message
from wanderbuch.plugins.trust.offline.frames import MAX_MESSAGE_BYTES, Carried, FramesError, frames_of, message_of
from wanderbuch.strict_json import StrictJsonError, read_strict_json

REQUEST_TYPE: Final = "wanderbuch-offline-request/1.0"
ANSWER_TYPE: Final = "wanderbuch-offline-answer/1.0"
_MAX_DEPTH: Final = 34


def request_frames(
    *,
    question_id: str,
    asker: Did,
    goal_code: str,
    answer_by: datetime,
    proof_request: dict[str, Any],
    may_leave_out: MayBeLeftOut | None,
) -> list[str]:
    """Return the codes of a question.

    Args:
        question_id: its thread.
        asker: who asks; nothing proves it.
        goal_code: what for (Aries RFC 0519).
        answer_by: after this no answer is accepted.
        proof_request: as it was put.
        may_leave_out: what an answer may leave out; None: nothing.

    Raises:
        FramesError: it is too long.
    """
    request = {
        "type": REQUEST_TYPE,
        "id": question_id,
        "asker": str(asker),
        "goal_code": goal_code,
        "answer_by": int(answer_by.timestamp()),
        "request": proof_request,
        **(may_leave_out.member() if may_leave_out else {}),
    }
    return frames_of(Carried.REQUEST, _bytes(request))


def answer_members(texts: list[str], *, question_id: str) -> dict[str, Any]:
    """Return the presentation in codes that were read, as the members of a message; nothing in it is checked yet.

    Args:
        texts: the codes, in any order.
        question_id: the thread that it must answer.

    Raises:
        FramesError: they are no answer to this question.
    """
    received = message_of(Carried.ANSWER, texts)
    try:
        answer = read_strict_json(received, max_bytes=MAX_MESSAGE_BYTES, max_depth=_MAX_DEPTH)
    except StrictJsonError as err:
        raise FramesError(f"the answer in the codes cannot be read: {err.message}") from err
    if not isinstance(answer, dict) or set(answer) != {"type", "id", "presentation"} or answer["type"] != ANSWER_TYPE:
        raise FramesError("the codes are no answer of a wallet, or of another version of it")
    if answer["id"] != question_id:
        raise FramesError("the codes answer another question: scan the question on this page, and answer that one")
    proof = json.dumps(answer["presentation"], separators=(",", ":"), ensure_ascii=False)
    return presentation_message(thread_id=question_id, invitation_id=None, proof_json=proof, service=None)


def _bytes(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
