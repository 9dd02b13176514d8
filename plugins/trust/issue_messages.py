"""What a wallet may send an issuer in issue-credential 2.0 (Aries RFC 0453), each message with a handler of ours.

A request is taken in these steps:

1. It came over a ready connection, or as an answer to an invitation of ours; its thread is an exchange of ours as
   issuer that no other connection has taken.
2. A credential that was signed already is sent again to the same request: its answer was lost. Any other request is
   refused once the exchange has had one, or is over.
3. It is not oversize, and `issuing.reasons_not_to_sign` is empty; else the exchange is abandoned, the reasons are
   noted, and the wallet is told that it is over, not why.
4. The request is kept; once there is a place in a revocation registry the credential is signed and its place noted, and
   only then is it sent.

What a crash interrupts in 4 is done again when the envelope is replayed. ACA-Py's own handlers look for a decline by a
connection that the exchange does not know yet while its offer is attached to an invitation, and lose it; ours do not.
"""

import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from acapy_agent.anoncreds.models.issuer_cred_rev_record import IssuerCredRevRecord
from acapy_agent.core.error import BaseError
from acapy_agent.core.oob_processor import OobMessageProcessor
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.base_handler import BaseHandler, HandlerException
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.didcomm_prefix import DIDCommPrefix
from acapy_agent.protocols.issue_credential.v2_0 import problem_report_for_record
from acapy_agent.protocols.issue_credential.v2_0.handlers.cred_ack_handler import V20CredAckHandler
from acapy_agent.protocols.issue_credential.v2_0.handlers.cred_problem_report_handler import CredProblemReportHandler
from acapy_agent.protocols.issue_credential.v2_0.handlers.cred_proposal_handler import V20CredProposalHandler
from acapy_agent.protocols.issue_credential.v2_0.manager import V20CredManager
from acapy_agent.protocols.issue_credential.v2_0.message_types import (
    CRED_20_ACK,
    CRED_20_PROBLEM_REPORT,
    CRED_20_PROPOSAL,
    CRED_20_REQUEST,
)
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_ack import V20CredAck, V20CredAckSchema
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_issue import V20CredIssue
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_problem_report import (
    ProblemReportReason,
    V20CredProblemReport,
    V20CredProblemReportSchema,
)
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_proposal import V20CredProposal, V20CredProposalSchema
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_request import V20CredRequest, V20CredRequestSchema
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.issue_credential.v2_0.models.detail.anoncreds import V20CredExRecordAnonCreds
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from acapy_agent.storage.error import StorageDuplicateError, StorageNotFoundError

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.identifiers import RevRegDefId
from wanderbuch.governance.question import Reason
from wanderbuch.plugins.trust.attachments import StrictAttachments
from wanderbuch.plugins.trust.issuing import IssuedCredential, OfferBook, reasons_not_to_sign
from wanderbuch.plugins.trust.keeping import drop_details, read_message
from wanderbuch.plugins.trust.once import one_step
from wanderbuch.plugins.trust.places import SigningPlaces
from wanderbuch.store.fence import PASSING

LOGGER = logging.getLogger(__name__)

_SIGNED: Final = (V20CredExRecord.STATE_ISSUED, V20CredExRecord.STATE_DONE)
_UNSIGNED: Final = (V20CredExRecord.STATE_OFFER_SENT, V20CredExRecord.STATE_REQUEST_RECEIVED)
# An honest request has some 3,000; the library takes its numbers as exponents, and nothing can cut it short.
_MAX_REQUEST_CHARS: Final = 32 * 1024


@dataclass(frozen=True, slots=True)
class _Arrival:
    """The exchange that a message belongs to, and the invitation that it answers, if it came without a connection."""

    record: V20CredExRecord
    oob_record: OobRecord | None


