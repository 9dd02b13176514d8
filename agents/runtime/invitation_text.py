"""What stands in a QR code or a link: an invitation, or where to ask for one. Pure; nothing is fetched here.

In this order:

1. White space and invisible marks that messengers put into long links are taken out of a link.
2. A text that begins with `{` is the invitation itself.
3. `oob` or `_oob` in the query of an https or didcomm link carries it, in base64url or in standard base64, with or
   without padding, escaped or not (Aries RFC 0434, "Standard Out-of-Band Message Encoding").
4. `_url` carries the short link to ask, as it is or in base64. An https link without any of these is a short link.
5. What other wallets' links carry (older invitations, other protocols) is refused by its name.

An invitation is strict JSON, of the type out-of-band 1.x.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from wanderbuch.plugins.exchange.connecting.invitations import InvitationError
from wanderbuch.strict_json import StrictJsonError, read_strict_json

__all__ = [
    "MAX_INVITATION_BYTES",
    "InvitationError",
    "ShortAddress",
    "read_invitation",
    "read_location",
    "read_text",
]

MAX_INVITATION_BYTES: Final = 64 * 1024
_MAX_DEPTH: Final = 32
_CARRIES: Final = ("oob", "_oob")
_LEADS: Final = "_url"
_TYPE: Final = re.compile(
    r"(https://didcomm\.org/|did:sov:BzCbsNYhMrjHiqZDTUASHg;spec/)out-of-band/1\.[0-9]{1,3}/invitation"
)
_ASK_ANEW: Final = "ask the sender for an out-of-band invitation (Aries RFC 0434)"
_OTHER_PARAMETERS: Final = {
    "c_i": "an invitation of the older connections protocol (c_i, Aries RFC 0160), which this wallet does not speak",
    "d_m": "a message without a connection (d_m, Aries RFC 0056), which this wallet does not take",
    "credential_offer": "an offer by OpenID (OpenID4VCI), which this wallet does not speak",
    "credential_offer_uri": "an offer by OpenID (OpenID4VCI), which this wallet does not speak",
    "request_uri": "a request by OpenID (OpenID4VP), which this wallet does not speak",
}
_OTHER_SCHEMES: Final = {
    "openid-credential-offer": "an offer by OpenID (OpenID4VCI), which this wallet does not speak",
    "haip": "an offer or a request by OpenID, which this wallet does not speak",
    "openid": "a request by OpenID, which this wallet does not speak",
    "openid4vp": "a request by OpenID (OpenID4VP), which this wallet does not speak",
    "mdoc": "a request for an ISO 18013-5 document, which this wallet does not hold",
}


@dataclass(frozen=True, slots=True)
class ShortAddress:
    """An https address that has to be asked for the invitation."""

    url: str


def read_text(text: str) -> dict[str, Any] | ShortAddress:
    """Return the invitation that a scanned or pasted text carries, or the address to ask for it.

    Raises:
        InvitationError: it is neither; says what it is, where that can be told.
    """
    if len(text) > MAX_INVITATION_BYTES:
        raise InvitationError(f"expected at most {MAX_INVITATION_BYTES} characters, found {len(text)}")
    if text.strip().startswith("{"):  # 2
        return read_invitation(text.strip())
    return _read_link(_joined(text), may_lead=True)


def read_location(location: str) -> dict[str, Any]:
    """Return the invitation that the Location of a redirect carries; the redirect itself is not followed.

    Raises:
        InvitationError: it carries none.
    """
    if len(location) > MAX_INVITATION_BYTES:
        raise InvitationError(f"expected at most {MAX_INVITATION_BYTES} characters, found {len(location)}")
    link = _read_link(_joined(location), may_lead=False)
    if isinstance(link, ShortAddress):
        raise InvitationError(
            "the short link leads to a page that carries no invitation",
            hint="open the page in a browser and scan there",
        )
    return link


def read_invitation(received: bytes | str) -> dict[str, Any]:
    """Return an invitation in JSON.

    Raises:
        InvitationError: it is not strict JSON, or not an out-of-band invitation 1.x.
    """
    try:
        message = read_strict_json(received, max_bytes=MAX_INVITATION_BYTES, max_depth=_MAX_DEPTH)
    except StrictJsonError as err:
        raise InvitationError(f"expected an invitation in JSON: {err.message}", hint=_ASK_ANEW) from err
    if not isinstance(message, dict):
        raise InvitationError("expected an invitation, found other JSON", hint=_ASK_ANEW)
    _check_type(message)
    return message


def _check_type(message: Mapping[str, Any]) -> None:
    named = message.get("@type")
    if isinstance(named, str) and _TYPE.fullmatch(named):
        return
    told = named if isinstance(named, str) else message.get("type")
    if not isinstance(told, str):
        raise InvitationError("expected an invitation, found JSON that does not say what it is", hint=_ASK_ANEW)
    if re.search(r"connections/1\.[0-9]+/invitation$", told):
        raise InvitationError(f"this is {_OTHER_PARAMETERS['c_i']}", hint=_ASK_ANEW)
    if re.search(r"out-of-band/2\.[0-9]+/invitation$", told):
        raise InvitationError(
            "this is an invitation of DIDComm version 2, which this wallet does not speak", hint=_ASK_ANEW
        )
    raise InvitationError("expected an invitation (out-of-band 1.x), found another message", hint=_ASK_ANEW)


def _read_link(text: str, *, may_lead: bool) -> dict[str, Any] | ShortAddress:
    try:
        parts = urlsplit(text)
    except ValueError as err:
        raise InvitationError("expected a link with an invitation, found a text that is no link") from err
    if parts.scheme in _OTHER_SCHEMES:  # 5
        raise InvitationError(f"this is {_OTHER_SCHEMES[parts.scheme]}", hint=_ASK_ANEW)
    if parts.scheme == "http":
        raise InvitationError(
            "expected a link that begins with https, found http", hint="ask the sender for a link with https"
        )
    if parts.scheme not in ("https", "didcomm"):
        raise InvitationError(
            "expected a link that begins with https:// or didcomm://, found something else", hint=_ASK_ANEW
        )
    parameters = _parameters(parts)
    carried = [parameters[name] for name in _CARRIES if name in parameters]
    if len(carried) > 1:
        raise InvitationError("expected one invitation in the link, found both oob and _oob", hint=_ASK_ANEW)
    if carried:  # 3
        return read_invitation(_from_base64(carried[0]))
    if _LEADS in parameters:  # 4
        if not may_lead:
            raise InvitationError("the short link leads to another short link", hint=_ASK_ANEW)
        return _short_address(parameters[_LEADS])
    for name, told in _OTHER_PARAMETERS.items():  # 5
        if name in parameters:
            raise InvitationError(f"this is {told}", hint=_ASK_ANEW)
    if parts.scheme == "didcomm":
        raise InvitationError(
            "expected an invitation in the didcomm link (oob=…), found none and no address to ask", hint=_ASK_ANEW
        )
    return ShortAddress(text)


def _short_address(value: bytes) -> ShortAddress:
    """Return the address behind `_url`, given as it is or in base64."""
    if not value.lower().startswith(b"https:"):
        value = _from_base64(value)
    try:
        address = _joined(value.decode("ascii"))
        is_https = urlsplit(address).scheme == "https"
    except ValueError:
        is_https = False
    if not is_https:
        raise InvitationError("expected an https address behind _url=, found something else", hint=_ASK_ANEW)
    return ShortAddress(address)


def _parameters(parts: SplitResult) -> dict[str, bytes]:
    """Return the query unescaped; a `+` stays one: it is a digit of base64, and nobody sends a form here.

    Raises:
        InvitationError: one that we read stands there twice.
    """
    parameters: dict[str, bytes] = {}
    for pair in parts.query.split("&"):
        name, _, value = pair.partition("=")
        if name in parameters and name in (*_CARRIES, _LEADS):
            raise InvitationError(f"expected one invitation in the link, found {name} twice", hint=_ASK_ANEW)
        parameters[name] = unquote_to_bytes(value.encode(errors="replace"))
    return parameters


def _from_base64(value: bytes) -> bytes:
    """Return what base64url or standard base64 encodes, with or without padding, whatever spaces stand in it."""
    digits = b"".join(value.split()).replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
    try:
        return base64.b64decode(digits + b"=" * (-len(digits) % 4), validate=True)
    except binascii.Error as err:
        raise InvitationError(
            "expected an invitation in base64 in the link, found something else; perhaps the link is cut off",
            hint="copy the whole link, or scan the code again",
        ) from err


def _joined(text: str) -> str:
    """Return a link without white space, invisible marks and the angle brackets that mail puts around it (1)."""
    bare = text
    if not (text.isascii() and text.isprintable() and " " not in text):  # as hardly ever
        bare = "".join(
            letter for letter in text if not letter.isspace() and unicodedata.category(letter) not in ("Cf", "Cc")
        )
    return bare.removeprefix("<").removesuffix(">")
