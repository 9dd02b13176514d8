"""A worker's request to erase, taken: only from the key that answered, on the thread that it answered.

A request that does not count is refused like any message that is not ours to take: its sender learns nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

from wanderbuch.agents.verifier.erasing.erasure import Erasure, erasures
from wanderbuch.plugins.exchange.erasure_messages import ERASE, ErasureError, check_erasure, erased_message
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.trust.verifying.exchange import open_verifications
from wanderbuch.plugins.trust.verifying.telling import way_back


async def _is_answerer(incoming: Incoming) -> bool:
    """Return whether a message is about an answer that came from its sender, or about the erasure of one."""
    if incoming.sender is None:
        return False
    erasure = await erasures(incoming.profile).get_or_none(incoming.thread_id)
    if erasure is not None and erasure.key is not None:
        return erasure.key == incoming.sender
    verification = await open_verifications(incoming.profile).get_or_none(incoming.thread_id)
    return verification is not None and verification.answered_by == incoming.sender


async def take_erasure(office: Any, incoming: Incoming) -> bool:
    """Erase what is kept of an answer, and say what was erased and what was not.

    Args:
        office: the verifier's.
        incoming: the request.

    Raises:
        ErasureError: it is not signed by the key that answered.
    """
    if not await _is_answerer(incoming) or incoming.sender is None:
        raise ErasureError("a request to erase an answer came from somebody else than who answered")
    erasure: Erasure | None = await office.eraser.find(incoming.thread_id)
    if erasure is None:
        signed = await check_erasure(incoming.members.get("signed"), thread_id=incoming.thread_id, key=incoming.sender)
        verification = await office.desk.status(incoming.profile, incoming.thread_id)
        erasure = await office.eraser.erase(verification, key=incoming.sender, signed=signed)
    else:
        erasure = await office.eraser.finish(erasure)
    await _tell(incoming, erasure)
    return True


async def _tell(incoming: Incoming, erasure: Erasure) -> None:
    channel = await way_back(incoming)
    if channel is None or erasure.erased_at is None:
        return
    is_whole = erasure.is_whole
    message = erased_message(
        thread_id=incoming.thread_id,
        at=erasure.completed_at or erasure.erased_at,
        erased=(*erasure.erased, *(part.what for part in erasure.kept)) if is_whole else erasure.erased,
        kept=() if is_whole else erasure.kept,
    )
    await incoming.profile.inject(Sending).answer(incoming, channel, message)


ERASURE_HANDLERS: Final[Mapping[str, Handler]] = {ERASE: Handler(take_erasure, knows=_is_answerer)}