class _RequestHandler(BaseHandler):  # type: ignore[misc]  # acapy_agent has no types
    """Signs what may be signed."""

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        arrival = await _arrival(context)  # 1
        if arrival is None:
            LOGGER.warning("a request came on a thread that is no exchange of ours")
            await responder.send_reply(_over(context.message._thread_id))  # noqa: SLF001  (ACA-Py's name)
            return
        async with one_step(context.profile, arrival.record.cred_ex_id):
            await self._answer(context, responder, arrival)

    async def _answer(self, context: RequestContext, responder: BaseResponder, arrival: _Arrival) -> None:
        profile, request = context.profile, context.message
        record = await _reloaded(profile, arrival.record)
        if record.state in _SIGNED and _same_request(record, request):  # 2
            await _note_issued(profile, record)
            await responder.send_reply(credential_message(record))
            return
        repeated = record.state == V20CredExRecord.STATE_REQUEST_RECEIVED and _same_request(record, request)
        if not repeated and record.state != V20CredExRecord.STATE_OFFER_SENT:
            LOGGER.warning("exchange %s is %s: a further request is refused", record.cred_ex_id, record.state)
            await responder.send_reply(_over(record.thread_id))
            return
        if len(request.to_json()) > _MAX_REQUEST_CHARS:
            oversize = Reason("issuing.oversize", "The wallet's request is larger than any honest one.")
            await _refuse(profile, responder, record, (oversize,))
            return
        reasons = await reasons_not_to_sign(profile, record.cred_ex_id, record.cred_offer, at=datetime.now(UTC))  # 3
        if reasons:
            await _refuse(profile, responder, record, reasons)
            return
        try:  # 4
            await _drop_unfinished(profile, record.cred_ex_id)
            manager = V20CredManager(profile)
            record = await manager.receive_request(request, context.connection_record, arrival.oob_record)
            if not record.auto_issue and profile.inject_or(OfferBook) is None:
                return  # somebody else's controller issues; it may, by what was just judged
            async with _place(profile, record):
                record, _ = await manager.issue_credential(record)
        except PASSING:  # it comes again, to this process or to another
            raise
        except (BaseError, WanderbuchError) as err:
            LOGGER.exception("exchange %s: signing failed", record.cred_ex_id, exc_info=err)
            failed = Reason("issuing.failed", "The credential could not be signed; the agent's log says where.")
            await _refuse(profile, responder, record, (failed,))
            return
        await _note_issued(profile, record)
        await responder.send_reply(credential_message(record))


class _ProblemHandler(BaseHandler):  # type: ignore[misc]  # acapy_agent has no types
    """Takes a decline, also one that ACA-Py would not find."""

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        arrival = await _arrival(context)
        if arrival is None:  # perhaps one of ours as holder
            await CredProblemReportHandler().handle(context, responder)
            return
        async with one_step(context.profile, arrival.record.cred_ex_id):
            record = await _reloaded(context.profile, arrival.record)
            if record.state in _UNSIGNED:
                await _abandon(context.profile, record, "declined by the wallet")
            if (book := context.profile.inject_or(OfferBook)) is not None:
                await book.declined(record.cred_ex_id)


class _AckHandler(BaseHandler):  # type: ignore[misc]  # acapy_agent has no types
    """Takes an acknowledgement, but only of a credential that was sent."""

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        arrival = await _arrival(context)
        if arrival is None or arrival.record.state not in _SIGNED:
            LOGGER.warning("an acknowledgement came for no credential that was sent")
            return
        await V20CredAckHandler().handle(context, responder)
        if (book := context.profile.inject_or(OfferBook)) is not None:
            await book.acknowledged(arrival.record.cred_ex_id)


class _ProposalHandler(BaseHandler):  # type: ignore[misc]  # acapy_agent has no types
    """Keeps no proposal where offers begin at the issuer's own book: strangers' claims are not ours to store."""

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        if context.profile.inject_or(OfferBook) is None:
            await V20CredProposalHandler().handle(context, responder)
            return
        await responder.send_reply(_over(context.message._thread_id))  # noqa: SLF001


class GuardedRequest(V20CredRequest):  # type: ignore[misc]  # acapy_agent has no types
    """A request message that goes to our handler."""

    class Meta:
        """ACA-Py's description of the message."""

        handler_class = _RequestHandler
        schema_class = "GuardedRequestSchema"
        message_type = CRED_20_REQUEST


class GuardedRequestSchema(V20CredRequestSchema, StrictAttachments):  # type: ignore[misc]  # acapy_agent has no types
    """Its wire form: ACA-Py's."""

    class Meta(V20CredRequestSchema.Meta):  # type: ignore[misc]
        """Which class it makes."""

        model_class = GuardedRequest


class FoundProblem(V20CredProblemReport):  # type: ignore[misc]  # acapy_agent has no types
    """A problem report that goes to our handler."""

    class Meta:
        """ACA-Py's description of the message."""

        handler_class = _ProblemHandler
        schema_class = "FoundProblemSchema"
        message_type = CRED_20_PROBLEM_REPORT


class FoundProblemSchema(V20CredProblemReportSchema):  # type: ignore[misc]  # acapy_agent has no types
    """Its wire form: ACA-Py's."""

    class Meta(V20CredProblemReportSchema.Meta):  # type: ignore[misc]
        """Which class it makes."""

        model_class = FoundProblem


class DueAck(V20CredAck):  # type: ignore[misc]  # acapy_agent has no types
    """An acknowledgement that goes to our handler."""

    class Meta:
        """ACA-Py's description of the message."""

        handler_class = _AckHandler
        schema_class = "DueAckSchema"
        message_type = CRED_20_ACK


class DueAckSchema(V20CredAckSchema):  # type: ignore[misc]  # acapy_agent has no types
    """Its wire form: ACA-Py's."""

    class Meta(V20CredAckSchema.Meta):  # type: ignore[misc]
        """Which class it makes."""

        model_class = DueAck


class UnaskedProposal(V20CredProposal):  # type: ignore[misc]  # acapy_agent has no types
    """A proposal that goes to our handler."""

    class Meta:
        """ACA-Py's description of the message."""

        handler_class = _ProposalHandler
        schema_class = "UnaskedProposalSchema"
        message_type = CRED_20_PROPOSAL


