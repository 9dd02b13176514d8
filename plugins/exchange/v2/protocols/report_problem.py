"""Report problem 2.0: what went wrong with a message, told to who sent it (DIDComm Messaging 2.1 §Problem Reports).

One that comes is counted and answered by nothing, so two agents never go on reporting to each other.
"""

import re
from typing import Any, Final

from wanderbuch.plugins.exchange.v2.handling import V2Handler, V2Incoming
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext, PlaintextError, new_message

PROBLEM_REPORT: Final = "https://didcomm.org/report-problem/2.0/problem-report"
BAD_REQUEST: Final = "e.p.msg.bad-request"
NOT_FOUND: Final = "e.p.msg.not-found"
NOT_READY: Final = "w.p.me.res.not-ready"
UNAUTHORIZED: Final = "e.p.msg.unauthorized"
OTHER_VERSION: Final = "e.p.msg.unsupported-version"
_CODE: Final = re.compile(r"[ew](?:\.[a-z0-9-]{1,64}){2,17}")  # sorter, scope (p, m or a state's name), descriptors


def report(incoming: V2Incoming, code: str, comment: str) -> Plaintext | None:
    """Return the report of a problem with a message, a thread of its own whose parent is the message's.

    None where nobody is proven to have sent the message.

    Args:
        incoming: the message.
        code: as the specification makes them: "e.p.msg.bad-request".
        comment: a sentence for people, without what stood in the message.
    """
    if incoming.sender is None:
        return None
    body = {"code": code, "comment": comment}
    return new_message(
        PROBLEM_REPORT, body, sender=incoming.own_did, to=incoming.sender.did, pthid=incoming.message.thid
    )


def other_version(spoken: str) -> V2Handler:
    """Return the handler of messages in a major version that is not spoken; `spoken` is the one that is, "2.0"."""

    async def take(_: Any, incoming: V2Incoming) -> Plaintext | None:
        return report(incoming, OTHER_VERSION, f"version {spoken} of this protocol is spoken here")

    return V2Handler(take, needs_sender=True)


def read_code(message: Plaintext) -> str:
    """Return what a report says is wrong: its code, which is safe to show.

    Raises:
        PlaintextError: it says nothing that a program could tell.
    """
    code = message.body.get("code")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise PlaintextError("expected the code of a problem, such as e.p.msg")
    return code


async def take_report(_: Any, incoming: V2Incoming) -> None:
    """Take a report: it must have a code. Whoever receives it counts it; what it says is its sender's."""
    read_code(incoming.message)


HANDLERS: Final = {PROBLEM_REPORT: V2Handler(take_report, max_bytes=16 * 1024)}
