"""ACA-Py's side of a verification: its records of the exchange and of the invitation, made, ended and removed."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.decorators.attach_decorator import AttachDecorator
from acapy_agent.protocols.out_of_band.v1_0.manager import OutOfBandManager
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from acapy_agent.protocols.present_proof.v2_0.manager import V20PresManager
from acapy_agent.protocols.present_proof.v2_0.message_types import ATTACHMENT_FORMAT, PRES_20_REQUEST
from acapy_agent.protocols.present_proof.v2_0.messages.pres_format import V20PresFormat
from acapy_agent.protocols.present_proof.v2_0.messages.pres_request import V20PresRequest
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.storage.error import StorageNotFoundError

from wanderbuch.errors import ResolutionError
from wanderbuch.governance.identifiers import WebvhDid
from wanderbuch.governance.question import Purpose
from wanderbuch.plugins.trust.purposes import goal, goal_code

_ANONCREDS = V20PresFormat.Format.ANONCREDS.api


@dataclass(frozen=True, slots=True)
class SentQuestion:
    """How a question can be found again in ACA-Py's records, and the address of its invitation."""

    thread_id: str
    pres_ex_id: str
    invitation_id: str
    invitation_url: str


async def send_question(
    profile: Profile, proof_request: dict[str, Any], *, did: WebvhDid, title: str, purpose: Purpose
) -> SentQuestion:
    """Open an exchange and attach its request to an invitation whose service is our DID; no handshake.

    Raises:
        ResolutionError: ACA-Py could not resolve our own DID, which it does for each invitation.
    """
    request = V20PresRequest(
        will_confirm=True,
        formats=[V20PresFormat(attach_id=_ANONCREDS, format_=ATTACHMENT_FORMAT[PRES_20_REQUEST][_ANONCREDS])],
        request_presentations_attach=[AttachDecorator.data_base64(proof_request, ident=_ANONCREDS)],
    )
    record = await V20PresManager(profile).create_exchange_for_request(
        connection_id=None,
        pres_request_message=request,
        auto_verify=False,
        auto_remove=False,
        auto_remove_on_failure=False,
    )
    attachment = {"id": record.pres_ex_id, "type": "present-proof"}
    try:
        invitation = await OutOfBandManager(profile).create_invitation(
            my_label=title, use_did=str(did), attachments=[attachment]
        )
    except BaseError as err:
        await forget_exchange(profile, record.pres_ex_id, "")
        raise ResolutionError(
            "the invitation could not be made: our own DID could not be resolved",
            hint="check that the agent's public site can be reached under its name",
        ) from err
    # ACA-Py leaves the goal out of an invitation that names a DID.
    message, address = invitation.invitation, invitation.invitation_url.partition("?")[0]
    message.goal_code, message.goal = goal_code(purpose), goal(purpose)
    return SentQuestion(record.thread_id, record.pres_ex_id, invitation.invi_msg_id, message.to_url(address))


async def end_exchange(profile: Profile, pres_ex_id: str, *, verified: bool | None, reason: str) -> None:
    """Write the end of an exchange into ACA-Py's record, where there still is one.

    Args:
        profile: whose record.
        pres_ex_id: which.
        verified: True = accepted, False = refused, None = there was nothing to verify.
        reason: codes for the record, nothing personal.
    """
    async with profile.session() as session:
        try:
            record = await V20PresExRecord.retrieve_by_id(session, pres_ex_id)
        except StorageNotFoundError:
            return
        record.state = V20PresExRecord.STATE_DONE if verified else V20PresExRecord.STATE_ABANDONED
        record.verified = None if verified is None else str(verified).lower()
        record.error_msg = None if verified else reason
        record.pres = None
        await record.save(session, reason="verification ended")


async def forget_exchange(profile: Profile, pres_ex_id: str, invitation_id: str) -> None:
    """Remove ACA-Py's records of an exchange that has ended, where they still are."""
    async with profile.session() as session:
        with suppress(StorageNotFoundError):
            await (await V20PresExRecord.retrieve_by_id(session, pres_ex_id)).delete_record(session)
        for record in await OobRecord.query(session, {"invi_msg_id": invitation_id}):
            await record.delete_record(session)
