"""Invitations (Aries RFC 0434, out-of-band 1.1), made and read.

Anybody may have written what is read, so it is taken apart once, strictly, into a type of its own:

1. its id is a short text that can stand in a log;
2. it names one service: a DID, or a block with an address and did:key keys;
3. it asks to connect by DID Exchange 1.1 or 1.0, or carries one message, or both;
4. what people are shown is cut short and proves nothing.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import msgspec

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.attached import AttachedError, decode_attached
from wanderbuch.plugins.exchange.connecting.did_documents import Contact, key_of_did_key
from wanderbuch.plugins.exchange.packing import PREFIX
from wanderbuch.plugins.webvh.foreign_dids import ForeignDidError, check_did
from wanderbuch.store.once import own_id
from wanderbuch.visible_text import visible

HANDSHAKES: Final = ("didexchange/1.1", "didexchange/1.0")
"""The versions of DID Exchange that we speak, the newest first."""

_TYPE: Final = f"{PREFIX}out-of-band/1.1/invitation"
_ACCEPT: Final = ("didcomm/aip1", "didcomm/aip2;env=rfc19")
_ASK_ANEW: Final = "ask the sender for a new invitation"
_ID: Final = re.compile(r"[!-~]{1,128}")
_HANDSHAKE: Final = re.compile(
    r"(?:https://didcomm\.org/|did:sov:BzCbsNYhMrjHiqZDTUASHg;spec/)didexchange/1\.([0-9]{1,3})"
)
_MAX_TEXT: Final = 512
_MAX_ATTACHED_BYTES: Final = 64 * 1024
_MAX_KEYS: Final = 4
_MAX_ENDPOINT_CHARS: Final = 2_048
_ENCODER: Final = msgspec.json.Encoder()


class InvitationError(ExchangeError):
    """What was scanned or pasted is not an invitation that this wallet can open."""

    code: ClassVar[str] = "exchange.invitation"


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that somebody else made; its sender proves nothing by it, but by answering.

    Args:
        id: chosen by whoever made it: two inviters may use the same.
        service: the DID of the inviter, or how to reach them where they named none.
        handshakes: how it asks to connect, in the order of the inviter, as in `HANDSHAKES`; empty: it does not.
        attached: the message that it carries; None if it carries none.
        unverified_label: what the inviter calls itself.
        goal_code: what it is for, for programs.
        goal: what it is for, for people.
    """

    id: str
    service: str | Contact
    handshakes: tuple[str, ...]
    attached: Mapping[str, Any] | None = field(repr=False)
    unverified_label: str | None
    goal_code: str | None
    goal: str | None

    @property
    def service_did(self) -> str | None:
        """The DID of the inviter; None where only an address and keys are named."""
        return self.service if isinstance(self.service, str) else None

    @property
    def service_digest(self) -> str:
        """What tells who is to be answered: anybody who sees an invitation can make another one with its id."""
        block = self.service
        told = block if isinstance(block, str) else (block.endpoint, block.keys, block.routing_keys)
        return hashlib.sha256(_ENCODER.encode(told)).hexdigest()

    @property
    def handshake_id(self) -> str:
        """The id of the connection on this invitation."""
        return own_id("invited", self.id, self.service_digest)


def invitation_message(
    *,
    invitation_id: str,
    label: str,
    did: str,
    attached: Mapping[str, Any] | None = None,
    is_to_connect: bool = True,
    goal_code: str | None = None,
    goal: str | None = None,
) -> dict[str, Any]:
    """Return an invitation.

    Args:
        invitation_id: its own.
        label: what we call ourselves.
        did: ours; its keys answer.
        attached: the message that it carries.
        is_to_connect: whether it asks for a connection.
        goal_code: what it is for, for programs.
        goal: what it is for, for people.
    """
    told = {"goal_code": goal_code, "goal": goal}
    message: dict[str, Any] = {"@type": _TYPE, "@id": invitation_id, "label": label, "services": [did]}
    message |= {name: value for name, value in told.items() if value is not None}
    message["accept"] = list(_ACCEPT)
    if is_to_connect:
        message["handshake_protocols"] = [f"{PREFIX}{HANDSHAKES[0]}"]
    if attached is not None:
        carried = {"@id": "request-0", "mime-type": "application/json", "data": {"json": dict(attached)}}
        message["requests~attach"] = [carried]
    return message


