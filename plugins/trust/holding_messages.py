"""What an issuer or verifier may send a holder, each message with a handler of ours; `holding` says what they do.

Aries RFC 0453 (issue-credential 2.0), RFC 0454 (present-proof 2.0).
"""

import json
import logging
from collections.abc import Sequence

from acapy_agent.core.oob_processor import OobMessageProcessor
from acapy_agent.messaging.base_handler import BaseHandler, HandlerException
from acapy_agent.messaging.decorators.attach_decorator import AttachDecorator
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.issue_credential.v2_0.manager import V20CredManager
from acapy_agent.protocols.issue_credential.v2_0.message_types import CRED_20_ISSUE, CRED_20_OFFER
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_format import V20CredFormat
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_issue import V20CredIssue, V20CredIssueSchema
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer, V20CredOfferSchema
from acapy_agent.protocols.issue_credential.v2_0.messages.inner.cred_preview import V20CredPreview
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.present_proof.v2_0.manager import V20PresManager
from acapy_agent.protocols.present_proof.v2_0.message_types import PRES_20_REQUEST
from acapy_agent.protocols.present_proof.v2_0.messages.pres_request import V20PresRequest, V20PresRequestSchema
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.storage.error import StorageDuplicateError, StorageNotFoundError

from wanderbuch.governance.question import Verdict
from wanderbuch.plugins.trust.arrivals import Arrival, announce
from wanderbuch.plugins.trust.attachments import StrictAttachments
from wanderbuch.plugins.trust.judgements import JudgementBook
from wanderbuch.plugins.trust.keeping import (
    CREDENTIAL_WITHHELD,
    OFFER_WITHHELD,
    find_exchange,
    judge,
    keep_credential,
    request_credential,
    save_state,
)
from wanderbuch.plugins.trust.once import one_step, own_id

LOGGER = logging.getLogger(__name__)

MAX_KEPT_BYTES = 256 * 1024  # of an offer or request; one with 50 credential definitions has 60 KB
_JUDGEABLE = (None, V20CredExRecord.STATE_PROPOSAL_SENT, V20CredExRecord.STATE_OFFER_RECEIVED, OFFER_WITHHELD)
_AWAITING_CREDENTIAL = (
    V20CredExRecord.STATE_REQUEST_SENT,
    V20CredExRecord.STATE_CREDENTIAL_RECEIVED,
    CREDENTIAL_WITHHELD,
)


class _OfferHandler(BaseHandler):  # type: ignore[misc]
    """Judges an offer when it comes."""

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        connection_id = await _channel(context)
        name = own_id("offer", connection_id, context.message._thread_id)  # noqa: SLF001 (ACA-Py's name)
        async with one_step(context.profile, name):
            await self._take(context, connection_id, name)

    async def _take(self, context: RequestContext, connection_id: str | None, name: str) -> None:
        profile, message = context.profile, context.message
        record = await find_exchange(profile, connection_id, message._thread_id)  # noqa: SLF001
        if record is not None and (record.state not in _JUDGEABLE or _is_other_offer(record, message)):
            LOGGER.warning("holding: an offer came on exchange %s, which is %s", record.cred_ex_id, record.state)
            return
        if _is_too_large(message.offers_attach, message.credential_preview):
            return
        decision = await judge(profile, message)
        record = record or V20CredExRecord(
            cred_ex_id=name,
            new_with_id=True,
            connection_id=connection_id,
            thread_id=message._thread_id,  # noqa: SLF001
            initiator=V20CredExRecord.INITIATOR_EXTERNAL,
            role=V20CredExRecord.ROLE_HOLDER,
            auto_remove=not profile.settings.get("preserve_exchange_records"),
        )
        record.cred_offer = message
        is_trusted = decision.verdict is Verdict.TRUSTED
        state = V20CredExRecord.STATE_OFFER_RECEIVED if is_trusted else OFFER_WITHHELD
        try:
            await save_state(profile, record, state, ", ".join(reason.code for reason in decision.reasons))
        except StorageDuplicateError:
            LOGGER.info("holding: offer %s was taken by another process just now", name)
            return
        await JudgementBook(profile).keep(record.cred_ex_id, decision)
        if connection_id is not None:
            await announce(profile, Arrival(record.RECORD_TYPE, connection_id, record.cred_ex_id))
        if is_trusted and context.settings.get("debug.auto_respond_credential_offer"):
            await request_credential(profile, record)


class _CredentialHandler(BaseHandler):  # type: ignore[misc]
    """Compares a credential with the accepted offer before it is kept."""

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        connection_id = await _channel(context)
        found = await find_exchange(context.profile, connection_id, context.message._thread_id)  # noqa: SLF001
        if found is None:
            LOGGER.warning("holding: a credential came on no exchange of ours; it is not taken")
            return
        async with one_step(context.profile, found.cred_ex_id):
            await self._take(context, connection_id)

    async def _take(self, context: RequestContext, connection_id: str | None) -> None:
        profile, message = context.profile, context.message
        record = await find_exchange(profile, connection_id, message._thread_id)  # noqa: SLF001
        if record is not None and record.state == V20CredExRecord.STATE_DONE and _is_same(record, message):
            await V20CredManager(profile).send_cred_ack(record)  # the first acknowledgement was lost
            return
        if record is None or record.state not in _AWAITING_CREDENTIAL:
            state = record.state if record else "gone"
            LOGGER.warning("holding: a credential came on an exchange that is %s; it is not taken", state)
            return
        if record.state == V20CredExRecord.STATE_REQUEST_SENT:
            record.cred_issue = message
            await save_state(profile, record, CREDENTIAL_WITHHELD, "a credential came")
        await keep_credential(profile, record)


