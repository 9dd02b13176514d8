"""The messages of issue-credential 2.0 (Aries RFC 0453) with AnonCreds attachments (RFC 0771), made and read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeIs
from uuid import uuid4

from wanderbuch.plugins.exchange.attached import Attached, AttachedError, attach, read_attached
from wanderbuch.plugins.exchange.packing import PREFIX

PROTOCOL: Final = "issue-credential/2.0"
OFFER: Final = f"{PROTOCOL}/offer-credential"
REQUEST: Final = f"{PROTOCOL}/request-credential"
ISSUE: Final = f"{PROTOCOL}/issue-credential"
ACK: Final = f"{PROTOCOL}/ack"
PROBLEM: Final = f"{PROTOCOL}/problem-report"
PROPOSAL: Final = f"{PROTOCOL}/propose-credential"

_PREVIEW: Final = f"{PREFIX}{PROTOCOL}/credential-preview"
_OFFER_FORMAT: Final = "anoncreds/credential-offer@v1.0"
_REQUEST_FORMAT: Final = "anoncreds/credential-request@v1.0"
_CREDENTIAL_FORMAT: Final = "anoncreds/credential@v1.0"
_ATTACH_ID: Final = "anoncreds"
_MAX_OFFER_BYTES: Final = 128 * 1024
# An honest request has some 3,000; the library takes its numbers as exponents, and nothing can cut it short.
_MAX_REQUEST_BYTES: Final = 32 * 1024
_MAX_CREDENTIAL_BYTES: Final = 256 * 1024
_MAX_ATTRIBUTES: Final = 64
_MAX_NAME: Final = 512


@dataclass(frozen=True, slots=True)
class OfferMessage:
    """An offer as it came; only its form is checked.

    Args:
        preview: name, value and MIME type of each attribute.
        offer: the AnonCreds credential offer.
    """

    preview: tuple[tuple[str, object, str | None], ...] = field(repr=False)
    offer: Attached


def offer_message(
    *,
    message_id: str,
    invitation_id: str | None,
    values: Mapping[str, str],
    offer_json: str,
    thread_id: str | None = None,
) -> dict[str, Any]:
    """Return an offer; `message_id` is the thread that everything else comes on, unless `thread_id` is one already."""
    thread = {name: value for name, value in (("thid", thread_id), ("pthid", invitation_id)) if value is not None}
    return {
        "@type": f"{PREFIX}{OFFER}",
        "@id": message_id,
        "~thread": thread,
        "credential_preview": {
            "@type": _PREVIEW,
            "attributes": [{"name": name, "value": value} for name, value in values.items()],
        },
        **attach(offer_json, attach_id=_ATTACH_ID, of_format=_OFFER_FORMAT, name="offers~attach"),
    }


def read_offer_message(members: Mapping[str, Any]) -> OfferMessage:
    """Return what an offer offers.

    Raises:
        AttachedError: it is not one AnonCreds offer with a preview of its attributes.
    """
    preview = members.get("credential_preview")
    attributes = preview.get("attributes") if isinstance(preview, dict) else None
    if not isinstance(attributes, list) or not 0 < len(attributes) <= _MAX_ATTRIBUTES:
        raise AttachedError(f"expected a preview of 1 to {_MAX_ATTRIBUTES} attributes")
    read: list[tuple[str, object, str | None]] = []
    for attribute in attributes:
        name, mime_type = (
            (attribute.get("name"), attribute.get("mime-type")) if isinstance(attribute, dict) else (None, None)
        )
        if not _is_short(name) or not (mime_type is None or _is_short(mime_type)):
            raise AttachedError(f"expected a name of at most {_MAX_NAME} characters for each attribute of the preview")
        read.append((name, attribute.get("value"), mime_type))
    offer = read_attached(members, "offers~attach", of_format=_OFFER_FORMAT, max_bytes=_MAX_OFFER_BYTES)
    return OfferMessage(tuple(read), offer)


def _is_short(text: object) -> TypeIs[str]:
    return isinstance(text, str) and len(text) <= _MAX_NAME


def request_message(*, thread_id: str, request_json: str) -> dict[str, Any]:
    """Return a request."""
    return _on(REQUEST, thread_id) | attach(
        request_json, attach_id=_ATTACH_ID, of_format=_REQUEST_FORMAT, name="requests~attach"
    )


def read_request_message(members: Mapping[str, Any]) -> Attached:
    """Return the AnonCreds credential request; AttachedError: there is not one, or it is larger than any honest one."""
    return read_attached(members, "requests~attach", of_format=_REQUEST_FORMAT, max_bytes=_MAX_REQUEST_BYTES)


def issue_message(*, thread_id: str, credential_json: str) -> dict[str, Any]:
    """Return a message with a credential; it asks for an acknowledgement (Aries RFC 0317)."""
    return (
        _on(ISSUE, thread_id)
        | attach(credential_json, attach_id=_ATTACH_ID, of_format=_CREDENTIAL_FORMAT, name="credentials~attach")
        | {"~please_ack": {"on": ["RECEIPT"]}}
    )


def read_issue_message(members: Mapping[str, Any]) -> Attached:
    """Return the AnonCreds credential; AttachedError: there is not one."""
    return read_attached(members, "credentials~attach", of_format=_CREDENTIAL_FORMAT, max_bytes=_MAX_CREDENTIAL_BYTES)


def ack_message(*, thread_id: str) -> dict[str, Any]:
    """Return the acknowledgement that the credential is kept (Aries RFC 0015)."""
    return acknowledging(PROTOCOL, thread_id=thread_id)


def acknowledging(protocol: str, *, thread_id: str) -> dict[str, Any]:
    """Return an acknowledgement of a protocol ("revocation_notification/2.0"; Aries RFC 0015)."""
    return _on(f"{protocol}/ack", thread_id) | {"status": "OK"}


def _on(kind: str, thread_id: str) -> dict[str, Any]:
    return {"@type": f"{PREFIX}{kind}", "@id": str(uuid4()), "~thread": {"thid": thread_id}}