def invitation_address(base: str, message: Mapping[str, Any]) -> str:
    """Return the address that carries an invitation: `<base>?oob=…`."""
    encoded = base64.urlsafe_b64encode(_ENCODER.encode(message)).rstrip(b"=").decode("ascii")
    return f"{base}?oob={encoded}"


def read_invitation_message(members: Mapping[str, Any]) -> Invitation:
    """Return the invitation in a message, which is strict JSON of the type `out-of-band/1.x/invitation`.

    Raises:
        InvitationError: it breaks a rule of this module.
    """
    ident = members.get("@id")
    if not isinstance(ident, str) or not _ID.fullmatch(ident):  # 1
        raise _refused("an id of 1 to 128 printable characters")
    handshakes, attached = _handshakes(members.get("handshake_protocols")), _attached(members)
    if not handshakes and attached is None:  # 3
        raise _refused("an invitation with an offer, with a request, or to connect by DID Exchange")
    return Invitation(
        ident,
        _service(members.get("services")),
        handshakes,
        attached,
        *(_told(members.get(name)) for name in ("label", "goal_code", "goal")),
    )


def _handshakes(listed: object) -> tuple[str, ...]:
    """Return the versions that we speak; a newer minor version is spoken as our newest (Aries RFC 0003)."""
    handshakes: dict[str, None] = {}
    for text in _texts(listed, "handshake_protocols"):
        if (match := _HANDSHAKE.fullmatch(text)) is not None:
            handshakes[HANDSHAKES[1] if int(match[1]) == 0 else HANDSHAKES[0]] = None
    return tuple(handshakes)


def _service(listed: object) -> str | Contact:
    if not isinstance(listed, list) or len(listed) != 1:
        raise _refused("an invitation by one service")
    (service,) = listed
    try:
        if not isinstance(service, Mapping):
            return check_did(service)
        keys = [key_of_did_key(text) for text in _texts(service.get("recipientKeys"), "recipientKeys")]
        routing = [key_of_did_key(text) for text in _texts(service.get("routingKeys"), "routingKeys")]
    except ForeignDidError as err:
        raise InvitationError(f"the invitation names its sender in a wrong way: {err.message}", hint=_ASK_ANEW) from err
    endpoint = service.get("serviceEndpoint")
    if not 0 < len(keys) <= _MAX_KEYS or len(routing) > _MAX_KEYS:
        raise _refused(f"1 to {_MAX_KEYS} keys of the inviter, and of mediators at most {_MAX_KEYS}")
    if not isinstance(endpoint, str) or len(endpoint) > _MAX_ENDPOINT_CHARS:
        raise _refused("an address to answer to")
    return Contact("", tuple(dict.fromkeys(keys)), endpoint, tuple(routing))


def _attached(members: Mapping[str, Any]) -> Mapping[str, Any] | None:
    listed = members.get("requests~attach")
    if listed is None or listed == []:
        return None
    if not isinstance(listed, list) or len(listed) != 1 or not isinstance(listed[0], Mapping):
        raise _refused("one offer or request at the most")
    try:
        content = decode_attached(listed[0], "requests~attach", max_bytes=_MAX_ATTACHED_BYTES).content
    except AttachedError as err:
        raise InvitationError(f"the invitation cannot be used: {err.message}", hint=_ASK_ANEW) from err
    if not isinstance(content.get("@type"), str) or not isinstance(content.get("@id"), str):
        raise _refused("an offer or a request in the invitation")
    return content


def _texts(listed: object, name: str) -> Sequence[str]:
    if listed is None:
        return ()
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise _refused(f"texts in {name}")
    return listed


def _told(text: object) -> str | None:
    if not isinstance(text, str):
        return None
    return visible(text)[:_MAX_TEXT] or None


def _refused(expected: str) -> InvitationError:
    return InvitationError(f"expected {expected}; the invitation has something else", hint=_ASK_ANEW)
