"""The lesser of the two requests of a question of which something may be left out (ADR 101).

The message that carries a question says what may be left out, and the nonce of the request without it; who answers
makes that request of the whole one (`exchange.left_out`). Both ends make it, and nothing more is kept of it: its nonce
follows from the other one, so a question that is bound by its nonce (`bound_question`) binds this one, too.

Which of the two an answer is to, its names tell; it is verified against that one alone. An answer to the one with the
nonce of the other, or with some of what may be left out, is an answer to neither.
"""

import hashlib
from copy import replace
from typing import Any, Final

from wanderbuch.plugins.exchange.left_out import MayBeLeftOut
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import ReceivedPresentation
from wanderbuch.plugins.trust.verifying.asked import AskedGroup, may_be_left_out
from wanderbuch.plugins.trust.verifying.exchange import Verification

_NONCE_BYTES: Final = 10  # 80 bits: AnonCreds 1.0, "Presentation Request"
_NONCE_FROM: Final = b"wanderbuch lesser request\0"


def may_leave_out(asked: Verification) -> MayBeLeftOut | None:
    """Return what an answer to a question may leave out; None: nothing."""
    left_out = may_be_left_out(asked.requirement)
    return MayBeLeftOut(left_out, _lesser_nonce(asked.proof_request["nonce"])) if left_out else None


def lesser_request(asked: Verification) -> dict[str, Any] | None:
    """Return the proof request of a question without what may be left out; None: nothing may."""
    left_out = may_leave_out(asked)
    return None if left_out is None else left_out.without(asked.proof_request)


def as_answered(asked: Verification, received: ReceivedPresentation) -> Verification:
    """Return the question that an answer is verified against: as it was asked, or the lesser one."""
    request = lesser_request(asked)
    if request is None:
        return asked
    shown = {name for group in received.groups.values() for name in group.values}
    if not shown.isdisjoint(name for group in asked.groups for name in may_be_left_out(group.requirement)):
        return asked
    first, *further = (_lesser_group(group) for group in asked.groups)
    lesser = {"requirement": first.requirement, "names": first.names, "hidden": first.hidden}
    return asked.model_copy(update={**lesser, "further": tuple(further), "proof_request": request})


def _lesser_group(group: AskedGroup) -> AskedGroup:
    """Return what is asked of one credential without what may be left out."""
    left_out = may_be_left_out(group.requirement)
    return replace(
        group,
        requirement=group.requirement.lesser or group.requirement,
        names=tuple(name for name in group.names if name not in left_out),
        hidden=(*group.hidden, *left_out),
    )


def _lesser_nonce(nonce: str) -> str:
    return str(int.from_bytes(hashlib.sha256(_NONCE_FROM + nonce.encode()).digest()[:_NONCE_BYTES]) or 1)
