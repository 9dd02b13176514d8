"""The messages of present-proof 2.0 (Aries RFC 0454) with AnonCreds attachments (RFC 0771), made and read.

A presentation that came is read by `plugins.trust.verifying.anoncreds.presentation`, which is stricter.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from wanderbuch.plugins.exchange.attached import Attached, attach, read_attached
from wanderbuch.plugins.exchange.left_out import MayBeLeftOut
from wanderbuch.plugins.exchange.packing import PREFIX

PROTOCOL: Final = "present-proof/2.0"
REQUEST: Final = f"{PROTOCOL}/request-presentation"
PRESENTATION: Final = f"{PROTOCOL}/presentation"
ACK: Final = f"{PROTOCOL}/ack"
PROBLEM: Final = f"{PROTOCOL}/problem-report"

_REQUEST_FORMAT: Final = "anoncreds/proof-request@v1.0"
_PROOF_FORMAT: Final = "anoncreds/proof@v1.0"
_ATTACH_ID: Final = "anoncreds"
_MAX_REQUEST_BYTES: Final = 128 * 1024


def request_message(
    *,
    message_id: str,
    proof_request_json: str,
    may_be_left_out: MayBeLeftOut | None = None,
    goal_code: str | None = None,
    comment: str | None = None,
) -> dict[str, Any]:
    """Return a request; `message_id` is the thread that the answer comes on.

    Args:
        message_id: its id.
        proof_request_json: what is asked.
        may_be_left_out: what an answer may leave out; for wallets that know of that, others answer all.
        goal_code: what it is for, where no invitation has said so beside it (Aries RFC 0454).
        comment: what people should know before they answer (there, too).
    """
    return {
        "@type": f"{PREFIX}{REQUEST}",
        "@id": message_id,
        **({} if goal_code is None else {"goal_code": goal_code}),
        **({} if comment is None else {"comment": comment}),
        "will_confirm": True,
        "takes_packed": True,  # packed numbers (ADR 120): for wallets of ours, others ignore the member
        **({} if may_be_left_out is None else may_be_left_out.member()),
        **attach(
            proof_request_json, attach_id=_ATTACH_ID, of_format=_REQUEST_FORMAT, name="request_presentations~attach"
        ),
    }


def read_request_message(members: Mapping[str, Any]) -> Attached:
    """Return the AnonCreds proof request; AttachedError: there is not one."""
    return read_attached(
        members, "request_presentations~attach", of_format=_REQUEST_FORMAT, max_bytes=_MAX_REQUEST_BYTES
    )


def presentation_message(
    *, thread_id: str, invitation_id: str | None, proof_json: str, service: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return a presentation.

    Args:
        thread_id: of the request.
        invitation_id: of the invitation that brought the request, where there is no connection.
        proof_json: the AnonCreds presentation.
        service: where we listen for the end of it, where there is no connection (Aries RFC 0056).
    """
    thread = {"thid": thread_id} | ({} if invitation_id is None else {"pthid": invitation_id})
    return {
        "@type": f"{PREFIX}{PRESENTATION}",
        "@id": str(uuid4()),
        "~thread": thread,
        **({} if service is None else {"~service": dict(service)}),
        **attach(proof_json, attach_id=_ATTACH_ID, of_format=_PROOF_FORMAT, name="presentations~attach"),
    }


def ack_message(*, thread_id: str) -> dict[str, Any]:
    """Return the acknowledgement that a proof was accepted (Aries RFC 0015, with the result of RFC 0454)."""
    return {
        "@type": f"{PREFIX}{ACK}",
        "@id": str(uuid4()),
        "~thread": {"thid": thread_id},
        "status": "OK",
        "verification_result": "true",
    }