class UnaskedProposalSchema(V20CredProposalSchema, StrictAttachments):  # type: ignore[misc]  # acapy_agent has no types
    """Its wire form: ACA-Py's."""

    class Meta(V20CredProposalSchema.Meta):  # type: ignore[misc]
        """Which class it makes."""

        model_class = UnaskedProposal


MESSAGE_TYPES: Final[Mapping[str, type]] = DIDCommPrefix.qualify_all(
    {
        CRED_20_REQUEST: GuardedRequest,
        CRED_20_PROBLEM_REPORT: FoundProblem,
        CRED_20_ACK: DueAck,
        CRED_20_PROPOSAL: UnaskedProposal,
    }
)


async def _arrival(context: RequestContext) -> _Arrival | None:
    """Return the exchange of ours as issuer that a message belongs to; None if there is none or another has it.

    Raises:
        HandlerException: the message came over no connection and answers no invitation.
    """
    if context.connection_record and not context.connection_ready:
        raise HandlerException("the connection is not ready")
    oob_record = await context.inject(OobMessageProcessor).find_oob_record_for_inbound_message(context)
    if not context.connection_record and not oob_record:
        raise HandlerException("the message belongs to no connection and no invitation")
    async with context.profile.session() as session:
        try:
            record = await V20CredExRecord.retrieve_by_tag_filter(
                session,
                {"thread_id": context.message._thread_id},  # noqa: SLF001  (ACA-Py's name)
                {"role": V20CredExRecord.ROLE_ISSUER},
            )
        except (StorageNotFoundError, StorageDuplicateError):
            return None
    connection_id = context.connection_record.connection_id if context.connection_record else None
    return None if record.connection_id not in (None, connection_id) else _Arrival(record, oob_record)


async def _reloaded(profile: Profile, record: V20CredExRecord) -> V20CredExRecord:
    """Return the exchange as it is now that we are alone with it."""
    async with profile.session() as session:
        return await V20CredExRecord.retrieve_by_id(session, record.cred_ex_id)


def _same_request(record: V20CredExRecord, request: V20CredRequest) -> bool:
    """Return whether `request` is the one that the exchange has taken already."""
    if record.cred_request is None:
        return False
    taken, come = ([each.content for each in one.requests_attach] for one in (record.cred_request, request))
    return taken == come


def _place(profile: Profile, record: V20CredExRecord) -> AbstractAsyncContextManager[None]:
    """Return what to hold while the credential of an exchange is signed."""
    places = profile.inject_or(SigningPlaces)
    return nullcontext() if places is None else places.one(read_message(record.cred_offer).cred_def_id)


async def _drop_unfinished(profile: Profile, cred_ex_id: str) -> None:
    """Forget a credential that was signed but neither kept nor sent: a crash came between. Its place stays unused."""
    await drop_details(profile, cred_ex_id)
    async with profile.session() as session:
        try:
            place = await IssuerCredRevRecord.retrieve_by_cred_ex_id(session, cred_ex_id)
        except StorageNotFoundError:
            return
        await place.delete_record(session)


async def _note_issued(profile: Profile, record: V20CredExRecord) -> None:
    if (book := profile.inject_or(OfferBook)) is not None:
        await book.issued(record.cred_ex_id, await issued_credential(profile, record))


async def issued_credential(profile: Profile, record: V20CredExRecord) -> IssuedCredential:
    """Return which place the credential of a signed exchange took."""
    async with profile.session() as session:
        details = await V20CredExRecordAnonCreds.query_by_cred_ex_id(session, record.cred_ex_id)
    detail = next((each for each in details if each.rev_reg_id is not None), None)
    if detail is None:
        return IssuedCredential(None, None, record.connection_id)
    return IssuedCredential(RevRegDefId.parse(detail.rev_reg_id), int(detail.cred_rev_id), record.connection_id)


async def _refuse(
    profile: Profile, responder: BaseResponder, record: V20CredExRecord, reasons: tuple[Reason, ...]
) -> None:
    LOGGER.warning("exchange %s refused: %s", record.cred_ex_id, ", ".join(reason.code for reason in reasons))
    if (book := profile.inject_or(OfferBook)) is not None:
        await book.refused(record.cred_ex_id, reasons)
    await _abandon(profile, record, "refused")
    await responder.send_reply(_over(record.thread_id))


async def _abandon(profile: Profile, record: V20CredExRecord, why: str) -> None:
    async with profile.session() as session:
        await record.save_error_state(session, reason=why)


def credential_message(record: V20CredExRecord) -> V20CredIssue:
    """Return the credential message of a signed exchange, ready to send."""
    message = record.cred_issue
    message.assign_thread_id(record.thread_id)
    return message


def _over(thread_id: str) -> V20CredProblemReport:
    """Return the message that ends an exchange without saying why."""
    return problem_report_for_record(None, ProblemReportReason.ISSUANCE_ABANDONED.value, thread_id=thread_id)
