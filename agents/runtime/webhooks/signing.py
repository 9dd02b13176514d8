"""Signed by the scheme of Standard Webhooks 1.0.0 (standardwebhooks.com, "Symmetric signature": HMAC-SHA-256).

webhook-id: evt_…             the same whenever this event is sent to this address
webhook-timestamp: 1764000000 when this attempt began, in seconds
webhook-signature: v1,<base64> over "<id>.<timestamp>.<body>"; one after the other while a secret is being replaced
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Final

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32  # 24 to 64 are allowed


def new_secret() -> str:
    """Return a fresh secret as the specification writes it: `whsec_` and base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(keys: Iterable[str], message_id: str, at_s: int, body: bytes) -> Mapping[str, str]:
    """Return the headers of one delivery.

    Args:
        keys: the secrets in force, as `new_secret` writes them.
        message_id: without a full stop.
        at_s: seconds since 1970.
        body: exactly what is sent.
    """
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(_signature(key, message_id, at_s, body) for key in keys),
    }


def _signature(key: str, message_id: str, at_s: int, body: bytes) -> str:
    signed = b".".join((message_id.encode(), str(at_s).encode(), body))
    digest = hmac.new(base64.b64decode(key.removeprefix(_PREFIX)), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
