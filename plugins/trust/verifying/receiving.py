"""What a wallet may send a verifier in present-proof 2.0 (Aries RFC 0454): a presentation, or a problem report.

Each goes to the `VerificationDesk` of the tenant, which ends each exchange in a saved state. The presentation is not
validated here: it is read strictly, once, by `presentation.read_presentation`.

Who was invited knows the thread, a random id of 128 bits: whoever names it may answer, once. A question that was put
over a connection is answered over that connection alone.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.proof_messages import PRESENTATION, PROBLEM
from wanderbuch.plugins.exchange.reports import read_report
from wanderbuch.plugins.trust.verifying.exchange import open_verifications
from wanderbuch.plugins.trust.verifying.verifier import VerificationDesk


class HasDesk(Protocol):
    """What of an office the handlers need."""

    desk: VerificationDesk


async def knows_thread(incoming: Incoming) -> bool:
    """Return whether a message names the thread of a verification of ours."""
    desk: VerificationDesk | None = incoming.profile.inject_or(VerificationDesk)
    if desk is not None:
        return await desk.knows(incoming.profile, incoming.thread_id)
    return await open_verifications(incoming.profile).knows(incoming.thread_id)  # nobody has opened the tenant yet


async def take_presentation(office: HasDesk, incoming: Incoming) -> bool:
    """Judge a presentation and answer it; also one that answers no question of ours: its sender is told so."""
    await office.desk.receive(incoming)
    return True


async def take_report(office: HasDesk, incoming: Incoming) -> bool:
    """End a verification that the wallet declines; its words are not kept."""
    return await office.desk.declined(incoming, read_report(incoming.members).code)


HANDLERS: Final[Mapping[str, Handler]] = {
    PRESENTATION: Handler(take_presentation, knows=knows_thread),
    PROBLEM: Handler(take_report, knows=knows_thread),
}
