"""What a verifier tells a wallet about its answer (Aries RFC 0454, RFC 0015, RFC 0035).

An acknowledgement means that the proof was accepted; anything else is a problem report with one reason in words.
"""

import logging
from typing import Any

from acapy_agent.core.error import BaseError
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.present_proof.v2_0.message_types import PRES_20_ACK
from acapy_agent.protocols.present_proof.v2_0.messages.pres_ack import V20PresAck, V20PresAckSchema
from acapy_agent.protocols.present_proof.v2_0.messages.pres_problem_report import (
    ProblemReportReason,
    V20PresProblemReport,
)

from wanderbuch.faults import describe
from wanderbuch.governance.question import Reason, TrustDecision, Verdict

LOGGER = logging.getLogger(__name__)


class Accepted(V20PresAck):  # type: ignore[misc]  # acapy_agent has no types
    """ACA-Py's acknowledgement, with its result on the wire: ACA-Py keeps that under a name that it does not write."""

    class Meta:
        """ACA-Py's names for what belongs to the message."""

        handler_class = V20PresAck.Meta.handler_class
        schema_class = V20PresAckSchema
        message_type = PRES_20_ACK

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(verification_result="true", **kwargs)

    @property
    def verification_result(self) -> str:
        """The result that is written."""
        return "true"


async def tell_decision(thread_id: str, decision: TrustDecision, responder: BaseResponder) -> None:
    """Tell the wallet how its answer was judged."""
    if decision.verdict is Verdict.TRUSTED:
        accepted = Accepted()
        accepted.assign_thread_id(thread_id)
        await _send(accepted, responder)
    else:
        await tell_problem(thread_id, decision.reasons[0], responder, verdict=decision.verdict)


async def tell_problem(
    thread_id: str, reason: Reason, responder: BaseResponder, *, verdict: Verdict | None = None
) -> None:
    """Tell the wallet why its answer is not accepted."""
    text = reason.text if verdict is None else f"{verdict.value}: {reason.text}"
    report = V20PresProblemReport(description={"code": ProblemReportReason.ABANDONED.value, "en": text})
    report.assign_thread_id(thread_id)
    await _send(report, responder)


async def _send(message: V20PresAck | V20PresProblemReport, responder: BaseResponder) -> None:
    """Send on the way back; what was decided stands whether or not it arrives."""
    try:
        await responder.send_reply(message)
    except (BaseError, RuntimeError) as err:
        LOGGER.warning("the wallet could not be told how it ended: %s", describe(err))
