"""Out-of-band 2.0 invitations, written and read (DIDComm Messaging 2.1 §Out Of Band Messages).

An invitation says whom to write to: a DID. Nobody is proven to have made it, so what it says of its goal is shown to
people as its maker's word. An answer names it as its parent thread.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from wanderbuch.plugins.exchange.v2.did_documents import PROFILE
from wanderbuch.plugins.exchange.v2.jwe import to_base64url
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext, PlaintextError

INVITATION: Final = "https://didcomm.org/out-of-band/2.0/invitation"
MAX_URL_CHARS: Final = 16 * 1024
_MAX_GOAL_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class V2Invitation:
    """An invitation.

    Args:
        id: the parent thread of an answer.
        did: whom to write to.
        goal: what for, in words for people; None: it does not say.
        goal_code: the same for programs.
    """

    id: str
    did: str
    goal: str | None = None
    goal_code: str | None = None

    def url(self, base: str) -> str:
        """Return it as an address below `base`, an https address without a query."""
        told = {"goal": self.goal, "goal_code": self.goal_code, "accept": [PROFILE]}
        body = {name: value for name, value in told.items() if value is not None}
        message = Plaintext(self.id, INVITATION, body, self.did)
        return f"{base}?_oob={to_base64url(message.to_json())}"


def new_invitation(did: str, *, goal: str | None = None, goal_code: str | None = None) -> V2Invitation:
    """Return an invitation to write to a DID of ours."""
    return V2Invitation(str(uuid4()), did, goal, goal_code)


def read_invitation(url: str) -> V2Invitation:
    """Return the invitation in an address.

    Raises:
        PlaintextError: there is none, or not one of DIDComm v2.
    """
    if len(url) > MAX_URL_CHARS:
        raise PlaintextError(f"expected an address of at most {MAX_URL_CHARS} characters")
    try:
        fields = parse_qs(urlsplit(url).query, max_num_fields=16)
    except ValueError as err:
        raise PlaintextError("expected the address of an invitation") from err
    values = fields.get("_oob", [])
    if len(values) != 1:
        if not values and "oob" in fields:
            raise PlaintextError("expected an invitation of DIDComm v2 (_oob=), found one of DIDComm v1 (oob=)")
        raise PlaintextError("expected the address of an invitation of DIDComm v2 (…?_oob=…), found another")
    message = Plaintext.read(_decoded(values[0]), max_bytes=MAX_URL_CHARS)
    if message.type != INVITATION or message.sender is None:
        raise PlaintextError("expected an invitation of DIDComm v2 that says whom to write to")
    accept = message.body.get("accept")
    if accept is not None and (not isinstance(accept, list) or PROFILE not in accept):
        raise PlaintextError(f"expected an invitation that takes {PROFILE}, found one that does not")
    return V2Invitation(message.id, message.sender, _text(message, "goal"), _text(message, "goal_code"))


def _decoded(text: str) -> bytes:
    bare = text.rstrip("=")  # some write the padding
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as err:
        raise PlaintextError("expected an invitation in base64url") from err


def _text(message: Plaintext, name: str) -> str | None:
    value: Any = message.body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MAX_GOAL_CHARS:
        raise PlaintextError(f"expected {name} to be a text of at most {_MAX_GOAL_CHARS} characters")
    return value
