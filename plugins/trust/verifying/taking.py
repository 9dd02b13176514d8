"""Whose answer is taken: rule 1 of the judgement, then the marker by which one answer wins, in whichever process.

An answer comes as a message, over the connection over which its question was put, or by an invitation, which anybody
may answer; or as codes that were scanned, where the question was put to nobody in particular. What is taken is judged
by the desk (`verifier`); taking the same answer again, after a crash or in another process, leads to the same end.
"""

from datetime import datetime

from wanderbuch.governance.facts.question import Reason
from wanderbuch.plugins.exchange.connecting.connections import find_channel
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.trust.verifying.ending_verifications import Endings
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.judgement import check_exchange
from wanderbuch.plugins.trust.verifying.telling import answerer


async def take_message(
    endings: Endings, verification: Verification | None, digest: str, incoming: Incoming, *, at: datetime
) -> Verification | Reason:
    """Take an answer that came as a message; return the verification that has it, or why it is refused.

    Args:
        endings: what ends the verifications of the profile.
        verification: the record of the thread that the answer names, None if there is none.
        digest: of the answer.
        incoming: the message.
        at: the instant of its arrival.
    """
    reason = check_exchange(verification, at=at)  # rule 1
    if reason is not None:
        return reason
    assert verification is not None  # noqa: S101  (rule 1; for the type checker)
    if not await is_from_whom_was_asked(verification, incoming):
        return _other_wallet()
    return await _take(endings, verification, digest, by=answerer(incoming), at=at)


async def take_codes(
    endings: Endings, verification: Verification, digest: str, *, at: datetime
) -> Verification | Reason:
    """Take an answer that was shown as codes; one that was taken before is returned as it is. See `take_message`."""
    if verification.answer_digest == digest:
        return verification
    reason = check_exchange(verification, at=at)  # rule 1
    if reason is not None:
        return reason
    if verification.over is not None:
        return _other_wallet()
    return await _take(endings, verification, digest, by=None, at=at)


async def is_from_whom_was_asked(verification: Verification, incoming: Incoming) -> bool:
    """Return whether a message comes over the connection over which a question was put; by invitation any may."""
    if verification.over is None:
        return True
    if incoming.recipient != verification.over or incoming.sender is None:
        return False
    channel = await find_channel(incoming.profile, incoming.recipient)
    return channel is not None and channel.their_key == incoming.sender


async def _take(
    endings: Endings, verification: Verification, digest: str, *, by: str | None, at: datetime
) -> Verification | Reason:
    taken = await endings.take(verification, digest, by=by, at=at)
    if taken.answer_digest == digest:
        return taken
    return check_exchange(taken, at=at) or Reason("exchange.late", "The answer came after the deadline.")


def _other_wallet() -> Reason:
    return Reason("exchange.other_connection", "This question was put to another wallet.")
