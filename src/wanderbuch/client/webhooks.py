"""The receiving end of a webhook: is a delivery ours, and fresh?

Standard Webhooks 1.0.0, symmetric signature; docs/events.md says what is sent.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from wanderbuch.client.models import Event
from wanderbuch.errors import WanderbuchError
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_PREFIX: Final = "whsec_"
_VERSION: Final = "v1,"
_MAX_BYTES: Final = 64 * 1024
_MAX_DEPTH: Final = 8
_OLDEST: Final = timedelta(minutes=5)


class SignatureMismatchError(WanderbuchError):
    """A delivery was not signed with this secret, or is too old."""

    code = "client.signature"


def verified_event(
    secret: str, headers: Mapping[str, str], body: bytes, *, at: datetime, oldest: timedelta = _OLDEST
) -> Event:
    """Return the event of a delivery whose signature holds.

    Args:
        secret: of the webhook, "whsec_…".
        headers: of the delivery, in any case.
        body: exactly as it came.
        at: now, aware.
        oldest: older deliveries, and such from the future, are refused.

    Raises:
        SignatureMismatchError: answer 401, and do nothing with it.
    """
    told = {name.lower(): value for name, value in headers.items()}
    message_id, sent = told.get("webhook-id", ""), told.get("webhook-timestamp", "")
    if len(body) > _MAX_BYTES:
        raise SignatureMismatchError(f"expected at most {_MAX_BYTES} bytes, found {len(body)}")
    if not (message_id and sent.isascii() and sent.isdigit() and len(sent) <= 12):
        raise SignatureMismatchError("expected webhook-id and webhook-timestamp")
    if abs(at.timestamp() - int(sent)) > oldest.total_seconds():
        raise SignatureMismatchError("this was not signed within the last minutes", hint="is the clock right?")
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as err:
        raise SignatureMismatchError("the secret is none: expected whsec_ and base64") from err
    signed = b".".join((message_id.encode(), sent.encode(), body))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    given = told.get("webhook-signature", "").split()
    if not any(
        hmac.compare_digest(one.removeprefix(_VERSION).encode(), expected) for one in given if one.startswith(_VERSION)
    ):
        raise SignatureMismatchError("the signature does not hold", hint="is it the secret of this webhook?")
    try:
        return Event.model_validate(read_strict_json(body, max_bytes=_MAX_BYTES, max_depth=_MAX_DEPTH)["data"])
    except (StrictJsonError, ValidationError, KeyError, TypeError) as err:
        raise SignatureMismatchError("the body is no event, although it is signed") from err
