"""The messages of DID Exchange (Aries RFC 0023) and of connection reuse (RFC 0434), made and read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aries_askar import Key

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.attached import decode_attached
from wanderbuch.plugins.exchange.connecting.genesis import genesis_did, is_genesis
from wanderbuch.plugins.exchange.connecting.signed_text import read_signed_text, signed_text
from wanderbuch.plugins.exchange.packing import PREFIX
from wanderbuch.store.once import own_id
from wanderbuch.visible_text import visible

REUSE: Final = "out-of-band/1.1/handshake-reuse"
REQUEST_NOT_ACCEPTED: Final = "request_not_accepted"
NOT_ACTIVE: Final = "existing_connection_not_active"
_MAX_LABEL: Final = 128
_MAX_DOCUMENT_BYTES: Final = 16 * 1024


class HandshakeError(ExchangeError):
    """A message of a handshake is not as it should be, or not from whom it should be; nothing was kept."""

    code = "exchange.handshake"


@dataclass(frozen=True, slots=True)
class Introduction:
    """Who somebody says that they are, in a request or a response; only its form is checked.

    Args:
        did: theirs; an old one may lack its method.
        document: of that DID, where it was attached.
        attachment: `did_doc~attach`, signed by somebody.
        unverified_label: what they call themselves.
        takes_packed: whether they take packed numbers (ADR 120).
    """

    did: str
    document: Mapping[str, Any] | None = field(repr=False)
    attachment: object = field(repr=False)
    unverified_label: str | None
    takes_packed: bool = False


def read_introduction(members: Mapping[str, Any]) -> Introduction:
    """Return who a request or a response says that its sender is.

    Raises:
        ExchangeError: it names no DID, or has a document of another one.
    """
    did, attachment, label = (members.get(name) for name in ("did", "did_doc~attach", "label"))
    if not isinstance(did, str) or not did:
        raise HandshakeError("expected the DID of the sender, found none")
    document = None
    if attachment is not None:
        if not isinstance(attachment, Mapping):
            raise HandshakeError("expected a DID document as attachment, found something else")
        document = decode_attached(attachment, "did_doc~attach", max_bytes=_MAX_DOCUMENT_BYTES).content
        if str(document.get("id")).removeprefix("did:sov:") != did.removeprefix("did:sov:"):
            raise HandshakeError("expected the DID document of the sender's DID, found another")
        if is_genesis(did) and genesis_did(document) != did:
            raise HandshakeError("expected the DID document that the sender's DID is the hash of, found another")
    elif not did.startswith("did:"):
        raise HandshakeError("expected a DID, found something else")
    shown = visible(label)[:_MAX_LABEL] if isinstance(label, str) else None
    takes_packed = members.get("takes_packed") is True
    return Introduction(did, document, attachment, shown or None, takes_packed)


def request_message(*, protocol: str, request_id: str, invitation_id: str, label: str, did: str) -> dict[str, Any]:
    """Return a request to connect; its id is the thread of the handshake."""
    return _on(f"{protocol}/request", request_id, request_id, invitation_id) | {"label": label, "did": did}


def response_message(
    *, protocol: str, request_id: str, invitation_id: str, did: str, key: Key, invitation_key: str
) -> dict[str, Any]:
    """Return the answer to a request; the same again for the same request.

    Args:
        protocol: as the request had it.
        request_id: of the request.
        invitation_id: of the invitation that it named.
        did: ours for this connection.
        key: our secret one that the invitation was for.
        invitation_key: the public one, base58.
    """
    rotation = {"@id": "did", "mime-type": "text/string", "data": signed_text(did, key=key, own_key=invitation_key)}
    named = own_id("response", request_id, did)
    return _on(f"{protocol}/response", named, request_id, invitation_id) | {"did": did, "did_rotate~attach": rotation}


def is_document_signed(introduced: Introduction, *, by: tuple[str, ...]) -> bool:
    """Return whether the attached document was signed by one of these keys."""
    return read_signed_text(introduced.attachment, by=by) is not None


def is_did_signed(members: Mapping[str, Any], introduced: Introduction, *, by: tuple[str, ...]) -> bool:
    """Return whether a response's DID, or the document of it, was signed by one of the keys of who invited."""
    if introduced.document is not None:
        return is_document_signed(introduced, by=by)
    signed = read_signed_text(members.get("did_rotate~attach"), by=by)
    return signed is not None and signed == introduced.did.encode()


def complete_message(*, protocol: str, request_id: str, invitation_id: str) -> dict[str, Any]:
    """Return what ends a handshake; it may be sent as often as one likes."""
    return _on(f"{protocol}/complete", own_id("complete", request_id), request_id, invitation_id)


def reuse_message(*, reuse_id: str, invitation_id: str) -> dict[str, Any]:
    """Return the wish to go on over a connection that is there."""
    return _on(REUSE, reuse_id, reuse_id, invitation_id)


def reuse_accepted_message(*, kind: str, reuse_id: str, invitation_id: str) -> dict[str, Any]:
    """Return the consent to that; `kind` is the type of the wish, whose version is kept."""
    return _on(f"{kind}-accepted", own_id("reuse-accepted", reuse_id), reuse_id, invitation_id)


def protocol_of(kind: str) -> str:
    """Return the protocol of a message type: "didexchange/1.1"."""
    return kind.rpartition("/")[0]


def _on(kind: str, message_id: str, thread_id: str, invitation_id: str) -> dict[str, Any]:
    return {
        "@type": f"{PREFIX}{kind}",
        "@id": message_id,
        "~thread": {"thid": thread_id, "pthid": invitation_id},
    }