class _RequestHandler(BaseHandler):  # type: ignore[misc]
    """Takes a proof request in and leaves the answer to the person; its name is taken once, so it needs no turn."""

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        profile, message = context.profile, context.message
        connection_id = await _channel(context)
        name = own_id("question", connection_id, message._thread_id)  # noqa: SLF001
        if _is_too_large(message.request_presentations_attach, None):
            return
        try:
            async with profile.session() as session:
                record = await V20PresExRecord.retrieve_by_tag_filter(
                    session,
                    {"thread_id": message._thread_id},  # noqa: SLF001
                    {"connection_id": connection_id, "role": V20PresExRecord.ROLE_PROVER},
                )
        except StorageNotFoundError:
            record = V20PresExRecord(
                pres_ex_id=name,
                new_with_id=True,
                connection_id=connection_id,
                thread_id=message._thread_id,  # noqa: SLF001
                initiator=V20PresExRecord.INITIATOR_EXTERNAL,
                role=V20PresExRecord.ROLE_PROVER,
                auto_remove=not profile.settings.get("preserve_exchange_records"),
            )
        if record.state not in (None, V20PresExRecord.STATE_PROPOSAL_SENT):
            LOGGER.warning("holding: a second request came on exchange %s; it is not taken", record.pres_ex_id)
            return
        record.pres_request = message
        record.auto_present = False
        try:
            await V20PresManager(profile).receive_pres_request(record)
        except StorageDuplicateError:
            LOGGER.info("holding: question %s was taken by another process just now", name)
            return
        if connection_id is not None:
            await announce(profile, Arrival(record.RECORD_TYPE, connection_id, record.pres_ex_id))


class JudgedOffer(V20CredOffer):  # type: ignore[misc]
    """An offer message that goes to our handler."""

    class Meta:
        """ACA-Py's description of the message."""

        handler_class = _OfferHandler
        schema_class = "JudgedOfferSchema"
        message_type = CRED_20_OFFER


class JudgedOfferSchema(V20CredOfferSchema, StrictAttachments):  # type: ignore[misc]
    """Its wire form: ACA-Py's."""

    class Meta(V20CredOfferSchema.Meta):  # type: ignore[misc]
        """Which class it makes."""

        model_class = JudgedOffer


class ComparedCredential(V20CredIssue):  # type: ignore[misc]
    """A credential message that goes to our handler."""

    class Meta:
        """ACA-Py's description of the message."""

        handler_class = _CredentialHandler
        schema_class = "ComparedCredentialSchema"
        message_type = CRED_20_ISSUE


class ComparedCredentialSchema(V20CredIssueSchema, StrictAttachments):  # type: ignore[misc]
    """Its wire form: ACA-Py's."""

    class Meta(V20CredIssueSchema.Meta):  # type: ignore[misc]
        """Which class it makes."""

        model_class = ComparedCredential


class UnansweredRequest(V20PresRequest):  # type: ignore[misc]
    """A proof request that goes to our handler."""

    class Meta:
        """ACA-Py's description of the message."""

        handler_class = _RequestHandler
        schema_class = "UnansweredRequestSchema"
        message_type = PRES_20_REQUEST


class UnansweredRequestSchema(V20PresRequestSchema, StrictAttachments):  # type: ignore[misc]
    """Its wire form: ACA-Py's."""

    class Meta(V20PresRequestSchema.Meta):  # type: ignore[misc]
        """Which class it makes."""

        model_class = UnansweredRequest


def _is_too_large(attached: Sequence[AttachDecorator], preview: V20CredPreview | None) -> bool:
    """Tell whether a message is larger than an honest one can be, so that it is not kept."""
    size = sum(_size_of(each) for each in attached)
    if preview is not None:
        size += sum(len(str(each.name)) + len(str(each.value)) for each in preview.attributes)
    if size > MAX_KEPT_BYTES:
        LOGGER.warning("holding: a message with %d bytes is not taken; expected at most %d", size, MAX_KEPT_BYTES)
    return size > MAX_KEPT_BYTES


def _size_of(attachment: AttachDecorator) -> int:
    data = attachment.data
    if getattr(data, "base64_", None) is not None:
        return len(data.base64_)
    return len(json.dumps(data.json)) if getattr(data, "json_", None) is not None else 0


def _is_same(record: V20CredExRecord, message: V20CredIssue) -> bool:
    """Return whether a message brings the credential that is kept already."""
    wanted = V20CredFormat.Format.ANONCREDS
    return bool(record.cred_issue and record.cred_issue.attachment(wanted) == message.attachment(wanted))


def _is_other_offer(record: V20CredExRecord, message: V20CredOffer) -> bool:
    """Tell whether a person may have seen another offer on this exchange: what they accept must be what they saw."""
    if record.state == V20CredExRecord.STATE_PROPOSAL_SENT or not record.cred_offer:
        return False
    members = ("credential_preview", "formats", "offers~attach")
    held, come = (each.serialize() for each in (record.cred_offer, message))
    return any(held.get(name) != come.get(name) for name in members)


async def _channel(context: RequestContext) -> str | None:
    """Return the connection a message came over, None if it belongs to a connectionless invitation of ours.

    Raises:
        HandlerException: neither.
    """
    if context.connection_record and not context.connection_ready:
        raise HandlerException("the connection is not ready")
    oob_record = await context.inject(OobMessageProcessor).find_oob_record_for_inbound_message(context)
    if context.connection_record:
        connection_id: str = context.connection_record.connection_id
        return connection_id
    if not oob_record:
        raise HandlerException("the message belongs to no connection and no invitation")
    return None


HOLDER_MESSAGES = {
    CRED_20_OFFER: JudgedOffer,
    CRED_20_ISSUE: ComparedCredential,
    PRES_20_REQUEST: UnansweredRequest,
}
"""Message type -> message class with our handler."""
