"""What a wallet may send a verifier in present-proof 2.0 (Aries RFC 0454), each message with a handler of ours.

ACA-Py's own handlers take a second answer, lose a decline that comes before a connection is known, and let an exchange
hang when a presentation breaks a restriction or names what can not be resolved. Ours hand every message to the
`VerificationDesk`, which ends each exchange in a saved state.

The presentation is not validated here: it is read strictly, once, by `presentation.read_presentation`. A problem report
that is about no verification of ours goes on to ACA-Py's handler: we may be the holder in that exchange.
"""

import re
from typing import Any

from acapy_agent.core.oob_processor import OobMessageProcessor
from acapy_agent.messaging.agent_message import AgentMessage, AgentMessageSchema
from acapy_agent.messaging.base_handler import BaseHandler, HandlerException
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.didcomm_prefix import DIDCommPrefix
from acapy_agent.protocols.present_proof.v2_0.handlers.pres_problem_report_handler import V20PresProblemReportHandler
from acapy_agent.protocols.present_proof.v2_0.message_types import PRES_20, PRES_20_PROBLEM_REPORT
from acapy_agent.protocols.present_proof.v2_0.messages.pres_problem_report import (
    V20PresProblemReport,
    V20PresProblemReportSchema,
)
from marshmallow import EXCLUDE, fields

from wanderbuch.plugins.trust.verifier import VerificationDesk

_CODE = re.compile(r"[A-Za-z0-9._/-]{1,64}")


class PresentationHandler(BaseHandler):  # type: ignore[misc]  # acapy_agent has no types
    """Hands a presentation to the desk."""

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        """Judge the presentation and answer it."""
        _require_encryption(context)
        # Keeps the wallet's return address, so that it can be told how it went.
        await context.inject(OobMessageProcessor).find_oob_record_for_inbound_message(context)
        message: UnreadPresentation = context.message
        desk = context.profile.inject(VerificationDesk)
        await desk.receive(context.profile, message._thread_id, message.unread, responder)  # noqa: SLF001  (ACA-Py's name)


class DeclineHandler(BaseHandler):  # type: ignore[misc]  # acapy_agent has no types
    """Hands a decline to the desk."""

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        """End the verification, if the report is about one."""
        _require_encryption(context)
        description = context.message.description or {}
        code = description.get("code") if isinstance(description, dict) else None
        told = code if isinstance(code, str) and _CODE.fullmatch(code) else "other"
        desk = context.profile.inject_or(VerificationDesk)  # whoever only holds has none
        if desk is None or not await desk.declined(context.profile, context.message._thread_id, told):  # noqa: SLF001  (ACA-Py's name)
            await V20PresProblemReportHandler().handle(context, responder)


class UnreadPresentation(AgentMessage):  # type: ignore[misc]  # acapy_agent has no types
    """A `presentation` message as it came: nothing in it has been looked at."""

    class Meta:
        """ACA-Py's names for what belongs to the message."""

        handler_class = PresentationHandler
        schema_class = "UnreadPresentationSchema"
        message_type = PRES_20

    def __init__(self, _id: str | None = None, *, formats: object = None, attachments: object = None, **kwargs: Any):
        super().__init__(_id=_id, **kwargs)
        self.formats = formats
        self.attachments = attachments

    @property
    def unread(self) -> dict[str, object]:
        """The members that make up the presentation, as JSON."""
        return {"formats": self.formats, "presentations~attach": self.attachments}


class UnreadPresentationSchema(AgentMessageSchema):  # type: ignore[misc]  # acapy_agent has no types
    """Takes the members over as they are."""

    class Meta:
        """ACA-Py's names for what belongs to the schema."""

        model_class = UnreadPresentation
        unknown = EXCLUDE

    formats = fields.Raw(required=False, allow_none=True)
    attachments = fields.Raw(required=False, allow_none=True, data_key="presentations~attach")


class PresentationDeclined(V20PresProblemReport):  # type: ignore[misc]  # acapy_agent has no types
    """A `problem-report` of the protocol."""

    class Meta:
        """ACA-Py's names for what belongs to the message."""

        handler_class = DeclineHandler
        schema_class = "PresentationDeclinedSchema"
        message_type = PRES_20_PROBLEM_REPORT


class PresentationDeclinedSchema(V20PresProblemReportSchema):  # type: ignore[misc]  # acapy_agent has no types
    """ACA-Py's own form of the report."""

    class Meta:
        """ACA-Py's names for what belongs to the schema."""

        model_class = PresentationDeclined
        unknown = EXCLUDE


MESSAGE_TYPES = DIDCommPrefix.qualify_all({PRES_20: UnreadPresentation, PRES_20_PROBLEM_REPORT: PresentationDeclined})


def _require_encryption(context: RequestContext) -> None:
    """Refuse what came in plain text: ACA-Py takes that too."""
    if not context.message_receipt.recipient_verkey:
        raise HandlerException("a message that was not encrypted is not accepted")
